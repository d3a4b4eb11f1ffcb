"""Every sentence a path says, by code, so that a platform can say it in its own words.

R18 decides between two forms: an `_also` sentence states a fact, a `_together` sentence an
estimate. The fact is about both items and not about their order: what proves it, a merged cell
above 5 noise sd or the support of 10 learners, counts a pair in either order. No sentence states a
count.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

REASONS: Mapping[str, str] = {
    "merged_also": "Across the swarm, learners who {did} “{because_title}” also {did} “{title}”.",
    "merged_together": "The swarm estimates that “{because_title}” and “{title}” go together.",
    "merged_history": "The swarm estimates that “{title}” fits what was done before.",
    "local_also": "Here, learners who {did} “{because_title}” also {did} “{title}”.",
    "local_together": "This platform estimates that “{because_title}” and “{title}” go together.",
    "local_history": "This platform estimates that “{title}” fits what was done before.",
    "text_similar": "“{title}” resembles “{because_title}” in its title, description or publisher.",
    "text_history": "“{title}” resembles what was done before.",
    "order_after": "“{title}” comes soon after “{because_title}” in the catalogue's own order.",
    "order_before": "“{title}” comes just before “{because_title}” in the catalogue's own order.",
    "order_history": "“{title}” stands near what was done before in the catalogue's own order.",
    "own_popularity": "How often learners here choose “{title}” moved it up.",
    "merged_popularity": "How often learners across the swarm choose “{title}” moved it up.",
    "starts": "How often learners begin with “{title}” moved it up.",
    "reranker": "What learners here do after items like the last ones moved “{title}” up.",
    "course_order": "“{title}” comes next in the catalogue's own order.",
    "prerequisite_of": "“{title}” comes before “{for_title}”, which needs it.",
    "skill_for": "“{title}” teaches “{skill}”, which “{for_title}” needs.",
    "goal_item": "“{title}” is your goal.",
    "goal_skill": "“{title}” teaches “{skill}”, your goal.",
    "pinned": "A learning designer put “{title}” first.",
}

EXCLUSIONS: Mapping[str, str] = {
    "hidden": "Hidden from learners.",
    "not_available": "Not available at this time.",
    "availability_unreadable": "Its availability dates cannot be read.",
    "other_type": "Courses and items inside courses are not recommended together.",
    "held_rose": "Held back: it rose suddenly in the swarm's model, and no designer agreed to it.",
    "held_new": "Held back: it is new in this course, and no designer agreed to it yet.",
    "held_undone": "Held back: a designer took the agreement back.",
    "other_course": "Not part of the courses asked for.",
    "other_language": "Not in the language asked for.",
    "excluded": "Excluded by the request.",
    "done": "Already done.",
    "duration_unknown": "Its duration is unknown, so it may not fit the time given.",
    "not_for_goal": "Does not lead to the goal.",
    "minutes": "Does not fit the time left.",
    "limit": "What it needs first does not fit the number of steps.",
    "prerequisite_missing": "Needs “{needs}” first, which cannot be recommended here.",
    "prerequisite_tangle": "Its prerequisites are too tangled to put in order.",
    "prerequisite_cycle": "Needs itself first: its prerequisites form a circle.",
}


def say(templates: Mapping[str, str], code: str, params: Mapping[str, str]) -> str:
    """Fill the sentence of a code."""
    return templates[code].format_map(params)
