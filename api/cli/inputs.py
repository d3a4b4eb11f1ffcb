"""Files that an operator names: a folder stands for the files in it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def expand(inputs: Iterable[str | Path]) -> list[Path]:
    """Files, and for a folder the files in it by name; hidden ones are passed over."""
    paths: list[Path] = []
    for given in map(Path, inputs):
        if given.is_dir():
            inside = (path for path in given.iterdir() if not path.name.startswith("."))
            paths += sorted(path for path in inside if path.is_file())
        else:
            paths.append(given)
    return paths
