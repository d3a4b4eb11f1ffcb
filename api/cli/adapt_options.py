"""What `adapt` and `ingest` share: a column map, merged accounts, people who are no learners."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from platform_adapters.column_map import read_map
from platform_adapters.errors import OptionsError
from platform_adapters.registry import adapter_named

if TYPE_CHECKING:
    from platform_adapters.format import Format

_FILE = click.Path(dir_okay=False, path_type=Path)
_DAY = 86_400

map_option = click.option(
    "--map", "map_path", type=_FILE, help="table: what its columns mean; --guess writes one."
)
accounts_option = click.option(
    "--accounts", type=_FILE, help="Merged or re-created accounts: CSV with old_id,new_id."
)
staff_option = click.option(
    "--staff", type=_FILE, help="Ids of people who are no learners: one a line, or CSV with id."
)


def adapter_for(name: str, map_path: Path | None) -> Format:
    """The adapter of this name, for a table with its column map.

    Raises:
        OptionsError: There is none, the map cannot be read, or it is for another adapter.
    """
    adapter = adapter_named(name)
    if map_path is None:
        return adapter
    if name != "table":
        raise OptionsError(f"--map is for the adapter 'table'; {name!r} knows its own columns")
    return read_map(map_path).format()


def tomorrow() -> int:
    """Unix seconds a day from now: nothing has happened later."""
    return int(time.time()) + _DAY
