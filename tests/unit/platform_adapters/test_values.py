from __future__ import annotations

import uuid
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from platform_adapters import values
from platform_adapters.errors import RecordError, TimezoneError
from platform_adapters.values import Clock, duration, event_id, identifier, number, ratio


@given(st.binary(min_size=16, max_size=16), st.text(st.characters(codec="utf-8"), max_size=100))
def test_an_event_id_is_uuid5(namespace: bytes, name: str) -> None:
    assert event_id(namespace, name) == str(uuid.uuid5(uuid.UUID(bytes=namespace), name))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2024-03-01T10:00:00+01:00", 1709283600),
        ("2024-03-01T09:00:00.999999Z", 1709283600),
        ("2024-03-01 09:00:00+00:00", 1709283600),
        ("1709283600", 1709283600),
        ("1709283600.75", 1709283600),
        (1709283600, 1709283600),
        (datetime(2024, 3, 1, 9, tzinfo=UTC), 1709283600),
    ],
)
def test_a_time_is_unix_seconds_in_utc(value: object, expected: int) -> None:
    assert Clock(None, "timestamp").seconds(value) == expected


@pytest.mark.parametrize("value", ["2024-03-01 09:00:00", "2024-03-01", datetime(2024, 3, 1)])  # noqa: DTZ001 - a local time on purpose
def test_a_local_time_asks_for_its_zone_and_is_never_guessed(value: object) -> None:
    with pytest.raises(TimezoneError, match="--timezone"):
        Clock(None, "timecreated").seconds(value)


def test_a_local_time_is_read_in_the_zone_given_summer_and_winter() -> None:
    clock = Clock("Europe/Berlin", "timecreated")
    assert clock.seconds("2024-03-01 10:00:00") == 1709283600
    assert clock.seconds("2024-07-01 11:00:00") == 1719824400
    assert Clock("+05:30", "t").seconds("2024-03-01 14:30:00") == 1709283600


@pytest.mark.parametrize("name", ["Mars/Phobos", "", "../etc/passwd", "+99:00", "CESTX"])
def test_a_zone_that_does_not_exist_is_refused(name: str) -> None:
    with pytest.raises(TimezoneError, match="Europe/Berlin"):
        Clock(name, "timestamp")


@pytest.mark.parametrize("value", [None, "", "yesterday", True, 1709283600000, -5, float("nan")])
def test_what_is_no_time_is_refused_by_field(value: object) -> None:
    with pytest.raises(RecordError, match="timestamp"):
        Clock("UTC", "timestamp").seconds(value)


@pytest.mark.parametrize(
    ("raw", "low", "high", "expected"),
    [
        (15, 10, 20, 0.5),
        (5, None, 10, 0.5),
        (5, 0, 1, 1.0),
        (-1, 0, 1, 0.0),
        (3, 0, 0, None),
        (3, 5, 4, None),
        (None, 0, 1, None),
        (3, 0, None, None),
    ],
)
def test_a_score_is_the_share_of_the_range_and_never_0_for_unknown(
    raw: float, low: float, high: float, expected: float | None
) -> None:
    assert ratio(raw, low, high) == expected


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("PT1M30.5S", 90.5), ("P1DT1H", 90000.0), ("P2W", 1209600.0), ("P1M", None), ("P1Y2D", None)],
)
def test_a_duration_is_seconds_unless_months_make_it_vague(
    text: str, seconds: float | None
) -> None:
    assert duration(text, "duration") == seconds


@pytest.mark.parametrize("text", ["PA1H0M0S", "P", "PT", "1H", 90, "", "P1DT"])
def test_a_bad_duration_is_refused(text: object) -> None:
    with pytest.raises(RecordError, match="duration"):
        duration(text, "duration")


@pytest.mark.parametrize("value", ["1", True, float("inf"), float("nan"), [1]])
def test_a_json_number_is_a_finite_number_and_no_text(value: object) -> None:
    with pytest.raises(RecordError):
        number(value, "raw")


@pytest.mark.parametrize("value", [None, "", "  ", True, 1.5, {}, "x" * 1025, "é" * 513])
def test_an_id_is_text_or_a_whole_number_of_at_most_1024_bytes(value: object) -> None:
    with pytest.raises(RecordError):
        identifier(value, "item")


def test_no_reason_tells_the_value() -> None:
    secret = "ana.secret"
    clock = Clock(None, "timestamp")
    for call in (
        lambda: clock.seconds(secret),
        lambda: values.text_number(secret, "score"),
        lambda: values.boolean(secret, "success"),
        lambda: values.duration(secret, "duration"),
        lambda: values.identifier(secret * 200, "item"),
    ):
        with pytest.raises(RecordError) as caught:
            call()
        assert secret not in str(caught.value)


@pytest.mark.parametrize("parse", [number, values.text_number])
def test_a_whole_number_that_no_float_holds_is_no_number(parse) -> None:
    with pytest.raises(RecordError, match="raw is not a number"):
        parse(10**400, "raw")
