"""A poisoned round on paper: what rose is reported, through whom, and held back (R35)."""

from __future__ import annotations

import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from api.home import Home
from api.ledger import read_ledger
from api.paths import PathAsk
from api.promotion import ALONE, MISSING
from api.promotion_report import Doubt, agreed_rises, read_report, write_report
from api.services import open_services
from api.store.opening import open_store
from api.swarm_health import about_brackets, about_rises
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
    assert (read_report(home).note, read_report(home).risen) == ("", ())
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
    assert (report.round, report.note) == (2, "")
    [rise] = report.risen
    assert (rise.item, rise.round, rise.told_at) == (ITEM, 2, report.made_at)
    assert rise.reach - rise.reach_without > 0.3
    assert rise.rank < rise.rank_without
    [carrier] = rise.carriers
    assert (carrier.name, carrier.anchor) == ("P1", True)
    assert carrier.share > 0.8
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


def test_without_the_model_or_the_report_before_it_is_told_from_the_contributions(home):
    shutil.rmtree(home.models_dir / read_report(home).model)
    home.promotion_path.unlink()
    fit_home(home)
    assert read_report(home).risen[0].item == ITEM


def test_without_a_members_contribution_it_is_told_as_soon_as_that_is_back(home):
    ledger = read_ledger(home)
    member = next(m for m in ledger.accepted if ledger.roster.names[m] == "P1")
    path = BlobStore(home.blobs_dir).path(ledger.accepted[member][-1])
    path.rename(path.with_suffix(".away"))
    fit_home(home)
    assert (read_report(home).note, read_report(home).risen) == (MISSING, ())
    path.with_suffix(".away").rename(path)
    fit_home(home)
    assert (read_report(home).note, read_report(home).risen[0].item) == ("", ITEM)


def test_one_contributor_has_nobody_to_be_compared_with(tmp_path):
    home, chronicle = swarm_home(tmp_path / "alone")
    hold_round(home, chronicle, {1: poisoned(21)})
    fit_home(home)
    assert (read_report(home).note, read_report(home).risen) == (ALONE, ())


def test_the_first_merge_is_looked_at_too(tmp_path):
    home, chronicle = swarm_home(tmp_path / "first")
    hold_round(home, chronicle, {0: honest(20), 1: poisoned(21), 2: honest(22), 3: honest(23)})
    fit_home(home)
    assert [one.item for one in read_report(home).risen] == [ITEM]


def test_status_warns_of_it_until_a_designer_agrees_and_when_it_rises_again(made, tmp_path):
    home = Home(shutil.copytree(made[0], tmp_path / "home"))
    fit_home(home)
    [finding] = about_rises(home)
    assert (finding.name, finding.level) == ("item-rose", "warning")
    assert "P1" in finding.text
    with open_store(home) as store:
        store.confirm([ITEM], agree=True, who="key:designer")
        agreed = agreed_rises(home, store)
        assert list(about_rises(home, agreed=agreed)) == []
        store.confirm([ITEM], agree=False, who="key:designer")
        assert len(list(about_rises(home, agreed=agreed_rises(home, store)))) == 1
        store.confirm([ITEM], agree=True, who="key:designer")
    told = read_report(home)
    lower = replace(told.risen[0], reach=told.risen[0].reach - 0.1, round=1)
    write_report(home, replace(told, model="ab" * 32, risen=(lower,)))
    fit_home(home)  # as a later model in which it stands higher than when it was told
    assert [(one.item, one.round) for one in read_report(home).new] == [(ITEM, 2)]
    with open_store(home) as store:
        store.record_rises([ITEM], "cd" * 32)  # which `fit` does with a new model's digest
        assert agreed_rises(home, store) == frozenset()


def test_what_was_told_is_told_once_and_forgotten_when_it_fell(home):
    fit_home(home)
    told = read_report(home)
    earlier = replace(told.risen[0], round=1, told_at="2026-01-01T00:00:00+00:00")
    write_report(home, replace(told, model="ab" * 32, risen=(earlier,)))
    fit_home(home)
    assert read_report(home).risen == (earlier,)
    assert list(about_rises(home)) == []  # two weeks have passed
    fallen = replace(earlier, item="item-30", reach=1.0)
    write_report(home, replace(told, model="ab" * 32, risen=(fallen,)))
    fit_home(home)
    assert [one.item for one in read_report(home).risen] == [ITEM]


def test_a_bracket_that_the_totals_contradict_is_told_in_the_status(home):
    fit_home(home)  # everybody declared < 1,000 and has sent twice 1,200 learners
    assert [one.name for one in read_report(home).doubts] == ["P1", "P2", "P3"]
    assert all(1_000 < one.fewest < one.most for one in read_report(home).doubts)
    doubts = (Doubt("P2", 10_000, 0, 430), Doubt("P3", 100, 300, 900), Doubt("P1", 1_000, 90, 40))
    write_report(home, replace(read_report(home), doubts=doubts))
    few, many, none = about_brackets(home)
    assert (few.name, few.level) == ("bracket-doubted", "warning")
    assert "P2 declared < 10,000 learners and has sent what at most 430 learners say" in few.text
    assert "P3 declared < 100 learners and has sent what at least 300 learners say" in many.text
    assert "no number of learners explains" in none.text
    assert read_report(home).doubts == doubts


@pytest.mark.parametrize("content", [b"", b"[]", b'{"risen": 3}', b'{"risen": [{"a": 1}]}'])
def test_a_damaged_report_is_no_report(home, content):
    home.promotion_path.write_bytes(content)
    assert read_report(home) is None
    fit_home(home)
    assert read_report(home).risen
