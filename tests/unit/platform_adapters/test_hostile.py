"""Every registered format against every kind of hostile input that the issue tracker ever named.

The golden folders are found by themselves, so a new format is here as soon as it has one. What
comes out is an event, a duplicate, ignored or rejected, or the import stops with a sentence of
ours; the report adds up; nothing is guessed. What exactly comes out says `test_bad_input`.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import shutil
import tarfile
import zipfile
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from platform_adapters.contract import AdaptOptions, Interaction
from platform_adapters.convert import convert
from platform_adapters.errors import AdapterError
from platform_adapters.pseudonyms import Pseudonymiser
from platform_adapters.readers.csv_rows import delimiter_of
from platform_adapters.readers.files import MAX_LINE_BYTES
from platform_adapters.registry import ADAPTERS
from platform_adapters.report import ImportReport

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

GOLDEN = Path(__file__).resolve().parents[2] / "golden"
HOME = Pseudonymiser(bytes(range(32)))
LATEST = 1_800_000_000
SHARES = ("table", "xapi", "scorm", "moodle:scorm", "blackboard:cdm_grade")
"""Sources that may give a score of its own beside the points."""


def cases() -> list[str]:
    found = sorted(str(path.parent.relative_to(GOLDEN)) for path in GOLDEN.glob("*/*/input"))
    return [case for case in found if case.partition("/")[0] in ADAPTERS]


@cache
def files(case: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Names of a case's logs and of its catalogues."""
    adapter, paths = ADAPTERS[case.partition("/")[0]], sorted((GOLDEN / case / "input").iterdir())
    logs = adapter.split(paths)[0]
    return tuple(p.name for p in logs), tuple(p.name for p in adapter.catalogues(paths))


LOGS = [f"{case}/{log}" for case in cases() for log in files(case)[0]]
CATALOGUES = [f"{case}/{name}" for case in cases() for name in files(case)[1]]


def source(where: str) -> Path:
    case, _, name = where.rpartition("/")
    return GOLDEN / case / "input" / name


def options(where: str, **changed: Any) -> AdaptOptions:
    path = GOLDEN / where.rpartition("/")[0] / "options.json"
    given = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return AdaptOptions(**{"platform": "p", "latest": LATEST, **given, **changed})


def run(
    where: str, folder: Path, data: bytes | None = None, **changed: Any
) -> tuple[list[Interaction], ImportReport] | None:
    """Import a log with other bytes; None if it was refused with a sentence."""
    folder = folder / "input"
    if not folder.exists():
        shutil.copytree(source(where).parent, folder)
    log = folder / source(where).name
    if data is not None:
        log.write_bytes(data)
    adapter, report = ADAPTERS[where.partition("/")[0]], ImportReport()
    paths = sorted(folder.iterdir())
    try:
        rows = list(
            convert(
                *(adapter, paths, options(where, **changed), HOME, report),
                max_reject_share=1.0,
                logs=[log],
            )
        )
    except AdapterError as error:
        assert len(str(error)) > 20  # noqa: PT017
        return None
    report.check()
    told = report.to_dict()
    parts = ("events", "duplicates", "ignored_rows", "rejected_rows")
    assert told["rows"] == sum(told[part] for part in parts)
    assert len(rows) == told["events"]
    for row in rows:
        assert row.score is None or 0 <= row.score <= 1
        assert row.timestamp is None or 631_152_000 <= row.timestamp <= LATEST
        if row.score is not None and not row.source.startswith(SHARES):
            assert row.raw is None or row.raw >= 0 or row.min is not None
            assert row.raw is None or row.max is None or row.max > (row.min or 0)
    return rows, report


def lines_of(data: bytes) -> list[bytes]:
    return data.splitlines(keepends=True)


