"""Each safety rule, broken on purpose: the suite must notice, or it proves nothing.

Every broken rule meets twice: a directed schedule in which two honest members really decide
different blocks (and with the rule as it is, do not), and random seeds under the invariants.
"""

from __future__ import annotations

import pytest

from swarm import events
from swarm.codec import digest
from swarm.consensus.rules import Rules
from swarm.ledger.blocks import NO_BLOCK, write_block
from swarm.ledger.rounds import compute_expected, empty_ledger
from swarm.ledger.transactions import RoundOpen, write_transaction
from swarm.protocol import sign
from swarm.signing import SimSigner
from swarm.simulation.scenario import Scenario
from swarm.simulation.schedule import Letter, Schedule
from swarm.simulation.world import simulate


class TwoAreEnough(Rules):
    def quorum(self, members: int) -> int:
        return members // 2


class FinaliseAfterNullify(Rules):
    def may_finalise(self, *, has_nullified: bool) -> bool:
        return True


class SkipWithoutNullification(Rules):
    def may_skip(self, view: int, nullified: object) -> bool:
        return True


class VoteWithoutPersisting(Rules):
    def must_persist(self) -> bool:
        return False


def opening_block(schedule: Schedule, signer: int, as_of: str) -> bytes:
    """A first block that may come: one RoundOpen, told apart by its date."""
    genesis = schedule.genesis
    expected = compute_expected(genesis, empty_ledger(genesis))
    opening = RoundOpen(1, 1, "release", b"", genesis.manifest_digest, as_of, expected, 60)
    member = schedule.ids[signer]
    purpose, body = write_transaction(opening)
    signed = sign(SimSigner(member, genesis.swarm_id), member, purpose, body)
    return write_block(1, genesis.swarm_id, [signed])


def decide_on_two_sides(rules: Rules) -> Schedule:
    """Two halves that hear nothing of each other, each with a round to open."""
    schedule = Schedule(4, rules, honest=(0, 1, 2, 3))
    schedule.request(2, "2026-01-01")  # leads view 1
    schedule.request(3, "2026-02-02")  # leads view 2
    sides = ({schedule.ids[0], schedule.ids[2]}, {schedule.ids[1], schedule.ids[3]})

    def within(letter: Letter) -> bool:
        return any({letter.sender, letter.receiver} <= side for side in sides)

    for _ in range(40):
        schedule.drain(within)
        schedule.tick(500)
    return schedule


def test_a_quorum_of_two_lets_two_halves_decide_differently() -> None:
    schedule = decide_on_two_sides(TwoAreEnough())
    assert schedule.decided(0)
    assert schedule.decided(1)
    assert schedule.decided(0)[0] != schedule.decided(1)[0]


def test_with_the_true_quorum_two_halves_decide_nothing() -> None:
    schedule = decide_on_two_sides(Rules())
    assert all(schedule.decided(index) == [] for index in range(4))


def finalise_late(rules: Rules) -> Schedule:
    """All notarise X in view 1 and nullify it too; its notarisation is learnt in view 2.

    Letters are held back so that view 2 proposes Y before anybody hears that X was notarised.
    """
    schedule = Schedule(4, rules, honest=(0, 1, 2, 3))
    ids = schedule.ids
    schedule.request(2, "2026-01-01")
    schedule.deliver(lambda x: x.kind == "proposal" and x.view == 1)
    schedule.tick(2_500)  # everybody times out
    schedule.drain(lambda x: x.kind == "nullify" and x.view == 1)
    schedule.letters = [x for x in schedule.letters if x.kind in {"notarize", "transaction"}]
    schedule.propose(3, 0, 2, 0, opening_block(schedule, 3, "2026-02-02"))
    schedule.propose(3, 1, 2, 0, opening_block(schedule, 3, "2026-02-02"))
    # Two notarise Y beside its proposer; what they send waits.
    late = [x for x in schedule.letters if x.kind == "notarize" and x.view == 2]
    schedule.letters = [x for x in schedule.letters if x not in late]
    schedule.drain(lambda x: x.kind == "notarize" and x.view == 1)
    schedule.drain(lambda x: x.kind == "finalize" and x.view == 1 and x.receiver == ids[2])
    schedule.letters = late
    y = digest(opening_block(schedule, 3, "2026-02-02"))
    for receiver in (0, 1):
        schedule.vote(3, receiver, "notarize", 2, y)
    schedule.drain(lambda x: x.kind == "notarize" and x.view == 2)
    for receiver in (0, 1):
        schedule.vote(3, receiver, "finalize", 2, y)
    schedule.drain(lambda x: x.kind == "finalize" and x.view == 2)
    return schedule


def test_finalising_after_nullifying_decides_two_blocks() -> None:
    schedule = finalise_late(FinaliseAfterNullify())
    assert schedule.decided(2)
    assert schedule.decided(0)
    assert schedule.decided(2)[0] != schedule.decided(0)[0]


def test_without_finalising_after_nullifying_only_one_block_is_decided() -> None:
    schedule = finalise_late(Rules())
    decided = [schedule.decided(index) for index in range(4)]
    assert decided[2] == []
    assert decided[0] == decided[1] != []


