"""Signatures say who, for what and in which swarm; member ids are libp2p peer ids."""

from __future__ import annotations

from itertools import permutations

import pytest

from swarm import signing
from swarm.errors import RemoteProtocolError
from swarm.signing import NO_SWARM, Ed25519Signer, SimSigner

SEED = bytes(range(32))
SWARM = b"\x07" * 32


def test_a_signature_holds_for_its_member_purpose_swarm_and_body_only() -> None:
    signer = Ed25519Signer(SEED, SWARM)
    signature = signer.sign("commit", b"body")
    other = Ed25519Signer(bytes(32), SWARM)
    assert signer.verify(signer.member, "commit", b"body", signature)
    assert not signer.verify(signer.member, "abstain", b"body", signature)
    assert not signer.verify(signer.member, "commit", b"other", signature)
    assert not signer.verify(other.member, "commit", b"body", signature)
    assert not Ed25519Signer(SEED, NO_SWARM).verify(signer.member, "commit", b"body", signature)
    assert not signer.verify(signer.member, "commit", b"body", b"short")


def test_no_purpose_begins_with_another() -> None:
    # The signed bytes have no length fields: this is what keeps purposes apart.
    for first, second in permutations(signing.PURPOSES, 2):
        assert not first.startswith(second)


def test_a_member_id_is_the_peer_id_that_libp2p_gives_the_key() -> None:
    ed25519 = pytest.importorskip("libp2p.crypto.ed25519")
    peer_id = pytest.importorskip("libp2p.peer.id")
    for number in range(20):
        seed = bytes([number]) * 32
        key = ed25519.create_new_key_pair(seed).public_key
        member = Ed25519Signer(seed, SWARM).member
        assert member == peer_id.ID.from_pubkey(key).to_base58()
        assert signing.public_key(member) == key.to_bytes()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "m01",
        "12D3KooW" + "1" * 44,
        "12D3KooW" + "0" * 44,  # 0 is no base58 letter
        "z" * 52,
        "1" + "z" * 51,
        "QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N",
        "é" * 52,
    ],
)
def test_what_is_no_ed25519_peer_id_is_refused(text: str) -> None:
    with pytest.raises(RemoteProtocolError, match="peer id"):
        signing.public_key(text)


def test_a_point_that_is_not_on_the_curve_signs_nothing() -> None:
    member = signing.member_id(b"\xff" * 32)
    assert not signing.verify(member, SWARM, "commit", b"", bytes(64))


def test_a_private_key_never_shows() -> None:
    assert SEED.hex() not in repr(Ed25519Signer(SEED, SWARM))
    assert repr(SEED)[2:-1] not in repr(Ed25519Signer(SEED, SWARM))


def test_the_simulated_signer_keeps_members_purposes_and_swarms_apart() -> None:
    signer = SimSigner("m00", SWARM)
    signature = signer.sign("commit", b"body")
    assert len(signature) == signing.SIGNATURE_BYTES
    assert signer.verify("m00", "commit", b"body", signature)
    assert not signer.verify("m01", "commit", b"body", signature)
    assert not signer.verify("m00", "abstain", b"body", signature)
    assert not SimSigner("m00", NO_SWARM).verify("m00", "commit", b"body", signature)
