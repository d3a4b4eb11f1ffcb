"""An unknown file is named, with the reason; packed or not, of any kind."""

from __future__ import annotations

import gzip
import json
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import pytest

from platform_adapters.detect import detect
from platform_adapters.errors import OptionsError, ReadError
from platform_adapters.registry import ADAPTERS, adapter_named

GOLDEN = Path(__file__).resolve().parents[2] / "golden"
LOGS = {
    "blackboard/activity/input/activity_accumulator.csv": "activity_accumulator",
    "blackboard/gradebook/input/gc_BIO101_column.csv": "Blackboard's gradebook",
    "canvas/live_events/input/live_events.jsonl": "Live Events",
    "ilias/tables/input/read_event.csv": "read_event",
    "kolibri/database/input/db.sqlite3": "Kolibri's database",
    "kolibri/sessions_arabic/input/session.ar.csv": "session logs",
    "kolibri/summaries_german/input/summary.de.csv": "summary logs",
    "moodle/logstore/input/logstore.csv": "logstore_standard_log",
    "openedx/tracking/input/tracking.log": "tracking log",
    "sakai/events/input/SAKAI_EVENT.csv": "SAKAI_EVENT",
    "sakai/gradebook_export/input/gradebook_export.csv": "Sakai's gradebook",
    "scorm/tracks/input/mdl_scorm_scoes_track.csv": "scorm_scoes_track",
    "table/rows/input/rows.csv": "interaction table",
    "xapi/statements/input/statements.jsonl": "xAPI statements",
    "xapi/array/input/statements_array.json": "xAPI statements",
}
OTHERS = {
    "cartridge/version_1_1/input/biology.imscc": ("cartridge", "catalogue"),
    "case/framework/input/framework.json": ("case", "catalogue"),
    "sakai/events/input/SAKAI_SESSION.csv": ("sakai", "side"),
    "blackboard/activity/input/course_contents.csv": ("blackboard", "catalogue"),
}


@pytest.mark.parametrize("path", LOGS)
def test_a_log_is_named_with_what_it_looks_like(path) -> None:
    best = detect(GOLDEN / path, ADAPTERS.values())[0]
    assert best.fits
    assert best.format.name == path.split("/", maxsplit=1)[0]
    assert best.sign.role == "log"
    assert LOGS[path] in best.why


@pytest.mark.parametrize("path", OTHERS)
def test_what_is_no_log_is_named_too(path) -> None:
    best = detect(GOLDEN / path, ADAPTERS.values())[0]
    assert (best.format.name, best.sign.role) == OTHERS[path]


@pytest.mark.parametrize("path", [path for path in LOGS if not path.endswith("sqlite3")])
def test_packing_changes_nothing(path, tmp_path) -> None:
    packed = tmp_path / "export.gz"
    packed.write_bytes(gzip.compress((GOLDEN / path).read_bytes()))
    assert detect(packed, ADAPTERS.values())[0].format.name == path.split("/", maxsplit=1)[0]


def test_columns_of_parquet_are_known_as_those_of_csv(tmp_path) -> None:
    table = pa.csv.read_csv(GOLDEN / "blackboard/activity/input/course_users.csv")
    pa.parquet.write_table(table, tmp_path / "users.parquet")
    assert detect(tmp_path / "users.parquet", ADAPTERS.values())[0].format.name == "blackboard"


def test_a_log_that_lacks_a_column_is_the_runner_up(tmp_path) -> None:
    path = tmp_path / "events.csv"
    path.write_text("EVENT_ID,EVENT_DATE,EVENT,SESSION_ID\n1,2024-03-01,content.read,s\n")
    best = detect(path, ADAPTERS.values())[0]
    assert not best.fits
    assert best.why == "it could be Sakai's table SAKAI_EVENT, but lacks ref"


def test_a_file_of_nothing_known_is_of_nothing_known(tmp_path) -> None:
    path = tmp_path / "recipe.csv"
    path.write_text("flour,eggs\n200,3\n")
    assert detect(path, ADAPTERS.values()) == []


def test_a_file_in_the_adapters_place_is_told_what_it_is() -> None:
    with pytest.raises(OptionsError, match="say kolibri before it"):
        adapter_named(str(GOLDEN / "kolibri/sessions/input/session.csv"))


@pytest.mark.parametrize("content", [b"PK\x03\x04 cut", b"PAR1 cut", b"\xff\xfea"])
def test_a_damaged_file_is_an_error_that_names_it(content, tmp_path) -> None:
    path = tmp_path / "export"
    path.write_bytes(content)
    with pytest.raises(ReadError, match="export"):
        detect(path, ADAPTERS.values())


@pytest.mark.parametrize("content", [b"", b"\0" * 9, b"\n\n", b"{", b"<"])
def test_next_to_nothing_is_of_no_format(content, tmp_path) -> None:
    path = tmp_path / "export"
    path.write_bytes(content)
    assert not [guess for guess in detect(path, ADAPTERS.values()) if guess.fits]


def test_members_of_an_archive_are_read_by_name_only(tmp_path) -> None:
    path = tmp_path / "course.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("imsmanifest.xml", "<not even xml")
    assert detect(path, ADAPTERS.values())[0].format.name == "cartridge"


def test_names_deep_in_json_count_as_well_as_those_at_its_top(tmp_path) -> None:
    path = tmp_path / "log.json"
    record = {"metadata": {"event_name": "x", "event_time": "2024-03-01"}, "body": {}}
    path.write_text(json.dumps([record], indent=4))
    assert detect(path, ADAPTERS.values())[0].format.name == "canvas"


def test_every_sign_says_what_it_needs() -> None:
    for adapter in ADAPTERS.values():
        assert adapter.signs, adapter.name
        for sign in adapter.signs:
            assert sign.needs or sign.text, sign
            assert sign.what[0] != " "
            assert sign.role in {"log", "side", "catalogue"}
