"""IMS Common Cartridge and SCORM packages: a course's order, links and prerequisites.

See `platform_adapters.catalogues.cartridge`; there are no learners in a cartridge.
"""

from __future__ import annotations

from platform_adapters.catalogues import cartridge
from platform_adapters.catalogues.declared import Reader
from platform_adapters.declared import Declared

_PACKAGE = Reader(
    what="a Common Cartridge or SCORM package",
    example="*Cell walls* is the second step of the folder *Week 1* and leads to a web page.",
    marks={cartridge.MANIFEST},
    read=cartridge.read_catalogue,
    kinds=("zip",),
)

FORMAT = Declared(
    name="cartridge",
    summary="catalogues only: Common Cartridge 1.0 to 1.3 (.imscc), SCORM packages (.zip)",
    tried_on="15 cartridges of Canvas's own viewer and converter (six have modules) and the "
    "manifests of four published SCORM 1.2 courses; never on a live site's export",
    catalogues=(_PACKAGE,),
).format()
