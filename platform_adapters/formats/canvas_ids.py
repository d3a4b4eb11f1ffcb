"""Canvas ids: local `123`, global `21070000000000123`, and `2107~123`, all made global."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from platform_adapters.errors import RecordError

if TYPE_CHECKING:
    from collections.abc import Mapping

SHARD_SIZE = 10**13
"""A global id is the shard times this plus the local id."""

ASSESSED = {"Assignment": "assignment", "Quiz": "quiz", "Quizzes::Quiz": "quiz"}
"""Kinds of items that an outcome's result may be of."""


def shard_of(metadata: Mapping[str, Any]) -> int:
    """The shard of an event's root account, or of any other global id in its metadata; else 0."""
    for field in ("root_account_id", "context_id", "user_account_id", "user_id"):
        value = metadata.get(field)
        text = str(value) if isinstance(value, int | str) else ""
        if text.isascii() and text.isdigit() and int(text) >= SHARD_SIZE:
            return int(text) // SHARD_SIZE
    return 0


def global_id(value: object, shard: int, *field: str) -> str:
    """An id in its global form; empty if missing. An id that is no number stays as it is.

    Raises:
        RecordError: It is longer than 1,024 bytes, or neither text nor a whole number.
    """
    if isinstance(value, str) and len(value) <= 20 and value.isdigit() and value.isascii():
        number = int(value)
        return value if number >= SHARD_SIZE else str(shard * SHARD_SIZE + number)
    if value is None or value == "":
        return ""
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise RecordError(f"{'.'.join(field)} is not an id")
    text = str(value).strip()
    if len(text) > 20:
        if len(text.encode(errors="replace")) > 1024:
            raise RecordError(f"{'.'.join(field)} is longer than 1,024 bytes")
        return text
    home, tilde, local = text.partition("~")
    if tilde and home.isascii() and home.isdigit() and local.isascii() and local.isdigit():
        return str(int(home) * SHARD_SIZE + int(local))
    if text.isascii() and text.isdigit() and int(text) < SHARD_SIZE:
        return str(shard * SHARD_SIZE + int(text))
    return text
