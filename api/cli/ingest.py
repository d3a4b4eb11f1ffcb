"""`ingest` and `sync`: logs into the store."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from api.cli.adapt_options import (
    accounts_option,
    adapter_for,
    map_option,
    staff_option,
    tomorrow,
)
from api.cli.inputs import expand
from api.cli.options import home_option, json_option
from api.cli.output import progress, write_json
from api.databases import reader_for
from api.home import Home, find_home
from api.ingesting import Importer
from api.known_people import merge_accounts
from api.locks import home_lock
from api.people import pseudonymiser_for
from api.pulling import puller_for, sorted_out
from api.settings import Settings, SourceSettings, load_settings
from api.settings_errors import SettingsError
from api.store.opening import open_store
from platform_adapters.contract import AdaptOptions
from platform_adapters.convert import MAX_REJECT_SHARE
from platform_adapters.errors import OptionsError
from platform_adapters.people import read_people
from platform_adapters.readers.database import is_database_url, parse_url, public_name
from swarm.storage.files import atomic_write

if TYPE_CHECKING:
    from collections.abc import Sequence

    from api.databases import DatabaseReader
    from api.pulling import Puller
    from api.store.store import Store
    from platform_adapters.contract import People
    from platform_adapters.pseudonyms import Pseudonymiser

_SHOWN_REASONS = 5


@click.command()
@click.argument("adapter")
@click.argument("inputs", nargs=-1)
@home_option
@click.option("--timezone", help="Zone of times that carry none, such as Europe/Berlin.")
@click.option("--year", type=click.IntRange(1990, 2200), help="Year of times that have none.")
@click.option("--home-page", help="xAPI accounts of this home page are known by their name alone.")
@click.option("--prefix", help="Prefix of the tables of a Moodle database.  [default: mdl_]")
@map_option
@accounts_option
@staff_option
@click.option(
    "--replace-catalogue",
    is_flag=True,
    help="Remove from our catalogue what a Moodle database no longer has.",
)
@click.option("--since", default="", help="A record store's statements after this moment only.")
@click.option(
    "--max-rejects",
    type=click.FloatRange(0, 1),
    default=MAX_REJECT_SHARE,
    show_default=True,
    help="Share of unusable rows above which nothing of a file is kept.",
)
@click.option(
    "--report",
    "report_path",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the reports, with line numbers of what was rejected, to this file.",
)
@json_option
def ingest(
    adapter: str,
    inputs: tuple[str, ...],
    home: Path | None,
    timezone: str | None,
    year: int | None,
    home_page: str | None,
    prefix: str | None,
    map_path: Path | None,
    accounts: Path | None,
    staff: Path | None,
    since: str,
    max_rejects: float,
    report_path: Path | None,
    json_path: Path | None,
    *,
    replace_catalogue: bool,
) -> None:
    """Read logs into the store; what is there already is left as it is.

    A stopped import goes on when the same command is given again. For xapi an INPUT may be the
    https address of a learning record store: what is new since the last time is fetched. Its
    credential stands in the settings, or in MURMURATION_LRS__USERNAME and
    MURMURATION_LRS__PASSWORD, or MURMURATION_LRS__TOKEN. For moodle an INPUT may be the URL of its
    database, which is only read; user and password may stand in the settings' [[sources]].

    \b
    Example:
      murmuration ingest moodle logstore.csv.gz --timezone UTC --home dogwood
      murmuration ingest xapi https://lrs.example.org/xAPI --home alder
      murmuration ingest moodle postgresql+psycopg://reader@db.example.org/moodle --home dogwood
    """  # noqa: D301  the escape is click's mark for a block that is not to be wrapped
    chosen = adapter_for(adapter, map_path)
    if not inputs:
        raise click.UsageError("Missing argument 'INPUTS...'.")
    place = find_home(home)
    settings = load_settings(place)
    people = read_people(accounts, staff)
    options = AdaptOptions(settings.platform, timezone, year, home_page, people, tomorrow())
    with home_lock(place, "keys", alone=False), open_store(place, settings) as store:
        pseudonymiser = pseudonymiser_for(place, store)
        _merge(store, people, pseudonymiser)
        importer = Importer(store, chosen, options, pseudonymiser, max_rejects)
        files, addresses = sorted_out(inputs)
        of_database = _of_database(addresses, prefix, replace_catalogue=replace_catalogue)
        records = _import(importer, expand(files)) if files else []
        for address in addresses:
            source = _source_for(settings, adapter, address).model_copy(update=of_database)
            records += _pull(_puller(settings, source, importer, address, since))
    named = [*files, *map(_public, addresses)]
    args = {"adapter": adapter, "inputs": named, "home": str(place.path)}
    if report_path is not None:
        _write_report(report_path, records)
    if json_path is not None:
        write_json(json_path, "ingest", args, records)


@click.command()
@home_option
@click.option("--no-train", is_flag=True, help="Import only.")
@json_option
def sync(home: Path | None, json_path: Path | None, *, no_train: bool) -> None:
    """Ingest every [[sources]] entry of the settings and train: for a nightly timer.

    Files that were read to their end before and have not changed are skipped.

    Example: murmuration sync --home dogwood
    """
    place = find_home(home)
    settings = load_settings(place)
    if not settings.sources:
        raise SettingsError(
            f"{place.settings_path}: there is no [[sources]] entry, so there is nothing to "
            "ingest; add one (the file shows how) or use `murmuration ingest`"
        )
    records: list[dict[str, Any]] = []
    with home_lock(place, "keys", alone=False), open_store(place, settings) as store:
        pseudonymiser = pseudonymiser_for(place, store)
        for number, source in enumerate(settings.sources):
            records += _sync_one(place, settings, source, number, store, pseudonymiser)
        store.forget_recommendations(keep_days=settings.serve.keep_recommendations_days)
    if json_path is not None:
        write_json(json_path, "sync", {"home": str(place.path)}, records)
    if not no_train:
        from api.cli.main import cli  # noqa: PLC0415 - it names this module in its table

        cli.main(["train", "--home", str(place.path)], standalone_mode=False)


def _sync_one(
    place: Home,
    settings: Settings,
    source: SourceSettings,
    number: int,
    store: Store,
    pseudonymiser: Pseudonymiser,
) -> list[dict[str, Any]]:
    adapter = adapter_for(source.adapter, _beside(place, source.map))
    if source.catalogue is not None:
        items = list(adapter.read_catalogue(place.path / source.catalogue))
        changed = store.upsert_catalogue(items, replace_all=source.replace_catalogue)
        click.echo(f"{source.catalogue}: {changed.added:,} items new, {changed.changed:,} changed")
        for line in _absent(changed.kept, changed.removed):
            click.echo(line)
    paths: list[Path] = []
    patterns, addresses = sorted_out(source.inputs)
    for pattern in patterns:
        found = _matches(place.path, pattern)
        if not found:
            raise SettingsError(
                f"{place.settings_path}: sources.{number}.inputs: no file matches {pattern!r}; "
                "correct the path or remove the entry"
            )
        paths += expand(found)
    people = read_people(_beside(place, source.accounts), _beside(place, source.staff))
    options = AdaptOptions(
        *(settings.platform, source.timezone, source.year, source.home_page), people, tomorrow()
    )
    _merge(store, people, pseudonymiser)
    importer = Importer(store, adapter, options, pseudonymiser, skip_finished=True)
    records = _import(importer, paths) if paths else []
    for address in addresses:
        records += _pull(_puller(settings, source, importer, address, source.since))
    return records


def _merge(store: Store, people: People, pseudonymiser: Pseudonymiser) -> None:
    """What came in under an old account, in earlier imports, becomes the learner's, too."""
    merged = merge_accounts(store, people, pseudonymiser)
    if merged:
        click.echo(f"{merged:,} old accounts that were known here became their learner's")


