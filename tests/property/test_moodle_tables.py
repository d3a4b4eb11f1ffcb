"""Moodle's tables and backups with anything in them: counts add up, nothing crashes."""

from __future__ import annotations

import csv
import tempfile
import zipfile
from contextlib import suppress
from functools import cache
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from platform_adapters.contract import AdaptOptions
from platform_adapters.convert import convert
from platform_adapters.errors import AdapterError
from platform_adapters.pseudonyms import Pseudonymiser
from platform_adapters.registry import ADAPTERS
from platform_adapters.report import ImportReport

GOLDEN = Path(__file__).resolve().parents[1] / "golden/moodle"
MOODLE = ADAPTERS["moodle"]
HOME = Pseudonymiser(bytes(range(32)))
CELLS = st.one_of(
    st.sampled_from(["", "-1", "0", "7", "12", "1e999", "nan", "9" * 40, "NULL", "{", "a:1:{"]),
    st.text(max_size=12),
)


@cache
def dump() -> dict[str, list[list[str]]]:
    found = {}
    for path in sorted((GOLDEN / "dump/input").glob("*.csv")):
        with path.open(encoding="utf-8", newline="") as file:
            found[path.name] = list(csv.reader(file))
    return found


@cache
def backup() -> dict[str, bytes]:
    with zipfile.ZipFile(GOLDEN / "backup/input/course.mbz") as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def adapt(paths: list[Path]) -> None:
    report = ImportReport()
    list(convert(MOODLE, paths, AdaptOptions("p"), HOME, report, max_reject_share=1))
    assert report.rows == (
        report.events + report.duplicates + report.ignored_rows + report.rejected_rows
    )
    for path in MOODLE.catalogues(paths):
        list(MOODLE.read_catalogue(path))


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_whatever_stands_in_a_cell_of_a_dump_the_counts_add_up(data: st.DataObject) -> None:
    tables = dump()
    changes = data.draw(
        st.dictionaries(
            st.sampled_from(sorted(tables)), st.tuples(st.integers(0), CELLS), max_size=4
        )
    )
    columns = data.draw(st.lists(st.sampled_from(sorted(tables)), max_size=2))
    with tempfile.TemporaryDirectory() as folder:
        paths = []
        for name, rows in tables.items():
            copied = [list(row) for row in rows]
            if name in changes and len(copied) > 1:
                place, text = changes[name]
                row = copied[1 + place % (len(copied) - 1)]
                row[place % len(row)] = text
            if name in columns:
                copied = [row[:-1] for row in copied]
            path = Path(folder, name)
            with path.open("w", encoding="utf-8", newline="") as file:
                csv.writer(file).writerows(copied)
            paths.append(path)
        with suppress(AdapterError):
            adapt(paths)


@settings(max_examples=60, deadline=None)
@given(
    name=st.sampled_from(sorted(backup())),
    place=st.integers(0, 100_000),
    cut=st.integers(0, 40),
    put=st.one_of(st.binary(max_size=20), st.sampled_from([b"<x>", b"</x>", b"&y;", b"<!--"])),
)
def test_whatever_stands_in_a_backup_the_counts_add_up(
    name: str, place: int, cut: int, put: bytes
) -> None:
    data = backup()[name]
    at = place % (len(data) + 1)
    files = {**backup(), name: data[:at] + put + data[at + cut :]}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "course.mbz")
        with zipfile.ZipFile(path, "w") as archive:
            for member, content in files.items():
                archive.writestr(member, content)
        with suppress(AdapterError):
            adapt([path])
