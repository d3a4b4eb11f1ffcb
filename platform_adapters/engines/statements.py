"""xAPI statements as what `formats/xapi/` says that they mean.

Raw, min and max decide a score; `scaled` only stands in for them. "progress" has two scales, told
apart by IRI: cmi5's is of 100, video's of 1. A voiding statement takes its target back, wherever
in the files it stands; an attempt is not an item: its parent is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from platform_adapters.contract import (
    NAMED,
    AdaptOptions,
    Failure,
    Ignored,
    Interaction,
    Withdrawn,
)
from platform_adapters.errors import RecordError
from platform_adapters.formats.xapi import openedx
from platform_adapters.formats.xapi.verbs import PROGRESSED, VERBS, VOIDED, WAIVED
from platform_adapters.formats.xapi.words import Producer, Statement, activities
from platform_adapters.readers.files import holds
from platform_adapters.readers.flat_json import is_flat, read_flat
from platform_adapters.readers.json_records import read_json
from platform_adapters.values import (
    Clock,
    boolean,
    duration,
    event_id,
    event_namespace,
    get,
    hashed,
    identifier,
    number,
    ratio,
    share,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from platform_adapters.contract import Json, Record

ATTEMPT_TYPE = "http://adlnet.gov/expapi/activities/attempt"
CMI5_PROGRESS = "https://w3id.org/xapi/cmi5/result/extensions/progress"
VIDEO_PROGRESS = "https://w3id.org/xapi/video/extensions/progress"
VIDEO_SESSION = "https://w3id.org/xapi/video/extensions/session-id"

_UNKNOWN = Producer()
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


def producer_of(statement: Statement, producers: Sequence[Producer]) -> Producer:
    """Who made a statement, by its marks."""
    context = statement.get("context")
    extensions = get(context, "extensions")
    if isinstance(extensions, dict) and extensions:
        for one in producers:
            for name in extensions if one.extension else ():
                if name.startswith(one.extension):
                    is_other = one.unless and one.unless in str(extensions[name]).casefold()
                    return _UNKNOWN if is_other else one
    categories = [category.get("id") for category in activities(context, "category")]
    for one in producers:
        if one.category and one.category in categories:
            return one
        if one.made and one.made(statement):
            return one
    return _UNKNOWN


def name_of(statement_id: str) -> str:
    """What our id of a statement is made of."""
    return f"xapi:{statement_id.lower()}"


class StatementSession:
    """One import of statements, with the ids of those that others void."""

    def __init__(
        self, options: AdaptOptions, voided: frozenset[str], producers: Sequence[Producer]
    ) -> None:
        self._producers = producers
        self._voided = voided
        self._namespace = event_namespace(options.platform)
        self._clock = Clock(options.timezone, "timestamp")
        self._home_page = options.home_page

    def convert(self, record: Json, line: int) -> Interaction | Ignored | Withdrawn:
        """See `platform_adapters.contract.Session`."""
        statement = unwrap(record)
        own, actor, target = statement.get("id"), statement.get("actor"), statement.get("object")
        verb = identifier(get(statement.get("verb"), "id"), "verb.id")
        if verb == VOIDED:
            taken_back = name_of(identifier(get(target, "id"), "object.id"))
            return Withdrawn(event_id(self._namespace, taken_back), line)
        if isinstance(own, str) and own.lower() in self._voided:
            return Ignored("voided by another statement", line)
        if get(actor, "objectType") == "Group" or get(actor, "member") is not None:
            return Ignored("the actor is a group", line)
        target_type = str(get(target, "objectType") or "Activity")
        if target_type not in _ACTIVITIES:
            kind = target_type if target_type in _AGENTS else "statement"
            return Ignored(f"the object is not an activity ({kind.lower()})", line)
        producer = producer_of(statement, self._producers)
        told = producer.no_act(statement)
        if told:
            return Ignored(told, line)
        return self._interaction(statement, verb, producer)

    def _interaction(self, statement: dict[str, Any], verb: str, producer: Producer) -> Interaction:
        own = statement.get("id")
        item, parent, course = place_of(statement, producer)
        context = statement.get("context")
        extensions = get(context, "extensions")
        ours = producer.verbs.get(verb) or VERBS.get(verb, "other")
        result = result_of(statement, verb, ours, producer)
        if ours == "completed" and result.get("completion") is False:
            ours = "uncompleted"
        elif verb == PROGRESSED and result.get("completion"):
            ours = "completed"
        session = (
            get(context, "registration")
            or get(extensions, VIDEO_SESSION)
            or get(extensions, openedx.SESSION)
        )
        language = get(context, "language")
        return Interaction(
            event_id=NAMED + name_of(own) if isinstance(own, str) and own else hashed(statement),
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


def place_of(statement: dict[str, Any], producer: Producer) -> tuple[str, str, str]:
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
    return producer.plain_id(item), producer.plain_id(parent), producer.plain_id(course)


def progress_of(extensions: object) -> float | None:
    """Progress in [0, 1], by the scale that its IRI stands for."""
    of_100 = number(get(extensions, CMI5_PROGRESS), "cmi5 progress")
    if of_100 is not None:
        return share(of_100 / 100)
    return share(number(get(extensions, VIDEO_PROGRESS), "video progress"))


def score_of(statement: Statement, producer: Producer) -> dict[str, float | None]:
    """Score in [0, 1] and its parts as recorded.

    Raises:
        RecordError: A part is not a number, or `scaled` is outside -1..1.
    """
    score = get(statement, "result", "score")
    if score is None:
        return {}
    if not isinstance(score, dict):
        raise RecordError("result.score is not an object")
    raw, low, high, scaled = (
        number(score.get(name), f"result.score.{name}") for name in ("raw", "min", "max", "scaled")
    )
    if scaled is not None and not -1 <= scaled <= 1:
        raise RecordError("result.score.scaled is outside -1..1")
    value = ratio(raw, low, high)
    counts = raw is None or (high is None and producer.scaled_beside_raw)
    if value is None and scaled is not None and counts:
        value = producer.unscaled(scaled)
    return {"score": value, "raw": raw, "min": low, "max": high}


def result_of(statement: Statement, verb: str, ours: str, producer: Producer) -> dict[str, Any]:
    """Everything that `result` says, under our names.

    Args:
        statement: The statement.
        verb: IRI of its verb.
        ours: What the verb means here.
        producer: Who made it.

    Raises:
        RecordError: A value has the wrong type.
    """
    result = statement.get("result")
    if result is None:
        return {}
    if not isinstance(result, dict):
        raise RecordError("result is not an object")
    found: dict[str, Any] = score_of(statement, producer)
    found["success"] = boolean(result.get("success"), "result.success")
    found["completion"] = boolean(result.get("completion"), "result.completion")
    found["duration_seconds"] = duration(result.get("duration"), "result.duration")
    found["progress"] = progress_of(result.get("extensions"))
    found.update(producer.takes_back(found, ours))
    is_share = found.get("raw") is None or producer.progress_is_score
    if verb == PROGRESSED and found["progress"] is None and is_share:
        # Open edX's aggregator and Sakai's SCORM player send the share done as a score.
        found["progress"], found["score"] = found.get("score"), None
    return found


def voided_in(path: Path) -> Iterator[str]:
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
