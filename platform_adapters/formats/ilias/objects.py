"""ILIAS's `object_data`: the catalogue."""

from __future__ import annotations

from platform_adapters.catalogues.declared import Entries
from platform_adapters.formats.ilias import words

_NO_MATERIAL = words.CONTAINERS | {"usr", "role", "rolf"}

ENTRIES = Entries(
    what=words.OBJECTS.what,
    example="The learning module 311 is *Fire safety*.",
    marks=words.OBJECTS.marks,
    fields={
        "item": "obj_id",
        "title": "title",
        "description": "description",
        "course": words.course,
        "position": "position",
        "type": lambda row: "course" if row.get("type") == "crs" else row.get("type"),
        "hidden": "offline",
    },
    when=lambda row: row.get("type") not in _NO_MATERIAL,
)
