"""`murmuration swarm …`: found a swarm, open rounds, look at it, export and verify its ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from api.cli.lazy import LazyGroup

if TYPE_CHECKING:
    from collections.abc import Mapping

COMMANDS: Mapping[str, tuple[str, str]] = {
    "request": (
        "api.cli.swarm_founding:request",
        "Make this platform's signed request to be a member.",
    ),
    "create": ("api.cli.swarm_founding:create", "Put requests and the shared catalogue together."),
    "sign": ("api.cli.swarm_founding:sign", "Add a signature to a founding or change file."),
    "join": ("api.cli.swarm_founding:join_command", "Join a swarm, founded or by invitation."),
    "round": ("api.cli.swarm_status:open_round", "Ask this platform's peer to open a round."),
    "status": ("api.cli.swarm_status:status", "Show members, rounds and model."),
    "invite": ("api.cli.swarm_members:invite", "Make an invitation for a newcomer or witness."),
    "remove": ("api.cli.swarm_members:remove", "Make a change that removes a member."),
    "leave": ("api.cli.swarm_members:leave", "Leave the swarm, with or without our sums."),
    "rotate-key": ("api.cli.swarm_members:rotate_key", "Replace a member's identity key."),
    "move": ("api.cli.swarm_members:move", "Tell all members another address of ours."),
    "anchor": ("api.cli.swarm_members:anchor", "Trust a member with most of a cell, or no more."),
    "carry": ("api.cli.swarm_members:carry", "Take over what the swarm before had merged."),
    "export": ("api.cli.swarm_ledger:export", "Write the ledger as one verifiable file."),
    "verify": ("api.cli.swarm_ledger:verify", "Verify an exported ledger."),
    "budget": ("api.cli.swarm_ledger:budget", "Show what learners have spent."),
    "reconcile": (
        "api.cli.swarm_ledger:reconcile",
        "Bring spend log, marks and ledgers together; the maximum wins.",
    ),
}


@click.group(cls=LazyGroup, table=COMMANDS)
def swarm() -> None:
    """Found a swarm, open rounds, look at it, export and verify its ledger.

    Example: murmuration swarm status
    """
