"""What a peer says about itself stays short, however old its swarm is."""

from __future__ import annotations

from dataclasses import replace

import trio

from swarm.peer import status
from swarm.transport.host import Host
from swarm.transport.mesh import Mesh
from tests.unit.swarm.node.builders import GENESIS, IDS, ran


def test_the_newest_attempts_are_listed_and_all_are_counted(monkeypatch):
    node = ran(rounds=3).hosts[IDS[0]].node
    view = node.view()
    void = replace(view.rounds[0], outcome="void")
    current = replace(view.rounds[-1], outcome="closed")
    view = replace(view, rounds=(void, *view.rounds, current))
    monkeypatch.setattr(status, "ROUNDS_SHOWN", 2)

    async def build():
        host = Host(bytes([1]) * 32, listen="/ip4/127.0.0.1/tcp/0", is_member=lambda _: False)
        mesh = Mesh(host, GENESIS.swarm_id, {}, lambda *_: None)
        times = status.RoundTimes(None)
        return status.build_status(
            *(IDS[0], view, mesh, times), head=None, network=None, port=1, notes=()
        )

    said = trio.run(build)
    assert said["attempts"] == {"merged": 3, "open": 1, "void": 1}
    assert [entry["outcome"] for entry in said["rounds"]] == ["merged", "open"]
