"""Our own store on PostgreSQL: the whole job of a home, and what SQLite would forgive."""

from __future__ import annotations

from pathlib import Path

import pytest
from starlette.testclient import TestClient

from api.app import create_app
from api.cli.main import cli
from api.home import Home
from api.settings import load_settings
from api.store.opening import open_store
from api.store.store import Store
from platform_adapters.contract import Interaction
from tests.servers import PASSWORD

pytestmark = pytest.mark.server

SAMPLE = Path(__file__).parents[2] / "data_samples/canvas_network_four_platforms/alder"


@pytest.fixture
def database(postgresql):
    with postgresql.database("murmuration") as url:
        yield url.render_as_string(hide_password=False)


@pytest.fixture
def pg_home(tmp_path, database):
    path = tmp_path / "pg"
    options = ["--platform", "alder", "--share", "opt-out", "--recommend", "courses"]
    cli.main(
        ["init", "--home", str(path), *options, "--database-url", database], standalone_mode=False
    )
    return Home(path)


def sample_inputs() -> tuple[Path, list[Path]]:
    catalogue = next(SAMPLE.glob("catalogue*"))
    return catalogue, [p for p in sorted(SAMPLE.iterdir()) if p != catalogue]


def counts(home) -> dict[str, int]:
    with open_store(home, load_settings(home)) as store:
        return store.counts()


def test_a_home_on_postgresql_goes_from_logs_to_a_path_and_forgets(run, pg_home):
    catalogue, logs = sample_inputs()
    where = ("--home", pg_home.path)
    run("catalogue", "import", "--adapter", "xapi", catalogue, *where)
    first = run("ingest", "xapi", *logs, *where)
    again = run("ingest", "xapi", *logs, *where)
    assert sum(r["events"] for r in first) > 100
    assert sum(r["events"] for r in again) == 0
    cli.main(["train", *map(str, where)], standalone_mode=False)
    before = counts(pg_home)
    assert before["learners"] == 60
    with open_store(pg_home, load_settings(pg_home)) as store:
        name = store.learners(1)[0].pseudonym
    path = run("recommend", name, *where)
    assert path[0]["reasons"]
    with TestClient(create_app(pg_home)) as client:
        assert client.get("/readyz").status_code == 200
    run("erase", name, *where)
    after = counts(pg_home)
    assert after["learners"] == 59
    assert after["interactions"] < before["interactions"]


def test_nul_bytes_and_numbers_too_large_are_refused_in_a_sentence(database):
    from api.store.errors import StoreError  # noqa: PLC0415  beside its only use

    with Store.open(database) as store:
        for item, time in (("a\0b", 1_700_000_000), ("a", 1 << 70)):
            row = Interaction(
                "0" * 8 + "-0000-5000-8000-" + "0" * 12, "x", item, time, None, "viewed"
            )
            with pytest.raises(StoreError) as refused:
                store.add_interactions([row])
            assert PASSWORD not in str(refused.value)
        assert store.counts()["interactions"] == 0
