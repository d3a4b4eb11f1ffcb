"""Values of records, checked: times, numbers, scores, ids. Shared by all formats.

Every function raises `RecordError` with a reason that names the field and never the value:
reasons stand in reports, and a value may be a learner's.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
import uuid
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import orjson

from platform_adapters.contract import HASHED, LATEST, MAX_ID_BYTES
from platform_adapters.digests import uuids
from platform_adapters.errors import RecordError, TimezoneError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from platform_adapters.contract import Json

EARLIEST = 631_152_000
"""1990-01-01: nothing of an e-learning platform is older; milliseconds are not seconds."""

_1970 = datetime(1970, 1, 1)  # noqa: DTZ001  its zone is whatever the other's is
_UTC_1970 = _1970.replace(tzinfo=UTC)
_OFFSET = re.compile(r"([+-])(\d{2}):?(\d{2})")
_DURATION = re.compile(
    r"P(?:(?P<weeks>\d+(?:\.\d+)?)W|"
    r"(?:(?P<years>\d+)Y)?(?:(?P<months>\d+)M)?(?:(?P<days>\d+(?:\.\d+)?)D)?"
    r"(?:T(?=\d)(?:(?P<hours>\d+(?:\.\d+)?)H)?(?:(?P<minutes>\d+(?:\.\d+)?)M)?"
    r"(?:(?P<seconds>\d+(?:\.\d+)?)S)?)?)"
)


def zone_named(name: str | None) -> tzinfo | None:
    """A zone by IANA name (`Europe/Berlin`), `UTC` or offset (`+02:00`).

    Raises:
        TimezoneError: There is no such zone.
    """
    if name is None:
        return None
    offset = _OFFSET.fullmatch(name)
    if offset is not None:
        sign = -1 if offset.group(1) == "-" else 1
        delta = timedelta(hours=int(offset.group(2)), minutes=int(offset.group(3)))
        if delta < timedelta(hours=24):
            return timezone(sign * delta)
    if name.upper() in {"UTC", "Z"}:
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise TimezoneError(
            f"there is no time zone {name!r}; expected a name such as Europe/Berlin, or an "
            "offset such as +02:00"
        ) from error


class Clock:
    """Reads a source's times as unix seconds; local times need a zone."""

    def __init__(self, zone: str | None, field: str, patterns: Sequence[str] = ()) -> None:
        """Take the zone for times without one, and the field's name for messages.

        Args:
            zone: IANA name or offset; None refuses local times.
            field: Its name, for messages.
            patterns: Ways to write a time beside ISO 8601, as for `strptime`.

        Raises:
            TimezoneError: There is no such zone.
        """
        self._zone = zone_named(zone)
        fixed = self._zone.utcoffset(None) if self._zone is not None else None
        # Where the zone's offset never changes, local times are counted from a local 1970.
        self._local_1970 = _1970 + fixed if fixed is not None else None
        self._field = field
        self._patterns = patterns
        self._parse = lru_cache(maxsize=8192)(self._parse_text)

    def seconds(self, value: object) -> int:
        """Unix seconds, UTC, of an ISO 8601 text or a number of seconds.

        Raises:
            RecordError: It is no time, or not between 1990 and 2100.
            TimezoneError: It is a local time and no zone was given.
        """
        if value.__class__ is not str or not value:
            return self._of_other(value)
        text: str = value
        # What nearly all logs write, without a detour; `_parse` reads the rest, or refuses it.
        if text.isdigit():
            seconds = int(text) if len(text) < 12 and text.isascii() else 0
        else:
            try:
                moment = datetime.fromisoformat(text)
            except ValueError:
                return self._parse(text)
            if moment.tzinfo is None and self._local_1970 is not None:
                since = moment - self._local_1970
            else:
                since = self._aware(moment) - _UTC_1970
            seconds = since.days * 86_400 + since.seconds
        return seconds if EARLIEST <= seconds < LATEST else self._parse(text)

    def _of_other(self, value: object) -> int:
        if isinstance(value, datetime):
            return self._in_range(self._aware(value).timestamp())
        if isinstance(value, int | float) and not isinstance(value, bool):
            return self._in_range(value)
        raise RecordError(f"{self._field} is missing or not a time")

    def _parse_text(self, text: str) -> int:
        text = text.strip()
        if text.isascii() and text.lstrip("-").replace(".", "", 1).isdigit() and "-" not in text:
            return self._in_range(float(text))
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            moment = self._by_pattern(text)
        return self._in_range(self._aware(moment).timestamp())

    def _by_pattern(self, text: str) -> datetime:
        for pattern in self._patterns:
            try:
                return datetime.strptime(text, pattern)  # noqa: DTZ007  its zone comes after
            except ValueError:
                continue
        raise RecordError(f"{self._field} is not an ISO 8601 time")

    def _aware(self, moment: datetime) -> datetime:
        if moment.tzinfo is not None:
            return moment
        if self._zone is None:
            raise TimezoneError(
                f"{self._field} holds local times without a zone: say which with --timezone, "
                "for instance --timezone Europe/Berlin (the platform's own setting)"
            )
        return moment.replace(tzinfo=self._zone)

    def _in_range(self, seconds: float) -> int:
        if not EARLIEST <= seconds < LATEST:
            raise RecordError(
                f"{self._field} is not between 1990 and 2100; expected unix seconds or ISO 8601"
            )
        return math.floor(seconds)


def number(value: object, field: str) -> float | None:
    """A finite number, or None if missing. Texts are numbers only in `text_number`.

    Raises:
        RecordError: It is something else.
    """
    if value is None:
        return None
    try:
        if not isinstance(value, bool) and isinstance(value, int | float) and math.isfinite(value):
            return float(value)
    except OverflowError:  # a whole number of more than 300 digits
        pass
    raise RecordError(f"{field} is not a number")


