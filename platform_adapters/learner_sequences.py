"""Learners' histories one after the other, in order of time, from more rows than fit into memory.

Rows go into a file of fixed-width records as they come; what stays in memory is each id once. When
all are there, learners are ranked by the bytes of their ids and the file is parted into ranges of
ranks; each range is sorted in memory. So memory is that of the ids and of one range (a learner with
more rows than that is a range alone), and the disk holds 29 bytes a row, twice for a moment.

Ties: a learner's rows of one time and order are sorted by the hash that releases sort them by
(`recommender.release.vector.tie_key`), never by the order of rows or ids, which could carry what
others did. Rows of one item that tie even so keep the order in which they came.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from platform_adapters.readers.table_frames import table_frames
from platform_adapters.training_sets import ROW, Vocabulary, about_course
from recommender.interactions import VERB_INDEX
from recommender.release.vector import tie_key

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from platform_adapters.readers.table_frames import Frame
    from platform_adapters.training_sets import Level

RANGE_ROWS = 500_000
"""Rows that are sorted at once: some 50 MB."""

_COMPLETED, _UNCOMPLETED = VERB_INDEX["completed"], VERB_INDEX["uncompleted"]


@dataclass(frozen=True, eq=False, slots=True)
class LearnerSequence:
    """What one learner did, oldest first.

    Attributes:
        learner: The learner's id.
        items: Item ids, one a row.
        timestamp: Unix seconds, UTC; int64, `(rows,)`. 0 where only `order` is known.
        order: The source's own order among equal timestamps; int64, `(rows,)`.
        verb: Index into `recommender.interactions.VERBS`; int8, `(rows,)`.
        score: In [0, 1], NaN where unknown; float32, `(rows,)`.
    """

    learner: str
    items: tuple[str, ...]
    timestamp: NDArray[np.int64]
    order: NDArray[np.int64]
    verb: NDArray[np.int8]
    score: NDArray[np.float32]

    def __len__(self) -> int:
        """Number of rows."""
        return len(self.items)


def file_sequences(
    path: Path,
    *,
    level: Level | None = None,
    verbs: Collection[str] | None = None,
    timezone: str | None = None,
    tie: bytes = b"",
    range_rows: int = RANGE_ROWS,
) -> Iterator[LearnerSequence]:
    """Read an interaction table learner by learner, in the order of their ids' bytes.

    An `uncompleted` takes back the learner's earlier completions of the item.

    Args:
        path: The table, in any order.
        level: Which rows to keep; None keeps all.
        verbs: Verbs to keep; None keeps all.
        timezone: Zone of local times; without it they are refused.
        tie: What keys the order of ties: a manifest's digest, or nothing.
        range_rows: Rows that are sorted at once.

    Raises:
        ReadError: As `table_frames`.
        TimezoneError: Local times, and no zone.
    """
    with tempfile.TemporaryDirectory(prefix="murmuration-") as workspace:
        spool = _Spool(Path(workspace))
        for frame in table_frames(path, timezone=timezone, keep=()):
            spool.add(frame, level)
        kept = None if verbs is None else np.array([VERB_INDEX[v] for v in verbs], np.int8)
        for rows in spool.ranges(range_rows):
            yield from spool.sequences(rows, kept, tie)


class _Spool:
    """Rows on disk, ids in memory."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file = folder / "rows"
        self._learners, self._items = Vocabulary(), Vocabulary()
        self._counts = np.zeros(0, np.int64)
        self._names: list[str] = []
        self._places: list[str] = []
        self._rank = np.zeros(0, np.int64)
        self._file.touch()

    def add(self, frame: Frame, level: Level | None) -> None:
        """Append a batch."""
        if level is not None:
            courses = about_course(frame)
            frame = frame[courses if level == "courses" else ~courses]
        rows = np.empty(len(frame), ROW)
        rows["learner"] = self._learners.codes(frame["learner"])
        rows["item"] = self._items.codes(frame["item"])
        rows["verb"] = frame["verb"].map(VERB_INDEX).to_numpy(np.int8)
        for name in ("timestamp", "order", "score"):
            rows[name] = frame[name].to_numpy()
        counted = np.bincount(rows["learner"], minlength=self._counts.size)
        counted[: self._counts.size] += self._counts
        self._counts = counted
        with self._file.open("ab") as file:
            file.write(rows.tobytes())

    def ranges(self, range_rows: int) -> Iterator[NDArray[np.void]]:
        """All rows, parted into ranges of learners in the order of their ids."""
        self._names, self._places = self._learners.texts, self._items.texts
        # Code points and UTF-8 bytes sort alike.
        by_name = sorted(range(len(self._names)), key=self._names.__getitem__)
        self._rank = np.empty(len(by_name), np.int64)
        self._rank[by_name] = np.arange(len(by_name))
        ends = np.cumsum(self._counts[by_name])
        part_of = np.empty(len(by_name), np.int64)
        part_of[by_name] = (ends - 1) // range_rows
        for part in self._parted(part_of, range_rows):
            yield np.fromfile(part, ROW)
            part.unlink()

    def _parted(self, part_of: NDArray[np.int64], range_rows: int) -> list[Path]:
        parts = np.unique(part_of).tolist()
        if len(parts) <= 1:
            return [self._file]
        files = {part: self._folder / f"part-{part}" for part in parts}
        with self._file.open("rb") as file:
            while chunk := file.read(ROW.itemsize * range_rows):
                rows = np.frombuffer(chunk, ROW)
                of = part_of[rows["learner"]]
                for part in np.unique(of).tolist():
                    with files[part].open("ab") as target:
                        target.write(rows[of == part].tobytes())
        self._file.unlink()
        return [files[part] for part in parts]

    def sequences(
        self, rows: NDArray[np.void], verbs: NDArray[np.int8] | None, tie: bytes
    ) -> Iterator[LearnerSequence]:
        """A range's rows, learner by learner."""
        rows = rows[np.argsort(self._rank[rows["learner"]], kind="stable")]
        cuts = np.flatnonzero(np.diff(rows["learner"])) + 1
        for own in np.split(rows, cuts) if rows.size else ():
            learner = self._names[int(own["learner"][0])]
            found = sequence_of(own, learner, self._places, verbs, tie)
            if len(found):
                yield found


