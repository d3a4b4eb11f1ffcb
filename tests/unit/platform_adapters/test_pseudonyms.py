from __future__ import annotations

import base64
import hashlib
import hmac
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from platform_adapters.errors import ForeignPseudonymError, LearnerIdError, OptionsError
from platform_adapters.pseudonyms import Pseudonymiser, new_key

KEY = bytes(range(32))
FORM = re.compile(r"lp1_[a-z2-7]{8}_[a-z2-7]{26}")


def test_a_pseudonym_is_the_keyed_hash_of_the_id() -> None:
    digest = hmac.digest(KEY, b"murmuration/learner\0ana", "sha256")[:16]
    expected = base64.b32encode(digest).decode().rstrip("=").lower()
    found = Pseudonymiser(KEY).pseudonym("ana")
    assert FORM.fullmatch(found)
    assert found.endswith(f"_{expected}")


def test_without_the_key_nothing_can_be_computed() -> None:
    plain = base64.b32encode(hashlib.sha256(b"ana").digest()[:16]).decode().lower()
    assert plain[:20] not in Pseudonymiser(KEY).pseudonym("ana")
    assert Pseudonymiser(KEY).pseudonym("ana") != Pseudonymiser(new_key()).pseudonym("ana")
    assert "0001" not in repr(Pseudonymiser(KEY))


@given(st.text(min_size=1, max_size=200).filter(str.strip))
def test_a_homes_own_pseudonym_passes_unchanged(learner: str) -> None:
    home = Pseudonymiser(KEY)
    once = home.pseudonym(learner)
    assert home.pseudonym(once) == once
    assert home.pseudonym(f"  {learner}\n") == once


def test_another_homes_pseudonym_is_refused_by_key() -> None:
    foreign = Pseudonymiser(new_key())
    with pytest.raises(ForeignPseudonymError, match=foreign.key_id):
        Pseudonymiser(KEY).pseudonym(foreign.pseudonym("ana"))


def test_what_only_looks_like_a_pseudonym_is_an_id_like_any_other() -> None:
    home = Pseudonymiser(KEY)
    assert home.pseudonym("lp1_short") != "lp1_short"


@pytest.mark.parametrize("learner", ["", "   ", "x" * 1025, "é" * 513, "\ud800"])
def test_an_id_is_1_to_1024_bytes_of_unicode(learner: str) -> None:
    with pytest.raises(LearnerIdError):
        Pseudonymiser(KEY).pseudonym(learner)


def test_an_id_of_1024_bytes_is_taken() -> None:
    assert FORM.fullmatch(Pseudonymiser(KEY).pseudonym("é" * 512))


@pytest.mark.parametrize("size", [0, 31, 33])
def test_a_key_of_another_length_is_refused(size: int) -> None:
    with pytest.raises(OptionsError, match=f"has {size} bytes; expected 32"):
        Pseudonymiser(bytes(size))


def test_ids_that_differ_have_pseudonyms_that_differ() -> None:
    home = Pseudonymiser(KEY)
    assert len({home.pseudonym(str(n)) for n in range(10_000)}) == 10_000


def test_a_session_is_keyed_once_and_by_another_hash_than_a_learner() -> None:
    home = Pseudonymiser(KEY)
    once = home.session("s-1")
    assert home.session(once) == once
    assert home.pseudonym("s-1")[-26:] != once[-26:]


def test_a_later_key_renames_everybody_and_takes_each_older_name() -> None:
    keys = [KEY, new_key(), new_key()]
    homes = [Pseudonymiser(b"".join(keys[: count + 1])) for count in range(3)]
    names = [home.pseudonym("ana") for home in homes]
    assert len(set(names)) == 3
    assert all(FORM.fullmatch(name) for name in names)
    for number, home in enumerate(homes):
        for name in names[: number + 1]:
            assert home.pseudonym(name) == names[number]
            assert home.stable(name) == homes[0].stable(names[0])


def test_an_older_key_alone_says_nothing_about_the_names_of_a_later_one() -> None:
    later = Pseudonymiser(KEY + new_key())
    with pytest.raises(ForeignPseudonymError, match=later.key_id):
        Pseudonymiser(KEY).pseudonym(later.pseudonym("ana"))
    assert Pseudonymiser(KEY).pseudonym("ana")[-26:] != later.pseudonym("ana")[-26:]


def test_events_and_sessions_keep_their_tags_when_pseudonyms_change() -> None:
    before, after = Pseudonymiser(KEY), Pseudonymiser(KEY + new_key())
    assert after.tag("event-1") == before.tag("event-1")
    assert after.session(before.session("s-1")) == before.session("s-1") == after.session("s-1")


def test_only_a_pseudonym_of_the_home_has_something_stable() -> None:
    with pytest.raises(ForeignPseudonymError):
        Pseudonymiser(KEY).stable("ana")
