"""Times as Moodle's Logs page writes them, in the forms of its language packs.

Older sites give no year and the month's name (`11 May, 09:44`), newer ones numbers
(`11/05/24, 09:44:10`; `%m/%d/%y` in American English). A zone never stands there. What is missing
is asked for; whether day or month comes first must be seen from the file itself.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from platform_adapters.errors import OptionsError, RecordError
from platform_adapters.values import Clock

if TYPE_CHECKING:
    from platform_adapters.contract import AdaptOptions

_MONTHS = (
    "jan janv january januar enero gennaio janeiro janvier styczeń stycznia led leden ledna янв",
    "feb febr february februar febrero febbraio fevereiro févr février lut lutego úno únor фев",
    "mar mars march märz marzo março maart mrt marca bře březen března мар",
    "apr april abril aprile avr avril abr kwi kwietnia dub duben dubna апр",
    "may mai mayo maggio maio mei mag maj maja kvě květen května май мая",
    "jun june juni junio giugno junho juin giu cze czerwca čvn červen června июн",
    "jul july juli julio luglio julho juil juillet lug lip lipca čvc červenec července июл",
    "aug august augustus agosto ago août sie sierpnia srp srpen srpna авг",
    "sep sept september septiembre settembre setembro septembre set wrz września zář září сен",
    "oct october oktober octubre ottobre outubro octobre okt ott out paź października říj окт",
    "nov november noviembre novembre novembro lis listopada listopad listopadu ноя",
    "dec december dezember diciembre dicembre dezembro décembre dez déc dic gru grudnia pro дек",
)
"""English, German, French, Spanish, Italian, Portuguese, Dutch, Swedish, Danish, Norwegian,
Polish, Czech; Russian by its first three letters."""

_MONTH_OF = {name: month for month, names in enumerate(_MONTHS, 1) for name in names.split()}
_CLOCK = (
    r",?(?:\s+[^\W\d_]{1,4})?\s+(?P<hour>\d{1,2})[:.](?P<minute>\d{2})(?:[:.](?P<second>\d{2}))?"
    r"\s*(?P<half>[AaPp]\.?[Mm]\.?)?"
)
_NUMBERS = re.compile(
    rf"(?P<a>\d{{1,4}})(?P<sign>[/.-])(?P<b>\d{{1,2}})[/.-](?P<c>\d{{1,4}}){_CLOCK}"
)
_NAMED = re.compile(
    rf"(?P<day>\d{{1,2}})\.?\s+(?:de\s+)?(?P<month>[^\W\d_]+)\.?(?:\s+(?:de\s+)?(?P<year>\d{{4}}))?{_CLOCK}"
)
_STEP_BACK = timedelta(days=31)
_HALF_A_YEAR = timedelta(days=183)


def looks_like_time(text: str) -> bool:
    """Whether a cell holds one of the page's times."""
    text = " ".join(text.split())
    return bool(_NUMBERS.fullmatch(text) or _NAMED.fullmatch(text))


class DayOrder:
    """Learns from a file's times in numbers whether the day or the month comes first."""

    def __init__(self) -> None:
        self._greatest = [0, 0]
        self._differ = False

    def see(self, text: str) -> None:
        """Take a time into account."""
        found = _NUMBERS.fullmatch(" ".join(text.split()))
        if found and found["sign"] != "." and len(found["a"]) < 3:
            first, second = int(found["a"]), int(found["b"])
            self._greatest = [max(self._greatest[0], first), max(self._greatest[1], second)]
            self._differ |= first != second

    @property
    def found(self) -> str:
        """`day`, `month`, or empty where the file does not tell."""
        first, second = self._greatest
        if first > 12 >= second:
            return "day"
        if second > 12 >= first:
            return "month"
        return "" if self._differ else "day"


class PageTimes:
    """Reads the page's times; refuses a file whose rows pass a turn of the year unsaid."""

    def __init__(self, options: AdaptOptions) -> None:
        self._clock = Clock(options.timezone, "Time")
        self._year = options.year
        self._last: datetime | None = None
        self._direction = 0

    def seconds(self, text: str, order: str) -> int:
        """Unix seconds.

        Args:
            text: As it stands in the file.
            order: What `DayOrder` found.

        Raises:
            RecordError: It is no time of the page.
            OptionsError: It has no year and none was given, the rows pass a turn of the year, or
                day and month cannot be told apart.
            TimezoneError: No zone was given.
        """
        text = " ".join(text.split())
        if found := _NUMBERS.fullmatch(text):
            return self._clock.seconds(_in_numbers(found, order))
        found = _NAMED.fullmatch(text)
        month = _month(found["month"]) if found else None
        if found is None or month is None:
            raise RecordError("Time is in no form that is known of Moodle's Logs page")
        year = int(found["year"]) if found["year"] else self._given_year()
        moment = _moment(year, month, int(found["day"]), found)
        if not found["year"]:
            self._watch(moment)
        return self._clock.seconds(moment)

    def _given_year(self) -> int:
        if self._year is None:
            raise OptionsError(
                "the column Time has no year: say which with --year, for instance --year 2024"
            )
        return self._year

    def _watch(self, moment: datetime) -> None:
        """The page is sorted; a jump against its direction is a turn of the year."""
        step = moment - self._last if self._last is not None else timedelta()
        self._last = moment
        if step and not self._direction and abs(step) < _STEP_BACK:
            self._direction = 1 if step > timedelta() else -1
        against = abs(step) >= _STEP_BACK and self._direction * step < timedelta()
        if against or abs(step) >= _HALF_A_YEAR:
            raise OptionsError(
                "the rows pass a turn of the year and Time has no year: split the file there and "
                "give each part its --year"
            )


def _month(name: str) -> int | None:
    """A month by its name, in the languages above; of inflected names the stem is enough."""
    name = name.casefold()
    return _MONTH_OF.get(name) or _MONTH_OF.get(name[:3] if name > "а" else name)


def _in_numbers(found: re.Match[str], order: str) -> datetime:
    a, b, c = int(found["a"]), int(found["b"]), int(found["c"])
    if len(found["a"]) == 4:
        return _moment(a, b, c, found)
    year = c if len(found["c"]) == 4 else 2000 + c
    if found["sign"] == "." or order == "day":
        return _moment(year, b, a, found)
    if order == "month":
        return _moment(year, a, b, found)
    raise OptionsError(
        "in the column Time day and month cannot be told apart: no day after the 12th occurs. "
        "Export a longer period, or with the month's name"
    )


def _moment(year: int, month: int, day: int, found: re.Match[str]) -> datetime:
    hour, half = int(found["hour"]), (found["half"] or "").casefold()[:1]
    if half:
        hour = hour % 12 + (12 if half == "p" else 0)
    try:
        # Local on purpose: `Clock` adds the zone given, and asks for it if there is none.
        return datetime(  # noqa: DTZ001
            year, month, day, hour, int(found["minute"]), int(found["second"] or 0)
        )
    except ValueError:
        raise RecordError("Time is no date of its year, or no time of day") from None
