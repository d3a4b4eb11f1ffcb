"""The adapters there are, by the name used on the command line and in settings.

To add one: a file in `formats/` with `split`, `prepare` and `records`, a reader in
`catalogues/`, golden inputs in `tests/golden/`, and a line here.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from platform_adapters import convert
from platform_adapters.catalogues import canvas as catalogues_canvas
from platform_adapters.catalogues import moodle as catalogues_moodle
from platform_adapters.catalogues import openedx as catalogues_openedx
from platform_adapters.catalogues import table as catalogues_table
from platform_adapters.catalogues import xapi as catalogues_xapi
from platform_adapters.errors import OptionsError
from platform_adapters.formats import canvas, moodle, openedx, table, xapi

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from platform_adapters.contract import AdaptOptions, Outcome, Record, Session
    from recommender.catalogue import CatalogueItem


def _any_side(path: Path) -> bool:
    """Most formats have no side table but the catalogue."""
    del path
    return True


@dataclass(frozen=True)
class FormatAdapter:
    """A `platform_adapters.contract.Adapter` made of a format's functions."""

    name: str
    summary: str
    tried_on: str
    split: Callable[[Sequence[Path]], tuple[list[Path], list[Path]]]
    prepare: Callable[[Sequence[Path], AdaptOptions], Session]
    records: Callable[[Path], Iterator[Record]]
    read_catalogue: Callable[[Path], Iterator[CatalogueItem]]
    is_catalogue: Callable[[Path], bool] = _any_side

    def catalogues(self, paths: Sequence[Path]) -> list[Path]:
        """The catalogues among the inputs."""
        return [path for path in self.split(paths)[1] if self.is_catalogue(path)]

    def read(self, path: Path, options: AdaptOptions) -> Iterator[Outcome]:
        """Every record of one log as its outcome, learner ids raw."""
        return convert.read(self, path, options)


_ALL = (
    FormatAdapter(
        name="xapi",
        summary="xAPI 1.0.3 and 2.0 statements (JSON lines, arrays, a store's answers; .gz)",
        tried_on="22,000 video statements of FUN-MOOC; the other producers by their documents",
        split=xapi.split,
        prepare=xapi.prepare,
        records=xapi.records,
        read_catalogue=catalogues_xapi.read_catalogue,
    ),
    FormatAdapter(
        name="canvas",
        summary="Canvas Live Events (JSON lines; .gz)",
        tried_on="never on a live site's log; written after the documented events",
        split=canvas.split,
        prepare=canvas.prepare,
        records=canvas.records,
        read_catalogue=catalogues_canvas.read_catalogue,
    ),
    FormatAdapter(
        name="openedx",
        summary="Open edX tracking logs, new and legacy shape (JSON lines; .gz)",
        tried_on="never on a live site's log; written after the event reference",
        split=openedx.split,
        prepare=openedx.prepare,
        records=openedx.records,
        read_catalogue=catalogues_openedx.read_catalogue,
    ),
    FormatAdapter(
        name="moodle",
        summary="Moodle's logstore_standard_log with side tables, or its Logs page (CSV; .gz)",
        tried_on="never on a live site's log; written after Moodle's schema and event classes",
        split=moodle.split,
        prepare=moodle.prepare,
        records=moodle.records,
        read_catalogue=catalogues_moodle.read_catalogue,
        is_catalogue=catalogues_moodle.is_catalogue,
    ),
    FormatAdapter(
        name="table",
        summary="the interaction table itself (CSV, JSON lines, Parquet; .gz but for Parquet)",
        tried_on="the output of the other adapters",
        split=table.split,
        prepare=table.prepare,
        records=table.records,
        read_catalogue=catalogues_table.read_catalogue,
    ),
)

ADAPTERS: Mapping[str, FormatAdapter] = MappingProxyType({a.name: a for a in _ALL})
"""All adapters by name."""


def adapter_named(name: str) -> FormatAdapter:
    """The adapter of this name.

    Raises:
        OptionsError: There is none.
    """
    adapter = ADAPTERS.get(name)
    if adapter is None:
        raise OptionsError(f"there is no adapter {name!r}; choose one of {', '.join(ADAPTERS)}")
    return adapter
