"""Posts in Canvas discussions; one of a teacher is no learning."""

from __future__ import annotations

from platform_adapters.declared_rows import Only, Rows
from platform_adapters.fields import Apply, about

_LEARNER = Apply(lambda role: "Learner" in str(role), ("membership_role",))

ROWS = Rows(
    name="post",
    what="posts in Canvas discussions",
    example="Ana wrote in discussion 71 on 1 March at 9:00.",
    marks={"actor_id", "membership_role", "timestamp", "discussion_topic_id"},
    learner="actor_id",
    item=about("discussion_topic", "discussion_topic_id"),
    time="timestamp",
    verbs="interacted",
    rules=(Only(_LEARNER, {"True"}, "a post of somebody who is no learner"),),
    identity="post_id",
)
