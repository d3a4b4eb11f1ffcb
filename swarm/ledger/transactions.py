"""What members put on the ledger, as values and as bytes.

Each transaction is a map of exact fields, signed by one member under its own purpose. Reading
checks form and bounds only; whether it may follow what is already on the ledger is
`swarm.ledger.rounds`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from swarm import codec
from swarm.protocol import (
    DIGEST_BYTES,
    MAX_MEMBERS,
    MAX_REASON,
    MAX_TRANSACTION_BYTES,
    Fields,
    Signatures,
    refuse,
    write_signatures,
)
from swarm.signing import SIGNATURE_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from swarm.protocol import Signed

MAX_ROUND: Final = 2**31
MAX_ATTEMPTS: Final = 2  # R25
MAX_CLOSE_SECONDS: Final = 7 * 24 * 3600
"""One member that stays silent holds up a round for so long, not longer."""
MAX_BLOB_BYTES: Final = 2**31
MAX_CHANGE_BYTES: Final = 48 * 1024
MEMBERSHIP: Final = "membership"


@dataclass(frozen=True, slots=True)
class RoundOpen:
    """A round begins; its privacy parameters are those of genesis, by digest (R15)."""

    round: int
    attempt: int
    kind: str
    base: bytes
    manifest: bytes
    as_of: str
    expected: tuple[str, ...]
    close_after_seconds: int


@dataclass(frozen=True, slots=True)
class Commit:
    """A member's contribution exists and will not change; its bytes are served afterwards."""

    round: int
    attempt: int
    blob: bytes
    size: int
    rho: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Abstain:
    """A member does not contribute to this attempt, and says why."""

    round: int
    attempt: int
    reason: str


@dataclass(frozen=True, slots=True)
class Included:
    """A contribution that will be merged, with the receipts of those who hold it (R24).

    Attributes:
        member: Who made it.
        blob: Digest.
        receipts: Pairs of the holder's index among the sorted members and its signature, sorted.
    """

    member: str
    blob: bytes
    receipts: tuple[tuple[int, bytes], ...]


@dataclass(frozen=True, slots=True)
class CloseSet:
    """Who is in, who is out and why; both sorted by member."""

    round: int
    attempt: int
    included: tuple[Included, ...]
    out: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class MergeResult:
    """Digest of the merge that a quorum recomputed (R23)."""

    round: int
    attempt: int
    digest: bytes


@dataclass(frozen=True, slots=True)
class RoundVoid:
    """The attempt failed; the last model stays (R25)."""

    round: int
    attempt: int
    reason: str


@dataclass(frozen=True, slots=True)
class Membership:
    """A change of the members, and who has approved of it (R27).

    Attributes:
        number: Which change it is, from 1: each works once.
        change: Bytes that `swarm.ledger.membership.read_change` reads.
        approvals: Signatures over `change`, for the purpose `approval`.
    """

    number: int
    change: bytes
    approvals: Signatures


Transaction = RoundOpen | Commit | Abstain | CloseSet | MergeResult | RoundVoid | Membership


def key_of(transaction: Transaction) -> tuple[int, int]:
    """Round and attempt; of a membership change its number and 1."""
    if isinstance(transaction, Membership):
        return transaction.number, 1
    return transaction.round, transaction.attempt


def write_transaction(transaction: Transaction) -> tuple[str, dict[str, Any]]:
    """Purpose and body of a transaction, ready to be signed."""
    if isinstance(transaction, Membership):
        return "membership", {
            "number": transaction.number,
            "change": transaction.change,
            "approvals": write_signatures(dict(transaction.approvals)),
        }
    key = {"round": transaction.round, "attempt": transaction.attempt}
    match transaction:
        case RoundOpen():
            return "round-open", key | {
                "kind": transaction.kind,
                "base": transaction.base,
                "manifest": transaction.manifest,
                "as_of": transaction.as_of,
                "expected": list(transaction.expected),
                "close_after_seconds": transaction.close_after_seconds,
            }
        case Commit():
            return "commit", key | {
                "blob": transaction.blob,
                "bytes": transaction.size,
                "rho": list(transaction.rho),
            }
        case CloseSet():
            return "close-set", key | {
                "in": [
                    {
                        "member": entry.member,
                        "blob": entry.blob,
                        "receipts": [[index, signature] for index, signature in entry.receipts],
                    }
                    for entry in transaction.included
                ],
                "out": [{"member": who, "reason": why} for who, why in transaction.out],
            }
        case MergeResult():
            return "merge-result", key | {"digest": transaction.digest}
        case Abstain():
            return "abstain", key | {"reason": transaction.reason}
        case _:
            return "round-void", key | {"reason": transaction.reason}


