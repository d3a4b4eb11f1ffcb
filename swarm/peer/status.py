"""`status.json`: what the peer shows to pages and operators."""

from __future__ import annotations

import os
from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from swarm.ledger.kinds import PARAMETERS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from swarm.ledger.roster import Roster
    from swarm.ledger.rounds import Round
    from swarm.transport.mesh import Mesh
    from swarm.views import NodeView

SCHEMA = "murmuration.status/1"

ROUNDS_SHOWN = 200
"""Attempts; how many there were in all, by outcome, stands beside them."""


def now_text() -> str:
    """The present as ISO 8601, UTC, seconds."""
    return datetime.now(UTC).isoformat(timespec="seconds")


class RoundTimes:
    """When this peer first saw each attempt open and decided, by the wall clock.

    Times are not on the ledger, so they are taken over from the last `status.json`.
    """

    def __init__(self, previous: Mapping[str, Any] | None) -> None:
        self._times: dict[tuple[int, int], dict[str, str | None]] = {}
        for entry in (previous or {}).get("rounds", ()):
            key = (entry.get("round", 0), entry.get("attempt", 0))
            self._times[key] = {n: entry.get(n) for n in ("opened_at", "decided_at")}

    def note(self, entry: Round) -> dict[str, str | None]:
        """The times of an attempt, taken now if it is new."""
        times = self._times.setdefault(entry.key, {"opened_at": None, "decided_at": None})
        if times["opened_at"] is None:
            times["opened_at"] = now_text()
        if entry.is_decided and times["decided_at"] is None:
            times["decided_at"] = now_text()
        return times


def build_status(  # noqa: PLR0913 - one argument per source
    me: str,
    view: NodeView,
    mesh: Mesh,
    times: RoundTimes,
    *,
    head: Mapping[str, Any] | None,
    network: Mapping[str, Any] | None,
    port: int,
    notes: Sequence[str],
) -> dict[str, Any]:
    """The status as a JSON object, without `updated_at`; `rounds` are the newest attempts."""
    genesis = view.roster
    return {
        "schema": SCHEMA,
        "swarm": genesis.swarm_id.hex(),
        "swarm_name": genesis.name,
        "name": genesis.names.get(me, me),
        "member": me,
        "state": view.state,
        "height": view.height,
        "head": None if head is None else dict(head),
        "network": None if network is None else dict(network),
        "quorum": view.quorum,
        "tolerates": view.tolerates,
        "changes": genesis.changes,
        "members": [
            {
                "id": member.id,
                "name": member.name,
                "addresses": list(member.addresses),
                "anchor": member.anchor,
                "contributes": member.contributes,
                "bracket": member.bracket,
                "connected": member.id == me or mesh.is_connected(member.id),
                "last_seen": _seen(mesh, member.id, me),
            }
            for member in genesis.members
        ],
        "attempts": dict(sorted(Counter(map(_outcome, view.rounds)).items())),
        "rounds": [_round(entry, genesis, times) for entry in view.rounds[-ROUNDS_SHOWN:]],
        "warnings": [*view.warnings, *notes],
        "errors": list(notes),
        "evidence": dict(view.evidence),
        "passive": view.passive,
        "merge_differs": view.merge_differs,
        "port": port,
        "pid": os.getpid(),
    }


def _seen(mesh: Mesh, member: str, me: str) -> str | None:
    if member == me:
        return now_text()
    seen = mesh.last_seen(member)
    return None if seen is None else seen.isoformat(timespec="seconds")


def _outcome(entry: Round) -> str:
    return entry.outcome if entry.is_decided else "open"


def _round(entry: Round, genesis: Roster, times: RoundTimes) -> dict[str, Any]:
    names = genesis.names
    included = [member for member, _ in entry.included] or sorted(entry.commits)
    out = entry.out or tuple(sorted(entry.abstained.items()))
    if entry.outcome == "void":
        included = []
        out = (*out, *((member, entry.reason) for member in sorted(entry.commits)))
    return {
        "round": entry.opening.round,
        "attempt": entry.opening.attempt,
        "kind": entry.kind,
        "as_of": entry.opening.as_of,
        "close_after_seconds": entry.opening.close_after_seconds,
        "outcome": _outcome(entry),
        "reason": entry.reason,
        "in": [names[member] for member in included],
        "out": [{"member": names[member], "reason": reason} for member, reason in out],
        "digest": entry.digest.hex() or None,
        "rho": list(_spent(genesis, entry.kind)),
        "height": entry.decided_height or entry.closed_height or entry.height,
        **times.note(entry),
    }


def _spent(genesis: Roster, kind: str) -> tuple[int, int]:
    """What a learner in a round of this kind spends; a training is spent as a whole (R2)."""
    if kind == PARAMETERS and genesis.updates is not None:
        return genesis.updates.rho_training
    return genesis.rho
