"""What a peer is told when it starts, and where its files lie."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from swarm.state import NodeConfig
from swarm.transport.timing import MeshTiming

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from swarm.ledger.genesis import Member


@dataclass(frozen=True, slots=True)
class PeerConfig:
    """Everything a peer needs to know; the files below `home` are those of one platform."""

    home: Path
    """The platform's folder."""
    seed: bytes = field(repr=False)
    """32-byte Ed25519 private key: the identity."""
    listen: str
    """Multiaddress to listen on."""
    contribute_command: tuple[str, ...]
    """Command that makes a contribution; the round's arguments are added."""
    fit_command: tuple[str, ...] = ()
    """Command that is started after HEAD has moved; empty for none."""
    addresses: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Where to dial a member, by name, instead of where the ledger says."""
    contacts: tuple[Member, ...] = ()
    """Members at the time of our invitation: whom a newcomer asks for the history."""
    node: NodeConfig = field(default_factory=NodeConfig)
    """The protocol core's own choices."""
    timing: MeshTiming = field(default_factory=MeshTiming)
    """How patient links are."""
    commit_offset_seconds: float = 2.0
    """Contributions are sent at multiples of this after the round has opened (R21)."""
    tick_seconds: float = 0.1
    """Interval of the core's clock."""
    status_seconds: float = 0.5
    """Least time between two writes of `status.json`."""

    @property
    def ledger(self) -> Path:
        """Genesis, manifest and blocks."""
        return self.home / "ledger"

    @property
    def genesis(self) -> Path:
        """The signed genesis."""
        return self.ledger / "genesis.cbor"

    @property
    def manifest(self) -> Path:
        """The manifest whose digest genesis names."""
        return self.ledger / "manifest.cbor"

    @property
    def blocks(self) -> Path:
        """Final blocks with their certificates: a record file of kind `blocks`."""
        return blocks_path(self.home)

    @property
    def votes(self) -> Path:
        """The write-ahead log: a record file of kind `votes`."""
        return self.home / "wal" / "votes.log"

    @property
    def lock(self) -> Path:
        """Held while the peer runs."""
        return self.home / "wal" / "lock"

    @property
    def blobs(self) -> Path:
        """Contributions by digest."""
        return self.home / "blobs"

    @property
    def models(self) -> Path:
        """Merged models by digest."""
        return self.home / "models"

    @property
    def head(self) -> Path:
        """Pointer to the merged model that counts."""
        return self.home / "HEAD"

    @property
    def network(self) -> Path:
        """Pointer to the merged network parameters that count."""
        return self.home / "NETWORK"

    @property
    def serving(self) -> Path:
        """Pointer to the model that is served; written by the fit command."""
        return self.home / "SERVING"

    @property
    def inbox(self) -> Path:
        """Request files of operators."""
        return self.home / "inbox"

    @property
    def status(self) -> Path:
        """What the peer says about itself."""
        return self.home / "status.json"

    def round(self, number: int) -> Path:
        """Folder of one round."""
        return self.home / "rounds" / str(number)

    def contribution(self, number: int) -> Path:
        """Own contribution to a round; written by the contribute command, whole or not at all."""
        return self.round(number) / "contribution.bin"


def blocks_path(home: Path) -> Path:
    """The ledger's blocks in a home; read them with `read_records(path, "blocks")`."""
    return home / "ledger" / "blocks" / "blocks.log"
