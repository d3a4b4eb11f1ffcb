"""Nodes, worlds and messages that the tests of a node share."""

from __future__ import annotations

from swarm import codec, events
from swarm.ledger.transactions import write_transaction
from swarm.node import Node
from swarm.protocol import sign
from swarm.signing import SimSigner
from swarm.simulation.scenario import Scenario, make_genesis
from swarm.simulation.world import World
from swarm.state import NodeConfig

GENESIS = make_genesis(4)
IDS = GENESIS.ids


def signer(index: int) -> SimSigner:
    return SimSigner(IDS[index], GENESIS.swarm_id)


def make_node(index: int = 0, genesis=GENESIS, **config) -> Node:
    return Node(
        genesis,
        genesis.ids[index],
        SimSigner(genesis.ids[index], genesis.swarm_id),
        NodeConfig(**config),
    )


def started(index: int = 0, **config) -> Node:
    node = make_node(index, **config)
    node.step(events.Started(0))
    return node


def ran(**changes) -> World:
    """A world that has decided two rounds."""
    world = World(3, Scenario(faults=(), **changes))
    world.run()
    return world


def notes(effects) -> list[str]:
    return [effect.text for effect in effects if isinstance(effect, events.Note)]


def of(effects, kind) -> list:
    return [effect for effect in effects if isinstance(effect, kind)]


def signed_message(index: int, transaction) -> bytes:
    purpose, body = write_transaction(transaction)
    return codec.encode(["transaction", sign(signer(index), IDS[index], purpose, body).to_value()])
