from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from platform_adapters.contract import AdaptOptions
from platform_adapters.convert import Converter, convert
from platform_adapters.errors import (
    OptionsError,
    ReadError,
    ReportError,
    TimezoneError,
    TooManyRejectsError,
)
from platform_adapters.pseudonyms import Pseudonymiser, new_key
from platform_adapters.registry import ADAPTERS, adapter_named
from platform_adapters.report import MAX_LINES, MAX_REASONS, OVERFLOW, ImportReport

GOLDEN = Path(__file__).resolve().parents[2] / "golden"


def row(number: int, **values: object) -> dict:
    return {"learner": f"l{number}", "item": "i", "timestamp": 1709283600 + number, **values}


def test_a_repeated_event_is_counted_once_as_event_and_then_as_duplicate(adapt) -> None:
    done = adapt("table", [row(1), row(2), row(1), row(1)])
    assert (done.report.events, done.report.duplicates) == (2, 2)


def test_importing_the_same_log_twice_gives_the_same_ids(adapt) -> None:
    records = [row(n) for n in range(20)]
    first, second = adapt("table", records), adapt("table", records)
    assert first.rows == second.rows


def test_event_ids_made_of_fields_cannot_be_computed_without_the_key(tmp_path) -> None:
    path = tmp_path / "log"
    path.write_text(json.dumps(row(1)) + "\n")
    ids = set()
    for key in (new_key(), new_key()):
        report = ImportReport()
        done = convert(ADAPTERS["table"], [path], AdaptOptions("p"), Pseudonymiser(key), report)
        ids |= {found.event_id for found in done}
    assert len(ids) == 2


def test_the_sources_own_ids_make_ids_that_need_no_key_but_the_platform() -> None:
    path = GOLDEN / "xapi" / "fun_mooc" / "input" / "fun_mooc.jsonl"
    ids = [
        [
            found.event_id
            for found in convert(
                ADAPTERS["xapi"], [path], AdaptOptions(name), Pseudonymiser(key), ImportReport()
            )
        ]
        for name, key in (("a", new_key()), ("a", new_key()), ("b", new_key()))
    ]
    assert ids[0] == ids[1]
    assert not set(ids[0]) & set(ids[2])


def test_a_learner_id_of_2_kb_is_rejected_with_its_line_and_the_rest_is_kept(adapt) -> None:
    done = adapt("table", [row(1), row(2, learner="x" * 2048), row(3)])
    assert len(done.rows) == 2
    reason = "the learner id is longer than 1,024 bytes"
    assert done.report.rejected_lines == {reason: [("log", 2)]}


def test_too_many_rejects_stop_the_import_at_its_end_with_the_reason_and_line(adapt) -> None:
    with pytest.raises(TooManyRejectsError, match=r"1 of 3 rows .*10%.*item is missing.*line 2"):
        adapt("table", [row(1), {"learner": "l", "timestamp": 1709283600}, row(3)], allow=0.1)


def test_too_many_rejects_stop_a_long_import_before_its_end(tmp_path, pseudonymiser) -> None:
    path = tmp_path / "log"
    path.write_text("{\n" * 50_000)
    report = ImportReport()
    with pytest.raises(TooManyRejectsError):
        list(convert(ADAPTERS["table"], [path], AdaptOptions("p"), pseudonymiser, report))
    assert report.rows == 1000


def test_rejects_at_the_allowed_share_are_allowed(adapt) -> None:
    done = adapt("table", [*(row(n) for n in range(9)), {}], allow=0.1)
    assert done.report.rejected_rows == 1


@pytest.mark.parametrize(
    ("name", "records"),
    [
        (
            "moodle",
            "eventname,userid,timecreated\n\\core\\event\\course_viewed,12,2024-03-01 09:00\n",
        ),
        ("table", "learner,item,timestamp\nana,i,2024-03-01 09:00:00\n"),
    ],
)
def test_local_times_stop_the_import_and_ask_for_the_zone(adapt, name, records) -> None:
    if name == "moodle":
        records = records.replace("timecreated", "timecreated,courseid").replace("09:00", "09:00,7")
    with pytest.raises(TimezoneError, match="--timezone Europe/Berlin"):
        adapt(name, records)
    assert adapt(name, records, timezone="Europe/Berlin").rows[0].timestamp == 1709280000


