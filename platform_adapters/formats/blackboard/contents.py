"""Blackboard's `course_contents`: the catalogue."""

from __future__ import annotations

from platform_adapters.catalogues.declared import Entries

ENTRIES = Entries(
    what="Blackboard's table course_contents",
    example="Content 902 of course 17 is the document *Cell walls* in folder 900.",
    marks={"pk1", "crsmain_pk1", "title"},
    fields={
        "item": "pk1",
        "title": "title",
        "course": "crsmain_pk1",
        "section": "parent_pk1",
        "position": "position",
        "type": "cnthndlr_handle",
        "available_from": "start_date",
        "available_until": "end_date",
        "hidden": "available_ind",
    },
    hidden={"N", "n"},
)
