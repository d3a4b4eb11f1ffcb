"""`doctor`: look at everything that can keep a home from working."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from api.cli.options import home_option, json_option
from api.cli.output import write_json
from api.doctor import examine
from api.errors import ApiError
from api.home import find_home

if TYPE_CHECKING:
    from pathlib import Path

_MARKS = {"ok": "  ok  ", "warning": " warn ", "failure": " FAIL "}


class DoctorError(ApiError):
    """Something was found that will not work."""


@click.command()
@home_option
@json_option
def doctor(home: Path | None, json_path: Path | None) -> None:
    """Look at version, keys, disk, clock, store, ports, ledger and every member; change nothing.

    Exits 1 if something will not work; what only may not is a warning.

    Example: murmuration doctor --home alder
    """
    place = find_home(home, check_keys=False)
    checks = []
    for check in examine(place):
        checks.append(check)
        if str(json_path) != "-":
            click.echo(f"[{_MARKS[check.verdict]}] {check.name}: {check.text}")
    if json_path is not None:
        write_json(json_path, "doctor", {"home": str(place.path)}, [asdict(c) for c in checks])
    failed = [check.name for check in checks if check.verdict == "failure"]
    if failed:
        raise DoctorError(f"{place.path}: {len(failed)} failed: {', '.join(failed)}")
