from __future__ import annotations

from pathlib import Path

import pytest

from platform_adapters.contract import AdaptOptions
from platform_adapters.convert import convert
from platform_adapters.errors import OptionsError
from platform_adapters.pseudonyms import Pseudonymiser
from platform_adapters.registry import ADAPTERS
from platform_adapters.report import ImportReport

GOLDEN = Path(__file__).resolve().parents[2] / "golden"
OPTIONS = AdaptOptions(platform="t", timezone="UTC")
BOOKS = ["sakai/gradebook", "ilias/tests", "blackboard/grades", "blackboard/data"]


def files(case: str) -> list[Path]:
    return sorted((GOLDEN / case / "input").iterdir())


@pytest.mark.parametrize("case", BOOKS)
def test_grades_cannot_be_read_without_what_says_whose_and_of_how_many_they_are(case) -> None:
    adapter = ADAPTERS[case.split("/", maxsplit=1)[0]]
    logs, sides = adapter.split(files(case))
    for missing in sides:
        with pytest.raises(OptionsError, match="is missing among the inputs"):
            adapter.prepare([p for p in (*logs, *sides) if p != missing], OPTIONS)


@pytest.mark.parametrize("case", ["sakai/events", "ilias/tables", "blackboard/activity"])
def test_a_log_does_not_ask_for_the_gradebook(case) -> None:
    adapter, report = ADAPTERS[case.split("/", maxsplit=1)[0]], ImportReport()
    key = Pseudonymiser(bytes(32))
    assert list(convert(adapter, files(case), OPTIONS, key, report, max_reject_share=1.0))


def table(path: Path, rows: str) -> Path:
    path.write_text(rows, encoding="utf-8")
    return path


def converted(folder: Path, records: str) -> tuple[list, ImportReport]:
    paths = [
        table(folder / "members.csv", "site_id,user_id,role_name\ns,a,Student\n"),
        table(folder / "books.csv", "id,gradebook_uid\n1,s\n"),
        table(folder / "items.csv", "id,object_type_id,gradebook_id,points_possible\n7,1,1,10\n"),
        table(
            folder / "records.csv",
            f"id,gradable_object_id,student_id,date_recorded,points_earned\n{records}",
        ),
    ]
    report = ImportReport()
    key = Pseudonymiser(bytes(32))
    rows = convert(ADAPTERS["sakai"], paths, OPTIONS, key, report, max_reject_share=1.0)
    return list(rows), report


def test_a_changed_grade_is_a_new_event_and_the_same_one_is_a_repetition(tmp_path) -> None:
    first = "1,7,a,2024-03-01 10:00:00,4\n"
    rows, report = converted(tmp_path, f"{first}{first}1,7,a,2024-03-02 10:00:00,6\n")
    assert [row.score for row in rows] == [0.4, 0.6]
    assert report.duplicates == 1


@pytest.mark.parametrize("points", ["", "-1", "-0.5", "NULL"])
def test_no_grade_never_becomes_a_score(tmp_path, points) -> None:
    rows, report = converted(tmp_path, f"1,7,a,2024-03-01 10:00:00,{points}\n")
    assert rows == []
    assert report.ignored == {"no grade yet": 1}


def test_more_than_the_maximum_is_rejected_and_the_maximum_is_not(tmp_path) -> None:
    rows, report = converted(
        tmp_path, "1,7,a,2024-03-01 10:00:00,10\n2,7,a,2024-03-02 10:00:00,10.01\n"
    )
    assert [row.score for row in rows] == [1.0]
    assert list(report.rejected) == ["the grade is above the maximum"]


def canvas_scores(path: Path, *lines: str) -> tuple[list, ImportReport]:
    table(path, "".join(f"{line}\n" for line in lines))
    report = ImportReport()
    key = Pseudonymiser(bytes(32))
    rows = convert(ADAPTERS["canvas-api"], [path], OPTIONS, key, report, max_reject_share=1.0)
    return [(row.raw, row.max, row.score) for row in rows], report


@pytest.mark.parametrize(
    "lines",
    [
        ("Student,ID,A (1),Score", '    Points Possible,,"1,000.00",', 'Ana,7,"950.00",95.5'),
        ("Student,ID,A (1),Score", '    Points Possible,,"1,000",', 'Ana,7,950,"95.5"'),
        ("Student;ID;A (1);Score", "    Points Possible;;1.000;", "Ana;7;950;95,5"),
        ("Student;ID;A (1);Score", "    Points Possible;;1\u202f000;", "Ana;7;950,0;95"),
        ("Student,ID,A (1)", ",,Manual Posting", '    Points Possible,,"1,000.0"', "Ana,7,950"),
    ],
    ids=["english", "told-by-a-total", "german", "french", "posted-by-hand"],
)
def test_thousands_of_any_country_are_no_decimals(tmp_path, lines) -> None:
    scores, _ = canvas_scores(tmp_path / "gradebook.csv", *lines)
    assert scores == [(950.0, 1000.0, 0.95)]


def test_what_may_be_one_or_a_thousand_is_never_guessed(tmp_path) -> None:
    scores, report = canvas_scores(
        tmp_path / "gradebook.csv",
        "Student,ID,A (1)",
        '    Points Possible,,"1,000"',
        'Ana,7,"1,000"',
        "Ben,8,950",
    )
    assert scores == [(950.0, None, None)]
    assert report.ignored == {"a number that may be thousands or decimals": 1}
