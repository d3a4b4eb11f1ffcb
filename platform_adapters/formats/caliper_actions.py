"""What Caliper's events mean: type of event and action to a verb, as data.

After the metric profiles of Caliper 1.1 and 1.2. An action that is not listed is no learning
(authoring, volume, subscriptions, sessions, searches) and is counted as such by its name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_MEDIA_MOVES = (
    *("Paused", "Resumed", "ForwardedTo", "JumpedTo", "Rewound", "Ended"),
    *("ChangedSpeed", "EnteredFullScreen", "ExitedFullScreen"),
)

ACTIONS: Mapping[str, Mapping[str, str]] = {
    "AnnotationEvent": dict.fromkeys(
        ("Bookmarked", "Highlighted", "Shared", "Tagged"), "interacted"
    ),
    "AssessmentEvent": {
        "Started": "started",
        "Paused": "progressed",
        "Resumed": "progressed",
        "Restarted": "started",
        "Submitted": "submitted",
        "Completed": "submitted",
    },
    "AssessmentItemEvent": {
        "Started": "started",
        "Skipped": "other",
        "Completed": "answered",
        "Submitted": "answered",
    },
    "AssignableEvent": {
        "Started": "started",
        "Completed": "completed",
        "Submitted": "submitted",
        "Reviewed": "viewed",
    },
    "FeedbackEvent": {"Ranked": "rated", "Commented": "interacted"},
    "ForumEvent": {"Subscribed": "interacted"},
    "GradeEvent": {"Graded": "scored"},
    "OutcomeEvent": {"Graded": "scored"},
    "MediaEvent": {
        "Started": "started",
        "Restarted": "started",
        **dict.fromkeys(_MEDIA_MOVES, "progressed"),
    },
    "MessageEvent": {"MarkedAsRead": "viewed", "Posted": "interacted"},
    "NavigationEvent": {"NavigatedTo": "viewed"},
    "QuestionnaireEvent": {"Started": "started", "Submitted": "submitted"},
    "QuestionnaireItemEvent": {"Started": "started", "Skipped": "other", "Completed": "answered"},
    "ResourceManagementEvent": {"Downloaded": "viewed", "Printed": "viewed"},
    "ThreadEvent": {"MarkedAsRead": "viewed"},
    "ToolLaunchEvent": {"Launched": "started", "Returned": "progressed"},
    "ToolUseEvent": {"Used": "viewed"},
    "ViewEvent": {"Viewed": "viewed"},
}
"""Type, then action."""

NO_LEARNING: Mapping[str, str] = {
    "SessionEvent": "a session begins or ends",
    "SearchEvent": "a search",
    "SurveyEvent": "a survey's opting in or out",
    "SurveyInvitationEvent": "an invitation to a survey",
}
"""Types none of whose actions is learning, with the reason."""
