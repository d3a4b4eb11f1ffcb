"""Open the store of a home, as its settings say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from api.settings import Settings, load_settings
from api.store.store import Store

if TYPE_CHECKING:
    from api.home import Home


def open_store(home: Home, settings: Settings | None = None) -> Store:
    """Open a home's store.

    Args:
        home: The home.
        settings: Its settings, if they have been read.

    Raises:
        SettingsError: The settings cannot be used.
        StoreError: The store cannot be opened.
    """
    chosen = load_settings(home) if settings is None else settings
    return Store.open(chosen.store_url(home), recommend=chosen.recommend, share=chosen.share)
