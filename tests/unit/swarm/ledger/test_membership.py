"""Members change one block at a time, by quorum, never inside a round (R27); exit (R29)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from swarm import codec
from swarm.errors import LedgerError, RemoteProtocolError
from swarm.ledger.blocks import read_final, write_final
from swarm.ledger.carry import Carry, carry_of, read_carry, write_carry
from swarm.ledger.chain import verify_chain
from swarm.ledger.genesis import make_request, read_request
from swarm.ledger.membership import (
    ADD,
    ANCHOR,
    APPROVAL,
    CARRY,
    MOVE,
    REMOVE,
    ROTATE,
    Change,
    read_change,
    write_change,
)
from swarm.ledger.rounds import compute_expected
from swarm.ledger.transactions import (
    Membership,
    MergeResult,
    RoundVoid,
    read_transaction,
    write_transaction,
)
from swarm.protocol import sign
from swarm.signing import Ed25519Signer

NEW_SEED = bytes([9]) * 32
REQUEST = make_request(NEW_SEED, name="newcomer", addresses=["/ip4/127.0.0.1/tcp/9"])
NEW_ID = read_request(REQUEST).id


def change(founders, kind, member, **fields):
    """A change that may come next."""
    seen = (founders.ledger.height, founders.ledger.tip)
    number = founders.ledger.roster.changes + 1
    return Change(kind, number, member, seen, seen[0] + 50, **fields)


def approved(founders, made, signers=(0, 1, 2), signed=None):
    """A change with the approvals of members, by place."""
    data = write_change(made)
    approvals = {
        founders.signers[n].member: founders.signers[n].sign(APPROVAL, signed or data)
        for n in signers
    }
    return Membership(made.number, data, tuple(sorted(approvals.items())))


def adding(founders, **fields):
    return change(founders, ADD, NEW_ID, request=REQUEST, **fields)


def refuses(founders, transaction, match, sender=0):
    before = founders.ledger
    with pytest.raises(RemoteProtocolError, match=match):
        founders.append((sender, transaction))
    assert founders.ledger is before


def test_a_newcomer_is_a_member_from_the_next_height_on(founders):
    founders.append((0, approved(founders, adding(founders))))
    roster = founders.ledger.roster
    assert NEW_ID in roster.by_id
    assert (len(roster.ids), roster.quorum, roster.tolerates) == (5, 4, 1)
    assert roster.swarm_id == founders.genesis.swarm_id
    assert NEW_ID in compute_expected(roster, founders.ledger)
    assert founders.genesis.quorum == 3


def test_a_change_needs_a_quorum_of_true_approvals(founders):
    made = adding(founders)
    refuses(founders, approved(founders, made, signers=(0, 1)), "approved by 2 members, 3")
    refuses(founders, approved(founders, made, signed=b"other bytes"), "false approval")
    stranger = Ed25519Signer(NEW_SEED, founders.genesis.swarm_id)
    own = ((stranger.member, stranger.sign(APPROVAL, write_change(made))),)
    whole = approved(founders, made)
    with_stranger = replace(whole, approvals=tuple(sorted((*whole.approvals[:2], *own))))
    refuses(founders, with_stranger, "false approval")


def test_a_change_works_once_and_only_in_its_turn(founders):
    first = approved(founders, adding(founders))
    founders.append((0, first))
    refuses(founders, first, "each works once")
    late = replace(adding(founders), number=3)
    refuses(founders, approved(founders, late), "next is 2")


def test_a_change_expires_and_is_not_for_an_unknown_future(founders):
    founders.whole_round()
    old = replace(adding(founders), until=founders.ledger.height)
    refuses(founders, approved(founders, old), "for heights")
    early = replace(adding(founders), seen=(7, bytes(32)))
    refuses(founders, approved(founders, early), "for heights")


def test_a_change_waits_for_the_end_of_a_round_and_of_its_second_attempt(founders):
    made = approved(founders, adding(founders))
    founders.append((0, founders.opening()))
    refuses(founders, made, "inside a round")
    founders.append((1, RoundVoid(1, 1, "no contribution was complete in time")))
    refuses(founders, made, "inside a round")


def test_a_change_is_alone_in_its_block(founders):
    made = approved(founders, adding(founders))
    with pytest.raises(RemoteProtocolError, match="not alone"):
        founders.append((0, made), (1, founders.opening()))


def test_only_a_new_key_and_a_new_name_come_in(founders):
    present = founders.genesis.members[1]
    seed = bytes([1]) * 32
    again = make_request(seed, name="another", addresses=["/ip4/127.0.0.1/tcp/1"])
    member = read_request(again).id
    refuses(founders, approved(founders, change(founders, ADD, member, request=again)), "not a new")
    named = make_request(NEW_SEED, name=present.name, addresses=["/ip4/127.0.0.1/tcp/1"])
    refuses(founders, approved(founders, change(founders, ADD, NEW_ID, request=named)), "one name")


def test_who_leaves_signs_alone_and_whoever_is_removed_does_not_sign(founders):
    leaver = founders.ids[3]
    founders.append((0, approved(founders, change(founders, REMOVE, leaver), signers=(3,))))
    roster = founders.ledger.roster
    assert leaver not in roster.by_id
    assert roster.names[leaver]
    assert (len(roster.ids), roster.quorum, roster.tolerates) == (3, 2, 0)
    made = change(founders, REMOVE, founders.ids[0], reason="it lies")
    refuses(founders, approved(founders, made, signers=(1,)), "approved by 1")
    founders.append((1, approved(founders, made, signers=(1, 2))))
    assert founders.ids[0] not in founders.ledger.roster.by_id


def test_after_its_removal_a_member_puts_nothing_on_the_ledger(founders):
    founders.append((0, approved(founders, change(founders, REMOVE, founders.ids[3]))))
    with pytest.raises(RemoteProtocolError, match="no member"):
        founders.append((3, founders.opening()))
    back = change(founders, ADD, founders.ids[3], request=REQUEST)
    refuses(founders, approved(founders, back, signers=(0, 1)), "not a new one")


def test_a_removed_members_sums_stay_in_unless_they_are_dropped(founders):
    founders.whole_round((0, 1, 2))
    founders.append((0, approved(founders, change(founders, REMOVE, founders.ids[2]))))
    assert founders.ledger.current is None
    assert founders.ids[2] in founders.ledger.accepted


def test_an_exit_opens_a_merge_without_the_leavers_sums(founders):
    founders.whole_round((0, 1, 2))
    made = change(founders, REMOVE, founders.ids[2], flag=True)
    founders.append((0, approved(founders, made, signers=(2,))))
    merging = founders.ledger.current
    assert (merging.kind, merging.outcome, merging.key) == ("again", "closed", (2, 1))
    merged = dict(founders.ledger.contributions(merging))
    assert set(merged) == {founders.ids[0], founders.ids[1]}
    with pytest.raises(RemoteProtocolError, match="without a member"):
        founders.append((0, RoundVoid(2, 1, "no merge was agreed in time")))
    founders.append((0, MergeResult(2, 1, b"\x05" * 32)))
    head = founders.ledger.head
    assert (head.round, head.digest) == (2, b"\x05" * 32)
    assert set(founders.ledger.accepted) == set(merged)
    founders.append((0, founders.opening(3)))


def test_an_exit_that_leaves_nothing_is_refused(founders):
    founders.whole_round((0,))
    made = change(founders, REMOVE, founders.ids[0], flag=True)
    refuses(founders, approved(founders, made), "no contribution to merge")


def test_nobody_opens_an_exit_by_a_round_open(founders):
    with pytest.raises(RemoteProtocolError, match="only a change of members opens"):
        founders.append((0, replace(founders.opening(), kind="again")))


def test_a_new_key_is_the_same_member_and_the_old_one_counts_no_more(founders):
    founders.whole_round((0, 1, 2))
    old = founders.ids[0]
    founders.append((1, approved(founders, change(founders, ROTATE, old, request=REQUEST))))
    ledger = founders.ledger
    assert ledger.roster.successor(old) == NEW_ID
    assert ledger.roster.origin(NEW_ID) == old
    assert ledger.roster.by_id[NEW_ID].name == founders.genesis.by_id[old].name
    assert ledger.releases(NEW_ID) == 1
    assert set(dict(ledger.contributions(ledger.rounds[-1]))) == set(founders.ids[:3])
    with pytest.raises(RemoteProtocolError, match="no member"):
        founders.append((0, founders.opening(2)))
    forged = founders.append((1, founders.opening(2)))  # certified with the old key
    with pytest.raises(LedgerError, match=r"height 6.*false signature"):
        verify_chain(founders.genesis, [*founders.blocks[:-1], forged])


def test_a_key_is_rotated_twice_and_stays_one_member(founders):
    first = founders.ids[0]
    founders.append((1, approved(founders, change(founders, ROTATE, first, request=REQUEST))))
    third = make_request(bytes([8]) * 32, name="x", addresses=["/ip4/127.0.0.1/tcp/9"])
    made = change(founders, ROTATE, NEW_ID, request=third)
    founders.append((1, approved(founders, made, signers=(1, 2, 3))))
    roster = founders.ledger.roster
    newest = read_request(third).id
    assert roster.origin(newest) == roster.origin(NEW_ID) == roster.origin(first) == first
    assert roster.successor(first) == roster.successor(NEW_ID) == newest
    back = make_request(NEW_SEED, name="x", addresses=["/ip4/127.0.0.1/tcp/9"])
    again = change(founders, ROTATE, founders.ids[1], request=back)
    refuses(founders, approved(founders, again, signers=(1, 2, 3)), "a member's before", 1)


def test_who_moves_signs_alone(founders):
    member = founders.ids[1]
    made = change(founders, MOVE, member, addresses=("/dns4/new.example/tcp/4001",))
    founders.append((0, approved(founders, made, signers=(1,))))
    assert founders.ledger.roster.by_id[member].addresses == ("/dns4/new.example/tcp/4001",)


def test_a_quorum_makes_an_anchor_and_unmakes_it(founders):
    member = founders.ids[1]
    founders.append((0, approved(founders, change(founders, ANCHOR, member, flag=True))))
    assert founders.ledger.roster.anchors == (member,)
    same = change(founders, ANCHOR, member, flag=True)
    refuses(founders, approved(founders, same), "what it is")
    founders.whole_round((0, 1, 2))
    assert founders.ledger.rounds[-1].anchors == (member,)
    founders.append((0, approved(founders, change(founders, ANCHOR, member, flag=False))))
    assert founders.ledger.roster.anchors == ()
    assert founders.ledger.rounds[-1].anchors == (member,)


def test_somebody_must_contribute_and_somebody_must_stay(founders):
    for place in (3, 2, 1):
        made = change(founders, REMOVE, founders.ids[place])
        founders.append((0, approved(founders, made, signers=(place,))))
    last = change(founders, REMOVE, founders.ids[0])
    refuses(founders, approved(founders, last, signers=(0,)), "to 0 members")


def test_a_whole_history_with_changes_verifies_with_each_heights_own_members(founders):
    founders.whole_round((0, 1, 2))
    founders.append((0, approved(founders, adding(founders))), voters=3)
    founders.append((0, founders.opening(2)), voters=4)
    ledger = verify_chain(founders.genesis, founders.blocks)
    assert ledger == founders.ledger
    founders.blocks[-1] = _cut_certificate(founders.blocks[-1])
    with pytest.raises(LedgerError, match=r"height 6.*3 signatures, 4 are needed"):
        verify_chain(founders.genesis, founders.blocks)


def _cut_certificate(block):
    final = read_final(block)
    return write_final(replace(final, certificate=final.certificate[:3]))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("kind", "crown"),
        ("number", 0),
        ("seen", [1]),
        ("seen", [1, "x"]),
        ("until", -1),
        ("addresses", ["no address"]),
        ("addresses", [1]),
        ("flag", 1),
        ("reason", "x" * 300),
        ("member", "y" * 65),
    ],
)
def test_a_malformed_change_is_refused(founders, field, value):
    body = codec.decode(write_change(adding(founders)), 1 << 20)
    with pytest.raises(RemoteProtocolError):
        read_change(codec.encode({**body, field: value}))


def test_a_membership_transaction_reads_back(founders):
    made = approved(founders, adding(founders))
    signed = sign(founders.signers[0], founders.ids[0], *write_transaction(made))
    assert read_transaction(signed) == made
    assert read_change(made.change) == adding(founders)


def carrying(founders, **changes):
    """A carry of two contributions, one of them of somebody who is no founder."""
    lost = NEW_ID
    old = Carry(
        bytes(32),
        9,
        b"\x07" * 32,
        founders.genesis.manifest_digest,
        tuple(sorted([(founders.ids[0], "p", (b"\x01" * 32,)), (lost, "lost", (b"\x02" * 32,))])),
        (),
    )
    data = write_carry(replace(old, **changes))
    return change(founders, CARRY, bytes(32).hex(), request=data)


def test_a_swarm_founded_anew_takes_over_what_was_merged(founders):
    founders.append((0, approved(founders, carrying(founders))))
    ledger = founders.ledger
    assert set(ledger.accepted) == {founders.ids[0], NEW_ID}
    assert ledger.roster.names[NEW_ID] == "lost"
    assert NEW_ID not in ledger.roster.by_id
    assert (ledger.current.kind, ledger.current.outcome) == ("again", "closed")
    founders.append((1, MergeResult(1, 1, b"\x05" * 32)))
    founders.append((1, founders.opening(2)))
    assert verify_chain(founders.genesis, founders.blocks) == founders.ledger


def test_nothing_is_taken_over_after_the_first_round_or_under_another_manifest(founders):
    refuses(founders, approved(founders, carrying(founders), signers=(0, 1)), "approved by 2")
    other = carrying(founders, manifest=b"\x09" * 32)
    refuses(founders, approved(founders, other), "another manifest")
    refuses(founders, approved(founders, carrying(founders, members=())), "a carry of nothing")
    founders.whole_round()
    refuses(founders, approved(founders, carrying(founders)), "after the first round")


@pytest.mark.parametrize(
    "members",
    [
        (("x" * 65, "n", (bytes(32),)),),
        (("b", "n", (bytes(32),)), ("a", "n", (bytes(32),))),
        (("a", "n", (bytes(31),)),),
        (("a", "n", ()),),
    ],
)
def test_a_malformed_carry_is_refused(founders, members):
    with pytest.raises(RemoteProtocolError):
        read_carry(carrying(founders, members=members).request)


def test_what_is_carried_is_what_a_ledger_says(founders):
    founders.whole_round((0, 1, 2))
    carry = carry_of(founders.ledger)
    assert read_carry(write_carry(carry)) == carry
    assert [who for who, _, _ in carry.members] == sorted(founders.ids[:3])
    assert (carry.height, carry.tip) == (founders.ledger.height, founders.ledger.tip)
