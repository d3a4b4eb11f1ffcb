"""One member's part in a round: contribute, receipt, close, merge, void (R13, R23 to R25)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from swarm import desk as desks
from swarm import events
from swarm.consensus.instance import Seat
from swarm.consensus.rules import Rules
from swarm.desk import Desk
from swarm.ledger.apply import apply_transaction
from swarm.ledger.rounds import (
    OUT_SILENT,
    VOID_ABSTAINED,
    VOID_EMPTY,
    VOID_UNMERGED,
    Head,
    Ledger,
    compute_expected,
    empty_ledger,
    needed_blobs,
)
from swarm.ledger.transactions import (
    Abstain,
    CloseSet,
    Commit,
    MergeResult,
    RoundOpen,
    RoundVoid,
    receipt_body,
)
from swarm.rounds import Patience, agrees, compute_wish, work
from swarm.signing import SimSigner
from swarm.simulation.scenario import make_genesis

GENESIS = make_genesis(4)
IDS = GENESIS.ids
SEAT = Seat(GENESIS, IDS[0], SimSigner(IDS[0], GENESIS.swarm_id), Rules())
PATIENCE = Patience(fetch_again_ms=5_000, merge_ms=30_000)
CLOSE_MS = 60_000
BLOBS = [bytes([index]) * 32 for index in range(4)]


class Member:
    """Ledger and desk of member 0, and its own clock."""

    def __init__(self) -> None:
        self.ledger: Ledger = empty_ledger(GENESIS)
        self.desk = Desk()
        self.now = 1_000
        self.effects: list[events.Effect] = []

    def apply(self, sender: int, transaction) -> None:
        """A transaction becomes final."""
        before = self.ledger
        higher = replace(before, height=before.height + 1)
        verify = SEAT.signer.verify
        self.ledger = apply_transaction(higher, transaction, IDS[sender], verify)
        self.desk = desks.on_block(self.desk, before, self.ledger, self.now)

    def open(self, attempt: int = 1) -> None:
        expected = compute_expected(GENESIS, self.ledger)
        manifest = GENESIS.manifest_digest
        self.apply(1, RoundOpen(1, attempt, "release", b"", manifest, "2026-11-24", expected, 60))

    def commit(self, *senders: int) -> None:
        for sender in senders:
            self.apply(sender, Commit(1, 1, BLOBS[sender], 20, GENESIS.rho))

    def receipt(self, maker: int, *holders: int) -> None:
        for holder in holders:
            signer = SimSigner(IDS[holder], GENESIS.swarm_id)
            body = receipt_body(1, 1, IDS[maker], BLOBS[maker])
            signature = signer.sign("receipt", body)
            word = desks.Receipt((1, 1), IDS[maker], BLOBS[maker], IDS[holder], signature)
            self.desk = desks.on_receipt(GENESIS, self.ledger, self.desk, word)

    def complete(self, *makers: int) -> None:
        self.commit(*makers)
        for maker in makers:
            self.receipt(maker, *[index for index in range(4) if index != maker][:2])

    def work(self, after_ms: int = 0) -> list[events.Effect]:
        self.now += after_ms
        self.desk, effects = work(SEAT, self.ledger, self.desk, self.now, PATIENCE)
        self.effects = list(effects)
        return self.effects

    def of(self, kind) -> list:
        return [effect for effect in self.effects if isinstance(effect, kind)]

    def wish(self):
        self.work()
        return compute_wish(SEAT, self.ledger, self.desk, self.now, PATIENCE)

    def agrees(self, transaction) -> bool:
        self.work()
        return agrees(SEAT, self.ledger, self.desk, self.now, PATIENCE, transaction)

    def close(self) -> CloseSet:
        """Close with what is complete here."""
        closing = self.wish()
        assert isinstance(closing, CloseSet)
        self.apply(1, closing)
        return closing

    def signed(self, purpose: str) -> bool:
        return (purpose, (1, 1)) in self.desk.signed


@pytest.fixture
def member() -> Member:
    return Member()


@pytest.fixture
def opened(member: Member) -> Member:
    member.open()
    return member


# --- contributing -------------------------------------------------------------------------------


def test_an_open_round_starts_our_contribution_once(opened):
    opened.work()
    assert opened.of(events.StartContribution) == [
        events.StartContribution(1, 1, "release", "2026-11-24", b"", 20, 60)
    ]
    opened.work()
    assert opened.effects == []


def test_training_waits_until_the_merge_that_it_starts_from_is_ours(member):
    """A round of updates may open before we have merged, or moved to, the one before."""
    digest = b"\x0a" * 32
    member.ledger = replace(member.ledger, network=Head(0, 1, 1, digest))
    expected, manifest = compute_expected(GENESIS, member.ledger), GENESIS.manifest_digest
    opening = RoundOpen(1, 1, "parameters", digest, manifest, "2026-11-24", expected, 60)
    member.apply(1, opening)
    before = replace(member.ledger.rounds[0], opening=replace(opening, round=0), outcome="merged")
    member.ledger = replace(member.ledger, rounds=(before, *member.ledger.rounds))
    member.work()
    assert member.of(events.StartContribution) == []
    member.desk = replace(member.desk, merges={(0, 1): digest})
    member.work()
    assert member.of(events.MoveHead) == [events.MoveHead(0, 1, digest, "parameters")]
    member.work()
    size = GENESIS.terms("parameters").size
    assert member.of(events.StartContribution) == [
        events.StartContribution(1, 1, "parameters", "2026-11-24", digest, size, 60)
    ]


def test_after_a_restart_the_contribution_is_started_again(opened):
    opened.work()
    restarted = desks.on_block(Desk(), empty_ledger(GENESIS), opened.ledger, 0)
    opened.desk = restarted
    opened.work()
    assert opened.of(events.StartContribution)


def test_a_contribution_is_committed_to_and_persisted_before_it_is_sent(opened):
    opened.work()
    opened.desk = desks.on_ready(opened.desk, events.ContributionReady(1, 1, BLOBS[0], 20))
    kinds = [type(effect) for effect in opened.work()]
    assert kinds == [events.Persist, events.Broadcast]
    assert opened.signed("commit")
    opened.work()
    assert opened.effects == []


def test_a_second_contribution_to_the_same_attempt_is_ignored(opened):
    opened.desk = desks.on_ready(opened.desk, events.ContributionReady(1, 1, BLOBS[0], 20))
    opened.work()
    opened.desk = desks.on_ready(opened.desk, events.ContributionReady(1, 1, BLOBS[1], 20))
    assert opened.work() == []


def test_a_contribution_of_wrong_size_becomes_an_abstention_by_name(opened):
    opened.desk = desks.on_ready(opened.desk, events.ContributionReady(1, 1, BLOBS[0], 19))
    opened.work()
    assert opened.signed("abstain")
    assert not opened.signed("commit")


@pytest.mark.parametrize("reason", ["budget spent", "", "two\nlines", "x" * 999])
def test_an_abstention_is_announced_whatever_its_reason(opened, reason):
    event = events.ContributionAbstained(1, 1, reason)
    opened.desk = desks.on_abstained(opened.desk, event)
    opened.work()
    assert opened.signed("abstain")
    assert opened.work() == []


def test_an_answer_on_the_ledger_is_not_given_again(opened):
    opened.commit(0)
    opened.desk = desks.on_ready(opened.desk, events.ContributionReady(1, 1, BLOBS[0], 20))
    opened.work()
    assert opened.of(events.StartContribution) == []
    assert opened.of(events.Persist) == []


def test_a_closed_round_is_not_contributed_to(opened):
    opened.complete(1, 2, 3)
    opened.work(CLOSE_MS)
    opened.close()
    opened.desk = desks.on_ready(opened.desk, events.ContributionReady(1, 1, BLOBS[0], 20))
    opened.work()
    assert opened.of(events.Persist) == []
    assert not opened.signed("commit")


# --- blobs and receipts -------------------------------------------------------------------------


def test_a_final_commit_is_fetched_from_its_maker_first(opened):
    opened.commit(2)
    opened.work()
    (fetch,) = opened.of(events.FetchBlob)
    assert (fetch.blob, fetch.size) == (BLOBS[2], GENESIS.contribution_bytes)
    assert fetch.holders == (IDS[2], IDS[1], IDS[3])


def test_known_holders_are_asked_before_others(opened):
    opened.commit(2)
    opened.receipt(2, 3)
    opened.work()
    assert opened.of(events.FetchBlob)[0].holders == (IDS[2], IDS[3], IDS[1])


def test_a_blob_is_asked_for_again_after_a_while_until_it_is_here(opened):
    opened.commit(2)
    opened.work()
    opened.work(4_999)
    assert opened.of(events.FetchBlob) == []
    opened.work(1)
    assert len(opened.of(events.FetchBlob)) == 1
    opened.desk = desks.on_stored(opened.desk, BLOBS[2])
    opened.work(9_000)
    assert opened.of(events.FetchBlob) == []


def test_a_malformed_blob_gets_no_receipt_and_is_not_fetched_again(opened):
    opened.commit(2)
    opened.desk = desks.on_refused(opened.desk, events.BlobRefused(BLOBS[2], "not 20 bytes"))
    opened.work(9_000)
    assert opened.of(events.FetchBlob) == []
    assert opened.of(events.Broadcast) == []


def test_a_stored_blob_gets_one_receipt_but_not_our_own(opened):
    opened.commit(0, 2)
    opened.desk = replace(opened.desk, stored=frozenset(BLOBS))
    opened.work()
    assert len(opened.of(events.Broadcast)) == 1
    assert IDS[0] in opened.desk.receipts[IDS[2]]
    assert opened.desk.receipts[IDS[0]] == {}
    opened.work()
    assert opened.effects == []


def test_of_many_blobs_some_are_asked_for_first_and_those_of_the_open_round_always(
    opened, monkeypatch
):
    monkeypatch.setattr("swarm.rounds._FETCHED_AT_ONCE", 2)
    opened.commit(1, 2)
    old = {bytes([n]) * 32: (IDS[1], 20) for n in range(100, 110)}
    opened.desk = replace(opened.desk, lacking={**old, **opened.desk.lacking})
    opened.work()
    asked = [effect.blob for effect in opened.of(events.FetchBlob)]
    assert asked == sorted([*list(old)[:2], BLOBS[1], BLOBS[2]])
    for blob in asked[2:]:
        opened.desk = desks.on_stored(opened.desk, blob)
    opened.work()
    assert [effect.blob for effect in opened.of(events.FetchBlob)] == list(old)[2:4]


def test_blobs_of_a_void_round_are_not_needed(opened):
    opened.commit(1, 2)
    needed = {blob for blob, _, _ in needed_blobs(GENESIS, opened.ledger)}
    assert needed == {BLOBS[1], BLOBS[2]}
    opened.apply(1, RoundVoid(1, 1, VOID_EMPTY))
    assert needed_blobs(GENESIS, opened.ledger) == ()


# --- closing (R24) ------------------------------------------------------------------------------


def test_a_round_closes_at_once_when_all_are_complete(opened):
    opened.complete(0, 1, 2)
    assert opened.wish() is None
    opened.complete(3)
    closing = opened.wish()
    assert isinstance(closing, CloseSet)
    assert [entry.member for entry in closing.included] == list(IDS)
    assert [len(entry.receipts) for entry in closing.included] == [2, 2, 2, 2]
    assert closing.out == ()
    assert opened.agrees(closing)
    opened.apply(1, closing)  # and it is valid


def test_who_abstains_is_not_waited_for(opened):
    opened.complete(0, 1, 2)
    opened.apply(3, Abstain(1, 1, "no consent"))
    closing = opened.wish()
    assert isinstance(closing, CloseSet)
    assert closing.out == ((IDS[3], "abstained: no consent"),)


def test_without_one_member_a_round_closes_when_our_timer_runs_out(opened):
    opened.complete(0, 1, 2)
    opened.work(CLOSE_MS - 1)
    assert opened.wish() is None
    opened.work(1)
    closing = opened.wish()
    assert isinstance(closing, CloseSet)
    assert closing.out == ((IDS[3], OUT_SILENT),)


def test_nobody_is_left_out_early(opened):
    other = Member()
    other.open()
    other.complete(0, 1, 2)
    other.work(CLOSE_MS)
    closing = other.wish()
    opened.complete(0, 1, 2)
    assert not opened.agrees(closing)
    opened.work(CLOSE_MS)
    assert opened.agrees(closing)


def test_whose_receipts_we_held_in_time_is_not_left_out(opened):
    other = Member()
    other.open()
    other.complete(0, 1)
    other.commit(2)
    other.work(CLOSE_MS)
    without = other.wish()
    opened.complete(0, 1, 2)
    opened.work(CLOSE_MS)
    assert not opened.agrees(without)


def test_whose_receipts_came_too_late_may_be_left_out_or_in(opened):
    other = Member()
    other.open()
    other.complete(0, 1)
    other.commit(2)
    other.work(CLOSE_MS)
    without = other.wish()
    opened.complete(0, 1)
    opened.commit(2)
    opened.work(CLOSE_MS)
    opened.receipt(2, 0, 1)
    assert opened.agrees(without)
    assert opened.agrees(opened.wish())
    assert len(opened.wish().included) == 3


def test_an_early_close_leaves_nobody_out_whose_receipts_we_hold(opened):
    # Member 3 is not expected, but came all the same.
    current = opened.ledger.rounds[-1]
    fewer = replace(current.opening, expected=IDS[:3])
    opened.ledger = replace(opened.ledger, rounds=(replace(current, opening=fewer),))
    opened.complete(0, 1, 2)
    without = opened.wish()
    assert isinstance(without, CloseSet)
    opened.complete(3)
    assert not opened.agrees(without)


# --- void (R25) ---------------------------------------------------------------------------------


def test_a_round_is_void_when_our_timer_runs_out_and_nobody_is_complete(opened):
    opened.commit(0, 1)
    void = RoundVoid(1, 1, VOID_EMPTY)
    assert opened.wish() is None
    assert not opened.agrees(void)
    opened.work(CLOSE_MS)
    assert opened.wish() == void
    assert opened.agrees(void)
    opened.receipt(0, 1, 2)
    assert not opened.agrees(void)
    assert isinstance(opened.wish(), CloseSet)


def test_a_round_that_everybody_sits_out_is_void_at_once(opened):
    for sender in range(4):
        assert opened.wish() is None
        opened.apply(sender, Abstain(1, 1, "not yet"))
    assert opened.wish() == RoundVoid(1, 1, VOID_ABSTAINED)
    assert opened.agrees(RoundVoid(1, 1, VOID_ABSTAINED))


def test_a_void_round_is_opened_a_second_time_and_not_a_third(opened):
    opened.apply(1, RoundVoid(1, 1, VOID_EMPTY))
    again = opened.wish()
    assert isinstance(again, RoundOpen)
    assert (again.round, again.attempt) == (1, 2)
    opened.desk = replace(opened.desk, request=events.RoundRequested("release", "2026-12-01", 9))
    opened.work()
    assert opened.of(events.Persist) == []  # the retry comes first
    assert opened.agrees(again)
    opened.apply(1, again)
    opened.apply(1, RoundVoid(1, 2, VOID_EMPTY))
    assert opened.wish() is None


def test_a_request_opens_the_next_round_once(member):
    member.desk = replace(member.desk, request=events.RoundRequested("release", "2026-12-01", 9))
    assert [type(effect) for effect in member.work()] == [events.Persist, events.Broadcast]
    assert member.work() == []
    member.open()  # somebody else's was faster
    assert member.desk.request is None


# --- merging (R23) ------------------------------------------------------------------------------


@pytest.fixture
def closed(opened: Member) -> Member:
    opened.complete(0, 1, 2)
    opened.work(CLOSE_MS)
    opened.close()
    return opened


def test_a_merge_starts_when_all_blobs_are_here(closed):
    closed.work()
    assert closed.of(events.ComputeMerge) == []
    closed.desk = replace(closed.desk, stored=frozenset(BLOBS[:3]))
    closed.work()
    contributions = tuple((IDS[index], (BLOBS[index],)) for index in range(3))
    assert closed.of(events.ComputeMerge) == [events.ComputeMerge(1, 1, contributions, (IDS[0],))]
    closed.work()
    assert closed.effects == []


def test_a_result_is_supported_by_our_own_merge_only(closed):
    result = MergeResult(1, 1, b"\x0a" * 32)
    assert closed.wish() is None
    assert not closed.agrees(result)
    closed.desk = desks.on_merge(closed.desk, events.MergeComputed(1, 1, b"\x0a" * 32))
    assert closed.wish() == result
    assert closed.agrees(result)
    assert not closed.agrees(MergeResult(1, 1, bytes(32)))


def test_head_moves_when_merge_and_ledger_agree(closed):
    closed.desk = desks.on_merge(closed.desk, events.MergeComputed(1, 1, b"\x0a" * 32))
    closed.apply(1, MergeResult(1, 1, b"\x0a" * 32))
    closed.work()
    height = closed.ledger.height
    assert closed.of(events.MoveHead) == [events.MoveHead(1, height, b"\x0a" * 32, "release")]
    closed.work()
    assert closed.effects == []


def test_a_closed_round_without_a_merge_is_given_up_after_the_longer_timer(closed):
    void = RoundVoid(1, 1, VOID_UNMERGED)
    closed.work(CLOSE_MS - 1)  # the round's own timer is longer than our patience
    assert closed.wish() is None
    assert not closed.agrees(void)
    closed.work(1)
    assert closed.wish() == void
    assert closed.agrees(void)


def test_who_has_merged_waits_twice_as_long_before_giving_up(closed):
    void = RoundVoid(1, 1, VOID_UNMERGED)
    closed.desk = desks.on_merge(closed.desk, events.MergeComputed(1, 1, b"\x0a" * 32))
    closed.work(2 * CLOSE_MS - 1)
    assert isinstance(closed.wish(), MergeResult)
    assert not closed.agrees(void)
    closed.work(1)
    assert closed.wish() == void
    assert closed.agrees(void)


def test_a_receipt_after_the_close_changes_nothing(closed):
    before = closed.desk
    closed.receipt(0, 3)
    assert closed.desk is before
