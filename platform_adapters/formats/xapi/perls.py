"""PERLS: what the system recommends is no act of the learner, its score no score.

Example: Ana rated the article *Leadership*.
"""

from __future__ import annotations

from platform_adapters.formats.xapi.words import Producer, Statement
from platform_adapters.values import get

_OWN = "http://xapi.gowithfloat.net/"
_RECOMMENDED = "https://w3id.org/xapi/dod-isd/verbs/recommended"


def _made(statement: Statement) -> bool:
    kind = str(get(statement, "object", "definition", "type"))
    return get(statement, "verb", "id") == _RECOMMENDED or kind.startswith(_OWN)


PERLS = Producer(
    extension=_OWN,
    made=_made,
    no_act=lambda one: "a recommendation, not what a learner did" if _made(one) else "",
    takes_back=lambda _result, verb: {"score": None} if verb == "rated" else {},
)
