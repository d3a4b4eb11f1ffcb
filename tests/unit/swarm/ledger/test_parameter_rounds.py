"""Rounds of the kind `parameters` on the ledger: terms, base, one update a base, own head."""

from __future__ import annotations

from dataclasses import replace

import pytest

from swarm.errors import RemoteProtocolError
from swarm.ledger.apply import apply_transaction
from swarm.ledger.genesis import (
    Genesis,
    create_genesis,
    make_request,
    read_genesis,
    read_request,
    sign_genesis,
    verify_genesis,
)
from swarm.ledger.kinds import MAX_NORM, PARAMETERS, Terms, Updates, read_updates
from swarm.ledger.rounds import (
    VOID_EMPTY,
    Ledger,
    compute_expected,
    compute_next_round,
    compute_out,
    compute_training,
    empty_ledger,
)
from swarm.ledger.transactions import (
    CloseSet,
    Commit,
    Included,
    MergeResult,
    RoundOpen,
    RoundVoid,
    receipt_body,
)
from swarm.signing import SimSigner
from swarm.simulation.scenario import make_genesis

GENESIS = make_genesis(4)
IDS = GENESIS.ids
TERMS = GENESIS.terms(PARAMETERS)


class Chronicle:
    """A ledger to which any member puts what a test says."""

    def __init__(self, genesis: Genesis = GENESIS) -> None:
        self.genesis = genesis
        self.ledger: Ledger = empty_ledger(genesis)

    def put(self, transaction, sender: int = 0) -> None:
        higher = replace(self.ledger, height=self.ledger.height + 1)
        verify = SimSigner("", self.genesis.swarm_id).verify
        self.ledger = apply_transaction(higher, transaction, IDS[sender], verify)

    def open(self, kind: str = PARAMETERS, base: bytes | None = None) -> RoundOpen:
        head = self.ledger.head_of(kind)
        at = head.digest if head else b""
        opening = RoundOpen(
            *compute_next_round(self.ledger),
            kind,
            at if base is None else base,
            GENESIS.manifest_digest,
            "2026-11-24",
            compute_expected(self.genesis, self.ledger),
            60,
        )
        self.put(opening)
        return opening

    def commit(self, sender: int, blob: int, terms: Terms = TERMS) -> None:
        key = self.ledger.rounds[-1].key
        self.put(Commit(*key, bytes([blob]) * 32, terms.size, terms.rho), sender)

    def void(self) -> None:
        self.put(RoundVoid(*self.ledger.rounds[-1].key, VOID_EMPTY))

    def merge(self, digest: int) -> None:
        current = self.ledger.rounds[-1]
        included = []
        for maker, commit in sorted(current.commits.items()):
            body = receipt_body(*current.key, maker, commit.blob)
            holders = [index for index in range(4) if IDS[index] != maker][:2]
            receipts = tuple(
                (h, SimSigner(IDS[h], GENESIS.swarm_id).sign("receipt", body)) for h in holders
            )
            included.append(Included(maker, commit.blob, receipts))
        out = compute_out(current, current.commits)
        self.put(CloseSet(*current.key, tuple(included), out))
        self.put(MergeResult(*current.key, bytes([digest]) * 32))

    def round(self, kind: str, blobs: dict[int, int], digest: int) -> None:
        self.open(kind)
        for sender, blob in blobs.items():
            self.commit(sender, blob, GENESIS.terms(kind))
        self.merge(digest)


@pytest.fixture
def chronicle() -> Chronicle:
    return Chronicle()


def test_a_swarm_without_terms_for_a_network_opens_no_such_round() -> None:
    plain = Chronicle(replace(GENESIS, updates=None))
    with pytest.raises(RemoteProtocolError, match="genesis has no terms"):
        plain.open()


def test_statistics_and_parameters_have_heads_of_their_own(chronicle) -> None:
    chronicle.round("statistics", {0: 1, 1: 2}, 11)
    chronicle.round(PARAMETERS, {0: 3, 2: 4}, 12)
    chronicle.round("statistics", {0: 5}, 13)
    ledger = chronicle.ledger
    assert (ledger.head.round, ledger.head.digest) == (3, bytes([13]) * 32)
    assert (ledger.network.round, ledger.network.digest) == (2, bytes([12]) * 32)
    assert ledger.accepted == {
        IDS[0]: (bytes([1]) * 32, bytes([5]) * 32),
        IDS[1]: (bytes([2]) * 32,),
    }
    assert ledger.updates == (((IDS[0], bytes([3]) * 32), (IDS[2], bytes([4]) * 32)),)


def test_a_round_builds_on_the_head_of_its_own_kind(chronicle) -> None:
    chronicle.round("statistics", {0: 1}, 11)
    with pytest.raises(RemoteProtocolError, match="another base"):
        chronicle.open(PARAMETERS, base=bytes([11]) * 32)
    chronicle.round(PARAMETERS, {0: 3}, 12)
    with pytest.raises(RemoteProtocolError, match="another base"):
        chronicle.open(PARAMETERS, base=b"")


