from __future__ import annotations

import pytest

from platform_adapters.errors import RecordError
from platform_adapters.memo import Memo


def test_what_was_made_once_is_not_made_again() -> None:
    calls: list[str] = []
    memo = Memo(lambda text: calls.append(text) or text.upper())  # type: ignore[func-returns-value]
    assert [memo["a"], memo["b"], memo["a"]] == ["A", "B", "A"]
    assert calls == ["a", "b"]


def test_its_entries_are_bounded_in_number_and_length() -> None:
    memo = Memo(len, most=3)
    for number in range(10):
        assert memo[str(number)] == 1
        assert len(memo) <= 3
    assert memo["x" * 10_000] == 10_000
    assert memo["a", "x" * 10_000] == 2
    assert all(len(key) < 100 for key in memo)


def test_what_is_refused_is_refused_each_time() -> None:
    def refuse(text: str) -> str:
        raise RecordError(text)

    memo = Memo(refuse)
    for _ in range(2):
        with pytest.raises(RecordError, match="no"):
            memo["no"]
    assert not memo
