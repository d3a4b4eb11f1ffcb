"""The first entry of a ledger: who the members are and what they agreed on.

- A founder makes its key first and sends a *request* signed by it (R27).
- `create_genesis` puts the requests together; every founder signs the same bytes; `verify_genesis`
  accepts nothing less than all signatures.
- The swarm id is the SHA-256 of the body, so signatures cannot be moved to another swarm, and a
  changed genesis is another swarm.
- What a round costs (rho, contribution size) is here as integers: blocks are judged without a
  float, an accountant or the manifest itself (R12, R15).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from swarm import codec, signing
from swarm.errors import LedgerError, RemoteProtocolError
from swarm.ledger import kinds
from swarm.protocol import (
    MAX_GENESIS_BYTES,
    MAX_MEMBERS,
    Fields,
    Signatures,
    read_signatures,
    refuse,
    write_signatures,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

QUORUM_RULE: Final = "floor((n+f)/2)+1"
BRACKETS: Final = {
    "": 0,
    "< 100": 100,
    "< 1,000": 1_000,
    "< 10,000": 10_000,
    "< 100,000": 100_000,
    "< 1,000,000": 1_000_000,
}
"""Declared numbers of learners (R14): text and upper bound; empty if not declared."""

MAX_REQUEST_BYTES: Final = 8 * 1024
_MEMBER_KEYS: Final = ("id", "name", "addresses", "bracket", "contributes", "anchor")
_GENESIS_KEYS: Final = (
    "version",
    "name",
    "nonce",
    "members",
    "manifest",
    "catalogue",
    "mode",
    "quorum",
    "rho",
    "contribution_bytes",
)


def fault_bound(n: int) -> int:
    """How many of n members may lie (R22)."""
    return (n - 1) // 3


def quorum(n: int) -> int:
    """Signatures that decide among n members (R22): two quorums share an honest member."""
    return (n + fault_bound(n)) // 2 + 1


@dataclass(frozen=True, slots=True)
class Member:
    """A platform, or a witness if it does not contribute.

    Attributes:
        id: libp2p peer id of its Ed25519 key.
        name: What people call it; unique in the swarm.
        addresses: Multiaddresses where it listens.
        bracket: Declared number of learners, a key of `BRACKETS`.
        contributes: False for a witness, which only makes up the number for consensus.
        anchor: All founders trust it with more than half of a cell (R34).
    """

    id: str
    name: str
    addresses: tuple[str, ...]
    bracket: str = ""
    contributes: bool = True
    anchor: bool = False

    def to_value(self) -> dict[str, Any]:
        """For the codec."""
        return {
            "id": self.id,
            "name": self.name,
            "addresses": list(self.addresses),
            "bracket": self.bracket,
            "contributes": self.contributes,
            "anchor": self.anchor,
        }


@dataclass(frozen=True)
class Genesis:
    """What all members agreed on before the first block.

    Attributes:
        name: Of the swarm.
        nonce: 16 bytes, so that two swarms of the same founders differ.
        members: Sorted by id.
        manifest_digest: SHA-256 of the manifest's canonical CBOR.
        catalogue_digest: SHA-256 of the shared catalogue file.
        rho: zCDP cost of one contribution, numerator and denominator (R12).
        contribution_bytes: Exact size of every contribution (R9).
        mode: `open`.
        updates: Of rounds of the kind `parameters`; None in a swarm that trains no network.
    """

    name: str
    nonce: bytes
    members: tuple[Member, ...]
    manifest_digest: bytes
    catalogue_digest: bytes
    rho: tuple[int, int]
    contribution_bytes: int
    mode: str = "open"
    updates: kinds.Updates | None = None

    @cached_property
    def body(self) -> bytes:
        """The bytes that every founder signs."""
        more = {kinds.PARAMETERS: self.updates.to_value()} if self.updates else {}
        return codec.encode(
            {
                "version": 1,
                "name": self.name,
                "nonce": self.nonce,
                "members": [member.to_value() for member in self.members],
                "manifest": self.manifest_digest,
                "catalogue": self.catalogue_digest,
                "mode": self.mode,
                "quorum": QUORUM_RULE,
                "rho": list(self.rho),
                "contribution_bytes": self.contribution_bytes,
                **more,
            }
        )

    @cached_property
    def swarm_id(self) -> bytes:
        """SHA-256 of the body: the genesis hash (P5)."""
        return codec.digest(self.body)

    @cached_property
    def ids(self) -> tuple[str, ...]:
        """Member ids, sorted; a member's index in receipts is its place here."""
        return tuple(member.id for member in self.members)

    @cached_property
    def by_id(self) -> dict[str, Member]:
        """Members by id."""
        return {member.id: member for member in self.members}

    @cached_property
    def anchors(self) -> tuple[str, ...]:
        """Ids of anchors (R34), sorted."""
        return tuple(member.id for member in self.members if member.anchor)

    @cached_property
    def contributors(self) -> tuple[str, ...]:
        """Ids of members that are no witnesses, sorted."""
        return tuple(member.id for member in self.members if member.contributes)

    def terms(self, kind: str) -> kinds.Terms:
        """Of a contribution to a round of this kind; refuses a kind that genesis does not have."""
        return kinds.choose_terms(
            kind, kinds.Terms(self.rho, self.contribution_bytes), self.updates
        )

    @property
    def tolerates(self) -> int:
        """How many members may lie (R22)."""
        return fault_bound(len(self.members))

    @property
    def quorum(self) -> int:
        """Signatures that decide (R22)."""
        return quorum(len(self.members))

    @property
    def receipts_needed(self) -> int:
        """Holders besides its maker before a blob can be merged (R24): f + 1, if so many are."""
        return min(self.tolerates + 1, len(self.members) - 1)


