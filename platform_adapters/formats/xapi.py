"""xAPI 1.0.3 and 2.0 statements: from learning record stores, cmi5, and LMS emitters.

After the specification and the statements that Moodle's logstore_xapi, Open edX's
event-routing-backends and the video profile really send. What is kept here:

- raw, min and max decide a score; `scaled` only stands in for them, and each producer has a rule
  of its own (see `xapi_producers`);
- "progress" has two scales, told apart by IRI: cmi5's is of 100, video's of 1;
- a voiding statement takes its target back, wherever in the files it stands;
- an attempt is not an item: its parent is;
- context activities may be one object or an array, and a wrapped statement is unwrapped.

Example: Ana was scored 91.4 of 100 on *Humanities, course 12*.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from platform_adapters.catalogues import xapi as catalogues_xapi
from platform_adapters.contract import AdaptOptions, Failure, Ignored, Interaction, Withdrawn
from platform_adapters.errors import RecordError
from platform_adapters.format import Format, Sign
from platform_adapters.formats.xapi_flat import header_of, is_flat, read_flat
from platform_adapters.formats.xapi_producers import (
    OPENEDX_SESSION,
    VERBS_OF,
    VIDEO_SESSION,
    activities,
    no_act,
    plain_id,
    producer_of,
    result_of,
)
from platform_adapters.formats.xapi_verbs import PROGRESSED, VERBS, VOIDED, WAIVED
from platform_adapters.readers.files import holds, read_start
from platform_adapters.readers.json_records import read_json
from platform_adapters.values import Clock, event_namespace, get, hashed, identifier, numbered_ids

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from platform_adapters.contract import Json, Record
    from platform_adapters.readers.glimpse import Glimpse

ATTEMPT_TYPE = "http://adlnet.gov/expapi/activities/attempt"

_LOG_MARKS = (b'"verb"', b'"actor"')
_ACTIVITIES = frozenset({"Activity", "GroupActivity"})
"""The second is Open edX's own, for a problem with several questions."""

_AGENTS = frozenset({"Agent", "Group"})


def learner_of(actor: object, home_page: str | None = None) -> str:
    """The actor's one identifier; an account is a home page and a name.

    Args:
        actor: An Agent.
        home_page: Accounts of this home page are known by their name alone.

    Raises:
        RecordError: There is none of the four identifiers.
    """
    account = get(actor, "account")
    if isinstance(account, dict):
        name = account.get("name")
        name = identifier(name, "actor.account.name")
        page = identifier(account.get("homePage"), "actor.account.homePage")
        return name if page == home_page else f"{page}|{name}"
    for field in ("mbox", "openid"):
        value = get(actor, field)
        if value is not None:
            return identifier(value, f"actor.{field}")
    digest = get(actor, "mbox_sha1sum")
    if digest is not None:
        return "sha1:" + identifier(digest, "actor.mbox_sha1sum").lower()
    raise RecordError("actor has no account, mbox, mbox_sha1sum or openid")


class XapiSession:
    """One import of statements, with the ids of those that others void."""

    def __init__(self, options: AdaptOptions, voided: frozenset[str]) -> None:
        self._voided = voided
        self._numbered = numbered_ids(event_namespace(options.platform), "xapi:")
        self._clock = Clock(options.timezone, "timestamp")
        self._home_page = options.home_page

    def event_id(self, statement_id: str) -> str:
        """Our id of a statement."""
        return self._numbered(statement_id.lower())

    def convert(self, record: Json, line: int) -> Interaction | Ignored | Withdrawn:
        """See `platform_adapters.contract.Session`."""
        statement = unwrap(record)
        own, actor, target = statement.get("id"), statement.get("actor"), statement.get("object")
        verb = identifier(get(statement.get("verb"), "id"), "verb.id")
        if verb == VOIDED:
            return Withdrawn(self.event_id(identifier(get(target, "id"), "object.id")), line)
        if isinstance(own, str) and own.lower() in self._voided:
            return Ignored("voided by another statement", line)
        if get(actor, "objectType") == "Group" or get(actor, "member") is not None:
            return Ignored("the actor is a group", line)
        target_type = str(get(target, "objectType") or "Activity")
        if target_type not in _ACTIVITIES:
            kind = target_type if target_type in _AGENTS else "statement"
            return Ignored(f"the object is not an activity ({kind.lower()})", line)
        producer = producer_of(statement)
        told = no_act(statement, producer) if producer else ""
        if told:
            return Ignored(told, line)
        return self._interaction(statement, verb, producer)

    def _interaction(self, statement: dict[str, Any], verb: str, producer: str) -> Interaction:
        own = statement.get("id")
        item, parent, course = place_of(statement, producer)
        context = statement.get("context")
        extensions = get(context, "extensions")
        ours = VERBS_OF.get(producer, VERBS).get(verb) or VERBS.get(verb, "other")
        result = result_of(statement, verb, ours, producer)
        if ours == "completed" and result.get("completion") is False:
            ours = "uncompleted"
        elif verb == PROGRESSED and result.get("completion"):
            ours = "completed"
        session = (
            get(context, "registration")
            or get(extensions, VIDEO_SESSION)
            or get(extensions, OPENEDX_SESSION)
        )
        language = get(context, "language")
        return Interaction(
            event_id=self.event_id(own) if isinstance(own, str) and own else hashed(statement),
            learner=learner_of(statement.get("actor"), self._home_page),
            item=item,
            timestamp=self._clock.seconds(statement.get("timestamp") or statement.get("stored")),
            order=None,
            verb=ours,
            course=course,
            parent_item=parent,
            session=session if isinstance(session, str) else "",
            language=language if isinstance(language, str) else "",
            evidence="override" if verb == WAIVED else "observed",
            source=f"xapi:{verb}",
            **result,
        )


