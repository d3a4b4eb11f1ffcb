"""A stranger's table: a proposal with reasons, a map in TOML, rows by the map and no further."""

from __future__ import annotations

import pytest

from platform_adapters.column_guess import guess_columns, map_text, masked
from platform_adapters.column_map import read_map
from platform_adapters.contract import AdaptOptions, Ignored, Interaction, Rejected
from platform_adapters.errors import OptionsError, ReadError

MARKS = """Matrikelnr;Aktivität;Datum;Aktion;Punkte;von Punkten;Kurs;Bemerkung
s1001;Zellwand;01.03.2024 09:00;gelesen;;;BIO;gut, Ana!
s1001;Quiz 1;01.03.2024 09:20;beantwortet;8;10;BIO;
s1002;Quiz 1;13.03.2024 10:10;beantwortet;-1;10;BIO;
s1002;Quiz 1;14.03.2024 10:10;angestarrt;3;10;BIO;
s1003;Quiz 1;gestern;beantwortet;3;10;BIO;
"""


@pytest.fixture
def guessed(tmp_path):
    def run(text: str):
        path = tmp_path / "export.csv"
        path.write_text(text, encoding="utf-8")
        return guess_columns(path)

    return run


@pytest.fixture
def mapped(tmp_path):
    """The map that is proposed for a text, read back."""

    def run(text: str):
        path = tmp_path / "export.map.toml"
        path.write_text(text, encoding="utf-8")
        return read_map(path)

    return run


def test_a_table_of_marks_is_understood_and_what_is_open_is_said(guessed) -> None:
    guess = guessed(MARKS.replace("gestern", "15.03.2024 08:00"))
    assert guess.columns == {
        "learner": "Matrikelnr",
        "item": "Aktivität",
        "timestamp": "Datum",
        "verb": "Aktion",
        "raw": "Punkte",
        "max": "von Punkten",
        "course": "Kurs",
    }
    assert guess.times == ["%d.%m.%Y %H:%M"]
    assert guess.verbs == {"gelesen": "viewed", "beantwortet": "answered"}
    assert guess.open == ["verbs: what does 'angestarrt' mean? Rows with it are left out"]


def test_no_value_is_shown_unmasked(guessed) -> None:
    samples = [s for p in guessed(MARKS).proposals for s in p.samples]
    assert "a9999" in samples
    assert not [s for s in samples if "Ana" in s or "1001" in s]
    assert masked("Ana Müller, 12") == "Aaa Aaaaaa, 99"


def test_a_date_that_can_be_read_in_two_ways_is_left_open(guessed) -> None:
    guess = guessed("student,lesson,date\n1,a,3/4/2024\n2,b,5/6/2024\n")
    assert guess.times == []
    assert any("%d/%m/%Y or as %m/%d/%Y" in question for question in guess.open)


def test_points_without_a_maximum_are_asked_about_and_shares_are_scores(guessed) -> None:
    points = guessed("student,lesson,date,score\n1,a,2024-03-01T09:00:00Z,85\n")
    assert any(question.startswith("max: 'score' goes up to 85") for question in points.open)
    share = guessed("student,lesson,date,score\n1,a,2024-03-01T09:00:00Z,0.85\n")
    assert share.columns["score"] == "score"


def test_two_columns_for_one_meaning_leave_the_second_and_say_so(guessed) -> None:
    guess = guessed("user id,user name,page,time\n1,ana,p,2024-03-01T09:00:00Z\n")
    assert guess.columns["learner"] == "user id"
    assert "learner: 'user id' was taken; it could be 'user name' as well" in guess.open


def test_a_table_without_rows_is_refused(guessed) -> None:
    with pytest.raises(ReadError, match="holds no row"):
        guessed("a,b,c\n")


def test_what_is_no_table_is_refused(guessed) -> None:
    with pytest.raises(ReadError, match="no table with columns"):
        guessed("<course/>")
    with pytest.raises(ReadError, match="no table with columns"):
        guessed("just a sentence\n")


def test_a_proposal_is_a_map_and_rows_are_read_by_it(tmp_path, mapped) -> None:
    path = tmp_path / "export.csv"
    path.write_text(MARKS.replace("gestern", "15.03.2024 08:00"), encoding="utf-8")
    adapter = mapped(map_text(guess_columns(path), "export.csv")).format()
    path.write_text(MARKS, encoding="utf-8")
    read, answered, negative, *others = adapter.read(path, AdaptOptions("p", "Europe/Berlin"))
    assert isinstance(read, Interaction)
    assert (read.verb, read.course, read.timestamp) == ("viewed", "BIO", 1709280000)
    assert (answered.score, negative.score) == (0.8, None)
    assert others == [
        Ignored("what happened is not in the map's [verbs]", 5),
        Rejected("Datum is not an ISO 8601 time", 6, "export.csv"),
    ]


def test_constants_and_an_order_stand_in_for_columns(tmp_path, mapped) -> None:
    path = tmp_path / "steps.csv"
    path.write_text("who,what,step,points\nana,cells,2,8\n")
    adapter = mapped(
        '[columns]\nlearner = "who"\nitem = "what"\norder = "step"\nraw = "points"\n'
        '[constants]\nmax = 16\nverb = "answered"\ncourse = "bio"\n'
    ).format()
    (row,) = adapter.read(path, AdaptOptions("p"))
    assert (row.order, row.timestamp, row.score, row.course) == (2, None, 0.5, "bio")
    assert row.verb == "answered"


def test_another_map_is_another_import(mapped) -> None:
    text = '[columns]\nlearner = "who"\nitem = "what"\norder = "step"\n'
    first, second = mapped(text), mapped(text + '[constants]\nverb = "passed"\n')
    assert first.format().variant != second.format().variant


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("columns", "is not TOML"),
        ("[colums]\n", "unknown section .colums."),
        ('[columns]\nlearner = "a"\ntime = "b"\n', "'time' is no column"),
        ('[columns]\nlearner = "a"\n', "say which column is the item"),
        ('[columns]\nlearner = "a"\nitem = "b"\n', "neither timestamp nor order"),
        ('[columns]\nlearner = ["a"]\n', "expected lines such as"),
        (
            '[columns]\nlearner = "a"\nitem = "b"\norder = "c"\n[verbs]\nx = "danced"\n',
            "'danced' is no verb",
        ),
        (
            '[columns]\nlearner = "a"\nitem = "b"\norder = "c"\n[times]\nformats = 3\n',
            "expected formats",
        ),
    ],
)
def test_a_map_that_cannot_be_is_refused_with_what_is_wrong(mapped, text, message) -> None:
    with pytest.raises(OptionsError, match=message):
        mapped(text)
