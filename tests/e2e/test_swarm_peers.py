"""Four real peer processes on loopback: a round, kill -9 in its middle, bad surroundings."""

from __future__ import annotations

import os
import signal
import socket

import pytest

from tests.e2e.peers import NAMES as ALL_NAMES
from tests.e2e.peers import WAIT_SECONDS, Swarm, expected_head

pytestmark = pytest.mark.e2e

NAMES = ALL_NAMES[:4]


@pytest.fixture
def swarm(tmp_path):
    made = Swarm(tmp_path).found()
    yield made
    made.close()


def test_a_round_survives_kill_9_of_one_member_and_all_end_with_the_same_model(swarm):
    victim = "birch"
    for name in NAMES:
        swarm.start(name)
    (swarm.homes[victim].path / "hold").touch()
    swarm.until_connected(*NAMES)
    swarm.ask_for_round("alder", close_after_seconds=60)
    others = [name for name in NAMES if name != victim]
    swarm.until(
        lambda: all(
            len(s["rounds"]) == 1 and len(s["rounds"][0]["in"]) >= 3
            for s in map(swarm.status, others)
        ),
        "three have committed",
    )
    assert swarm.stop(victim, signal.SIGKILL) == -signal.SIGKILL
    (swarm.homes[victim].path / "hold").unlink()
    swarm.start(victim)
    swarm.until_head(1, *NAMES)
    heads = {swarm.status(name)["head"]["digest"] for name in NAMES}
    assert heads == {expected_head(*NAMES)}
    for name in NAMES:
        entry = swarm.status(name)["rounds"][0]
        assert (entry["outcome"], sorted(entry["in"]), entry["out"]) == ("merged", list(NAMES), [])
        assert (swarm.homes[name].path / "made").read_text() == "1 1\n"
    swarm.assert_one_truth()
    assert [swarm.stop(name) for name in NAMES] == [0, 0, 0, 0]


def test_a_member_that_missed_a_round_catches_up_and_one_that_abstains_is_named(swarm):
    here, away, idle = ("alder", "birch", "cedar"), "dogwood", "cedar"
    (swarm.homes[idle].path / "abstain").touch()
    for name in here:
        swarm.start(name, "--supervise")
    swarm.until_connected(*here)
    swarm.ask_for_round("birch", close_after_seconds=8)
    swarm.until_head(1, *here)
    inner = swarm.status("alder")["pid"]
    assert inner != swarm.running["alder"].pid
    os.kill(inner, signal.SIGKILL)  # the supervisor starts it again
    swarm.start(away)
    swarm.until_head(1, *here, away)
    swarm.until(lambda: swarm.status("alder")["pid"] != inner, "alder is restarted")
    swarm.until_connected(*NAMES)
    expected = expected_head("alder", "birch")
    for name in NAMES:
        status = swarm.status(name)
        out = {entry["member"]: entry["reason"] for entry in status["rounds"][0]["out"]}
        assert out == {idle: "abstained: nobody is due", away: "no contribution arrived"}
        assert status["head"]["digest"] == expected
    assert {swarm.stop(name) for name in NAMES} == {0}


def _run(swarm, name, *extra):
    """Run a peer that cannot start; its exit code and what it says."""
    swarm.start(name, *extra)
    code = swarm.running.pop(name).wait(WAIT_SECONDS)
    return code, swarm.log(name).strip().splitlines()[-1]


def test_a_peer_that_cannot_start_says_why_in_one_sentence_and_exits_1(swarm):
    home = swarm.homes["alder"]
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", swarm.ports["alder"]))
        taken.listen()
        code, said = _run(swarm, "alder", "--supervise")
    assert (code, f"port {swarm.ports['alder']} is in use" in said) == (1, True)

    swarm.start("alder")
    swarm.until(lambda: swarm.status("alder")["pid"], "alder is up")
    first = swarm.running.pop("alder")
    code, said = _run(swarm, "alder", "--supervise")
    assert (code, f"in use by another peer (process {first.pid})" in said) == (1, True)
    swarm.running["alder"] = first
    assert swarm.stop("alder", signal.SIGINT) == 0

    votes = home.wal_dir / "votes.log"
    for path in (votes, home.genesis_path, home.manifest_path):
        whole = path.read_bytes()
        path.write_bytes(whole[:30] + bytes([whole[30] ^ 1]) + whole[31:])
        code, said = _run(swarm, "alder")
        assert (code, str(path) in said) == (1, True), said
        path.write_bytes(whole)