def sequence_of(
    rows: NDArray[np.void],
    learner: str,
    items: Sequence[str] | Mapping[int, str],
    verbs: NDArray[np.int8] | None,
    tie: bytes,
) -> LearnerSequence:
    """One learner's rows in order, without what was taken back.

    Args:
        rows: Records of the type `ROW`, in the order in which they came.
        learner: The learner's id.
        items: Ids of items by the number that stands in the rows.
        verbs: Verbs to keep; None keeps all.
        tie: What keys the order of ties.
    """
    rows = standing(
        _tied(rows[np.lexsort((rows["order"], rows["timestamp"]))], learner, items, tie)
    )
    if verbs is not None:
        rows = rows[np.isin(rows["verb"], verbs)]
    named = tuple(items[item] for item in rows["item"].tolist())
    return LearnerSequence(
        learner, named, *(rows[name].copy() for name in ("timestamp", "order", "verb", "score"))
    )


def _tied(
    rows: NDArray[np.void], learner: str, items: Sequence[str] | Mapping[int, str], tie: bytes
) -> NDArray[np.void]:
    """Rows in order of time, those of one moment sorted by their hash."""
    time, order = rows["timestamp"], rows["order"]
    cuts = np.flatnonzero((np.diff(time) != 0) | (np.diff(order) != 0)) + 1
    if cuts.size == rows.size - 1:
        return rows
    place = np.arange(rows.size)
    for run in np.split(place, cuts):
        if run.size > 1:
            keys = [tie_key(tie, learner, items[item]) for item in rows["item"][run].tolist()]
            run[:] = run[sorted(range(run.size), key=keys.__getitem__)]
    return rows[place]


def standing(rows: NDArray[np.void]) -> NDArray[np.void]:
    """One learner's rows without the completions that a later row takes back, and without those."""
    gone: NDArray[np.bool_] = np.equal(rows["verb"], _UNCOMPLETED)
    if not gone.any():
        return rows
    last = dict(zip(rows["item"][gone].tolist(), np.flatnonzero(gone).tolist(), strict=True))
    for row in np.flatnonzero(rows["verb"] == _COMPLETED).tolist():
        gone[row] = row < last.get(int(rows["item"][row]), -1)
    kept: NDArray[np.void] = rows[~gone]
    return kept
