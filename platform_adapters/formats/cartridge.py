"""IMS Common Cartridge and SCORM packages: a course's order, links and prerequisites.

See `platform_adapters.catalogues.cartridge`; there are no learners in a cartridge.

Example: *Cell walls* is the second step of the folder *Week 1* and leads to a web page.
"""

from __future__ import annotations

from platform_adapters.catalogues import cartridge
from platform_adapters.catalogues.declared import Reader
from platform_adapters.declared import Declared
from platform_adapters.format import Sign

FORMAT = Declared(
    name="cartridge",
    summary="catalogues only: Common Cartridge 1.0 to 1.3 (.imscc), SCORM packages (.zip)",
    example="*Cell walls* is the second step of the folder *Week 1* and leads to a web page.",
    tried_on="never on a live site's export; written after the specification's examples",
    catalogues=(
        Reader(
            Sign(
                "a Common Cartridge or SCORM package",
                frozenset({cartridge.MANIFEST}),
                ("zip",),
                role="catalogue",
            ),
            cartridge.read_catalogue,
        ),
    ),
).format()
