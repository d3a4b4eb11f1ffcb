"""A genesis is what all founders signed over the same bytes (R27)."""

from __future__ import annotations

from typing import Any

import pytest

from swarm import codec
from swarm.errors import LedgerError, RemoteProtocolError
from swarm.ledger import genesis as g
from swarm.signing import NO_SWARM, Ed25519Signer

SEEDS = [bytes([number]) * 32 for number in range(1, 5)]


def request(number: int, **changes: Any) -> bytes:
    fields = {
        "name": f"platform {number}",
        "addresses": [f"/ip4/127.0.0.1/tcp/{4000 + number}"],
        "bracket": "< 1,000",
    }
    return g.make_request(SEEDS[number], **{**fields, **changes})


def unsigned(count: int = 4, **changes: Any) -> bytes:
    fields: dict[str, Any] = {
        "name": "four platforms",
        "nonce": bytes(16),
        "manifest_digest": b"\x01" * 32,
        "catalogue_digest": b"\x02" * 32,
        "rho": (4096**2, 2 * 5194**2),
        "contribution_bytes": 226_576,
    }
    members = [g.read_request(request(number)) for number in range(count)]
    return g.create_genesis(members, **{**fields, **changes})


def signed(count: int = 4, **changes: Any) -> bytes:
    file = unsigned(count, **changes)
    for seed in SEEDS[:count]:
        file = g.sign_genesis(file, seed)
    return file


def rewrite(change: Any) -> bytes:
    """An unsigned genesis whose body was changed by hand."""
    body = codec.decode(codec.decode(unsigned(), 1 << 20)[0], 1 << 20)
    change(body)
    return codec.encode([codec.encode(body), []])


@pytest.mark.parametrize(
    ("n", "f", "quorum"),
    [(1, 0, 1), (2, 0, 2), (3, 0, 2), (4, 1, 3), (7, 2, 5), (10, 3, 7), (50, 16, 34)],
)
def test_quorums_are_those_of_the_table(n: int, f: int, quorum: int) -> None:
    assert (g.fault_bound(n), g.quorum(n)) == (f, quorum)


def test_two_quorums_share_an_honest_member_and_honest_members_make_one() -> None:
    for n in range(1, 51):
        f = g.fault_bound(n)
        assert 2 * g.quorum(n) - n > f
        assert g.quorum(n) <= n - f


def test_a_genesis_that_all_have_signed_verifies() -> None:
    genesis = g.verify_genesis(signed())
    assert [m.name for m in genesis.members] == [genesis.by_id[i].name for i in genesis.ids]
    assert genesis.ids == tuple(sorted(genesis.ids))
    assert (genesis.quorum, genesis.tolerates, genesis.receipts_needed) == (3, 1, 2)
    assert genesis.swarm_id == codec.digest(genesis.body)
    assert genesis.contributors == genesis.ids
    assert genesis.anchors == ()


def test_the_order_of_requests_and_of_signatures_does_not_matter() -> None:
    members = [g.read_request(request(number)) for number in (2, 0, 3, 1)]
    file = g.create_genesis(
        members,
        name="four platforms",
        nonce=bytes(16),
        manifest_digest=b"\x01" * 32,
        catalogue_digest=b"\x02" * 32,
        rho=(4096**2, 2 * 5194**2),
        contribution_bytes=226_576,
    )
    for seed in reversed(SEEDS):
        file = g.sign_genesis(file, seed)
    assert file == signed()


def test_signing_twice_changes_nothing() -> None:
    assert g.sign_genesis(signed(), SEEDS[0]) == signed()


def test_a_missing_signature_is_named() -> None:
    file = g.sign_genesis(unsigned(), SEEDS[1])
    with pytest.raises(LedgerError, match=r"lacks the signature of .*platform 0"):
        g.verify_genesis(file)


def test_a_stranger_cannot_sign() -> None:
    with pytest.raises(RemoteProtocolError, match="not among the founders"):
        g.sign_genesis(unsigned(), b"\x63" * 32)


def test_a_strangers_signature_is_refused() -> None:
    body = codec.decode(unsigned(), 1 << 20)[0]
    stranger = Ed25519Signer(b"\x63" * 32, codec.digest(body))
    file = codec.encode([body, [[stranger.member, stranger.sign("genesis", body)]]])
    with pytest.raises(RemoteProtocolError, match="no founder"):
        g.read_genesis(file)


def test_a_signature_of_another_genesis_is_refused() -> None:
    other = codec.decode(signed(name="another"), 1 << 20)[1]
    body = codec.decode(unsigned(), 1 << 20)[0]
    with pytest.raises(LedgerError, match="does not fit this genesis"):
        g.verify_genesis(codec.encode([body, other]))


