"""Votes on final heights are forgotten, and nothing else: no vote is ever cast twice (R26)."""

from __future__ import annotations

import pytest

from swarm import codec, events
from swarm.errors import LedgerError
from swarm.pruning import PRUNED, prune_log
from tests.unit.swarm.node.builders import IDS, make_node, ran


def started(log, blocks, **config):
    node = make_node(**config)
    node.step(events.Started(0, tuple(log), tuple(blocks)))
    return node


def test_a_node_that_starts_from_a_pruned_log_is_the_same_node():
    disk = ran().hosts[IDS[0]].disk
    for height in range(2, len(disk.blocks) + 1):
        blocks = disk.blocks[:height]
        pruned = prune_log(disk.log, height, fewest=1)
        assert pruned is not None
        assert len(pruned) < len(disk.log)
        before, after = started(disk.log, blocks)._state, started(pruned, blocks)._state
        assert after.instance == before.instance
        assert after.log == before.log
        assert after.desk == before.desk
        assert after.passive == before.passive


def test_votes_of_the_height_under_way_stay():
    """Pruning one height more would let this member vote there again."""
    disk = ran().hosts[IDS[0]].disk
    blocks = disk.blocks[:-1]
    kept = prune_log(disk.log, len(blocks), fewest=1)
    lost = prune_log(disk.log, len(blocks) + 1, fewest=1)
    assert started(kept, blocks)._state.instance.mine
    with pytest.raises(LedgerError, match="dropped from the vote log"):
        started(lost, blocks)


def test_a_ledger_shorter_than_what_was_pruned_starts_as_restored_only():
    disk = ran().hosts[IDS[0]].disk
    pruned = prune_log(disk.log, len(disk.blocks), fewest=1)
    with pytest.raises(LedgerError, match=r"ends at height 2, and votes up to height \d+"):
        started(pruned, disk.blocks[:2])
    assert started(pruned, disk.blocks[:2], restored=True)._state.passive
    assert started(pruned, disk.blocks)._state.ledger.height == len(disk.blocks)


def test_pruning_twice_leaves_one_mark_and_the_first_record_first():
    disk = ran().hosts[IDS[0]].disk
    once = prune_log(disk.log, 3, fewest=1)
    twice = prune_log(once, 5, fewest=1)
    values = [codec.decode(record, 1 << 20) for record in twice]
    assert [value for value in values if value[0] == PRUNED] == [[PRUNED, 5]]
    assert [value[0] for value in values[:2]] == ["boot", PRUNED]
    kinds = {value[0] for value in values}
    assert "transaction" in kinds  # our own commits are never signed a second time


def test_a_short_or_damaged_log_is_left_alone():
    disk = ran().hosts[IDS[0]].disk
    assert prune_log(disk.log, len(disk.blocks)) is None  # not worth it
    assert prune_log((), 5, fewest=0) is None
    for damage in (b"\xff", codec.encode(["vote", 1]), codec.encode([])):
        assert prune_log([*disk.log, damage], len(disk.blocks), fewest=1) is None


def test_only_the_last_word_about_being_passive_stays():
    disk = ran().hosts[IDS[0]].disk
    words = [codec.encode(["passive", 1]), codec.encode(["active", 2])]
    log = [disk.log[0], *words, *disk.log[1:]]
    pruned = prune_log(log, len(disk.blocks), fewest=1)
    assert words[1] in pruned
    assert words[0] not in pruned
