"""Servers, a Moodle in them, homes, and the command in this process."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

from api.cli.main import cli
from api.home import Home
from tests.against_servers.moodle_site import MoodleSite
from tests.servers import database_server, mariadb, postgresql

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.servers import DatabaseServer

SCHEMAS = Path(__file__).parents[1] / "schemas"

__all__ = ["database_server", "mariadb", "postgresql"]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Callable[..., list[dict[str, Any]]]:
    """Run a command; the records of its `--json`. What it printed is in `run.printed`."""

    def runner(*args: object) -> list[dict[str, Any]]:
        out = tmp_path / "result.json"
        out.unlink(missing_ok=True)
        cli.main([str(arg) for arg in (*args, "--json", out)], standalone_mode=False)
        runner.printed = "".join(capsys.readouterr())  # type: ignore[attr-defined]
        document = json.loads(out.read_text())
        schema = (
            SCHEMAS / f"{document['schema'].removeprefix('murmuration.').removesuffix('/1')}.json"
        )
        if schema.exists():
            jsonschema.validate(document, json.loads(schema.read_text()))
        records: list[dict[str, Any]] = document["records"]
        return records

    return runner


@pytest.fixture(scope="session")
def made_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("homes") / "home"
    cli.main(["init", "--home", str(path), "--platform", "dogwood"], standalone_mode=False)
    return path


@pytest.fixture
def home(tmp_path: Path, made_home: Path) -> Home:
    return Home(shutil.copytree(made_home, tmp_path / "home"))


@pytest.fixture
def site(request: pytest.FixtureRequest, database_server: DatabaseServer) -> Iterator[MoodleSite]:
    """A Moodle; the usual prefix unless a test is given another."""
    with database_server.database("moodle") as url:
        made = MoodleSite(database_server, url, getattr(request, "param", "mdl_"))
        yield made


@pytest.fixture
def reader(site: MoodleSite) -> Iterator[str]:
    """URL of the user whom the guide tells to make."""
    url = site.grant()
    yield url.render_as_string(hide_password=False)
    site.drop_reader()
