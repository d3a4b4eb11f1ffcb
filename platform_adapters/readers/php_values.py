"""The column `other` of Moodle's log: JSON on newer sites, PHP's `serialize` on older ones.

The reader of PHP's format knows null, booleans, numbers, strings and arrays. Objects, and
anything else that could make something happen, are refused.
"""

from __future__ import annotations

from typing import Any

import orjson

from platform_adapters.errors import RecordError

_MAX_DEPTH = 8


def parse_other(text: str) -> dict[str, Any]:
    """The event's extra information; empty if there is none.

    Raises:
        RecordError: It is neither JSON nor PHP's format.
    """
    if not text or text in {"N;", "null", "-"}:
        return {}
    if text[0] in "{[":
        try:
            value = orjson.loads(text)
        except orjson.JSONDecodeError:
            raise RecordError("other is not JSON") from None
        return value if isinstance(value, dict) else {}
    try:
        value, end = _read(text.encode(), 0, 0)
    except (ValueError, IndexError):
        raise RecordError("other is neither JSON nor PHP-serialised") from None
    if end != len(text.encode()):
        raise RecordError("other is neither JSON nor PHP-serialised")
    return value if isinstance(value, dict) else {}


def _read(data: bytes, at: int, depth: int) -> tuple[Any, int]:
    """One value and where it ends."""
    kind = data[at : at + 2]
    if kind == b"N;":
        return None, at + 2
    if kind == b"a:":
        return _read_array(data, at, depth + 1)
    if kind == b"s:":
        colon = data.index(b":", at + 2)
        size = int(data[at + 2 : colon])
        start = colon + 2
        if size < 0 or data[start - 1 : start] != b'"' or data[start + size :][:2] != b'";':
            raise ValueError("string")
        return data[start : start + size].decode(errors="replace"), start + size + 2
    end = data.index(b";", at)
    text = data[at + 2 : end]
    if kind == b"i:":
        return int(text), end + 1
    if kind == b"d:":
        return float(text), end + 1
    if kind == b"b:":
        return text == b"1", end + 1
    raise ValueError("kind")


def _read_array(data: bytes, at: int, depth: int) -> tuple[dict[str, Any], int]:
    if depth > _MAX_DEPTH:
        raise ValueError("depth")
    colon = data.index(b":", at + 2)
    count = int(data[at + 2 : colon])
    at = colon + 2
    if data[colon : colon + 2] != b":{" or not 0 <= count <= len(data):
        raise ValueError("array")
    found: dict[str, Any] = {}
    for _ in range(count):
        key, at = _read(data, at, depth)
        found[str(key)], at = _read(data, at, depth)
    if data[at : at + 1] != b"}":
        raise ValueError("array")
    return found, at + 1
