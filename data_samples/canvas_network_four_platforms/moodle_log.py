"""Dogwood: a Moodle log store, its grade items and its course table."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

from facts import Fact, Platform, compact, noon, write_gzip

if TYPE_CHECKING:
    from collections.abc import Iterable

# Dogwood: Moodle logstore ---------------------------------------------------------------------

LOGSTORE = (
    "id,eventname,component,action,target,objecttable,objectid,crud,edulevel,contextid,"
    "contextlevel,contextinstanceid,userid,courseid,relateduserid,anonymous,other,timecreated,"
    "origin,ip,realuserid"
)
MOODLE_EVENTS = {
    "enrolled": ("user_enrolment_created", "created", "user_enrolment", "user_enrolments", "c"),
    "viewed": ("course_viewed", "viewed", "course", "", "r"),
    "completed": ("course_completed", "completed", "course", "course_completions", "u"),
    "graded": ("user_graded", "graded", "user", "grade_grades", "u"),
}
ADMIN = 2


def csv_text(rows: Iterable[Iterable[object]]) -> Iterable[str]:
    """CSV lines, quoted where needed."""
    for row in rows:
        text = io.StringIO()
        csv.writer(text, lineterminator="").writerow(row)
        yield text.getvalue()


def logstore_rows(platform: Platform, facts: list[Fact]) -> Iterable[list[object]]:
    """Rows of `mdl_logstore_standard_log`; partial progress has no event in Moodle."""
    number = 0
    for fact in facts:
        learner, course = platform.people[fact.person], platform.numbers[fact.course]
        seconds = noon(fact.day)
        enrolled_by_admin = bool(platform.rng.random() < 1 / 3)
        for step in fact.steps:
            if step == "progressed":
                continue
            number += 1
            name, action, target, table, crud = MOODLE_EVENTS[step]
            about = "" if step == "viewed" else learner
            actor, origin, other = learner, "web", ""
            if step == "enrolled":
                actor = ADMIN if enrolled_by_admin else learner
                other = compact({"enrol": "manual" if enrolled_by_admin else "self"})
            elif step == "completed":
                actor, origin, other = 0, "cli", compact({"relateduserid": learner})
            elif step == "graded":
                final = f"{100 * (fact.grade or 0):.5f}"
                actor = ADMIN
                other = compact(
                    {"itemid": str(1000 + course), "overridden": False, "finalgrade": final}
                )
            yield [
                *(number, f"\\core\\event\\{name}", "core", action, target, table),
                *(number if table else "", crud, 2 if step == "viewed" else 0, 5000 + course),
                *(50, course, actor, course, about, 0, other, seconds, origin, "", ""),
            ]


def write_dogwood(platform: Platform, facts: list[Fact]) -> int:
    """Write Dogwood, its grade items and its course table; return the number of events."""
    numbered = sorted((platform.numbers[c.source_id], c) for c in platform.courses)
    items = [["id", "courseid", "itemtype", "itemmodule", "iteminstance", "gradetype"]]
    items[0] += ["grademin", "grademax", "gradepass"]
    rows: list[list[object]] = [
        [1000 + n, n, "course", "", n, 1, "0.00000", "100.00000", "0.00000"] for n, _ in numbered
    ]
    grade_items = "\n".join(csv_text([*items, *rows])) + "\n"
    (platform.folder / "grade_items.csv").write_text(grade_items, encoding="utf-8")
    header = ["id", "category", "sortorder", "fullname", "shortname", "idnumber", "summary"]
    header += ["format", "lang", "startdate", "visible", "duration_minutes"]
    order = {course.source_id: place for place, course in enumerate(platform.courses)}
    table: list[list[object]] = [
        [
            *(n, 1, 10000 + order[c.source_id], c.title, c.code, c.content_key, c.description),
            *("topics", "en", noon(c.start), 1, c.minutes),
        ]
        for n, c in numbered
    ]
    catalogue = "\n".join(csv_text([header, *table])) + "\n"
    (platform.folder / "catalogue.csv").write_text(catalogue, encoding="utf-8")
    lines = csv_text(logstore_rows(platform, facts))
    header_and_lines = (line for part in ([LOGSTORE], lines) for line in part)
    return write_gzip(platform.folder / "events.csv.gz", header_and_lines) - 1
