"""From interaction rows to the arrays that models are fitted on.

Learner and item ids are numbered in the order of their bytes, so that the order of the rows
never decides anything. pandas and pyarrow are loaded only where a file is read.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from platform_adapters.readers.table_frames import table_frames
from recommender.interactions import VERB_INDEX, VERBS, Interactions

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from pathlib import Path

    import pandas as pd
    from numpy.typing import NDArray

    from platform_adapters.contract import Interaction

Level = Literal["items", "courses"]
"""`items` leaves course-level facts (item = course) out, `courses` keeps nothing else."""

NEVER_TOGETHER = frozenset({"unenrolled", "uncompleted", "rated", "other"})
"""Verbs that no model takes for a learner having met an item."""


def verbs_for(level: Level) -> tuple[str, ...]:
    """The verbs that count: with courses as the items an enrolment does, else it does not."""
    without = NEVER_TOGETHER if level == "courses" else NEVER_TOGETHER | {"enrolled"}
    return tuple(verb for verb in VERBS if verb not in without)


def build_interactions(
    rows: Iterable[Interaction],
    *,
    level: Level | None = None,
    verbs: Collection[str] | None = None,
) -> Interactions:
    """Arrays of rows as adapters emit them.

    Args:
        rows: Interactions, pseudonymised.
        level: Which rows to keep; None keeps all.
        verbs: Verbs to keep; None keeps all.

    Returns:
        All kept rows, in the order in which they came.

    Raises:
        InteractionsError: The arrays cannot be interactions.
    """
    kept = [
        row
        for row in rows
        if (verbs is None or row.verb in verbs)
        and (level is None or (row.item == row.course) == (level == "courses"))
    ]
    learner_ids, learner = number([row.learner for row in kept])
    item_ids, item = number([row.item for row in kept])
    count = len(kept)
    nan = math.nan
    return Interactions(
        learner_ids=learner_ids,
        item_ids=item_ids,
        learner=learner,
        item=item,
        timestamp=np.fromiter((row.timestamp or 0 for row in kept), np.int64, count),
        order=np.fromiter((row.order or 0 for row in kept), np.int64, count),
        verb=np.fromiter((VERB_INDEX[row.verb] for row in kept), np.int8, count),
        score=np.fromiter(
            (nan if row.score is None else row.score for row in kept), np.float32, count
        ),
    )


def number(ids: Sequence[str]) -> tuple[tuple[str, ...], NDArray[np.int32]]:
    """Distinct ids in the order of their UTF-8 bytes, and the place of each given one."""
    # Code points and UTF-8 bytes sort alike.
    distinct = tuple(sorted(set(ids)))
    place = {value: index for index, value in enumerate(distinct)}
    return distinct, np.fromiter((place[value] for value in ids), np.int32, len(ids))


def read_interactions(
    path: Path,
    *,
    level: Level | None = None,
    verbs: Collection[str] | None = None,
    timezone: str | None = None,
) -> Interactions:
    """Read an interaction table: `read_frame`, then `frame_interactions`."""
    frame = read_frame(path, timezone=timezone, keep=())
    return frame_interactions(frame, level=level, verbs=verbs)


def read_frame(
    path: Path, *, timezone: str | None = None, keep: Collection[str] | None = None
) -> pd.DataFrame:
    """Read an interaction table into one frame that holds each text once.

    Args:
        path: The file; ids in it are taken as they are and never hashed.
        timezone: Zone of local times; without it they are refused.
        keep: Columns to keep beside the contract's; None keeps all of the file.

    Returns:
        Of the contract's columns `learner`, `item`, `verb`, `course` as categories, `timestamp`
        and `order` as int64 (0 where unknown), `score` as float32 (NaN where unknown): 37 bytes a
        row beside the distinct texts. Others as they are.

    Raises:
        ReadError: A needed column is missing, or a value in one is not what it must be.
        TimezoneError: Local times, and no zone.
    """
    import pandas as pd  # noqa: PLC0415  loaded only where a file is read

    learners, places, verbs = Vocabulary(), Vocabulary(), Vocabulary()
    # Items and courses share their texts, so that a row about a course can be told by number.
    texts = {"learner": learners, "item": places, "course": places, "verb": verbs}
    batches: dict[str, list[NDArray[Any]]] = {}
    for frame in table_frames(path, timezone=timezone, keep=keep):
        for name in frame.columns:
            column = frame[name]
            codes = texts[name].codes(column) if name in texts else column.to_numpy()
            batches.setdefault(str(name), []).append(codes)
    whole: dict[str, Any] = {}
    for name in list(batches):
        column = np.concatenate(batches.pop(name))
        if name in texts:
            column = pd.Categorical.from_codes(column, categories=texts[name].texts)
        whole[name] = column
    return pd.DataFrame(whole, copy=False)


class Vocabulary:
    """Numbers for texts, in the order in which they are met."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    @property
    def texts(self) -> list[str]:
        """The texts by number."""
        return list(self._numbers)

    def codes(self, column: pd.Series) -> NDArray[np.int32]:
        """Numbers of a column's texts; int32."""
        import pandas as pd  # noqa: PLC0415  loaded only where a file is read

        places, distinct = pd.factorize(column, sort=False)
        numbers = self._numbers
        known = [numbers.setdefault(str(text), len(numbers)) for text in distinct]
        return np.array(known, np.int32)[places] if known else np.zeros(0, np.int32)


def about_course(frame: pd.DataFrame) -> NDArray[np.bool_]:
    """Which rows are about a course as a whole: those whose item is their course."""
    item, course = (frame[name].astype("category").cat for name in ("item", "course"))
    place = {name: index for index, name in enumerate(course.categories)}
    same = np.array([place.get(name, -2) for name in item.categories], np.int64)
    codes = item.codes.to_numpy()
    return same[codes] == course.codes.to_numpy() if len(same) else np.zeros(len(codes), np.bool_)


def frame_interactions(
    frame: pd.DataFrame,
    *,
    level: Level | None = None,
    verbs: Collection[str] | None = None,
) -> Interactions:
    """Arrays of a frame that `read_frame` has read, or of a part of its rows."""
    if verbs is not None:
        frame = frame[frame["verb"].isin(list(verbs))]
    if level is not None:
        courses = about_course(frame)
        frame = frame[courses if level == "courses" else ~courses]
    learner_ids, learner = _number_column(frame["learner"])
    item_ids, item = _number_column(frame["item"])
    verb_names, verb = _number_column(frame["verb"])
    verb_index = np.array([VERB_INDEX[name] for name in verb_names], dtype=np.int8)
    return Interactions(
        learner_ids=learner_ids,
        item_ids=item_ids,
        learner=learner,
        item=item,
        timestamp=frame["timestamp"].to_numpy(np.int64),
        order=frame["order"].to_numpy(np.int64),
        verb=verb_index[verb],
        score=frame["score"].to_numpy(np.float32),
    )


def _number_column(column: pd.Series) -> tuple[tuple[str, ...], NDArray[np.int32]]:
    import pandas as pd  # noqa: PLC0415  loaded only where a file is read

    codes, distinct = pd.factorize(column, sort=False)
    names, place = number([str(value) for value in distinct])
    return names, place[codes] if len(names) else np.zeros(0, np.int32)
