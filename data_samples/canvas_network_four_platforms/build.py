"""Make the four platforms' raw logs and catalogues from the Canvas Network person-course data.

Usage: python build.py path/to/person_course.parquet [--out FOLDER] [--seed 20260101]

The same source, seed and library versions give the same bytes. `README.md` beside this
file says what the source is, what is cut and what is rendered.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import json_logs  # noqa: E402  the sibling files that write the four formats
import moodle_log  # noqa: E402
from facts import Course, Fact, Platform  # noqa: E402

WRITERS = {
    "alder": json_logs.write_alder,
    "birch": json_logs.write_birch,
    "cedar": json_logs.write_cedar,
    "dogwood": moodle_log.write_dogwood,
}

SIZES = {"alder": 60, "birch": 240, "cedar": 1200}
"""Learners of the three small platforms; Dogwood has all others."""

STUDY_MINUTES_PER_DAY = 180 / 7
"""Rendered effort: three hours of study for each week that a course lasts."""


def quarter_start(quarter: str) -> str:
    """First day of a quarter such as `2014 Q3`, as `2014-07-01`."""
    year, number = quarter.split(" Q")
    return f"{year}-{3 * int(number) - 2:02d}-01"


def read_courses(rows: pd.DataFrame) -> list[Course]:
    """One course per source id, in the order of start and id, with its rendered title."""
    table = rows.drop_duplicates("course_id_DI").sort_values(["discipline", "course_id_DI"])
    numbers = table.groupby("discipline").cumcount() + 1
    courses = [
        Course(
            source_id=int(row.course_id_DI),
            discipline=str(row.discipline),
            number=int(number),
            start=quarter_start(str(row.course_start)),
            days=int(row.course_length),
            minutes=round(int(row.course_length) * STUDY_MINUTES_PER_DAY),
        )
        for row, number in zip(table.itertuples(), numbers, strict=True)
    ]
    return sorted(courses, key=lambda course: (course.start, course.source_id))


def read_facts(rows: pd.DataFrame) -> list[Fact]:
    """One fact per person and course, without any demographic or survey column."""
    return [
        Fact(
            person=int(row.userid_DI),
            course=int(row.course_id_DI),
            day=quarter_start(str(row.course_start)),
            viewed=bool(row.viewed),
            progress=None if pd.isna(row.progress) else round(float(row.progress), 3),
            grade=None if pd.isna(row.grade) else round(float(row.grade), 4),
        )
        for row in rows.rename(columns={"completed_%": "progress"}).itertuples()
    ]


def split(facts: list[Fact], rng: np.random.Generator) -> dict[str, list[Fact]]:
    """Draw the learners of each platform at random; a learner is on one platform only."""
    people = sorted({fact.person for fact in facts})
    drawn = rng.permutation(np.array(people))
    home: dict[int, str] = dict.fromkeys(people, "dogwood")
    at = 0
    for platform, size in SIZES.items():
        home.update(dict.fromkeys((int(p) for p in drawn[at : at + size]), platform))
        at += size
    cut: dict[str, list[Fact]] = {name: [] for name in (*SIZES, "dogwood")}
    for fact in facts:
        cut[home[fact.person]].append(fact)
    return cut


def in_log_order(facts: list[Fact], rng: np.random.Generator) -> list[Fact]:
    """By quarter, and at random within one, so that the file's order tells nothing."""
    shuffled = [facts[i] for i in rng.permutation(len(facts))]
    return sorted(shuffled, key=lambda fact: fact.day)


def redraw(facts: list[Fact], low: int, high: int, rng: np.random.Generator) -> dict[int, int]:
    """A new number in [low, high) for each person; the source's ids appear nowhere."""
    people = sorted({fact.person for fact in facts})
    drawn = rng.choice(high - low, size=len(people), replace=False)
    return {person: low + int(number) for person, number in zip(people, drawn, strict=True)}


def number_courses(courses: list[Course], first: int, rng: np.random.Generator) -> dict[int, int]:
    """A platform's own course numbers, in an order of its own."""
    order = rng.permutation(len(courses))
    return {course.source_id: first + int(n) for course, n in zip(courses, order, strict=True)}


def shared_catalogue(courses: list[Course]) -> str:
    """All courses by content key; what the members of the demo's swarm agree on."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["content_key", "title", "description", "type", "language", "duration_minutes"])
    for course in sorted(courses, key=lambda course: course.content_key.encode()):
        writer.writerow(
            [course.content_key, course.title, course.description, "course", "en", course.minutes]
        )
    return text.getvalue()


def main() -> None:
    """Write everything under the output folder and print what was written."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source", type=Path, help="person_course.parquet")
    parser.add_argument("--out", type=Path, default=HERE)
    parser.add_argument("--seed", type=int, default=20_260_101)
    args = parser.parse_args()

    rows = pd.read_parquet(args.source).drop_duplicates(["userid_DI", "course_id_DI"])
    courses = read_courses(rows)
    rng = np.random.default_rng(args.seed)
    platforms = split(read_facts(rows), rng)
    (args.out / "shared_catalogue.csv").write_text(shared_catalogue(courses), encoding="utf-8")
    ranges = {
        "alder": (10_000_000, 99_999_999),
        "birch": (1_000, 90_000),
        "cedar": (1_000, 60_000),
        "dogwood": (1_000, 400_000),
    }
    counts = {}
    for name, facts in platforms.items():
        people = redraw(facts, *ranges[name], rng)
        numbers = number_courses(courses, 101, rng)
        platform = Platform(
            folder=args.out / name,
            courses=tuple(courses),
            people=people,
            numbers=numbers,
            rng=rng,
        )
        platform.folder.mkdir(parents=True, exist_ok=True)
        events = WRITERS[name](platform, in_log_order(facts, rng))
        counts[name] = {"learners": len(people), "rows": len(facts), "events": events}
    print(json.dumps(counts, indent=1))


if __name__ == "__main__":
    main()
