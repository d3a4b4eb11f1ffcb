"""Founding files: what founders pass round, and what `swarm join` accepts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from api.founding import Founding, FoundingError, join, read_founding, read_ledger_files
from api.home import Home
from api.shared_catalogue import SharedCatalogueError, index_items, read_keys
from recommender.catalogue import CatalogueItem
from recommender.release.manifest import default_manifest
from swarm import codec
from swarm.errors import LedgerError
from swarm.ledger.genesis import create_genesis, make_request, read_request

if TYPE_CHECKING:
    from pathlib import Path

CATALOGUE = b"content_key,title\nurn:a,A\nurn:b,B\nurn:c,C\n"
SEEDS = [bytes([number]) * 32 for number in range(1, 5)]


def founding(*, bracket: str = "< 100", sigma_squared: int = 5_194**2) -> Founding:
    members = [
        read_request(
            make_request(
                seed, name=f"P{i}", addresses=[f"/ip4/127.0.0.1/tcp/{4001 + i}"], bracket=bracket
            )
        )
        for i, seed in enumerate(SEEDS)
    ]
    manifest = default_manifest(
        3, codec.digest(CATALOGUE), enrolled_counts=True, sigma_squared=sigma_squared
    )
    encoded = codec.encode(manifest.to_dict())
    genesis = create_genesis(
        members,
        name="test",
        nonce=bytes(16),
        manifest_digest=codec.digest(encoded),
        catalogue_digest=codec.digest(CATALOGUE),
        rho=(manifest.rho.numerator, manifest.rho.denominator),
        contribution_bytes=4 * manifest.cells,
    )
    return Founding(genesis, encoded, CATALOGUE)


def signed(made: Founding) -> Founding:
    for seed in SEEDS:
        made = made.sign(seed)
    return made


@pytest.fixture
def home(tmp_path: Path) -> Home:
    place = Home(tmp_path / "home")
    place.create('platform = "P0"\n')
    return place


def test_a_home_joins_what_everybody_signed(home: Home, tmp_path: Path) -> None:
    path = tmp_path / "swarm.founding"
    path.write_bytes(signed(founding()).to_bytes())
    genesis = join(read_founding(path), home)
    read, manifest, keys = read_ledger_files(home)
    assert read.swarm_id == genesis.swarm_id
    assert manifest.items == 3
    assert keys == ("urn:a", "urn:b", "urn:c")
    join(read_founding(path), home)  # twice changes nothing


def test_a_missing_signature_is_named_and_nothing_is_joined(home: Home) -> None:
    made = founding().sign(SEEDS[0]).sign(SEEDS[1]).sign(SEEDS[2])
    assert made.unsigned() == ["P3"]
    with pytest.raises(LedgerError, match="P3"):
        join(made, home)
    assert not home.genesis_path.exists()


def test_a_home_is_in_one_swarm_only(home: Home) -> None:
    join(signed(founding()), home)
    with pytest.raises(FoundingError, match="already a member"):
        join(signed(founding(bracket="< 1,000")), home)


@pytest.mark.parametrize("part", ["manifest", "catalogue"])
def test_parts_of_another_swarm_are_refused(part: str, tmp_path: Path) -> None:
    good = founding()
    other = founding(sigma_squared=4_000**2)
    parts = {"genesis_file": good.genesis_file, "manifest": good.manifest, "catalogue": CATALOGUE}
    parts[part] = other.manifest if part == "manifest" else CATALOGUE.replace(b"C\n", b"D\n")
    path = tmp_path / "swarm.founding"
    path.write_bytes(Founding(**parts).to_bytes())
    with pytest.raises(FoundingError, match="not the one that the genesis names"):
        read_founding(path)


def test_any_flipped_byte_of_a_founding_file_is_refused(tmp_path: Path) -> None:
    data = signed(founding()).to_bytes()
    path = tmp_path / "swarm.founding"
    for place in range(0, len(data), 37):
        path.write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
        with pytest.raises((FoundingError, SharedCatalogueError)):
            read_founding(path)


def test_a_delta_too_large_for_the_declared_learners_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "swarm.founding"
    path.write_bytes(founding(bracket="< 1,000,000").to_bytes())
    with pytest.raises(FoundingError, match="R15"):
        read_founding(path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"key,title\nx,y\n", "column named content_key"),
        (b"content_key\nurn:b\nurn:a\n", "line 3"),
        (b"content_key\nurn:a\nurn:a\n", "line 3"),
        (b"content_key,title\nurn:a,x\n,y\n", "line 3: content_key '' is empty"),
        (b"content_key\nurn:a\n", "1 items"),
        (b"\xff\xfe", "not a UTF-8 CSV"),
    ],
)
def test_a_bad_shared_catalogue_is_refused_with_its_line(text: bytes, message: str) -> None:
    with pytest.raises(SharedCatalogueError, match=message):
        read_keys(text, "shared.csv")


def test_only_authored_catalogue_rows_are_shared() -> None:
    rows = [CatalogueItem("1", content_key="urn:b"), CatalogueItem("2", content_key="urn:else")]
    indices = index_items(["1", "2", "seen only in events"], rows, ("urn:a", "urn:b"))
    assert indices.tolist() == [1, -1, -1]
