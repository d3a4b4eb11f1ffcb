"""Coverage-guided fuzzing of every target, each for its share of `make soak MINUTES=…`."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fuzz.targets import TARGETS

MINUTES = float(os.environ.get("MURMURATION_SOAK_MINUTES", "10"))
SECONDS = max(3, int(60 * MINUTES * 0.2 / len(TARGETS)))
ROOT = Path(__file__).parents[2]


@pytest.mark.soak
@pytest.mark.parametrize("name", TARGETS)
def test_nothing_that_coverage_leads_to_is_more_than_refused(name, tmp_path, capsys):
    if importlib.util.find_spec("atheris") is None:
        pytest.skip("needs PyPI's atheris, which has wheels for Linux only")
    ended = subprocess.run(
        [sys.executable, "-m", "tests.fuzz.run_atheris", name, f"-max_total_time={SECONDS}"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    runs = re.search(r"Done (\d+) runs", ended.stderr)
    with capsys.disabled():
        print(f"\n{name}: {runs[1] if runs else 'no'} inputs in {SECONDS} s", end=" ")
    assert ended.returncode == 0, ended.stderr[-4_000:]
    assert runs is not None
