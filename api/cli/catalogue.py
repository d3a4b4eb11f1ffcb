"""`catalogue import|export`: what can be recommended."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING

import click

from api.cli.inputs import refuse_address
from api.cli.options import home_option, json_option
from api.cli.output import write_json
from api.home import find_home
from api.store.opening import open_store
from platform_adapters.registry import adapter_named
from recommender.catalogue import CatalogueItem
from swarm.storage.files import atomic_write

if TYPE_CHECKING:
    from collections.abc import Iterable

COLUMNS = tuple(field.name for field in fields(CatalogueItem))
_LISTS = ("skills", "prerequisites")


@click.group()
def catalogue() -> None:
    """What can be recommended: read it from the platform's own form, write it as a table."""


@catalogue.command("import")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--adapter", default="table", show_default=True, help="The form of the files; table is CSV."
)
@click.option("--replace", is_flag=True, help="Remove items that are not in the files.")
@home_option
@json_option
def import_files(
    files: tuple[Path, ...],
    adapter: str,
    home: Path | None,
    json_path: Path | None,
    *,
    replace: bool,
) -> None:
    """Read a catalogue into the store: all of it, or nothing.

    Example: murmuration catalogue import --adapter moodle courses.csv --home dogwood
    """
    place = find_home(home)
    chosen = adapter_named(adapter)
    for path in files:
        refuse_address(path)
    items = [item for path in files for item in chosen.read_catalogue(path)]
    with open_store(place) as store:
        result = store.upsert_catalogue(items, replace_all=replace)
        total = len(store.catalogue())
    keyed = sum(bool(item.content_key) for item in items)
    click.echo(
        f"{len(items):,} rows = {result.added:,} new + {result.changed:,} changed "
        f"+ {result.unchanged:,} unchanged + {result.repeated:,} repeated; "
        f"{result.removed:,} removed; the catalogue holds {total:,} items"
    )
    if result.kept:
        click.echo(
            f"{result.kept:,} items of the catalogue are not in the files and stay; "
            "if they are gone from the platform, --replace removes them"
        )
    if keyed < len(items):
        click.echo(
            f"{len(items) - keyed:,} rows have no content_key: other platforms cannot share them."
        )
    if json_path is not None:
        record = {
            "rows": len(items),
            "added": result.added,
            "changed": result.changed,
            "unchanged": result.unchanged,
            "repeated": result.repeated,
            "removed": result.removed,
            "kept": result.kept,
            "items": total,
            "with_content_key": keyed,
        }
        args = {"adapter": adapter, "files": [str(path) for path in files]}
        write_json(json_path, "catalogue-import", args, [record])


@catalogue.command("export")
@click.option(
    "--out",
    type=click.Path(dir_okay=False, allow_dash=True, path_type=Path),
    required=True,
    help="CSV or .jsonl; - is standard output.",
)
@home_option
def export_file(out: Path, home: Path | None) -> None:
    """Write the catalogue as a table that `import` reads.

    Example: murmuration catalogue export --out catalogue.csv --home dogwood
    """
    with open_store(find_home(home)) as store:
        items = store.catalogue()
    text = _jsonl(items) if out.suffix == ".jsonl" else _csv(items)
    if str(out) == "-":
        click.echo(text, nl=False)
        return
    atomic_write(out, text.encode())
    click.echo(f"{out}: {len(items):,} items")


def _cells(item: CatalogueItem) -> dict[str, object]:
    cells: dict[str, object] = {name: getattr(item, name) for name in COLUMNS}
    for name in _LISTS:
        cells[name] = ";".join(getattr(item, name))
    cells["hidden"] = "true" if item.hidden else ""
    return {name: "" if value is None else value for name, value in cells.items()}


def _csv(items: Iterable[CatalogueItem]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(_cells(item) for item in items)
    return text.getvalue()


def _jsonl(items: Iterable[CatalogueItem]) -> str:
    rows = ({name: getattr(item, name) for name in COLUMNS} for item in items)
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
