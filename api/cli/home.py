"""`init`, `consent` and `status`: a home, its learners' consent, its state."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from api.cli.options import home_option, json_option
from api.cli.output import write_json
from api.health import check_home, describe_home
from api.home import PSEUDONYM_KEY, Home, HomeError, find_home
from api.settings import Recommend, Share, read_settings, render_settings
from api.store.consent import FLAGS
from api.store.opening import open_store
from platform_adapters.errors import RecordError
from platform_adapters.pseudonyms import Pseudonymiser

if TYPE_CHECKING:
    from api.store.store import Store

    _Change = tuple[str, dict[str, bool | None]]

_ANSWERS: dict[str, bool | None] = {"yes": True, "no": False, "default": None}
_answer = click.Choice(list(_ANSWERS))


@click.command()
@home_option
@click.option("--platform", required=True, help="Name of this platform; keep it for good.")
@click.option(
    "--share",
    type=click.Choice(["off", "opt-in", "opt-out"]),
    default="off",
    show_default=True,
    help="How learners consent to be in releases: each by opting in, or all who do not opt out.",
)
@click.option(
    "--recommend",
    type=click.Choice(["items", "courses"]),
    default="items",
    show_default=True,
    help="What learners are recommended: items of courses, or courses.",
)
@click.option("--database-url", default="", help="PostgreSQL instead of a SQLite file.")
def init(
    home: Path | None, platform: str, share: Share, recommend: Recommend, database_url: str
) -> None:
    """Make a home: settings, keys that only you can read, an empty store.

    Example: murmuration init --home alder --platform alder --share opt-in
    """
    if home is None:
        raise click.UsageError("name the folder to make: --home DIR")
    made = Home(home)
    text = render_settings(platform, recommend=recommend, share=share, database_url=database_url)
    made.create(text)
    try:
        open_store(made, read_settings(made.settings_path)).close()
    except Exception:
        made.settings_path.unlink()  # without it the folder is no home, and `init` can be repeated
        raise
    sharing = {
        "off": "Sharing is off: no learner enters a release. `share` in settings.toml turns it on.",
        "opt-in": "Sharing is opt-in: `murmuration consent LEARNER --share yes`.",
        "opt-out": "Sharing is on for all who do not opt out: "
        "`murmuration consent LEARNER --share no`.",
    }
    click.echo(f"Made the home of {platform!r} in {home}.")
    click.echo(sharing[share])
    click.echo(
        f"Keys are in {made.keys_dir}, readable by you alone: back them up. Next:\n"
        f"  murmuration catalogue import --adapter NAME FILE --home {home}\n"
        f"  murmuration ingest ADAPTER LOG... --home {home}\n"
        f"  murmuration train --home {home}\n"
        f"  murmuration serve --home {home}\n"
        "or describe the logs as [[sources]] in "
        f"{made.settings_path} and run `murmuration sync --home {home}`."
    )


@click.command()
@home_option
@click.argument("learners", nargs=-1)
@click.option("--serve", type=_answer, help="Whether the learner gets paths.")
@click.option("--local", type=_answer, help="Whether they count in the platform's own statistics.")
@click.option("--share", type=_answer, help="Whether they may enter a release.")
@click.option(
    "--file",
    "table",
    type=click.Path(dir_okay=False, path_type=Path),
    help="CSV with the column learner and any of serve, local, share (yes, no, default).",
)
@json_option
def consent(
    home: Path | None,
    learners: tuple[str, ...],
    serve: str | None,
    local: str | None,
    share: str | None,
    table: Path | None,
    json_path: Path | None,
) -> None:
    """Show or set what learners consent to; ids are the platform's own.

    Example: murmuration consent 4711 --share yes --home alder
    """
    if not learners and table is None:
        raise click.UsageError("name at least one learner, or --file")
    place = find_home(home)
    answers = {"serve": serve, "local": local, "share": share}
    flags = {name: _ANSWERS[answer] for name, answer in answers.items() if answer is not None}
    names, changes = _named(place, learners, table)
    with open_store(place) as store:
        if flags:
            store.set_consent(names, **flags)
        _set_all(store, changes)
        records = [_show(store, name) for name in names]
        if flags.get("share") and store.share == "off":
            click.echo("The platform's setting `share` is off: nobody is shared yet.", err=True)
    if table is not None:
        click.echo(f"{table}: {len(changes):,} learners set.")
        records.append({"file": str(table), "learners": len(changes)})
    if json_path is not None:
        write_json(json_path, "consent", {"home": str(place.path)}, records)


def _named(
    place: Home, learners: tuple[str, ...], table: Path | None
) -> tuple[list[str], list[_Change]]:
    pseudonymiser = Pseudonymiser(place.read_key(PSEUDONYM_KEY))
    try:
        names = [pseudonymiser.pseudonym(learner) for learner in learners]
    except RecordError as error:
        raise click.ClickException(f"{error}; nothing was changed") from error
    return names, [] if table is None else _read_consents(table, pseudonymiser)


def _set_all(store: Store, changes: list[_Change]) -> None:
    # One transaction a combination of flags: a handful, however long the file.
    for combination in dict.fromkeys(tuple(sorted(flags.items())) for _, flags in changes):
        same = [name for name, flags in changes if tuple(sorted(flags.items())) == combination]
        store.set_consent(same, **dict(combination))


def _show(store: Store, name: str) -> dict[str, object]:
    found = store.consent(name)
    said = ", ".join(f"{flag} {'yes' if getattr(found, flag) else 'no'}" for flag in FLAGS)
    click.echo(f"{name}: {said}")
    return {"learner": name, **{flag: getattr(found, flag) for flag in FLAGS}}


def _read_consents(path: Path, pseudonymiser: Pseudonymiser) -> list[_Change]:
    changes: list[_Change] = []
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = csv.DictReader(file)
        columns = set(rows.fieldnames or ())
        flags = [flag for flag in FLAGS if flag in columns]
        if "learner" not in columns or not flags:
            raise click.ClickException(
                f"{path}: expected a header with learner and any of serve, local, share; "
                "nothing was changed"
            )
        for row in rows:
            given = {flag: (row[flag] or "").strip().lower() for flag in flags}
            wrong = [flag for flag, answer in given.items() if answer not in {"", *_ANSWERS}]
            if wrong:
                raise click.ClickException(
                    f"{path}, line {rows.line_num}, column {wrong[0]}: expected yes, no, default "
                    "or nothing; nothing was changed"
                )
            try:
                name = pseudonymiser.pseudonym(row["learner"] or "")
            except RecordError as error:
                raise click.ClickException(
                    f"{path}, line {rows.line_num}: {error}; nothing was changed"
                ) from error
            changes.append((name, {f: _ANSWERS[answer] for f, answer in given.items() if answer}))
    return changes


@click.command()
@home_option
@click.option("--check", is_flag=True, help="Exit 1 if anything needs attention.")
@json_option
def status(home: Path | None, json_path: Path | None, *, check: bool) -> None:
    """Show what a home holds and whether it is well. The figures are for this platform alone.

    Example: murmuration status --check --home alder
    """
    chosen = find_home(home, check_keys=False)
    problems = check_home(chosen)
    facts: dict[str, object] = {}
    if not any(problem.fatal for problem in problems):
        facts = describe_home(chosen)
        for name, value in facts.items():
            shown = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            click.echo(f"{name + ':':<16}{shown}")
    for problem in problems:
        click.echo(f"! {problem.text}", err=True)
    if json_path is not None:
        record = {**facts, "problems": [problem.text for problem in problems]}
        write_json(json_path, "status", {"home": str(chosen.path)}, [record])
    if any(problem.fatal for problem in problems):
        raise HomeError(f"{chosen.path}: the home cannot be used as it is")
    if check and problems:
        raise click.exceptions.Exit(1)
    if not problems:
        click.echo("All well.")
