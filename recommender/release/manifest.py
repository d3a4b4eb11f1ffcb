"""The manifest: every public constant of a release, fixed before any data are read (R9).

A manifest is agreed once by all members of a swarm; its digest stands in the genesis.
Everything in it is an integer, a pair of integers, a name or a digest, so that its
canonical encoding has no floats and its privacy contract (R12) is an exact rational.

The swarm's codec turns `Manifest.to_dict` into canonical bytes; `Manifest.from_dict` reads
them back and refuses whatever breaks a privacy rule.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from recommender.errors import ManifestError
from recommender.interactions import VERB_INDEX, VERBS
from recommender.release.training import Training, check_against, read_training

if TYPE_CHECKING:
    from collections.abc import Mapping

VERSION = 1
MAX_ITEMS = 2_000
"""The largest head: beyond it a popularity round chooses the head first (R10)."""
MAX_SCALE = 2**20
"""Keeps every learner's integers, and their squares, far inside int64."""
MIN_SIGMA_SQUARED = 8**2
"""Noise of less than 8 grid units is refused (R11)."""
PAIR_BLOCKS: tuple[str, ...] = ("together", "direction")
BLOCK_NAMES: tuple[str, ...] = (*PAIR_BLOCKS, "popularity", "starts")
STARTS = 8
"""First visits that say where a learner began; each weighs half of the one before."""
MODES: tuple[str, ...] = ("open", "secure")
_NEVER_RELEASED = frozenset({"enrolled", "unenrolled", "uncompleted", "rated", "other"})


@dataclass(frozen=True, slots=True)
class Block:
    """One part of the released vector.

    Attributes:
        name: One of `BLOCK_NAMES`.
        weight: The part's share of a learner's norm, in grid units, at least 1.
        clip: A learner's part is divided by max(its L2 norm, clip) (R8), at least 1.
    """

    name: str
    weight: int
    clip: int


