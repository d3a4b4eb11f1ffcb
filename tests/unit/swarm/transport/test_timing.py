"""How long a link waits before it dials again."""

from __future__ import annotations

import math

from swarm.transport.timing import Backoff, MeshTiming


def test_waits_double_up_to_the_longest_and_a_steady_link_begins_anew():
    """Links that broke every few seconds once kept the longest wait: members came back late."""
    backoff = Backoff(MeshTiming(redial_seconds=1, redial_most_seconds=5, steady_seconds=2))
    never_up = -math.inf
    assert [backoff.after(never_up) for _ in range(5)] == [1, 2, 4, 5, 5]
    assert [backoff.after(up) for up in (1.9, 2, 0, 60, 3)] == [5, 1, 2, 1, 1]