def test_a_request_is_signed_by_the_key_that_it_names() -> None:
    value = codec.decode(request(0), 1 << 20)
    other = codec.decode(request(1), 1 << 20)
    with pytest.raises(RemoteProtocolError, match="not signed by its own key"):
        g.read_request(codec.encode([value[0], other[1]]))
    with pytest.raises(RemoteProtocolError, match="a body and a signature"):
        g.read_request(codec.encode([1]))


def test_nobody_makes_itself_an_anchor() -> None:
    signer = Ed25519Signer(SEEDS[0], NO_SWARM)
    member = g.Member(signer.member, "me", ("/ip4/127.0.0.1/tcp/1",), anchor=True)
    body = codec.encode(member.to_value())
    with pytest.raises(RemoteProtocolError, match="anchor"):
        g.read_request(codec.encode([body, signer.sign("request", body)]))


@pytest.mark.parametrize(
    "changes",
    [
        {"name": ""},
        {"name": "x" * 65},
        {"name": "two\nlines"},
        {"bracket": "< 12"},
        {"addresses": ["127.0.0.1"]},
        {"addresses": [f"/ip4/127.0.0.1/tcp/{port}" for port in range(9)]},
        {"addresses": ["/" + "x" * 256]},
    ],
)
def test_a_request_out_of_bounds_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(RemoteProtocolError):
        request(0, **changes)


def test_founders_decide_who_is_an_anchor() -> None:
    member = g.read_request(request(2)).id
    genesis = g.verify_genesis(signed(anchors=[member]))
    assert genesis.anchors == (member,)
    with pytest.raises(RemoteProtocolError, match="no member"):
        unsigned(anchors=["nobody"])


def test_an_anchor_is_proposed_when_one_bracket_is_above_two_thirds() -> None:
    def members(*brackets: str) -> list[g.Member]:
        return [g.Member(f"m{n}", f"n{n}", ("/x",), b) for n, b in enumerate(brackets)]

    assert g.propose_anchors(members("< 100", "< 1,000", "< 10,000", "< 100,000")) == ("m3",)
    assert g.propose_anchors(members("< 1,000", "< 1,000")) == ()
    assert g.propose_anchors(members("", "")) == ()


def test_a_witness_is_no_contributor() -> None:
    members = [g.read_request(request(n, contributes=n != 0)) for n in range(4)]
    file = g.create_genesis(
        members,
        name="with a witness",
        nonce=bytes(16),
        manifest_digest=bytes(32),
        catalogue_digest=bytes(32),
        rho=(1, 2),
        contribution_bytes=4,
    )
    genesis, signatures = g.read_genesis(file)
    assert members[0].id not in genesis.contributors
    assert len(genesis.contributors) == 3
    assert signatures == ()


def test_two_members_of_one_name_are_refused() -> None:
    members = [g.read_request(request(n, name="the same")) for n in range(2)]
    with pytest.raises(RemoteProtocolError, match="one name"):
        g.create_genesis(
            members,
            name="x",
            nonce=bytes(16),
            manifest_digest=bytes(32),
            catalogue_digest=bytes(32),
            rho=(1, 2),
            contribution_bytes=4,
        )


@pytest.mark.parametrize(
    ("match", "change"),
    [
        ("quorum rule", lambda body: body.update(quorum="one is enough")),
        ("mode", lambda body: body.update(mode="secure")),
        ("sorted by id", lambda body: body["members"].reverse()),
        ("sorted by id", lambda body: body["members"].clear()),
        ("nobody contributes", lambda b: [m.update(contributes=False) for m in b["members"]]),
        ("version", lambda body: body.update(version=2)),
        ("map of", lambda body: body.update(extra=1)),
        ("denominator", lambda body: body.update(rho=[1, 0])),
        ("denominator", lambda body: body.update(rho=[1])),
        ("nonce", lambda body: body.update(nonce=b"")),
        ("contribution_bytes", lambda body: body.update(contribution_bytes=0)),
        ("true or false", lambda body: body["members"][0].update(anchor=1)),
        ("peer id", lambda body: body["members"][0].update(id="0")),
    ],
)
def test_a_genesis_out_of_bounds_is_refused(match: str, change: Any) -> None:
    with pytest.raises(RemoteProtocolError, match=match):
        g.read_genesis(rewrite(change))


def test_a_file_that_is_no_genesis_is_refused() -> None:
    with pytest.raises(RemoteProtocolError, match="a body and signatures"):
        g.read_genesis(codec.encode([1, 2, 3]))


def test_any_flipped_byte_of_a_genesis_is_noticed() -> None:
    file = signed(2)
    for at in range(len(file)):
        damaged = file[:at] + bytes([file[at] ^ 1]) + file[at + 1 :]
        with pytest.raises(LedgerError):
            g.verify_genesis(damaged)