def make_request(
    seed: bytes,
    *,
    name: str,
    addresses: Sequence[str],
    bracket: str = "",
    contributes: bool = True,
) -> bytes:
    """A founder's request to be a member, signed by the founder's own key (R27).

    Args:
        seed: The founder's private key, 32 bytes.
        name: Of the platform, 1 to 64 characters.
        addresses: Multiaddresses, such as `/ip4/127.0.0.1/tcp/4001`.
        bracket: Declared number of learners, a key of `BRACKETS`.
        contributes: False for a witness.

    Raises:
        RemoteProtocolError: One of these is out of bounds.
    """
    signer = signing.Ed25519Signer(seed, signing.NO_SWARM)
    member = Member(signer.member, name, tuple(addresses), bracket, contributes)
    body = codec.encode(member.to_value())
    request = codec.encode([body, signer.sign("request", body)])
    read_request(request)
    return request


def read_request(data: bytes) -> Member:
    """Verify a request.

    Raises:
        RemoteProtocolError: Damaged, or not signed by the key that it names.
    """
    value = codec.decode(data, MAX_REQUEST_BYTES)
    if type(value) is not list or [type(part) for part in value] != [bytes, bytes]:
        raise refuse("a membership request that is not a body and a signature")
    member = read_member(codec.decode(value[0], MAX_REQUEST_BYTES))
    if member.anchor:
        raise refuse("a request that makes its sender an anchor; founders decide that (R34)", "R34")
    if not signing.verify(member.id, signing.NO_SWARM, "request", value[0], value[1]):
        raise refuse(f"the request of {member.name!r} is not signed by its own key", "R27")
    return member


def propose_anchors(members: Sequence[Member]) -> tuple[str, ...]:
    """Ids of members whose declared bracket is above two thirds of all (R34): at most one."""
    total = sum(BRACKETS[member.bracket] for member in members)
    return tuple(m.id for m in members if 3 * BRACKETS[m.bracket] > 2 * total > 0)


def create_genesis(  # noqa: PLR0913 (one argument per thing that founders agree on)
    members: Sequence[Member],
    *,
    name: str,
    nonce: bytes,
    manifest_digest: bytes,
    catalogue_digest: bytes,
    rho: tuple[int, int],
    contribution_bytes: int,
    anchors: Sequence[str] = (),
    updates: kinds.Updates | None = None,
) -> bytes:
    """Put founders together; the result is a genesis file that nobody has signed yet.

    Args:
        members: From `read_request`.
        name: Of the swarm.
        nonce: 16 fresh random bytes.
        manifest_digest: SHA-256 of the manifest's canonical CBOR.
        catalogue_digest: SHA-256 of the shared catalogue file.
        rho: The manifest's zCDP cost as numerator and denominator.
        contribution_bytes: Exact size of a contribution under the manifest.
        anchors: Ids of anchors (R34).
        updates: Of rounds of the kind `parameters`, if there are to be any.

    Raises:
        RemoteProtocolError: One of these is out of bounds, or two members share a name.
    """
    if missing := sorted(set(anchors) - {member.id for member in members}):
        raise refuse(f"an anchor that is no member: {missing[0]}", "R34")
    chosen = [replace(member, anchor=member.id in anchors) for member in members]
    genesis = Genesis(
        name,
        nonce,
        tuple(sorted(chosen, key=lambda member: member.id)),
        manifest_digest,
        catalogue_digest,
        rho,
        contribution_bytes,
        updates=updates,
    )
    file = codec.encode([genesis.body, []])
    read_genesis(file)
    return file


