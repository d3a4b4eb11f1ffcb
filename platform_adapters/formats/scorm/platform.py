"""SCORM 1.2 and 2004 tracks, as Moodle keeps them: one row for each element of an attempt."""

from __future__ import annotations

from platform_adapters.declared import Declared
from platform_adapters.formats.scorm import scoes, track, value

FORMAT = Declared(
    name="scorm",
    summary="SCORM 1.2 and 2004 tracks: Moodle's scorm_scoes_track or scorm_scoes_value (CSV; .gz)",
    tried_on="never on a live site's tracks; written after Moodle's schema and SCORM's own",
    rows=(track.ROWS, value.ROWS),
    catalogues=(scoes.ENTRIES,),
).format()
