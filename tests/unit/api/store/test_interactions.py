"""Rows in and out of the store."""

from __future__ import annotations

import uuid

import pytest

from api.store.errors import RowRefusedError
from api.store.store import Store
from platform_adapters.contract import Interaction


def _name(number):
    return f"lp1_abcdefgh_{number:0>26}"


def _full_row() -> Interaction:
    return Interaction(
        event_id="0a0b0c0d-0000-5000-8000-000000000001",
        learner=_name(7),
        item="block-v1:a+b+type@problem",
        timestamp=1_700_000_000,
        order=3,
        verb="answered",
        score=0.25,
        raw=1.0,
        min=0.0,
        max=4.0,
        success=False,
        completion=True,
        progress=0.5,
        duration_seconds=12.5,
        attempt=2,
        course="course-v1:a+b",
        parent_item="block-v1:a+b+type@vertical",
        session="s1",
        language="pt-BR",
        skill="k1;k2",
        evidence="override",
        source="openedx:problem_check",
    )


def test_a_row_comes_back_as_it_was_added(store):
    row = _full_row()
    store.add_interactions([row])
    assert list(store.interaction_rows()) == [row]


def test_what_is_missing_stays_missing(store, row):
    given = row(timestamp=None, order=5)
    store.add_interactions([given])
    (found,) = store.interaction_rows()
    assert found == given
    assert found.score is None
    assert found.success is None


def test_adding_the_same_rows_again_adds_nothing_and_counts_duplicates(store, row):
    rows = [row(who=n % 3, item=f"page-{n % 4}") for n in range(50)]
    first = store.add_interactions(rows, batch=7)
    before, revision = list(store.interaction_rows()), store.revision()
    second = store.add_interactions(rows, batch=13)
    assert (first.added, first.duplicates) == (50, 0)
    assert (second.added, second.duplicates) == (0, 50)
    assert list(store.interaction_rows()) == before
    assert store.revision() == revision


def test_a_repeated_event_within_one_batch_is_stored_once(store, row):
    event = str(uuid.UUID(int=77))
    result = store.add_interactions([row(event_id=event), row(event_id=event)])
    assert (result.added, result.duplicates) == (1, 1)


def test_event_ids_that_are_no_uuids_are_kept_apart(store, row):
    rows = [row(event_id="row 1"), row(event_id="row 2"), row(event_id="row 1")]
    result = store.add_interactions(rows)
    assert (result.added, result.duplicates) == (2, 1)


def test_new_rows_raise_the_revision(store, row):
    before = store.revision()
    store.add_interactions([row()])
    assert store.revision() > before


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("verb", "levitated", "levitated"),
        ("evidence", "hearsay", "hearsay"),
        ("item", "x" * 1025, "1,025 bytes"),
        ("item", "", "0 bytes"),
        ("item", "half \ud800", "no Unicode"),
        ("item", "nul \0", "NUL"),
        ("session", "half \ud800", "no Unicode"),
        ("timestamp", 2**70, "does not fit its column"),
    ],
)
def test_a_row_that_cannot_be_stored_is_refused_with_its_batch(store, row, field, value, said):
    with pytest.raises(RowRefusedError, match=said):
        store.add_interactions([row(), row(**{field: value})])
    assert list(store.interaction_rows()) == []


def test_a_learner_id_of_two_kilobytes_is_refused_without_being_repeated(store, row):
    with pytest.raises(RowRefusedError, match="2,061 bytes") as refusal:
        store.add_interactions([row(who="z" * 2048)])
    assert "zzz" not in str(refusal.value)


def test_a_batch_that_fails_leaves_no_wrong_numbers_behind(store, row):
    rows = [row(item="a"), row(item="b", verb="levitated")]
    with pytest.raises(RowRefusedError):
        store.add_interactions(rows)
    store.add_interactions([row(item="c"), row(item="b")])
    assert [r.item for r in store.interaction_rows()] == ["c", "b"]


