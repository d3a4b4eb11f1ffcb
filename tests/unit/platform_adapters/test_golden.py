"""Golden inputs: each record of each format becomes what its expected file says.

`python tests/unit/platform_adapters/test_golden.py` writes the expected files anew; look at
the difference before you commit it.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import pytest

from platform_adapters.contract import AdaptOptions, Failure, Interaction, Rejected
from platform_adapters.errors import RecordError
from platform_adapters.registry import ADAPTERS

GOLDEN = Path(__file__).resolve().parents[2] / "golden"
CASES = {
    "xapi/fun_mooc.jsonl": (),
    "xapi/statements.jsonl": (),
    "xapi/statements_array.json": (),
    "canvas/live_events.jsonl": (),
    "openedx/tracking.log": (),
    "moodle/logstore.csv": (
        "grade_items.csv",
        "course_modules.csv",
        "modules.csv",
        "quiz.csv",
        "quiz_attempts.csv",
    ),
    "table/rows.csv": (),
}


def outcomes(case: str) -> list[dict]:
    """Every record's outcome, empty values left out."""
    path = GOLDEN / case
    adapter = ADAPTERS[case.split("/", maxsplit=1)[0]]
    sides = [path.parent / name for name in CASES[case]]
    session = adapter.prepare([path, *sides], AdaptOptions(platform="golden"))
    found = []
    for line, record in adapter.records(path):
        if isinstance(record, Failure):
            outcome = Rejected(record.reason, line, path.name)
        else:
            try:
                outcome = session.convert(record, line)
            except RecordError as error:
                outcome = Rejected(str(error), line, path.name)
        values = {k: v for k, v in asdict(outcome).items() if v not in (None, "")}
        if isinstance(outcome, Interaction):
            values = {"line": line, **values}
            if values["event_id"].startswith("hash:"):
                del values["event_id"]
        found.append({"outcome": type(outcome).__name__.lower(), **values})
    return found


@pytest.mark.parametrize("case", CASES)
def test_a_log_becomes_what_its_golden_file_says(case: str) -> None:
    expected = (GOLDEN / f"{case}.expected.jsonl").read_text(encoding="utf-8").splitlines()
    assert outcomes(case) == [json.loads(line) for line in expected]


def test_an_array_and_lines_of_the_same_statements_say_the_same() -> None:
    assert outcomes("xapi/statements.jsonl") == [
        {**row, **({"file": "statements.jsonl"} if "file" in row else {})}
        for row in outcomes("xapi/statements_array.json")
    ]


if __name__ == "__main__":
    for name in CASES:
        text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in outcomes(name))
        (GOLDEN / f"{name}.expected.jsonl").write_text(text, encoding="utf-8")
