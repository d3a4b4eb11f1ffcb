"""What Canvas's tables and the lists of its API have in common, and how the tables are opened."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from platform_adapters.contract import Failure
from platform_adapters.declared_rows import Not, Rows
from platform_adapters.readers.files import read_start
from platform_adapters.readers.rows import read_rows
from platform_adapters.readers.tsv_rows import read_tsv

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from platform_adapters.contract import Json, Record
    from platform_adapters.fields import Row

ROW_KINDS = ("csv", "json", "parquet")


_TRUE = frozenset({"true", "True", "t", "1"})


def enrolments(what: str, marks: frozenset[str], state: str, kinds: tuple[str, ...]) -> Rows:
    """Enrolments, whose state stands in a column of its own name."""
    return Rows(
        name="enrolment",
        what=what,
        marks=marks,
        kinds=kinds,
        learner="user_id",
        item="course_id",
        time="created_at",
        event="type",
        verbs={"StudentEnrollment": "enrolled"},
        otherwise="enrolment of somebody who is no student",
        rules=(Not(state, frozenset({"deleted", "rejected"}), "no longer enrolled"),),
        fields={"course": "course_id"},
        identity="id",
    )


def submitted(row: Row, values: dict[str, Any]) -> dict[str, Any]:
    """A submission as it stands now: graded, or handed in, or nothing yet."""
    if str(row.get("excused")) in _TRUE:
        return {"ignore": "excused: no score and no work"}
    if row.get("workflow_state") == "graded" and values["raw"] is not None:
        return {"verb": "scored"}
    nothing = {"raw": None, "min": None, "max": None}
    return nothing if row.get("submitted_at") else {"ignore": "nothing submitted yet"}


def plain_name(column: str) -> str:
    """A column without the `key.` or `value.` before it."""
    return column.removeprefix("key.").removeprefix("value.")


def open_table(path: Path) -> Iterator[Record]:
    """Rows of CSV, TSV, JSON lines or Parquet; a deleted record is `{"deleted": "D"}`.

    Raises:
        ReadError: The file cannot be read to its end.
    """
    start = read_start(path, 4096)
    is_text = start[:1] not in {b"{", b"["} and not start.startswith(b"PAR1")
    is_tsv = is_text and b"\t" in start.partition(b"\n")[0]
    rows = read_tsv(path, plain_name) if is_tsv else read_rows(path, plain_name)
    for line, row in rows:
        yield line, row if isinstance(row, Failure) else _plain(row)


def _plain(row: Json) -> Json:
    """One flat row; ids are text, so that tables of different forms fit together."""
    if not isinstance(row, dict):
        return row
    meta = row.get("meta")
    action = meta.get("action") if isinstance(meta, dict) else row.get("meta.action")
    if action == "D":
        return {"deleted": "D"}
    parts = [row.get("key"), row.get("value")]
    if any(isinstance(part, dict) for part in parts):
        row = {
            name: value for part in parts if isinstance(part, dict) for name, value in part.items()
        }
    return {
        name: str(value) if type(value) is int and (name == "id" or name.endswith("_id")) else value
        for name, value in row.items()
    }
