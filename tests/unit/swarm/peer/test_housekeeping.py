"""What nothing needs goes, and nothing else does."""

from __future__ import annotations

from dataclasses import replace

import pytest

from swarm.ledger.kinds import PARAMETERS
from swarm.ledger.rounds import needed_blobs
from swarm.peer.housekeeping import MODELS_KEPT, find_spare, measure, tidy
from swarm.storage.models import move_pointer
from tests.unit.swarm.node.builders import ran


@pytest.fixture(scope="module")
def ledger():
    """Nine merged rounds of four members, of both kinds."""
    return ran(rounds=9).invariants.ledger


@pytest.fixture
def home(tmp_path, ledger):
    """A home with everything that the ledger names, and something that it does not."""
    (tmp_path / "blobs").mkdir()
    for blob in (*ledger.makers, bytes(32)):
        (tmp_path / "blobs" / blob.hex()).write_bytes(b"blob")
    for entry in ledger.rounds:
        folder = tmp_path / "models" / entry.digest.hex()
        folder.mkdir(parents=True)
        (folder / "card.json").write_text("{}")
    (tmp_path / "models" / ("ab" * 32)).mkdir()
    head = ledger.head
    move_pointer(tmp_path / "HEAD", digest=head.digest, round_number=head.round, height=head.height)
    return tmp_path


def names(folder):
    return {path.name for path in folder.iterdir()}


def digests(ledger):
    return [entry.digest.hex() for entry in ledger.rounds if entry.outcome == "merged"]


def without_oldest(ledger):
    """The ledger had a member left, with its oldest contribution."""
    member = min(ledger.accepted)
    gone, *kept = ledger.accepted[member]
    return gone, replace(ledger, accepted={**ledger.accepted, member: tuple(kept)})


def test_every_merged_contribution_stays(home, ledger):
    merged = {blob.hex() for blob, _, _ in needed_blobs(ledger.roster, ledger)}
    assert len(merged) >= 6
    tidy(home, ledger, has_started=False)
    assert merged <= names(home / "blobs")


def test_the_newest_models_and_those_that_are_pointed_to_stay(home, ledger):
    first = next(entry for entry in ledger.rounds if entry.outcome == "merged")
    move_pointer(home / "NETWORK", digest=first.digest, round_number=1, height=1)
    tidy(home, ledger, has_started=True)
    kept = {first.digest.hex()}
    for is_network in (False, True):
        kind = [e for e in ledger.rounds if (e.kind == PARAMETERS) == is_network]
        kept |= set(digests(replace(ledger, rounds=tuple(kind)))[-MODELS_KEPT:])
    assert kept < set(digests(ledger))
    assert names(home / "models") & set(digests(ledger)) == kept


def test_a_contribution_that_is_in_no_merge_any_more_goes_before_the_start_only(home, ledger):
    gone, after = without_oldest(ledger)
    path = home / "blobs" / gone.hex()
    assert path not in find_spare(home, ledger).blobs
    assert find_spare(home, after).blobs == (path,)
    tidy(home, after, has_started=True)
    assert path.exists()
    tidy(home, after, has_started=False)
    assert not path.exists()


def test_what_the_last_rounds_committed_to_stays_though_it_was_not_merged(home, ledger):
    last = ledger.rounds[-1]
    void = replace(ledger, accepted={}, rounds=(*ledger.rounds[:-1], replace(last, outcome="void")))
    spare = {path.name for path in find_spare(home, void).blobs}
    assert spare
    assert not spare & {commit.blob.hex() for commit in last.commits.values()}


def test_what_the_ledger_does_not_name_is_left_alone(home, ledger):
    tidy(home, replace(ledger, accepted={}), has_started=False)
    assert bytes(32).hex() in names(home / "blobs")
    assert "ab" * 32 in names(home / "models")


def test_what_is_measured_is_what_goes(home, ledger):
    before = sum(measure(home / part) for part in ("blobs", "models"))
    _, after = without_oldest(ledger)
    size = find_spare(home, after).size
    assert size > 0
    tidy(home, after, has_started=False)
    assert sum(measure(home / part) for part in ("blobs", "models")) == before - size
    assert find_spare(home, after).size == 0
