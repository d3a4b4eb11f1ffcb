"""Measurements kept as soon as they are made, so that a run that ends early goes on where it was.

A line of the file is one measurement: what was measured, by which version of code and data, how
long it took, and its records. Lines are appended by a single write each, by as many processes as
measure; one that was cut off, or that another version made, counts for nothing.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

Key = tuple[str, str, int, str]
"""Section, log, seed and the name of the step."""

Record = dict[str, object]


def version_of(paths: Iterable[Path]) -> str:
    """A digest of files, and of all Python files in folders, by their names and bytes."""
    digest = hashlib.blake2b(digest_size=8)
    for path in paths:
        files = sorted(path.rglob("*.py")) if path.is_dir() else [path]
        for file in files:
            name = str(file.relative_to(path.parent)).encode()
            digest.update(b"%d %s %d " % (len(name), name, file.stat().st_size))
            digest.update(file.read_bytes())
    return digest.hexdigest()


@dataclass(frozen=True, slots=True)
class Kept:
    """The file of measurements.

    Attributes:
        path: Where it is; it need not exist.
        version: Of code and data; lines of another are not read.
    """

    path: Path
    version: str

    def read(self) -> dict[Key, list[Record]]:
        """Records of this version by what was measured, in the order of the file."""
        found: dict[Key, list[Record]] = {}
        if not self.path.exists():
            return found
        for line in self.path.read_text(encoding="utf-8").splitlines():
            try:
                held = json.loads(line)
            except ValueError:  # cut off
                continue
            if held["version"] == self.version:
                key = (held["section"], held["log"], held["seed"], held["step"])
                found[key] = held["records"]
        return found

    def add(self, key: Key, records: Sequence[Mapping[str, object]], seconds: float) -> None:
        """Append a measurement and bring it to the disk."""
        names = dict(zip(("section", "log", "seed", "step"), key, strict=True))
        held = {"version": self.version, **names, "seconds": round(seconds, 1)}
        # A line feed first: what stands before may have been cut off.
        line = "\n" + json.dumps({**held, "records": [_rounded(record) for record in records]})
        place = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            os.write(place, line.encode())
            os.fsync(place)
        finally:
            os.close(place)

    def forget(self) -> None:
        """Begin anew."""
        self.path.unlink(missing_ok=True)


def _rounded(record: Mapping[str, object]) -> Record:
    return {
        name: round(value, 5) if isinstance(value, float) else value
        for name, value in record.items()
    }
