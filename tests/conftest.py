"""What all tests share: one thread for small matrices, and two Hypothesis profiles.

`fast` (the default) draws the same examples each run; `HYPOTHESIS_PROFILE=thorough` draws fresh
ones and prints how to repeat a failure. No deadline: a busy machine is no failure.
"""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before numpy
os.environ.setdefault("OMP_NUM_THREADS", "1")

from hypothesis import settings

settings.register_profile("fast", deadline=None, derandomize=True)
settings.register_profile("thorough", deadline=None, max_examples=500, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "fast"))
