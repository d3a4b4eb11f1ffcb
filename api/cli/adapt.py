"""`murmuration adapt`: a platform's raw logs to the interaction table, pseudonymised."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import click
import orjson

from api.cli.adapt_detect import detect_files, print_list
from api.cli.adapt_guess import guess_map
from api.cli.adapt_options import (
    accounts_option,
    adapter_for,
    map_option,
    staff_option,
    tomorrow,
)
from api.cli.adapt_output import form_of, interaction_row, table_file
from api.cli.inputs import expand
from api.cli.options import home_option, json_option
from api.cli.output import progress, write_json
from api.home import PSEUDONYM_KEY, Home
from platform_adapters.catalogues.table import COLUMNS as CATALOGUE_COLUMNS
from platform_adapters.catalogues.table import row_of
from platform_adapters.contract import COLUMNS, AdaptOptions
from platform_adapters.convert import MAX_REJECT_SHARE, convert
from platform_adapters.errors import OptionsError, TooManyRejectsError
from platform_adapters.people import read_people
from platform_adapters.pseudonyms import KEY_BYTES, Pseudonymiser, new_key
from platform_adapters.report import ImportReport
from swarm.storage.files import atomic_write

if TYPE_CHECKING:
    from collections.abc import Iterator

    from platform_adapters.contract import Interaction
    from platform_adapters.format import Format

_TICK_ROWS = 5_000
_UNNAMED = "unnamed"


@click.command()
@click.argument("words", metavar="ADAPTER INPUT...", nargs=-1, required=True)
@click.option("--out", type=Path, help="Interactions: .csv, .jsonl or .parquet.")
@click.option("--catalogue-out", type=Path, help="Write the catalogue among the inputs.")
@click.option("--detect", is_flag=True, help="Only say which format each INPUT is of, and why.")
@click.option("--guess", is_flag=True, help="table: only propose what its columns mean.")
@map_option
@accounts_option
@staff_option
@click.option("--report", "report_path", type=Path, help="What became of every row, as JSON.")
@click.option("--timezone", help="Zone of local times, such as Europe/Berlin. Never guessed.")
@click.option("--year", type=int, help="Year of times that have none. Never guessed.")
@home_option
@click.option(
    "--key-file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="File with the 32-byte pseudonym key, instead of a home's.",
)
@click.option("--platform", help="Name space of event ids; a home's own name by default.")
@click.option("--home-page", help="xAPI: accounts of this home page are known by name alone.")
@click.option(
    "--max-rejects",
    type=click.FloatRange(0, 1),
    default=MAX_REJECT_SHARE,
    show_default=True,
    help="Share of unusable rows above which nothing is written.",
)
@json_option
@click.option(
    "--list",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=print_list,
    help="Print the adapters, what they read, and what they were tried on.",
)
def adapt(
    words: tuple[str, ...],
    out: Path | None,
    catalogue_out: Path | None,
    report_path: Path | None,
    timezone: str | None,
    year: int | None,
    home: Path | None,
    key_file: Path | None,
    platform: str | None,
    home_page: str | None,
    map_path: Path | None,
    accounts: Path | None,
    staff: Path | None,
    max_rejects: float,
    json_path: Path | None,
    *,
    detect: bool,
    guess: bool,
) -> None:
    """Convert raw logs of a platform into the interaction table, with pseudonyms for learners.

    INPUT are logs, and side tables and catalogues of the same platform; a folder stands for
    the files in it. Nothing is written unless everything could be read.

    \b
    Example:
      murmuration adapt --detect unknown-export.csv
      murmuration adapt moodle events.csv.gz grade_items.csv catalogue.csv \\
          --out interactions.csv --catalogue-out catalogue-table.csv --report report.json
    """  # noqa: D301  the escape is click's mark for a block that is not to be wrapped
    if detect:
        sys.exit(1 if detect_files(expand(words), json_path) else 0)
    adapter, paths = adapter_for(words[0], None if guess else map_path), expand(words[1:])
    if not paths:
        raise click.UsageError("Missing argument 'INPUT...'.")
    if guess:
        guess_map(paths[0], map_path)
        return
    if out is None and catalogue_out is None:
        raise click.UsageError("Missing option '--out' (or '--catalogue-out').")
    pseudonymiser, platform = _identity(home, key_file, platform, needed=out is not None)
    people = read_people(accounts, staff)
    options = AdaptOptions(platform, timezone, year, home_page, people, tomorrow())
    report = ImportReport()
    rows = convert(adapter, paths, options, pseudonymiser, report, max_reject_share=max_rejects)
    try:
        _write_all(adapter, paths, rows, report, out, catalogue_out)
    except TooManyRejectsError as error:
        _write_report(report_path, report, adapter, stopped=str(error))
        raise
    _write_report(report_path, report, adapter, stopped="")
    if json_path is not None:
        names = [path.name for path in paths]
        arguments = {"adapter": adapter.name, "inputs": names, "out": out.name if out else None}
        write_json(json_path, "adapt", arguments, [report.to_dict()])
    _print_summary(report, out, catalogue_out)


def _write_all(
    adapter: Format,
    paths: list[Path],
    rows: Iterator[Interaction],
    report: ImportReport,
    out: Path | None,
    catalogue_out: Path | None,
) -> None:
    """Write both files, or none."""
    with ExitStack() as stack:
        if out is not None:
            form_of(out)
        if catalogue_out is not None:
            _write_catalogue(stack, adapter, paths, catalogue_out)
        if out is not None:
            _write_rows(stack, rows, out, report)


def _write_rows(
    stack: ExitStack, rows: Iterator[Interaction], out: Path, report: ImportReport
) -> None:
    """Write the interactions; the file takes its place when the stack ends."""
    writer = stack.enter_context(table_file(out, COLUMNS))
    ticker = stack.enter_context(progress(None, "Adapting"))
    iso_times = form_of(out) != ".parquet"
    for count, row in enumerate(rows, 1):
        writer.write(interaction_row(row, iso_times=iso_times))
        if count % _TICK_ROWS == 0:
            ticker.advance(_TICK_ROWS)
    ticker.advance(report.events % _TICK_ROWS)


def _identity(
    home: Path | None, key_file: Path | None, platform: str | None, *, needed: bool
) -> tuple[Pseudonymiser, str]:
    """The pseudonymiser and the platform's name: a home's, a key file's, or drawn for this run."""
    if key_file is not None:
        return Pseudonymiser(_read_key(key_file)), platform or _UNNAMED
    if home is not None:
        # Imported here: without a home nothing of pydantic is needed, which is slow to import.
        from api.settings import load_settings  # noqa: PLC0415 - as said above

        place = Home(home).require()
        settings = load_settings(place)
        return Pseudonymiser(place.read_key(PSEUDONYM_KEY)), platform or settings.platform
    if needed:
        click.echo(
            "No --home and no --key-file: a pseudonym key was drawn for this run and is not kept. "
            "Another run gives other pseudonyms.",
            err=True,
        )
    return Pseudonymiser(new_key()), platform or _UNNAMED


