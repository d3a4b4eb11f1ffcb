"""Whose ids are whose: accounts that were merged or made anew, and people who only teach.

`--accounts FILE` has the columns `old_id,new_id`: whoever was known by the old one is the learner
of the new one. `--staff FILE` has a column `id`, or one id a line: nobody in it is a learner.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from platform_adapters.contract import Failure, People
from platform_adapters.errors import OptionsError, RecordError
from platform_adapters.readers.csv_rows import read_csv, read_header
from platform_adapters.values import identifier

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def read_people(accounts: Path | None, staff: Path | None) -> People:
    """Read both files; either may be missing.

    Raises:
        OptionsError: A line is not what it must be, an account leads in a circle or to two.
        ReadError: A file cannot be read.
    """
    mapped = _accounts(accounts) if accounts is not None else {}
    excluded = frozenset(_ids(staff, "id")) if staff is not None else frozenset()
    text = repr((sorted(mapped.items()), sorted(excluded)))
    digest = hashlib.sha256(text.encode(errors="replace")).hexdigest()[:16]
    return People(mapped, excluded, digest if mapped or excluded else "")


def _accounts(path: Path) -> dict[str, str]:
    """From every old id straight to the last new one."""
    steps: dict[str, str] = {}
    for line, row in _rows(path, ("old_id", "new_id")):
        old, new = (_id(row, name, path, line) for name in ("old_id", "new_id"))
        if steps.setdefault(old, new) != new:
            raise OptionsError(
                f"{path.name}, line {line}: the old_id leads to two accounts; keep one line for it"
            )
    return {old: _end_of(old, steps, path) for old in steps}


def _end_of(old: str, steps: dict[str, str], path: Path) -> str:
    seen = {old}
    now = steps[old]
    while now in steps:
        if now in seen:
            raise OptionsError(f"{path.name}: accounts lead in a circle; remove one of its lines")
        seen.add(now)
        now = steps[now]
    return now


def _ids(path: Path, column: str) -> Iterator[str]:
    if column in read_header(path):
        for line, row in _rows(path, (column,)):
            yield _id(row, column, path, line)
        return
    try:
        text = path.read_text("utf-8-sig")
    except UnicodeDecodeError as error:
        raise OptionsError(f"{path.name} is not UTF-8; export it as UTF-8") from error
    yield from filter(None, map(str.strip, text.splitlines()))


def _rows(path: Path, columns: tuple[str, ...]) -> Iterator[tuple[int, dict[str, str]]]:
    for line, row in read_csv(path, columns):
        if isinstance(row, Failure):
            raise OptionsError(f"{path.name}, line {line}: {row.reason}")
        yield line, row


def _id(row: dict[str, str], name: str, path: Path, line: int) -> str:
    try:
        return identifier(row[name], name)
    except RecordError as error:
        raise OptionsError(f"{path.name}, line {line}: {error}") from error
