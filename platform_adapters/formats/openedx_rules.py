"""What Open edX's tracking events mean: native name to verb, place and outcome, as data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from platform_adapters.values import get, number, ratio, share

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Data = dict[str, Any]
Outcome = dict[str, Any]
INPUT = "problem_check of one input"
"""Our own name for what became of one of a problem's inputs."""


@dataclass(frozen=True, slots=True)
class Rule:
    """What one native event means.

    Attributes:
        verb: Its verb, unless `outcome` says otherwise.
        about: `block`, `input`, `video`, `course`, `thread`, or `page` (of a textbook).
        outcome: Adds scores and the like; may change the verb, or give `ignore`.
    """

    verb: str
    about: str = "block"
    outcome: Callable[[Data], Outcome] | None = None


def _points(data: Data, got: str, possible: str) -> Outcome:
    raw, high = number(data.get(got), f"data.{got}"), number(data.get(possible), f"data.{possible}")
    low = 0.0 if raw is not None else None
    return {"raw": raw, "min": low, "max": high, "score": ratio(raw, low, high)}


def _problem(data: Data) -> Outcome:
    success = data.get("success")
    attempts = number(data.get("attempts"), "data.attempts")
    return {
        **_points(data, "grade", "max_grade"),
        "success": {"correct": True, "incorrect": False}.get(str(success)),
        "attempt": int(attempts) if attempts else None,
    }


def _one_input(data: Data) -> Outcome:
    """What became of one of a problem's inputs."""
    right = get(data.get("submission"), str(data.get("input")), "correct")
    attempts = number(data.get("attempts"), "data.attempts")
    return {
        "success": right if isinstance(right, bool) else None,
        "attempt": int(attempts) if attempts else None,
    }


def _exam(data: Data) -> Outcome:
    spent = number(
        data.get("attempt_event_elapsed_time_secs"), "data.attempt_event_elapsed_time_secs"
    )
    return {"duration_seconds": spent if spent and spent > 0 else None}


def _weighted(data: Data) -> Outcome:
    return _points(data, "weighted_earned", "weighted_possible")


def _subsection(data: Data) -> Outcome:
    return _points(data, "weighted_graded_earned", "weighted_graded_possible")


def _course_grade(data: Data) -> Outcome:
    grade = share(number(data.get("percent_grade"), "data.percent_grade"))
    return {"score": grade, "raw": grade, "min": 0.0, "max": 1.0}


def _block_completion(data: Data) -> Outcome:
    done = number(data.get("completion"), "data.completion")
    if done == 1:
        return {"verb": "completed", "completion": True, "progress": 1.0}
    return {"progress": share(done), "completion": False if done is not None else None}


def _aggregated(data: Data) -> Outcome:
    """Progress of 1.0 is not completion: a completion event of its own says that."""
    return {"progress": share(number(data.get("percent"), "data.percent"))}


def _complete(data: Data) -> Outcome:
    del data
    return {"completion": True}


def _position(data: Data) -> Outcome:
    now = data.get("currentTime", data.get("new_time"))
    now = number(now, "data.currentTime")
    return {"progress": ratio(now, 0.0, number(data.get("duration"), "data.duration"))}


_VIDEO: Mapping[str, Rule] = {
    name: Rule(verb, "video", outcome)
    for names, verb, outcome in (
        (("load_video", "edx.video.loaded"), "viewed", None),
        (("play_video", "edx.video.played"), "started", _position),
        (("pause_video", "edx.video.paused"), "progressed", _position),
        (("seek_video", "edx.video.position.changed"), "progressed", _position),
        (("stop_video", "edx.video.stopped"), "progressed", _position),
        (("complete_video", "edx.video.completed"), "completed", _complete),
    )
    for name in names
}
_AGGREGATED: Mapping[str, Rule] = {
    f"{prefix}.completion_aggregator.{kind}.{level}": Rule(
        "progressed" if kind == "progress" else "completed",
        "course" if level == "course" else "block",
        _aggregated if kind == "progress" else _complete,
    )
    for prefix in ("openedx", "edx")
    for kind in ("progress", "completion")
    for level in ("course", "chapter", "sequential", "vertical")
}
_EXAMS: Mapping[str, Rule] = {
    f"edx.special_exam.{kind}.attempt.{step}": Rule(verb, outcome=outcome)
    for kind in ("timed", "proctored", "practice")
    for step, verb, outcome in (("created", "started", None), ("submitted", "submitted", _exam))
}
RULES: Mapping[str, Rule] = {
    "problem_check": Rule("answered", outcome=_problem),
    INPUT: Rule("answered", "input", _one_input),
    "showanswer": Rule("hinted"),
    "problem_show": Rule("hinted"),  # of the same click as `showanswer`
    "book": Rule("viewed", "page"),
    "edx.drag_and_drop_v2.item.dropped": Rule("interacted"),
    "edx.problem.hint.demandhint_displayed": Rule("hinted"),
    "edx.grades.problem.submitted": Rule("scored", outcome=_weighted),
    "edx.grades.subsection.grade_calculated": Rule("scored", outcome=_subsection),
    "edx.grades.course.grade_calculated": Rule("scored", "course", _course_grade),
    "edx.course.grade.now_passed": Rule("passed", "course"),
    "edx.course.grade.passed.first_time": Rule("passed", "course"),
    "edx.course.grade.now_failed": Rule("failed", "course"),
    "edx.completion.block_completion.changed": Rule("progressed", outcome=_block_completion),
    "edx.course.enrollment.activated": Rule("enrolled", "course"),
    "edx.course.enrollment.deactivated": Rule("unenrolled", "course"),
    "edx.forum.thread.created": Rule("interacted", "thread"),
    "edx.forum.response.created": Rule("interacted", "thread"),
    "edx.forum.comment.created": Rule("interacted", "thread"),
    "edx.forum.thread.viewed": Rule("viewed", "thread"),
    "edx.forum.thread.voted": Rule("rated", "thread"),
    "edx.forum.response.voted": Rule("rated", "thread"),
    "openassessmentblock.create_submission": Rule("submitted"),
    "openassessmentblock.peer_assess": Rule("interacted"),
    "openassessmentblock.self_assess": Rule("interacted"),
    "openassessment.student_training_assess_example": Rule("interacted"),
    **_VIDEO,
    **_AGGREGATED,
    **_EXAMS,
}
