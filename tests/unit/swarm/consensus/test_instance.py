"""One height of Simplex: votes, certificates, evidence, and what may follow what."""

from __future__ import annotations

from dataclasses import replace

import pytest

from swarm import codec
from swarm.consensus.instance import (
    VIEWS_AHEAD,
    Instance,
    Seat,
    add_certificate,
    add_proposal,
    add_vote,
    form_certificates,
)
from swarm.consensus.messages import (
    FINALIZE,
    NOTARIZE,
    NULLIFY,
    Certificate,
    Vote,
    proposal_body,
    read_certificate,
    read_proposal,
    read_vote,
    write_certificate,
    write_vote,
)
from swarm.consensus.rules import LONGEST_TIMEOUT_MS, Rules
from swarm.errors import RemoteProtocolError
from swarm.ledger.blocks import NO_BLOCK, vote_body
from swarm.protocol import sign
from swarm.signing import SimSigner
from swarm.simulation.scenario import make_genesis

GENESIS = make_genesis(4)
SIGNERS = [SimSigner(member, GENESIS.swarm_id) for member in GENESIS.ids]
SEAT = Seat(GENESIS, GENESIS.ids[0], SIGNERS[0], Rules())
X, Y = codec.digest(b"x"), codec.digest(b"y")


def vote(purpose: str, view: int, block: bytes, member: int) -> Vote:
    signature = SIGNERS[member].sign(purpose, vote_body(1, view, block))
    return Vote(purpose, 1, view, block, GENESIS.ids[member], signature)


def with_votes(purpose: str, view: int, block: bytes, members: range) -> Instance:
    instance = Instance(1)
    for member in members:
        instance = add_vote(instance, vote(purpose, view, block, member))
    return form_certificates(SEAT, instance)


def proposal(view: int, leader: int, block: bytes, parent: int = 0):
    body = proposal_body(1, view, parent, block)
    signed = sign(SIGNERS[leader], GENESIS.ids[leader], "proposal", body)
    return read_proposal(signed.to_value(), SIGNERS[0].verify)


def test_three_equal_votes_of_four_make_a_certificate_and_two_do_not():
    assert with_votes(NOTARIZE, 1, X, range(2)).certificates == {}
    certificate = with_votes(NOTARIZE, 1, X, range(3)).certificates[NOTARIZE, 1]
    assert certificate.block == X
    assert [member for member, _ in certificate.signatures] == list(GENESIS.ids[:3])


def test_votes_for_different_blocks_do_not_add_up():
    instance = with_votes(NOTARIZE, 1, X, range(2))
    for member in (2, 3):
        instance = add_vote(instance, vote(NOTARIZE, 1, Y, member))
    assert form_certificates(SEAT, instance).certificates == {}


def test_only_the_first_vote_counts_and_the_second_is_evidence():
    instance = add_vote(Instance(1), vote(NOTARIZE, 1, X, 1))
    instance = add_vote(instance, vote(NOTARIZE, 1, Y, 1))
    assert instance.votes[NOTARIZE, 1][GENESIS.ids[1]][0] == X
    assert "two blocks" in instance.evidence[GENESIS.ids[1]]


def test_the_same_vote_twice_is_no_evidence():
    once = add_vote(Instance(1), vote(NOTARIZE, 1, X, 1))
    assert add_vote(once, vote(NOTARIZE, 1, X, 1)) is once


@pytest.mark.parametrize("order", [(NULLIFY, FINALIZE), (FINALIZE, NULLIFY)])
def test_nullify_and_finalize_in_one_view_are_evidence(order):
    instance = Instance(1)
    for purpose in order:
        block = NO_BLOCK if purpose == NULLIFY else X
        instance = add_vote(instance, vote(purpose, 2, block, 3))
    assert "both" in instance.evidence[GENESIS.ids[3]]


