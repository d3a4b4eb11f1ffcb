"""Canvas Live Events: `{metadata, body}`, one event a line.

After the event documentation in canvas-lms. What is kept here:

- the learner stands in the body; `metadata.user_id` is whoever acted, a grader for grades;
- one thing has two ids, local (`123`) and global (shard x 10^13 + 123), sometimes in one
  event: all are made global;
- who is no student (by role or kind of enrolment) is no learner;
- `score` of a submission is raw points: the maximum comes from the assignment's own event;
- an outcome's result names its learner by `uuid` alone: the number comes from the events of users
  in the log, or from the table `users` of Canvas Data 2 beside it;
- a page that lists things (`asset_subtype`) is no item; in a course it is a view of the course.

Ids of different kinds of things overlap, so an item is `assignment:<id>`, `wiki_page:<id>` and
so on; a course is its bare id.

Example: Ana submitted the assignment *Essay 2* and got 5 of 10 points.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from platform_adapters.catalogues import canvas as catalogues_canvas
from platform_adapters.contract import AdaptOptions, Failure, Ignored, Interaction
from platform_adapters.errors import ReadError, RecordError
from platform_adapters.format import Format, Sign
from platform_adapters.formats.canvas_ids import ASSESSED, global_id, shard_of
from platform_adapters.readers.csv_rows import read_csv, read_header
from platform_adapters.readers.files import holds, read_start
from platform_adapters.readers.json_records import read_json
from platform_adapters.values import Clock, boolean, get, hashed, number, ratio, share, text_number

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from platform_adapters.contract import Json, Record

Outcome = dict[str, Any]

STUDENT = "StudentEnrollment"
_SAFE_NAME = re.compile(r"[a-z_]{1,60}")
_ASSIGNMENTS = ("assignment_created", "assignment_updated")
_USERS = ("user_created", "user_updated")
_TOLD = tuple(f'"{name}"'.encode() for name in (*_ASSIGNMENTS, *_USERS))
_USER_COLUMNS = (frozenset({"id", "uuid"}), frozenset({"key.id", "value.uuid"}))


@dataclass(frozen=True, slots=True)
class Told:
    """What other events say that an event leaves out.

    Attributes:
        points: Maximum points of assignments, by global id.
        users: Ids of users, by `uuid`.
    """

    points: dict[str, float] = field(default_factory=dict)
    users: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)  # not frozen: one is made for each record
class Event:
    """One Live Event, opened."""

    name: str
    metadata: dict[str, Any]
    body: dict[str, Any]
    shard: int
    told: Told

    def id(self, *path: str) -> str:
        """A global id from the body; empty if it is not there."""
        found = get(self.body, *path)
        return global_id(found, self.shard, "body", *path) if found is not None else ""

    @property
    def course(self) -> str:
        """The course, where the event names one."""
        found = self.id("course_id") or self.id("course", "id")
        if found:
            return found
        for around in (self.metadata, self.body):
            if around.get("context_type") == "Course":
                return global_id(around.get("context_id"), self.shard, "context_id")
        return ""


@dataclass(frozen=True, slots=True)
class Rule:
    """What one native event means.

    Attributes:
        verb: Its verb, unless `outcome` says otherwise.
        learner: Where in the body the learner stands; empty: whoever acted.
        item: Kind of item and where in the body its id stands; empty: the course.
        outcome: Adds scores and the like; may change the verb, or give `ignore`.
    """

    verb: str
    learner: tuple[str, ...]
    item: tuple[str, ...] = ()
    outcome: Callable[[Event], Outcome] | None = None


def _enrolment(event: Event) -> Outcome:
    if event.body.get("type") != STUDENT:
        return {"ignore": "enrolment of somebody who is no student"}
    state = str(event.body.get("workflow_state"))
    if state in {"deleted", "inactive", "rejected"}:
        return {"verb": "unenrolled"}
    if event.name == "enrollment_updated" and state != "active":
        return {"ignore": "enrolment changed, but neither begun nor ended"}
    return {}


def _asset(event: Event) -> Outcome:
    role = event.body.get("role") or event.metadata.get("context_role")
    if role != STUDENT:
        return {"ignore": "seen by somebody who is no student"}
    kind = str(event.body.get("asset_type") or "").removeprefix("quizzes:")
    if kind == "course":
        return {"item": event.id("asset_id") or event.course}
    if event.body.get("asset_subtype"):
        return {"ignore": "a page that lists things"}
    asset = event.id("asset_id")
    if not _SAFE_NAME.fullmatch(kind) or not asset:
        raise RecordError("body.asset_type or body.asset_id is missing")
    stronger = {"participate": "interacted", "submit": "submitted"}
    verb = stronger.get(str(event.body.get("level")), "viewed")
    return {"verb": verb, "item": f"{kind}:{asset}"}


def _points(event: Event, raw: float | None, high: float | None) -> Outcome:
    del event
    return {
        "raw": raw,
        "min": 0.0 if raw is not None else None,
        "max": high,
        "score": ratio(raw, 0.0, high),
    }


def _submission(event: Event) -> Outcome:
    """A submission; once graded, its points, if the assignment's maximum was in the log."""
    attempt = text_number(event.body.get("attempt"), "body.attempt")
    found: Outcome = {"attempt": int(attempt) if attempt else None}
    state = event.body.get("workflow_state")
    if state == "unsubmitted":
        return {"ignore": "a submission without content"}
    raw = text_number(event.body.get("score"), "body.score")
    if event.name == "submission_updated" and state == "graded" and raw is not None:
        high = event.told.points.get(event.id("assignment_id"))
        return {**found, "verb": "scored", **_points(event, raw, high)}
    return found


