"""Caliper 1.1 and 1.2: envelopes `{sensor, sendTime, dataVersion, data}`, or events alone.

After the metric profiles, and what Canvas, Blackboard and Open edX send.

Example: Ana was given 15 of 20 points for her second attempt at *Quiz 3*.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from platform_adapters.catalogues import table as catalogues_table
from platform_adapters.engines.caliper_events import CaliperSession, Words
from platform_adapters.format import Format, Sign
from platform_adapters.formats.caliper import assessment, grading, media, openedx, pages, tools
from platform_adapters.readers.envelopes import read_envelopes
from platform_adapters.readers.files import read_start

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from platform_adapters.contract import AdaptOptions

WORDS = Words(
    {**assessment.ACTIONS, **grading.ACTIONS, **media.ACTIONS, **pages.ACTIONS, **tools.ACTIONS},
    {**assessment.UNTYPED, **openedx.UNTYPED},
    pages.NO_LEARNING,
    {**grading.OUTCOMES, **media.OUTCOMES, **tools.OUTCOMES},
)


def split(paths: Sequence[Path]) -> tuple[list[Path], list[Path]]:
    """Logs hold events; a file without any is our own catalogue table."""
    logs = [path for path in paths if b'"eventTime"' in read_start(path)]
    return logs or list(paths), [path for path in paths if logs and path not in logs]


def prepare(paths: Sequence[Path], options: AdaptOptions) -> CaliperSession:
    """Nothing need be known before the first event."""
    del paths
    return CaliperSession(options, WORDS)


FORMAT = Format(
    name="caliper",
    summary="Caliper 1.1 and 1.2 envelopes or events, Canvas's too (JSON lines, arrays; .gz)",
    tried_on="fixtures of 1EdTech and of a publisher (86 files), the 35 events of "
    "event-routing-backends' tests (Open edX), Canvas's documented examples; no live sensor's",
    split=split,
    prepare=prepare,
    records=read_envelopes,
    read_catalogue=catalogues_table.read_catalogue,
    signs=(Sign("Caliper events", {"eventTime", "actor", "action", "object"}, ("json",)),),
    example="Ana was given 15 of 20 points for her second attempt at *Quiz 3*.",
)