def _beside(place: Home, name: str | None) -> Path | None:
    """A file of the settings; a relative one starts at the home."""
    return None if name is None else place.path / name


def _puller(
    settings: Settings, source: SourceSettings, importer: Importer, address: str, since: str
) -> Puller | DatabaseReader:
    """What reads from a server: a database's or a record store's."""
    if is_database_url(address):
        if since:
            raise OptionsError("--since is for record stores; a database is read from where it was")
        return reader_for(source, importer, address)
    return puller_for(settings.lrs, source, importer, address, since)


def _of_database(
    addresses: Sequence[str], prefix: str | None, *, replace_catalogue: bool
) -> dict[str, Any]:
    """What is said of a database beside its entry in the settings.

    Raises:
        OptionsError: Something is said, and there is no database among the inputs.
    """
    if any(map(is_database_url, addresses)):
        said = {"prefix": prefix, "replace_catalogue": replace_catalogue or None}
        return {name: value for name, value in said.items() if value is not None}
    if prefix is not None:
        raise OptionsError("--prefix is for a database; the inputs are files or record stores")
    if replace_catalogue:
        raise OptionsError(
            "--replace-catalogue is for a database; a file's catalogue is replaced by "
            "`murmuration catalogue import --replace`"
        )
    return {}


def _public(address: str) -> str:
    """An address without user and password."""
    return public_name(parse_url(address)) if is_database_url(address) else address


