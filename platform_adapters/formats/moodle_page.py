"""Moodle's *Logs* report page, exported as CSV with the interface in English.

A poor source, for those who cannot reach the database: ids stand only in the English sentence
of the column `Description`, names are never used, times have minutes, no zone and on many
sites no year, and neither grades nor completion states are told. Both zone and year must be
given (`--timezone`, `--year`); a file whose rows pass a turn of the year must be split.

Example: `"11 May, 09:44",Ana,-,Page: Photosynthesis,Page,Course module viewed,"The user with id
'12' viewed the 'page' activity with course module id '340'.",web,10.0.0.2`
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from platform_adapters.contract import AdaptOptions, Ignored, Interaction
from platform_adapters.errors import OptionsError, RecordError
from platform_adapters.formats.moodle_tables import module_id
from platform_adapters.values import Clock, hashed

if TYPE_CHECKING:
    from collections.abc import Mapping

COLUMNS = frozenset({"Time", "Event name", "Description", "Origin"})
"""Columns by which the page's export is known."""

_USER = re.compile(r"user with id '(\d{1,19})'")
_MODULE = re.compile(r"course module id '(\d{1,19})'")
_COURSE = re.compile(r"course with id '(\d{1,19})'")
_WITH_YEAR = ("%d/%m/%y, %H:%M", "%d/%m/%y, %H:%M:%S", "%d %B %Y, %I:%M:%S %p", "%d %b %Y, %H:%M")
_WITHOUT_YEAR = ("%d %b, %H:%M", "%d %B, %H:%M")
_STEP_BACK = timedelta(days=31)
_HALF_A_YEAR = timedelta(days=183)


@dataclass(frozen=True, slots=True)
class PageRule:
    """What an event of the page means.

    Attributes:
        verb: Its verb.
        about_course: Whether it is about the course and not a module.
        learner: 0 if the sentence names the learner first, -1 if last (after whoever acted).
    """

    verb: str
    about_course: bool = False
    learner: int = 0


RULES: Mapping[str, PageRule] = {
    "Course module viewed": PageRule("viewed"),
    "Chapter viewed": PageRule("viewed"),
    "Content page viewed": PageRule("viewed"),
    "Course viewed": PageRule("viewed", about_course=True),
    "User enrolled in course": PageRule("enrolled", about_course=True, learner=-1),
    "User unenrolled from course": PageRule("unenrolled", about_course=True, learner=-1),
    "Course completed": PageRule("completed", about_course=True, learner=-1),
    "Quiz attempt started": PageRule("started", learner=-1),
    "Quiz attempt submitted": PageRule("attempted", learner=-1),
    "A submission has been submitted.": PageRule("submitted"),
    "Question answered": PageRule("answered"),
    "Lesson ended": PageRule("completed"),
    "Discussion created": PageRule("interacted"),
    "Post created": PageRule("interacted"),
}


class PageTimes:
    """Reads the page's times; refuses a file whose rows pass a turn of the year unsaid."""

    def __init__(self, options: AdaptOptions) -> None:
        self._clock = Clock(options.timezone, "Time")
        self._year = options.year
        self._last: datetime | None = None
        self._direction = 0

    def seconds(self, text: str) -> int:
        """Unix seconds.

        Raises:
            RecordError: It is no time of the page.
            OptionsError: It has no year and none was given, or the rows pass a turn of the year.
            TimezoneError: No zone was given.
        """
        moment = self._moment(" ".join(text.split()))
        return self._clock.seconds(moment)

    def _moment(self, text: str) -> datetime:
        for form in _WITH_YEAR:
            found = _parse(text, form)
            if found is not None:
                return found
        for form in _WITHOUT_YEAR:
            # 2000 was a leap year, so that a 29 February is a date before its year is known.
            found = _parse(f"2000 {text}", f"%Y {form}")
            if found is not None:
                return self._in_year(found)
        raise RecordError("Time is not in the form of Moodle's English report page")

    def _in_year(self, moment: datetime) -> datetime:
        if self._year is None:
            raise OptionsError(
                "the column Time has no year: say which with --year, for instance --year 2024"
            )
        try:
            moment = moment.replace(year=self._year)
        except ValueError:
            raise RecordError("Time is a 29 February, which the year given has not") from None
        self._watch(moment)
        return moment

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


def _parse(text: str, form: str) -> datetime | None:
    try:
        # Local on purpose: `Clock` adds the zone given, and asks for it if there is none.
        return datetime.strptime(text, form)  # noqa: DTZ007
    except ValueError:
        return None


def convert_row(row: dict[str, str], line: int, times: PageTimes) -> Interaction | Ignored:
    """One row of the page as its outcome.

    Raises:
        RecordError: The row is not what the page writes in English.
        OptionsError: The year or the zone is missing.
    """
    rule = RULES.get(row["Event name"])
    if rule is None:
        return Ignored(
            "no learning event, or one whose outcome the report page does not tell", line
        )
    if " as " in row.get("User full name", ""):
        return Ignored("somebody logged in as the learner", line)
    if rule.learner == 0 and row["Origin"] in {"cli", "cron", "restore"}:
        return Ignored("done by the server, not the learner", line)
    sentence = row["Description"]
    users, module, course = (p.findall(sentence) for p in (_USER, _MODULE, _COURSE))
    item = (course if rule.about_course else module)[:1]
    if not users or not item:
        raise RecordError("Description names no ids; export the page with the interface in English")
    if users[rule.learner] == "0":
        return Ignored("guest or server", line)
    return Interaction(
        event_id=hashed(row),
        learner=users[rule.learner],
        item=item[0] if rule.about_course else module_id(item[0]),
        timestamp=times.seconds(row["Time"]),
        order=None,
        verb=rule.verb,
        course=course[0] if course else "",
        source=f"moodle:report page, {row['Event name']}",
    )
