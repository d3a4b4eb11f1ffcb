"""Make one course's log and catalogue from the Open University Learning Analytics Dataset.

Usage: python build.py path/to/oulad [--out FOLDER] [--seed 20260101]

The folder holds the tables as Parquet: `studentVle_ds/` (partitioned by module and presentation),
`vle`, `studentAssessment`, `assessments`, `studentInfo`. The same source, seed and library
versions give the same bytes. `README.md` beside this file says what is cut and what is rendered.
"""

from __future__ import annotations

import argparse
import gzip
import json
from pathlib import Path

import numpy as np
import pandas as pd

HERE = Path(__file__).resolve().parent

MODULE, PRESENTATION = "BBB", "2013J"
COURSE = f"{MODULE}-{PRESENTATION}"
MIN_SITES = 5
DAY_ZERO = pd.Timestamp("2013-10-01T12:00:00Z")

REGIONS = {
    "North Region": "elm",
    "Wales": "fir",
    "Scotland": "hazel",
    "Ireland": "hazel",
    "East Anglian Region": "hazel",
}
"""Platforms by region of the source; every other region is `juniper`."""

KINDS = {
    "homepage": "Home page",
    "sharedsubpage": "Shared page",
    "subpage": "Page",
    "resource": "Resource",
    "url": "Link",
    "forumng": "Forum",
    "oucontent": "Course text",
    "oucollaborate": "Live session",
    "quiz": "Quiz",
    "glossary": "Glossary",
}
"""Words for the source's activity types, in rendered titles."""

RENDERED = "The title is rendered; the source names only type and week."


