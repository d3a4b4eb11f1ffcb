"""Whatever a peer sends, a node stays up and refused input changes nothing (R28)."""

from __future__ import annotations

from functools import cache

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from swarm import codec, events
from swarm.errors import LedgerError, RemoteProtocolError
from swarm.ledger.export import verify_export
from swarm.ledger.genesis import read_genesis, read_request
from swarm.node import Node
from swarm.signing import SimSigner
from swarm.simulation.scenario import Scenario, make_genesis
from swarm.simulation.world import World

GENESIS = make_genesis(4)
calm = settings(deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.binary(max_size=70)
    | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=10), inner, max_size=5)
    ),
    max_leaves=12,
)
types = st.sampled_from(
    ["vote", "proposal", "certificate", "final", "status", "transaction", "receipt"]
)


@cache
def spoken() -> tuple[bytes, ...]:
    """Every message that members really said to each other in a run with faults."""
    said: list[bytes] = []

    class Listening(World):
        def send(self, sender: str, receiver: str, message: bytes) -> None:
            said.append(message)
            super().send(sender, receiver, message)

    Listening(11, Scenario(rounds=1)).run()
    return tuple(dict.fromkeys(said))


@cache
def running() -> Node:
    """A node that has heard a third of it."""
    node = Node(GENESIS, GENESIS.ids[0], SimSigner(GENESIS.ids[0], GENESIS.swarm_id))
    node.step(events.Started(0))
    for message in spoken()[: len(spoken()) // 3]:
        node.step(events.Received(GENESIS.ids[1], message))
    return node


def check_one(message: bytes) -> None:
    """One message, then back to where we were: nothing may raise, and a refusal changes nothing."""
    node = running()
    before = node._state
    try:
        effects = node.step(events.Received(GENESIS.ids[1], message))
        if len(effects) == 1 and isinstance(effects[0], events.Note):
            assert effects[0].level != "warning" or node._state is before
        node.view()
    finally:
        node._state = before


@calm
@given(st.binary(max_size=300))
def test_random_bytes(message):
    check_one(message)


@settings(calm, max_examples=300)
@given(types, st.lists(values, max_size=3))
def test_random_values_of_the_right_type(kind, parts):
    check_one(codec.encode([kind, *parts]))


@settings(calm, max_examples=300)
@given(st.data())
def test_true_messages_that_were_damaged_on_the_way(data):
    message = data.draw(st.sampled_from(spoken()))
    at = data.draw(st.integers(0, len(message) - 1))
    kind = data.draw(st.sampled_from(["flip", "cut", "grow", "zero"]))
    match kind:
        case "flip":
            bit = 1 << data.draw(st.integers(0, 7))
            check_one(message[:at] + bytes([message[at] ^ bit]) + message[at + 1 :])
        case "cut":
            check_one(message[:at])
        case "grow":
            check_one(message[:at] + data.draw(st.binary(max_size=9)) + message[at:])
        case _:
            check_one(message[:at] + bytes(len(message) - at))


def test_every_true_message_is_taken_in_any_order():
    node = Node(GENESIS, GENESIS.ids[0], SimSigner(GENESIS.ids[0], GENESIS.swarm_id))
    node.step(events.Started(0))
    for message in reversed(spoken()):
        effects = node.step(events.Received(GENESIS.ids[1], message))
        assert not [e for e in effects if isinstance(e, events.Note) and e.level == "error"]


@calm
@given(values)
def test_what_decodes_encodes_to_the_same_bytes(value):
    encoded = codec.encode(value)
    assert codec.encode(codec.decode(encoded, 1 << 20)) == encoded


@calm
@given(st.binary(max_size=200) | values.map(codec.encode))
def test_files_of_other_people_are_refused_by_their_own_errors(data):
    with pytest.raises(RemoteProtocolError):
        read_request(data)
    with pytest.raises(RemoteProtocolError):
        read_genesis(data)
    with pytest.raises(LedgerError):
        verify_export(data)
