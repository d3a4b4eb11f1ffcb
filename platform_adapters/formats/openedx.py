"""Open edX tracking logs: one event a line, in the new and in the legacy shape.

After the event reference and the fixtures of event-routing-backends. What is kept here:

- new events are `{name, timestamp, context, data}`, older ones `{event_type, time, context,
  event}`, and `event` may be a JSON text or, from a browser, a form;
- the learner is `data.user_id` first: a grader's or a job's context names somebody else;
- a browser's `problem_check` is the same click as the server's and is ignored;
- possible points of 0 give no score, not a score of 0 or a success.

Example: Ana answered the problem *Osmosis* with 2 of 3 points.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from platform_adapters.catalogues import openedx as catalogues_openedx
from platform_adapters.contract import AdaptOptions, Ignored, Interaction
from platform_adapters.errors import RecordError
from platform_adapters.format import Format, Sign
from platform_adapters.readers.files import read_start
from platform_adapters.readers.json_records import read_json
from platform_adapters.values import Clock, get, hashed, identifier, number, ratio, share

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from platform_adapters.contract import Json, Record

Data = dict[str, Any]
Outcome = dict[str, Any]

_COURSE_PAGE = re.compile(r"/courses/([^/]+)/(?:courseware|course)(?:/.*)?")
_SAFE_NAME = re.compile(r"[a-z_]{1,40}(?:\.[a-z_]{1,40}){0,8}")


@dataclass(frozen=True, slots=True)
class Rule:
    """What one native event means.

    Attributes:
        verb: Its verb, unless `outcome` says otherwise.
        about: `block`, `video`, `course`, or `thread`.
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
    f"edx.special_exam.{kind}.attempt.{step}": Rule(verb)
    for kind in ("timed", "proctored", "practice")
    for step, verb in (("created", "started"), ("submitted", "submitted"))
}
RULES: Mapping[str, Rule] = {
    "problem_check": Rule("answered", outcome=_problem),
    "showanswer": Rule("hinted"),
    "problem_show": Rule("hinted"),
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
    **_VIDEO,
    **_AGGREGATED,
    **_EXAMS,
}
_COURSE_VIEW = Rule("viewed", "course")
_FROM_SERVER = frozenset({"problem_check", "showanswer"})


def data_of(event: dict[str, Any]) -> Data:
    """The event's own data, whatever its wrapping; empty if it is a form or nothing."""
    data = event.get("data", event.get("event"))
    if isinstance(data, str) and data.lstrip()[:1] == "{":
        try:
            data = orjson.loads(data)
        except orjson.JSONDecodeError:
            return {}
    return data if isinstance(data, dict) else {}


def learner_of(event: dict[str, Any], data: Data) -> str:
    """Whom the event is about; empty for somebody who is not signed in."""
    context = event.get("context")
    places = (
        data.get("user_id"),
        get(context, "user_id"),
        event.get("username"),
        get(context, "username"),
    )
    for value in places:
        if isinstance(value, int | str) and not isinstance(value, bool):
            text = str(value).strip()
            if text and text not in {"None", "null"}:
                return text
    return ""


def course_of(event: dict[str, Any], data: Data) -> str:
    """The course key; empty if the event names none."""
    course = data.get("course_id") or get(event.get("context"), "course_id")
    return identifier(course, "course_id") if course else ""


def item_of(rule: Rule, event: dict[str, Any], data: Data, course: str) -> str:
    """The block that the event is about; empty if it names none."""
    if rule.about == "thread":
        value = data.get("commentable_id")
        return identifier(value, "data.commentable_id") if value else ""
    places = (
        get(event.get("context"), "module", "usage_key"),
        data.get("problem_id"),
        data.get("block_id"),
        data.get("usage_key"),
        data.get("module_id"),
        data.get("exam_content_id"),
    )
    for value in places:
        if value:
            return identifier(value, "the block's id")
    block = data.get("id")
    if rule.about == "video" and isinstance(block, str) and block and course:
        return identifier(_video_key(block, course), "data.id")
    return ""