def _read_key(path: Path) -> bytes:
    """A key of 32 bytes, or of 64 hexadecimal digits; a home's file may hold later keys, too."""
    data = path.read_bytes()
    text = data.strip()
    if len(data) != KEY_BYTES and len(text) == 2 * KEY_BYTES:
        try:
            return bytes.fromhex(text.decode("ascii"))
        except ValueError:
            pass
    if not data or len(data) % KEY_BYTES:
        raise OptionsError(
            f"{path}: expected a key of {KEY_BYTES} bytes or {2 * KEY_BYTES} hexadecimal digits, "
            f"found {len(data)} bytes; pass the keys/{PSEUDONYM_KEY} of a home"
        )
    return data


def _write_catalogue(stack: ExitStack, adapter: Format, paths: list[Path], out: Path) -> None:
    """Write the catalogues among the inputs; the file takes its place when the stack ends."""
    sources = adapter.catalogues(paths)
    if not sources:
        raise OptionsError(
            f"--catalogue-out: no catalogue for the adapter {adapter.name!r} among the inputs; "
            "name the platform's catalogue file as one more INPUT"
        )
    writer = stack.enter_context(table_file(out, CATALOGUE_COLUMNS))
    for source in sources:
        for item in adapter.read_catalogue(source):
            writer.write(row_of(item))


def _write_report(
    path: Path | None, report: ImportReport, adapter: Format, *, stopped: str
) -> None:
    if path is None:
        return
    document = {
        "schema": "murmuration.adapt-report/1",
        "adapter": adapter.name,
        "tried_on": adapter.tried_on,
        **report.to_dict(),
        "stopped": stopped,
    }
    atomic_write(path, orjson.dumps(document, option=orjson.OPT_INDENT_2) + b"\n")


def _print_summary(report: ImportReport, out: Path | None, catalogue_out: Path | None) -> None:
    if catalogue_out is not None:
        click.echo(f"Written: {catalogue_out}")
    if out is None:
        return
    click.echo(
        f"{report.rows:,} rows = {report.events:,} events + {report.duplicates:,} duplicates + "
        f"{report.ignored_rows:,} ignored + {report.rejected_rows:,} rejected"
    )
    for kind, reasons in (("ignored", report.ignored), ("rejected", report.rejected)):
        for reason, count in reasons.most_common(8):
            click.echo(f"  {kind} {count:,}: {reason}")
    if report.unknown:
        click.echo(f"  {report.unknown.total():,} events have a verb that is not known: `other`")
    if report.clamped:
        click.echo(f"  {report.clamped:,} scores above their maximum count as 1")
    click.echo(f"Written: {out}")
