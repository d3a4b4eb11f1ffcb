"""Blackboard Learn: tables of Direct Data Access and of Blackboard Data, as CSV."""

from __future__ import annotations

from platform_adapters.declared import Declared
from platform_adapters.formats.blackboard import (
    activity,
    attempt,
    contents,
    data_grade,
    grade,
    gradebook,
)

FORMAT = Declared(
    name="blackboard",
    summary="Blackboard's activity_accumulator, attempt, gradebook_grade with course_users, "
    "cdm_lms.grade, the downloaded gradebook (CSV; .gz), course_contents",
    tried_on="two downloaded gradebooks that instructors published, names replaced; tables never "
    "on a live site's, written after the vendor's descriptions",
    fold=True,
    rows=(activity.ROWS, attempt.ROWS, grade.ROWS, data_grade.ROWS, gradebook.ROWS),
    catalogues=(contents.ENTRIES,),
).format()