def _grade(event: Event) -> Outcome:
    if event.body.get("muted") is True or event.body.get("grading_complete") is False:
        return {"ignore": "a grade that is not final"}
    raw = text_number(event.body.get("score"), "body.score")
    high = text_number(event.body.get("points_possible"), "body.points_possible")
    if raw is None:
        return {"ignore": "a grade that was taken away"}
    return _points(event, raw, high)


def _course_grade(event: Event) -> Outcome:
    percent = event.body.get("current_score", event.body.get("final_score"))
    raw = text_number(percent, "body.current_score")
    if raw is None:
        return {"ignore": "a course grade without a value"}
    return _points(event, raw, 100.0)


def _override(event: Event) -> Outcome:
    raw = text_number(event.body.get("override_score"), "body.override_score")
    if raw is None:
        return {"ignore": "a course grade without a value"}
    return {**_points(event, raw, 100.0), "evidence": "override"}


def _progress(event: Event) -> Outcome:
    done = number(get(event.body, "progress", "requirement_completed_count"), "completed count")
    total = number(get(event.body, "progress", "requirement_count"), "requirement count")
    if event.name == "course_completed":
        return {"completion": True, "progress": share(ratio(done, 0.0, total))}
    return {"progress": ratio(done, 0.0, total)}


def _outcome_result(event: Event) -> Outcome:
    """What a learner reached of an outcome; the learner's number stands in other events."""
    if event.body.get("workflow_state") == "deleted":
        return {"ignore": "an outcome's result that was taken away"}
    user = event.told.users.get(str(event.body.get("user_uuid")))
    if not user:
        return {"ignore": "an outcome's result of a user_uuid that no event of a user names"}
    kind = ASSESSED.get(str(event.body.get("associated_asset_type")))
    asset = event.id("associated_asset_id")
    raw = text_number(event.body.get("score"), "body.score")
    if raw is None:
        return {"ignore": "an outcome's result without a score"}
    outcome, mastery = event.id("learning_outcome_id"), event.body.get("mastery")
    in_course = event.body.get("result_context_type") == "Course"
    return {
        "learner": global_id(user, event.shard, "user_id"),
        "item": f"{kind}:{asset}" if kind and asset else "",
        "course": event.id("result_context_id") if in_course else "",
        "skill": f"outcome:{outcome}" if outcome else "",
        "success": boolean(mastery, "body.mastery"),
        **_points(event, raw, text_number(event.body.get("possible"), "body.possible")),
    }


_RESULT = Rule("scored", (), (), _outcome_result)
RULES: Mapping[str, Rule] = {
    "enrollment_created": Rule("enrolled", ("user_id",), (), _enrolment),
    "enrollment_updated": Rule("enrolled", ("user_id",), (), _enrolment),
    "asset_accessed": Rule("viewed", (), (), _asset),
    "submission_created": Rule(
        "submitted", ("user_id",), ("assignment", "assignment_id"), _submission
    ),
    "submission_updated": Rule(
        "submitted", ("user_id",), ("assignment", "assignment_id"), _submission
    ),
    "quiz_submitted": Rule("submitted", ("user_id",), ("quiz", "quiz_id")),
    "grade_change": Rule("scored", ("student_id",), ("assignment", "assignment_id"), _grade),
    "course_grade_change": Rule("scored", ("user_id",), (), _course_grade),
    "grade_override": Rule("scored", ("user_id",), (), _override),
    "course_progress": Rule("progressed", ("user", "id"), (), _progress),
    "course_completed": Rule("completed", ("user", "id"), (), _progress),
    "discussion_entry_created": Rule(
        "interacted", ("user_id",), ("discussion_topic", "discussion_topic_id")
    ),
    "learning_outcome_result_created": _RESULT,
    "learning_outcome_result_updated": _RESULT,
}


