"""Which transaction may come next: one test a rule (R12, R15, R24, R25)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from swarm.errors import RemoteProtocolError
from swarm.ledger.apply import apply_transaction
from swarm.ledger.rounds import (
    OUT_SILENT,
    OUT_WITHHELD,
    VOID_ABSTAINED,
    VOID_EMPTY,
    VOID_UNMERGED,
    compute_expected,
    compute_next_round,
    empty_ledger,
)
from swarm.ledger.transactions import Abstain, CloseSet, MergeResult, RoundVoid


def refuses(founders, transaction, sender=0, match=""):
    before = founders.ledger
    with pytest.raises(RemoteProtocolError, match=match):
        founders.apply(transaction, sender)
    assert founders.ledger == before


def test_a_round_goes_from_open_to_merged(founders):
    founders.whole_round()
    (entry,) = founders.ledger.rounds
    assert entry.outcome == "merged"
    assert entry.is_decided
    assert [member for member, _ in entry.included] == list(founders.ids[:3])
    assert entry.out == ((founders.ids[3], OUT_SILENT),)
    assert (entry.height, entry.closed_height, entry.decided_height) == (1, 3, 4)
    head = founders.ledger.head
    assert head is not None
    assert (head.round, head.attempt, head.height, head.digest) == (1, 1, 4, b"\x01" * 32)
    assert founders.ledger.accepted[founders.ids[0]] == (founders.commit(0).blob,)
    assert founders.ledger.current is None


def test_contributions_of_a_later_round_are_added_to_earlier_ones(founders):
    founders.whole_round((0, 1, 2), 1)
    founders.whole_round((0, 1, 3), 2)
    merged = dict(founders.ledger.contributions(founders.ledger.rounds[-1]))
    assert merged[founders.ids[0]] == (founders.commit(0, 1).blob, founders.commit(0, 2).blob)
    assert merged[founders.ids[2]] == (founders.commit(2, 1).blob,)
    assert merged[founders.ids[3]] == (founders.commit(3, 2).blob,)


def test_a_stranger_puts_nothing_on_the_ledger(founders):
    with pytest.raises(RemoteProtocolError, match="no member"):
        apply_transaction(founders.ledger, founders.opening(), "stranger", founders.verify)


def test_only_one_round_is_open_at_a_time(founders):
    founders.apply(founders.opening())
    refuses(founders, founders.opening(2), match="while round 1 is open")


def test_rounds_are_numbered_in_order(founders):
    refuses(founders, founders.opening(2), match="next is round 1, attempt 1")
    founders.whole_round()
    refuses(founders, founders.opening(1), match="next is round 2, attempt 1")


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"manifest": bytes(32)}, "manifest"),
        ({"base": bytes(32)}, "base"),
        ({"expected": ()}, "expects other members"),
    ],
)
def test_a_round_opens_with_what_genesis_and_ledger_say(founders, change, match):
    refuses(founders, replace(founders.opening(), **change), match=match)


def test_nothing_is_said_about_a_round_that_is_not_under_way(founders):
    refuses(founders, founders.commit(0), match="not under way")
    founders.apply(founders.opening())
    refuses(founders, founders.commit(0, 2), match="not under way")


@pytest.mark.parametrize("rho", [(1, 3), (2, 4), (0, 2)])
def test_a_commit_costs_exactly_the_manifests_rho(founders, rho):
    founders.apply(founders.opening())
    refuses(founders, replace(founders.commit(0), rho=rho), match="rho")


def test_a_commit_has_exactly_the_manifests_size(founders):
    founders.apply(founders.opening())
    refuses(founders, replace(founders.commit(0), size=9), match="bytes")


def test_a_member_answers_a_round_once(founders):
    founders.apply(founders.opening())
    founders.apply(founders.commit(0), 0)
    refuses(founders, founders.commit(0), 0, match="second answer")
    refuses(founders, Abstain(1, 1, "changed my mind"), 0, match="second answer")
    founders.apply(Abstain(1, 1, "no consent yet"), 1)
    refuses(founders, founders.commit(1), 1, match="second answer")


def test_a_witness_does_not_contribute(founders):
    members = tuple(
        replace(member, contributes=member.id != founders.ids[3])
        for member in founders.genesis.members
    )
    founders.genesis = replace(founders.genesis, members=members)
    founders.ledger = empty_ledger(founders.genesis)
    founders.apply(founders.opening())
    refuses(founders, founders.commit(3), 3, match="witness")


def test_nobody_commits_to_anothers_contribution(founders):
    founders.apply(founders.opening())
    founders.apply(founders.commit(0), 0)
    refuses(founders, founders.commit(0), 1, match="another member's")


def test_a_merged_contribution_is_not_merged_again(founders):
    founders.whole_round()
    founders.apply(founders.opening(2))
    again = replace(founders.commit(0, 1), round=2)
    refuses(founders, again, 0, match="already merged")


def test_a_contribution_that_was_left_out_may_come_again_and_costs_once(founders):
    founders.append((0, founders.opening()))
    founders.append(*((maker, founders.commit(maker)) for maker in range(4)))
    out = ((founders.ids[3], OUT_WITHHELD),)
    founders.append((0, replace(founders.close((0, 1, 2)), out=out)))
    founders.append((0, MergeResult(1, 1, bytes(32))))
    founders.append((0, founders.opening(2)))
    founders.apply(replace(founders.commit(3, 1), round=2), 3)
    assert founders.ledger.releases(founders.ids[3]) == 1


def test_a_second_attempt_takes_the_same_contribution_only(founders):
    founders.apply(founders.opening())
    founders.apply(founders.commit(0), 0)
    founders.apply(RoundVoid(1, 1, VOID_EMPTY))
    founders.apply(founders.opening(1, 2))
    other = replace(founders.commit(0, 1, 2), blob=b"\x55" * 32)
    refuses(founders, other, 0, match="second contribution")
    founders.apply(founders.commit(0, 1, 2), 0)
    founders.apply(replace(other, blob=b"\x66" * 32), 1)
    assert founders.ledger.releases(founders.ids[0]) == 1


def test_a_contribution_after_the_close_is_refused(founders):
    founders.append((0, founders.opening()))
    founders.append(*((maker, founders.commit(maker)) for maker in range(3)))
    founders.append((0, founders.close()))
    refuses(founders, founders.commit(3), 3, match="closed")
    refuses(founders, founders.close(), match="closed")


@pytest.fixture
def committed(founders):
    founders.append((0, founders.opening()))
    founders.append(*((maker, founders.commit(maker)) for maker in range(3)))
    return founders


def test_a_close_set_is_sorted_and_names_somebody(committed):
    close = committed.close()
    for wrong in ((), tuple(reversed(close.included)), close.included[:1] * 2):
        refuses(committed, replace(close, included=wrong), match="empty, unsorted")


def test_a_close_set_names_who_is_out_and_why(committed):
    close = committed.close()
    for wrong in ((), ((committed.ids[3], "lazy"),), ((committed.ids[3], OUT_WITHHELD),)):
        refuses(committed, replace(close, out=wrong), match="who is out")


def test_a_close_set_cannot_leave_a_commit_out_as_silent(committed):
    refuses(committed, committed.close((0, 1)), match="who is out")


def test_a_close_set_includes_only_what_was_committed_to(committed):
    refuses(committed, committed.close((0, 1, 2, 3)), match="did not commit")
    close = committed.close()
    changed = replace(close.included[0], blob=bytes(32))
    refuses(committed, replace(close, included=(changed, *close.included[1:])), match="commit")


def test_a_close_set_needs_f_plus_one_receipts_of_others(committed):
    close = committed.close()
    first = close.included[0]
    own = committed.included(1).receipts[0]
    for receipts in (
        first.receipts[:1],
        tuple(reversed(first.receipts)),
        (first.receipts[0], first.receipts[0]),
        (),
    ):
        wrong = (replace(first, receipts=receipts), *close.included[1:])
        refuses(committed, replace(close, included=wrong), match=r"without f\+1 receipts")
    for receipts in (
        ((0, own[1]), first.receipts[1]),  # its maker's own word does not count
        (first.receipts[0], (2, bytes(64))),
        (first.receipts[0], (49, bytes(64))),
    ):
        wrong = (replace(first, receipts=receipts), *close.included[1:])
        refuses(committed, replace(close, included=wrong), match="false receipt")


def test_an_abstention_is_the_reason_to_be_out(committed):
    committed.apply(Abstain(1, 1, "budget spent"), 3)
    out = ((committed.ids[3], "abstained: budget spent"),)
    committed.apply(replace(committed.close(), out=out))
    assert committed.ledger.rounds[-1].out == out


def test_a_result_follows_a_close_only(committed):
    refuses(committed, MergeResult(1, 1, bytes(32)), match="not closed")


def test_a_void_gives_the_reason_that_fits(committed):
    refuses(committed, RoundVoid(1, 1, VOID_UNMERGED), match="can be true")
    refuses(committed, RoundVoid(1, 1, VOID_ABSTAINED), match="can be true")
    refuses(committed, RoundVoid(1, 1, "because I say so"), match="can be true")
    committed.append((0, committed.close()))
    refuses(committed, RoundVoid(1, 1, VOID_EMPTY), match="can be true")
    committed.append((0, RoundVoid(1, 1, VOID_UNMERGED)))
    assert committed.ledger.rounds[-1].reason == VOID_UNMERGED
    assert committed.ledger.accepted == {}


def test_a_void_never_follows_a_result(founders):
    founders.whole_round()
    refuses(founders, RoundVoid(1, 1, VOID_UNMERGED), match="not under way")


def test_a_round_has_two_attempts_at_most_and_the_second_has_the_same_terms(founders):
    founders.apply(founders.opening())
    founders.apply(RoundVoid(1, 1, VOID_EMPTY))
    assert compute_next_round(founders.ledger) == (1, 2)
    refuses(founders, founders.opening(2), match="next is round 1, attempt 2")
    other = replace(founders.opening(1, 2), as_of="2027-01-01")
    refuses(founders, other, match="other parameters")
    founders.apply(founders.opening(1, 2))
    founders.apply(RoundVoid(1, 2, VOID_EMPTY))
    assert compute_next_round(founders.ledger) == (2, 1)


def test_a_round_that_everybody_sat_out_is_not_tried_again(founders):
    founders.apply(founders.opening())
    for sender in range(4):
        founders.apply(Abstain(1, 1, "not yet"), sender)
    refuses(founders, RoundVoid(1, 1, VOID_EMPTY), match="can be true")
    founders.apply(RoundVoid(1, 1, VOID_ABSTAINED))
    assert compute_next_round(founders.ledger) == (2, 1)


def test_a_member_left_out_twice_in_three_rounds_is_not_expected_in_the_next(founders):
    everybody = founders.ids
    founders.whole_round((0, 1, 2), 1)
    assert compute_expected(founders.genesis, founders.ledger) == everybody
    founders.whole_round((0, 1, 2), 2)
    assert compute_expected(founders.genesis, founders.ledger) == everybody[:3]
    founders.append((0, founders.opening(3)))
    founders.append(*((m, founders.commit(m, 3)) for m in range(4)))
    included = tuple(founders.included(m, 3) for m in range(4))  # it came back on its own
    founders.append((0, CloseSet(3, 1, included, ())))
    founders.append((0, MergeResult(3, 1, b"\x03" * 32)))
    assert compute_expected(founders.genesis, founders.ledger) == everybody[:3]
    founders.append((0, founders.opening(4)))
    founders.append(*((m, founders.commit(m, 4)) for m in range(3)))
    included = tuple(founders.included(m, 4) for m in range(3))
    founders.append((0, CloseSet(4, 1, included, ())))  # not waited for, so not out
    founders.append((0, MergeResult(4, 1, b"\x04" * 32)))
    assert compute_expected(founders.genesis, founders.ledger) == everybody


def test_who_abstains_is_not_left_out(founders):
    for number in (1, 2):
        founders.append((0, founders.opening(number)))
        founders.append(
            *((m, founders.commit(m, number)) for m in range(3)), (3, Abstain(number, 1, "no"))
        )
        out = ((founders.ids[3], "abstained: no"),)
        founders.append((0, replace(founders.close((0, 1, 2), number), out=out)))
        founders.append((0, MergeResult(number, 1, bytes([number]) * 32)))
    assert founders.ids[3] in compute_expected(founders.genesis, founders.ledger)


def test_if_nobody_would_be_expected_everybody_is(founders):
    alone = replace(founders.genesis, members=founders.genesis.members[3:])
    for number in (1, 2):
        founders.whole_round((0, 1, 2), number)
    assert compute_expected(alone, founders.ledger) == alone.ids
