"""xAPI 1.0.3 and 2.0 statements: from learning record stores, cmi5, and LMS emitters.

Example: Ana was scored 91.4 of 100 on *Humanities, course 12*.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from platform_adapters.catalogues import xapi as catalogues_xapi
from platform_adapters.engines.statements import StatementSession, records, voided_in
from platform_adapters.format import Format, Sign
from platform_adapters.formats.xapi.cmi5 import CMI5
from platform_adapters.formats.xapi.moodle import MOODLE
from platform_adapters.formats.xapi.openedx import OPENEDX
from platform_adapters.formats.xapi.perls import PERLS
from platform_adapters.formats.xapi.sakai import SAKAI
from platform_adapters.readers.files import read_start
from platform_adapters.readers.flat_json import header_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from platform_adapters.contract import AdaptOptions
    from platform_adapters.readers.glimpse import Glimpse

PRODUCERS = (MOODLE, OPENEDX, PERLS, CMI5, SAKAI)
_LOG_MARKS = (b'"verb"', b'"actor"')


def split(paths: Sequence[Path]) -> tuple[list[Path], list[Path]]:
    """Logs hold statements; a list of activity definitions is a catalogue."""
    logs: list[Path] = []
    others: list[Path] = []
    for path in paths:
        start = read_start(path)
        is_catalogue = start.lstrip()[:1] == b"[" and not any(m in start for m in _LOG_MARKS)
        (others if is_catalogue and b'"definition"' in start else logs).append(path)
    return logs, others


def prepare(paths: Sequence[Path], options: AdaptOptions) -> StatementSession:
    """Find the voided statements before the first is converted."""
    logs, _ = split(paths)
    voided = {target for path in logs for target in voided_in(path)}
    return StatementSession(options, frozenset(voided), PRODUCERS)


def _seen(glimpse: Glimpse) -> Glimpse:
    """A CSV's columns as paths into a statement."""
    if glimpse.kind != "csv":
        return glimpse
    return replace(glimpse, names=frozenset(map(header_of, glimpse.names)))


FORMAT = Format(
    name="xapi",
    summary="xAPI 1.0.3 and 2.0 statements (JSON lines, arrays, CSV; .gz), or a store by https",
    tried_on="22,000 video statements of FUN-MOOC, from a file and from a Ralph 5.1; the 90 of "
    "event-routing-backends' tests (Open edX), the 190 of logstore_xapi's (Moodle), recipes of "
    "Jisc and xapi.fr; other producers by their own code",
    split=split,
    prepare=prepare,
    records=records,
    read_catalogue=catalogues_xapi.read_catalogue,
    signs=(
        Sign(
            "xAPI statements",
            {"actor", "verb", "object"},
            ("json",),
            (b"/verbs/", b"/verb/", b"w3id.org/xapi", b'"mbox', b'"homePage"'),
        ),
        Sign("xAPI statements as CSV", {"verb.id", "object.id"}, ("csv",)),
        Sign("xAPI statements as CSV", {"actor", "verb", "object"}, ("csv",)),
    ),
    seen=_seen,
    example="Ana was scored 91.4 of 100 on *Humanities, course 12*.",
)
