"""What a command writes besides its text: machine-readable files, progress, tables."""

from __future__ import annotations

import json
import math
import os
import platform
import sys
import time
from contextlib import contextmanager
from fractions import Fraction
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from rich.progress import Progress

_PLAIN_EVERY_SECONDS = 5.0


class Ticker:
    """Counts work done; `progress` yields one.

    On a terminal it moves a bar, elsewhere it prints a plain line every few seconds.
    """

    def __init__(self, total: int | None, label: str, bar: Progress | None) -> None:
        self._total = total
        self._label = label
        self._bar = bar
        self._task = None if bar is None else bar.add_task(label, total=total)
        self._done = 0
        self._printed_at = time.monotonic()

    @property
    def done(self) -> int:
        """Units done so far."""
        return self._done

    def advance(self, units: int = 1, note: str = "") -> None:
        """Count `units` more; `note` says what was just done."""
        self._done += units
        if self._bar is not None and self._task is not None:
            description = f"{self._label}: {note}" if note else self._label
            self._bar.update(self._task, advance=units, description=description)
            return
        now = time.monotonic()
        if now - self._printed_at >= _PLAIN_EVERY_SECONDS:
            self._printed_at = now
            self.line(note)

    def line(self, note: str = "") -> None:
        """Print where the work stands, as one plain line on standard error."""
        of = "" if self._total is None else f" of {self._total:,}"
        click.echo(f"{self._label}: {self._done:,}{of}{' ' + note if note else ''}", err=True)


@contextmanager
def progress(total: int | None, label: str) -> Iterator[Ticker]:
    """Show progress of `total` units: a bar on a terminal, plain lines elsewhere.

    Args:
        total: Units of work; None if unknown.
        label: What is being done, such as `Importing`.

    Yields:
        The ticker to advance.
    """
    if not sys.stderr.isatty() and not os.environ.get("FORCE_COLOR"):
        ticker = Ticker(total, label, None)
        yield ticker
        ticker.line("done")
        return
    # Imported here: `adapt` of a small file takes about as long as the import of rich does.
    from rich import console  # noqa: PLC0415 - as said above
    from rich import progress as bars  # noqa: PLC0415

    columns = (
        bars.TextColumn("{task.description}"),
        bars.BarColumn(),
        bars.MofNCompleteColumn(),
        bars.TimeElapsedColumn(),
    )
    with bars.Progress(*columns, console=console.Console(stderr=True)) as bar:
        yield Ticker(total, label, bar)


def environment() -> dict[str, Any]:
    """Facts that explain a measurement: versions, platform, cores, threads."""
    packages = ("numpy", "scipy", "scikit-learn", "implicit", "opendp", "torch")
    found: dict[str, str] = {}
    for name in packages:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return {
        "python": platform.python_version(),
        "system": platform.system(),
        "machine": platform.machine(),
        "cores": os.cpu_count(),
        "blas_threads": os.environ.get("OPENBLAS_NUM_THREADS", ""),
        "packages": found,
    }


def product_version() -> str:
    """The installed version, or `0` from a bare checkout."""
    try:
        return version("murmuration")
    except PackageNotFoundError:
        return "0"


def plain(value: object) -> Any:  # noqa: ANN401 - any JSON value
    """The JSON form of a value: infinity is `"inf"`, NaN is null, the unknown is spelled out.

    numpy scalars and fractions count as Python numbers.
    """
    if hasattr(value, "item") and not hasattr(value, "__len__"):
        value = value.item()
    if isinstance(value, float | Fraction):
        return _plain_number(float(value))
    if value is None or isinstance(value, str | int):
        return value
    if isinstance(value, dict):
        return {str(key): plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [plain(entry) for entry in value]
    return str(value)


def _plain_number(value: float) -> float | str | None:
    if math.isinf(value):
        return "inf" if value > 0 else "-inf"
    return None if math.isnan(value) else value


def write_json(
    path: Path, command: str, args: Mapping[str, object], records: Sequence[Mapping[str, object]]
) -> None:
    """Write a command's machine-readable result, whole or not at all.

    Args:
        path: Where to write; `-` is standard output.
        command: Name of the command, for `schema`.
        args: What the command was called with.
        records: The result, one mapping a record; infinity becomes `"inf"`.

    Raises:
        click.ClickException: The file cannot be written.
    """
    document = {
        "schema": f"murmuration.{command}/1",
        "version": product_version(),
        "args": plain(dict(args)),
        "environment": environment(),
        "records": [plain(dict(record)) for record in records],
    }
    text = json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    if str(path) == "-":
        sys.stdout.write(text)
        return
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        beside.write_text(text, encoding="utf-8")
        beside.replace(path)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise click.ClickException(
            f"cannot write {path}: {error.strerror or error}; "
            "give --json a file in a folder that exists and can be written to"
        ) from error


def show_table(
    title: str,
    columns: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    caption: str = "",
) -> None:
    """Print a table on standard output; the first column is text, the others figures.

    Args:
        title: Heading.
        columns: Column headings.
        rows: Cells, one sequence a row.
        caption: A sentence under the table: what the figures are and what they are not.
    """
    from rich.console import Console  # noqa: PLC0415 - as in `progress`
    from rich.table import Table  # noqa: PLC0415

    table = Table(
        title=title, caption=caption or None, title_justify="left", caption_justify="left"
    )
    for position, column in enumerate(columns):
        table.add_column(column, justify="left" if position == 0 else "right", no_wrap=True)
    for row in rows:
        table.add_row(*row)
    console = Console()
    if not console.is_terminal:  # a pipe or a log: never cut a row to a guessed width
        console = Console(width=max(console.width, 30 + 18 * len(columns)))
    console.print(table)
