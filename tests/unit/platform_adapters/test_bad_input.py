"""Whatever is wrong with an export: rows are rejected by line, or the import stops and says why.

Every damage is done to the golden log of every format that can have it. Nothing crashes, counts
add up, and rows that are not damaged come out as they did.
"""

from __future__ import annotations

import gzip
import json
import random
import re
import shutil
import zipfile
from pathlib import Path

import pytest

from platform_adapters.contract import AdaptOptions
from platform_adapters.convert import convert
from platform_adapters.errors import AdapterError, OptionsError, ReadError
from platform_adapters.pseudonyms import Pseudonymiser
from platform_adapters.readers.files import MAX_LINE_BYTES
from platform_adapters.registry import ADAPTERS
from platform_adapters.report import ImportReport

GOLDEN = Path(__file__).resolve().parents[2] / "golden"
HOME = Pseudonymiser(bytes(range(32)))
CSV = (
    "blackboard/activity/activity_accumulator.csv",
    "ilias/tables/read_event.csv",
    "ilias/tables/ut_lp_marks.csv",
    "kolibri/sessions/session.csv",
    "kolibri/summaries_german/summary.de.csv",
    "moodle/logstore/logstore.csv",
    "sakai/events/SAKAI_EVENT.csv",
    "scorm/tracks/mdl_scorm_scoes_track.csv",
    "scorm/values/mdl_scorm_scoes_value.csv",
    "table/rows/rows.csv",
)
JSON = (
    "caliper/events/envelopes.jsonl",
    "canvas/live_events/live_events.jsonl",
    "openedx/tracking/tracking.log",
    "xapi/statements/statements.jsonl",
)


class Import:
    """An import of one golden log with its side tables, in a folder of its own."""

    def __init__(self, where: str, folder: Path) -> None:
        name, case, file = where.split("/")
        source = GOLDEN / name / case
        shutil.copytree(source / "input", folder / "input")
        options = source / "options.json"
        given = json.loads(options.read_text()) if options.exists() else {}
        self.adapter = ADAPTERS[name]
        self.options = AdaptOptions("p", **given)
        self.log = folder / "input" / file
        self.report = ImportReport()

    def run(self) -> list:
        self.report = ImportReport()
        paths = sorted(self.log.parent.iterdir())
        rows = list(
            convert(
                *(self.adapter, paths, self.options, HOME, self.report),
                max_reject_share=1.0,
                logs=[self.log],
            )
        )
        self.report.check()
        return rows


@pytest.fixture
def opened(tmp_path):
    return lambda where: Import(where, tmp_path)


def ids(rows: list) -> set:
    return {row.event_id for row in rows}


@pytest.mark.parametrize("where", CSV + JSON)
def test_a_packed_log_is_the_same_and_a_cut_one_is_refused(opened, where) -> None:
    given = opened(where)
    whole = given.run()
    packed = gzip.compress(given.log.read_bytes() * 1)
    given.log.write_bytes(packed)
    assert given.run() == whole
    given.log.write_bytes(packed[: len(packed) * 2 // 3])
    with pytest.raises(ReadError, match=f"{given.log.name} is a truncated gzip file"):
        given.run()


@pytest.mark.parametrize("where", CSV)
@pytest.mark.parametrize("ends", ["\r", "\r\n"])
def test_other_line_ends_change_nothing(opened, where, ends) -> None:
    given = opened(where)
    whole = given.run()
    text = given.log.read_text(encoding="utf-8-sig").replace("\n", ends)
    given.log.write_text(text, encoding="utf-8", newline="")
    assert given.run() == whole


@pytest.mark.parametrize("where", CSV + JSON)
def test_a_byte_order_mark_changes_nothing(opened, where) -> None:
    given = opened(where)
    whole = given.run()
    given.log.write_bytes(b"\xef\xbb\xbf" + given.log.read_bytes().removeprefix(b"\xef\xbb\xbf"))
    assert given.run() == whole


@pytest.mark.parametrize("where", CSV + JSON)
@pytest.mark.parametrize("order", ["utf-16-le", "utf-16-be"])
def test_utf_16_with_a_byte_order_mark_changes_nothing(opened, where, order) -> None:
    given = opened(where)
    whole = given.run()
    text = "\ufeff" + given.log.read_text(encoding="utf-8-sig")
    given.log.write_bytes(text.encode(order))
    assert given.run() == whole
    given.log.write_bytes(gzip.compress(text.encode(order)))
    assert given.run() == whole
    given.log.write_bytes(text.encode(order)[:-1])
    with pytest.raises(ReadError, match="begins as UTF-16, but is not"):
        given.run()


@pytest.mark.parametrize("where", CSV + JSON)
@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        ("Grüße; name \xe4\xf6".encode("latin-1"), "not UTF-8"),
        (b"a NUL \0 byte", "NUL bytes"),
        (b"x" * (MAX_LINE_BYTES + 9), "longer than 1,048,576 bytes"),
        (b'"{[("', "JSON|columns|CSV|object|not a Live"),
    ],
    ids=["latin-1", "nul", "too-long", "rubbish"],
)
def test_a_damaged_line_is_rejected_by_its_number_and_costs_no_other(
    opened, where, damage, reason
) -> None:
    given = opened(where)
    whole = given.run()
    rejected = given.report.rejected_rows
    lines = given.log.read_bytes().splitlines()
    place = len(lines) // 2
    given.log.write_bytes(b"\n".join([*lines[:place], damage, *lines[place:]]) + b"\n")
    assert ids(given.run()) == ids(whole)
    assert given.report.rejected_rows == rejected + 1
    (found,) = [
        spots
        for why, spots in given.report.rejected_lines.items()
        if re.search(reason, why) and (given.log.name, place + 1) in spots
    ]
    assert found


