"""Canvas Live Events: `{metadata, body}`, one event a line, after the documentation in canvas-lms.

Example: Ana submitted the assignment *Essay 2* and got 5 of 10 points.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from platform_adapters.catalogues import canvas as catalogues_canvas
from platform_adapters.contract import AdaptOptions, Failure
from platform_adapters.engines.live_events import LiveEventSession, listen
from platform_adapters.errors import ReadError
from platform_adapters.format import Format, Sign
from platform_adapters.formats.canvas_live import courses, grades, outcomes, submissions, views
from platform_adapters.formats.canvas_live.words import Told
from platform_adapters.readers.csv_rows import read_csv, read_header
from platform_adapters.readers.files import read_start
from platform_adapters.readers.json_records import read_json

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_PARTS = (courses, views, submissions, grades, outcomes)
RULES = {name: rule for part in _PARTS for name, rule in part.RULES.items()}
_USER_COLUMNS = (frozenset({"id", "uuid"}), frozenset({"key.id", "value.uuid"}))


def _is_users(path: Path) -> bool:
    """Whether a file is the table `users` of Canvas Data 2, as CSV."""
    columns = frozenset(read_header(path))
    return any(wanted <= columns for wanted in _USER_COLUMNS)


def _is_catalogue(path: Path) -> bool:
    start = read_start(path)
    return start.lstrip()[:1] == b"[" and b'"metadata"' not in start


def split(paths: Sequence[Path]) -> tuple[list[Path], list[Path]]:
    """Logs have `metadata` and `body`; lists of courses or module items are catalogues."""
    logs = [path for path in paths if not _is_catalogue(path) and not _is_users(path)]
    return logs, [path for path in paths if path not in logs]


def prepare(paths: Sequence[Path], options: AdaptOptions) -> LiveEventSession:
    """Find what some events leave out before the first of them."""
    logs, others = split(paths)
    told = Told()
    for path in filter(_is_users, others):
        for line, row in read_csv(path, rename=lambda name: name.rpartition(".")[2]):
            if isinstance(row, Failure):
                raise ReadError(f"{path.name}, line {line}: {row.reason}")
            told.users[str(row["uuid"])] = str(row["id"])
    for path in logs:
        listen(path, told)
    return LiveEventSession(options, told, RULES)


FORMAT = Format(
    name="canvas",
    summary="Canvas Live Events (JSON lines; .gz)",
    tried_on="never on a live site's log; written after the documented events",
    split=split,
    prepare=prepare,
    records=read_json,
    read_catalogue=catalogues_canvas.read_catalogue,
    is_catalogue=_is_catalogue,
    signs=(
        Sign("Canvas Live Events", {"metadata", "body", "event_name", "event_time"}, ("json",)),
        Sign("Canvas Data 2's table users", {"id", "uuid"}, ("csv",), role="side"),
        Sign(
            "Canvas' module items or courses",
            {"id", "title", "module_id", "position"},
            ("json",),
            role="catalogue",
        ),
    ),
    example="Ana submitted the assignment *Essay 2* and got 5 of 10 points.",
)
