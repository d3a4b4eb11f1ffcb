"""Moodle's `scorm_scoes`: the objects of SCORM packages, as a catalogue."""

from __future__ import annotations

from platform_adapters.catalogues.declared import Entries
from platform_adapters.fields import about

ENTRIES = Entries(
    what="Moodle's table scorm_scoes",
    example="*Fire safety 1* is the second object of package 12.",
    marks={"id", "scorm", "identifier", "scormtype", "title"},
    fields={
        "item": about("sco", "id"),
        "title": "title",
        "course": about("scorm", "scorm"),
        "section": "parent",
        "position": "sortorder",
        "type": "scormtype",
    },
    when=lambda row: row.get("scormtype") == "sco",
)
