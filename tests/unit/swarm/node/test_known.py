"""What was said before costs no second verification; what only looks like it is read strictly."""

from __future__ import annotations

import pytest

from swarm.consensus.instance import Instance, add_vote
from swarm.consensus.messages import Vote, write_vote
from swarm.desk import Desk
from swarm.known import is_known_receipt, is_known_transaction, is_known_vote
from swarm.protocol import Signed

VOTE = Vote("notarize", 3, 2, b"\x01" * 32, "m1", b"\x02" * 64)
RECEIPT = {"round": 1, "attempt": 1, "member": "m1", "blob": b"", "by": "m2", "signature": b"\x03"}
SIGNED = Signed("commit", "m1", b"body", b"\x04" * 64)


def test_a_vote_is_known_by_height_view_block_and_signature():
    instance = add_vote(Instance(3), VOTE)
    assert is_known_vote(instance, write_vote(VOTE))
    others = (
        Vote("finalize", 3, 2, VOTE.block, "m1", VOTE.signature),
        Vote("notarize", 3, 1, VOTE.block, "m1", VOTE.signature),
        Vote("notarize", 4, 2, VOTE.block, "m1", VOTE.signature),
        Vote("notarize", 3, 2, b"\x09" * 32, "m1", VOTE.signature),
        Vote("notarize", 3, 2, VOTE.block, "m2", VOTE.signature),
        Vote("notarize", 3, 2, VOTE.block, "m1", b"\x09" * 64),
    )
    assert not any(is_known_vote(instance, write_vote(other)) for other in others)


def test_a_receipt_is_known_by_maker_holder_and_signature():
    desk = Desk(receipts={"m1": {"m2": b"\x03"}})
    assert is_known_receipt(desk, RECEIPT)
    for change in ({"member": "m2"}, {"by": "m1"}, {"signature": b"\x05"}):
        assert not is_known_receipt(desk, {**RECEIPT, **change})


def test_a_transaction_is_known_as_a_whole():
    pool = {("commit", "m1"): SIGNED}
    assert is_known_transaction(pool, SIGNED.to_value())
    assert not is_known_transaction(pool, ["commit", "m1", b"other", SIGNED.signature])
    assert not is_known_transaction({}, SIGNED.to_value())


@pytest.mark.parametrize("odd", [None, 7, [], {}, ["vote"], [1, 2, 3, 4], {"member": []}, b"x"])
def test_what_looks_odd_is_not_known(odd):
    assert not is_known_vote(add_vote(Instance(3), VOTE), odd)
    assert not is_known_receipt(Desk(receipts={"m1": {"m2": b"\x03"}}), odd)
    assert not is_known_transaction({("commit", "m1"): SIGNED}, odd)
