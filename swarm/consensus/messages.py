"""What members say to each other about a height: proposals, votes, certificates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from swarm import codec
from swarm.ledger.blocks import MAX_HEIGHT, MAX_VIEW, NO_BLOCK, vote_body
from swarm.protocol import (
    DIGEST_BYTES,
    MAX_BLOCK_BYTES,
    MAX_MEMBERS,
    MAX_MESSAGE_BYTES,
    Fields,
    Signatures,
    read_signed,
    refuse,
    write_signatures,
)

if TYPE_CHECKING:
    from swarm.ledger.rounds import Verify
    from swarm.protocol import Signed

NOTARIZE: Final = "notarize"
NULLIFY: Final = "nullify"
FINALIZE: Final = "finalize"
VOTES: Final = (NOTARIZE, NULLIFY, FINALIZE)


@dataclass(frozen=True, slots=True)
class Proposal:
    """A leader's block for a view.

    Attributes:
        height: Of the block.
        view: In which it is proposed.
        parent: View whose notarised block this is; 0 for a fresh block.
        block: Its bytes.
        signed: As it came, to be sent on.
    """

    height: int
    view: int
    parent: int
    block: bytes
    signed: Signed


@dataclass(frozen=True, slots=True)
class Vote:
    """One member's signed word on one view; `block` is `NO_BLOCK` for Nullify."""

    purpose: str
    height: int
    view: int
    block: bytes
    member: str
    signature: bytes


@dataclass(frozen=True, slots=True)
class Certificate:
    """A quorum of equal votes."""

    purpose: str
    height: int
    view: int
    block: bytes
    signatures: Signatures

    @property
    def body(self) -> bytes:
        """What each of them signed."""
        return vote_body(self.height, self.view, self.block)


def proposal_body(height: int, view: int, parent: int, block: bytes) -> dict[str, Any]:
    """What a leader signs."""
    return {"height": height, "view": view, "parent": parent, "block": block}


def read_proposal(value: object, verify: Verify) -> Proposal:
    """Read a proposal; whether its sender leads that view is another matter.

    Raises:
        RemoteProtocolError: Damaged or falsely signed.
    """
    signed = read_signed(value, ("proposal",), verify)
    body = codec.decode(signed.body, MAX_MESSAGE_BYTES)
    fields = Fields(body, "proposal", ("height", "view", "parent", "block"))
    view = fields.integer("view", 1, MAX_VIEW)
    return Proposal(
        fields.integer("height", 1, MAX_HEIGHT),
        view,
        fields.integer("parent", 0, view - 1),
        fields.data("block", 1, longest=MAX_BLOCK_BYTES),
        signed,
    )


def read_vote(value: object, verify: Verify) -> Vote:
    """Read a vote.

    Raises:
        RemoteProtocolError: Damaged or falsely signed.
    """
    signed = read_signed(value, VOTES, verify)
    height, view, block = _read_point(codec.decode(signed.body, 256), signed.purpose)
    return Vote(signed.purpose, height, view, block, signed.member, signed.signature)


def write_vote(vote: Vote) -> list[Any]:
    """The form that `read_vote` reads."""
    body = vote_body(vote.height, vote.view, vote.block)
    return [vote.purpose, vote.member, body, vote.signature]


def read_certificate(value: object) -> tuple[Certificate, bytes]:
    """Read a certificate and, with a notarisation, its block; both are still to be verified.

    Raises:
        RemoteProtocolError: Damaged.
    """
    keys = ("purpose", "at", "signatures", "block")
    fields = Fields(value, "certificate", keys)
    purpose = fields.text("purpose", 16)
    if purpose not in VOTES:
        raise refuse("a certificate of something else than votes")
    height, view, block = _read_point(fields.items("at", 3), purpose)
    signatures = fields.signatures("signatures", MAX_MEMBERS)
    content = fields.data("block", 0, longest=MAX_BLOCK_BYTES)
    if content and codec.digest(content) != block:
        raise refuse("a certificate beside a block that it is not about")
    return Certificate(purpose, height, view, block, signatures), content


def write_certificate(certificate: Certificate, content: bytes) -> dict[str, Any]:
    """The form that `read_certificate` reads."""
    return {
        "purpose": certificate.purpose,
        "at": [certificate.height, certificate.view, certificate.block],
        "signatures": write_signatures(dict(certificate.signatures)),
        "block": content,
    }


def _read_point(value: object, purpose: str) -> tuple[int, int, bytes]:
    if type(value) is not list or [type(part) for part in value] != [int, int, bytes]:
        raise refuse("a vote that is not height, view and block")
    height, view, block = value
    if not (1 <= height <= MAX_HEIGHT and 1 <= view <= MAX_VIEW and len(block) == DIGEST_BYTES):
        raise refuse("a vote whose height, view or block is out of bounds")
    if (purpose == NULLIFY) != (block == NO_BLOCK):
        raise refuse(f"a {purpose} that names {'a' if purpose == NULLIFY else 'no'} block")
    return height, view, block
