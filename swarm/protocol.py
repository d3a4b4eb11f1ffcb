"""The limits and the strict readers that every message and ledger entry shares.

Foreign values are read field by field: exact keys, exact types, bounded lengths (R28). Whatever
does not fit is a `RemoteProtocolError`, raised before anything has changed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

from swarm import codec, signing
from swarm.errors import RemoteProtocolError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

MAX_BLOCK_BYTES: Final = 64 * 1024
MAX_MESSAGE_BYTES: Final = 160 * 1024
"""A block twice over and some certificates: the longest thing ever sent between members."""
MAX_TRANSACTION_BYTES: Final = MAX_BLOCK_BYTES
MAX_GENESIS_BYTES: Final = 64 * 1024
MAX_MEMBERS: Final = 50
MAX_REASON: Final = 200
DIGEST_BYTES: Final = 32


class Fields:
    """Reads a foreign map once, field by field.

    Example: `fields = Fields(value, "commit", ("round", "blob")); fields.integer("round", 1, 9)`.
    """

    def __init__(self, value: object, what: str, keys: Sequence[str]) -> None:
        """Take the map apart.

        Raises:
            RemoteProtocolError: Not a map with exactly these keys.
        """
        if not isinstance(value, dict) or sorted(value) != sorted(keys):
            raise refuse(f"a {what} that is not a map of {', '.join(sorted(keys))}")
        self._values: dict[str, Any] = value
        self._what = what

    def value(self, field: str) -> object:
        """A field that another reader takes apart."""
        return self._values[field]

    def integer(self, field: str, low: int, high: int) -> int:
        """An integer in [low, high]."""
        value = self._values[field]
        if type(value) is not int or not low <= value <= high:
            raise self._refuse(field, f"an integer from {low} to {high}")
        return value

    def flag(self, field: str) -> bool:
        """A boolean."""
        value = self._values[field]
        if type(value) is not bool:
            raise self._refuse(field, "true or false")
        return value

    def text(self, field: str, longest: int, *, shortest: int = 1) -> str:
        """Printable text of at most so many characters."""
        value = self._values[field]
        if type(value) is not str or not shortest <= len(value) <= longest:
            raise self._refuse(field, f"text of {shortest} to {longest} characters")
        if not value.isprintable():
            raise self._refuse(field, "printable text")
        return value

    def data(self, field: str, length: int, *, longest: int = 0) -> bytes:
        """A byte string of exactly `length`, or of `length` to `longest` bytes."""
        value = self._values[field]
        if type(value) is not bytes or not length <= len(value) <= (longest or length):
            raise self._refuse(field, f"{length} bytes")
        return value

    def digest(self, field: str) -> bytes:
        """A SHA-256."""
        return self.data(field, DIGEST_BYTES)

    def member(self, field: str) -> str:
        """A member id; only its form is checked here."""
        return self.text(field, 64)

    def day(self, field: str) -> str:
        """An ISO date, `YYYY-MM-DD`."""
        value = self.text(field, 10, shortest=10)
        try:
            date.fromisoformat(value)
        except ValueError:
            raise self._refuse(field, "a date, YYYY-MM-DD") from None
        return value

    def rational(self, field: str) -> tuple[int, int]:
        """A pair of integers, the second positive."""
        value = self._values[field]
        is_pair = type(value) is list and [type(part) for part in value] == [int, int]
        if not is_pair or value[0] < 0 or value[1] <= 0:
            raise self._refuse(field, "a numerator and a positive denominator")
        return value[0], value[1]

    def items(self, field: str, longest: int) -> list[Any]:
        """A list of at most so many values."""
        value = self._values[field]
        if type(value) is not list or len(value) > longest:
            raise self._refuse(field, f"a list of at most {longest}")
        return value

    def signatures(self, field: str, longest: int) -> Signatures:
        """A list of (member, signature), sorted by member, nobody twice."""
        return read_signatures(self._values[field], longest)

    def _refuse(self, field: str, expected: str) -> RemoteProtocolError:
        return refuse(f"{self._what}: expected {expected} in {field!r}")


Signatures = tuple[tuple[str, bytes], ...]
"""Plain list of (member, Ed25519 signature), sorted by member."""


def refuse(message: str, rule: str = "R28") -> RemoteProtocolError:
    """A refusal of foreign input."""
    return RemoteProtocolError(message, rule=rule)


def read_signatures(value: object, longest: int) -> Signatures:
    """Read a list of (member, signature); whether they are true is another matter.

    Raises:
        RemoteProtocolError: Wrong shape, too many, unsorted or somebody twice.
    """
    if type(value) is not list or len(value) > longest:
        raise refuse(f"signatures that are not a list of at most {longest}")
    for entry in value:
        if type(entry) is not list or [type(part) for part in entry] != [str, bytes]:
            raise refuse("a signature that is not a pair of member and bytes")
        if len(entry[0]) > 64 or len(entry[1]) != signing.SIGNATURE_BYTES:
            raise refuse("a signature of wrong length")
    members = [entry[0] for entry in value]
    if any(first >= second for first, second in pairwise(members)):
        raise refuse("signatures that are not sorted by member")
    return tuple((entry[0], entry[1]) for entry in value)


def write_signatures(signatures: Mapping[str, bytes]) -> list[list[Any]]:
    """The form that `read_signatures` reads."""
    return [[member, signatures[member]] for member in sorted(signatures)]


@dataclass(frozen=True, slots=True)
class Signed:
    """A body, its purpose, and who signed it."""

    purpose: str
    member: str
    body: bytes
    signature: bytes

    def to_value(self) -> list[Any]:
        """For the codec."""
        return [self.purpose, self.member, self.body, self.signature]


def sign(signer: signing.Signer, member: str, purpose: str, body: object) -> Signed:
    """Encode a body and sign it for a purpose."""
    encoded = codec.encode(body)  # type: ignore[arg-type]
    return Signed(purpose, member, encoded, signer.sign(purpose, encoded))


def read_signed(
    value: object, purposes: Sequence[str], verify: Callable[[str, str, bytes, bytes], bool]
) -> Signed:
    """Read and verify something signed.

    Args:
        value: Decoded foreign value.
        purposes: What it may be.
        verify: `Signer.verify`.

    Raises:
        RemoteProtocolError: Wrong shape, wrong purpose or wrong signature.
    """
    shape = [str, str, bytes, bytes]
    if type(value) is not list or [type(part) for part in value] != shape:
        raise refuse("something signed that is not purpose, member, body and signature")
    signed = Signed(*value)
    if signed.purpose not in purposes:
        raise refuse(f"a {signed.purpose[:32]!r} where only {', '.join(purposes)} can be")
    if len(signed.member) > 64 or len(signed.body) > MAX_TRANSACTION_BYTES + MAX_BLOCK_BYTES:
        raise refuse("something signed that is too long")
    if not verify(signed.member, signed.purpose, signed.body, signed.signature):
        raise refuse(f"a {signed.purpose} whose signature is not {signed.member}'s", "R27")
    return signed
