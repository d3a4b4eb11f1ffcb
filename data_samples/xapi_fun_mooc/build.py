"""Cut the sample from openfun/ralph's `statements.json.gz`.

Usage: python data_samples/xapi_fun_mooc/build.py PATH/TO/statements.json.gz

The first 3,000 lines, unchanged, packed without a time stamp so that the file is always the same.
"""

from __future__ import annotations

import gzip
import sys
from itertools import islice
from pathlib import Path

LINES = 3_000
OUT = Path(__file__).with_name("statements.jsonl.gz")


def main() -> None:
    """Read the source, write the cut."""
    with gzip.open(sys.argv[1], "rb") as source:
        cut = b"".join(islice(source, LINES))
    OUT.write_bytes(gzip.compress(cut, compresslevel=9, mtime=0))
    print(f"{LINES:,} statements, {OUT.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
