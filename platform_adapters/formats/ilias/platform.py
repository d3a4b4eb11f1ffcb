"""ILIAS: progress, access and results of tests, as CSV."""

from __future__ import annotations

from platform_adapters.declared import Declared
from platform_adapters.formats.ilias import attempt, objects, progress, read_event, result

FORMAT = Declared(
    name="ilias",
    summary="ILIAS's ut_lp_marks, read_event, tst_* with object_data and obj_members (CSV; .gz)",
    tried_on="never on a live site's tables; written after ILIAS's tracking classes",
    fold=True,
    rows=(progress.ROWS, read_event.ROWS, attempt.ROWS, result.ROWS),
    catalogues=(objects.ENTRIES,),
).format()