def read_genesis(data: bytes) -> tuple[Genesis, Signatures]:
    """Read a genesis file, signed by all, some or none.

    Returns:
        The genesis and the signatures so far; each of them is true.

    Raises:
        RemoteProtocolError: Damaged, or a signature is false or not a founder's.
    """
    value = codec.decode(data, MAX_GENESIS_BYTES)
    if type(value) is not list or len(value) != 2 or type(value[0]) is not bytes:
        raise refuse("a genesis file that is not a body and signatures")
    genesis = _read_body(codec.decode(value[0], MAX_GENESIS_BYTES))
    signatures = read_signatures(value[1], MAX_MEMBERS)
    for member, signature in signatures:
        if member not in genesis.by_id:
            raise refuse(f"a genesis signed by {member[:64]}, who is no founder", "R27")
        if not signing.verify(member, genesis.swarm_id, "genesis", genesis.body, signature):
            name = genesis.by_id[member].name
            raise refuse(f"the signature of {name!r} does not fit this genesis", "R27")
    return genesis, signatures


def sign_genesis(data: bytes, seed: bytes) -> bytes:
    """Add a founder's signature; signing twice changes nothing.

    Raises:
        RemoteProtocolError: Damaged, or the key is no founder's.
    """
    genesis, signatures = read_genesis(data)
    signer = signing.Ed25519Signer(seed, genesis.swarm_id)
    if signer.member not in genesis.by_id:
        raise refuse(f"this home's key ({signer.member}) is not among the founders", "R27")
    signed = {**dict(signatures), signer.member: signer.sign("genesis", genesis.body)}
    return codec.encode([genesis.body, write_signatures(signed)])


def verify_genesis(data: bytes) -> Genesis:
    """Accept a genesis that all founders signed over the same bytes (R27).

    Raises:
        LedgerError: Damaged, or a founder's signature is missing, named.
    """
    try:
        genesis, signatures = read_genesis(data)
    except RemoteProtocolError as cause:
        raise LedgerError(f"This genesis does not verify: {cause}.") from cause
    signed = dict(signatures)
    if missing := [member.name for member in genesis.members if member.id not in signed]:
        raise LedgerError(
            f"This genesis lacks the signature of {', '.join(missing)}; "
            "each founder runs `murmuration swarm sign` on it first."
        )
    return genesis


def _read_body(value: object) -> Genesis:
    # A swarm without a network has the bytes of before there were networks.
    more = (kinds.PARAMETERS,) if isinstance(value, dict) and kinds.PARAMETERS in value else ()
    fields = Fields(value, "genesis", (*_GENESIS_KEYS, *more))
    fields.integer("version", 1, 1)
    if fields.text("quorum", 64) != QUORUM_RULE:
        raise refuse(f"a genesis with another quorum rule than {QUORUM_RULE}", "R22")
    if fields.text("mode", 16) != "open":
        raise refuse("a genesis in another mode than 'open', the only one of this version", "R15")
    members = tuple(read_member(entry) for entry in fields.items("members", MAX_MEMBERS))
    ids = [member.id for member in members]
    if not members or ids != sorted(set(ids)):
        raise refuse("a genesis whose members are not sorted by id, each once", "R27")
    if len({member.name for member in members}) != len(members):
        raise refuse("a genesis in which two members have one name", "R27")
    if not any(member.contributes for member in members):
        raise refuse("a genesis in which nobody contributes", "R27")
    genesis = Genesis(
        fields.text("name", 64),
        fields.data("nonce", 16),
        members,
        fields.digest("manifest"),
        fields.digest("catalogue"),
        fields.rational("rho"),
        fields.integer("contribution_bytes", 4, kinds.MAX_CONTRIBUTION_BYTES),
    )
    updates = kinds.read_updates(fields.value(kinds.PARAMETERS), genesis.rho) if more else None
    return replace(genesis, updates=updates)


def read_member(value: object) -> Member:
    """Read a member: form and bounds only; refuses what is neither."""
    fields = Fields(value, "member", _MEMBER_KEYS)
    addresses = fields.items("addresses", 8)
    for address in addresses:
        if type(address) is not str or not 2 <= len(address) <= 256 or address[0] != "/":
            raise refuse("a member whose addresses are not multiaddresses, /ip4/…/tcp/…")
    bracket = fields.text("bracket", 16, shortest=0)
    if bracket not in BRACKETS:
        raise refuse(f"a bracket of learners {bracket!r}, expected one of {list(BRACKETS)}", "R14")
    member = Member(
        fields.member("id"),
        fields.text("name", 64),
        tuple(addresses),
        bracket,
        fields.flag("contributes"),
        fields.flag("anchor"),
    )
    signing.public_key(member.id)
    return member