def skip_a_notarised_view(rules: Rules) -> Schedule:
    """View 1 is decided at one member only; the liar who leads view 2 proposes something fresh."""
    schedule = Schedule(4, rules, honest=(0, 1, 2))
    ids = schedule.ids
    schedule.request(2, "2026-01-01")
    schedule.deliver(lambda x: x.kind == "proposal" and x.view == 1)
    schedule.drain(lambda x: x.kind == "notarize" and x.view == 1)
    schedule.drain(lambda x: x.kind == "finalize" and x.view == 1 and x.receiver == ids[2])
    schedule.letters = []
    other = opening_block(schedule, 3, "2026-02-02")
    for receiver in (0, 1):
        schedule.propose(3, receiver, 2, 0, other)
        schedule.vote(3, receiver, "notarize", 2, digest(other))
    schedule.drain(lambda x: x.view == 2 and x.kind == "notarize" and x.receiver != ids[2])
    for receiver in (0, 1):
        schedule.vote(3, receiver, "finalize", 2, digest(other))
    schedule.drain(lambda x: x.view == 2 and x.kind == "finalize" and x.receiver != ids[2])
    return schedule


def test_skipping_a_view_without_nullification_decides_two_blocks() -> None:
    schedule = skip_a_notarised_view(SkipWithoutNullification())
    assert schedule.decided(2)
    assert schedule.decided(0)
    assert schedule.decided(2)[0] != schedule.decided(0)[0]


def test_a_view_that_is_not_nullified_is_not_skipped() -> None:
    schedule = skip_a_notarised_view(Rules())
    assert schedule.decided(2)
    assert schedule.decided(0) == schedule.decided(1) == []


def vote_crash_and_vote_again(rules: Rules) -> Schedule:
    """A liar leads view 1: X is decided with a member that crashes, then Y with it and another."""
    schedule = Schedule(4, rules, honest=(0, 1, 3))
    x = opening_block(schedule, 2, "2026-01-01")
    y = opening_block(schedule, 2, "2026-02-02")

    def decide(block: bytes, members: tuple[int, int]) -> None:
        there = {schedule.ids[index] for index in members}
        for receiver in members:
            schedule.propose(2, receiver, 1, 0, block)
            schedule.vote(2, receiver, "notarize", 1, digest(block))
        schedule.drain(lambda letter: {letter.sender, letter.receiver} <= there)
        for receiver in members:
            schedule.vote(2, receiver, "finalize", 1, digest(block))

    decide(x, (0, 1))
    schedule.letters = []
    disk = schedule.disks[schedule.ids[1]]
    disk.blocks.clear()  # it crashed before the block was on disk; its votes should be
    schedule.crash(1)
    schedule.start(1)
    decide(y, (1, 3))
    return schedule


def test_a_vote_that_was_not_persisted_is_cast_again_and_decides_two_blocks() -> None:
    schedule = vote_crash_and_vote_again(VoteWithoutPersisting())
    assert schedule.decided(0) == [digest(opening_block(schedule, 2, "2026-01-01"))]
    assert schedule.decided(3) == [digest(opening_block(schedule, 2, "2026-02-02"))]


def test_a_persisted_vote_is_never_cast_again() -> None:
    schedule = vote_crash_and_vote_again(Rules())
    assert schedule.decided(0) == [digest(opening_block(schedule, 2, "2026-01-01"))]
    assert schedule.decided(3) == []


def enter_by_a_certificate_and_crash(rules: Rules) -> Schedule:
    """A liar lets one member alone see a nullification; that member votes on, crashes, restarts."""
    schedule = Schedule(4, rules, honest=(0, 1, 3))
    schedule.request(3, "2026-01-01")
    schedule.drain(lambda x: x.kind == "transaction")  # a height begins; the liar leads view 1
    for index in (1, 3):  # whose clocks are ahead
        schedule.step(index, events.Tick(2_500))
    schedule.drain(lambda x: x.kind == "nullify" and x.receiver == schedule.ids[0])
    schedule.vote(2, 0, "nullify", 1, NO_BLOCK)
    schedule.step(0, events.Tick(4_500))
    schedule.letters = []
    schedule.crash(0)
    schedule.start(0)
    return schedule


def test_a_certificate_that_a_vote_rests_on_is_not_forgotten_in_a_crash() -> None:
    schedule = enter_by_a_certificate_and_crash(Rules())
    for _ in range(60):
        schedule.drain(lambda x: x.receiver != schedule.ids[2])
        schedule.tick(1_000)
    assert all(schedule.decided(index) for index in (0, 1, 3))


def test_a_member_that_persists_nothing_forgets_it_and_all_stand_still() -> None:
    schedule = enter_by_a_certificate_and_crash(VoteWithoutPersisting())
    assert schedule.nodes[schedule.ids[0]].view().view == 1


SPLIT = ("partition", "loss")
DIVIDING = ("fork", "two-faced")


@pytest.mark.parametrize(
    ("scenario", "seeds"),
    [
        (
            Scenario(rules=TwoAreEnough(), liars=1, lies=DIVIDING, faults=SPLIT, rounds=1),
            range(150),
        ),
        (Scenario(rules=FinaliseAfterNullify()), range(20)),
        (Scenario(rules=VoteWithoutPersisting()), range(3)),
    ],
    ids=["quorum", "finalise", "persist"],
)
def test_random_seeds_notice_a_broken_rule(scenario: Scenario, seeds: range) -> None:
    assert any(simulate(seed, scenario).violation for seed in seeds)
