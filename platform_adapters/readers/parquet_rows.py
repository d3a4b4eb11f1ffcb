"""Rows of a Parquet file, in batches; the one reader that needs pyarrow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from platform_adapters.errors import ReadError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from platform_adapters.contract import Record

_BATCH_ROWS = 16_384


def read_parquet(path: Path) -> Iterator[Record]:
    """Rows as dictionaries, numbered from 1.

    Raises:
        ReadError: The file is no Parquet file or is damaged.
    """
    import pyarrow as pa  # noqa: PLC0415  loaded only where a Parquet file is read
    import pyarrow.parquet as pq  # noqa: PLC0415

    try:
        with pq.ParquetFile(path) as file:
            number = 0
            for batch in file.iter_batches(batch_size=_BATCH_ROWS):
                for row in batch.to_pylist():
                    number += 1
                    yield number, row
    except FileNotFoundError as error:
        raise ReadError(f"{path} does not exist") from error
    except (pa.ArrowException, OSError) as error:
        raise ReadError(f"{path.name} is not a whole Parquet file: {error}") from error


def parquet_columns(path: Path) -> list[str]:
    """Names of the columns; of a nested one, its members' too (`value.user_id`).

    Raises:
        ReadError: The file is no Parquet file or is damaged.
    """
    import pyarrow as pa  # noqa: PLC0415  loaded only where a Parquet file is read
    import pyarrow.parquet as pq  # noqa: PLC0415

    try:
        schema = pq.read_schema(path)
    except (pa.ArrowException, OSError) as error:
        raise ReadError(f"{path.name} is not a whole Parquet file: {error}") from error
    found = [str(name) for name in schema.names]
    for column in schema:
        if pa.types.is_struct(column.type):
            found += [f"{column.name}.{inner.name}" for inner in column.type.fields]
    return found
