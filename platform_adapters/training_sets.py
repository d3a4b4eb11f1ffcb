"""From interaction rows to the arrays that models are fitted on.

Learner and item ids are numbered in the order of their bytes, so that the order of the rows
never decides anything. pandas and pyarrow are loaded only where a file is read.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

import numpy as np

from platform_adapters.contract import Failure
from platform_adapters.errors import ReadError, RecordError
from platform_adapters.readers.csv_rows import delimiter_of, read_header
from platform_adapters.readers.files import read_start
from platform_adapters.readers.json_records import read_json
from platform_adapters.values import Clock
from recommender.interactions import VERB_INDEX, VERBS, Interactions

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence
    from pathlib import Path

    import pandas as pd
    from numpy.typing import NDArray

    from platform_adapters.contract import Interaction

Level = Literal["items", "courses"]
"""`items` leaves course-level facts (item = course) out, `courses` keeps nothing else."""

NEVER_TOGETHER = frozenset({"unenrolled", "uncompleted", "rated", "other"})
"""Verbs that no model takes for a learner having met an item."""

_COLUMNS = ("learner", "item", "timestamp", "order", "verb", "score", "course")
_PARQUET = b"PAR1"


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
    """Read an interaction table: `read_frame`, then `frame_interactions`."""
    return frame_interactions(read_frame(path, timezone=timezone), level=level, verbs=verbs)


def read_frame(path: Path, *, timezone: str | None = None) -> pd.DataFrame:
    """Read an interaction table (CSV, JSON lines or Parquet; gzip but for Parquet).

    Args:
        path: The file; ids in it are taken as they are and never hashed.
        timezone: Zone of local times; without it they are refused.

    Returns:
        Every column of the file; of the contract's columns `learner`, `item`, `verb`, `course`
        as text, `timestamp` and `order` as int64 (0 where unknown), `score` as float32 (NaN
        where unknown).

    Raises:
        ReadError: A needed column is missing, or a value in one is not what it must be.
        TimezoneError: Local times, and no zone.
    """
    frame = _raw_frame(path)
    for name in ("learner", "item"):
        if name not in frame.columns:
            found = ", ".join(map(str, frame.columns[:12]))
            raise ReadError(f"{path.name}: column {name!r} is missing; found: {found}")
    if "timestamp" not in frame.columns and "order" not in frame.columns:
        raise ReadError(f"{path.name}: neither the column 'timestamp' nor 'order'")
    clock = Clock(timezone, f"{path.name}: timestamp")
    for name in ("learner", "item", "verb", "course"):
        frame[name] = _texts(frame, name)
    frame.loc[frame["verb"] == "", "verb"] = "viewed"
    for name in ("learner", "item"):
        empty = np.flatnonzero((frame[name] == "").to_numpy())
        if empty.size:
            raise ReadError(f"{path.name}, row {int(empty[0]) + 1}: {name} is empty")
    unknown = sorted(set(frame["verb"].unique()) - set(VERBS))
    if unknown:
        raise ReadError(
            f"{path.name}: {len(unknown)} unknown verbs, such as {unknown[0][:40]!r}; "
            f"expected: {', '.join(VERBS)}"
        )
    frame["timestamp"] = _per_value(frame, "timestamp", path, clock.seconds)
    frame["order"] = _per_value(frame, "order", path, _whole)
    frame["score"] = _scores(frame, path)
    return frame


def frame_interactions(
    frame: pd.DataFrame,
    *,
    level: Level | None = None,
    verbs: Collection[str] | None = None,
) -> Interactions:
    """Arrays of a frame that `read_frame` has read, or of a part of its rows."""
    if verbs is not None:
        frame = frame[frame["verb"].isin(list(verbs))]
    if level is not None:
        about_course = frame["item"] == frame["course"]
        frame = frame[about_course if level == "courses" else ~about_course]
    learner_ids, learner = _number_column(frame["learner"])
    item_ids, item = _number_column(frame["item"])
    verb_names, verb = _number_column(frame["verb"])
    verb_index = np.array([VERB_INDEX[name] for name in verb_names], dtype=np.int8)
    return Interactions(
        learner_ids=learner_ids,
        item_ids=item_ids,
        learner=learner,
        item=item,
        timestamp=frame["timestamp"].to_numpy(np.int64),
        order=frame["order"].to_numpy(np.int64),
        verb=verb_index[verb],
        score=frame["score"].to_numpy(np.float32),
    )


def _number_column(column: pd.Series) -> tuple[tuple[str, ...], NDArray[np.int32]]:
    import pandas as pd  # noqa: PLC0415  loaded only where a file is read

    codes, distinct = pd.factorize(column, sort=False)
    names, place = number([str(value) for value in distinct])
    return names, place[codes] if len(names) else np.zeros(0, np.int32)


def _raw_frame(path: Path) -> pd.DataFrame:
    """All columns, as text from CSV and as they are from the others."""
    import pandas as pd  # noqa: PLC0415  loaded only where a file is read

    start = read_start(path)
    if start[:4] == _PARQUET:
        import pyarrow as pa  # noqa: PLC0415

        try:
            return pd.read_parquet(path)
        except (pa.ArrowException, OSError) as error:
            raise ReadError(f"{path.name} is not a whole Parquet file: {error}") from error
    if start.lstrip()[:1] in {b"{", b"["}:
        rows = []
        for line, record in read_json(path):
            if isinstance(record, Failure) or not isinstance(record, dict):
                reason = record.reason if isinstance(record, Failure) else "not a JSON object"
                raise ReadError(f"{path.name}, line {line}: {reason}")
            rows.append(record)
        return pd.DataFrame(rows)
    header = read_header(path)
    try:
        return pd.read_csv(
            path,
            dtype=str,
            keep_default_na=False,
            sep=delimiter_of(",".join(header)) if len(header) > 1 else ",",
            encoding="utf-8-sig",
            compression="gzip" if path.read_bytes()[:2] == b"\x1f\x8b" else None,
        )
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise ReadError(f"{path.name} is not CSV with a header in UTF-8: {error}") from error


def _texts(frame: pd.DataFrame, name: str) -> pd.Series:
    """A column as text, empty where missing; a whole number keeps no `.0`."""
    import pandas as pd  # noqa: PLC0415  loaded only where a file is read

    if name not in frame.columns:
        return pd.Series("", index=frame.index, dtype=object)
    column = frame[name]
    if pd.api.types.is_float_dtype(column):
        column = column.astype("Int64")
    return column.astype(object).where(column.notna(), "").map(str)


def _per_value(
    frame: pd.DataFrame, name: str, path: Path, parse: Callable[[object], int]
) -> NDArray[np.int64]:
    """Parse each distinct value once; 0 where missing."""
    import pandas as pd  # noqa: PLC0415  loaded only where a file is read

    if name not in frame.columns:
        return np.zeros(len(frame), np.int64)
    column = frame[name].astype(object)
    codes, distinct = pd.factorize(column.where(column != "", None), use_na_sentinel=True)
    parsed = np.zeros(len(distinct) + 1, np.int64)  # the last stands for -1, a missing value
    for index, value in enumerate(distinct):
        try:
            parsed[index] = parse(value.item() if hasattr(value, "item") else value)
        except (RecordError, ValueError) as error:
            row = int(np.flatnonzero(codes == index)[0]) + 1
            raise ReadError(f"{path.name}, row {row}: {name}: {error}") from error
    return np.asarray(parsed[codes], np.int64)


def _whole(value: object) -> int:
    return int(float(str(value)))


def _scores(frame: pd.DataFrame, path: Path) -> NDArray[np.float32]:
    import pandas as pd  # noqa: PLC0415  loaded only where a file is read

    if "score" not in frame.columns:
        return np.full(len(frame), np.nan, np.float32)
    column = frame["score"]
    values = pd.to_numeric(column.where(column != "", None), errors="coerce").to_numpy(np.float64)
    bad = np.flatnonzero(
        (np.isnan(values) & column.notna().to_numpy() & (column != "").to_numpy())
        | (values < 0)
        | (values > 1)
    )
    if bad.size:
        raise ReadError(f"{path.name}, row {int(bad[0]) + 1}: score is not a number in 0..1")
    return np.asarray(values, np.float32)
