"""One target under atheris, coverage-guided, until its time is over or something is found.

    python -m tests.fuzz.run_atheris codec -max_total_time=60

What is found lies as `crash-…` in the present folder; the bytes belong in `targets.py` as a sample.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(
    include=["swarm", "api.founding", "api.membership", "recommender.release"]
):
    from tests.fuzz.targets import TARGETS


def main() -> None:
    """Run the target that the first argument names; the rest is libFuzzer's."""
    target = TARGETS[sys.argv[1]]
    corpus = Path(tempfile.mkdtemp(prefix="murmuration-fuzz-"))
    for number, sample in enumerate(target.samples):
        (corpus / str(number)).write_bytes(sample)
    bounds = ["-max_len=70000", "-timeout=10", "-rss_limit_mb=1500"]

    def take(data: bytes) -> None:
        target(data)

    atheris.Setup([sys.argv[0], *bounds, *sys.argv[2:], str(corpus)], take)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
