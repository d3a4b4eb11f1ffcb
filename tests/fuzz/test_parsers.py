"""No bytes of a peer do more than be refused: by our own errors, in bounded memory (R28)."""

from __future__ import annotations

import re
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz.targets import TARGETS

ROOT = Path(__file__).parents[2]
calm = settings(
    deadline=None,
    derandomize=True,
    max_examples=60,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.differing_executors],
)
NAMES = pytest.mark.parametrize("name", TARGETS)
BOMBS = {
    "a list of 2^32": b"\x9a\xff\xff\xff\xff",
    "a list of 2^64": b"\x9b" + b"\xff" * 8,
    "a map of 2^32": b"\xba\xff\xff\xff\xff",
    "bytes of 2^40": b"\x5b\x00\x00\x01" + bytes(5),
    "text of 2^64": b"\x7b" + b"\xff" * 8,
    "lists in lists": b"\x81" * 50_000,
    "a tag in tags": b"\xc1" * 50_000,
    "shared references": b"\xd8\x1c" * 9_000,
    "a huge integer": b"\xc2\x5a\x00\x01\x00\x00" + b"\xff" * 65_536,
    "endless bytes": b"\x5f" + b"\x41x" * 20_000,
    "a frame of 4 GiB": b"\xff\xff\xff\xff" + bytes(40_000),
    "zeros": bytes(60_000),
}


@NAMES
def test_a_true_sample_is_accepted(name):
    for sample in TARGETS[name].samples:
        accepted = TARGETS[name](sample)
        # A stream is read until it ends, which is a refusal of its own.
        assert accepted or name == "frames", sample.hex()


@NAMES
@calm
@given(st.data())
def test_damaged_samples_are_taken_or_refused(name, data):
    target = TARGETS[name]
    sample = data.draw(st.sampled_from(target.samples))
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, max(len(sample) - 1, 0)))
        kind = data.draw(st.sampled_from(["flip", "cut", "grow", "drop", "splice"]))
        if kind == "flip" and sample:
            bit = 1 << data.draw(st.integers(0, 7))
            sample = sample[:at] + bytes([sample[at] ^ bit]) + sample[at + 1 :]
        elif kind == "cut":
            sample = sample[:at]
        elif kind == "grow":
            sample = sample[:at] + data.draw(st.binary(max_size=9)) + sample[at:]
        elif kind == "drop":
            sample = sample[:at] + sample[at + data.draw(st.integers(1, 9)) :]
        else:
            other = data.draw(st.sampled_from(target.samples))
            sample = sample[:at] + other[data.draw(st.integers(0, len(other))) :]
    target(sample)


@NAMES
@calm
@given(st.binary(max_size=300))
def test_random_bytes_are_taken_or_refused(name, data):
    TARGETS[name](data)


@NAMES
def test_no_length_is_believed_before_it_is_there(name):
    target = TARGETS[name]
    target(b"")
    for what, bomb in BOMBS.items():
        tracemalloc.start()
        target(bomb)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < 40 * len(bomb) + (1 << 21), (what, peak)


def test_every_parser_of_foreign_bytes_has_a_target():
    """A new `read_…` or `verify_…` of bytes in swarm/ needs a line in `targets.py`, or here."""
    found = set()
    for path in sorted((ROOT / "swarm").rglob("*.py")):
        if "simulation" not in path.parts:
            found |= set(re.findall(r"^def ((?:read|verify)_\w+)\(", path.read_text(), re.M))
    own_files = {"read_json", "read_pointer", "read_records"}
    reached = {  # through `message`, `final`, `genesis` and `export`
        *("read_signatures", "read_updates", "read_member", "verify_certificate", "verify_chain"),
        *("verify_next", "verify_genesis"),
    }
    text = (Path(__file__).parent / "targets.py").read_text()
    assert not {name for name in found - own_files - reached if f"{name}" not in text}
