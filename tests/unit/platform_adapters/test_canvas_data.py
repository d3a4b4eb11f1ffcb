"""Canvas Data 2: the same tables in each form that the Data Access Platform writes."""

from __future__ import annotations

import csv
import gzip
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from platform_adapters.contract import AdaptOptions
from platform_adapters.convert import convert
from platform_adapters.detect import detect
from platform_adapters.errors import OptionsError
from platform_adapters.registry import ADAPTERS
from platform_adapters.report import ImportReport

INPUT = Path(__file__).resolve().parents[2] / "golden" / "canvas-data" / "tables" / "input"
CANVAS = ADAPTERS["canvas-data"]


def inputs(folder):
    """The platform's tables; page views come from elsewhere and have plain columns."""
    return sorted(path for path in folder.iterdir() if path.stem != "page_views")


def tables() -> dict[str, list[dict[str, str | None]]]:
    found = {}
    for path in inputs(INPUT):
        with path.open(newline="") as file:
            found[path.stem] = [
                {name: value or None for name, value in row.items()} for row in csv.DictReader(file)
            ]
    return found


def nested(row):
    """A row as `{key, value, meta}`."""
    parts = {}
    for column, value in row.items():
        outer, _, inner = column.partition(".")
        parts.setdefault(outer, {})[inner] = value
    return parts


def escaped(value):
    if value is None:
        return "\\N"
    return value.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n")


def as_json_lines(folder, name, rows):
    lines = "".join(json.dumps(nested(row)) + "\n" for row in rows)
    (folder / f"{name}.json.gz").write_bytes(gzip.compress(lines.encode()))


def as_tsv(folder, name, rows):
    lines = ["\t".join(rows[0])] + ["\t".join(escaped(v) for v in row.values()) for row in rows]
    (folder / f"{name}.tsv").write_text("\n".join(lines) + "\n")


def as_parquet(folder, name, rows):
    pq.write_table(pa.Table.from_pylist([nested(row) for row in rows]), folder / f"{name}.parquet")


def read(folder, pseudonymiser):
    report = ImportReport()
    paths = inputs(folder)
    options = AdaptOptions(platform="test")
    rows = list(convert(CANVAS, paths, options, pseudonymiser, report, max_reject_share=1))
    items = [item for path in CANVAS.catalogues(paths) for item in CANVAS.read_catalogue(path)]
    return sorted(rows, key=lambda row: row.event_id), report, items


@pytest.mark.parametrize("write", [as_json_lines, as_tsv, as_parquet])
def test_the_same_tables_in_another_form_say_the_same(write, tmp_path, pseudonymiser):
    for name, rows in tables().items():
        write(tmp_path, name, rows)
    rows, report, items = read(tmp_path, pseudonymiser)
    by_csv, report_of_csv, items_of_csv = read(INPUT, pseudonymiser)
    assert rows == by_csv
    assert items == items_of_csv
    assert report.ignored == report_of_csv.ignored
    for path in tmp_path.iterdir():
        assert detect(path, ADAPTERS.values())[0].format is CANVAS


def test_without_enrolments_nobody_tells_a_teacher_from_a_student(pseudonymiser):
    with pytest.raises(OptionsError, match="enrollments is missing"):
        list(
            convert(
                CANVAS,
                [INPUT / "web_logs.csv"],
                AdaptOptions(platform="test"),
                pseudonymiser,
                ImportReport(),
            )
        )


def test_a_quote_in_tab_separated_text_swallows_no_row(tmp_path, pseudonymiser):
    for name, rows in tables().items():
        as_tsv(tmp_path, name, rows)
    path = tmp_path / "assignments.tsv"
    path.write_text(path.read_text().replace("Nothing", '"Nothing\\nat all'))
    rows, _, _ = read(tmp_path, pseudonymiser)
    assert rows == read(INPUT, pseudonymiser)[0]


def test_ingest_reads_each_table_with_enrolments_beside_it(tmp_path, pseudonymiser):
    logs, sides = CANVAS.split(sorted(INPUT.iterdir()))
    enrolments = INPUT / "enrollments.csv"
    assert enrolments in logs
    assert enrolments in sides