@pytest.mark.parametrize("where", CSV + JSON)
def test_a_log_twice_over_is_all_duplicates(opened, where) -> None:
    given = opened(where)
    whole = given.run()
    events, duplicates = given.report.events, given.report.duplicates
    body = given.log.read_bytes()
    lines = body.splitlines(keepends=True)
    again = lines[1:] if where in CSV else lines
    given.log.write_bytes(body.rstrip(b"\n") + b"\n" + b"".join(again))
    assert given.run() == whole
    assert given.report.duplicates == events + 2 * duplicates


@pytest.mark.parametrize("where", CSV + JSON)
def test_times_before_1990_are_rejected(opened, where) -> None:
    given = opened(where)
    before = len(given.run())
    log = given.log.read_bytes()
    log = re.sub(rb"\b20\d\d-", rb"1970-", re.sub(rb"\b17(?=\d{8}\b)", rb"00", log))
    given.log.write_bytes(log)
    assert len(given.run()) < before
    assert any("1990" in reason for reason in given.report.rejected)


@pytest.mark.parametrize("where", CSV + JSON)
def test_times_after_tomorrow_are_rejected(opened, where) -> None:
    given = opened(where)
    events = len(given.run())
    given.options = AdaptOptions("p", given.options.timezone, latest=1_600_000_000)
    assert given.run() == []
    assert (
        sum(count for reason, count in given.report.rejected.items() if "after tomorrow" in reason)
        >= events
    )


@pytest.mark.parametrize("where", CSV + JSON)
def test_an_empty_file_and_a_header_alone_are_no_log_or_no_row(opened, where) -> None:
    given = opened(where)
    header = given.log.read_bytes().splitlines()[0] + b"\n"
    if where in CSV:
        given.log.write_bytes(header)
        assert given.run() == []
        assert given.report.rows == 0
    given.log.write_bytes(b"")
    try:
        assert given.run() == []
    except (ReadError, OptionsError) as error:
        assert given.log.name in str(error) or given.adapter.name in str(error)  # noqa: PT017


@pytest.mark.parametrize("where", CSV + JSON)
def test_bytes_at_random_crash_nothing(opened, where) -> None:
    given = opened(where)
    whole = bytearray(given.log.read_bytes())
    chance = random.Random(where)  # noqa: S311
    for _ in range(40):
        damaged = bytearray(whole)
        for _ in range(chance.randint(1, 12)):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        given.log.write_bytes(damaged)
        try:
            rows = given.run()
        except AdapterError as error:
            assert str(error)  # noqa: PT017
        else:
            assert all(row.score is None or 0 <= row.score <= 1 for row in rows)


def cartridge(folder: Path, manifest: bytes, **members: bytes) -> Path:
    path = folder / "course.imscc"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("imsmanifest.xml", manifest)
        for name, data in members.items():
            archive.writestr(name, data)
    return path


BOMB = b"""<?xml version="1.0"?><!DOCTYPE m [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;">
<!ENTITY c "&b;&b;&b;&b;&b;&b;">]><manifest identifier="x"><title>&c;</title></manifest>"""
OUTSIDE = b"""<?xml version="1.0"?><!DOCTYPE m [<!ENTITY a SYSTEM "file:///etc/passwd">]>
<manifest identifier="x"><metadata><title>&a;</title></metadata></manifest>"""


@pytest.mark.parametrize(
    ("manifest", "members", "message"),
    [
        (BOMB, {}, "document type"),
        (OUTSIDE, {}, "document type"),
        (b"<manifest identifier='x'>", {}, "not well-formed XML"),
        (b"<manifest>" + b"<item>" * 500 + b"</item>" * 500 + b"</manifest>", {}, "deep"),
        (b"<other/>", {}, "has no element 'manifest'"),
        (b"<manifest identifier='x'/>", {}, "no item of its organisation leads anywhere"),
        (b"<manifest identifier='x'/>", {"../../etc/cron": b"x"}, "leads out of the archive"),
        (b"<manifest identifier='x'/>", {"/etc/cron": b"x"}, "leads out of the archive"),
        (b"<manifest identifier='x'/>", {"big": b"\0" * (70 << 20)}, "times its size"),
    ],
    ids=["bomb", "outside", "cut", "deep", "other", "empty", "slip", "absolute", "zip-bomb"],
)
def test_a_hostile_cartridge_is_refused(tmp_path, manifest, members, message) -> None:
    path = cartridge(tmp_path, manifest, **members)
    with pytest.raises(AdapterError, match=message):
        list(ADAPTERS["cartridge"].read_catalogue(path))


def test_a_hundred_megabytes_on_one_line_are_passed_over_without_being_held(tmp_path) -> None:
    path = tmp_path / "log.csv"
    row = b"ana,i,2024-03-01T09:00:00Z\n"
    with path.open("wb") as stream:
        stream.write(b"learner,item,timestamp\n" + row)
        for _ in range(100):
            stream.write(b"x" * (1 << 20))
        stream.write(b"\nben,i,2024-03-01T09:00:00Z\n")
    report = ImportReport()
    rows = list(
        convert(*(ADAPTERS["table"], [path], AdaptOptions("p"), HOME, report), max_reject_share=1.0)
    )
    assert len(rows) == 2
    assert report.rejected == {"the line is longer than 1,048,576 bytes": 1}