def test_a_history_is_oldest_first_and_one_learner_s_only(store, row):
    rows = [
        row(1, "late", timestamp=300),
        row(2, "other", timestamp=150),
        row(1, "early", timestamp=100),
        row(1, "tied second", timestamp=200, order=2),
        row(1, "tied first", timestamp=200, order=1),
    ]
    store.add_interactions(rows)
    items = [entry.item for entry in store.history(_name(1))]
    assert items == ["early", "tied first", "tied second", "late"]
    assert store.history(_name(9)) == []


def test_a_withdrawn_event_counts_for_nothing_even_if_it_comes_later(store, row):
    rows = [row(1, "kept"), row(1, "taken back"), row(1, "taken back early")]
    store.withdraw([rows[2].event_id])
    store.add_interactions(rows)
    revision = store.revision()
    assert store.withdraw([rows[1].event_id, rows[2].event_id]) == 1
    assert [entry.item for entry in store.history(_name(1))] == ["kept"]
    assert [entry.item for entry in store.interaction_rows()] == ["kept"]
    assert store.training_interactions("local").item_ids == ("kept",)
    assert store.revision() > revision


def test_learners_are_listed_by_activity_and_found_by_the_start_of_their_name(store, row):
    store.add_interactions([row("ab1"), row("ab2"), row("ab2"), row("cd"), row("cd")])
    assert [(entry.pseudonym, entry.interactions) for entry in store.learners(2)] == [
        (_name("cd"), 2),
        (_name("ab2"), 2),
    ]
    start = _name("cd").split("_")[2]
    assert [entry.pseudonym for entry in store.learners(search=start)] == [_name("cd")]
    assert [entry.pseudonym for entry in store.learners(search=_name("ab2"))] == [_name("ab2")]
    assert store.learners(search="%") == []


def test_learners_who_opted_out_are_not_listed(store, row):
    store.add_interactions([row("a"), row("b")])
    store.set_consent(_name("a"), serve=False)
    assert [entry.pseudonym for entry in store.learners()] == [_name("b")]
    assert store.is_known(_name("a"))
    assert not store.is_known(_name("c"))


def test_an_import_that_is_taken_back_leaves_the_rows_of_others(store, row):
    store.add_interactions([row(item="mine")])
    number = store.start_import(adapter="table", path="x.csv", digest="00", options={})
    store.import_interactions(number, [row(item="theirs") for _ in range(5)], batch=2)
    assert store.stored_by_import(number) == 5
    assert store.take_back_import(number) == 5
    assert [entry.item for entry in store.interaction_rows()] == ["mine"]


def test_the_store_file_is_readable_by_its_owner_alone(url, row, tmp_path):
    with Store.open(url) as store:
        store.add_interactions([row()])
        files = sorted(tmp_path.iterdir())
        assert len(files) == 3  # the write-ahead log beside it too
        assert [file.stat().st_mode & 0o077 for file in files] == [0, 0, 0]


def test_a_session_that_has_grown_takes_the_place_of_what_it_was(store, row):
    event = str(uuid.UUID(int=77))
    told = {"event_id": event, "source": "kolibri:session"}
    first = row(verb="viewed", timestamp=100, duration_seconds=10.0, **told)
    grown = row(verb="progressed", timestamp=160, progress=0.5, duration_seconds=70.0, **told)
    revision = store.revision()
    assert (store.add_interactions([first]).added, store.add_interactions([grown]).added) == (1, 0)
    assert store.revision() > revision + 1
    for again in (first, grown):  # in whatever order it comes again
        at = store.revision()
        assert store.add_interactions([again]).duplicates == 1
        assert store.revision() == at
    (found,) = store.interaction_rows()
    told = (found.timestamp, found.verb, found.progress, found.duration_seconds)
    assert told == (160, "progressed", 0.5, 70.0)


def test_other_records_keep_what_they_were(store, row):
    told = {"event_id": str(uuid.UUID(int=78)), "source": "moodle:x"}
    store.add_interactions([row(timestamp=100, **told)])
    store.add_interactions([row(timestamp=160, **told)])
    assert [found.timestamp for found in store.interaction_rows()] == [100]
