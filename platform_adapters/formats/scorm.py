"""SCORM 1.2 and 2004 tracks, as Moodle keeps them: one row for each element of an attempt.

After Moodle's mod/scorm/db/install.xml and the run-time models of SCORM. Until Moodle 4.2 rows
stand in `scorm_scoes_track`; since 4.3 in `scorm_scoes_value`, with `scorm_attempt` and
`scorm_element` beside it. What goes wrong in naive readers, and is kept here:

- a raw score has no maximum of its own: one that the package did not report is not assumed;
- a scaled score of 2004 runs from -1 to 1, a progress measure from 0 to 1;
- `browsed`, `not attempted` and `unknown` are no learning; what was typed in is not read;
- tracks of teachers look like those of learners: name the teachers with `--staff`.

Example: Ana passed the object *Fire safety 1* with 80 of 100 points at her first attempt.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from platform_adapters.catalogues.declared import Entries
from platform_adapters.declared import Declared, Side
from platform_adapters.declared_rows import Means, Rows
from platform_adapters.fields import Apply, Join, about, constant
from platform_adapters.format import Sign
from platform_adapters.values import text_number

if TYPE_CHECKING:
    from platform_adapters.fields import Field

_STATUSES = frozenset({"cmi.core.lesson_status", "cmi.completion_status", "cmi.success_status"})
_RAW, _SCALED = "cmi.score.raw", "cmi.score.scaled"
_BESIDE = frozenset(
    {f"cmi.{v}score.{n}" for v in ("", "core.") for n in ("min", "max")} | {_RAW, _SCALED}
)
_ELEMENTS = _STATUSES | {"cmi.core.score.raw", _RAW, _SCALED, "cmi.progress_measure"}
_OTHER, _REPEATED = "another element", "a scaled score beside a raw one"


_MEANS = {
    "completed": Means("completed", {"completion": constant("1")}),
    "passed": Means("passed", {"success": constant("1")}),
    "failed": Means("failed", {"success": constant("0")}),
    "incomplete": Means("progressed", {"completion": constant("0")}),
}
_NO_LEARNING = ("browsed", "not attempted", "unknown", "")


def _event(element: str | None, value: str | None, raw: object) -> str:
    """The element; of a status with its value, which says what happened."""
    if element not in _ELEMENTS:
        return _OTHER
    if element in _STATUSES:
        return f"{element}={(value or '').strip().lower()}"
    return _REPEATED if element == _SCALED and raw is not None else element


def _unit(value: object) -> float | None:
    found = text_number(value, _SCALED)
    return None if found is None else max(0.0, min(1.0, found))


def _key(element: str | None, *attempt: object) -> tuple[object, ...]:
    return (element, *attempt)


def _tracks(
    name: str, marks: set[str], element: Field, owner: dict[str, Field], attempt: tuple[str, ...]
) -> tuple[Rows, Side]:
    """The rows of one version of the tables, and the bounds of scores that stand among them."""
    columns = frozenset({*marks, "scoid", "value", "timemodified"})

    def beside(wanted: str) -> Join:
        return Join(name, Apply(partial(_key, wanted), attempt), "value")

    def scaled(where: Field) -> Apply:
        return Apply(_unit, (where,))

    def points(version: str) -> dict[str, Field]:
        return {"raw": "value", "min": beside(f"{version}.min"), "max": beside(f"{version}.max")}

    rows = Rows(
        name=name.removeprefix("scorm_scoes_"),
        what=f"Moodle's table {name}",
        marks=columns,
        learner=owner["learner"],
        item=about("sco", "scoid"),
        time="timemodified",
        event=Apply(_event, (element, "value", beside(_RAW))),
        verbs={
            **{f"{s}={v}": means for s in sorted(_STATUSES) for v, means in _MEANS.items()},
            "cmi.core.score.raw": Means("scored", points("cmi.core.score")),
            _RAW: Means(
                "scored", {**points("cmi.score"), "score": Apply(_unit, (beside(_SCALED),))}
            ),
            _SCALED: Means("scored", {"score": Apply(_unit, ("value",))}),
            "cmi.progress_measure": Means("progressed", {"progress": "value"}),
        },
        ignored={
            _OTHER: "an element that is no outcome",
            _REPEATED: _REPEATED,
            **{
                f"{s}={v}": "a status that is no learning"
                for s in sorted(_STATUSES)
                for v in _NO_LEARNING
            },
        },
        fields={column: owner[column] for column in ("attempt", "parent_item", "course")},
        identity="id",
    )
    side = Side(
        name=name,
        what=rows.what,
        marks=columns,
        key=Apply(_key, (element, *attempt)),
        keep=("value",),
        when=Apply(_BESIDE.__contains__, (element,)),
        in_logs=True,
    )
    return rows, side


def _package(value: object) -> str:
    return f"scorm:{value}" if value else ""


_OWN = _tracks(
    "scorm_scoes_track",
    {"userid", "scormid", "attempt", "element"},
    "element",
    {
        "learner": "userid",
        "attempt": "attempt",
        "parent_item": Apply(_package, ("scormid",)),
        "course": Join("packages", "scormid", "course"),
    },
    ("userid", "scormid", "scoid", "attempt"),
)
_SCORM = Join("attempts", "attemptid", "scormid")
_SPLIT = _tracks(
    "scorm_scoes_value",
    {"attemptid", "elementid"},
    Join("elements", "elementid", "element"),
    {
        "learner": Join("attempts", "attemptid", "userid"),
        "attempt": Join("attempts", "attemptid", "attempt"),
        "parent_item": Apply(_package, (_SCORM,)),
        "course": Join("packages", Apply(lambda scorm: scorm, (_SCORM,)), "course"),
    },
    ("attemptid", "scoid"),
)

FORMAT = Declared(
    name="scorm",
    summary="SCORM 1.2 and 2004 tracks: Moodle's scorm_scoes_track or scorm_scoes_value (CSV; .gz)",
    example="Ana passed the object *Fire safety 1* with 80 of 100 points at her first attempt.",
    tried_on="never on a live site's tracks; written after Moodle's schema and SCORM's own",
    rows=(_OWN[0], _SPLIT[0]),
    sides=(
        Side(
            name="attempts",
            what="Moodle's table scorm_attempt",
            marks=frozenset({"id", "userid", "scormid", "attempt"}),
            key="id",
            keep=("userid", "scormid", "attempt"),
        ),
        Side(
            name="elements",
            what="Moodle's table scorm_element",
            marks=frozenset({"id", "element"}),
            key="id",
            keep=("element",),
        ),
        Side(
            name="packages",
            what="Moodle's table scorm",
            marks=frozenset({"id", "course", "reference", "maxgrade"}),
            key="id",
            keep=("course",),
        ),
        _OWN[1],
        _SPLIT[1],
    ),
    catalogues=(
        Entries(
            Sign(
                "Moodle's table scorm_scoes",
                frozenset({"id", "scorm", "identifier", "scormtype", "title"}),
                role="catalogue",
            ),
            fields={
                "item": about("sco", "id"),
                "title": "title",
                "course": about("scorm", "scorm"),
                "section": "parent",
                "position": "sortorder",
                "type": "scormtype",
            },
            when=lambda row: row.get("scormtype") == "sco",
        ),
    ),
).format()
