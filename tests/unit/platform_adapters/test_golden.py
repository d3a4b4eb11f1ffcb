"""Golden folders: the input of each becomes exactly what its `expected/` says.

A folder is found by itself: `tests/golden/<format>/<case>/` holds `input/` (what an operator
would name on the command line), `options.json` (if options are needed) and `expected/`:
`outcomes.jsonl` (every record's outcome, learner ids raw), `report.json` (what `adapt --report`
says) and, where a catalogue is among the inputs, `catalogue.jsonl`.

`python tests/unit/platform_adapters/test_golden.py [format/case ...]` writes `expected/` anew;
look at the difference before you commit it.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path

import pytest
from msgspec import structs

from platform_adapters.catalogues.table import row_of
from platform_adapters.contract import (
    HASHED,
    NAMED,
    AdaptOptions,
    Failure,
    Interaction,
    Rejected,
)
from platform_adapters.convert import convert
from platform_adapters.errors import RecordError
from platform_adapters.pseudonyms import Pseudonymiser
from platform_adapters.registry import ADAPTERS
from platform_adapters.report import ImportReport
from platform_adapters.values import event_id as of_name
from platform_adapters.values import event_namespace

GOLDEN = Path(__file__).resolve().parents[2] / "golden"
CASES = sorted(str(path.parent.relative_to(GOLDEN)) for path in GOLDEN.glob("*/*/input"))
KEY = bytes(range(32))


def inputs(case: str) -> list[Path]:
    return sorted(path for path in (GOLDEN / case / "input").iterdir() if path.is_file())


def options(case: str) -> AdaptOptions:
    path = GOLDEN / case / "options.json"
    given = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return AdaptOptions(platform="golden", **given)


def outcomes(case: str) -> list[dict]:
    """Every record's outcome, empty values left out."""
    adapter = ADAPTERS[case.split("/", maxsplit=1)[0]]
    paths = inputs(case)
    session = adapter.prepare(paths, options(case))
    found = []
    for path in adapter.split(paths)[0]:
        for line, record in adapter.records(path):
            if isinstance(record, Failure):
                outcome = Rejected(record.reason, line, path.name)
            else:
                try:
                    outcome = session.convert(record, line)
                except RecordError as error:
                    outcome = Rejected(str(error), line, path.name)
            if isinstance(outcome, Interaction):
                values = {"line": line, **structs.asdict(outcome)}
                values["event_id"] = final_id(outcome.event_id)
            else:
                values = asdict(outcome)
            values = {k: v for k, v in values.items() if v not in (None, "")}
            found.append({"outcome": type(outcome).__name__.lower(), **values})
    return found


def final_id(event_id: str) -> str:
    """The id that `convert` makes, where that needs no key."""
    if event_id.startswith(NAMED):
        return of_name(event_namespace("golden"), event_id.removeprefix(NAMED))
    return "" if event_id.startswith(HASHED) else event_id


def report(case: str) -> dict:
    adapter = ADAPTERS[case.split("/", maxsplit=1)[0]]
    counts = ImportReport()
    paths = inputs(case)
    if adapter.split(paths)[0]:
        for _ in convert(
            adapter, paths, options(case), Pseudonymiser(KEY), counts, max_reject_share=1.0
        ):
            pass
    return counts.to_dict()


def catalogue(case: str) -> list[dict]:
    """Items of the catalogues among the inputs, empty values left out."""
    adapter = ADAPTERS[case.split("/", maxsplit=1)[0]]
    rows = [
        row_of(item)
        for path in adapter.catalogues(inputs(case))
        for item in adapter.read_catalogue(path)
    ]
    return [
        {k: v for k, v in row.items() if v not in (None, "") and v is not False} for row in rows
    ]


def lines(rows: list[dict]) -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def made(case: str) -> dict[str, str]:
    """What `expected/` should hold, by name."""
    files = {
        "outcomes.jsonl": lines(outcomes(case)),
        "report.json": json.dumps(report(case), ensure_ascii=False, indent=1) + "\n",
        "catalogue.jsonl": lines(catalogue(case)),
    }
    return {name: text for name, text in files.items() if text}


@pytest.mark.parametrize("case", CASES)
def test_a_golden_folder_becomes_what_it_says(case: str) -> None:
    folder = GOLDEN / case / "expected"
    expected = {path.name: path.read_text(encoding="utf-8") for path in folder.iterdir()}
    assert made(case) == expected


@pytest.mark.parametrize("name", ADAPTERS)
def test_every_format_has_a_golden_folder(name: str) -> None:
    assert any(case.startswith(f"{name}/") for case in CASES)


@pytest.mark.parametrize("case", CASES)
def test_the_counts_of_a_golden_report_add_up(case: str) -> None:
    found = json.loads((GOLDEN / case / "expected" / "report.json").read_text(encoding="utf-8"))
    parts = found["events"] + found["duplicates"] + found["ignored_rows"] + found["rejected_rows"]
    assert found["rows"] == parts


def test_an_array_and_lines_of_the_same_statements_say_the_same() -> None:
    assert outcomes("xapi/statements") == [
        {**row, **({"file": "statements.jsonl"} if "file" in row else {})}
        for row in outcomes("xapi/array")
    ]


if __name__ == "__main__":
    for name in sys.argv[1:] or CASES:
        target = GOLDEN / name / "expected"
        target.mkdir(exist_ok=True)
        for old in target.iterdir():
            old.unlink()
        for file, text in made(name).items():
            (target / file).write_text(text, encoding="utf-8")