def unwrap(record: Json) -> dict[str, Any]:
    """The statement itself; a store's dump may wrap it in `statement`.

    Raises:
        RecordError: It is no JSON object.
    """
    if not isinstance(record, dict):
        raise RecordError("the record is not a JSON object")
    inner = record.get("statement")
    return inner if isinstance(inner, dict) and "verb" not in record else record


def is_course(kind: object) -> bool:
    """Whether a type of activities is that of courses, of ADL's, cmi5's or another vocabulary."""
    return isinstance(kind, str) and kind.rstrip("/").endswith("/course")


def place_of(statement: dict[str, Any], producer: str = "") -> tuple[str, str, str]:
    """Item, parent item and course; the parent of an attempt is the item.

    Raises:
        RecordError: The object has no id.
    """
    target = statement.get("object")
    item = identifier(get(target, "id"), "object.id")
    kind = get(target, "definition", "type")
    context = statement.get("context")
    parents, groups = activities(context, "parent"), activities(context, "grouping")
    if kind == ATTEMPT_TYPE and parents:
        item = identifier(parents[0].get("id"), "context parent id")
        parents = parents[1:]
    course = item if is_course(kind) else ""
    parent = ""
    for activity in (*parents, *groups):
        other = activity.get("id")
        if not isinstance(other, str) or not other or other == item:
            continue
        if is_course(get(activity, "definition", "type")):
            course = course or identifier(other, "context course id")
        elif activity in parents and not parent:
            parent = identifier(other, "context parent id")
    if producer:
        item, parent, course = (plain_id(one, producer) for one in (item, parent, course))
    return item, parent, course


def split(paths: Sequence[Path]) -> tuple[list[Path], list[Path]]:
    """Logs hold statements; a list of activity definitions is a catalogue."""
    logs: list[Path] = []
    others: list[Path] = []
    for path in paths:
        start = read_start(path)
        is_catalogue = start.lstrip()[:1] == b"[" and not any(m in start for m in _LOG_MARKS)
        (others if is_catalogue and b'"definition"' in start else logs).append(path)
    return logs, others


def prepare(paths: Sequence[Path], options: AdaptOptions) -> XapiSession:
    """Find the voided statements before the first is converted."""
    logs, _ = split(paths)
    voided = {target for path in logs for target in _voided_in(path)}
    return XapiSession(options, frozenset(voided))


def _voided_in(path: Path) -> Iterator[str]:
    """Ids that voiding statements of a file name; only files that hold one are parsed."""
    if not holds(path, b"verbs/voided"):
        return
    for _, record in records(path):
        if isinstance(record, Failure) or not isinstance(record, dict):
            continue
        statement = unwrap(record)
        target = get(statement, "object", "id")
        if get(statement, "verb", "id") == VOIDED and isinstance(target, str):
            yield target.lower()


def records(path: Path) -> Iterator[Record]:
    """Statements: one a line, an array, a store's `{"statements": [...]}`, or CSV."""
    return read_flat(path) if is_flat(path) else read_json(path)


def _seen(glimpse: Glimpse) -> Glimpse:
    """A CSV's columns as paths into a statement."""
    if glimpse.kind != "csv":
        return glimpse
    return replace(glimpse, names=frozenset(map(header_of, glimpse.names)))


FORMAT = Format(
    name="xapi",
    summary="xAPI 1.0.3 and 2.0 statements (JSON lines, arrays, CSV; .gz), or a store by https",
    tried_on="22,000 video statements of FUN-MOOC, from a file and from a Ralph 5.1; the 90 of "
    "event-routing-backends' tests (Open edX), the 190 of logstore_xapi's (Moodle), recipes of "
    "Jisc and xapi.fr; other producers by their own code",
    split=split,
    prepare=prepare,
    records=records,
    read_catalogue=catalogues_xapi.read_catalogue,
    signs=(
        Sign(
            "xAPI statements",
            frozenset({"actor", "verb", "object"}),
            ("json",),
            (b"/verbs/", b"/verb/", b"w3id.org/xapi", b'"mbox', b'"homePage"'),
        ),
        Sign("xAPI statements as CSV", frozenset({"verb.id", "object.id"}), ("csv",)),
        Sign("xAPI statements as CSV", frozenset({"actor", "verb", "object"}), ("csv",)),
    ),
    seen=_seen,
    example="Ana was scored 91.4 of 100 on *Humanities, course 12*.",
)
