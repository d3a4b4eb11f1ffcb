from __future__ import annotations

import pytest

from platform_adapters.compiler import Function
from platform_adapters.contract import AdaptOptions, Ignored, Interaction
from platform_adapters.declared import DeclaredSession
from platform_adapters.declared_reader import RowReader
from platform_adapters.declared_rows import Means, Not, Rows
from platform_adapters.errors import RecordError
from platform_adapters.fields import Apply, Join, constant

TABLES = {"roles": {("7", "bio"): {"role": "student"}}}
KIND = Rows(
    name="log",
    what="a log",
    marks=frozenset({"who", "what"}),
    learner="who",
    item="what",
    time="at",
    event="did",
    verbs={"read": "viewed", 'say "hi"\n': Means("completed", {"completion": constant("1")})},
    rules=(Not("role", frozenset({"host"}), 'it\'s a "host"'),),
)


def reader() -> RowReader:
    return RowReader(KIND, "quiz", AdaptOptions("p", "UTC"), {})


def value_of(field: object, row: dict[str, object]) -> object:
    made = Function(TABLES)  # type: ignore[arg-type]
    name = made.value(field)  # type: ignore[arg-type]
    made.write(f"return {name}")
    return made.made()(row, 1)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("user", "7"),
        ('it\'s "quoted"\n', None),
        (("body", "id"), 3),
        (("user", "id"), None),
        (Join("roles", ("user", "course"), "role"), "student"),
        (Join("roles", ("user", "course")), "1"),
        (Join("roles", ("course", "user"), "role"), None),
        (Join("roles", "body", "role"), None),
        (Join("no such table", "user", "role"), None),
        (Apply(lambda a, b: f"{a}{b}", ("user", ("body", "id"))), "73"),
        (len, 3),
    ],
)
def test_a_field_is_taken_out_of_a_record(field: object, value: object) -> None:
    assert value_of(field, {"user": "7", "course": "bio", "body": {"id": 3}}) == value


def test_a_field_that_is_named_twice_is_taken_once() -> None:
    calls: list[object] = []
    field = Apply(lambda value: calls.append(value) or value, ("user",))
    assert value_of(Apply(lambda a, b: a + b, (field, field)), {"user": "7"}) == "77"
    assert calls == ["7"]


def test_names_with_quotes_and_line_ends_stay_names() -> None:
    row = {"who": "7", "what": "q", "at": "2024-03-01", "did": 'say "hi"\n'}
    found = reader().read(row, 1)
    assert isinstance(found, Interaction)
    assert (found.verb, found.completion, found.source) == (
        "completed",
        True,
        'quiz:say "hi"\n',
    )
    assert reader().read({**row, "role": "host"}, 2) == Ignored('it\'s a "host"', 2)


def test_the_kind_of_a_record_is_found_by_its_own_columns_each_time() -> None:
    session = DeclaredSession([reader()])
    row = {"who": "7", "what": "q", "at": "2024-03-01", "did": "read"}
    assert isinstance(session.convert(row, 1), Interaction)
    for lacking in ("who", "what"):
        with pytest.raises(RecordError, match="lacks a member"):
            session.convert({k: v for k, v in row.items() if k != lacking}, 2)
    assert isinstance(session.convert(row, 3), Interaction)


def test_endless_names_of_events_are_not_kept() -> None:
    ours = reader()
    row = {"who": "7", "what": "q", "at": "2024-03-01"}
    for number in range(50):
        assert isinstance(ours.read({**row, "did": f"event {number}"}, 1), Ignored)
    assert isinstance(ours.read({**row, "did": "read"}, 1), Interaction)
    assert list(ours.readers) == ["read"]