def text_number(value: object, field: str) -> float | None:
    """A number that may be written as text, as in CSV; None if missing.

    Raises:
        RecordError: It is something else.
    """
    if value is None or value == "":
        return None
    if isinstance(value, str):
        try:
            found = float(value)
        except ValueError:
            if not value.strip():
                return None
            raise RecordError(f"{field} is not a number") from None
        if math.isfinite(found):
            return found
        value = found
    if isinstance(value, float) and math.isnan(value):
        return None
    return number(value, field)


def boolean(value: object, field: str) -> bool | None:
    """A JSON boolean, or None if missing.

    Raises:
        RecordError: It is something else, such as the text "true".
    """
    if value is None or isinstance(value, bool):
        return value
    raise RecordError(f"{field} is not true or false")


def part(value: object, field: str) -> float | None:
    """A number in [0, 1] that may be written as text; None if missing.

    Raises:
        RecordError: It is something else.
    """
    found = text_number(value, field)
    if found is not None and not 0 <= found <= 1:
        raise RecordError(f"{field} is outside 0..1")
    return found


def length(value: object, field: str) -> float | None:
    """A number that is not negative and may be written as text; None if missing.

    Raises:
        RecordError: It is something else.
    """
    found = text_number(value, field)
    if found is not None and found < 0:
        raise RecordError(f"{field} is negative")
    return found


def whole_number(value: object, field: str) -> int | None:
    """A whole number that may be written as text; None if missing.

    Raises:
        RecordError: It is something else.
    """
    found = text_number(value, field)
    if found is None:
        return None
    if found != int(found):
        raise RecordError(f"{field} is not a whole number")
    return int(found)


_BOOLEANS = {"true": True, "t": True, "1": True, "false": False, "f": False, "0": False}


def yes_no(value: object, field: str) -> bool | None:
    """A boolean that may be written as text or number, as in CSV; None if missing.

    Raises:
        RecordError: It is something else.
    """
    if isinstance(value, bool):
        return value
    if value is None or value == "" or (isinstance(value, float) and math.isnan(value)):
        return None
    found = _BOOLEANS.get(str(value).strip().lower())
    if found is None:
        raise RecordError(f"{field} is not true or false")
    return found


def identifier(value: object, field: str) -> str:
    """An id as text: not empty, at most 1,024 bytes, without surrounding space.

    Raises:
        RecordError: It is missing, too long, or neither text nor a whole number.
    """
    if value.__class__ is not str:
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
        raise RecordError(f"{field} is missing")
    text: str = value.strip()
    if not text:
        raise RecordError(f"{field} is empty")
    if len(text) > MAX_ID_BYTES // 4 and len(text.encode(errors="replace")) > MAX_ID_BYTES:
        raise RecordError(f"{field} is longer than {MAX_ID_BYTES:,} bytes")
    return text


def ratio(raw: float | None, low: float | None, high: float | None) -> float | None:
    """(raw - low) / (high - low), clamped to [0, 1]; None where it is not defined, never 0.

    A negative number where nothing says how low it may go is how exports write "no grade".
    """
    if raw is None or high is None or (low is None and raw < 0):
        return None
    low = low or 0.0
    if high <= low:
        return None
    return min(1.0, max(0.0, (raw - low) / (high - low)))


def share(value: float | None) -> float | None:
    """A part of a whole clamped to [0, 1]; None stays None."""
    return None if value is None else min(1.0, max(0.0, value))


def duration(value: object, field: str) -> float | None:
    """Seconds of an ISO 8601 duration; None if missing, or if months or years make it vague.

    Raises:
        RecordError: It is no duration.
    """
    if value is None:
        return None
    found = _DURATION.fullmatch(value) if isinstance(value, str) else None
    parts = {k: v for k, v in found.groupdict().items() if v} if found else {}
    if not parts:
        raise RecordError(f"{field} is not an ISO 8601 duration")
    if "years" in parts or "months" in parts:
        return None
    sizes = {"weeks": 604_800, "days": 86_400, "hours": 3_600, "minutes": 60, "seconds": 1}
    return sum(float(parts[name]) * size for name, size in sizes.items() if name in parts)


def event_namespace(platform: str) -> bytes:
    """The name space of a platform's event ids, for `event_id`."""
    return uuid.uuid5(uuid.NAMESPACE_URL, f"urn:murmuration:platform:{platform}").bytes


def event_id(namespace: bytes, name: str) -> str:
    """`uuid5` of a name space and a name (RFC 9562), without building a `UUID`."""
    return many_ids(namespace)((name,))[0]


def many_ids(namespace: bytes) -> Callable[[Sequence[str]], list[str]]:
    """`event_id` of many names of one name space."""
    # SHA-1 is what version 5 is made of; nothing here depends on its strength.
    begun = hashlib.sha1(namespace, usedforsecurity=False).copy

    def many(names: Sequence[str]) -> list[str]:
        digests = []
        for name in names:
            digest = begun()
            digest.update(name.encode("utf-8", "replace"))
            digests.append(digest.digest())
        return uuids(digests)

    return many


def hashed(record: Json) -> str:
    """An event id made of the whole record, for sources that number nothing (see `HASHED`)."""
    try:
        canonical = orjson.dumps(record, option=orjson.OPT_SORT_KEYS, default=str)
    except TypeError:  # a number of more than 64 bits, or half a character
        canonical = json.dumps(record, sort_keys=True, default=str).encode()
    return HASHED + hashlib.sha256(canonical).hexdigest()


def get(value: object, *path: str) -> Json:
    """A nested member, or None as soon as something on the way is no object."""
    for name in path:
        if value.__class__ is not dict:
            return None
        value = value.get(name)
    return value
