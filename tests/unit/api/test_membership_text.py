"""What a change of the members is said to do, before anybody signs it."""

from __future__ import annotations

from dataclasses import replace

from api.membership_text import describe
from swarm.ledger.membership import REMOVE, Change
from tests.unit.swarm.node.builders import ran


def test_an_exit_says_how_many_updates_of_the_network_stay() -> None:
    ledger = ran(rounds=1).invariants.ledger
    leaver, other = ledger.roster.ids[:2]
    before = replace(ledger, updates=())
    after = replace(before, updates=(((leaver, b"1" * 32), (other, b"2" * 32)),))
    change = Change(REMOVE, 1, leaver, (ledger.height, ledger.tip), ledger.height + 9, flag=True)
    said, silent = (" ".join(describe(each, change, ())) for each in (after, before))
    assert "Its 1 update(s) of the network stay in it, with --drop, too" in said
    assert "update(s)" not in silent
