from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest

from recommender.errors import ManifestError
from recommender.release.manifest import Block, Manifest, default_manifest

DIGEST = bytes(range(32))


def manifest(**changes) -> Manifest:
    return replace(default_manifest(238, DIGEST, enrolled_counts=True), **changes)


def test_the_demo_has_a_cell_per_ordered_pair_and_one_per_item_for_starts():
    assert manifest().cells == 238**2 + 238


def test_a_manifest_without_starts_has_the_bytes_of_before_there_were_starts():
    three = replace(manifest(), blocks=manifest().blocks[:3])
    assert 4 * three.cells == 226_576
    assert Manifest.from_dict(three.to_dict()) == three


def test_blocks_lie_one_after_the_other_in_manifest_order():
    pairs = 238 * 237 // 2
    assert manifest().block_slices == {
        "together": slice(0, pairs),
        "direction": slice(pairs, 2 * pairs),
        "popularity": slice(2 * pairs, 2 * pairs + 238),
        "starts": slice(2 * pairs + 238, 2 * pairs + 476),
    }


def test_the_default_weights_fill_the_scale_without_passing_it():
    squares = sum(block.weight**2 for block in manifest().blocks)
    assert squares == 16_769_025 <= 4096**2


def test_rho_is_an_exact_rational():
    assert manifest().rho == Fraction(4096**2, 2 * 5194**2)


def test_enrolments_count_only_where_courses_are_the_items():
    assert "enrolled" in manifest().verbs
    without = default_manifest(238, DIGEST, enrolled_counts=False)
    assert not {"enrolled", "unenrolled", "uncompleted", "rated", "other"} & set(without.verbs)
    assert without == Manifest(items=238, catalogue_digest=DIGEST)


def test_a_manifest_survives_its_plain_form():
    for original in (manifest(), manifest(mode="secure", blocks=(Block("popularity", 9, 2),))):
        assert Manifest.from_dict(original.to_dict()) == original


def test_the_plain_form_holds_integers_strings_lists_and_bytes_only():
    def kinds(value) -> set[type]:
        if isinstance(value, dict):
            return set().union(*(kinds(entry) for entry in value.values()))
        if isinstance(value, list):
            return set().union(*(kinds(entry) for entry in value))
        return {type(value)}

    assert kinds(manifest().to_dict()) == {int, str, bytes}
    assert set(manifest().to_dict()) == {
        "version", "blocks", "scale", "sigma_squared", "delta", "keep", "reach", "decay",
        "verbs", "min_items", "quiet_days", "catalogue_digest", "mode",
    }  # fmt: skip


def test_delta_is_refused_for_brackets_it_is_too_large_for():
    assert manifest().allows_bracket(100_000)
    assert not manifest().allows_bracket(100_001)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"version": 2}, "version"),
        ({"items": 1}, "items"),
        ({"items": 2_001}, "items"),
        ({"scale": 0}, "scale"),
        ({"sigma_squared": 63}, "sigma_squared"),
        ({"sigma_squared": 64.0}, "sigma_squared"),
        ({"keep": True}, "keep"),
        ({"keep": 1}, "keep"),
        ({"reach": 0}, "reach"),
        ({"decay": (6, 5)}, "decay"),
        ({"decay": (0, 5)}, "decay"),
        ({"delta": (1, 1)}, "delta"),
        ({"delta": (0, 10)}, "delta"),
        ({"min_items": 31}, "min_items"),
        ({"quiet_days": 0}, "quiet_days"),
        ({"mode": "closed"}, "mode"),
        ({"verbs": ()}, "verbs"),
        ({"verbs": ("viewed", "viewed")}, "verbs"),
        ({"verbs": ("started", "viewed")}, "verbs"),
        ({"verbs": ("viewed", "flown")}, "verbs"),
        ({"catalogue_digest": b"short"}, "catalogue_digest"),
        ({"catalogue_digest": "0" * 32}, "catalogue_digest"),
        ({"blocks": ()}, "blocks"),
        ({"blocks": (Block("popularity", 1, 2), Block("popularity", 1, 2))}, "blocks"),
        ({"blocks": (Block("outcome", 1, 2),)}, "blocks"),
        ({"blocks": (Block(["popularity"], 1, 2),)}, "blocks"),
        ({"blocks": (Block("popularity", 0, 2),)}, "R8"),
        ({"blocks": (Block("popularity", 1, 0),)}, "R8"),
        ({"blocks": (Block("popularity", 4_097, 2),)}, "R7"),
        ({"blocks": (Block("popularity", 1.5, 2),)}, "popularity"),
    ],
)
def test_constants_that_break_a_rule_are_refused_by_name(changes, named):
    with pytest.raises(ManifestError, match=named):
        manifest(**changes)


def plain(**changes):
    return {**manifest().to_dict(), **changes}


POPULARITY = {"name": "popularity", "shape": [238], "weight": 1, "clip": 2}


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({}, "missing or unknown"),
        (plain(extra=1), "extra"),
        (plain(blocks="together"), "must be a list"),
        (plain(blocks=[7]), "expected name, shape"),
        (plain(blocks=[{**POPULARITY, "more": 1}]), "expected name, shape"),
        (plain(blocks=[{**POPULARITY, "shape": ["a"]}]), "shape"),
        (plain(blocks=[{**POPULARITY, "shape": [3, 4]}]), "one head size"),
        (plain(blocks=[{**POPULARITY, "shape": [238, 238]}]), r"\[K, K\]"),
        (plain(delta=[1, 2, 3]), "delta"),
        (plain(verbs=None), "verbs"),
        (plain(scale="4096"), "scale"),
    ],
)
def test_a_plain_form_that_is_no_manifest_is_refused(values, message):
    with pytest.raises(ManifestError, match=message):
        Manifest.from_dict(values)
