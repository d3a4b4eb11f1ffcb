"""Everything that answers requests of one home, opened once a process."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from api.home import PSEUDONYM_KEY, SESSION_KEY
from api.known_people import KnownPeople, merge_accounts
from api.paths import Paths
from api.rate import RateLimit
from api.receiving import Receiver
from api.serving import Serving
from api.settings import load_settings
from api.store.opening import open_store
from api.swarm_status import SwarmFiles
from platform_adapters.pseudonyms import Pseudonymiser

if TYPE_CHECKING:
    from pathlib import Path

    from api.home import Home
    from api.settings import Settings
    from api.store.store import Store


@dataclass(frozen=True)
class Services:
    """What routes and pages call.

    Attributes:
        home: The home served.
        settings: Its settings, as they were at the start.
        store: Its store, open.
        serving: The model in use.
        swarm: What the peer says.
        paths: Makes paths.
        receiver: Takes events.
        session_key: Signs the pages' cookies.
        calls: Rate limit of keys.
        attempts: Rate limit of sign-ins and wrong keys, by address.
    """

    home: Home
    settings: Settings
    store: Store
    serving: Serving
    swarm: SwarmFiles
    paths: Paths
    receiver: Receiver
    session_key: bytes
    calls: RateLimit = field(default_factory=RateLimit)
    attempts: RateLimit = field(default_factory=lambda: RateLimit(per_second=0.2, burst=20))


def open_services(home: Home) -> Services:
    """Open a home for serving.

    Raises:
        ApiError: The home, its settings, keys or store cannot be used.
    """
    home.require()
    settings = load_settings(home)
    store = open_store(home, settings)
    serving = Serving(home)
    pseudonymiser = Pseudonymiser(home.read_key(PSEUDONYM_KEY))
    people = KnownPeople(
        _beside(home, settings.serve.accounts),
        _beside(home, settings.serve.staff),
        lambda known: merge_accounts(store, known, pseudonymiser),
    )
    return Services(
        home=home,
        settings=settings,
        store=store,
        serving=serving,
        swarm=SwarmFiles(home),
        paths=Paths(store, serving, settings, pseudonymiser),
        receiver=Receiver(
            store,
            settings.platform,
            pseudonymiser,
            people=people.now,
            home_page=settings.serve.home_page,
        ),
        session_key=home.read_key(SESSION_KEY),
    )


def _beside(home: Home, name: str | None) -> Path | None:
    """A file of the settings; a relative one starts at the home."""
    return None if name is None else home.path / name
