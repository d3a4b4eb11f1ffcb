"""From HEAD and the store to SERVING: what `train` and `fit` do.

The peer starts `fit` after a merge, a timer or the operator `train` after new data; both do the
whole of it, since own exact statistics (R17) and others' merged sums meet in one model. Nothing
written here leaves the institution (R5).
"""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from api.founding import read_ledger_files
from api.identity import own_member
from api.ledger import read_ledger
from api.local_mix import write_mix
from api.member_sums import FitError, read_merged
from api.promotion import watch_promotion
from api.shared_catalogue import index_items
from recommender.statistics.fit import fit_mixed, recommendable
from recommender.statistics.sequences import COURSE_VERBS, ITEM_VERBS
from swarm.merge.merge import head_digest
from swarm.storage.files import atomic_write
from swarm.storage.models import load_model, read_pointer

if TYPE_CHECKING:
    from api.home import Home
    from api.settings import Settings
    from api.store.store import Store
    from recommender.interactions import Interactions
    from recommender.statistics.blend import Mix
    from recommender.statistics.merged import MergedSums
    from recommender.statistics.serving_model import ServingModel


@dataclass(frozen=True, slots=True)
class Fitted:
    """What was written.

    Attributes:
        digest: Of the serving model, hex.
        round: Round of the merged model in it; 0 if there is none.
        items: Items it can recommend.
        uses_own: Whether R17 let own exact statistics in.
        mix: Which parts the model gives weight to; it stays at home (R5).
        shares: Whether the others were held to their shares; else R34's cap was all there was.
    """

    digest: str
    round: int
    items: int
    uses_own: bool
    mix: Mix
    shares: bool


@dataclass(frozen=True, slots=True)
class _Head:
    """The merged model with where it comes from."""

    sums: MergedSums
    keys: tuple[str, ...]
    round: int
    height: int


def fit(home: Home, settings: Settings, store: Store) -> Fitted:
    """Fit the serving model and move SERVING to it.

    Raises:
        FitError: HEAD does not verify.
        ModelError: The catalogue cannot be served.
        StoreError: The store cannot be read.
    """
    catalogue = recommendable(store.catalogue(), settings.recommend)
    head = _read_head(home)
    indices = None
    if head is not None:
        indices = index_items([entry.item for entry in catalogue], catalogue, head.keys)
    fit_rows = partial(
        fit_mixed,
        catalogue=catalogue,
        verbs=COURSE_VERBS if settings.recommend == "courses" else ITEM_VERBS,
        head=indices,
        merged=None if head is None else head.sums,
    )
    rows = store.training_interactions("local")
    model, mix = fit_rows(interactions=rows)
    if settings.learn.reranker:
        model, mix = _rerank(model, mix, rows, settings, fit_rows)
    number = 0 if head is None else head.round
    digest = model.digest()
    model.save(home.serving_model_dir(digest), {"round": number})
    pointer = {
        "digest": digest,
        "round": number,
        "height": 0 if head is None else head.height,
        "moved_at": datetime.now(UTC).isoformat(timespec="microseconds"),
    }
    watch_promotion(home, settings, store)  # before: no path may show what a course holds back
    write_mix(home, mix)
    atomic_write(home.serving_path, json.dumps(pointer).encode())
    _forget_old_models(home, digest)
    shares = head is not None and head.sums.others is not None
    return Fitted(digest, number, len(catalogue), bool(model.local.weights.any()), mix, shares)


def _rerank(
    model: ServingModel,
    mix: Mix,
    rows: Interactions,
    settings: Settings,
    fit_rows: partial[tuple[ServingModel, Mix]],
) -> tuple[ServingModel, Mix]:
    """Put a local re-ranker on top where torch is installed and it pays; say why or why not."""
    try:
        from recommender.network.reranker import rerank_if_it_pays  # noqa: PLC0415 (needs torch)
    except ImportError:
        off = "off: torch is not installed (install the extra 'train')"
        return model, replace(mix, reranker_reason=off)
    model, decision = rerank_if_it_pays(
        model,
        rows,
        fit_rows.keywords["verbs"],
        lambda some: fit_rows(interactions=some)[0],
        settings.learn.reranker_learners,
    )
    return model, replace(mix, reranker=decision.weight, reranker_reason=decision.reason)


def _read_head(home: Home) -> _Head | None:
    """The merged model, proved against the ledger; None before the first merge.

    Raises:
        FitError: Digest and arrays, or HEAD and ledger, do not agree.
    """
    pointer = read_pointer(home.head_path)
    if pointer is None:
        return None
    genesis, manifest, keys = read_ledger_files(home)
    digest = bytes.fromhex(pointer["digest"])
    arrays = load_model(home.models_dir, digest)
    if head_digest(genesis.manifest_digest, arrays["sum"], arrays["rest"]) != digest:
        raise FitError(
            f"{home.model_dir(pointer['digest'])}: the merged model does not have the digest that "
            "HEAD names; delete the folder and restart the peer, which merges again"
        )
    ledger = read_ledger(home, int(pointer["height"]))
    sums = read_merged(ledger, manifest, arrays, home, own_member(home))
    return _Head(sums, keys, int(pointer["round"]), int(pointer["height"]))


def _forget_old_models(home: Home, current: str, keep: int = 3) -> None:
    """Remove all but the newest serving models: `serve` may still be loading the one before."""
    folders = sorted(
        (folder for folder in home.serving_dir.iterdir() if folder.is_dir()),
        key=lambda folder: folder.stat().st_mtime,
        reverse=True,
    )
    for folder in folders[keep:]:
        if folder.name != current:
            shutil.rmtree(folder, ignore_errors=True)
