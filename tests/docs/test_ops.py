"""Units and Containerfile: systemd accepts them, and they call only what exists."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from api.cli.main import cli

OPS = Path(__file__).resolve().parents[2] / "docs" / "guides" / "ops"
UNITS = sorted(path for path in OPS.iterdir() if path.suffix in {".service", ".timer"})
PROGRAM = "/opt/murmuration/.venv/bin/murmuration"


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze")
def test_systemd_accepts_the_units(tmp_path: Path) -> None:
    for unit in UNITS:
        text = unit.read_text().replace(PROGRAM, sys.executable)
        (tmp_path / unit.name).write_text(text)
    units = [str(tmp_path / unit.name) for unit in UNITS]
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *units],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    ours = [line for line in done.stderr.splitlines() if "murmuration" in line]
    assert ours == []


def test_units_and_containerfile_call_commands_that_exist() -> None:
    texts = [unit.read_text() for unit in UNITS]
    calls = [line.split() for text in texts for line in re.findall(rf"{PROGRAM} (.*)", text)]
    container = (OPS / "Containerfile").read_text()
    calls += [
        line.split() for line in re.findall(r"murmuration ((?:swarm|serve)[^\\\n|]*)", container)
    ]
    assert len(calls) >= 5
    for call in calls:
        names = [part for part in call if not part.startswith("-")]
        command = names[:2] if names[0] == "swarm" else names[:1]
        text = CliRunner().invoke(cli, [*command, "--help"]).output
        options = [part for part in call if part.startswith("--")]
        assert "Usage" in text
        assert [option for option in options if option not in text] == [], call


def test_the_image_copies_every_package_and_runs_as_nobody_special() -> None:
    text = (OPS / "Containerfile").read_text()
    for package in ("recommender", "swarm", "platform_adapters", "api"):
        assert f"COPY {package} {package}" in text
    assert text.index("USER murmuration") > text.index("pip install")
    assert "HEALTHCHECK" in text
