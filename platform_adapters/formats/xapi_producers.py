"""Who made a statement, and what its result means: each producer has a rule of its own.

After the producers' own code: logstore_xapi (Moodle), event-routing-backends (Open edX, Aspects),
the kernel, Samigo and SCORM player of Sakai, PERLS, and the cmi5 and video profiles.

| producer | known by | its rule |
|---|---|---|
| Moodle | an extension | scales 0..1 to -1..1; success compares with a pass mark that may be 0 |
| Open edX | an extension | 0 of 0 points is said to be a success; ids are addresses of blocks |
| cmi5 | a category | a score counts on passed and failed only |
| Sakai | its addresses | points without a maximum; `completion` of whatever was graded; SCORM's
  score is the share done; Samigo gives all assessments one id |
| PERLS | its types | what the system recommends is no act of the learner, its score no score |
| others | | raw of min..max, else `scaled` |
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from platform_adapters.errors import RecordError
from platform_adapters.formats.xapi_verbs import ATTEMPTED, EARNED, EVALUATED, PROGRESSED
from platform_adapters.values import boolean, duration, get, number, ratio, share

if TYPE_CHECKING:
    from collections.abc import Mapping

CMI5_CATEGORY = "https://w3id.org/xapi/cmi5/context/categories/cmi5"
CMI5_PROGRESS = "https://w3id.org/xapi/cmi5/result/extensions/progress"
VIDEO_PROGRESS = "https://w3id.org/xapi/video/extensions/progress"
VIDEO_SESSION = "https://w3id.org/xapi/video/extensions/session-id"
INFO = "http://lrs.learninglocker.net/define/extensions/info"
OPENEDX_MARK = "https://w3id.org/xapi/openedx/extension/transformer-version"
OPENEDX_SESSION = "https://w3id.org/xapi/openedx/extensions/session-id"

_SAKAI_TEST = "mailto:no-reply@sakaiTCAPI.com"
_SAKAI_PLACE = "/portal/site/"
_PERLS = "http://xapi.gowithfloat.net/"
_RECOMMENDED = "https://w3id.org/xapi/dod-isd/verbs/recommended"
_OPENEDX_UPKEEP = (
    "https://w3id.org/xapi/dod-isd/verbs/navigated",
    "https://w3id.org/xapi/dod-isd/verbs/deleted",
    "https://w3id.org/xapi/acrossx/verbs/reported",
    "https://w3id.org/xapi/openedx/verb/unreported",
)
_MOODLE_STATES = (
    "https://w3id.org/xapi/tla/verbs/resumed",
    "https://w3id.org/xapi/tla/verbs/suspended",
)
_CMI5_SCORED = frozenset({"passed", "failed"})

VERBS_OF: Mapping[str, Mapping[str, str]] = {
    # A problem's check, points that reached the gradebook, and a course's grade.
    "openedx": {EVALUATED: "answered", ATTEMPTED: "scored", EARNED: "scored"},
}
"""Where a producer means something else by a verb than its IRI says."""


def activities(context: object, kind: str) -> list[dict[str, Any]]:
    """Context activities of a kind; the specification allows one object for an array."""
    found = get(context, "contextActivities", kind)
    if found is None:
        return []
    if isinstance(found, dict):
        return [found]
    return [entry for entry in found if isinstance(entry, dict)] if isinstance(found, list) else []


def producer_of(statement: dict[str, Any]) -> str:
    """`moodle`, `openedx`, `cmi5`, `sakai`, `perls`, or empty."""
    context = statement.get("context")
    extensions = get(context, "extensions")
    if isinstance(extensions, dict):
        if INFO in extensions:
            return "" if "bblearn" in str(extensions[INFO]).casefold() else "moodle"
        if OPENEDX_MARK in extensions:
            return "openedx"
        for name in extensions:
            if name.startswith(_PERLS):
                return "perls"
    for one in activities(context, "category"):
        if one.get("id") == CMI5_CATEGORY:
            return "cmi5"
    return _by_object(statement, context)


def _by_object(statement: dict[str, Any], context: object) -> str:
    """The producers that put no mark of their own into the context."""
    target = statement.get("object")
    item, kind = get(target, "id"), get(target, "definition", "type")
    if get(statement.get("verb"), "id") == _RECOMMENDED:
        return "perls"
    if isinstance(kind, str) and kind.startswith(_PERLS):
        return "perls"
    if isinstance(item, str) and (
        item.startswith("scorm://") or _SAKAI_PLACE in item or item.endswith("/portal/assessment")
    ):
        return "sakai"
    if get(statement.get("actor"), "mbox") == _SAKAI_TEST:
        return "sakai"
    for one in activities(context, "parent"):
        if _SAKAI_PLACE in str(one.get("id")):
            return "sakai"
    return ""


def no_act(statement: dict[str, Any], producer: str) -> str:
    """Why a producer's statement is nobody's learning; empty if it may be."""
    kind = str(get(statement, "object", "definition", "type"))
    verb = get(statement, "verb", "id")
    if producer == "moodle" and verb in _MOODLE_STATES and kind.endswith("/course"):
        return "an enrolment that was halted or taken up again"
    if producer == "sakai":
        if get(statement, "actor", "mbox") == _SAKAI_TEST:
            return "Sakai tests its connection"
        if str(get(statement, "object", "id")).endswith("/portal/assessment"):
            return "names no item: Sakai gives all its assessments one id"
    if producer == "openedx" and verb in _OPENEDX_UPKEEP:
        return "finding the way, or keeping a forum in order"
    if producer == "perls" and (verb == _RECOMMENDED or kind.startswith(_PERLS)):
        return "a recommendation, not what a learner did"
    return ""


def plain_id(own: str, producer: str) -> str:
    """The id by which the platform itself knows an item, if the producer hides it in an address."""
    if producer == "openedx":
        for mark in ("/xblock/", "/course/"):
            head, found, tail = own.partition(mark)
            if found and head.startswith("http") and tail:
                return tail
    return own


def progress_of(extensions: object) -> float | None:
    """Progress in [0, 1], by the scale that its IRI stands for."""
    of_100 = number(get(extensions, CMI5_PROGRESS), "cmi5 progress")
    if of_100 is not None:
        return share(of_100 / 100)
    return share(number(get(extensions, VIDEO_PROGRESS), "video progress"))


def score_of(statement: dict[str, Any], *, is_moodle: bool) -> dict[str, float | None]:
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
    if value is None and scaled is not None and raw is None:
        value = (scaled + 1) / 2 if is_moodle else max(0.0, scaled)
    elif value is None and scaled is not None and high is None:
        value = None if is_moodle else max(0.0, scaled)
    return {"score": value, "raw": raw, "min": low, "max": high}


def result_of(
    statement: dict[str, Any], verb: str, ours: str = "", producer: str = ""
) -> dict[str, Any]:
    """Everything that `result` says, under our names.

    Args:
        statement: The statement.
        verb: IRI of its verb.
        ours: What the verb means here.
        producer: As `producer_of` says.

    Raises:
        RecordError: A value has the wrong type.
    """
    result = statement.get("result")
    if result is None:
        return {}
    if not isinstance(result, dict):
        raise RecordError("result is not an object")
    found: dict[str, Any] = score_of(statement, is_moodle=producer == "moodle")
    found["success"] = boolean(result.get("success"), "result.success")
    found["completion"] = boolean(result.get("completion"), "result.completion")
    found["duration_seconds"] = duration(result.get("duration"), "result.duration")
    found["progress"] = progress_of(result.get("extensions"))
    if producer:
        _by_producer(found, producer, ours)
    is_share = found.get("raw") is None or producer == "sakai"
    if verb == PROGRESSED and found["progress"] is None and is_share:
        # Open edX's aggregator and Sakai's SCORM player send the share done as a score.
        found["progress"], found["score"] = found.get("score"), None
    return found


def _by_producer(found: dict[str, Any], producer: str, ours: str) -> None:
    """Take back what a producer says without knowing it."""
    if producer == "moodle":
        # It compares with a pass mark that is 0 where none was set: always true.
        found["success"] = None
    elif producer == "openedx" and found.get("max") == 0:
        found["success"] = None
    elif producer == "cmi5" and ours not in _CMI5_SCORED:
        found["score"] = None
    elif producer == "sakai":
        # Its SCORM player says false for "unknown", its gradebook completes whatever it grades.
        found["success"] = found["success"] or None
        if ours == "scored":
            found["completion"] = None
    elif producer == "perls" and ours == "rated":
        found["score"] = None
