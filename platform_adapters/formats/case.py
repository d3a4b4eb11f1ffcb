"""CASE: a framework of competencies, as skills (see `platform_adapters.catalogues.case`).

Example: *Biology 2: explains osmosis* comes after *Biology 1: names the parts of a cell*.
"""

from __future__ import annotations

from platform_adapters.catalogues import case
from platform_adapters.catalogues.declared import Reader
from platform_adapters.declared import Declared
from platform_adapters.format import Sign

FORMAT = Declared(
    name="case",
    summary="catalogues only: competency frameworks in CASE 1.0 and 1.1 (JSON; .gz)",
    example="*Biology 2: explains osmosis* comes after *Biology 1: names the parts of a cell*.",
    tried_on="never on a published framework; written after the specification",
    catalogues=(
        Reader(
            Sign(
                "a CASE framework",
                frozenset({"CFDocument", "CFItems"}),
                ("json",),
                role="catalogue",
            ),
            case.read_catalogue,
        ),
    ),
).format()
