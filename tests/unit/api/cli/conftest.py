"""Homes made by the command itself, logs, and the command in this process."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import jsonschema
import pytest

from api.cli.main import cli
from api.home import Home

if TYPE_CHECKING:
    from collections.abc import Callable

SCHEMAS = Path(__file__).parents[3] / "schemas"


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Run a command; give what it printed, or raise what it refused with."""

    def runner(*args: object) -> str:
        try:
            code = cli.main([str(arg) for arg in args], standalone_mode=False)
        except click.exceptions.Exit as ended:
            code = ended.exit_code
        if code:
            raise SystemExit(code)
        return capsys.readouterr().out

    return runner


@pytest.fixture(scope="session")
def made_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home made once by the command: copying it is quicker."""
    path = tmp_path_factory.mktemp("homes") / "home"
    options = ["--platform", "alder", "--share", "opt-out"]
    cli.main(["init", "--home", str(path), *options], standalone_mode=False)
    return path


@pytest.fixture
def home(tmp_path: Path, made_home: Path) -> Home:
    shutil.copytree(made_home, tmp_path / "home")
    return Home(tmp_path / "home")


@pytest.fixture
def log(tmp_path: Path) -> Callable[..., Path]:
    """Write an interaction table: `rows` events of different learners and items."""

    def write(rows: int, name: str = "log.csv") -> Path:
        lines = ["learner,item,timestamp,verb"]
        for n in range(rows):
            lines.append(f"u{n % 97},page-{n % 31},{1_700_000_000 + n},viewed")
        path = tmp_path / name
        path.write_text("\n".join(lines) + "\n")
        return path

    return write


@pytest.fixture
def result(tmp_path: Path) -> Callable[[], list[dict[str, Any]]]:
    """Records of the last `--json` file written to `result.json`, checked against its schema."""

    def read() -> list[dict[str, Any]]:
        document = json.loads((tmp_path / "result.json").read_text())
        name = document["schema"].removeprefix("murmuration.").removesuffix("/1")
        jsonschema.validate(document, json.loads((SCHEMAS / f"{name}.json").read_text()))
        return document["records"]

    return read
