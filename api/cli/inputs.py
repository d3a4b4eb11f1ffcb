"""Files that an operator names: a folder stands for the files in it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from platform_adapters.errors import OptionsError

if TYPE_CHECKING:
    from collections.abc import Iterable

_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]+:/")


def refuse_address(path: Path) -> None:
    """Refuse an address in place of a file, without repeating it: it may hold a password.

    Raises:
        OptionsError: It is one.
    """
    if _ADDRESS.match(str(path)) and not path.exists():
        raise OptionsError(
            "files are read here; what stands at an address, or in a database, is read by "
            "`murmuration ingest`, and a database's catalogue comes along"
        )


def expand(inputs: Iterable[str | Path]) -> list[Path]:
    """Files, and for a folder the files in it by name; hidden ones are passed over.

    Raises:
        OptionsError: One is an address.
    """
    paths: list[Path] = []
    for given in map(Path, inputs):
        refuse_address(given)
        if given.is_dir():
            inside = (path for path in given.iterdir() if not path.name.startswith("."))
            paths += sorted(path for path in inside if path.is_file())
        else:
            paths.append(given)
    return paths