@dataclass(frozen=True, slots=True)
class Manifest:
    """The public constants of a release.

    Attributes:
        items: Size K of the head, in 2..`MAX_ITEMS` (R10).
        catalogue_digest: SHA-256 of the shared catalogue, 32 bytes.
        version: Version of this format.
        blocks: Parts of the vector, in the order of their cells.
        scale: Grid units per unit of L2 norm; S of R7.
        sigma_squared: Variance of the noise of one contribution, in squared grid units.
        delta: Lifetime delta as numerator and denominator.
        keep: A learner's vector uses at most this many of the last first visits (and, for
            `starts`, the first `STARTS` of all).
        reach: Two visits at most this many places apart make a transition.
        decay: Transitions weigh (decay[0] / decay[1]) ** (distance - 1).
        verbs: Verbs that count as a visit, in the order of `VERBS`.
        min_items: A learner with fewer distinct head items is never due (R2).
        quiet_days: Days without an event after which a learner is due (R2).
        mode: `open` or `secure`.
        training: How the swarm trains a network; None where it trains none, the default.
    """

    items: int
    catalogue_digest: bytes
    version: int = VERSION
    blocks: tuple[Block, ...] = (
        Block("together", 3_665, 2),
        Block("direction", 1_220, 2),
        Block("popularity", 1_220, 2),
        Block("starts", 600, 1),
    )
    scale: int = 4_096
    sigma_squared: int = 5_194**2
    delta: tuple[int, int] = (1, 1_000_000)
    keep: int = 30
    reach: int = 10
    decay: tuple[int, int] = (4, 5)
    verbs: tuple[str, ...] = tuple(verb for verb in VERBS if verb not in _NEVER_RELEASED)
    min_items: int = 2
    quiet_days: int = 28
    mode: str = "open"
    training: Training | None = None

    def __post_init__(self) -> None:
        """Refuse constants that break a privacy rule.

        Raises:
            ManifestError: A field breaks R7, R8, R9, R10 or R11, or is out of its range.
        """
        _check_types(self)
        _check_ranges(self)
        _check_blocks(self)
        if self.training is not None:
            check_against(self.training, self)

    @property
    def pairs(self) -> int:
        """Number of unordered pairs of head items, the size of a pair block."""
        return self.items * (self.items - 1) // 2

    @property
    def cells(self) -> int:
        """Length of the vector: a function of the manifest alone (R9)."""
        return sum(self._size(block) for block in self.blocks)

    @property
    def block_slices(self) -> dict[str, slice]:
        """Where each block's cells lie in the vector."""
        slices: dict[str, slice] = {}
        start = 0
        for block in self.blocks:
            slices[block.name] = slice(start, start + self._size(block))
            start += self._size(block)
        return slices

    @property
    def rho(self) -> Fraction:
        """The zCDP contract of one release, scale^2 / (2 sigma^2), exact (R12)."""
        return Fraction(self.scale**2, 2 * self.sigma_squared)

    @property
    def delta_fraction(self) -> Fraction:
        """Delta as an exact rational."""
        return Fraction(*self.delta)

    def allows_bracket(self, learners: int) -> bool:
        """Tell whether delta is at most 1 / (10 x the largest declared bracket) (R15)."""
        return self.delta_fraction * 10 * learners <= 1

    def to_dict(self) -> dict[str, Any]:
        """Give the manifest as plain integers, lists, bytes and strings.

        Shapes are `[K, K]` for pair blocks (stored as the upper triangle, row-major) and
        `[K]` for popularity and starts.
        """
        return {
            "version": self.version,
            "blocks": [
                {
                    "name": block.name,
                    "shape": [self.items] * (2 if block.name in PAIR_BLOCKS else 1),
                    "weight": block.weight,
                    "clip": block.clip,
                }
                for block in self.blocks
            ],
            "scale": self.scale,
            "sigma_squared": self.sigma_squared,
            "delta": list(self.delta),
            "keep": self.keep,
            "reach": self.reach,
            "decay": list(self.decay),
            "verbs": list(self.verbs),
            "min_items": self.min_items,
            "quiet_days": self.quiet_days,
            "catalogue_digest": self.catalogue_digest,
            "mode": self.mode,
            # Without a network these are the bytes of before there were networks.
            **({} if self.training is None else {"training": self.training.to_dict()}),
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Manifest:
        """Read what `to_dict` wrote.

        Raises:
            ManifestError: A field is missing, unknown, of another type, or breaks a rule.
        """
        expected = {field.name for field in fields(cls)} - {"items", "training"}
        if set(values) - {"training"} != expected:
            odd = sorted(str(name) for name in (set(values) - {"training"}) ^ expected)
            raise ManifestError(f"manifest fields missing or unknown: {', '.join(odd)}")
        blocks = tuple(_read_block(block) for block in _sequence(values, "blocks"))
        sizes = {size for _, shape in blocks for size in shape}
        if len(sizes) != 1:
            raise ManifestError("manifest field 'blocks': all shapes must name one head size")
        manifest = cls(
            items=sizes.pop(),
            blocks=tuple(block for block, _ in blocks),
            delta=_pair(values, "delta"),
            decay=_pair(values, "decay"),
            verbs=tuple(_sequence(values, "verbs")),
            training=read_training(values["training"]) if "training" in values else None,
            **{name: values[name] for name in expected - {"blocks", "delta", "decay", "verbs"}},
        )
        if manifest.to_dict()["blocks"] != [dict(block) for block in values["blocks"]]:
            raise ManifestError("manifest field 'blocks': pairs have shape [K, K], others [K]")
        return manifest

    def _size(self, block: Block) -> int:
        return self.pairs if block.name in PAIR_BLOCKS else self.items


def default_manifest(
    items: int,
    catalogue_digest: bytes,
    *,
    enrolled_counts: bool,
    mode: str = "open",
    sigma_squared: int = 5_194**2,
) -> Manifest:
    """Build the manifest that a new swarm starts with.

    Args:
        items: Number of rows of the shared catalogue.
        catalogue_digest: Its SHA-256.
        enrolled_counts: Whether an enrolment is a visit (platforms whose items are courses).
        mode: `open` or `secure`.
        sigma_squared: Noise variance in grid units; the default is epsilon 4 at delta 1e-6.

    Raises:
        ManifestError: The constants break a rule.
    """
    released = {verb for verb in VERBS if verb not in _NEVER_RELEASED}
    if enrolled_counts:
        released.add("enrolled")
    return Manifest(
        items=items,
        catalogue_digest=catalogue_digest,
        verbs=tuple(verb for verb in VERBS if verb in released),
        mode=mode,
        sigma_squared=sigma_squared,
    )


def _check_types(manifest: Manifest) -> None:
    for name in ("items", "version", "scale", "sigma_squared", "keep", "reach"):
        _require_int(name, getattr(manifest, name))
    for name in ("min_items", "quiet_days"):
        _require_int(name, getattr(manifest, name))
    for name in ("delta", "decay"):
        for value in getattr(manifest, name):
            _require_int(name, value)
    for block in manifest.blocks:
        _require_int(f"weight of block {block.name!r}", block.weight)
        _require_int(f"clip of block {block.name!r}", block.clip)
    digest: object = manifest.catalogue_digest
    if not isinstance(digest, bytes) or len(digest) != 32:
        raise ManifestError("manifest field 'catalogue_digest' must be 32 bytes of SHA-256")


def _require_int(name: str, value: object) -> None:
    # bool is an int in Python, but another type in CBOR.
    if not isinstance(value, int) or isinstance(value, bool):
        raise ManifestError(f"manifest field {name!r} must be an integer, not {value!r}")


def _check_ranges(manifest: Manifest) -> None:
    for name, value, low, high in (
        ("version", manifest.version, VERSION, VERSION),
        ("items", manifest.items, 2, MAX_ITEMS),
        ("scale", manifest.scale, 1, MAX_SCALE),
        ("sigma_squared", manifest.sigma_squared, MIN_SIGMA_SQUARED, 2**50),
        ("keep", manifest.keep, 2, 1_000),
        ("reach", manifest.reach, 1, 100),
        ("decay", manifest.decay[0], 1, manifest.decay[1]),
        ("decay", manifest.decay[1], 1, 1_000),
        ("delta", manifest.delta[0], 1, manifest.delta[1] - 1),
        ("min_items", manifest.min_items, 1, manifest.keep),
        ("quiet_days", manifest.quiet_days, 1, 3_650),
    ):
        if not low <= value <= high:
            raise ManifestError(f"manifest field {name!r} is {value}, expected {low} to {high}")
    if manifest.mode not in MODES:
        raise ManifestError(f"manifest field 'mode' is {manifest.mode!r}, expected open or secure")
    known = [verb for verb in VERBS if verb in manifest.verbs]
    if not known or list(manifest.verbs) != known:
        raise ManifestError(
            f"manifest field 'verbs' must name verbs once each, in this order: {', '.join(VERBS)}"
        )


def _check_blocks(manifest: Manifest) -> None:
    names = [str(block.name) for block in manifest.blocks]
    if not names or len(set(names)) != len(names) or not set(names) <= set(BLOCK_NAMES):
        raise ManifestError(
            f"manifest field 'blocks' must name some of {', '.join(BLOCK_NAMES)}, once each"
        )
    for block in manifest.blocks:
        if block.weight < 1 or block.clip < 1:
            raise ManifestError(f"block {block.name!r}: weight and clip must be at least 1 (R8)")
    total = sum(block.weight**2 for block in manifest.blocks)
    if total > manifest.scale**2:
        raise ManifestError(
            f"squares of block weights sum to {total}, above scale^2 = {manifest.scale**2} (R7)"
        )


def _sequence(values: Mapping[str, Any], name: str) -> list[Any]:
    value = values[name]
    if not isinstance(value, list | tuple):
        raise ManifestError(f"manifest field {name!r} must be a list, not {value!r}")
    return list(value)


def _pair(values: Mapping[str, Any], name: str) -> tuple[int, int]:
    pair = _sequence(values, name)
    if len(pair) != 2:
        raise ManifestError(f"manifest field {name!r} must be a pair of integers, not {pair!r}")
    return pair[0], pair[1]


def _read_block(value: object) -> tuple[Block, tuple[int, ...]]:
    if not isinstance(value, dict) or set(value) != {"name", "shape", "weight", "clip"}:
        raise ManifestError(
            f"manifest field 'blocks': expected name, shape, weight and clip, not {value!r}"
        )
    shape = _sequence(value, "shape")
    for size in shape:
        _require_int("shape", size)
    return Block(value["name"], value["weight"], value["clip"]), tuple(shape)


def verb_indices(manifest: Manifest) -> tuple[int, ...]:
    """Give the manifest's verbs as indices into `VERBS`."""
    return tuple(VERB_INDEX[verb] for verb in manifest.verbs)
