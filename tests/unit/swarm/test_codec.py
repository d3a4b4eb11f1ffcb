"""Canonical CBOR: one encoding of each value, nothing else is believed."""

from __future__ import annotations

import hashlib

import pytest

from swarm import codec
from swarm.errors import RemoteProtocolError


@pytest.mark.parametrize(
    "value",
    [None, True, 0, -1, 2**63 - 1, -(2**63), b"\x00", "é", [], {}, [1, [b"x", {"a": None}]]],
)
def test_what_is_encoded_decodes_to_itself(value: object) -> None:
    assert codec.decode(codec.encode(value), 1000) == value


def test_map_keys_are_sorted_shorter_first_as_rfc_8949_says() -> None:
    assert codec.encode({"b": 1, "aa": 2, "a": 3}).hex() == "a361610361620162616102"


def test_a_tuple_is_encoded_as_a_list() -> None:
    assert codec.encode((1, 2)) == codec.encode([1, 2])


@pytest.mark.parametrize("value", [1.5, {1, 2}, object(), {1: 2}, {"a": 1.0}, bytearray(b"x")])
def test_other_types_are_not_encoded(value: object) -> None:
    with pytest.raises(TypeError):
        codec.encode(value)  # type: ignore[arg-type]


def test_integers_of_more_than_64_bits_are_not_encoded() -> None:
    with pytest.raises(ValueError, match="64 bits"):
        codec.encode(2**63)


def test_deep_nesting_is_not_encoded() -> None:
    value: list[object] = []
    for _ in range(codec.MAX_DEPTH + 1):
        value = [value]
    with pytest.raises(ValueError, match="deep"):
        codec.encode(value)


@pytest.mark.parametrize(
    ("what", "data"),
    [
        ("a float", "fb3ff0000000000000"),
        ("a half float that is no number", "f97e00"),
        ("a date", "c100"),
        ("a big integer", "c249010000000000000000"),
        ("a regular expression", "d823617b"),
        ("a value that contains itself", "d81c81d81d00"),
        ("an unknown tag", "d82a00"),
        ("undefined", "f7"),
        ("a simple value", "e0"),
        ("a repeated key", "a2616101616102"),
        ("a key that is null", "a1f600"),
        ("a key that is an integer", "a20102"),
        ("a key that is bytes", "a1410102"),
        ("unsorted keys", "a262616100616201"),
        ("bytes after the end", "0000"),
        ("an integer longer than needed", "1801"),
        ("an unsigned integer beyond 63 bits", "1bffffffffffffffff"),
        ("bytes of unknown length", "5f4101ff"),
        ("a list of unknown length", "9f01ff"),
        ("a list of 2^64 items", "9bffffffffffffffff"),
        ("bytes of 2^64 bytes", "5bffffffffffffffff"),
        ("text that is not UTF-8", "61ff"),
        ("nothing", ""),
        ("a break alone", "ff"),
        ("deep nesting", "81" * 5000),
    ],
)
def test_what_we_would_not_have_written_is_refused(what: str, data: str) -> None:
    del what
    with pytest.raises(RemoteProtocolError) as refused:
        codec.decode(bytes.fromhex(data), 100_000)
    assert refused.value.rule == "R28"


def test_what_is_longer_than_allowed_is_refused_unread() -> None:
    with pytest.raises(RemoteProtocolError, match="at most 3"):
        codec.decode(b"\xff" * 4, 3)


def test_a_blob_digest_hashes_the_hashes_of_its_chunks() -> None:
    chunks = [b"a" * codec.CHUNK_BYTES, b"b"]
    expected = hashlib.sha256(
        hashlib.sha256(chunks[0]).digest() + hashlib.sha256(chunks[1]).digest()
    ).digest()
    assert codec.blob_digest(chunks) == expected
