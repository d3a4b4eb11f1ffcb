"""A real Kolibri for tests marked `server`, filled by `tests/kolibri_fill.py`.

Its environment is its own (`MURMURATION_KOLIBRI`, by default a folder of the user's cache): made
once by pip, never in the project's. What cannot be had is a failure in CI and a skip elsewhere.
"""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from pathlib import Path

from tests.servers import missing

VERSION = "0.19.5"
FILL = Path(__file__).with_name("kolibri_fill.py")
_CACHE = Path.home() / ".cache" / "murmuration-tests" / f"kolibri-{VERSION}"
_STEP_SECONDS = 300


def kolibri() -> Path:
    """The program, installed if it is not there yet."""
    place = Path(os.environ.get("MURMURATION_KOLIBRI", _CACHE))
    program = place / "bin" / "kolibri"
    if not program.exists():
        venv.create(place, with_pip=True)
        install = [place / "bin" / "python", "-m", "pip", "install", "-q", f"kolibri=={VERSION}"]
        if subprocess.run(install, check=False).returncode:
            missing(f"kolibri=={VERSION} cannot be installed by pip into {place}")
    return program


class School:
    """One Kolibri with a folder of its own."""

    def __init__(self, program: Path, folder: Path) -> None:
        self._program = program
        self._environment = {**os.environ, "KOLIBRI_HOME": str(folder / "home")}
        self._folder = folder
        self.manage(
            *("provisiondevice", "--facility", "Nalanda", "--superusername", "admin"),
            *("--superuserpassword", "password", "--preset", "nonformal"),
            *("--language_id", "en", "--noinput"),
        )
        self.manage("shell", stdin=FILL)

    @property
    def database(self) -> Path:
        """What the device keeps."""
        return self._folder / "home" / "db.sqlite3"

    def manage(self, *arguments: str, stdin: Path | None = None) -> None:
        """Run one of Kolibri's own commands."""
        done = subprocess.run(
            [self._program, "manage", *arguments],
            env=self._environment,
            input=stdin.read_bytes() if stdin else None,
            capture_output=True,
            timeout=_STEP_SECONDS,
            check=False,
        )
        if done.returncode:
            sys.stderr.write(done.stdout.decode(errors="replace"))
            raise AssertionError(done.stderr.decode(errors="replace")[-2000:])

    def export(self, kind: str, language: str) -> Path:
        """What *Facility > Data > Export* writes."""
        path = self._folder / f"{kind}.{language}.csv"
        self.manage(
            *("exportlogs", "-l", kind, "-O", str(path), "-w", "--locale", language),
            *("--start_date", "2024-01-01", "--end_date", "2024-12-31"),
        )
        return path
