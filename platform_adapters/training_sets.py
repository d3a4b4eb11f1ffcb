"""From interaction rows to the arrays that models are fitted on.

Learner and item ids are numbered in the order of their bytes, so that the order of the rows
never decides anything. A table's rows go into a temporary file as they are read and into arrays
from there, some at a time: each id is held once, no row is an object. pandas and pyarrow are loaded
only where a file is read.
"""

from __future__ import annotations

import io
import math
import mmap
import os
import tempfile
import weakref
from itertools import compress
from typing import IO, TYPE_CHECKING, Any, Literal

import numpy as np

from platform_adapters.readers.table_frames import table_frames
from recommender.interactions import VERB_INDEX, VERBS, Interactions

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    import pandas as pd
    from numpy.typing import DTypeLike, NDArray

    from platform_adapters.contract import Interaction

Level = Literal["items", "courses"]
"""`items` leaves course-level facts (item = course) out, `courses` keeps nothing else."""

NEVER_TOGETHER = frozenset({"unenrolled", "uncompleted", "rated", "other"})
"""Verbs that no model takes for a learner having met an item."""


IN_MEMORY = 1_000_000
"""Rows up to which arrays are held in memory: 29 MB."""

COLUMNS: Mapping[str, DTypeLike] = {
    "learner": "<i4",
    "item": "<i4",
    "timestamp": "<i8",
    "order": "<i8",
    "score": "<f4",
    "verb": "i1",
}
"""The arrays of `Interactions`."""

ROW = np.dtype(list(COLUMNS.items()))
_TABLE_ROW = np.dtype([*COLUMNS.items(), ("course", "?"), ("part", "<i4")])
_CHUNK_ROWS = 100_000


def verbs_for(level: Level) -> tuple[str, ...]:
    """The verbs that count: with courses as the items an enrolment does, else it does not."""
    without = NEVER_TOGETHER if level == "courses" else NEVER_TOGETHER | {"enrolled"}
    return tuple(verb for verb in VERBS if verb not in without)


def build_interactions(
    rows: Iterable[Interaction],
    *,
    level: Level | None = None,
    verbs: Collection[str] | None = None,
) -> Interactions:
    """Arrays of rows as adapters emit them.

    Args:
        rows: Interactions, pseudonymised.
        level: Which rows to keep; None keeps all.
        verbs: Verbs to keep; None keeps all.

    Returns:
        All kept rows, in the order in which they came.

    Raises:
        InteractionsError: The arrays cannot be interactions.
    """
    kept = [
        row
        for row in rows
        if (verbs is None or row.verb in verbs)
        and (level is None or (row.item == row.course) == (level == "courses"))
    ]
    learner_ids, learner = number([row.learner for row in kept])
    item_ids, item = number([row.item for row in kept])
    count = len(kept)
    nan = math.nan
    return Interactions(
        learner_ids=learner_ids,
        item_ids=item_ids,
        learner=learner,
        item=item,
        timestamp=np.fromiter((row.timestamp or 0 for row in kept), np.int64, count),
        order=np.fromiter((row.order or 0 for row in kept), np.int64, count),
        verb=np.fromiter((VERB_INDEX[row.verb] for row in kept), np.int8, count),
        score=np.fromiter(
            (nan if row.score is None else row.score for row in kept), np.float32, count
        ),
    )


def number(ids: Sequence[str]) -> tuple[tuple[str, ...], NDArray[np.int32]]:
    """Distinct ids in the order of their UTF-8 bytes, and the place of each given one."""
    # Code points and UTF-8 bytes sort alike.
    distinct = tuple(sorted(set(ids)))
    place = {value: index for index, value in enumerate(distinct)}
    return distinct, np.fromiter((place[value] for value in ids), np.int32, len(ids))


def read_interactions(
    path: Path,
    *,
    level: Level | None = None,
    verbs: Collection[str] | None = None,
    timezone: str | None = None,
) -> Interactions:
    """Read an interaction table: `read_table`, then its `interactions`."""
    return read_table(path, timezone=timezone).interactions(level=level, verbs=verbs)


