"""Real records, changed at random: nothing crashes, counts add up, nothing is made up.

The records are those of the golden folders, so every format takes part by having one.
"""

from __future__ import annotations

import copy
import json
import math
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from platform_adapters.contract import (
    COLUMNS,
    AdaptOptions,
    Failure,
    Ignored,
    Interaction,
    Withdrawn,
)
from platform_adapters.convert import Converter
from platform_adapters.errors import OptionsError, RecordError
from platform_adapters.pseudonyms import Pseudonymiser
from platform_adapters.registry import ADAPTERS
from platform_adapters.report import ImportReport
from recommender.interactions import VERBS

GOLDEN = Path(__file__).resolve().parents[1] / "golden"
HOME = Pseudonymiser(bytes(range(32)))
OUTCOMES = ("score", "raw", "success", "completion", "progress", "duration_seconds")
ODD = [
    *("", " ", "0", "-1", "1e400", "nan", "null", "yes", "2024-13-01", "\ud800", "x" * 2000),
    *("1709283600", "9999999999999", 'a:1:{O:3:"Foo":0:{}}', '{"a":', "P1Y", "\0"),
]
OTHERS = [*ODD, None, True, False, 0, -1, 2**70, -(2**70), 1e308, math.nan, math.inf, [], [0], {}]


class Case:
    """A golden folder's records, and a session that has read its side tables."""

    def __init__(self, name: str) -> None:
        folder = GOLDEN / name
        self.adapter = ADAPTERS[name.split("/", maxsplit=1)[0]]
        options = folder / "options.json"
        given_options = json.loads(options.read_text()) if options.exists() else {}
        self.options = AdaptOptions("p", **given_options)
        paths = sorted((folder / "input").iterdir())
        self.session = self.adapter.prepare(paths, self.options)
        self.records = [
            record
            for path in self.adapter.split(paths)[0]
            for _, record in self.adapter.records(path)
            if not isinstance(record, Failure)
        ]


# A case of catalogues alone has no log among its expected outcomes.
CASES = sorted(
    str(path.parents[1].relative_to(GOLDEN)) for path in GOLDEN.glob("*/*/expected/outcomes.jsonl")
)


@cache
def opened(name: str) -> Case:
    return Case(name)


def places(record: object, path: tuple = ()) -> list[tuple]:
    """The places of all values in a record."""
    if isinstance(record, dict):
        inside = record.items()
    elif isinstance(record, list):
        inside = enumerate(record)
    else:
        return []
    return [p for key, value in inside for p in ((*path, key), *places(value, (*path, key)))]


def is_flat(record: object) -> bool:
    """Whether a record is a row of CSV: nothing but texts."""
    row = record[1] if isinstance(record, tuple) else record
    return isinstance(row, dict) and not any(isinstance(v, dict | list) for v in row.values())


def changed(record: object, place: tuple, value: object, *, gone: bool = False) -> object:
    made = copy.deepcopy(record)
    here = made
    for step in place[:-1]:
        here = here[step]
    if gone:
        del here[place[-1]]
    else:
        here[place[-1]] = value
    return made


@pytest.mark.parametrize("name", CASES)
@settings(max_examples=60)
@given(chance=st.randoms(use_true_random=False))
def test_a_mutated_record_is_one_of_four_things_and_keeps_the_contract(name, chance) -> None:
    case = opened(name)
    report = ImportReport()
    converter = Converter(case.session, case.options, HOME, report)
    for _ in range(4):
        record = chance.choice(case.records)
        for _ in range(chance.randint(1, 3)):
            where = places(record)
            if where:
                # A CSV holds texts only.
                value = chance.choice(ODD if is_flat(record) else OTHERS)
                record = changed(record, chance.choice(where), value)
        try:
            row = converter.accept(record, 1, "log")
        except OptionsError:
            report.rows -= 1  # a local time without a zone stops an import, as it should
            continue
        if isinstance(row, Interaction):
            assert row.verb in VERBS
            assert row.score is None or 0 <= row.score <= 1
            assert row.progress is None or 0 <= row.progress <= 1
            assert row.duration_seconds is None or row.duration_seconds >= 0
            assert row.learner.startswith("lp1_")
            assert row.item.strip()
            assert row.timestamp is None or row.order is None
    report.check()


@pytest.mark.parametrize("name", CASES)
def test_what_is_taken_out_of_a_record_is_never_made_up(name) -> None:
    case = opened(name)
    for record in case.records[:12]:
        before = outcome(case, record)
        if not isinstance(before, Interaction):
            continue
        for place in places(record):
            # A CSV always has all of its columns.
            after = outcome(case, changed(record, place, "", gone=not is_flat(record)))
            if isinstance(after, Interaction):
                assert after.learner == before.learner or after.learner in json.dumps(record)
                new = [f for f in OUTCOMES if made_up(f, before, after, record)]
                assert not new, (place, new)


def outcome(case: Case, record: object) -> Interaction | Ignored | Withdrawn | None:
    try:
        return case.session.convert(record, 1)
    except (RecordError, OptionsError):
        return None


def made_up(name: str, before: Interaction, after: Interaction, record: object) -> bool:
    """Whether an outcome is new, and is not what the record says in so many words."""
    value = getattr(after, name)
    said = json.dumps(value).removesuffix(".0") in json.dumps(record)
    return getattr(before, name) is None and value is not None and not said


def test_the_names_of_outcomes_are_those_of_the_table() -> None:
    assert set(OUTCOMES) <= set(COLUMNS)
