"""Verb IRIs and what they mean here; one that is not listed is `other`, counted by its name.

Example: "earned" is what Ana did with a badge.
"""

from __future__ import annotations

from platform_adapters.formats.xapi import verbs_adl, verbs_streams
from platform_adapters.formats.xapi.verbs_adl import ATTEMPTED, PROGRESSED, VOIDED, WAIVED

_TINCAN = "http://id.tincanapi.com/verb/"
_ACROSSX = "https://w3id.org/xapi/acrossx/verbs/"
_VIDEO = "https://w3id.org/xapi/video/verbs/"
_TLA = "https://w3id.org/xapi/tla/verbs/"
_EDLM = "https://xapi.edlm/profiles/edlm-lms/concepts/verbs/"
_XAPI_FR = "http://vocab.xapi.fr/verbs/"
_DOD = "https://w3id.org/xapi/dod-isd/verbs/"

EARNED = _TINCAN + "earned"
EVALUATED = _ACROSSX + "evaluated"

VERBS = {
    **verbs_adl.VERBS,
    **verbs_streams.VERBS,
    _TINCAN + "downloaded": "viewed",
    EARNED: "passed",
    _TINCAN + "enrolled": "enrolled",
    _TINCAN + "rated": "rated",
    _TINCAN + "replied": "interacted",
    _TINCAN + "requested-attention": "hinted",
    _TINCAN + "reviewed": "viewed",
    _TINCAN + "skipped": "other",
    _TINCAN + "unenrolled": "unenrolled",
    _TINCAN + "unregistered": "unenrolled",
    _TINCAN + "voted-down": "rated",
    _TINCAN + "voted-up": "rated",
    _TINCAN + "viewed": "viewed",
    _ACROSSX + "edited": "interacted",
    EVALUATED: "scored",
    _ACROSSX + "liked": "rated",
    _ACROSSX + "posted": "interacted",
    _ACROSSX + "viewed": "viewed",
    _ACROSSX + "watched": "viewed",
    _DOD + "accessed": "viewed",
    _DOD + "assessed": "scored",
    _DOD + "completed": "completed",
    _DOD + "started": "started",
    _TLA + "scored": "scored",
    _TLA + "registered": "enrolled",
    _TLA + "resumed": "progressed",
    _TLA + "suspended": "progressed",
    _EDLM + "enrolled": "enrolled",
    _EDLM + "restarted": "started",
    _EDLM + "uncompleted": "uncompleted",
    _XAPI_FR + "graded": "scored",
    _XAPI_FR + "marked-completion": "completed",
    _XAPI_FR + "navigated-in": "viewed",
    _VIDEO + "paused": "progressed",
    _VIDEO + "played": "started",
    _VIDEO + "seeked": "progressed",
    "https://w3id.org/xapi/openedx/verb/voted": "rated",
    "http://www.tincanapi.co.uk/verbs/evaluated": "scored",
    "https://brindlewaye.com/xAPITerms/verbs/loggedin/": "other",
    "https://brindlewaye.com/xAPITerms/verbs/loggedout/": "other",
}
__all__ = ["ATTEMPTED", "EARNED", "EVALUATED", "PROGRESSED", "VERBS", "VOIDED", "WAIVED"]