def _source_for(settings: Settings, adapter: str, address: str) -> SourceSettings:
    """The settings' own entry for an address: its credential is there."""
    for source in settings.sources:
        if source.adapter == adapter and address in source.inputs:
            return source
    return SourceSettings(adapter=adapter, inputs=(address,))


def _matches(base: Path, pattern: str) -> list[Path]:
    """Files of a pattern, sorted; a relative pattern starts at `base`."""
    path = base / pattern
    if path.exists():
        return [path]
    anchor = Path(path.anchor)
    return sorted(anchor.glob(str(path.relative_to(anchor))))


def _pull(puller: Puller | DatabaseReader) -> list[dict[str, Any]]:
    records: list[dict[str, Any]] = []
    with progress(None, "Pulling") as ticker:
        importer = replace(puller.importer, on_rows=ticker.advance)
        for record in replace(puller, importer=importer).run():
            records.append(record)
            click.echo("\n".join(_lines(record)))
    return records


def _import(importer: Importer, paths: Sequence[Path]) -> list[dict[str, Any]]:
    records: list[dict[str, Any]] = []
    with progress(None, f"Importing {importer.adapter.name}") as ticker:
        records.extend(replace(importer, on_rows=ticker.advance).run(paths))
    for record in records:
        click.echo("\n".join(_lines(record)))
    return records


def _lines(record: dict[str, Any]) -> list[str]:
    """A report for people; its first line is a sum."""
    if record.get("skipped"):
        return [f"{record['file']}: unchanged since it was imported, skipped"]
    rate = record["rows"] / max(record["seconds"], 1e-3)
    lines = [
        f"{record['file']}: {record['rows']:,} rows = {record['events']:,} events "
        f"+ {record['duplicates']:,} duplicates + {record['ignored_rows']:,} ignored "
        f"+ {record['rejected_rows']:,} rejected ({record['seconds']:.1f} s, {rate:,.0f} rows/s)"
    ]
    for reason, count in list(record["ignored"].items())[:_SHOWN_REASONS]:
        lines.append(f"  ignored {count:,}: {reason}")
    for reason, found in list(record["rejected"].items())[:_SHOWN_REASONS]:
        first = found["lines"][0]
        where = f"{first['file']}, line {first['line']}"
        lines.append(f"  rejected {found['count']:,}: {reason} (first in {where})")
    if record["unknown_events"]:
        names = ", ".join(list(record["unknown_events"])[:_SHOWN_REASONS])
        lines.append(f"  stored as `other`, unknown names: {names}")
    if found := record.get("catalogue"):
        lines.append(f"  catalogue: {found['items']:,} items, {found['new']:,} new or changed")
        lines += _absent(found["kept"], found["gone"])
    if record.get("clamped"):
        lines.append(f"  {record['clamped']:,} scores above their maximum count as 1")
    if record["withdrawn"]:
        lines.append(f"  {record['withdrawn']:,} earlier events taken back")
    return lines


def _absent(kept: int, removed: int) -> list[str]:
    """What is said of items that the platform's catalogue no longer has."""
    if removed:
        return [f"  {removed:,} items that it no longer has were removed"]
    if not kept:
        return []
    return [
        f"  {kept:,} items of our catalogue are not in it and stay; if they are gone from the "
        "platform, --replace-catalogue (`replace_catalogue = true` in [[sources]]) removes them"
    ]


def _write_report(path: Path, records: list[dict[str, Any]]) -> None:
    text = json.dumps({"files": records}, indent=1, ensure_ascii=False) + "\n"
    atomic_write(path, text.encode())
