"""Rows of CSV read by the place of their cells, what is made of them remembered, say exactly what
the same rows say as records, one by one and forgotten: mutated golden rows of every format."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from platform_adapters.contract import AdaptOptions, CellSession, Failure
from platform_adapters.errors import AdapterError
from platform_adapters.readers.csv_rows import CsvRows
from platform_adapters.registry import ADAPTERS

GOLDEN = Path(__file__).resolve().parents[1] / "golden"
CASES = sorted(
    str(path.parents[1].relative_to(GOLDEN)) for path in GOLDEN.glob("*/*/expected/outcomes.jsonl")
)
ODD = [
    *(
        "",
        " ",
        "0",
        "1",
        "-1",
        "1e400",
        "nan",
        "null",
        "NULL",
        "yes",
        "True",
        "2024-13-01",
        "\ud800",
    ),
    *("x" * 300, "x" * 2000, "1709283600", "9999999999999", "2024-03-01 09:00:00", "1.5", "7 "),
    *("2024-03-01T09:00:00.25+05:30", "2024-03-31 02:30:00", 'a:1:{O:3:"Foo":0:{}}', "\0", "٣"),
]


class Case:
    """The CSV logs of a golden folder, and a session for each of the two ways."""

    def __init__(self, name: str, **options: str) -> None:
        folder = GOLDEN / name
        adapter = ADAPTERS[name.split("/", maxsplit=1)[0]]
        given_options = folder / "options.json"
        if given_options.exists():
            options |= json.loads(given_options.read_text())
        paths = sorted((folder / "input").iterdir())
        sessions = [adapter.prepare(paths, AdaptOptions("p", **options)) for _ in range(2)]
        self.plain = sessions[0].convert
        self.tables = []
        for path in adapter.split(paths)[0]:
            rows = adapter.records(path)
            if isinstance(rows, CsvRows) and isinstance(sessions[1], CellSession):
                cells = [row for _, row in rows.cells() if not isinstance(row, Failure)]
                self.tables.append((rows.columns, sessions[1].cells(rows.columns), cells))


@cache
def opened(name: str) -> Case:
    return Case(name, timezone="Europe/Berlin")


BY_PLACE = [name for name in CASES if opened(name).tables]


def outcome(turn: object, row: object) -> object:
    try:
        return turn(row, 1)
    except AdapterError as error:
        return type(error), str(error)


@pytest.mark.parametrize("name", BY_PLACE)
@settings(max_examples=60)
@given(chance=st.randoms(use_true_random=False))
def test_a_row_says_the_same_by_place_and_as_a_record(name, chance) -> None:
    case = opened(name)
    for columns, by_place, rows in case.tables:
        for _ in range(3):
            row = list(chance.choice(rows))
            for _ in range(chance.randint(0, 3)):
                others = [chance.choice(rows)[place] for place in range(len(columns))]
                place = chance.randrange(len(columns))
                row[place] = chance.choice([*ODD, others[place]])
            record = dict(zip(columns, row, strict=True))
            assert outcome(by_place, row) == outcome(case.plain, record)


def test_most_formats_of_csv_are_read_by_place() -> None:
    names = {name.split("/", maxsplit=1)[0] for name in BY_PLACE}
    assert {"blackboard", "ilias", "kolibri", "sakai", "scorm"} <= names
