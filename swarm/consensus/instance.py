"""One height of Simplex as a frozen value, and how foreign votes and certificates change it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from swarm import codec
from swarm.consensus.messages import (
    FINALIZE,
    NOTARIZE,
    NULLIFY,
    Certificate,
    Proposal,
    Vote,
)
from swarm.ledger.blocks import FinalBlock, verify_certificate
from swarm.protocol import refuse

if TYPE_CHECKING:
    from collections.abc import Mapping

    from swarm.consensus.rules import Rules
    from swarm.ledger.genesis import Genesis
    from swarm.signing import Signer

VIEWS_AHEAD: Final = 8
"""Votes for later views are dropped: certificates will bring us there. Bounds memory."""

Key = tuple[str, int]
"""Purpose and view."""


@dataclass(frozen=True, slots=True)
class Seat:
    """What does not change while a node runs."""

    genesis: Genesis
    me: str
    signer: Signer
    rules: Rules

    def at(self, roster: Genesis) -> Seat:
        """The same seat once other members are in force (R27)."""
        return self if roster is self.genesis else replace(self, genesis=roster)

    @property
    def quorum(self) -> int:
        """Signatures that make a certificate."""
        return self.rules.quorum(len(self.genesis.ids))


@dataclass(frozen=True, slots=True)
class Instance:
    """What we know about one height.

    Attributes:
        height: Which.
        view: In which we are.
        since: When we entered it, in ms; None while nobody holds a transaction.
        contents: Blocks by hash; each may follow our ledger.
        proposals: First one of each view's leader.
        votes: By purpose and view, then by member: block and signature; first one each.
        certificates: By purpose and view.
        kept: Which certificates are on our disk.
        learned: When we came to hold each certificate of Notarize or Nullify, in ms.
        told: Which of them we have sent on.
        mine: Our own votes; they are in `votes` too.
        evidence: What members signed that excludes each other, one line each.
    """

    height: int
    view: int = 1
    since: int | None = None
    contents: Mapping[bytes, bytes] = field(default_factory=dict)
    proposals: Mapping[int, Proposal] = field(default_factory=dict)
    votes: Mapping[Key, Mapping[str, tuple[bytes, bytes]]] = field(default_factory=dict)
    certificates: Mapping[Key, Certificate] = field(default_factory=dict)
    kept: frozenset[Key] = frozenset()
    learned: Mapping[Key, int] = field(default_factory=dict)
    told: frozenset[Key] = frozenset()
    mine: Mapping[Key, Vote] = field(default_factory=dict)
    evidence: Mapping[str, str] = field(default_factory=dict)

    def nullified(self) -> frozenset[int]:
        """Views with a nullification."""
        return frozenset(view for purpose, view in self.certificates if purpose == NULLIFY)

    def notarised(self, view: int) -> bytes | None:
        """Hash of the block that was notarised in a view, if we know the block too."""
        certificate = self.certificates.get((NOTARIZE, view))
        known = certificate is not None and certificate.block in self.contents
        return certificate.block if certificate and known else None

    def parent(self, rules: Rules) -> int | None:
        """The view whose block a proposal of the current view must repeat, 0 for a fresh one.

        None while we lack certificates to say so.
        """
        skipped = self.nullified()
        for view in range(self.view - 1, 0, -1):
            if self.notarised(view) is not None:
                return view
            if not rules.may_skip(view, skipped):
                return None
        return 0

    def gap(self) -> int:
        """The earliest view from which certificates would help us.

        That is where we cannot go on from, or else what the present proposal repeats (P24): who
        knows a view as nullified only cannot vote for the block that others saw notarised there.
        """
        proposal = self.proposals.get(self.view)
        if proposal is not None and proposal.parent and self.notarised(proposal.parent) is None:
            return proposal.parent
        skipped = self.nullified()
        for view in range(self.view - 1, 0, -1):
            if self.notarised(view) is not None:
                break
            if view not in skipped:
                return view
        return self.view

    def decided(self) -> FinalBlock | None:
        """The final block, once a quorum has finalised a block that we know."""
        for (purpose, view), certificate in sorted(self.certificates.items()):
            if purpose == FINALIZE and certificate.block in self.contents:
                return FinalBlock(self.contents[certificate.block], view, certificate.signatures)
        return None


def add_content(instance: Instance, block: bytes) -> Instance:
    """Keep a block that may follow our ledger."""
    return replace(instance, contents={**instance.contents, codec.digest(block): block})


def add_proposal(seat: Seat, instance: Instance, proposal: Proposal) -> Instance:
    """Keep a view's first proposal; a second, different one is evidence.

    Raises:
        RemoteProtocolError: Not signed by the leader of that view.
    """
    leader = seat.rules.leader(seat.genesis.ids, instance.height, proposal.view)
    if proposal.signed.member != leader:
        raise refuse(f"a proposal of {proposal.signed.member}, who does not lead that view", "R22")
    if proposal.view > instance.view + VIEWS_AHEAD:
        return instance
    first = instance.proposals.get(proposal.view)
    if first is None:
        grown = add_content(instance, proposal.block)
        return replace(grown, proposals={**grown.proposals, proposal.view: proposal})
    if first.signed.body != proposal.signed.body:
        return _add_evidence(instance, leader, f"two proposals in view {proposal.view}")
    return instance


def add_vote(instance: Instance, vote: Vote) -> Instance:
    """Keep a member's first vote of a purpose in a view; contradictions are evidence (P15)."""
    if vote.view > instance.view + VIEWS_AHEAD:
        return instance
    key = (vote.purpose, vote.view)
    known = instance.votes.get(key, {})
    if vote.member in known:
        if known[vote.member][0] != vote.block:
            text = f"two blocks in one {vote.purpose} of view {vote.view}"
            return _add_evidence(instance, vote.member, text)
        return instance
    votes = {**instance.votes, key: {**known, vote.member: (vote.block, vote.signature)}}
    grown = replace(instance, votes=votes)
    other = {NULLIFY: FINALIZE, FINALIZE: NULLIFY}.get(vote.purpose, "")
    if vote.member in instance.votes.get((other, vote.view), {}):
        text = f"both nullify and finalize in view {vote.view}"
        return _add_evidence(grown, vote.member, text)
    return grown