def test_a_wrong_zone_stops_the_import_before_the_first_row(adapt) -> None:
    with pytest.raises(TimezoneError, match="no time zone 'Mars/Phobos'"):
        adapt("table", [row(1)], timezone="Mars/Phobos")


def test_a_truncated_log_is_an_error_and_not_an_end(adapt) -> None:
    packed = gzip.compress(b"".join(json.dumps(row(n)).encode() + b"\n" for n in range(5000)))
    with pytest.raises(ReadError, match="truncated gzip"):
        adapt("table", packed[:-500])


def test_another_homes_pseudonyms_are_refused(adapt) -> None:
    foreign = Pseudonymiser(new_key()).pseudonym("ana")
    with pytest.raises(TooManyRejectsError, match="pass that home's key"):
        adapt("table", [row(1, learner=foreign)], allow=0.1)


def test_an_input_without_a_log_says_what_the_adapter_reads(pseudonymiser) -> None:
    catalogue = GOLDEN / "moodle" / "logstore" / "input" / "grade_items.csv"
    with pytest.raises(OptionsError, match=r"grade_items\.csv: no log for the adapter 'moodle'"):
        list(
            convert(
                ADAPTERS["moodle"], [catalogue], AdaptOptions("p"), pseudonymiser, ImportReport()
            )
        )


def test_an_adapter_that_does_not_exist_is_refused_with_those_that_do() -> None:
    with pytest.raises(OptionsError, match="xapi, canvas, canvas-api"):
        adapter_named("blackbord")


def test_every_adapter_says_whether_it_was_tried_on_a_real_export() -> None:
    assert all(adapter.tried_on and adapter.summary for adapter in ADAPTERS.values())


def test_a_report_that_does_not_add_up_is_a_bug() -> None:
    with pytest.raises(ReportError, match="1 rows were read, but 0"):
        ImportReport(rows=1).check()


def test_a_report_stays_small_however_many_reasons_and_lines_there_are(adapt) -> None:
    events = [{"metadata": {"event_name": _letters(n)}, "body": {}} for n in range(500)]
    report = adapt("canvas", events).report
    assert len(report.ignored) == MAX_REASONS + 1
    assert report.ignored[OVERFLOW] == 500 - MAX_REASONS
    report = adapt("table", "{\n" * (MAX_LINES + 10)).report
    assert [len(lines) for lines in report.rejected_lines.values()] == [MAX_LINES]
    assert report.rejected_rows == MAX_LINES + 10


def _letters(number: int) -> str:
    return "".join(chr(ord("a") + int(digit)) for digit in str(number))


def test_what_stands_before_damage_is_converted_before_it_is_told(tmp_path) -> None:
    path = tmp_path / "log.csv"
    lines = [f"l{number},i,{1709283600 + number}\n" for number in range(700)]
    path.write_text("learner,item,timestamp\n" + "".join(lines) + 'l700,"i,1709284300\n')
    report = ImportReport()
    rows = convert(ADAPTERS["table"], [path], AdaptOptions("p"), Pseudonymiser(new_key()), report)
    found = []
    with pytest.raises(ReadError, match="line 702"):
        found.extend(rows)
    assert [row.timestamp for row in found] == [1709283600 + number for number in range(700)]
    assert (report.rows, report.events) == (700, 700)


def test_events_by_the_hundred_get_the_ids_that_they_get_alone(tmp_path, pseudonymiser) -> None:
    path = tmp_path / "log.csv"
    own = [f"event {n}" if n % 3 else "" for n in range(600)]
    path.write_text(
        "event_id,learner,item,timestamp\n"
        + "".join(f"{name},l{n},i,{1709283600 + n}\n" for n, name in enumerate(own))
    )
    options, adapter = AdaptOptions("p"), ADAPTERS["table"]
    together = list(convert(adapter, [path], options, pseudonymiser, ImportReport()))
    session = adapter.prepare([path], options)
    alone = Converter(session, options, pseudonymiser, ImportReport())
    records = adapter.records(path)
    assert [alone.accept(record, line, "log") for line, record in records] == together
    assert len({row.event_id for row in together}) == 600
