"""What the elements of SCORM's run-time models say, whichever table they stand in.

After the run-time models of SCORM. Kept here: a raw score has no maximum of its own, so that one
that the package did not report is not assumed; a scaled score of 2004 runs from -1 to 1, a progress
measure from 0 to 1; `browsed`, `not attempted` and `unknown` are no learning; what was typed in is
not read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from platform_adapters.declared_rows import Means
from platform_adapters.declared_side import Side
from platform_adapters.fields import Apply, Join, constant
from platform_adapters.values import text_number

if TYPE_CHECKING:
    from collections.abc import Callable

    from platform_adapters.fields import Field

    Beside = Callable[[str], Join]

_STATUSES = ("cmi.completion_status", "cmi.core.lesson_status", "cmi.success_status")
_RAW, _RAW_1_2, _SCALED = "cmi.score.raw", "cmi.core.score.raw", "cmi.score.scaled"
_BESIDE = frozenset(
    {f"cmi.{v}score.{n}" for v in ("", "core.") for n in ("min", "max")} | {_RAW, _SCALED}
)
_ELEMENTS = {*_STATUSES, _RAW_1_2, _RAW, _SCALED, "cmi.progress_measure"}
_OTHER, _REPEATED = "another element", "a scaled score beside a raw one"
_STATES = {
    "completed": Means("completed", {"completion": constant("1")}),
    "passed": Means("passed", {"success": constant("1")}),
    "failed": Means("failed", {"success": constant("0")}),
    "incomplete": Means("progressed", {"completion": constant("0")}),
}
_NO_LEARNING = ("browsed", "not attempted", "unknown", "")
IGNORED = {
    _OTHER: "an element that is no outcome",
    _REPEATED: _REPEATED,
    **{f"{s}={v}": "a status that is no learning" for s in _STATUSES for v in _NO_LEARNING},
}
_PACKAGES = Side("Moodle's table scorm", {"id", "course", "reference", "maxgrade"}, key="id")


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


def bounds(what: str, marks: set[str], element: Field, attempt: tuple[Field, ...]) -> Beside:
    """What finds another element of the same attempt, which stands among the rows of a table."""
    wanted = Apply(_BESIDE.__contains__, (element,))
    side = Side(what, marks, key=(element, *attempt), when=wanted, in_logs=True)
    return lambda name: Join(side, (constant(name), *attempt), "value")


def event(element: Field, beside: Beside) -> Apply:
    """What a row says."""
    return Apply(_event, (element, "value", beside(_RAW)))


def verbs(beside: Beside) -> dict[str, str | Means]:
    """What that means."""

    def points(version: str) -> dict[str, Field]:
        return {"raw": "value", "min": beside(f"{version}.min"), "max": beside(f"{version}.max")}

    scaled: dict[str, Field] = {"score": Apply(_unit, (beside(_SCALED),))}
    return {
        **{f"{s}={v}": means for s in _STATUSES for v, means in _STATES.items()},
        _RAW_1_2: Means("scored", points("cmi.core.score")),
        _RAW: Means("scored", {**points("cmi.score"), **scaled}),
        _SCALED: Means("scored", {"score": Apply(_unit, ("value",))}),
        "cmi.progress_measure": Means("progressed", {"progress": "value"}),
    }


def package(scorm: Field) -> dict[str, Field]:
    """The package and its course."""
    own = Apply(lambda value: f"scorm:{value}" if value else "", (scorm,))
    return {"parent_item": own, "course": Join(_PACKAGES, scorm, "course")}
