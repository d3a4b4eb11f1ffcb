"""Canvas modules as a catalogue: order, prerequisites and requirements become the items' own.

- Modules stand in their own order, items in theirs; an item in two modules counts for the first.
- A module's prerequisites are modules: its items wait for whatever those require of a learner.
- In a module of sequential progress an item also waits for the requirement before it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from recommender.catalogue import CatalogueItem

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

KINDS = {
    "Assignment": "assignment",
    "Attachment": "attachment",
    "ContextExternalTool": "context_external_tool",
    "Discussion": "discussion_topic",
    "DiscussionTopic": "discussion_topic",
    "ExternalTool": "context_external_tool",
    "File": "attachment",
    "Page": "wiki_page",
    "Quiz": "quiz",
    "Quizzes::Quiz": "quiz",
    "WikiPage": "wiki_page",
}
"""A module item's type, in the API's and the database's words, as the logs call it."""


@dataclass(slots=True)
class Entry:
    """One item of a module.

    Attributes:
        item: As the logs name it, such as `assignment:12`.
        kind: `assignment`, `wiki_page` and so on.
        title: As learners see it.
        position: Place within the module.
        required: Whether the module asks something of a learner here.
        hidden: Whether learners do not see it.
        url: Where Canvas shows it.
    """

    item: str
    kind: str
    title: str
    position: float
    required: bool = False
    hidden: bool = False
    url: str = ""


@dataclass(slots=True)
class Module:
    """A module.

    Attributes:
        id: Its number.
        name: Its title.
        position: Place within the course.
        course: Course id.
        needs: Numbers of the modules that come first.
        sequential: Whether its requirements must be met in their order.
        unlock_at: ISO 8601, or empty.
        hidden: Whether learners do not see it.
        entries: Its items.
    """

    id: str
    name: str = ""
    position: float = 0.0
    course: str = ""
    needs: tuple[str, ...] = ()
    sequential: bool = False
    unlock_at: str = ""
    hidden: bool = False
    entries: list[Entry] = field(default_factory=list)


def catalogue_of(modules: Iterable[Module]) -> Iterator[CatalogueItem]:
    """The items of modules, each once, in the course's order."""
    ordered = sorted(modules, key=lambda module: (module.course, module.position))
    required = {m.id: [one.item for one in m.entries if one.required] for m in ordered}
    seen: set[str] = set()
    for module in ordered:
        before = [item for need in module.needs for item in required.get(need, ())]
        last = ""
        for entry in sorted(module.entries, key=lambda one: one.position):
            waits = [*before, *([last] if module.sequential and last else [])]
            if entry.required:
                last = entry.item
            if entry.item in seen:
                continue
            seen.add(entry.item)
            yield CatalogueItem(
                item=entry.item,
                title=entry.title,
                url=entry.url,
                course=module.course,
                section=module.name,
                position=len(seen) - 1,
                type=entry.kind,
                prerequisites=tuple(dict.fromkeys(one for one in waits if one != entry.item)),
                available_from=module.unlock_at,
                hidden=module.hidden or entry.hidden,
            )
