"""What the adapters' tests share: an import from lines, and its report."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from platform_adapters.contract import AdaptOptions
from platform_adapters.convert import convert
from platform_adapters.pseudonyms import Pseudonymiser
from platform_adapters.registry import ADAPTERS
from platform_adapters.report import ImportReport

if TYPE_CHECKING:
    from pathlib import Path

KEY = bytes(range(32))


@dataclass
class Adapted:
    """Rows and report of one import."""

    rows: list
    report: ImportReport

    @property
    def reasons(self) -> set:
        return set(self.report.ignored) | set(self.report.rejected)


@pytest.fixture
def pseudonymiser():
    return Pseudonymiser(KEY)


@pytest.fixture
def adapt(tmp_path: Path, pseudonymiser):
    """Write records to a file (objects as JSON lines, text as it is) and import it."""

    def run(name, records, *, sides=(), allow=1.0, **options):
        path = tmp_path / "log"
        if isinstance(records, bytes):
            path.write_bytes(records)
        elif isinstance(records, str):
            path.write_text(records, encoding="utf-8")
        else:
            path.write_text("".join(json.dumps(r) + "\n" for r in records), encoding="utf-8")
        given = [path]
        for number, text in enumerate(sides):
            side = tmp_path / f"side{number}.csv"
            side.write_text(text, encoding="utf-8")
            given.append(side)
        report = ImportReport()
        rows = convert(
            ADAPTERS[name],
            given,
            AdaptOptions(platform="test", **options),
            pseudonymiser,
            report,
            max_reject_share=allow,
        )
        return Adapted(list(rows), report)

    return run
