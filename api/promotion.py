"""Look at each new merged model for items that a member promotes, and report them (R35).

`fit` calls it after a merge, before SERVING moves. It rests on the contributions that every member
keeps, seen as this platform is served (`api.member_sums`), and on this platform's catalogue.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from api.founding import read_ledger_files
from api.identity import own_member
from api.ledger import read_ledger
from api.member_sums import read_view, row_of
from api.promotion_report import Carrier, Doubt, Report, Risen, read_report, write_report
from api.shared_catalogue import index_items
from recommender.statistics.brackets import contradicted, learner_range
from recommender.statistics.excess import Watcher, find_promoted
from recommender.statistics.fit import recommendable
from recommender.statistics.promotion import first_places
from swarm.errors import StorageError
from swarm.storage.models import load_model, read_pointer

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from api.home import Home
    from api.settings import Settings
    from api.store.store import Store
    from recommender.statistics.member_view import MemberView
    from swarm.ledger.rounds import Ledger

SECRET = "in secure mode nobody knows one member's sums"  # noqa: S105 - a sentence
MISSING = "a contribution is not on this disk; the peer fetches it again"
ALONE = "there is nobody to compare"
_STANDS = 0.5
"""Share of the reach with which an item was told that it must keep, to be told no second time."""


def watch_promotion(home: Home, settings: Settings, store: Store) -> Report | None:
    """Look at HEAD, once for each HEAD that could be looked at; record what rose.

    Called before SERVING moves, so that no path shows an item that a course holds back.

    Args:
        home: The home.
        settings: Its settings.
        store: Where rises are recorded for designers.

    Returns:
        The report of this HEAD; None before the first merge.

    Raises:
        FitError: The contributions do not add up to HEAD.
        StorageError: HEAD cannot be read.
        StoreError: The store cannot be written.
    """
    pointer = read_pointer(home.head_path)
    if pointer is None:
        return None
    report = read_report(home)
    if report is None or report.model != pointer["digest"] or report.note:
        report = _look(home, settings, store, pointer, report)
    store.record_rises([one.item for one in report.new], report.model)
    write_report(home, report)
    return report


def _look(
    home: Home, settings: Settings, store: Store, pointer: Mapping[str, Any], last: Report | None
) -> Report:
    catalogue = recommendable(store.catalogue(), settings.recommend)
    _, _, keys = read_ledger_files(home)
    head = index_items([entry.item for entry in catalogue], catalogue, keys)
    compared = int((head >= 0).sum())
    blank = Report(
        model=str(pointer["digest"]),
        round=int(pointer["round"]),
        compared=compared,
        first=first_places(compared),
        risen=last.risen if last is not None else (),
        note="",
        made_at=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    ledger = read_ledger(home, int(pointer["height"]))
    try:
        view = _read_view(home, ledger, pointer)
    except _UnseenError as error:
        return replace(blank, note=str(error))
    row = row_of(ledger, own_member(home))
    return _compare(blank, Watcher(view, row, head, catalogue), ledger)


class _UnseenError(Exception):
    """Why nobody can be compared."""


def _read_view(home: Home, ledger: Ledger, pointer: Mapping[str, Any]) -> MemberView:
    _, manifest, _ = read_ledger_files(home)
    if manifest.mode != "open":
        raise _UnseenError(SECRET)
    if len(ledger.accepted) < 2:
        raise _UnseenError(ALONE)
    try:
        arrays = load_model(home.models_dir, bytes.fromhex(pointer["digest"]))
        return read_view(ledger, manifest, arrays, home)
    except StorageError as error:
        raise _UnseenError(MISSING) from error


def _compare(blank: Report, watcher: Watcher, ledger: Ledger) -> Report:
    """Fill a report in: what rose now, then what was told before and still stands."""
    place = {entry.item: at for at, entry in enumerate(watcher.catalogue)}
    now = watcher.stand()
    reach = dict(zip(now.items.tolist(), now.reach.tolist(), strict=True))
    told = [
        one for one in blank.risen if reach.get(place.get(one.item, -1), 0.0) >= _STANDS * one.reach
    ]
    found = find_promoted(watcher, now, {place[one.item]: one.reach for one in told})
    names = [ledger.roster.names[member] for member in sorted(ledger.accepted)]
    trusted = watcher.view.members.anchors
    risen = [
        Risen(
            watcher.catalogue[rise.item].item,
            rise.reach,
            rise.reach_without,
            rise.rank,
            rise.rank_without,
            rise.concentration,
            tuple(Carrier(names[row], share, bool(trusted[row])) for row, share in rise.carried),
            blank.round,
            blank.made_at,
        )
        for rise in found
    ]
    new = {one.item for one in risen}
    stay = [one for one in told if one.item not in new]
    return replace(blank, risen=(*risen, *stay), doubts=_doubts(watcher, names))


def _doubts(watcher: Watcher, names: Sequence[str]) -> tuple[Doubt, ...]:
    """Other members whose totals contradict the bracket that they declared."""
    members = watcher.view.members
    wrong = contradicted(members)
    fewest, most = learner_range(members)
    doubts = [
        Doubt(names[row], int(members.learners[row]), round(fewest[row]), round(most[row]))
        for row in np.flatnonzero(wrong).tolist()
        if row != watcher.own
    ]
    return tuple(sorted(doubts, key=lambda doubt: doubt.name))
