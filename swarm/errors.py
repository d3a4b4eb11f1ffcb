"""Errors of the swarm; the class says whose fault it is, the message what to do."""


class SwarmError(Exception):
    """Root of this package's errors."""


class LocalProtocolError(SwarmError):
    """We broke our own protocol: a bug of ours."""


class RemoteProtocolError(SwarmError):
    """A peer's bytes break the protocol; they are dropped and nothing has changed.

    Attributes:
        peer: Member id of the peer, or empty if unknown.
        rule: Number of the broken rule, such as `R28`, or empty.
    """

    def __init__(self, message: str, *, peer: str = "", rule: str = "") -> None:
        super().__init__(message)
        self.peer = peer
        self.rule = rule


class TransportError(SwarmError):
    """The network failed; try again."""


class KeyRotatedError(SwarmError):
    """This member has another key from now on: start again with that one."""


class StorageError(SwarmError):
    """The disk failed or holds damaged files; the message names the file and the way out."""


class LedgerError(SwarmError):
    """A ledger, genesis or export that does not verify."""
