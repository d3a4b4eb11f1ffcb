"""Words, figures and examples of the pages; sessions; the rate limit."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.errors import TooManyRequestsError
from api.pages.personas import NEWCOMER, personas
from api.pages.sessions import Session, cookie_name, open_session, roles, seal
from api.pages.wording import (
    PARTS,
    counted,
    day,
    duration,
    figure,
    listing,
    minute,
    sentence,
    shares,
    short_id,
    whole_percents,
)
from api.rate import RateLimit
from recommender.catalogue import CatalogueItem

KEYS = [part.key for part in PARTS]


@given(st.dictionaries(st.sampled_from(KEYS), st.floats(-10, 1e6, allow_nan=False), min_size=1))
def test_shares_fill_the_bar_and_sum_to_100(parts: dict[str, float]) -> None:
    drawn = shares(parts)
    if not any(value > 0 for value in parts.values()):
        assert drawn == ()
        return
    assert sum(share.percent for share in drawn) == 100
    assert drawn[-1].x + drawn[-1].width <= 100.6
    for left, right in pairwise(drawn):
        assert left.x < right.x
    assert {share.key for share in drawn} <= {key for key, value in parts.items() if value > 0}


def test_a_part_that_moves_nothing_is_not_drawn() -> None:
    (only,) = shares({"merged": 3.0, "local": 0.0, "text": 0.001})
    assert (only.key, only.percent, only.x, only.width) == ("merged", 100, 0.0, 100.0)


def test_percents_are_rounded_by_the_largest_remainder() -> None:
    assert whole_percents([1, 1, 1]) == [34, 33, 33]


@pytest.mark.parametrize(
    ("minutes", "text"),
    [
        (None, ""),
        (0, ""),
        (0.2, "1 min"),
        (25, "25 min"),
        (119, "119 min"),
        (150, "about 2.5 h"),
        (1440, "about 24 h"),
    ],
)
def test_durations_are_said_as_people_say_them(minutes: float | None, text: str) -> None:
    assert duration(minutes) == text


def test_dates_lists_and_numbers_read_well() -> None:
    moment = datetime(2026, 11, 4, 9, 5, tzinfo=UTC)
    assert day(moment) == "4 Nov 2026"
    assert minute(moment) == "4 Nov 2026, 09:05 UTC"
    assert (day(None), minute(None)) == ("", "")
    assert listing([]) == ""
    assert listing(["a"]) == "a"
    assert listing(["a", "b", "c"]) == "a, b and c"
    assert counted(1, "platform", "platforms") == "One platform"
    assert counted(12, "platform", "platforms") == "12 platforms"
    assert short_id("x" * 40) == "xxxxxxxx…xxxx"
    assert short_id("short") == "short"
    assert sentence("no such thing") == "No such thing."
    assert sentence("Done!") == "Done!"


def test_an_epsilon_is_rounded_up() -> None:
    assert figure(3.991) == "4.00"
    assert figure(4.0) == "4.00"
    assert figure(4.0001) == "4.01"


def rows(*titles: str, **common: str) -> list[CatalogueItem]:
    return [CatalogueItem(title.lower(), title=title, **common) for title in titles]


def test_examples_begin_a_section_in_its_own_order() -> None:
    catalogue = [
        CatalogueItem("c", title="Third", section="Cells", position=2),
        CatalogueItem("a", title="First", section="Cells", position=0),
        CatalogueItem("b", title="Second", section="Cells", position=1),
    ]
    newcomer, beginner = personas(catalogue)
    assert (newcomer.key, newcomer.items) == (NEWCOMER, ())
    assert beginner.title == "Beginning: Cells"
    assert beginner.items == ("a", "b")
    assert beginner.detail == "Has done First and Second"


def test_without_sections_the_subject_in_the_title_groups_by_number() -> None:
    catalogue = rows("History, course 10", "History, course 9", "History, course 2", "Other")
    _, beginner = personas(catalogue)
    assert beginner.items == ("history, course 2", "history, course 9")


def test_small_groups_make_no_example_and_an_empty_catalogue_none_at_all() -> None:
    assert [one.key for one in personas(rows("A, 1", "A, 2", "B"))] == [NEWCOMER]
    assert personas([]) == ()


KEY = b"k" * 32


def test_a_session_opens_with_its_own_key_until_it_runs_out() -> None:
    session = Session("key:abc", ("design",), 1000)
    cookie = seal(session, KEY)
    assert open_session(cookie, KEY, 999) == session
    assert open_session(cookie, KEY, 1000) is None
    assert open_session(cookie, b"o" * 32, 999) is None


@given(st.text(max_size=60))
def test_no_text_is_a_session(text: str) -> None:
    assert open_session(text, KEY, 0) is None


@given(st.integers(0, 200), st.integers(1, 255))
def test_any_altered_byte_ends_a_session(place: int, change: int) -> None:
    cookie = seal(Session("link", ("design", "operate"), 1000), KEY)
    at = place % len(cookie)
    altered = cookie[:at] + chr((ord(cookie[at]) + change) % 256) + cookie[at + 1 :]
    opened = open_session(altered, KEY, 0)
    # Base64 has spare bits at its end; only they may change without changing what is signed.
    assert opened is None or opened == open_session(cookie, KEY, 0)


def test_two_homes_on_one_host_keep_sessions_apart() -> None:
    assert cookie_name(KEY) != cookie_name(b"o" * 32)


def test_only_roles_open_pages() -> None:
    assert roles(("paths:read", "operate", "design")) == ("design", "operate")


def test_a_rate_refills_with_time_and_never_above_its_burst() -> None:
    moment = 0.0
    limit = RateLimit(per_second=2.0, burst=3, clock=lambda: moment)
    for _ in range(3):
        limit.take("a")
    with pytest.raises(TooManyRequestsError) as refused:
        limit.take("a")
    assert refused.value.retry_after_seconds == 1
    limit.take("b")
    moment = 0.5
    limit.take("a")
    moment = 1000.0
    for _ in range(3):
        limit.take("a")
    with pytest.raises(TooManyRequestsError):
        limit.take("a")


def test_buckets_are_bounded() -> None:
    limit = RateLimit(clock=lambda: 0.0)
    for number in range(10_050):
        limit.take(str(number))
    assert len(limit._buckets) == 10_000
