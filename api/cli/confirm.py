"""`murmuration confirm …`: what rose with a merged model, and which courses hold it back (R35)."""

from __future__ import annotations

import getpass
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from api.cli.options import home_option, json_option
from api.cli.output import show_table, write_json
from api.home import find_home
from api.promotion_report import read_report
from api.store.opening import open_store

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from api.promotion_report import Report, Risen
    from api.store.confirmations import Entry

_LOGGED = 20


@click.group()
def confirm() -> None:
    """Hold back new and suddenly risen items until a designer agrees.

    Example: murmuration confirm list
    """


@confirm.command("list")
@home_option
@json_option
def list_items(home: Path | None, json_path: Path | None) -> None:
    """Show what rose, what is held back, and who decided what.

    Example: murmuration confirm list --home birch
    """
    place = find_home(home)
    report = read_report(place)
    with open_store(place) as store:
        courses, held = store.holding_courses(), store.held_items()
        log = store.confirmation_log(limit=_LOGGED)
    if json_path is not None:
        record = {
            "courses": list(courses),
            "held": [{"item": item, "why": row.action} for item, row in held.items()],
            "risen": [asdict(one) for one in report.risen] if report is not None else [],
            "note": report.note if report is not None else "",
            "log": [asdict(row) for row in log],
        }
        write_json(json_path, "confirm-list", {}, [record])
    if json_path is None or str(json_path) != "-":
        click.echo(f"Courses that hold back: {', '.join(courses) or 'none'}")
        _show_risen(report)
        _show_decisions(held, log)


def _show_risen(report: Report | None) -> None:
    if report is None:
        click.echo("No merged model has been fitted here yet.")
        return
    if report.note:
        click.echo(f"Round {report.round} was not compared: {report.note}.")
    if report.risen:
        columns = ("item", "round", "first places", "without them", "through")
        rows = [_risen_row(one) for one in report.risen]
        show_table("Rose through one member, or two together", columns, rows)
    elif not report.note:
        click.echo(f"Nothing rose with round {report.round}.")


def _show_decisions(held: Mapping[str, Entry], log: list[Entry]) -> None:
    if held:
        waiting = [(item, row.action) for item, row in held.items()]
        show_table("Held back", ("item", "why"), waiting)
    if log:
        rows = [(_when(row.at), row.who, row.action, row.course or row.item) for row in log]
        show_table("Decisions", ("when", "who", "what", "of"), rows)


@confirm.command("on")
@click.argument("course")
@home_option
def turn_on(course: str, home: Path | None) -> None:
    """Let COURSE hold back from now on; "*" is every course.

    Example: murmuration confirm on biology-1 --home birch
    """
    _turn(home, course, on=True)


@confirm.command("off")
@click.argument("course")
@home_option
def turn_off(course: str, home: Path | None) -> None:
    """Let COURSE hold nothing back any longer.

    Example: murmuration confirm off biology-1 --home birch
    """
    _turn(home, course, on=False)


@confirm.command("agree")
@click.argument("items", nargs=-1, required=True)
@home_option
def agree(items: tuple[str, ...], home: Path | None) -> None:
    """Let ITEMS be in paths again.

    Example: murmuration confirm agree cells genes --home birch
    """
    _decide(home, items, agreed=True)


@confirm.command("undo")
@click.argument("items", nargs=-1, required=True)
@home_option
def undo(items: tuple[str, ...], home: Path | None) -> None:
    """Take the agreement to ITEMS back.

    Example: murmuration confirm undo cells --home birch
    """
    _decide(home, items, agreed=False)


def _turn(home: Path | None, course: str, *, on: bool) -> None:
    with open_store(find_home(home)) as store:
        known = store.hold_course(course, on=on, who=_operator())
        held = len(store.held_items())
    said = f"holds back from now on; {known:,} items count as known" if on else "holds nothing back"
    click.echo(f"{'Every course' if course == '*' else course} {said}.")
    click.echo(f"Held back now: {held:,} items.")


def _decide(home: Path | None, items: tuple[str, ...], *, agreed: bool) -> None:
    with open_store(find_home(home)) as store:
        changed = store.confirm(items, agree=agreed, who=_operator())
        held = len(store.held_items())
    click.echo(f"{'Agreed to' if agreed else 'Undone for'} {changed:,} items.")
    click.echo(f"Held back now: {held:,} items.")


def _operator() -> str:
    """Who is at the command line, for the log."""
    try:
        return f"command line: {getpass.getuser()}"
    except (OSError, KeyError):  # a container may have no name for its user
        return "command line"


def _risen_row(one: Risen) -> tuple[str, ...]:
    through = ", ".join(f"{by.name} {by.share:.0%}" for by in one.carriers)
    return one.item, str(one.round), f"{one.reach:.0%}", f"{one.reach_without:.0%}", through


def _when(at: int) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M")
