"""CASE: a framework of competencies, as skills (see `platform_adapters.catalogues.case`)."""

from __future__ import annotations

from platform_adapters.catalogues import case
from platform_adapters.catalogues.declared import Reader
from platform_adapters.declared import Declared

_FRAMEWORK = Reader(
    what="a CASE framework",
    example="*Biology 2: explains osmosis* comes after *Biology 1: names the parts of a cell*.",
    marks={"CFDocument", "CFItems"},
    read=case.read_catalogue,
    kinds=("json",),
)

FORMAT = Declared(
    name="case",
    summary="catalogues only: competency frameworks in CASE 1.0 and 1.1 (JSON; .gz)",
    tried_on="nine frameworks of OpenSALT's samples and tests, one of them Common Core mathematics",
    catalogues=(_FRAMEWORK,),
).format()
