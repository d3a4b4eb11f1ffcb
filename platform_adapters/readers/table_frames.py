"""The interaction table in batches: checked columns of one batch after the other.

Memory is that of a batch, whatever the file's length. pandas and pyarrow are loaded here, where a
file is read, and nowhere before.
"""

from __future__ import annotations

import zlib
from itertools import islice
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from platform_adapters.contract import Failure
from platform_adapters.errors import ReadError, RecordError
from platform_adapters.readers.csv_rows import delimiter_of, read_header
from platform_adapters.readers.files import read_start
from platform_adapters.readers.json_records import read_json
from platform_adapters.values import Clock
from recommender.interactions import VERBS

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator
    from pathlib import Path

    import pandas as pd
    from numpy.typing import NDArray

    Frame: TypeAlias = pd.DataFrame

BATCH_ROWS = 50_000
"""Rows read at once: some 20 MB while their texts are in memory."""

TYPED = ("learner", "item", "timestamp", "order", "verb", "score", "course")
"""Columns that every batch has."""

_PARQUET = b"PAR1"
_GZIP = b"\x1f\x8b"


def table_frames(
    path: Path,
    *,
    timezone: str | None = None,
    keep: Collection[str] | None = None,
    batch: int = BATCH_ROWS,
) -> Iterator[pd.DataFrame]:
    """Read an interaction table (CSV, JSON lines or Parquet; gzip but for Parquet).

    Args:
        path: The file; ids in it are taken as they are and never hashed.
        timezone: Zone of local times; without it they are refused.
        keep: Other columns to keep; None keeps all.
        batch: Rows at once.

    Yields:
        The columns asked for and `TYPED`: `learner`, `item`, `verb`, `course` as text,
        `timestamp` and `order` as int64 (0 where unknown), `score` as float32 (NaN where unknown).
        At least one frame, which is empty if the file has no rows.

    Raises:
        ReadError: A needed column is missing, or a value in one is not what it must be.
        TimezoneError: Local times, and no zone.
    """
    clock = Clock(timezone, f"{path.name}: timestamp")
    row = 0
    for frame in _raw_frames(path, keep, batch):
        _require(path, frame)
        yield _typed(frame, path, clock, row)
        row += len(frame)


def _require(path: Path, frame: pd.DataFrame) -> None:
    for name in ("learner", "item"):
        if name not in frame.columns:
            found = ", ".join(map(str, frame.columns[:12]))
            raise ReadError(f"{path.name}: column {name!r} is missing; found: {found}")
    if "timestamp" not in frame.columns and "order" not in frame.columns:
        raise ReadError(f"{path.name}: neither the column 'timestamp' nor 'order'")


def _typed(frame: pd.DataFrame, path: Path, clock: Clock, before: int) -> pd.DataFrame:
    """Check a batch; `before` rows stand before it."""
    for name in ("learner", "item", "verb", "course"):
        frame[name] = _texts(frame, name)
    frame.loc[frame["verb"] == "", "verb"] = "viewed"
    for name in ("learner", "item"):
        empty = np.flatnonzero((frame[name] == "").to_numpy())
        if empty.size:
            raise ReadError(f"{path.name}, row {before + int(empty[0]) + 1}: {name} is empty")
    unknown = sorted(set(frame["verb"].unique()) - set(VERBS))
    if unknown:
        raise ReadError(
            f"{path.name}: {len(unknown)} unknown verbs, such as {unknown[0][:40]!r}; "
            f"expected: {', '.join(VERBS)}"
        )
    frame["timestamp"] = _per_value(frame, "timestamp", path, clock.seconds, before)
    frame["order"] = _per_value(frame, "order", path, _whole, before)
    frame["score"] = _scores(frame, path, before)
    return frame


def _raw_frames(path: Path, keep: Collection[str] | None, batch: int) -> Iterator[pd.DataFrame]:
    """Columns as text from CSV and as they are from the others."""
    start = read_start(path)
    if start[:4] == _PARQUET:
        return _of_parquet(path, keep, batch)
    if start.lstrip()[:1] in {b"{", b"["}:
        return _of_json(path, keep, batch)
    return _of_csv(path, keep, batch)


def _wanted(columns: Collection[str], keep: Collection[str] | None) -> list[str]:
    return [name for name in columns if keep is None or name in keep or name in TYPED]


def _of_parquet(path: Path, keep: Collection[str] | None, batch: int) -> Iterator[pd.DataFrame]:
    import pyarrow as pa  # noqa: PLC0415  loaded only where a file is read
    import pyarrow.parquet as pq  # noqa: PLC0415

    try:
        with pq.ParquetFile(path) as file:
            columns = _wanted(file.schema_arrow.names, keep)
            if not file.metadata.num_rows:
                yield file.schema_arrow.empty_table().select(columns).to_pandas()
            for part in file.iter_batches(batch_size=batch, columns=columns):
                yield part.to_pandas()
    except (pa.ArrowException, OSError) as error:
        raise ReadError(f"{path.name} is not a whole Parquet file: {error}") from error


def _of_json(path: Path, keep: Collection[str] | None, batch: int) -> Iterator[pd.DataFrame]:
    import pandas as pd  # noqa: PLC0415  loaded only where a file is read

    records = _objects(path)
    part = list(islice(records, batch))
    while True:
        frame = pd.DataFrame(part)
        yield frame[_wanted(list(frame.columns), keep)].copy()
        part = list(islice(records, batch))
        if not part:
            return


def _objects(path: Path) -> Iterator[dict[str, object]]:
    for line, record in read_json(path):
        if isinstance(record, Failure) or not isinstance(record, dict):
            reason = record.reason if isinstance(record, Failure) else "not a JSON object"
            raise ReadError(f"{path.name}, line {line}: {reason}")
        yield record


def _of_csv(path: Path, keep: Collection[str] | None, batch: int) -> Iterator[pd.DataFrame]:
    import pandas as pd  # noqa: PLC0415  loaded only where a file is read

    header = read_header(path)
    with path.open("rb") as file:
        packed = file.read(2) == _GZIP
    try:
        parts = pd.read_csv(
            path,
            dtype=str,
            keep_default_na=False,
            usecols=lambda name: bool(_wanted([name.strip()], keep)),
            sep=delimiter_of(",".join(header)) if len(header) > 1 else ",",
            encoding="utf-8-sig",
            compression="gzip" if packed else None,
            chunksize=batch,
        )
        with parts:
            yield from parts
    except (
        *(pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError),
        *(EOFError, OSError, zlib.error),
    ) as error:
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
    frame: pd.DataFrame,
    name: str,
    path: Path,
    parse: Callable[[object], int],
    before: int,
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
        except (RecordError, ValueError, OverflowError) as error:
            row = before + int(np.flatnonzero(codes == index)[0]) + 1
            raise ReadError(f"{path.name}, row {row}: {name}: {error}") from error
    return np.asarray(parsed[codes], np.int64)


def _whole(value: object) -> int:
    return int(float(str(value)))


def _scores(frame: pd.DataFrame, path: Path, before: int) -> NDArray[np.float32]:
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
        row = before + int(bad[0]) + 1
        raise ReadError(f"{path.name}, row {row}: score is not a number in 0..1")
    return np.asarray(values, np.float32)