def read_transaction(signed: Signed) -> Transaction:
    """Read the body of a verified transaction.

    Raises:
        RemoteProtocolError: A field is missing, unknown, of the wrong type or out of bounds.
    """
    value = codec.decode(signed.body, MAX_TRANSACTION_BYTES)
    if signed.purpose == MEMBERSHIP:
        fields = Fields(value, "membership change", ("number", "change", "approvals"))
        return Membership(
            fields.integer("number", 1, MAX_ROUND),
            fields.data("change", 1, longest=MAX_CHANGE_BYTES),
            fields.signatures("approvals", MAX_MEMBERS),
        )
    keys, read = _READERS[signed.purpose]
    fields = Fields(value, signed.purpose, ("round", "attempt", *keys))
    return read(
        fields, fields.integer("round", 1, MAX_ROUND), fields.integer("attempt", 1, MAX_ATTEMPTS)
    )


def receipt_body(round_number: int, attempt: int, member: str, blob: bytes) -> bytes:
    """What a holder signs: it has the full, well-formed contribution of `member` (R24)."""
    return codec.encode({"round": round_number, "attempt": attempt, "member": member, "blob": blob})


def _read_open(fields: Fields, round_number: int, attempt: int) -> RoundOpen:
    expected = fields.items("expected", MAX_MEMBERS)
    if any(type(member) is not str or len(member) > 64 for member in expected):
        raise refuse("a round-open whose expected members are not ids")
    return RoundOpen(
        round_number,
        attempt,
        fields.text("kind", 32),
        fields.data("base", 0, longest=DIGEST_BYTES),
        fields.digest("manifest"),
        fields.day("as_of"),
        tuple(expected),
        fields.integer("close_after_seconds", 1, MAX_CLOSE_SECONDS),
    )


def _read_commit(fields: Fields, round_number: int, attempt: int) -> Commit:
    return Commit(
        round_number,
        attempt,
        fields.digest("blob"),
        fields.integer("bytes", 1, MAX_BLOB_BYTES),
        fields.rational("rho"),
    )


def _read_abstain(fields: Fields, round_number: int, attempt: int) -> Abstain:
    return Abstain(round_number, attempt, fields.text("reason", MAX_REASON))


def _read_close(fields: Fields, round_number: int, attempt: int) -> CloseSet:
    included = tuple(_read_included(entry) for entry in fields.items("in", MAX_MEMBERS))
    out = []
    for entry in fields.items("out", MAX_MEMBERS):
        part = Fields(entry, "close-set 'out'", ("member", "reason"))
        out.append((part.member("member"), part.text("reason", 2 * MAX_REASON)))
    return CloseSet(round_number, attempt, included, tuple(out))


def _read_included(value: object) -> Included:
    fields = Fields(value, "close-set 'in'", ("member", "blob", "receipts"))
    receipts = []
    for pair in fields.items("receipts", MAX_MEMBERS):
        if type(pair) is not list or [type(part) for part in pair] != [int, bytes]:
            raise refuse("a receipt that is not an index and a signature")
        if not 0 <= pair[0] < MAX_MEMBERS or len(pair[1]) != SIGNATURE_BYTES:
            raise refuse("a receipt whose index or signature is out of bounds")
        receipts.append((pair[0], pair[1]))
    return Included(fields.member("member"), fields.digest("blob"), tuple(receipts))


def _read_result(fields: Fields, round_number: int, attempt: int) -> MergeResult:
    return MergeResult(round_number, attempt, fields.digest("digest"))


def _read_void(fields: Fields, round_number: int, attempt: int) -> RoundVoid:
    return RoundVoid(round_number, attempt, fields.text("reason", MAX_REASON))


_READERS: Final[Mapping[str, tuple[tuple[str, ...], Callable[[Fields, int, int], Transaction]]]] = {
    "round-open": (
        ("kind", "base", "manifest", "as_of", "expected", "close_after_seconds"),
        _read_open,
    ),
    "commit": (("blob", "bytes", "rho"), _read_commit),
    "abstain": (("reason",), _read_abstain),
    "close-set": (("in", "out"), _read_close),
    "merge-result": (("digest",), _read_result),
    "round-void": (("reason",), _read_void),
}

TRANSACTIONS: Final = (*_READERS, MEMBERSHIP)
"""Purposes that may stand in a block."""
