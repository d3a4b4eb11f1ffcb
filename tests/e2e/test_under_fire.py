"""Real peers while their world breaks: kills, stops, cut and slow wires, a member gone mad.

The short form of each runs in `make test`; the long ones are `soak`: 30 rounds each, or fewer when
`MURMURATION_SOAK_MINUTES` are over.
"""

from __future__ import annotations

import functools
import itertools
import os
import random
import signal
import statistics
import subprocess
import sys
import time

import pytest

from swarm.ledger.genesis import fault_bound
from tests.e2e.peers import NAMES, Swarm
from tests.e2e.wires import Wires

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(0)]

ROUNDS = 30
MINUTES = float(os.environ.get("MURMURATION_SOAK_MINUTES", "10"))
LAYERS = {"raw", "multiplexer", "framing", "messages", "blobs", "flood"}
DEAD_LEADER_SECONDS = 10.0
FLOODED_SHARE = 0.4
"""Of a core, own work in a round included: the flooder's share is a tenth."""


@pytest.fixture
def grow(tmp_path):
    """`grow(count)`: a founded swarm; ended with the test."""
    made = []

    def _grow(count, **options):
        made.append(Swarm(tmp_path, NAMES[:count], **options).found())
        return made[-1]

    yield _grow
    for swarm in made:
        swarm.close()


@pytest.fixture
def vandal():
    """`vandal(swarm, name)`: rubbish from a member's seat; what it has spoken so far."""
    running = []

    def _start(swarm, name, *how):
        path = swarm.folder / "rubbish.log"
        with path.open("wb") as log:
            command = [sys.executable, "-m", "tests.e2e.vandal", str(swarm.homes[name].path), *how]
            running.append(subprocess.Popen(command, stdout=log, stderr=log))
        return lambda: set(path.read_text().split())

    yield _start
    for process in running:
        process.kill()
        process.wait()


def test_a_member_that_speaks_rubbish_at_every_layer_is_left_out_and_changes_nothing(grow, vandal):
    swarm = grow(4, cells=1_000)
    *honest, mad = swarm.names
    spoken = vandal(swarm, mad)
    swarm.start_all(*honest)
    pids = {name: swarm.status(name)["pid"] for name in honest}
    swarm.until(lambda: spoken() >= LAYERS, "every layer has been tried")
    swarm.ask_for_round(honest[0], close_after_seconds=8)
    swarm.until_head(1, *honest)
    swarm.until_same_head(*honest)
    mad_id = swarm.member_id(mad)
    for name in honest:
        status = swarm.status(name)
        assert sorted(status["rounds"][-1]["in"]) == sorted(honest)
        assert status["pid"] == pids[name]
        assert status["gauges"]["refused"][mad_id] > 0
    swarm.assert_one_truth(*honest)


def test_a_member_that_floods_costs_a_bounded_share_of_cpu_and_honest_members_go_on(grow, vandal):
    swarm = grow(4, cells=1_000)
    *honest, mad = swarm.names
    swarm.start_all(*honest)
    spoken = vandal(swarm, mad, "flood")
    swarm.until(spoken, "the flood has begun")
    mad_id = swarm.member_id(mad)
    refused = lambda name: swarm.status(name)["gauges"]["refused"].get(mad_id, 0)  # noqa: E731
    swarm.until(lambda: min(map(refused, honest)) > 500, "the flood has cost all at once")
    before, began = swarm.cost()["cpu_seconds"], time.monotonic()
    swarm.ask_for_round(honest[0], close_after_seconds=8)
    swarm.until_head(1, *honest)
    swarm.until_same_head(*honest)
    seconds = (swarm.cost()["cpu_seconds"] - before) / len(honest)
    share = seconds / (time.monotonic() - began)
    print(f"a flooded member used {share:.2f} of a core over {seconds / share:.0f} s of a round")
    assert share < FLOODED_SHARE
    swarm.assert_one_truth(*honest)


def merge_rounds(swarm, rounds, disturb, names=None):
    """Rounds, each disturbed while it runs, until all are merged or the time is over; how many."""
    names = names or swarm.names
    began = time.monotonic()
    end = began + 60 * MINUTES
    done = 0
    for number in range(1, rounds + 1):
        if time.monotonic() > end:
            break
        opened = _open_round(swarm, names)
        disturb()
        swarm.until(
            lambda opened=opened: all(_decided(swarm, name) >= opened for name in names),
            f"round {number} is decided",
            seconds=240,
        )
        done = number
    wall = time.monotonic() - began
    print(f"{len(names)} peers, {done} rounds in {wall:.0f} s; of all together: {swarm.cost()}")
    return done


def _open_round(swarm, names, close_after_seconds=6):
    """Ask until a round opens anywhere: a request to a peer that is killed may be lost."""
    before = max(_decided(swarm, name) for name in names)
    for name in itertools.cycle(names):
        swarm.ask_for_round(name, close_after_seconds=close_after_seconds)
        end = time.monotonic() + 4
        while time.monotonic() < end:
            numbers = [r["round"] for n in names for r in swarm.status(n)["rounds"]]
            if max(numbers, default=0) > before:
                return max(numbers)
            time.sleep(0.1)
    raise AssertionError


