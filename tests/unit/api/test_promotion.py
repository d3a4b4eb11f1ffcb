"""A poisoned round on paper: what rose is reported, through whom, and held back (R35)."""

from __future__ import annotations

import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from api.home import Home
from api.ledger import read_ledger
from api.paths import PathAsk
from api.promotion import FIRST_MERGE, LOST, MISSING
from api.promotion_report import read_report, write_report
from api.services import open_services
from api.store.opening import open_store
from api.swarm_health import about_rises
from recommender.paths.request import HistoryEntry
from swarm.storage.blobs import BlobStore
from tests.unit.api.rounds import TARGET, fit_home, hold_round, honest, poisoned, swarm_home

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.api.test_training import Chronicle

ITEM = f"item-{TARGET}"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Chronicle]:
    """A home that served an honest round, and whose anchor then invented its learners."""
    path = tmp_path_factory.mktemp("swarm") / "home"
    home, chronicle = swarm_home(path)
    hold_round(home, chronicle, {number: honest(number) for number in range(4)})
    fit_home(home)
    assert read_report(home).note == FIRST_MERGE
    assert read_report(home).risen == ()
    with open_store(home) as store:
        store.hold_course("course-1", on=True, who="key:designer")
    given = {0: honest(20), 1: poisoned(21), 2: honest(22), 3: honest(23)}
    hold_round(home, chronicle, given)
    return path, chronicle


@pytest.fixture
def home(made: tuple[Path, Chronicle], tmp_path: Path) -> Home:
    """A copy of it, not fitted to the poisoned round yet."""
    return Home(shutil.copytree(made[0], tmp_path / "home"))


def steps(home: Home) -> list[str]:
    services = open_services(home)
    history = tuple(HistoryEntry(f"item-{n}", float(n)) for n in (1, 2))
    ask = PathAsk("visitor", limit=50, course="course-1", history=history, trusted=True)
    try:
        return [step.item for step in services.paths.answer(ask).path.steps]
    finally:
        services.store.close()


def test_what_rose_is_told_with_the_member_that_carried_it_and_held_back(home):
    fit_home(home)
    report = read_report(home)
    assert (report.round, report.before_round, report.note) == (2, 1, "")
    rise = report.risen[0]
    assert rise.item == ITEM
    assert rise.reach - rise.reach_before > 0.3
    assert rise.rank < rise.rank_before
    carrier = rise.carriers[0]
    assert (carrier.name, carrier.share, carrier.anchor, carrier.own) == ("P1", 1.0, True, False)
    assert ITEM not in steps(home)
    with open_store(home) as store:
        assert store.held_items()[ITEM].action == "rose"
        store.confirm([ITEM], agree=True, who="key:designer")
    assert ITEM in steps(home)


def test_an_agreement_outlives_every_refit_of_the_same_model(home):
    fit_home(home)
    made_at = read_report(home)
    with open_store(home) as store:
        store.confirm([ITEM], agree=True, who="key:designer")
    fit_home(home)
    assert read_report(home) == made_at
    assert ITEM in steps(home)


def test_no_moment_lies_between_the_new_model_and_the_hold(home, monkeypatch):
    """SERVING moves after the rises are in the store, whatever else happens."""
    before = home.serving_path.read_bytes()

    def crash(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("api.fitting.write_mix", crash)
    with pytest.raises(KeyboardInterrupt):
        fit_home(home)
    assert home.serving_path.read_bytes() == before
    with open_store(home) as store:
        assert ITEM in store.held_items()


def test_without_the_model_before_nothing_is_compared_and_the_report_says_so(home):
    shutil.rmtree(home.models_dir / read_report(home).model)
    home.promotion_path.unlink()
    fit_home(home)
    report = read_report(home)
    assert (report.note, report.risen) == (LOST, ())


def test_a_lost_report_is_made_again_from_the_ledger(home):
    home.promotion_path.unlink()
    fit_home(home)
    assert read_report(home).risen[0].item == ITEM


def test_without_a_members_contribution_the_rise_is_told_but_not_through_whom(home):
    ledger = read_ledger(home)
    for member, blobs in ledger.accepted.items():
        if ledger.roster.names[member] == "P1":
            BlobStore(home.blobs_dir).path(blobs[-1]).unlink()
    fit_home(home)
    report = read_report(home)
    assert report.note == MISSING
    assert report.risen[0].item == ITEM
    assert report.risen[0].carriers == ()


def test_status_warns_of_it_for_a_while(home):
    fit_home(home)
    finding = next(iter(about_rises(home)))
    assert (finding.name, finding.level) == ("item-rose", "warning")
    assert "P1" in finding.text
    write_report(home, replace(read_report(home), made_at="2026-01-01T00:00:00+00:00"))
    assert list(about_rises(home)) == []


@pytest.mark.parametrize("content", [b"", b"[]", b'{"risen": 3}', b'{"risen": [{"a": 1}]}'])
def test_a_damaged_report_is_no_report(home, content):
    home.promotion_path.write_bytes(content)
    assert read_report(home) is None
    fit_home(home)
    assert read_report(home).risen
