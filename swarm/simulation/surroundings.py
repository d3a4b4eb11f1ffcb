"""What a simulated member needs of the world around it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable
    from random import Random

    from swarm.events import Event
    from swarm.simulation.host import Host


class Surroundings(Protocol):
    """What a host needs of the world around it."""

    rng: Random
    injected: Counter[str]

    def send(self, sender: str, receiver: str, message: bytes) -> None:
        """Hand a message to the network."""
        ...

    def later(self, host: Host, delay_ms: int, event: Event) -> None:
        """Let something happen to a host, unless it crashes before."""
        ...

    def again(self, host: Host, delay_ms: int, act: Callable[[], None]) -> None:
        """Let a host do something later, unless it crashes before."""
        ...

    def find(self, host: Host, blob: bytes, holders: tuple[str, ...]) -> bytes | None:
        """A blob from whoever is up, reachable and willing; whether it is true is not said."""
        ...

    def rotated(self, host: Host, before: str) -> None:
        """Say that a host goes on under its next key."""
        ...

    def crashed(self, host: Host) -> None:
        """Say that a host is down, and must start again some time."""
        ...

    def start_again(self, host: Host) -> None:
        """Say that a host has ended of its own accord."""
        ...

    def note(self, host: Host, text: str) -> None:
        """For the trace."""
        ...