def _decided(swarm, name):
    rounds = swarm.status(name)["rounds"]
    final = [
        r for r in rounds if r["outcome"] == "merged" or (r["outcome"], r["attempt"]) == ("void", 2)
    ]
    return max((r["round"] for r in final), default=0)


def kill(swarm, chance, victims):
    """End members, and start them again."""
    for victim in victims:
        swarm.stop(victim, signal.SIGKILL)
    time.sleep(chance.uniform(0, 2))
    for victim in victims:
        swarm.start(victim)


def freeze(swarm, chance, victims):
    """Stop members for so long that others give up on them, or not, and let them go on."""
    for victim in victims:
        swarm.running[victim].send_signal(signal.SIGSTOP)
    time.sleep(chance.uniform(0.5, 20))
    for victim in victims:
        swarm.running[victim].send_signal(signal.SIGCONT)


def disturb_wires(change, swarm, chance, victims):
    """Do something to all wires of members, and mend them."""
    pairs = [(v, other) for v in victims for other in swarm.names if other != v]
    for pair in pairs:
        change(swarm.wires, *pair)
    time.sleep(chance.uniform(0.5, 10))
    for pair in pairs:
        swarm.wires.mend(*pair)


ACTS = {
    "killed": kill,
    "stopped": freeze,
    "cut off": functools.partial(disturb_wires, Wires.cut),
    "silenced": functools.partial(disturb_wires, Wires.silence),
    "slowed": functools.partial(disturb_wires, lambda wires, a, b: wires.slow(a, b, 100_000)),
}
WEIGHTS = (3, 1, 1, 1, 1)


@pytest.mark.soak
@pytest.mark.parametrize("count", [4, 7])
def test_peers_that_are_killed_stopped_and_cut_off_at_random_still_agree(grow, count):
    swarm = grow(count, has_wires=True)
    chance = random.Random(count)  # noqa: S311 - a test
    swarm.start_all()
    recovered = {act: [] for act in ACTS}

    def disturb():
        for _ in range(chance.randint(1, 3)):
            time.sleep(chance.uniform(0, 2))
            victims = chance.sample(swarm.names, chance.randint(1, fault_bound(count)))
            (act,) = chance.choices(tuple(ACTS), WEIGHTS)
            ACTS[act](swarm, chance, victims)
            mended = time.monotonic()
            if chance.random() < 0.7:  # else the next fault comes before this one is over
                swarm.until_recovered()
                recovered[act].append(time.monotonic() - mended)

    assert merge_rounds(swarm, ROUNDS, disturb) > 0
    height, digest = swarm.until_same_head(*swarm.names)
    swarm.assert_one_truth()
    print(f"{count} peers end at height {height} with HEAD {digest[:16]} and exports that verify")
    for act, times in recovered.items():
        if times:
            middle, most = statistics.median(times), max(times)
            print(
                f"{act}: {len(times)} times, well again after {middle:.1f} s, at most {most:.1f} s"
            )


@pytest.mark.soak
def test_every_peer_killed_at_once_loses_nothing(grow):
    swarm = grow(4)
    chance = random.Random(3)  # noqa: S311 - a test
    swarm.start_all()

    def blackout():
        time.sleep(chance.uniform(0, 4))
        for name in swarm.names:
            swarm.stop(name, signal.SIGKILL)
        for name in swarm.names:
            swarm.start(name)

    assert merge_rounds(swarm, 5, blackout) > 0
    swarm.until_same_head(*swarm.names)
    swarm.assert_one_truth()


@pytest.mark.soak
@pytest.mark.parametrize("how", ["killed", "stopped", "cut off"])
def test_a_dead_leader_costs_less_than_ten_seconds(grow, how):
    """The dead member leads a view in turn: the slowest height shows what that costs."""
    swarm = grow(4, cells=1_000, has_wires=True)
    swarm.start_all()
    dead, *alive = swarm.names
    merge_rounds(swarm, 1, lambda: None)
    before = {name: swarm.status(name)["gauges"] for name in alive}
    if how == "killed":
        swarm.stop(dead, signal.SIGKILL)
    elif how == "stopped":
        swarm.running[dead].send_signal(signal.SIGSTOP)
    else:
        for name in alive:
            swarm.wires.silence(dead, name)
    merge_rounds(swarm, 4, lambda: None, alive)
    for name in alive:
        gauges = swarm.status(name)["gauges"]
        late = gauges["views_timed_out"] - before[name]["views_timed_out"]
        print(how, name, "views timed out", late, "slowest decision", gauges["decide_seconds_most"])
        assert late > 0
        assert gauges["decide_seconds_most"] < DEAD_LEADER_SECONDS


@pytest.mark.soak
@pytest.mark.parametrize("count", [10, 20])
def test_many_members_merge_and_what_it_costs(grow, count):
    swarm = grow(count, cells=10_000)
    swarm.start_all()
    assert merge_rounds(swarm, 2, lambda: None) == 2
    swarm.until_same_head(*swarm.names)
    swarm.assert_one_truth()
    for name in swarm.names:
        gauges = swarm.status(name)["gauges"]
        sent, size = gauges["messages_sent"], gauges["message_bytes_sent"]
        print(f"{name}: {sent} messages, {size} bytes sent, {gauges['cpu_seconds']} s CPU")
