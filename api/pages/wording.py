"""Words and figures of the pages: dates, durations, parts of a score, sizes.

One place, so that a later translation finds every sentence that is not in a template.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MINUTES_PER_HOUR = 60
SMALLEST_SHARE = 0.005
"""Shares below half a percent are not drawn."""


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a score, in words for people.

    Attributes:
        key: The part's name in the serving model; also its style.
        label: A few words.
        meaning: One sentence.
    """

    key: str
    label: str
    meaning: str


PARTS: tuple[Part, ...] = (
    Part(
        "merged",
        "learners across the swarm",
        "What learners of all member platforms went on to, from sums that carry noise.",
    ),
    Part(
        "local",
        "learners here",
        "What learners of this platform went on to. This knowledge never leaves it.",
    ),
    Part("text", "similar content", "Titles and descriptions that resemble what is done."),
    Part("order", "next in the course", "What stands near it in the catalogue's own order."),
    Part("own_popularity", "popular here", "How many learners of this platform take it."),
    Part("merged_popularity", "popular in the swarm", "How many learners of all members take it."),
    Part("starts", "where learners begin", "Counts while little is known of a learner."),
    Part(
        "reranker",
        "order learned here",
        "What a network trained on this platform's learners expects next. It never leaves it.",
    ),
)
PART_ORDER = {part.key: index for index, part in enumerate(PARTS)}


@dataclass(frozen=True, slots=True)
class Share:
    """A segment of the bar under a step.

    Attributes:
        key: The part's style.
        label: The part in words.
        percent: Of the step's score, whole number.
        x: Left edge, in percent of the bar.
        width: In percent of the bar.
    """

    key: str
    label: str
    percent: int
    x: float
    width: float


def shares(parts: Mapping[str, float]) -> tuple[Share, ...]:
    """The parts of a score as segments, in the order of `PARTS`; their percents sum to 100.

    Parts that pull a step down are left out: the bar shows what moved it up.
    """
    raised = {part.key: value for part in PARTS if (value := parts.get(part.key, 0.0)) > 0}
    total = sum(raised.values())
    if total <= 0 or not math.isfinite(total):
        return ()
    drawn = {key: value for key, value in raised.items() if value / total >= SMALLEST_SHARE}
    percents = whole_percents(list(drawn.values()))
    labels = {part.key: part.label for part in PARTS}
    segments: list[Share] = []
    left = 0.0
    for (key, value), percent in zip(drawn.items(), percents, strict=True):
        width = 100 * value / sum(drawn.values())
        gap = 0.5 if left + width < 100 - 1e-9 else 0.0  # a hairline between neighbours
        segments.append(
            Share(key, labels[key], percent, round(left, 2), round(max(width - gap, 0.3), 2))
        )
        left += width
    return tuple(segments)


def whole_percents(values: Sequence[float]) -> list[int]:
    """Round to whole percents that sum to 100: the largest remainders get what is left."""
    total = sum(values)
    exact = [100 * value / total for value in values]
    floors = [math.floor(value) for value in exact]
    by_remainder = sorted(range(len(values)), key=lambda i: (floors[i] - exact[i], i))
    for index in by_remainder[: 100 - sum(floors)]:
        floors[index] += 1
    return floors


def day(moment: datetime | None) -> str:
    """A date as people write it, such as `24 Nov 2026`; empty for None."""
    if moment is None:
        return ""
    return f"{moment.day} {moment.strftime('%b %Y')}"


def minute(moment: datetime | None) -> str:
    """A moment to the minute, UTC, such as `24 Nov 2026, 10:31 UTC`; empty for None."""
    if moment is None:
        return ""
    utc = moment.astimezone(UTC)
    return f"{day(utc)}, {utc:%H:%M} UTC"


def duration(minutes: float | None) -> str:
    """An expected time as people say it, such as `25 min` or `about 24 h`; empty for None."""
    if minutes is None or minutes <= 0:
        return ""
    if minutes < 2 * MINUTES_PER_HOUR:
        return f"{max(round(minutes), 1)} min"
    hours = minutes / MINUTES_PER_HOUR
    rounded = round(hours) if hours >= 10 else round(hours * 2) / 2
    return f"about {rounded:g} h"


def figure(value: float) -> str:
    """An epsilon with two digits, rounded up: it never promises more than was proved (R4)."""
    return f"{math.ceil(value * 100 - 1e-9) / 100:.2f}"


def listing(names: Sequence[str]) -> str:
    """Names as a sentence lists them: `Alder, Birch and Cedar`."""
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} and {names[-1]}"


def counted(number: int, one: str, many: str) -> str:
    """A number with its noun; small numbers in words."""
    words = ("No", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine")
    return f"{words[number] if number < len(words) else number} {one if number == 1 else many}"


def short_id(text: str, head: int = 8, tail: int = 4) -> str:
    """A long id with its middle left out; titles and tables show it."""
    return text if len(text) <= head + tail + 1 else f"{text[:head]}…{text[-tail:]}"


def sentence(error: object) -> str:
    """An error's message as a sentence."""
    text = str(error)
    return f"{text[:1].upper()}{text[1:]}{'' if text.endswith(('.', '!', '?')) else '.'}"