def test_notarize_and_nullify_in_one_view_are_honest():
    instance = add_vote(Instance(1), vote(NOTARIZE, 1, X, 1))
    assert add_vote(instance, vote(NULLIFY, 1, NO_BLOCK, 1)).evidence == {}


def test_the_first_evidence_against_a_member_is_kept():
    instance = Instance(1)
    for view in (1, 2):
        for block in (X, Y):
            instance = add_vote(instance, vote(NOTARIZE, view, block, 1))
    assert "view 1" in instance.evidence[GENESIS.ids[1]]


def test_votes_and_proposals_far_ahead_are_dropped():
    far = 1 + VIEWS_AHEAD + 1
    assert add_vote(Instance(1), vote(NOTARIZE, far, X, 1)).votes == {}
    leader = GENESIS.ids.index(Rules().leader(GENESIS.ids, 1, far))
    assert add_proposal(SEAT, Instance(1), proposal(far, leader, b"x")).proposals == {}
    near = far - 1
    assert add_vote(Instance(1), vote(NOTARIZE, near, X, 1)).votes != {}
    leader = GENESIS.ids.index(Rules().leader(GENESIS.ids, 1, near))
    assert add_proposal(SEAT, Instance(1), proposal(near, leader, b"x")).proposals != {}


def test_a_proposal_is_its_leaders():
    with pytest.raises(RemoteProtocolError, match="does not lead"):
        add_proposal(SEAT, Instance(1), proposal(1, 0, b"x"))


def test_only_the_first_proposal_counts_and_the_second_is_evidence():
    first = add_proposal(SEAT, Instance(1), proposal(1, 2, b"x"))
    assert add_proposal(SEAT, first, proposal(1, 2, b"x")) is first
    second = add_proposal(SEAT, first, proposal(1, 2, b"y"))
    assert second.proposals == first.proposals
    assert Y not in second.contents
    assert "two proposals" in second.evidence[GENESIS.ids[2]]


def test_a_certificate_of_too_few_or_false_signatures_is_refused():
    certificate = with_votes(NOTARIZE, 1, X, range(3)).certificates[NOTARIZE, 1]
    short = Certificate(NOTARIZE, 1, 1, X, certificate.signatures[:2])
    moved = Certificate(NOTARIZE, 1, 1, Y, certificate.signatures)
    other = Certificate(FINALIZE, 1, 1, X, certificate.signatures)
    for wrong in (short, moved, other):
        with pytest.raises(RemoteProtocolError):
            add_certificate(SEAT, Instance(1), wrong, b"")


def test_a_block_is_kept_only_beside_a_certificate_about_it():
    certificate = with_votes(NOTARIZE, 1, X, range(3)).certificates[NOTARIZE, 1]
    held = add_certificate(SEAT, Instance(1), certificate, b"")
    assert held.notarised(1) is None  # we do not know the block yet
    assert add_certificate(SEAT, held, certificate, b"x").notarised(1) == X
    unsigned = Certificate(NOTARIZE, 1, 1, Y, certificate.signatures)
    assert add_certificate(SEAT, held, unsigned, b"y").contents == {}


def test_a_proposal_repeats_the_latest_notarised_block_over_nullified_views():
    rules = Rules()
    assert Instance(1).parent(rules) == 0
    notarised = with_votes(NOTARIZE, 1, X, range(3)).certificates
    nullified = with_votes(NULLIFY, 2, NO_BLOCK, range(3)).certificates
    certificates = {**notarised, **nullified}
    assert Instance(1, view=3, certificates=nullified).parent(rules) is None
    assert Instance(1, view=2, certificates=notarised).parent(rules) is None  # block unknown
    known = Instance(1, view=3, certificates=certificates, contents={X: b"x"})
    assert known.parent(rules) == 1
    assert Instance(1, view=3, certificates=notarised, contents={X: b"x"}).parent(rules) is None


