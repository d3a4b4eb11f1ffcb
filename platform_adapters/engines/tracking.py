"""Open edX's tracking events as what `formats/openedx/` says that they mean.

New events are `{name, timestamp, context, data}`, older ones `{event_type, time, context, event}`,
and `event` may be a JSON text or, from a browser, a form. The learner is `data.user_id` first: a
grader's or a job's context names somebody else.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import orjson

from platform_adapters.contract import AdaptOptions, Failure, Ignored, Interaction
from platform_adapters.errors import RecordError
from platform_adapters.formats.openedx.courses import COURSE_PAGE, COURSE_VIEW
from platform_adapters.formats.openedx.problems import FROM_SERVER, INPUT
from platform_adapters.readers.files import Position, read_lines, read_start
from platform_adapters.readers.json_records import NOT_JSON, TOO_LONG, read_json
from platform_adapters.values import Clock, get, hashed, identifier

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from platform_adapters.contract import Json, Record
    from platform_adapters.formats.openedx.words import Data, Rule

_ASSET = re.compile(r"asset-v1:.+|c4x/.+")
_BLOCK_NAMES = ("problem_id", "block_id", "usage_key", "module_id", "exam_content_id")
_OTHER_LOG = "a line of another log"
MARK = b"[tracking]"
"""What a logger writes in front of tracking events."""

_NOBODY = frozenset({"", "None", "null"})
_SAFE_NAME = re.compile(r"[a-z_][a-z0-9_]{0,39}(?:\.[a-z0-9_]{1,40}){0,8}")
_HASH = re.compile(r"[0-9a-f]{16}")


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
    return (
        _named(data.get("user_id"))
        or _named(data.get("attempt_user_id"))
        or _named(get(context, "user_id"))
        or _named(event.get("username"))
        or _named(get(context, "username"))
        or _named(data.get("username"))
    )


def _named(value: object) -> str:
    """A user's number or name; empty if it is none."""
    if isinstance(value, int | str) and not isinstance(value, bool):
        text = str(value).strip()
        return text if text not in _NOBODY else ""
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
    value = get(event.get("context"), "module", "usage_key")
    for name in _BLOCK_NAMES:
        value = value or data.get(name)
    if value:
        return identifier(value, "the block's id")
    block = data.get("id")
    if rule.about == "video" and isinstance(block, str) and block and course:
        return identifier(_video_key(block, course), "data.id")
    if rule.about == "page":
        found = _ASSET.search(unquote(str(data.get("chapter"))))
        return identifier(found.group(), "data.chapter") if found else ""
    return ""


def _video_key(block: str, course: str) -> str:
    if block.startswith(("block-v1:", "i4x:")):
        return block
    if course.startswith("course-v1:"):
        return f"block-v1:{course.removeprefix('course-v1:')}+type@video+block@{block}"
    # In courses of the old form the browser writes dashes for slashes.
    start = "i4x-" + course.rpartition("/")[0].replace("/", "-") + "-video-"
    return (
        f"i4x://{course.rpartition('/')[0]}/video/{block.removeprefix(start)}"
        if block.startswith(start)
        else block
    )


