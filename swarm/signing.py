"""Who says what: Ed25519 signatures, and member ids that carry their own public key.

- Signed bytes are `murmuration/1` ‖ purpose ‖ swarm id ‖ body: a signature made for one purpose or
  one swarm is worth nothing for another.
- A member id is the libp2p peer id of its Ed25519 key (`12D3KooW…`: base58 of the identity
  multihash of the protobuf public key), so that a verifier needs no list of keys.
- Private keys enter as 32 bytes and never leave; where they are kept is the shell's business.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Final, Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from swarm.errors import RemoteProtocolError

DOMAIN: Final = b"murmuration/1"
NO_SWARM: Final = bytes(32)
"""Stands for the swarm id in what is signed before a swarm exists (a request)."""

PURPOSES: Final = (
    "request",
    "genesis",
    "proposal",
    "notarize",
    "nullify",
    "finalize",
    "receipt",
    "round-open",
    "commit",
    "abstain",
    "close-set",
    "merge-result",
    "round-void",
    "approval",
    "membership",
)
"""Everything that is ever signed; none is the beginning of another (a test)."""

_ALPHABET: Final = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_DIGIT: Final = {letter: value for value, letter in enumerate(_ALPHABET)}
# identity multihash (0x00) of 36 bytes: protobuf PublicKey{Type: Ed25519 (1), Data: 32 bytes}
_PREFIX: Final = bytes.fromhex("002408011220")
_ID_LENGTH: Final = 52
SIGNATURE_BYTES: Final = 64


class Signer(Protocol):
    """Signs for one member in one swarm, and verifies anybody's signature in it."""

    def sign(self, purpose: str, body: bytes) -> bytes:
        """Sign a body for a purpose."""
        ...

    def verify(self, member: str, purpose: str, body: bytes, signature: bytes) -> bool:
        """Whether `signature` is the member's over this body for this purpose."""
        ...


def signed_bytes(purpose: str, swarm_id: bytes, body: bytes) -> bytes:
    """What is really signed (P3)."""
    return DOMAIN + purpose.encode("ascii") + swarm_id + body


def member_id(public_key: bytes) -> str:
    """Member id of a 32-byte Ed25519 public key: its libp2p peer id (P4)."""
    value = int.from_bytes(_PREFIX + public_key, "big")
    letters = []
    while value:
        value, digit = divmod(value, 58)
        letters.append(_ALPHABET[digit])
    return "1" + "".join(reversed(letters))  # the one leading zero byte


def public_key(member: str) -> bytes:
    """The Ed25519 public key inside a member id.

    Raises:
        RemoteProtocolError: Not the peer id of an Ed25519 key.
    """
    if len(member) == _ID_LENGTH and member[0] == "1" and all(x in _DIGIT for x in member):
        value = 0
        for letter in member:
            value = value * 58 + _DIGIT[letter]
        if value.bit_length() <= 8 * (len(_PREFIX) + 31):
            raw = value.to_bytes(len(_PREFIX) + 32, "big")
            if raw.startswith(_PREFIX):
                return raw[len(_PREFIX) :]
    raise RemoteProtocolError(
        f"{member[:64]!r} is not the peer id of an Ed25519 key; expected 52 letters, 12D3KooW…"
    )


def verify(member: str, swarm_id: bytes, purpose: str, body: bytes, signature: bytes) -> bool:
    """Whether `signature` is the member's Ed25519 signature.

    Raises:
        RemoteProtocolError: `member` is no member id.
    """
    try:
        Ed25519PublicKey.from_public_bytes(public_key(member)).verify(
            signature, signed_bytes(purpose, swarm_id, body)
        )
    except (InvalidSignature, ValueError):
        return False
    return True


@dataclass(frozen=True, slots=True)
class Ed25519Signer:
    """The real signer.

    Attributes:
        seed: The 32-byte private key; kept out of `repr`.
        swarm_id: Genesis hash, or `NO_SWARM`.
    """

    seed: bytes = field(repr=False)
    swarm_id: bytes

    @property
    def member(self) -> str:
        """Member id of this key."""
        key = Ed25519PrivateKey.from_private_bytes(self.seed)
        return member_id(key.public_key().public_bytes_raw())

    def sign(self, purpose: str, body: bytes) -> bytes:
        """Sign a body for a purpose."""
        key = Ed25519PrivateKey.from_private_bytes(self.seed)
        return key.sign(signed_bytes(purpose, self.swarm_id, body))

    def verify(self, member: str, purpose: str, body: bytes, signature: bytes) -> bool:
        """Whether `signature` is the member's over this body for this purpose."""
        return verify(member, self.swarm_id, purpose, body, signature)


@dataclass(frozen=True, slots=True)
class SimSigner:
    """A fast stand-in for simulations: signatures are hashes, so anybody could forge them.

    The simulator's liars are programmed not to forge; what must hold against forgery is tested
    with `Ed25519Signer`.
    """

    member: str
    swarm_id: bytes

    def sign(self, purpose: str, body: bytes) -> bytes:
        """Hash in place of a signature; 64 bytes like a real one."""
        return self._hash(self.member, purpose, body)

    def verify(self, member: str, purpose: str, body: bytes, signature: bytes) -> bool:
        """Whether `signature` is that hash."""
        return signature == self._hash(member, purpose, body)

    def _hash(self, member: str, purpose: str, body: bytes) -> bytes:
        tagged = member.encode() + signed_bytes(purpose, self.swarm_id, body)
        return hashlib.sha512(tagged).digest()
