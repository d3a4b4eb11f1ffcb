"""One learner, whatever account: merged accounts, people who are no learners, changed keys."""

from __future__ import annotations

import json

import pytest

from platform_adapters.contract import AdaptOptions, People
from platform_adapters.convert import STAFF, convert
from platform_adapters.errors import OptionsError
from platform_adapters.people import read_people
from platform_adapters.pseudonyms import Pseudonymiser, new_key
from platform_adapters.registry import ADAPTERS
from platform_adapters.report import ImportReport

KEY = bytes(range(32))
ROWS = [
    {"learner": learner, "item": "i", "timestamp": 1709283600 + number}
    for number, learner in enumerate(["old1", "old2", "new", "teacher", "ben"])
]


@pytest.fixture
def people(tmp_path):
    def run(accounts: str = "", staff: str = "") -> People:
        given = []
        for name, text in (("accounts.csv", accounts), ("staff.csv", staff)):
            (tmp_path / name).write_text(text, encoding="utf-8")
            given.append(tmp_path / name if text else None)
        return read_people(*given)

    return run


@pytest.fixture
def adapted(tmp_path):
    def run(people: People, key: bytes = KEY) -> tuple[list, ImportReport]:
        path = tmp_path / "log.jsonl"
        path.write_text("".join(json.dumps(row) + "\n" for row in ROWS))
        report = ImportReport()
        options = AdaptOptions("p", people=people)
        rows = convert(ADAPTERS["table"], [path], options, Pseudonymiser(key), report)
        return list(rows), report

    return run


def test_merged_accounts_are_one_learner_through_any_number_of_steps(people, adapted) -> None:
    rows, _ = adapted(people("old_id,new_id\nold1,old2\nold2,new\n"))
    assert len({row.learner for row in rows[:3]}) == 1
    assert rows[0].learner == Pseudonymiser(KEY).pseudonym("new")
    assert len({row.learner for row in rows}) == 3


def test_who_is_on_the_list_of_staff_is_ignored_by_any_of_their_accounts(people, adapted) -> None:
    rows, report = adapted(people("old_id,new_id\nold1,boss\n", "teacher\nboss\n"))
    assert report.ignored == {STAFF: 2}
    assert len(rows) == 3


def test_a_list_of_staff_may_have_a_header(people) -> None:
    assert people(staff="id,name\nt1,Cora\n").staff == {"t1"}


def test_a_list_that_is_not_utf_8_is_refused(tmp_path) -> None:
    (tmp_path / "staff.txt").write_bytes(b"M\xfcller\n")
    with pytest.raises(OptionsError, match="not UTF-8"):
        read_people(None, tmp_path / "staff.txt")


def test_changed_keys_keep_merged_accounts_together(people, adapted) -> None:
    merged = people("old_id,new_id\nold1,new\nold2,new\n")
    before, _ = adapted(merged)
    after, _ = adapted(merged, KEY + new_key())
    assert len({row.learner for row in after[:3]}) == 1
    assert not {row.learner for row in before} & {row.learner for row in after}
    rotated = Pseudonymiser(KEY + new_key())
    assert rotated.stable(rotated.pseudonym(before[0].learner)) == Pseudonymiser(KEY).stable(
        before[2].learner
    )


def test_other_lists_are_told_apart(people) -> None:
    first = people("old_id,new_id\na,b\n").digest
    assert first
    assert first != people("old_id,new_id\na,c\n").digest
    assert People().digest == ""


@pytest.mark.parametrize(
    ("accounts", "message"),
    [
        ("old_id,new_id\na,b\nb,a\n", "lead in a circle"),
        ("old_id,new_id\na,a\n", "lead in a circle"),
        ("old_id,new_id\na,b\na,c\n", "line 3: the old_id leads to two accounts"),
        ("old_id,new_id\na,\n", "line 2: new_id is empty"),
        ("old_id,new_id\na,b,c\n", "line 2: the row has not 2 columns"),
    ],
)
def test_accounts_that_cannot_be_are_refused_by_line(people, accounts, message) -> None:
    with pytest.raises(OptionsError, match=message):
        people(accounts)
