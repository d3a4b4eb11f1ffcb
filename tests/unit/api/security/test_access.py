"""Keys and sign-in links."""

from __future__ import annotations

import time

import pytest

from api.errors import ForbiddenError, UnauthorisedError
from api.security.keys import SCOPES, create_key, verify
from api.security.sign_in import create_sign_in_link, redeem
from api.store.errors import RowRefusedError
from api.store.store import Store


@pytest.fixture
def store(tmp_path):
    with Store.open(f"sqlite:///{tmp_path / 'store.sqlite'}") as opened:
        yield opened


def test_a_key_opens_what_its_scopes_allow_and_nothing_else(store):
    token = create_key(store, ["events:write", "paths:read"], name="moodle")
    key = verify(store, token, "paths:read")
    assert (key.name, key.scopes) == ("moodle", ("paths:read", "events:write"))
    assert token.startswith(f"mk1_{key.id}_")
    with pytest.raises(ForbiddenError, match="lacks the scope 'design'"):
        verify(store, token, "design")


def test_only_a_hash_of_the_secret_is_stored(store, tmp_path):
    secret = create_key(store, SCOPES).split("_")[2]
    link = create_sign_in_link(store, "designer", 5).split("_")[1]
    store.close()
    content = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert secret.encode() not in content
    assert link.encode() not in content


def test_a_wrong_token_is_refused_whatever_is_wrong_with_it(store):
    token = create_key(store, ["operate"])
    other = create_key(store, ["operate"])
    prefix, key_id, secret = token.split("_")
    wrong = [
        "",
        "mk1",
        "mk1__",
        key_id,
        f"mk2_{key_id}_{secret}",
        f"{prefix}_{key_id}_{other.split('_')[2]}",
        f"{prefix}_{key_id}_{secret[:-1]}",
        f"{prefix}_{key_id}_{secret}x",
        f"{prefix}_{key_id.upper()}_{secret}",
        f"{prefix}_' OR 1=1_{secret}",
        token + "x" * 10_000,
        "mk1_\ud800_\ud800",
    ]
    for attempt in wrong:
        with pytest.raises(UnauthorisedError, match="not known here or was revoked"):
            verify(store, attempt)
    assert verify(store, token).scopes == ("operate",)


def test_a_revoked_key_opens_nothing(store):
    token = create_key(store, ["operate"])
    key = verify(store, token)
    assert store.revoke_key(key.id)
    with pytest.raises(UnauthorisedError):
        verify(store, token)
    assert not store.revoke_key(key.id)


def test_two_keys_of_a_name_are_live_at_once_and_no_third(store):
    first = create_key(store, ["operate"], name="lms")
    second = create_key(store, ["operate"], name="lms")
    with pytest.raises(RowRefusedError, match="revoke the old one first"):
        create_key(store, ["operate"], name="lms")
    create_key(store, ["operate"], name="other")
    store.revoke_key(verify(store, first).id)
    third = create_key(store, ["operate"], name="lms")
    assert verify(store, second).name == verify(store, third).name == "lms"


@pytest.mark.parametrize("scopes", [[], ["everything"], ["operate", "everything"]])
def test_a_key_without_a_known_scope_is_not_made(store, scopes):
    with pytest.raises(ValueError, match="scopes"):
        create_key(store, scopes)
    assert store.keys() == []


def test_a_link_signs_in_once_with_its_role(store):
    token = create_sign_in_link(store, "both", 5)
    assert redeem(store, token).scopes == ("design", "operate")
    with pytest.raises(UnauthorisedError, match="used already"):
        redeem(store, token)


def test_a_link_expires(store):
    token = create_sign_in_link(store, "designer", 5)
    with pytest.raises(UnauthorisedError, match="expired"):
        redeem(store, token, now=int(time.time()) + 301)
    assert redeem(store, token).scopes == ("design",)


@pytest.mark.parametrize("token", ["", "ml1_", "ml1_wrong", "mk1_a_b", "ml1_\ud800"])
def test_a_link_that_was_never_made_is_refused(store, token):
    create_sign_in_link(store, "operator", 5)
    with pytest.raises(UnauthorisedError):
        redeem(store, token)


@pytest.mark.parametrize(("role", "minutes"), [("owner", 5), ("designer", 0), ("designer", 1441)])
def test_a_link_of_no_role_or_too_long_a_life_is_not_made(store, role, minutes):
    with pytest.raises(ValueError, match="must be"):
        create_sign_in_link(store, role, minutes)