def read_table(path: Path, *, timezone: str | None = None, part: str | None = None) -> RowTable:
    """Read an interaction table; its rows lie on disk until they are asked for.

    Args:
        path: The file; ids in it are taken as they are and never hashed.
        timezone: Zone of local times; without it they are refused.
        part: A column by which rows can be asked for, such as the platform.

    Raises:
        ReadError: A needed column is missing, or a value in one is not what it must be.
        TimezoneError: Local times, and no zone.
    """
    table = RowTable()
    for frame in table_frames(path, timezone=timezone, keep=() if part is None else (part,)):
        table.add(frame, part)
    return table


class RowTable:
    """An interaction table: numbers in a temporary file, each text once in memory."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile(prefix="murmuration-")  # noqa: SIM115 - as long as we
        weakref.finalize(self, self._file.close)
        self._learners, self._items = Vocabulary(), Vocabulary()
        self._parts: dict[Any, int] | None = None
        self._names: Mapping[str, str] = {}
        self._rows = self._courses = 0

    def __len__(self) -> int:
        """Number of rows."""
        return self._rows

    @property
    def is_about_courses(self) -> bool:
        """Whether there are rows, each about a course as a whole."""
        return 0 < self._rows == self._courses

    @property
    def parts(self) -> list[Any] | None:
        """The values of the column that parts the rows, sorted; None without that column."""
        if self._parts is None:
            return None
        return sorted(self._parts, key=lambda value: (type(value).__name__, value))

    def name_items(self, names: Mapping[str, str]) -> None:
        """Give items other names, several perhaps the same; items not in `names` keep theirs."""
        self._names = names

    def add(self, frame: pd.DataFrame, part: str | None = None) -> None:
        """Append a batch of `table_frames`."""
        rows = np.empty(len(frame), _TABLE_ROW)
        rows["learner"] = self._learners.codes(frame["learner"])
        rows["item"] = self._items.codes(frame["item"])
        rows["verb"] = frame["verb"].map(VERB_INDEX).to_numpy(np.int8)
        rows["course"] = about_course(frame)
        for name in ("timestamp", "order", "score"):
            rows[name] = frame[name].to_numpy()
        rows["part"] = -1
        if part is not None and part in frame.columns:
            rows["part"] = self._part_codes(frame[part])
        self._rows += len(rows)
        self._courses += int(rows["course"].sum())
        self._file.seek(0, os.SEEK_END)
        self._file.write(rows.tobytes())

    def _part_codes(self, column: pd.Series) -> NDArray[np.int32]:
        import pandas as pd  # noqa: PLC0415  loaded only where a file is read

        self._parts = {} if self._parts is None else self._parts
        codes, distinct = pd.factorize(column, sort=False)
        known = [self._parts.setdefault(value, len(self._parts)) for value in distinct]
        places = np.array([*known, -1], np.int32)  # a missing value's code is -1, too
        return np.asarray(places[codes], np.int32)

    def item_ids(self, *, level: Level | None, verbs: Collection[str] | None) -> tuple[str, ...]:
        """Items of the rows of a level and with certain verbs, in the order of their bytes."""
        met = np.zeros(len(self._items.texts), np.bool_)
        for rows in self._kept(level, verbs):
            met[rows["item"]] = True
        return _numbered(self._item_names(), met)[0]

    def interactions(
        self,
        *,
        level: Level | None = None,
        verbs: Collection[str] | None = None,
        part: object = None,
        item_ids: Sequence[str] | None = None,
    ) -> Interactions:
        """Rows as arrays, in the order in which they came.

        Of more than `IN_MEMORY` rows the arrays lie in a temporary file: what is not being used
        takes no memory.

        Args:
            level: Which rows to keep; None keeps all.
            verbs: Verbs to keep; None keeps all.
            part: Which part's rows to keep, one of `parts`; None keeps all.
            item_ids: Items by their number, rows on others are left out but for their learner; None
                numbers those of the rows.
        """
        learners = np.zeros(len(self._learners.texts), np.bool_)
        items = np.zeros(len(self._items.texts), np.bool_)
        for rows in self._kept(level, verbs, part):
            learners[rows["learner"]] = True
            items[rows["item"]] = True
        learner_ids, learner = _numbered(self._learners.texts, learners)
        if item_ids is None:
            item_ids, item = _numbered(self._item_names(), items)
        else:
            place = {name: index for index, name in enumerate(item_ids)}
            item = np.array([place.get(name, -1) for name in self._item_names()], np.int32)
        columns = _Columns(self._rows > IN_MEMORY)
        for rows in self._kept(level, verbs, part):
            inside = rows[item[rows["item"]] >= 0]
            columns.add(learner[inside["learner"]], item[inside["item"]], inside)
        return Interactions(learner_ids, tuple(item_ids), **columns.arrays())

    def _item_names(self) -> list[str]:
        return [self._names.get(text, text) for text in self._items.texts]

    def _kept(
        self, level: Level | None, verbs: Collection[str] | None, part: object = None
    ) -> Iterator[NDArray[np.void]]:
        """Rows that are asked for, some at a time."""
        wanted = np.ones(len(VERBS), np.bool_)
        if verbs is not None:
            wanted[:] = [verb in verbs for verb in VERBS]
        self._file.seek(0)
        while chunk := self._file.read(_TABLE_ROW.itemsize * _CHUNK_ROWS):
            rows = np.frombuffer(chunk, _TABLE_ROW)
            kept = wanted[rows["verb"]]
            if level is not None:
                kept &= rows["course"] == (level == "courses")
            if part is not None and self._parts is not None:
                kept &= rows["part"] == self._parts[part]
            yield rows[kept]


class _Columns:
    """Arrays that grow, in memory or each in a temporary file."""

    def __init__(self, on_disk: bool) -> None:  # noqa: FBT001
        self._files = {name: _open(on_disk) for name in COLUMNS}

    def add(
        self, learner: NDArray[np.int32], item: NDArray[np.int32], rows: NDArray[np.void]
    ) -> None:
        """Append rows, with numbers of learners and items of their own."""
        values = {"learner": learner, "item": item}
        for name, file in self._files.items():
            file.write(values.get(name, rows[name]).tobytes())

    def arrays(self) -> dict[str, Any]:
        """The columns; nothing can be added any more."""
        return {name: _array(file, COLUMNS[name]) for name, file in self._files.items()}


def _open(on_disk: bool) -> IO[bytes]:  # noqa: FBT001
    return tempfile.TemporaryFile(prefix="murmuration-") if on_disk else io.BytesIO()


def _array(file: IO[bytes], dtype: DTypeLike) -> NDArray[Any]:
    file.flush()
    if isinstance(file, io.BytesIO):
        return np.frombuffer(file.getbuffer(), dtype)
    with file:
        if not file.tell():
            return np.zeros(0, dtype)
        # The mapping outlives the file's name and this handle.
        return np.frombuffer(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ), dtype)


def _numbered(
    names: Sequence[str], met: NDArray[np.bool_]
) -> tuple[tuple[str, ...], NDArray[np.int32]]:
    """The distinct names that were met, in the order of their bytes; each name's place, or -1."""
    # No set, no dictionary: beside ids that are held anyway they would be the largest things here.
    order = sorted(np.flatnonzero(met).tolist(), key=names.__getitem__)
    is_new = [not n or names[order[n - 1]] != names[index] for n, index in enumerate(order)]
    places = np.full(len(names), -1, np.int32)
    places[order] = np.cumsum(is_new) - 1
    return tuple(names[index] for index in compress(order, is_new)), places


class Vocabulary:
    """Numbers for texts, in the order in which they are met."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    @property
    def texts(self) -> list[str]:
        """The texts by number."""
        return list(self._numbers)

    def codes(self, column: pd.Series) -> NDArray[np.int32]:
        """Numbers of a column's texts; int32."""
        import pandas as pd  # noqa: PLC0415  loaded only where a file is read

        places, distinct = pd.factorize(column, sort=False)
        numbers = self._numbers
        known = [numbers.setdefault(str(text), len(numbers)) for text in distinct]
        return np.array(known, np.int32)[places] if known else np.zeros(0, np.int32)


def about_course(frame: pd.DataFrame) -> NDArray[np.bool_]:
    """Which rows are about a course as a whole: those whose item is their course."""
    same: NDArray[np.bool_] = (frame["item"] == frame["course"]).to_numpy(np.bool_)
    return same
