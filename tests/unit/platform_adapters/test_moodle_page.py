from __future__ import annotations

import pytest

from platform_adapters.errors import OptionsError, TimezoneError

HEADER = (
    "Affected user,Time,User full name,Event context,Component,Event name,Description,"
    "Origin,IP address\n"
)
VIEWED = "The user with id '12' viewed the 'page' activity with course module id '340'."
ENROLLED = (
    "The user with id '2' enrolled the user with id '12' using the enrolment method 'manual' "
    "in the course with id '7'."
)
HERE = {"timezone": "Europe/Berlin", "year": 2024}


def row(time: str, name: str, description: str, user: str = "Ana", origin: str = "web") -> str:
    return f'-,"{time}",{user},Page: x,Page,{name},"{description}",{origin},10.0.0.2\n'


def test_ids_come_from_the_sentence_and_names_are_never_used(adapt, pseudonymiser) -> None:
    log = HEADER + row("11 May, 09:44", "Course module viewed", VIEWED)
    log += row("11 May, 09:43", "User enrolled in course", ENROLLED, user="Admin")
    view, enrolment = adapt("moodle", log, **HERE).rows
    assert (view.item, view.verb, view.timestamp) == ("module:340", "viewed", 1715413440)
    assert (enrolment.item, enrolment.course, enrolment.verb) == ("7", "7", "enrolled")
    assert {view.learner, enrolment.learner} == {pseudonymiser.pseudonym("12")}


@pytest.mark.parametrize(
    "time",
    [
        "11 May, 09:44",
        "11/05/2024, 09:44",
        "11.05.24, 09:44",
        "11 May 2024, 9:44:00 AM",
        "11 May 2024, 09:44",
        "2024-05-11 09:44:00",
        "11 mai, 09:44",
        "11. Mai 2024, 09:44",
        "11 de mayo de 2024, 09:44",
        "11 maggio 2024, 09:44",
        "11 maja 2024, 09:44",
        "11 мая 2024, 09:44",
        "11/05/24 às 09:44",
        "11 de maio de 2024 às 09:44",
    ],
)
def test_times_of_older_and_newer_sites_are_read(adapt, time) -> None:
    log = HEADER + row(time, "Course module viewed", VIEWED)
    if "/" in time:  # a day after the 12th shows which number is the day
        log += row("13/05/2024, 09:44", "Course module viewed", VIEWED)
    assert adapt("moodle", log, **HERE).rows[0].timestamp == 1715413440


def test_american_dates_are_known_by_a_day_after_the_twelfth(adapt) -> None:
    log = HEADER + row("05/13/24, 09:44:10", "Course module viewed", VIEWED)
    log += row("05/11/24, 09:44:00", "Course module viewed", VIEWED)
    assert adapt("moodle", log, **HERE).rows[1].timestamp == 1715413440


@pytest.mark.parametrize("times", [["11/05/24, 09:44"], ["13/05/24, 09:44", "05/13/24, 09:44"]])
def test_where_day_and_month_cannot_be_told_apart_nothing_is_guessed(adapt, times) -> None:
    log = HEADER + "".join(row(time, "Course module viewed", VIEWED) for time in times)
    with pytest.raises(OptionsError, match="told apart"):
        adapt("moodle", log, **HERE)


def test_a_month_in_a_language_that_is_not_known_is_rejected(adapt) -> None:
    done = adapt("moodle", HEADER + row("11 toukokuuta, 09:44", "x", VIEWED), **HERE)
    assert set(done.report.rejected) == {"Time is in no form that is known of Moodle's Logs page"}


GERMAN = (
    "Zeit,Vollständiger Name,Betroffene/r Nutzer/in,Ereigniskontext,Komponente,Ereignisname,"
    "Beschreibung,Herkunft,IP-Adresse\n"
)


def german(time: str, name: str, description: str) -> str:
    return f'"{time}",{name},-,Seite: x,Seite,Kursmodul angezeigt,"{description}",web,10.0.0.2\n'


def test_a_page_in_another_language_is_read_by_its_sentences(adapt, pseudonymiser) -> None:
    log = GERMAN + german("11.05.24, 09:44:00", "Ana", VIEWED)
    log += german("11.05.24, 09:45:00", "Bo als Ana", VIEWED)
    log += german("11.05.24, 09:46:00", "Chef", ENROLLED)
    log += german("11.05.24, 09:47:00", "Chef", "The user with id '2' did something of a plugin")
    done = adapt("moodle", log, **HERE)
    assert [(found.item, found.verb) for found in done.rows] == [
        ("module:340", "viewed"),
        ("7", "enrolled"),
    ]
    assert {found.learner for found in done.rows} == {pseudonymiser.pseudonym("12")}
    assert done.report.ignored["somebody logged in as the learner"] == 1


def test_the_same_row_in_two_languages_is_one_event(adapt) -> None:
    one = HEADER + row("11/05/24, 09:44:00", "Course module viewed", VIEWED)
    one += row("13/05/24, 09:44:00", "Course module viewed", VIEWED)
    other = GERMAN + german("11.05.24, 09:44:00", "Ana", VIEWED)
    ids = {adapt("moodle", log, **HERE).rows[0].event_id for log in (one, other)}
    assert len(ids) == 1