def of_presentation(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows of the one presentation."""
    return rows[(rows["code_module"] == MODULE) & (rows["code_presentation"] == PRESENTATION)]


def read_visits(source: Path) -> pd.DataFrame:
    """Distinct (learner, site, day), of learners with enough distinct sites; clicks dropped."""
    wanted = [("code_module", "==", MODULE), ("code_presentation", "==", PRESENTATION)]
    rows = pd.read_parquet(source / "studentVle_ds", filters=wanted)
    rows = rows[["id_student", "id_site", "date"]].astype("int64").drop_duplicates()
    sites = rows.groupby("id_student")["id_site"].nunique()
    return rows[rows["id_student"].isin(sites.index[sites >= MIN_SITES])]


def read_platforms(source: Path) -> dict[int, str]:
    """Each learner's platform; the only use of a region, which goes no further."""
    rows = of_presentation(pd.read_parquet(source / "studentInfo.parquet"))
    homes = rows["region"].map(REGIONS).fillna("juniper")
    return dict(zip(rows["id_student"].astype("int64"), homes, strict=True))


def make_catalogue(source: Path, sites: set[int]) -> pd.DataFrame:
    """Every visited site with its rendered title, in the order of week and source id."""
    rows = of_presentation(pd.read_parquet(source / "vle.parquet"))
    rows = rows.assign(site=rows["id_site"].astype("int64"))
    rows = rows[rows["site"].isin(sites)]
    # Sites without a week (homepage, forums, most files) stand before the first week.
    rows = rows.assign(week=rows["week_from"].fillna(0).astype("int64"))
    rows = rows.sort_values(["week", "site"], kind="stable")
    number = rows.groupby("activity_type").cumcount() + 1
    kinds = rows["activity_type"].map(KINDS)
    weeks = rows["week"].map(lambda week: f"week {week}" if week else "")
    titles = [
        f"{kind} {n}, {week}" if week else f"{kind} {n}"
        for kind, n, week in zip(kinds, number, weeks, strict=True)
    ]
    return pd.DataFrame(
        {
            "item": "site-" + rows["site"].astype(str),
            "title": titles,
            "description": RENDERED,
            "content_key": "urn:oulad:site:" + rows["site"].astype(str),
            "course": COURSE,
            "section": weeks.str.capitalize(),
            "position": np.arange(len(rows)),
            "type": rows["activity_type"],
            "language": "en",
        }
    )


def read_assessments(source: Path) -> pd.DataFrame:
    """The presentation's assessments: id, kind, due day, weight."""
    rows = of_presentation(pd.read_parquet(source / "assessments.parquet"))
    return rows.assign(id_assessment=rows["id_assessment"].astype("int64")).sort_values(
        ["date", "id_assessment"]
    )


def catalogue_of_assessments(rows: pd.DataFrame) -> pd.DataFrame:
    """Catalogue rows of the assessments, with the source's weight in per cent."""
    number = rows.groupby("assessment_type").cumcount() + 1
    names = {"TMA": "Tutor-marked assignment", "CMA": "Computer-marked assignment", "Exam": "Exam"}
    due = rows["date"].map(lambda day: "" if pd.isna(day) else timestamp(int(day)))
    return pd.DataFrame(
        {
            "item": "assessment-" + rows["id_assessment"].astype(str),
            "title": rows["assessment_type"].map(names) + " " + number.astype(str),
            "description": RENDERED.replace("type and week", "kind, due day and weight"),
            "content_key": "urn:oulad:assessment:" + rows["id_assessment"].astype(str),
            "course": COURSE,
            "position": np.arange(len(rows)),
            "type": rows["assessment_type"].str.lower(),
            "language": "en",
            "available_until": due,
            "weight": rows["weight"],
        }
    )


def read_results(source: Path, assessments: pd.DataFrame, learners: set[int]) -> pd.DataFrame:
    """Submissions of the learners; banked results of earlier presentations are left out."""
    rows = pd.read_parquet(source / "studentAssessment.parquet")
    rows = rows[rows["id_assessment"].isin(assessments["id_assessment"])]
    rows = rows[rows["id_student"].isin(learners) & (rows["is_banked"] == 0)]
    return rows.astype({"id_student": "int64", "id_assessment": "int64", "date_submitted": "int64"})


def timestamp(day: int) -> str:
    """Noon of a day of the presentation, ISO 8601 in UTC."""
    return str((DAY_ZERO + pd.Timedelta(days=day)).strftime("%Y-%m-%dT%H:%M:%SZ"))


def write_table(rows: pd.DataFrame, path: Path) -> None:
    """Write gzip CSV without the time of writing."""
    data = rows.to_csv(index=False, lineterminator="\n").encode()
    path.write_bytes(gzip.compress(data, mtime=0))


def write_rows(rows: pd.DataFrame, names: dict[int, str], homes: dict[int, str], to: Path) -> int:
    """Write an interaction table by day, then learner and item; return its length."""
    columns = {
        "learner": rows["id_student"].map(names),
        "item": rows["item"],
        "timestamp": rows["date"].map({day: timestamp(day) for day in rows["date"].unique()}),
        "verb": rows["verb"],
        "course": COURSE,
        "platform": rows["id_student"].map(homes),
    }
    if "score" in rows:
        columns["score"] = rows["score"]
    table = pd.DataFrame(columns).assign(day=rows["date"]).sort_values(["day", "learner", "item"])
    write_table(table.drop(columns="day"), to)
    return len(table)


def main() -> None:
    """Write everything under the output folder and print what was written."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source", type=Path, help="folder with the source's Parquet tables")
    parser.add_argument("--out", type=Path, default=HERE)
    parser.add_argument("--seed", type=int, default=20_260_101)
    args = parser.parse_args()

    visits, homes = read_visits(args.source), read_platforms(args.source)
    people = np.unique(visits["id_student"])
    rng = np.random.default_rng(args.seed)
    drawn = rng.choice(90_000, size=len(people), replace=False) + 10_000
    names = {int(p): f"learner-{n}" for p, n in zip(people, drawn, strict=True)}
    catalogue = make_catalogue(args.source, set(visits["id_site"]))
    assessments = read_assessments(args.source)
    results = read_results(args.source, assessments, set(names))

    write_table(catalogue, args.out / "catalogue.csv.gz")
    write_table(catalogue_of_assessments(assessments), args.out / "assessments.csv.gz")
    visits = visits.assign(item="site-" + visits["id_site"].astype(str), verb="viewed")
    results = results.assign(
        item="assessment-" + results["id_assessment"].astype(str),
        verb="submitted",
        date=results["date_submitted"],
        score=results["score"] / 100,
    )
    counts = {
        "learners": len(people),
        "sites": len(catalogue),
        "visits": write_rows(visits, names, homes, args.out / "interactions.csv.gz"),
        "assessments": len(assessments),
        "results": write_rows(results, names, homes, args.out / "assessment_results.csv.gz"),
        "platforms": pd.Series([homes[int(p)] for p in people]).value_counts().to_dict(),
    }
    print(json.dumps(counts, indent=1))


if __name__ == "__main__":
    main()