class CanvasSession:
    """One import of Live Events, with what some of them tell about others."""

    def __init__(self, options: AdaptOptions, told: Told) -> None:
        self._told = told
        self._clock = Clock(options.timezone, "metadata.event_time")

    def convert(self, record: Json, line: int) -> Interaction | Ignored:
        """See `platform_adapters.contract.Session`."""
        event = open_event(record, self._told)
        rule = RULES.get(event.name)
        if rule is None:
            return Ignored(_reason_for(event.name), line)
        real = event.metadata.get("real_user_id")
        if real and real != event.metadata.get("user_id"):
            return Ignored("somebody acted as the learner", line)
        values = {"verb": rule.verb, **(rule.outcome(event) if rule.outcome else {})}
        if "ignore" in values:
            return Ignored(str(values["ignore"]), line)
        learner = values.pop("learner", "") or _learner(rule, event)
        if not learner:
            return Ignored("no user named", line)
        course = values.pop("course", "") or event.course
        item = values.pop("item", "") or _item(rule, event, course)
        if not item:
            return Ignored("no item named", line)
        session = event.metadata.get("session_id")
        return Interaction(
            event_id=hashed(record),
            learner=learner,
            item=item,
            timestamp=self._clock.seconds(event.metadata.get("event_time")),
            order=None,
            course=course,
            session=session if isinstance(session, str) else "",
            source=f"canvas:{event.name}",
            **values,
        )


def _learner(rule: Rule, event: Event) -> str:
    if rule.learner:
        return event.id(*rule.learner)
    return global_id(event.metadata.get("user_id"), event.shard, "metadata.user_id")


def _item(rule: Rule, event: Event, course: str) -> str:
    if not rule.item:
        return course
    kind, field = rule.item
    found = event.id(field)
    return f"{kind}:{found}" if found else ""


def open_event(record: Json, told: Told) -> Event:
    """Check an event's frame.

    Raises:
        RecordError: It is not `{metadata: {event_name, ...}, body}`.
    """
    metadata, body = get(record, "metadata"), get(record, "body")
    name = get(metadata, "event_name")
    if not isinstance(metadata, dict) or not isinstance(body, dict) or not isinstance(name, str):
        raise RecordError("not a Live Event: metadata.event_name or body is missing")
    return Event(name, metadata, body, shard_of(metadata), told)


def _reason_for(name: str) -> str:
    if name == "discussion_entry_submitted":
        return "an entry in a graded discussion: discussion_entry_created tells it"
    return f"no learning event: {name}" if _SAFE_NAME.fullmatch(name) else "no learning event"


def _is_users(path: Path) -> bool:
    """Whether a file is the table `users` of Canvas Data 2, as CSV."""
    columns = frozenset(read_header(path))
    return any(wanted <= columns for wanted in _USER_COLUMNS)


def _is_catalogue(path: Path) -> bool:
    start = read_start(path)
    return start.lstrip()[:1] == b"[" and b'"metadata"' not in start


def split(paths: Sequence[Path]) -> tuple[list[Path], list[Path]]:
    """Logs have `metadata` and `body`; lists of courses or module items are catalogues."""
    logs = [path for path in paths if not _is_catalogue(path) and not _is_users(path)]
    return logs, [path for path in paths if path not in logs]


def prepare(paths: Sequence[Path], options: AdaptOptions) -> CanvasSession:
    """Find what some events leave out before the first of them."""
    logs, others = split(paths)
    told = Told()
    for path in filter(_is_users, others):
        for line, row in read_csv(path, rename=lambda name: name.rpartition(".")[2]):
            if isinstance(row, Failure):
                raise ReadError(f"{path.name}, line {line}: {row.reason}")
            told.users[str(row["uuid"])] = str(row["id"])
    for path in logs:
        _listen(path, told)
    return CanvasSession(options, told)


def _listen(path: Path, told: Told) -> None:
    """Note points and users; only files that hold such events are parsed."""
    if not holds(path, *_TOLD):
        return
    for _, record in read_json(path):
        name = get(record, "metadata", "event_name")
        if isinstance(record, Failure) or name not in (*_ASSIGNMENTS, *_USERS):
            continue
        try:
            event = open_event(record, told)
            if name in _USERS:
                user, uuid = event.id("user_id"), event.body.get("uuid")
                if user and isinstance(uuid, str):
                    told.users[uuid] = user
                continue
            high = text_number(event.body.get("points_possible"), "body.points_possible")
            assignment = event.id("assignment_id")
        except RecordError:
            continue  # counted when the record is converted
        if high is not None and assignment:
            told.points[assignment] = high


def records(path: Path) -> Iterator[Record]:
    """Events, one a line or in an array."""
    return read_json(path)


FORMAT = Format(
    name="canvas",
    summary="Canvas Live Events (JSON lines; .gz)",
    tried_on="never on a live site's log; written after the documented events",
    split=split,
    prepare=prepare,
    records=records,
    read_catalogue=catalogues_canvas.read_catalogue,
    is_catalogue=_is_catalogue,
    signs=(
        Sign(
            "Canvas Live Events",
            frozenset({"metadata", "body", "event_name", "event_time"}),
            ("json",),
        ),
        Sign("Canvas Data 2's table users", frozenset({"id", "uuid"}), ("csv",), role="side"),
        Sign(
            "Canvas' module items or courses",
            frozenset({"id", "title", "module_id", "position"}),
            ("json",),
            role="catalogue",
        ),
    ),
    example="Ana submitted the assignment *Essay 2* and got 5 of 10 points.",
)
