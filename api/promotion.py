"""Compare the merged model served before with the new one, and report what rose (R35).

`fit` calls it after a merge, before SERVING moves. It rests on merged sums, on the contributions
that every member keeps, and on this platform's catalogue.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from api.founding import read_ledger_files
from api.home import IDENTITY_KEY
from api.ledger import read_ledger
from api.promotion_report import Carrier, Report, Risen, read_report, write_report
from api.shared_catalogue import index_items
from recommender.statistics.fit import recommendable
from recommender.statistics.merged import MergedSums
from recommender.statistics.promotion import (
    carried_by,
    find_rises,
    first_places,
    noise_spread,
    stand_merged,
)
from swarm.errors import StorageError
from swarm.ledger.kinds import PARAMETERS
from swarm.merge.merge import head_digest, merge
from swarm.signing import NO_SWARM, Ed25519Signer
from swarm.storage.blobs import BlobStore
from swarm.storage.files import read_json
from swarm.storage.models import load_model, read_pointer

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from api.home import Home
    from api.settings import Settings
    from api.store.store import Store
    from recommender.catalogue import CatalogueItem
    from recommender.statistics.promotion import Rise, Standing

FIRST_MERGE = "the first merged model: there is none before it to compare with"
LOST = "the merged model before it is not on this disk, or was made under another manifest"
SECRET = "in secure mode nobody knows one member's sums"  # noqa: S105 - a sentence
MISSING = "a contribution is not on this disk"


def watch_promotion(home: Home, settings: Settings, store: Store) -> Report | None:
    """Compare HEAD with the model before it, once for each HEAD; record what rose.

    Called before SERVING moves, so that no path shows an item that a course holds back.

    Args:
        home: The home.
        settings: Its settings.
        store: Where rises are recorded for designers.

    Returns:
        The report of this HEAD; None before the first merge.

    Raises:
        StorageError: HEAD cannot be read.
        StoreError: The store cannot be written.
    """
    pointer = read_pointer(home.head_path)
    if pointer is None:
        return None
    report = read_report(home)
    if report is None or report.model != pointer["digest"]:
        catalogue = recommendable(store.catalogue(), settings.recommend)
        report = _Watch(home, catalogue).report(pointer, report)
    store.record_rises([one.item for one in report.risen], report.model)
    write_report(home, report)
    return report


@dataclass(frozen=True, slots=True)
class _Card:
    """What a merged model was made of.

    Attributes:
        digest: Of the model, hex.
        round: Its round.
        blobs: By member (its first id), its contributions, oldest first.
        names: Of these members.
        anchors: Those of them that are anchors.
    """

    digest: str
    round: int
    blobs: Mapping[str, tuple[bytes, ...]]
    names: Mapping[str, str]
    anchors: frozenset[str]


class _Watch:
    """One home's comparison."""

    def __init__(self, home: Home, catalogue: Sequence[CatalogueItem]) -> None:
        self._home = home
        self._catalogue = catalogue
        self._genesis, self._manifest, keys = read_ledger_files(home)
        self._head = index_items([entry.item for entry in catalogue], catalogue, keys)
        self._ledger = read_ledger(home)
        member = Ed25519Signer(home.read_key(IDENTITY_KEY), NO_SWARM).member
        self._me = self._ledger.roster.origin(member)
        self._store = BlobStore(home.blobs_dir)

    def report(self, pointer: Mapping[str, Any], last: Report | None) -> Report:
        """Compare the model that HEAD names with the one before."""
        digest = str(pointer["digest"])
        earlier = self._digest_before(digest, last)
        after = _read_card(self._home, digest)
        before = _read_card(self._home, earlier) if earlier else None
        note = LOST if earlier else FIRST_MERGE
        risen: tuple[Risen, ...] = ()
        if before is not None and after is not None:
            note, risen = self._compare(before, after)
        compared = int((self._head >= 0).sum())
        return Report(
            model=digest,
            round=int(pointer["round"]),
            before=before.digest if before is not None else "",
            before_round=before.round if before is not None else 0,
            compared=compared,
            first=first_places(compared),
            risen=risen,
            note=note,
            made_at=datetime.now(UTC).isoformat(timespec="seconds"),
        )

    def _digest_before(self, digest: str, last: Report | None) -> str:
        """The model of the last report, or the merge before HEAD on the ledger; empty if none."""
        if last is not None and (self._home.models_dir / last.model).is_dir():
            return last.model
        merged = [
            entry.digest.hex()
            for entry in self._ledger.rounds
            if entry.outcome == "merged" and entry.kind != PARAMETERS
        ]
        at = merged.index(digest) if digest in merged else len(merged)
        return merged[at - 1] if at else ""

    def _compare(self, before: _Card, after: _Card) -> tuple[str, tuple[Risen, ...]]:
        """What rose, and why nobody can say through whom, if so."""
        old, new = self._sums(before), self._sums(after)
        if old is None or new is None:
            return LOST, ()
        start = stand_merged(old, self._head, self._catalogue)
        end = stand_merged(new, self._head, self._catalogue, start.popularity)
        added = (
            max(new.others_variance - old.others_variance, 0.0),
            max(new.own_variance - old.own_variance, 0.0),
        )
        if not find_rises(start, end):
            return "", ()
        spread = noise_spread(old, added, self._head, self._catalogue)
        rises = find_rises(start, end, spread)
        note = SECRET if self._manifest.mode == "secure" else ""
        if rises and not note:
            try:
                rises = carried_by(rises, self._without(before, after, start))
            except StorageError:
                note = MISSING
        return note, tuple(self._risen(rise, after) for rise in rises)

    def _without(self, before: _Card, after: _Card, start: Standing) -> dict[str, Standing]:
        """The new model without what each member added since the one before."""
        standings = {}
        for member, blobs in after.blobs.items():
            kept = tuple(blob for blob in blobs if blob in before.blobs.get(member, ()))
            if kept != blobs:
                left = replace(after, blobs={**after.blobs, member: kept})
                standings[member] = stand_merged(
                    self._merge(left), self._head, self._catalogue, start.popularity
                )
        return standings

    def _sums(self, card: _Card) -> MergedSums | None:
        """A model's sums as this platform sees them; None where they cannot be had or proved."""
        try:
            arrays = load_model(self._home.models_dir, bytes.fromhex(card.digest))
            found = head_digest(self._genesis.manifest_digest, arrays["sum"], arrays["rest"])
            if found.hex() != card.digest:
                return None
            return self._seen(card, arrays["sum"], arrays["rest"])
        except StorageError:
            return None

    def _merge(self, card: _Card) -> MergedSums:
        """Merge the contributions that a card names, as the swarm does."""
        merged = {
            member: [np.frombuffer(self._store.read(blob), dtype="<i4") for blob in blobs]
            for member, blobs in card.blobs.items()
            if blobs
        }
        return self._seen(card, *merge(merged, card.anchors))

    def _seen(self, card: _Card, total: NDArray[np.int64], rest: NDArray[np.int64]) -> MergedSums:
        mine = card.blobs.get(self._me, ())
        if self._manifest.mode == "secure":
            mine = ()
        own = np.zeros_like(total)
        for blob in mine:
            own += np.frombuffer(self._store.read(blob), dtype="<i4")
        others = sum(len(blobs) for blobs in card.blobs.values()) - len(mine)
        variance = float(self._manifest.sigma_squared)
        return MergedSums(
            self._manifest,
            total,
            rest,
            own if mine else None,
            others_variance=others * variance,
            own_variance=len(mine) * variance,
        )

    def _risen(self, rise: Rise, card: _Card) -> Risen:
        carriers = [
            Carrier(card.names[member], share, member in card.anchors, member == self._me)
            for member, share in rise.carried or ()
        ]
        return Risen(
            self._catalogue[rise.item].item,
            rise.reach,
            rise.reach_before,
            rise.rank,
            rise.rank_before,
            rise.concentration,
            tuple(carriers),
        )


def _read_card(home: Home, digest: str) -> _Card | None:
    """What a merged model was made of; None where its card cannot be read."""
    try:
        card = read_json(home.model_dir(digest) / "card.json")
        if card is None:
            return None
        members = card["contributions"]
        return _Card(
            digest,
            int(card["round"]),
            {one["member"]: tuple(map(bytes.fromhex, one["blobs"])) for one in members},
            {one["member"]: str(one["name"]) for one in members},
            frozenset(one["member"] for one in members if one["anchor"]),
        )
    except (StorageError, KeyError, TypeError, ValueError):
        return None
