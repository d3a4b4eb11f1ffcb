"""Verbs of ADL and of cmi5.

Example: "completed" is what a learner did to a unit.
"""

from __future__ import annotations

from platform_adapters.formats.xapi.words import ADL

ADL_W3ID = "https://w3id.org/xapi/adl/verbs/"
VOIDED = ADL + "voided"
PROGRESSED = ADL + "progressed"
ATTEMPTED = ADL + "attempted"
WAIVED = ADL_W3ID + "waived"

VERBS = {
    ADL + "answered": "answered",
    ADL + "asked": "interacted",
    ATTEMPTED: "attempted",
    ADL + "attended": "completed",
    ADL + "commented": "interacted",
    ADL + "completed": "completed",
    ADL + "exited": "progressed",
    ADL + "experienced": "viewed",
    ADL + "failed": "failed",
    ADL + "initialized": "started",
    ADL + "interacted": "interacted",
    ADL + "launched": "started",
    ADL + "mastered": "passed",
    ADL + "passed": "passed",
    ADL + "preferred": "rated",
    PROGRESSED: "progressed",
    ADL + "registered": "enrolled",
    ADL + "responded": "interacted",
    ADL + "resumed": "progressed",
    ADL + "scored": "scored",
    ADL + "shared": "interacted",
    ADL + "suspended": "progressed",
    ADL + "terminated": "progressed",
    ADL + "unregistered": "unenrolled",
    ADL_W3ID + "abandoned": "progressed",
    ADL_W3ID + "satisfied": "completed",
    WAIVED: "completed",
}