def add_certificate(
    seat: Seat, instance: Instance, certificate: Certificate, content: bytes
) -> Instance:
    """Keep a certificate and the block that came with it.

    Raises:
        RemoteProtocolError: A signature is missing or false.
    """
    key = (certificate.purpose, certificate.view)
    if key not in instance.certificates:
        verify_certificate(
            certificate.purpose,
            certificate.body,
            certificate.signatures,
            seat.quorum,
            seat.genesis,
            seat.signer.verify,
        )
        certificates = {**instance.certificates, key: certificate}
        instance = replace(instance, certificates=certificates)
    # A block is kept only if the certificate that we hold is about it: nobody can fill our memory.
    if content and instance.certificates[key].block == certificate.block:
        return add_content(instance, content)
    return instance


def form_certificates(seat: Seat, instance: Instance) -> Instance:
    """Make certificates of the quorums of votes that we hold (P14)."""
    formed = dict(instance.certificates)
    for key, votes in instance.votes.items():
        if key in formed or len(votes) < seat.quorum:
            continue
        for block in sorted({block for block, _ in votes.values()}):
            equal = sorted((who, signature) for who, (b, signature) in votes.items() if b == block)
            if len(equal) >= seat.quorum:
                quorum = tuple(equal[: seat.quorum])
                formed[key] = Certificate(key[0], instance.height, key[1], block, quorum)
                break
    if len(formed) == len(instance.certificates):
        return instance
    return replace(instance, certificates=formed)


def _add_evidence(instance: Instance, member: str, text: str) -> Instance:
    line = f"height {instance.height}: {text}"
    return replace(instance, evidence={member: line, **instance.evidence})
