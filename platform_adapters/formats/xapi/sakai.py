"""Sakai's kernel, Samigo and SCORM player: points without a maximum, one id for all assessments.

Its gradebook completes whatever it grades, its SCORM player says false for "unknown" and sends
the share done as a score.

Example: Ana was scored 8 in the gradebook of the site *bio1*.
"""

from __future__ import annotations

from typing import Any

from platform_adapters.formats.xapi.words import Producer, Statement, activities
from platform_adapters.values import get

_TEST = "mailto:no-reply@sakaiTCAPI.com"
_SITE, _ASSESSMENTS = "/portal/site/", "/portal/assessment"


def _made(statement: Statement) -> bool:
    item = get(statement, "object", "id")
    if isinstance(item, str) and (
        item.startswith("scorm://") or _SITE in item or item.endswith(_ASSESSMENTS)
    ):
        return True
    parents = activities(statement.get("context"), "parent")
    return get(statement.get("actor"), "mbox") == _TEST or any(
        _SITE in str(one.get("id")) for one in parents
    )


def _no_act(statement: Statement) -> str:
    if get(statement, "actor", "mbox") == _TEST:
        return "Sakai tests its connection"
    is_any = str(get(statement, "object", "id")).endswith(_ASSESSMENTS)
    return "names no item: Sakai gives all its assessments one id" if is_any else ""


def _takes_back(result: dict[str, Any], verb: str) -> dict[str, Any]:
    unknown = {"completion": None} if verb == "scored" else {}
    return {"success": result["success"] or None, **unknown}


SAKAI = Producer(made=_made, no_act=_no_act, progress_is_score=True, takes_back=_takes_back)
