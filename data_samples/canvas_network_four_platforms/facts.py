"""What the source says, and how files are written so that their bytes repeat."""

from __future__ import annotations

import gzip
import json
import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    import numpy as np


@dataclass(frozen=True)
class Course:
    """One course of the source, with what is rendered for it."""

    source_id: int
    discipline: str
    number: int
    start: str
    days: int
    minutes: int

    @property
    def title(self) -> str:
        """Rendered: the source has no titles."""
        return f"{self.discipline}, course {self.number}"

    @property
    def description(self) -> str:
        """What is known, and that the title is not."""
        return (
            f"An open course of the discipline {self.discipline}, {self.days} days long. "
            "The title is rendered; the source names only the discipline."
        )

    @property
    def content_key(self) -> str:
        """The key by which the platforms share the course."""
        return f"urn:canvas-network:{self.source_id}"

    @property
    def code(self) -> str:
        """Initials of the discipline and the number, such as `HUM012`."""
        words = [word for word in self.discipline.split() if word[0].isalpha()]
        initials = "".join(w[0] for w in words) if len(words) > 1 else words[0][:3]
        return f"{initials.upper()}{self.number:03d}"


@dataclass(frozen=True)
class Fact:
    """What the source says of one person in one course."""

    person: int
    course: int
    day: str
    viewed: bool
    progress: float | None
    grade: float | None

    @property
    def steps(self) -> list[str]:
        """The events of this fact, in the order in which they must have happened."""
        known = ["enrolled"]
        if self.viewed:
            known.append("viewed")
        if self.progress is not None:
            known.append("completed" if self.progress >= 1 else "progressed")
        if self.grade is not None:
            known.append("graded")
        return known


@dataclass(frozen=True)
class Platform:
    """Where a platform is written, and its own numbers for people and courses."""

    folder: Path
    courses: tuple[Course, ...]
    people: Mapping[int, int]
    numbers: Mapping[int, int]
    rng: np.random.Generator


def write_gzip(path: Path, lines: Iterable[str]) -> int:
    """Write lines with neither name nor time in the header, so that bytes repeat."""
    count = 0
    with (
        path.open("wb") as raw,
        gzip.GzipFile(filename="", fileobj=raw, mode="wb", mtime=0, compresslevel=9) as packed,
    ):
        for line in lines:
            packed.write(line.encode() + b"\n")
            count += 1
    return count


def write_json(path: Path, value: object) -> None:
    """Write readable JSON with a final newline."""
    path.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def compact(value: object) -> str:
    """One line of JSON."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def source_uuid(*parts: object) -> str:
    """A repeatable UUID for a record of a platform that numbers records so."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, "/".join(map(str, parts))))


def noon(day: str) -> int:
    """Unix seconds of 12:00:00 UTC."""
    return int(datetime.fromisoformat(f"{day}T12:00:00+00:00").timestamp())
