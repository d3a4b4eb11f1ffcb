"""What every part of Moodle is said with: events of the log, tables, sentences of the Logs page."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from platform_adapters.engines.moodle_lookups import Lookups
    from platform_adapters.readers.xml_elements import Element

Row: TypeAlias = dict[str, str]
Fact: TypeAlias = dict[str, object]
"""Fields of an interaction; or `ignore`: why it is none."""
NULL = "$@NULL@$"
OF_MODULE, OF_COURSE, OF_OBJECT = (
    ("contextinstanceid", "relateduserid"),
    ("courseid",),
    ("objectid",),
)


@dataclass(frozen=True, slots=True)
class Rule:
    """What an event of the log means.

    Attributes:
        verb: Its verb, unless `outcome` says otherwise.
        learner: Column that names the learner; `author` is the one on whose behalf it was done.
        about: `module`, `course`, or `grade` (the grade item says which).
        outcome: Adds scores and the like; may change the verb.
        told: What tells it better (`Table.tells`), and the columns that name the fact.
    """

    verb: str
    learner: str = "userid"
    about: str = "module"
    outcome: Callable[[Row, Lookups], Fact] | None = None
    told: tuple[str, tuple[str, ...]] | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """Where a table stands in a backup.

    Attributes:
        files: Pattern of the members' names.
        element: Name of the element that is a row.
        columns: Columns that the element calls otherwise: column to child.
        around: Columns that stand in an element around it: column to (element, attribute).
        made: More columns, given the element.
        inside: The element in which a row stands, where others have the same name elsewhere.
    """

    files: str
    element: str
    columns: Mapping[str, str] = field(default_factory=dict)
    around: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    made: Callable[[Element], Row] = field(default=lambda _element: {})
    inside: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """A table of Moodle's.

    Attributes:
        columns: Those that are read; a version may lack some.
        marks: Those that a CSV is known by; none: by its name.
        without: One that it has not.
        places: Where it stands in a backup.
        fact: What a row means, in tables that hold what came of something: their rows are events.
        versions: Whether a later change of the row is another fact.
        tells: What the log calls its facts.
        key: What in the log names a row's fact; nothing if the row tells nothing.
        example: What a row says, in a sentence.
        changed: Columns that hold when a row was changed; the first that is set counts.
    """

    columns: str
    marks: str = ""
    without: str = ""
    places: tuple[Place, ...] = ()
    fact: Callable[[Row, Lookups], Fact] | None = None
    versions: bool = True
    tells: str = ""
    key: Callable[[Row, Lookups], tuple[str, ...]] = field(default=lambda _row, _lookups: ())
    changed: tuple[str, ...] = ()
    example: str = ""


@dataclass(frozen=True, slots=True)
class Sentence:
    """What a sentence of the Logs page means.

    Attributes:
        says: The sentence, from its begin.
        verb: Its verb; empty where it holds an element of SCORM and its value.
        about_course: Whether it is about the course and not a module.
        learner: 0 if the sentence names the learner first, -1 if last (after whoever acted).
    """

    says: re.Pattern[str]
    verb: str
    about_course: bool = False
    learner: int = 0


def says(words: str, verb: str, *, about_course: bool = False, learner: int = 0) -> Sentence:
    """A sentence that begins with who acted."""
    start = r"The user with (?:the )?id '\d+' "
    return Sentence(re.compile(start + words), verb, about_course, learner)


def module_id(number: str) -> str:
    """What a course module is called here: courses and modules are numbered alike."""
    return f"module:{number}"


def none(reason: str) -> Fact:
    """Why there is no fact."""
    return {"ignore": reason}


def is_set(value: str | None) -> bool:
    """Whether a number or a time is given; Moodle writes 0 where it is not."""
    return value not in {None, "", "0"}


def latest(row: Row, *names: str) -> str:
    """The first of these times that is given; empty if none."""
    return next((row[name] for name in names if is_set(row.get(name))), "")