def middle(extra: bytes) -> Callable[[bytes], bytes]:
    """The log with a line more in its midst."""

    def damaged(data: bytes) -> bytes:
        lines = lines_of(data)
        half = len(lines) // 2
        return b"".join([*lines[:half], extra + b"\n", *lines[half:]])

    return damaged


HOSTILE: dict[str, Callable[[bytes], bytes]] = {
    "truncated gzip": lambda data: gzip.compress(data)[: -len(gzip.compress(data)) // 3],
    "damaged gzip": lambda data: gzip.compress(data)[:30] + b"\xff\xfe\xfd" + data[:9],
    "CR only": lambda data: data.replace(b"\r\n", b"\n").replace(b"\n", b"\r"),
    "byte order mark": lambda data: b"\xef\xbb\xbf" + data,
    "UTF-16": lambda data: data.decode("utf-8", "replace").encode("utf-16"),
    "UTF-16, cut": lambda data: data.decode("utf-8", "replace").encode("utf-16")[:-1],
    "Latin-1": lambda data: data.decode("utf-8", "replace").encode("latin-1", "replace") + b"\xe4",
    "NUL bytes": middle(b"a\0b\0"),
    "NUL everywhere": lambda data: data.replace(b" ", b"\0"),
    "a long line": middle(b'{"a":"' + b"x" * (MAX_LINE_BYTES + 9) + b'"}'),
    "deep JSON": middle(b"[" * 50_000 + b"]" * 50_000),
    "an unclosed quote": middle(b'"never closed'),
    "a number of 400 digits": middle(b'{"a":' + b"9" * 400 + b"}"),
    "every line twice": lambda data: b"".join(line * 2 for line in lines_of(data)),
    "nothing": lambda data: data[:0],
    "the first line": lambda data: b"".join(lines_of(data)[:1]),
    "cut in the midst": lambda data: data[: len(data) // 2],
    "rubbish": lambda _data: bytes(range(256)) * 4,
    "PHP objects": middle(b'1,O:8:"stdClass":1:{s:1:"a";R:1;},,,,,,,,,,'),
    "an XML bomb": lambda _data: BOMB,
}
BOMB = (
    b'<?xml version="1.0"?><!DOCTYPE m [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;">'
    b'<!ENTITY c SYSTEM "file:///etc/passwd">]>'
    b'<manifest identifier="x"><title>&b;&c;</title></manifest>'
)


def test_every_registered_format_is_among_the_logs_or_the_catalogues() -> None:
    assert {where.partition("/")[0] for where in (*LOGS, *CATALOGUES)} == set(ADAPTERS)


@pytest.mark.parametrize("where", LOGS)
def test_no_hostile_log_crashes_or_adds_up_wrongly(tmp_path, where) -> None:
    data = source(where).read_bytes()
    for damage in HOSTILE.values():
        run(where, tmp_path, damage(data))


@pytest.mark.parametrize("where", CATALOGUES)
def test_no_hostile_catalogue_crashes(tmp_path, where) -> None:
    shutil.copytree(source(where).parent, tmp_path / "input")
    path = tmp_path / "input" / source(where).name
    if path.is_dir():
        pytest.skip("a folder; its files are logs or catalogues of their own")
    data = path.read_bytes()
    adapter = ADAPTERS[where.partition("/")[0]]
    for damage in HOSTILE.values():
        path.write_bytes(damage(data))
        try:
            assert all(item.item for item in adapter.read_catalogue(path))
        except AdapterError as error:
            assert len(str(error)) > 20  # noqa: PT017


@pytest.mark.parametrize("where", LOGS)
def test_no_zone_and_no_year_are_ever_guessed(tmp_path, where) -> None:
    without = run(where, tmp_path, timezone=None, year=None)
    if without is None:
        return
    for zone, year in (("Asia/Tokyo", 2023), ("America/New_York", 2022)):
        other = run(where, tmp_path, timezone=zone, year=year)
        assert other is not None
        assert other[0] == without[0]


WRONG = ["-1", "-0.5", "99999999", "1e400", "NaN", "9" * 400, "", "0", "x\x7f", "1970-01-01 00:00"]


def mutated_rows(data: bytes) -> Iterator[bytes]:
    """A CSV with every value of one column replaced, column by column."""
    text = data.decode("utf-8-sig")
    lines = list(csv.reader(io.StringIO(text), delimiter=delimiter_of(text.partition("\n")[0])))
    for column in range(len(lines[0])):
        for wrong in WRONG:
            out = io.StringIO()
            writer = csv.writer(out, delimiter=delimiter_of(text.partition("\n")[0]))
            writer.writerow(lines[0])
            for line in lines[1:]:
                writer.writerow([*line[:column], wrong, *line[column + 1 :]])
            yield out.getvalue().encode()


def leaves(value: Any, path: tuple = ()) -> Iterator[tuple]:
    inner = value.items() if isinstance(value, dict) else enumerate(value)
    for name, part in inner:
        if isinstance(part, dict | list) and part:
            yield from leaves(part, (*path, name))
        yield (*path, name)


WRONG_JSON = [None, -1, 1e308, "x", [], {}, True, 10**400, "1970-01-01T00:00:00Z"]


def mutated_records(data: bytes) -> Iterator[bytes]:
    """JSON lines with one member of a record replaced; each wrong value once for each member."""
    out: list[list[str]] = [[] for _ in WRONG_JSON]
    for line in data.decode("utf-8-sig").splitlines():
        try:
            record = json.loads(line)
        except ValueError:
            continue
        if not isinstance(record, dict):
            continue
        for path in leaves(record):
            for number, wrong in enumerate(WRONG_JSON):
                copy = json.loads(line)
                inside = copy
                for name in path[:-1]:
                    inside = inside[name]
                inside[path[-1]] = wrong
                out[number].append(json.dumps(copy))
    for lines in out:
        yield "\n".join(lines).encode()


@pytest.mark.parametrize("where", [where for where in LOGS if where.endswith(".csv")])
def test_no_value_of_any_column_becomes_a_score_that_was_not_given(tmp_path, where) -> None:
    for data in mutated_rows(source(where).read_bytes()):
        run(where, tmp_path, data)


@pytest.mark.parametrize("where", [where for where in LOGS if where.endswith((".jsonl", ".log"))])
def test_no_member_of_any_record_becomes_a_score_that_was_not_given(tmp_path, where) -> None:
    for data in mutated_records(source(where).read_bytes()):
        run(where, tmp_path, data)


def packed(folder: Path, kind: str, members: dict[str, bytes]) -> Path:
    path = folder / f"course.{kind}"
    if kind in {"imscc", "zip"}:
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, data in members.items():
                archive.writestr(name, data)
    else:
        with tarfile.open(path, "w:gz") as archive:
            for name, data in members.items():
                member = tarfile.TarInfo(name)
                member.size = len(data)
                archive.addfile(member, io.BytesIO(data))
    return path


ARCHIVES = {
    "cartridge": ("imscc", "imsmanifest.xml"),
    "moodle": ("mbz", "moodle_backup.xml"),
    "openedx": ("tar.gz", "course/course.xml"),
}


@pytest.mark.parametrize("name", ARCHIVES)
@pytest.mark.parametrize("slip", ["", "../../etc/cron", "/etc/cron"])
def test_bombs_outside_entities_and_ways_out_of_an_archive_are_refused(
    tmp_path, name, slip
) -> None:
    kind, manifest = ARCHIVES[name]
    members = {manifest: BOMB, **({slip: b"x"} if slip else {})}
    path = packed(tmp_path, kind, members)
    adapter = ADAPTERS[name]
    with pytest.raises(AdapterError) as caught:
        assert list(adapter.read_catalogue(path)) is None
    assert "root:" not in str(caught.value)
    assert not (tmp_path.parent / "etc").exists()
