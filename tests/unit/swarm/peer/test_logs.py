"""Log lines: bounded, ours only, readable by machines."""

from __future__ import annotations

import json
import logging

from swarm.peer.logs import Bounded, JsonLines


def record(text, created, level=logging.WARNING):
    made = logging.LogRecord("swarm.peer", level, "/code.py", 7, text, (), None)
    made.created = created
    return made


def test_a_member_cannot_fill_the_disk_with_what_it_makes_us_log():
    bounded = Bounded()
    kept = [r for n in range(1000) if bounded.filter(r := record(f"rubbish {n}", 100 + n / 1000))]
    assert len(kept) == 20
    later = record("rubbish again", 161)
    assert bounded.filter(later)
    assert later.getMessage() == "rubbish again (980 more such lines were left out)"


def test_errors_are_always_logged():
    bounded = Bounded()
    assert all(bounded.filter(record("disk", 1, logging.ERROR)) for _ in range(100))


def test_a_json_line_is_one_object_with_its_time_in_utc():
    line = JsonLines().format(record("a line\nof two", 0.5))
    assert json.loads(line) == {
        "at": "1970-01-01T00:00:00.500Z",
        "level": "warning",
        "source": "swarm.peer",
        "text": "a line\nof two",
    }
    assert "\n" not in line