def test_the_gap_is_the_latest_view_of_which_we_know_nothing():
    notarised = with_votes(NOTARIZE, 1, X, range(3)).certificates
    nullified = with_votes(NULLIFY, 3, NO_BLOCK, range(3)).certificates
    both = {**notarised, **nullified}
    assert Instance(1).gap() == 1
    assert Instance(1, view=4, certificates=both, contents={X: b"x"}).gap() == 2
    assert Instance(1, view=2, certificates=notarised, contents={X: b"x"}).gap() == 2
    assert Instance(1, view=2, certificates=notarised).gap() == 1


def test_a_decision_needs_the_block_itself():
    finalised = with_votes(FINALIZE, 1, X, range(3))
    assert finalised.decided() is None
    final = Instance(1, certificates=finalised.certificates, contents={X: b"x"}).decided()
    assert final is not None
    assert (final.data, final.view) == (b"x", 1)


def test_views_time_out_at_two_seconds_doubling_to_sixty():
    rules = Rules()
    assert [rules.timeout_ms(view) // 1000 for view in range(1, 8)] == [2, 4, 8, 16, 32, 60, 60]
    assert rules.timeout_ms(2**20) == LONGEST_TIMEOUT_MS


def test_every_member_leads_in_turn():
    leaders = [Rules().leader(GENESIS.ids, 5, view) for view in range(1, 5)]
    assert sorted(leaders) == list(GENESIS.ids)


def test_votes_and_certificates_are_read_as_they_were_written():
    one = vote(NOTARIZE, 1, X, 1)
    assert read_vote(write_vote(one), SIGNERS[0].verify) == one
    certificate = with_votes(NOTARIZE, 1, X, range(3)).certificates[NOTARIZE, 1]
    assert read_certificate(write_certificate(certificate, b"x")) == (certificate, b"x")


@pytest.mark.parametrize(
    "body",
    [
        [0, 1, X],
        [1, 0, X],
        [1, 1, b"short"],
        [1, 1, NO_BLOCK],
        [1, 1],
        ["1", 1, X],
        {"height": 1},
    ],
)
def test_a_vote_out_of_bounds_is_refused(body):
    signed = sign(SIGNERS[1], GENESIS.ids[1], NOTARIZE, body)
    with pytest.raises(RemoteProtocolError):
        read_vote(signed.to_value(), SIGNERS[0].verify)


def test_a_nullify_names_no_block():
    signed = sign(SIGNERS[1], GENESIS.ids[1], NULLIFY, [1, 1, X])
    with pytest.raises(RemoteProtocolError, match="a nullify that names a block"):
        read_vote(signed.to_value(), SIGNERS[0].verify)


def test_a_certificate_of_wrong_form_is_refused():
    good = write_certificate(with_votes(NOTARIZE, 1, X, range(3)).certificates[NOTARIZE, 1], b"")
    for change in (
        {"purpose": "commit"},
        {"at": [1, 1]},
        {"block": b"y"},
        {"signatures": 1},
        {"extra": 1},
    ):
        with pytest.raises(RemoteProtocolError):
            read_certificate({**good, **change})


def test_a_proposal_has_an_earlier_parent():
    body = proposal_body(1, 2, 2, b"x")
    signed = sign(SIGNERS[3], GENESIS.ids[3], "proposal", body)
    with pytest.raises(RemoteProtocolError, match="parent"):
        read_proposal(signed.to_value(), SIGNERS[0].verify)


def test_what_a_proposal_repeats_is_asked_for_by_who_knows_the_view_as_nullified_only():
    instance = with_votes(NULLIFY, 1, NO_BLOCK, range(3))
    instance = replace(instance, view=2)
    assert instance.gap() == 2
    repeated = add_proposal(SEAT, instance, proposal(2, 3, b"x", parent=1))
    assert repeated.gap() == 1
    notarised = with_votes(NOTARIZE, 1, X, range(3)).certificates
    known = replace(repeated, certificates={**repeated.certificates, **notarised})
    assert known.gap() == 2
