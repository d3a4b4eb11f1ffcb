"""Canonical CBOR (RFC 8949), the only bytes that members sign, hash or send (P1).

- Values are integers of 64 bits, byte strings, text, booleans, null, lists, and maps with text
  keys. No floats: two members must never disagree about a last digit.
- Exactly one encoding of each value is accepted. What decodes but would encode differently
  (indefinite lengths, unsorted or repeated keys, trailing bytes, long integers) is refused.
- Every length is checked before it is believed (R28); nothing here can run foreign code.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, cast

import cbor2

from swarm.errors import RemoteProtocolError

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

Value = None | bool | int | bytes | str | list[Any] | tuple[Any, ...] | dict[str, Any]
"""What may be encoded; lists come back as lists, tuples are encoded as lists."""

MAX_DEPTH = 12
"""Containers inside containers; our deepest message has seven."""

CHUNK_BYTES = 256 * 1024
"""Blobs are hashed and sent in chunks of this many bytes."""

_MIN_INT = -(2**63)
_MAX_INT = 2**63 - 1
_LEAVES = {bytes, str, bool, type(None)}


class _TagError(ValueError):
    """A CBOR tag, which we never use."""


def _refuse_tag(*_: object) -> None:
    raise _TagError("a CBOR tag")


# Tags for which the library has decoders of its own (dates, regular expressions, shared and
# cyclic values, …): replaced, so that none of them runs on foreign bytes.
_TAGS = dict.fromkeys((*range(64), 100, 256, 258, 260, 261, 1004, 43000, 55799), _refuse_tag)


def encode(value: Value) -> bytes:
    """Encode canonically.

    Raises:
        TypeError: A float or another type that is not a `Value`, or a map key that is not text.
        ValueError: An integer outside 64 bits, or containers nested too deeply.
    """
    _check(value, 0)
    return cbor2.dumps(value, canonical=True)


def decode(data: bytes, max_bytes: int) -> Any:  # noqa: ANN401 (callers check the shape)
    """Decode foreign bytes, accepting exactly what `encode` makes.

    Args:
        data: The bytes.
        max_bytes: Longer input is refused unread (R28).

    Raises:
        RemoteProtocolError: Too long, malformed, not canonical, or of a type that is not allowed.
    """
    if len(data) > max_bytes:
        raise RemoteProtocolError(
            f"a message of {len(data)} bytes, at most {max_bytes} are allowed", rule="R28"
        )
    try:
        value = cbor2.loads(
            data,
            tag_hook=_refuse_tag,
            semantic_decoders=_TAGS,
            max_depth=MAX_DEPTH,
            allow_indefinite=False,
            allow_duplicate_keys=False,
            strict_hashable_types=True,
        )
        _check(value, 0)
    except (cbor2.CBORError, TypeError, ValueError, OverflowError) as cause:
        raise RemoteProtocolError(
            f"bytes that are not our CBOR ({cause}); the sender may run another version",
            rule="R28",
        ) from cause
    if cbor2.dumps(value, canonical=True) != data:
        raise RemoteProtocolError("CBOR that is not in canonical form", rule="R28")
    return value


def digest(data: bytes) -> bytes:
    """SHA-256."""
    return hashlib.sha256(data).digest()


def blob_digest(chunks: Sequence[bytes]) -> bytes:
    """Digest of a blob: SHA-256 over the SHA-256s of its 256 KiB chunks (P2).

    Args:
        chunks: The blob cut at multiples of `CHUNK_BYTES`.
    """
    return digest(b"".join(digest(chunk) for chunk in chunks))


def _check(value: object, depth: int) -> None:
    """Refuse what may not be encoded, or lies too deep.

    Exact types: a subclass (an enumeration, a named tuple) would come back as something else.
    """
    kind = type(value)
    if kind in _LEAVES:
        return
    if kind is int:
        if not _MIN_INT <= cast("int", value) <= _MAX_INT:
            raise ValueError("an integer of more than 64 bits")
        return
    items = _children(value)
    if items and depth >= MAX_DEPTH:
        raise ValueError(f"containers nested more than {MAX_DEPTH} deep")
    for item in items:
        _check(item, depth + 1)


def _children(value: object) -> Collection[object]:
    if type(value) in {list, tuple}:
        return cast("list[object]", value)
    if type(value) is dict:
        if any(type(key) is not str for key in value):
            raise TypeError("a map key that is not text")
        return value.values()
    raise TypeError(f"a value of type {type(value).__name__}")
