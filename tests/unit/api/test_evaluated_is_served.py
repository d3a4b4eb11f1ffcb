"""What `evaluate` measures at a finite epsilon is what `fit` writes and `serve` reads back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from api.fitting import fit
from api.founding import Founding, join
from api.home import IDENTITY_KEY, Home
from api.ledger import read_ledger
from api.local_mix import explain, read_mix
from api.serving import Serving
from api.settings import load_settings
from api.store.opening import open_store
from recommender.catalogue import CatalogueItem
from recommender.evaluation import leave_last_out
from recommender.models import StatisticsModel, Training, fit_model
from recommender.release.manifest import default_manifest
from recommender.statistics.sequences import ITEM_VERBS
from recommender.statistics.serving_model import PARTS
from recommender.trial import privacy_for, run_pooled, sum_platforms
from swarm import codec
from swarm.ledger.genesis import create_genesis, make_request, read_request
from swarm.ledger.rounds import compute_out
from swarm.ledger.transactions import (
    CloseSet,
    Commit,
    Included,
    MergeResult,
    receipt_body,
)
from swarm.merge.merge import head_digest
from swarm.merge.merge import merge as merge_sums
from swarm.signing import Ed25519Signer
from swarm.storage.blobs import BlobStore
from swarm.storage.files import atomic_write
from swarm.storage.models import move_pointer, save_model
from tests.unit.api.test_founding import SEEDS, signed
from tests.unit.api.test_training import Chronicle
from tests.unit.recommender.rows import clusters

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from recommender.statistics.serving_model import ServingModel

ITEMS = 40
SEED = 3


def entries() -> list[CatalogueItem]:
    """Items in the order of the shared catalogue, with texts and positions."""
    return [
        CatalogueItem(
            f"item-{number}",
            title=f"Lesson {number % 8} of part {number // 8}",
            description=f"What lesson {number} is about, in words of its own",
            course=f"course-{number // 20}",
            position=number,
            content_key=f"urn:{number:02}",
        )
        for number in range(ITEMS)
    ]


def found_swarm(home: Home, sigma_squared: int) -> Chronicle:
    """A swarm of four of which the second is trusted with more than half of a cell (R34)."""
    catalogue = "content_key,title\n" + "".join(f"{one.content_key},x\n" for one in entries())
    shared = catalogue.encode()
    members = [
        read_request(
            make_request(
                seed, name=f"P{i}", addresses=[f"/ip4/127.0.0.1/tcp/{4001 + i}"], bracket="< 1,000"
            )
        )
        for i, seed in enumerate(SEEDS)
    ]
    manifest = default_manifest(
        ITEMS, codec.digest(shared), enrolled_counts=False, sigma_squared=sigma_squared
    )
    encoded = codec.encode(manifest.to_dict())
    genesis = create_genesis(
        members,
        name="test",
        nonce=bytes(16),
        manifest_digest=codec.digest(encoded),
        catalogue_digest=codec.digest(shared),
        rho=(manifest.rho.numerator, manifest.rho.denominator),
        contribution_bytes=4 * manifest.cells,
        anchors=[Ed25519Signer(SEEDS[1], bytes(32)).member],
    )
    atomic_write(home.key_path(IDENTITY_KEY), SEEDS[0], mode=0o600)
    return Chronicle(home, join(signed(Founding(genesis, encoded, shared)), home))


def merge(home: Home, chronicle: Chronicle, cells: NDArray[np.int64]) -> None:
    """A round to which the second founder alone contributed."""
    genesis, maker = chronicle.genesis, chronicle.signers[1].member
    key = chronicle.open("statistics")
    data = cells.astype("<i4").tobytes()
    blob = BlobStore(home.blobs_dir).add(data)
    chronicle.append(Commit(key.round, key.attempt, blob, len(data), genesis.rho), by=1)
    closing = read_ledger(home).rounds[-1]
    body = receipt_body(key.round, key.attempt, maker, blob)
    ids = list(genesis.ids)
    receipts = tuple(
        sorted((ids.index(one.member), one.sign("receipt", body)) for one in chronicle.signers[2:])
    )
    included = (Included(maker, blob, receipts),)
    chronicle.append(CloseSet(key.round, key.attempt, included, compute_out(closing, {maker})))
    total, rest = merge_sums({maker: [cells.astype(np.int32)]}, genesis.anchors)
    digest = head_digest(genesis.manifest_digest, total, rest)
    chronicle.append(MergeResult(key.round, key.attempt, digest))
    save_model(home.models_dir, digest, {"sum": total, "rest": rest}, {})
    height = read_ledger(home).height
    move_pointer(home.head_path, digest=digest, round_number=key.round, height=height)


def serve_head(
    path: Path, cells: NDArray[np.int64], sigma_squared: int
) -> tuple[Home, ServingModel]:
    """A home without learners: what it serves from HEAD."""
    home = Home(path)
    home.create('platform = "P0"\nshare = "opt-out"\n')
    merge(home, found_swarm(home, sigma_squared), cells)
    settings = load_settings(home)
    with open_store(home, settings) as store:
        store.upsert_catalogue(entries())
        assert fit(home, settings, store).round == 1
    served = Serving(home).current().model
    assert served is not None
    return home, served


@pytest.mark.parametrize("epsilon", [4.0, 1.0])
def test_what_evaluate_measures_is_what_fit_writes_and_serve_reads_back(
    tmp_path: Path, epsilon: float
) -> None:
    split = leave_last_out(clusters(900, seed=2), ITEM_VERBS)
    training = Training(split.train, ITEM_VERBS, entries(), epsilon=epsilon, seed=SEED)
    measured = fit_model("statistics", training)
    assert isinstance(measured, StatisticsModel)
    sums = sum_platforms([split.train], ITEM_VERBS)
    privacy = privacy_for(epsilon)
    released = run_pooled(sums, privacy, SEED).total
    home, served = serve_head(tmp_path / "home", released, privacy.sigma_squared)
    assert served.to_bytes() == measured.model.to_bytes()
    for model in (served, served.shared_only()):
        scores = StatisticsModel(model).score(split.known, split.learner)
        assert np.array_equal(scores, measured.score(split.known, split.learner))
    mix = read_mix(home)
    assert mix is not None
    assert mix.released
    for part, weight in mix.weights.items():
        assert served.blend[PARTS.index(part)] == pytest.approx(weight)
    assert any("the catalogue's order" in line for line in explain(mix))
