"""The CSV of Moodle's *Logs* page, in any language.

A poor source, for those who cannot reach the database. Headers and names of events are
translated; the column `Description` is not (`get_description` of Moodle's event classes), and in
its sentence stand the ids. So columns are known by what is in them, and events by the sentence.
Names of people are used for one thing only: "X as Y" in whatever language is a row of somebody
who was logged in as Y. Neither grades nor completion states are told,
but what SCORM packages report is.

Example: `"11/05/24, 09:44:10",Ana,-,Page: Photosynthesis,Page,Course module viewed,"The user with
id '12' viewed the 'page' activity with course module id '340'.",web,10.0.0.2`
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from platform_adapters.contract import Failure, Ignored, Interaction
from platform_adapters.errors import ReadError, RecordError
from platform_adapters.formats.moodle import scorm
from platform_adapters.formats.moodle.tables import SENTENCES
from platform_adapters.formats.moodle.words import module_id
from platform_adapters.readers.csv_rows import delimiter_of, read_csv, read_header
from platform_adapters.readers.files import read_start
from platform_adapters.values import hashed
from platform_adapters.written_times import DayOrder, looks_like_time

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from platform_adapters.contract import Record
    from platform_adapters.written_times import PageTimes

COLUMNS = frozenset({"Time", "Event name", "Description", "Origin"})
"""Some of the columns, in English."""

SENTENCE = "The user with id '"
"""How a description begins."""

_ORIGINS = frozenset({"web", "ws", "cli", "cron", "restore"})
_ACTED_BY_SERVER = frozenset({"cli", "cron", "restore"})
_USER = re.compile(r"user with (?:the )?id '(\d{1,19})'")
_MODULE = re.compile(r"course module id '(\d{1,19})'")
_COURSE = re.compile(r"course with id '(\d{1,19})'")
_LOOKED_AT = 50
_COLUMNS = 9
"""Of the page: time, who, whom, context, component, event, sentence, origin, address."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Which columns of a file hold what, found by their content.

    Attributes:
        time: Name of the column with the time.
        name: Name of the one after it, with who acted.
        description: Name of the one with the sentence.
        origin: Name of the one with `web`, `ws`, `cli`, ...
    """

    time: str
    name: str
    description: str
    origin: str


_ENGLISH = Layout("Time", "User full name", "Description", "Origin")


def layout_of(path: Path) -> Layout | None:
    """The layout of a file of the page; None if it is something else."""
    if set(read_header(path)) >= COLUMNS:
        return _ENGLISH
    start = read_start(path)
    if SENTENCE.encode() not in start:
        return None
    lines = start.decode("utf-8", errors="replace").splitlines()
    rows = list(csv.reader(lines[:_LOOKED_AT], delimiter=delimiter_of(lines[0])))
    header = [name.strip() for name in rows[0]]
    rows = [row for row in rows[1:] if len(row) == len(header)]

    def column(*marks: str, time: bool = False) -> int | None:
        for place in range(len(header)):
            cells = [row[place].strip() for row in rows]
            found = sum(looks_like_time(cell) if time else cell.startswith(marks) for cell in cells)
            if cells and 2 * found > len(cells):
                return place
        return None

    places = column(time=True), column(SENTENCE, "A user"), column(*_ORIGINS)
    if None in places:
        return None
    time, sentence, origin = (place for place in places if place is not None)
    if time + 1 >= len(header):
        return None
    # Where somebody took the columns with people out, what follows the time is no name.
    name = header[time + 1] if len(header) >= _COLUMNS else ""
    return Layout(header[time], name, header[sentence], header[origin])


def is_page(path: Path) -> bool:
    """Whether a CSV is one of the page, in whatever language."""
    return layout_of(path) is not None


def read_page(path: Path) -> Iterator[Record]:
    """Rows, each with what only the whole file tells: the order of day and month, and "X as Y".

    Raises:
        ReadError: It is not the page's.
    """
    layout = layout_of(path)
    if layout is None:
        raise ReadError(
            f"{path.name}: no column holds Moodle's descriptions (\"{SENTENCE}12' viewed ...\"), "
            "times and origins; expected the CSV of the Logs page"
        )
    order = DayOrder()
    names: dict[str, str] = {}
    for _, row in read_csv(path):
        if not isinstance(row, Failure):
            order.see(row[layout.time])
            user = _USER.search(row[layout.description])
            name = row.get(layout.name, "").strip()
            if user and len(name) < len(names.get(user.group(1), name + "x")):
                names[user.group(1)] = name
    for line, row in read_csv(path):
        if isinstance(row, Failure):
            yield line, row
            continue
        user = _USER.search(row[layout.description])
        name, own = row.get(layout.name, "").strip(), names.get(user.group(1), "") if user else ""
        yield (
            line,
            {
                "time": row[layout.time],
                "order": order.found,
                "description": " ".join(row[layout.description].split()),
                "origin": row[layout.origin].strip(),
                "as": "1" if (own and own != name and own in name) or " as " in name else "",
            },
        )


def convert_row(row: dict[str, str], line: int, times: PageTimes) -> Interaction | Ignored:
    """One row of `read_page` as its outcome.

    Raises:
        RecordError: The row is not what the page writes.
        OptionsError: The year or the zone is missing, or day and month cannot be told apart.
    """
    sentence = row["description"]
    matches = ((rule, rule.says.match(sentence)) for rule in SENTENCES)
    rule, said = next((found for found in matches if found[1]), (None, None))
    if rule is None or said is None:
        return Ignored(
            "no learning event, or one whose outcome the report page does not tell", line
        )
    if row["as"]:
        return Ignored("somebody logged in as the learner", line)
    if rule.learner == 0 and row["origin"] in _ACTED_BY_SERVER:
        return Ignored("done by the server, not the learner", line)
    users, module, course = (p.findall(sentence) for p in (_USER, _MODULE, _COURSE))
    item = (course if rule.about_course else module)[:1]
    if not item:
        raise RecordError("Description names no course module")
    if users[rule.learner] == "0":
        return Ignored("guest or server", line)
    values: dict[str, object] = {"verb": rule.verb}
    if not rule.verb:
        values = scorm.told(said["element"], said["value"])
    if "ignore" in values:
        return Ignored(str(values["ignore"]), line)
    seconds = times.seconds(row["time"], row["order"])
    return Interaction(
        event_id=hashed({"time": seconds, "what": sentence, "origin": row["origin"]}),
        learner=users[rule.learner],
        item=item[0] if rule.about_course else module_id(item[0]),
        timestamp=seconds,
        order=None,
        course=course[0] if course else "",
        source=f"moodle:report page, {values['verb']}",
        **values,  # type: ignore[arg-type]  # keys and types are those of `told`
    )
