"""The invariants notice what they are there for: otherwise a green simulation means nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest

from swarm import codec
from swarm.ledger.blocks import vote_body
from swarm.ledger.rounds import Round
from swarm.ledger.transactions import Commit, RoundOpen
from swarm.signing import SimSigner
from swarm.simulation.disk import Disk
from swarm.simulation.invariants import Invariants, ViolationError
from swarm.simulation.scenario import Scenario, make_genesis
from swarm.simulation.world import World, simulate

GENESIS = make_genesis(4)
IDS = GENESIS.ids


@pytest.fixture
def invariants() -> Invariants:
    verify = SimSigner("", GENESIS.swarm_id).verify
    return Invariants(GENESIS, verify, frozenset(IDS))


@pytest.fixture(scope="module")
def blocks() -> dict[str, list[bytes]]:
    """Ledgers of two runs that decided different things."""
    ledgers = {}
    for seed in (1, 2):
        world = World(seed, Scenario(faults=(), rounds=1))
        world.run()
        ledgers[str(seed)] = world.hosts[IDS[0]].disk.blocks
    return ledgers


def record(purpose: str, view: int, block: bytes, member: int = 0) -> bytes:
    body = vote_body(1, view, block)
    signature = SimSigner(IDS[member], GENESIS.swarm_id).sign(purpose, body)
    return codec.encode(["vote", [purpose, IDS[member], body, signature], b""])


def sent(entry: bytes) -> bytes:
    return codec.encode(codec.decode(entry, 1 << 20)[:2])


def test_two_blocks_at_one_height_are_a_violation(invariants, blocks):
    invariants.on_append(IDS[0], 1, 0, blocks["1"][0])
    invariants.on_append(IDS[1], 1, 0, blocks["1"][0])
    with pytest.raises(ViolationError, match="disagreement"):
        invariants.on_append(IDS[2], 1, 0, blocks["2"][0])


def test_a_gap_in_a_ledger_is_a_violation(invariants, blocks):
    with pytest.raises(ViolationError, match="appends height 2"):
        invariants.on_append(IDS[0], 2, 0, blocks["1"][1])


def test_a_merge_that_is_not_the_sum_is_a_violation(invariants):
    world = World(1, Scenario(faults=(), rounds=1))
    world.run()
    true = world.invariants.blobs
    invariants.blobs = {blob: bytes(len(data)) for blob, data in true.items()}
    chain = world.hosts[IDS[0]].disk.blocks
    for height, block in enumerate(chain[:-1], start=1):
        invariants.on_append(IDS[0], height, height - 1, block)
    with pytest.raises(ViolationError, match="not the sum"):
        invariants.on_append(IDS[0], len(chain), len(chain) - 1, chain[-1])


def test_a_vote_that_is_not_on_disk_is_a_violation(invariants):
    entry = record("notarize", 1, b"\x01" * 32)
    with pytest.raises(ViolationError, match="not on its disk"):
        invariants.on_send(IDS[0], sent(entry), Disk())
    invariants.on_persist(IDS[0], entry)
    invariants.on_send(IDS[0], sent(entry), Disk())


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (("notarize", 1, b"\x01" * 32), ("notarize", 1, b"\x02" * 32)),
        (("nullify", 1, bytes(32)), ("finalize", 1, b"\x01" * 32)),
        (("finalize", 1, b"\x01" * 32), ("nullify", 1, bytes(32))),
    ],
)
def test_votes_that_exclude_each_other_are_a_violation(invariants, first, second):
    invariants.on_persist(IDS[0], record(*first))
    with pytest.raises(ViolationError):
        invariants.on_persist(IDS[0], record(*second))


def test_a_receipt_for_what_is_not_on_disk_is_a_violation(invariants):
    blob = codec.blob_digest([b"cells"])
    receipt = codec.encode(["receipt", {"by": IDS[0], "blob": blob}])
    invariants.on_send(IDS[0], receipt, Disk(blobs={blob: b"cells"}))
    with pytest.raises(ViolationError, match="not on its disk"):
        invariants.on_send(IDS[0], receipt, Disk())


def test_a_disk_that_forgets_what_it_took_is_a_violation(invariants, blocks):
    entry = record("notarize", 1, b"\x01" * 32)
    invariants.on_persist(IDS[0], entry)
    invariants.on_append(IDS[0], 1, 0, blocks["1"][0])
    invariants.on_start(IDS[0], (entry,), (blocks["1"][0],))
    with pytest.raises(ViolationError, match="lost a record"):
        invariants.on_start(IDS[0], (), (blocks["1"][0],))
    with pytest.raises(ViolationError, match="lost a final block"):
        invariants.on_start(IDS[0], (entry,), ())
    invariants.on_loss(IDS[0], Disk())
    invariants.on_start(IDS[0], (), ())


def test_head_on_what_the_ledger_does_not_say_is_a_violation(invariants):
    with pytest.raises(ViolationError, match="HEAD"):
        invariants.on_head(IDS[0], 1, bytes(32))


def test_accusing_an_honest_member_is_a_violation(invariants):
    with pytest.raises(ViolationError, match="who is honest"):
        invariants.on_evidence(IDS[0], IDS[1])


@pytest.mark.parametrize(
    ("kind", "keys"), [("statistics", ((1, 1), (1, 2))), ("parameters", ((1, 2), (2, 1)))]
)
def test_two_contributions_to_a_round_or_on_one_base_are_a_violation(invariants, kind, keys):
    rounds = tuple(
        Round(RoundOpen(*key, kind, b"", bytes(32), "2026-11-24", IDS, 6), 1) for key in keys
    )
    invariants.ledger = replace(invariants.ledger, rounds=rounds)

    class Block:
        transactions = tuple((IDS[0], Commit(*key, bytes(key) * 16, 20, (1, 2))) for key in keys)

    with pytest.raises(ViolationError, match="contributes twice"):
        invariants._check_commits(Block())  # type: ignore[arg-type]


def test_a_run_that_cannot_finish_is_a_stall():
    outcome = simulate(1, Scenario(faults=(), down=(2, 3), patience_ms=20_000))
    assert outcome.stalled
    assert outcome.rounds == ()


def test_without_faults_nobody_crashes_and_no_time_is_lost():
    world = World(1, Scenario(faults=(), rounds=1))
    world.run()
    assert {host.run for host in world.hosts.values()} == {1}
    assert world.now_ms < 5_000
