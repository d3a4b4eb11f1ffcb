"""What learners write and judge: forums, and open responses, peers' and their own.

Example: Ana answered in the discussion *Week 1*.
"""

from __future__ import annotations

from platform_adapters.formats.openedx.words import Rule

RULES = {
    "edx.forum.thread.created": Rule("interacted", "thread"),
    "edx.forum.response.created": Rule("interacted", "thread"),
    "edx.forum.comment.created": Rule("interacted", "thread"),
    "edx.forum.thread.viewed": Rule("viewed", "thread"),
    "edx.forum.thread.voted": Rule("rated", "thread"),
    "edx.forum.response.voted": Rule("rated", "thread"),
    "openassessmentblock.create_submission": Rule("submitted"),
    "openassessmentblock.peer_assess": Rule("interacted"),
    "openassessmentblock.self_assess": Rule("interacted"),
    "openassessment.student_training_assess_example": Rule("interacted"),
}
