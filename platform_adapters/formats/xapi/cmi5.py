"""cmi5: a score counts on passed and failed only.

Example: Ana passed the unit *Safety* with 0.9.
"""

from __future__ import annotations

from platform_adapters.formats.xapi.words import Producer

CMI5 = Producer(
    category="https://w3id.org/xapi/cmi5/context/categories/cmi5",
    takes_back=lambda _result, verb: {} if verb in {"passed", "failed"} else {"score": None},
)