@pytest.mark.parametrize(
    ("terms", "said"),
    [
        (Terms(GENESIS.rho, TERMS.size), "rho is not the manifest's"),
        (Terms(TERMS.rho, GENESIS.contribution_bytes), "commit to 20 bytes"),
    ],
)
def test_an_update_costs_and_weighs_what_genesis_says(chronicle, terms, said) -> None:
    chronicle.open()
    with pytest.raises(RemoteProtocolError, match=said):
        chronicle.commit(0, 1, terms)


def test_however_often_rounds_fail_on_one_base_a_member_has_one_update(chronicle) -> None:
    """R12, R13: what was drawn there is sent again; drawing again would spend again."""
    chronicle.open()
    chronicle.commit(0, 1)
    chronicle.void()
    chronicle.open()
    with pytest.raises(RemoteProtocolError, match="second contribution"):
        chronicle.commit(0, 2)
    chronicle.commit(0, 1)
    chronicle.void()
    assert chronicle.open().round == 2
    with pytest.raises(RemoteProtocolError, match="second contribution"):
        chronicle.commit(0, 2)
    chronicle.commit(1, 2)
    chronicle.commit(0, 1)
    chronicle.merge(12)
    chronicle.open()
    with pytest.raises(RemoteProtocolError, match="already merged"):
        chronicle.commit(0, 1)
    chronicle.commit(0, 3)


def test_a_new_key_is_no_new_budget(chronicle) -> None:
    """Whoever has rotated its key between two tries still has one update on the base."""
    chronicle.open()
    chronicle.commit(0, 1)
    chronicle.void()
    roster = replace(chronicle.ledger.roster, origins=((IDS[1], IDS[0]),))
    chronicle.ledger = replace(chronicle.ledger, roster=roster)
    chronicle.open()
    with pytest.raises(RemoteProtocolError, match="second contribution"):
        chronicle.commit(1, 2)
    chronicle.commit(1, 1)


def test_statistics_of_another_round_may_differ_after_a_failure(chronicle) -> None:
    for blob in (1, 1, 2):
        chronicle.open("statistics")
        chronicle.commit(0, blob, GENESIS.terms("statistics"))
        chronicle.void()


def test_a_training_is_some_merged_rounds_and_failed_ones_belong_to_it(chronicle) -> None:
    chronicle.open()
    chronicle.void()
    chronicle.open()
    chronicle.void()  # round 1 failed twice: round 2 goes on
    chronicle.round(PARAMETERS, {0: 1}, 11)  # 2
    chronicle.round("statistics", {0: 2}, 12)  # 3
    chronicle.round(PARAMETERS, {0: 3}, 13)  # 4: two merged rounds, the training is over
    chronicle.open()  # 5
    began = [compute_training(GENESIS, chronicle.ledger, number) for number in range(1, 7)]
    assert began == [1, 1, None, 1, 5, None]
    assert compute_training(replace(GENESIS, updates=None), chronicle.ledger, 1) is None


# --- genesis ------------------------------------------------------------------------------------

GOOD = {"rho": [1, 4], "bytes": 12, "rounds": 2, "entry": 600, "norm": 800}


def test_terms_are_read_as_they_were_written() -> None:
    updates = Updates(Terms((1, 4), 12), 2, 600, 800)
    assert read_updates(GOOD, (1, 2)) == updates
    assert updates.to_value() == GOOD
    assert updates.rho_training == (1, 2)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"rho": [1, 3]}, "more than one release"),
        ({"rounds": 3}, "more than one release"),
        ({"rounds": 0}, "rounds"),
        ({"bytes": 10}, "whole int32"),
        ({"entry": 2**24 + 1}, "entry"),
        ({"norm": MAX_NORM + 1}, "norm"),
        ({"rho": [1, 0]}, "rho"),
        ({"more": 1}, "map of"),
    ],
)
def test_terms_out_of_bounds_are_refused(change, said) -> None:
    with pytest.raises(RemoteProtocolError, match=said):
        read_updates({**GOOD, **change}, (1, 2))


def test_a_genesis_with_terms_for_a_network_is_signed_and_read_back() -> None:
    seeds = [bytes([number]) * 32 for number in range(1, 5)]
    members = [
        read_request(make_request(seed, name=f"p{n}", addresses=["/ip4/127.0.0.1/tcp/1"]))
        for n, seed in enumerate(seeds)
    ]
    facts = {
        "name": "test",
        "nonce": bytes(16),
        "manifest_digest": bytes(32),
        "catalogue_digest": bytes(32),
        "rho": (1, 2),
        "contribution_bytes": 8,
    }
    file = create_genesis(members, **facts, updates=GENESIS.updates)
    for seed in seeds:
        file = sign_genesis(file, seed)
    genesis = verify_genesis(file)
    assert genesis.updates == GENESIS.updates
    assert b"parameters" not in create_genesis(members, **facts)
    assert read_genesis(create_genesis(members, **facts))[0].swarm_id != genesis.swarm_id