def _video_key(block: str, course: str) -> str:
    if block.startswith(("block-v1:", "i4x:")):
        return block
    if course.startswith("course-v1:"):
        return f"block-v1:{course.removeprefix('course-v1:')}+type@video+block@{block}"
    return block


class OpenEdxSession:
    """One import of tracking events."""

    def __init__(self, options: AdaptOptions) -> None:
        self._clock = Clock(options.timezone, "timestamp or time")

    def convert(self, record: Json, line: int) -> Interaction | Ignored:
        """See `platform_adapters.contract.Session`."""
        if not isinstance(record, dict):
            raise RecordError("the record is not a JSON object")
        name = record.get("name") or record.get("event_type")
        if not isinstance(name, str) or not name:
            raise RecordError("neither name nor event_type: not a tracking event")
        rule, course = _rule_for(name)
        if rule is None:
            return Ignored(_reason_for(name), line)
        if name in _FROM_SERVER and record.get("event_source", "server") != "server":
            return Ignored(f"{name} of a browser: the server logs the same click", line)
        data = data_of(record)
        learner = learner_of(record, data)
        if not learner:
            return Ignored("nobody signed in", line)
        course = course or course_of(record, data)
        item = course if rule.about == "course" else item_of(rule, record, data, course)
        if not item:
            return Ignored(f"names no item: {name}", line)
        values = {"verb": rule.verb, **(rule.outcome(data) if rule.outcome else {})}
        session = get(record, "context", "session") or record.get("session")
        return Interaction(
            event_id=hashed(record),
            learner=learner,
            item=item,
            timestamp=self._clock.seconds(record.get("timestamp") or record.get("time")),
            order=None,
            course=course,
            session=session if isinstance(session, str) else "",
            source="openedx:" + ("course page" if rule is _COURSE_VIEW else name),
            **values,
        )


def _rule_for(name: str) -> tuple[Rule | None, str]:
    """The rule, and the course if the name is a page of one."""
    if name[0] != "/":
        return RULES.get(name), ""
    page = _COURSE_PAGE.fullmatch(name)
    return (_COURSE_VIEW, page.group(1).replace(" ", "+")) if page else (None, "")


def _reason_for(name: str) -> str:
    """Why an event without a rule is ignored; a page's path may name a learner and is not told."""
    if name[0] == "/":
        return "request of a page that is not a course's"
    return f"no learning event: {name}" if _SAFE_NAME.fullmatch(name) else "no learning event"


def split(paths: Sequence[Path]) -> tuple[list[Path], list[Path]]:
    """Logs, and catalogues (course lists have `results`, course blocks have `blocks`)."""
    logs: list[Path] = []
    others: list[Path] = []
    for path in paths:
        start = read_start(path)
        has_event = b'"event_type"' in start or (b'"name"' in start and b'"context"' in start)
        is_catalogue = not has_event and (
            b'"results"' in start or b'"blocks"' in start or b'"course_id"' in start
        )
        (others if is_catalogue else logs).append(path)
    return logs, others


def prepare(paths: Sequence[Path], options: AdaptOptions) -> OpenEdxSession:
    """Nothing need be known before the first record."""
    del paths
    return OpenEdxSession(options)


def records(path: Path) -> Iterator[Record]:
    """Events, one a line."""
    return read_json(path)


FORMAT = Format(
    name="openedx",
    summary="Open edX tracking logs, new and legacy shape (JSON lines; .gz)",
    tried_on="never on a live site's log; written after the event reference",
    split=split,
    prepare=prepare,
    records=records,
    read_catalogue=catalogues_openedx.read_catalogue,
    signs=(
        Sign(
            "an Open edX tracking log",
            frozenset({"event_type", "event_source", "context"}),
            ("json",),
        ),
        Sign(
            "an Open edX tracking log, new shape",
            frozenset({"name", "timestamp", "context", "data", "course_id"}),
            ("json",),
        ),
        Sign(
            "an Open edX course-blocks answer",
            frozenset({"blocks", "root", "display_name"}),
            ("json",),
            role="catalogue",
        ),
    ),
    example="Ana answered the problem *Osmosis* with 2 of 3 points.",
)