class TrackingSession:
    """One import of tracking events."""

    def __init__(self, options: AdaptOptions, rules: Mapping[str, Rule]) -> None:
        self._rules = rules
        self._clock = Clock(options.timezone, "timestamp or time")

    def convert(self, record: Json, line: int) -> Interaction | Ignored:
        """See `platform_adapters.contract.Session`."""
        if not isinstance(record, dict):
            raise RecordError("the record is not a JSON object")
        name = record.get("name") or record.get("event_type")
        if not isinstance(name, str) or not name:
            raise RecordError("neither name nor event_type: not a tracking event")
        rule, course = self._rule_for(name)
        if rule is None:
            return Ignored(_reason_for(name), line)
        data = data_of(record)
        learner = learner_of(record, data)
        told = _nobodys(name, record, data, learner)
        if told:
            return Ignored(told, line)
        course = course or course_of(record, data)
        item = course if rule.about == "course" else item_of(rule, record, data, course)
        if not item:
            return Ignored(f"names no item: {name}", line)
        values = {"verb": rule.verb, **(rule.outcome(data) if rule.outcome else {})}
        if rule.about == "input":
            values["parent_item"] = item
            item = f"{item.rpartition('@')[0]}@{identifier(data.get('input'), 'the input')}"
        session = get(record, "context", "session") or record.get("session")
        return Interaction(
            event_id=hashed(record),
            learner=learner,
            item=item,
            timestamp=self._clock.seconds(record.get("timestamp") or record.get("time")),
            order=None,
            course=course,
            session=session if isinstance(session, str) else "",
            source="openedx:" + ("course page" if rule is COURSE_VIEW else name),
            **values,
        )

    def _rule_for(self, name: str) -> tuple[Rule | None, str]:
        """The rule, and the course if the name is a page of one."""
        if name[0] != "/":
            return self._rules.get(name), ""
        page = COURSE_PAGE.fullmatch(name)
        return (COURSE_VIEW, page.group(1).replace(" ", "+")) if page else (None, "")


def _nobodys(name: str, event: dict[str, Any], data: Data, learner: str) -> str:
    """Why an event is nobody's learning; empty if it may be."""
    if name in FROM_SERVER and not _is_of_server(event, data):
        return f"{name} of a browser: the server logs the same click"
    if not learner:
        return "nobody signed in"
    return "by the course's staff" if data.get("user_course_roles") else ""


def _is_of_server(event: dict[str, Any], data: Data) -> bool:
    """Whether the server has logged it; a form, or nothing, comes from a browser."""
    source = event.get("event_source") or get(event.get("context"), "event_source")
    return source == "server" if isinstance(source, str) else bool(data)


def _is_safe(name: str) -> bool:
    return bool(_SAFE_NAME.fullmatch(name)) and not _HASH.search(name)


def _reason_for(name: str) -> str:
    """Why an event without a rule is ignored; a page's path may name a learner and is not told."""
    if name[0] == "/":
        return "request of a page that is not a course's"
    if name == _OTHER_LOG:
        return name
    return f"no learning event: {name}" if _is_safe(name) else "no learning event"


def records(path: Path) -> Iterator[Record]:
    """Events, one a line; behind the check of a problem with several inputs, each of these."""
    is_bare = read_start(path).lstrip()[:1] in {b"{", b"["}
    for line, event in read_json(path) if is_bare else _behind_words(path):
        yield line, event
        if event.__class__ is dict and "problem_check" in (
            event.get("event_type"),
            event.get("name"),
        ):
            for own in _inputs(event):
                yield line, own


def _behind_words(path: Path) -> Iterator[Record]:
    """Events that a logger (of Tutor's containers, of syslog) has written with words in front."""
    position = Position()
    for line in read_lines(path, position):
        if line is None:
            yield position.line, Failure(TOO_LONG)
        elif MARK not in line:
            yield position.line, {"event_type": _OTHER_LOG}
        else:
            try:
                yield position.line, orjson.loads(line[line.find(b"{") :])
            except orjson.JSONDecodeError:
                yield position.line, Failure(NOT_JSON)


def _inputs(event: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """One event for each input of a problem that has several."""
    data = data_of(event)
    inputs = data.get("submission")
    if not isinstance(inputs, dict) or len(inputs) < 2:
        return
    shared = {name: data.get(name) for name in ("problem_id", "user_id", "course_id", "attempts")}
    head = {name: value for name, value in event.items() if name not in {"event", "data"}}
    for name, found in inputs.items():
        own = {**shared, "input": name, "submission": {name: found}}
        yield {**head, "name": INPUT, "event_type": INPUT, "data": own}
