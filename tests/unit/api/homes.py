"""A small real home for tests of the HTTP edge: three subjects, 60 learners, a fitted model."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING
from uuid import NAMESPACE_URL, uuid5

from api.fitting import fit
from api.home import PSEUDONYM_KEY, Home
from api.settings import load_settings
from api.store.opening import open_store
from platform_adapters.contract import Interaction
from platform_adapters.pseudonyms import Pseudonymiser
from recommender.catalogue import CatalogueItem

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SUBJECTS = ("Biology", "History", "Music")
ITEMS_EACH = 6
LEARNERS = 60
START = int(datetime(2026, 9, 1, 8, tzinfo=UTC).timestamp())
HOSTILE = "<script>alert(1)</script> & “quoted”"


def item(subject: str, place: int) -> str:
    return f"{subject.lower()}-{place}"


def items() -> list[CatalogueItem]:
    """Each subject is a course of six items; the second needs the first, the last is hostile."""
    rows = []
    for subject in SUBJECTS:
        rows.append(CatalogueItem(subject.lower(), title=subject, type="course"))
        for place in range(ITEMS_EACH):
            needed = (item(subject, 0),) if place == 1 else ()
            last = subject == "Music" and place == ITEMS_EACH - 1
            rows.append(
                CatalogueItem(
                    item(subject, place),
                    title=HOSTILE if last else f"{subject}, part {place + 1}",
                    description=f"About {subject.lower()} and more of it, part {place + 1}.",
                    url="javascript:alert(1)" if last else f"https://lms.example/{subject}/{place}",
                    course=subject.lower(),
                    section=f"{subject} basics",
                    position=place,
                    type="page",
                    language="en",
                    duration_minutes=30.0,
                    skills=(f"{subject.lower()}-skill",) if place == ITEMS_EACH - 1 else (),
                    prerequisites=needed,
                )
            )
    return rows


def visit(learner: str, thing: str, moment: int, verb: str = "completed") -> Interaction:
    return Interaction(
        event_id=str(uuid5(NAMESPACE_URL, f"{learner}/{thing}/{moment}/{verb}")),
        learner=learner,
        item=thing,
        timestamp=moment,
        order=None,
        verb=verb,
    )


def visits(pseudonymiser: Pseudonymiser) -> Iterator[Interaction]:
    """Learner n begins in subject n mod 3 and goes through two to four of its items."""
    for number in range(LEARNERS):
        subject = SUBJECTS[number % 3]
        name = pseudonymiser.pseudonym(f"learner-{number}")
        for place in range(2 + number % 3):
            yield visit(name, item(subject, place), START + 3600 * (number + 100 * place))


def pseudonymiser_of(home: Home) -> Pseudonymiser:
    return Pseudonymiser(home.read_key(PSEUDONYM_KEY))


def make_home(path: Path, *, fitted: bool = True, more: str = "") -> Home:
    """A home with catalogue and events; with a serving model unless told otherwise.

    `more` is put into its settings.
    """
    home = Home(path)
    home.create(f'platform = "Birch"\nshare = "opt-out"\n{more}')
    settings = load_settings(home)
    with open_store(home, settings) as store:
        store.upsert_catalogue(items())
        store.add_interactions(visits(pseudonymiser_of(home)))
        if fitted:
            fit(home, settings, store)
    return home
