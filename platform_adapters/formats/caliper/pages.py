"""What is opened, marked and written: pages, annotations, forums, feedback.

Example: Ana opened page 2 of the course's book.
"""

from __future__ import annotations

_MARKS = ("Bookmarked", "Highlighted", "Shared", "Tagged")
ACTIONS = {
    "AnnotationEvent": dict.fromkeys(_MARKS, "interacted"),
    "FeedbackEvent": {"Ranked": "rated", "Commented": "interacted"},
    "ForumEvent": {"Subscribed": "interacted"},
    "MessageEvent": {"MarkedAsRead": "viewed", "Posted": "interacted"},
    "NavigationEvent": {"NavigatedTo": "viewed"},
    "ResourceManagementEvent": {"Downloaded": "viewed", "Printed": "viewed"},
    "ThreadEvent": {"MarkedAsRead": "viewed"},
    "ViewEvent": {"Viewed": "viewed"},
}
NO_LEARNING = {
    "SessionEvent": "a session begins or ends",
    "SearchEvent": "a search",
    "SurveyEvent": "a survey's opting in or out",
    "SurveyInvitationEvent": "an invitation to a survey",
}
"""Types none of whose actions is learning; other actions that are not listed are not, either."""