def test_cr_only_line_ends_are_read(adapt) -> None:
    log = (HEADER + row("11 May, 09:44", "Course module viewed", VIEWED)).replace("\n", "\r")
    assert adapt("moodle", log.encode(), **HERE).report.events == 1


def test_without_year_or_zone_it_asks_for_them(adapt) -> None:
    log = HEADER + row("11 May, 09:44", "Course module viewed", VIEWED)
    with pytest.raises(OptionsError, match="--year 2024"):
        adapt("moodle", log, timezone="Europe/Berlin")
    with pytest.raises(TimezoneError, match="--timezone"):
        adapt("moodle", log, year=2024)


@pytest.mark.parametrize(
    "times",
    [
        ["3 Jan, 10:00", "2 Jan, 10:00", "30 Nov, 10:00"],
        ["3 Mar, 10:00", "2 Mar, 10:00", "30 Jun, 10:00"],
        ["2 Jan, 10:00", "30 Dec, 10:00"],
    ],
)
def test_rows_that_pass_a_turn_of_the_year_are_not_put_into_one_year(adapt, times) -> None:
    log = HEADER + "".join(row(time, "Course module viewed", VIEWED) for time in times)
    with pytest.raises(OptionsError, match="split the file"):
        adapt("moodle", log, **HERE)


def test_a_long_pause_in_the_log_is_no_turn_of_the_year(adapt) -> None:
    times = ["3 Sep, 10:00", "2 Sep, 10:00", "30 Jun, 10:00"]
    log = HEADER + "".join(row(time, "Course module viewed", VIEWED) for time in times)
    assert adapt("moodle", log, **HERE).report.events == 3


@pytest.mark.parametrize(
    "bad",
    [
        row("11 May, 09:44", "User graded", "The user with id '3' updated the grade"),
        row("11 May, 09:44", "Course module viewed", VIEWED, user="Bo as Ana"),
        row("11 May, 09:44", "Course module viewed", VIEWED, origin="cli"),
        row("11 May, 09:44", "Course module viewed", VIEWED.replace("12", "0")),
        row("11 May, 09:44", "Course module viewed", "Der Nutzer hat die Seite gesehen"),
        row("gestern", "Course module viewed", VIEWED),
    ],
)
def test_rows_that_are_no_learners_or_not_english_give_no_event(adapt, bad) -> None:
    done = adapt("moodle", HEADER + bad, **HERE)
    assert done.rows == []
    assert done.report.ignored_rows + done.report.rejected_rows == 1


@pytest.mark.parametrize(
    ("sentence", "learner", "verb"),
    [
        (
            " has answered the Matching question with id '5' in the lesson activity",
            "12",
            "answered",
        ),
        (" started the lesson", "12", "started"),
        (" made the choice with id '4' in the choice activity\n            ", "12", "answered"),
        (
            " has created the glossary entry with id '5' for the glossary activity",
            "12",
            "interacted",
        ),
        (" submitted response for 'feedback' activity", "12", "submitted"),
        (" has had their attempt with id '7' marked as abandoned for the quiz", "12", "attempted"),
        (
            " has graded the submission '9' for the user with id '31' for the assignment",
            "31",
            "scored",
        ),
    ],
)
def test_what_modules_say_in_their_own_words_is_read(
    adapt, pseudonymiser, sentence, learner, verb
) -> None:
    said = f"The user with id '12'{sentence} with course module id '340'."
    (found,) = adapt("moodle", HEADER + row("11 May, 09:44", "x", said), **HERE).rows
    assert (found.learner, found.verb) == (pseudonymiser.pseudonym(learner), verb)
    assert found.item == "module:340"


@pytest.mark.parametrize(
    ("element", "value", "verb", "raw"),
    [
        ("cmi.core.score.raw", "80", "scored", 80.0),
        ("cmi.core.lesson_status", "passed", "passed", None),
    ],
)
def test_what_a_scorm_package_reports_is_read_from_its_sentence(
    adapt, element, value, verb, raw
) -> None:
    said = (
        f"The user with the id '12' submitted the element '{element}' with the value of '{value}' "
        "for the attempt with the id '1' for a scorm activity with the course module id '340'."
    )
    (found,) = adapt("moodle", HEADER + row("11 May, 09:44", "x", said), **HERE).rows
    assert (found.verb, found.raw, found.score, found.item) == (verb, raw, None, "module:340")


@pytest.mark.parametrize("header", ["Time", "Zeit"])
def test_a_page_without_its_people_is_read_and_no_context_taken_for_a_name(adapt, header) -> None:
    log = f"{header},Event context,Component,Event name,Description,Origin,IP address\n"
    log += "".join(
        f'"11/13/18, 14:{minute}","{context}",Page,seen,"{VIEWED}",web,10.0.0.2\n'
        for minute, context in ((41, "Course: A"), (42, "Course: A, page B as read"))
    )
    done = adapt("moodle", log, **HERE)
    assert [row.item for row in done.rows] == ["module:340", "module:340"]
