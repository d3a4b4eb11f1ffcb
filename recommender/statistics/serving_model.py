"""What `serve` ranks with: arrays in numpy, read from one verified file.

- This file imports numpy, safetensors and the standard library only: serving needs nothing else.
- A score is the sum of named parts, so that a reason can name what moved an item (R18): merged
  statistics, own exact statistics, likeness of text, the catalogue's order, own and merged
  popularity, where learners begin, and where a large platform has one, the local re-ranker.
- A file is read whole, its digest compared, every shape and number checked, before it serves.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load as parse_tensors
from safetensors.numpy import save as tensor_bytes

from recommender.errors import ModelError
from recommender.statistics.reranking import Reranker
from recommender.statistics.sequences import Sequences
from recommender.statistics.serving_parts import (
    Explanation,
    PairPart,
    StartPart,
    TextPart,
    check_neighbours,
    check_pairs,
    check_reranker,
    check_starts,
    empty_pairs,
    expect_array,
    explain_pairs,
    score_pairs,
    score_starts,
    score_text,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

PARTS: tuple[str, ...] = (
    "merged",
    "local",
    "text",
    "order",
    "own_popularity",
    "merged_popularity",
    "starts",
    "reranker",
)
"""Names of the parts of a score, in the order of `ServingModel.blend`."""

FORMAT = "murmuration.serving/4"
_FAMILY = "murmuration.serving/"
MODEL_FILE = "model.safetensors"
CARD_FILE = "card.json"
_PAIRS = ("merged", "shared", "local")
_NEIGHBOURS = ("text", "order")
_POPULARITIES = ("own_popularity", "merged_popularity", "shared_popularity")
_STARTS = ("starts", "shared_starts")


@dataclass(frozen=True, eq=False)
class ScoredItems:
    """Scores of all items for one learner.

    Attributes:
        total: float32, `(items,)`.
        parts: The addends of `total`, by the names in `PARTS`; float32, `(items,)` each.
    """

    total: NDArray[np.float32]
    parts: dict[str, NDArray[np.float32]]


@dataclass(frozen=True, eq=False)
class ServingModel:
    """A fitted model of one platform.

    Attributes:
        item_ids: The platform's item ids; all arrays index them.
        merged: Part from others' merged sums together with own exact statistics.
        shared: The same from merged sums alone, own exact statistics left out (R18).
        local: Part from the platform's own exact statistics.
        text: Part from catalogue texts.
        order: Part from where items stand in the catalogue.
        own_popularity: In [0, 1]; float32, `(items,)`.
        merged_popularity: In [0, 1]; float32, `(items,)`.
        shared_popularity: The same from merged sums alone; float32, `(items,)`.
        starts: Part from where learners begin.
        shared_starts: The same from merged sums alone.
        blend: Weight of each part, in the order of `PARTS`; float32, `(parts,)`.
        decay: Weight of a history item a step older, in (0, 1].
        shared_blend: The weights before own learners adjusted them (R18); float32, `(parts,)`.
        shared_decay: The same of `decay`.
        reranker: Over the items of `local`; None where there is none. Its part takes an item so
            far from the sum of the others towards what it says, and can be below 0.
    """

    item_ids: tuple[str, ...]
    merged: PairPart
    shared: PairPart
    local: PairPart
    text: TextPart
    order: TextPart
    own_popularity: NDArray[np.float32]
    merged_popularity: NDArray[np.float32]
    shared_popularity: NDArray[np.float32]
    starts: StartPart
    shared_starts: StartPart
    blend: NDArray[np.float32]
    decay: float
    shared_blend: NDArray[np.float32]
    shared_decay: float
    reranker: Reranker | None = None

    def __post_init__(self) -> None:
        """Refuse arrays that cannot be a model.

        Raises:
            ModelError: A shape, an index or a number is impossible.
        """
        _check_model(self)

    @property
    def parameters(self) -> int:
        """Numbers in the file that weigh something."""
        parts = (self.merged.weights, self.local.weights, self.text.weights)
        return sum(int(np.count_nonzero(part)) for part in parts) + 2 * len(self.item_ids)

    def shared_only(self) -> ServingModel:
        """The model without anything that comes from the platform's own learners (R18)."""
        return replace(
            self,
            merged=self.shared,
            local=empty_pairs(),
            reranker=None,
            own_popularity=np.zeros_like(self.own_popularity),
            merged_popularity=self.shared_popularity,
            starts=self.shared_starts,
            blend=self.shared_blend,
            decay=self.shared_decay,
        )

    def score(self, history: NDArray[np.int64] | Sequence[int]) -> ScoredItems:
        """Score every item for one learner.

        Args:
            history: Items the learner knows, oldest first; may be empty.

        Raises:
            ModelError: An entry is no item of this model.
        """
        known = self._checked(history)
        scored = self.score_many(np.array([0, known.size], dtype=np.int64), known)
        parts = {name: scored[position, 0] for position, name in enumerate(PARTS)}
        total: NDArray[np.float32] = scored[:, 0].sum(axis=0, dtype=np.float32)
        return ScoredItems(total, parts)

    def score_many(self, start: NDArray[np.int64], items: NDArray[np.int64]) -> NDArray[np.float32]:
        """Score every item for many learners.

        Args:
            start: Where each learner's history begins in `items`; int64, `(learners + 1,)`.
            items: Known items, oldest first; int64, `(start[-1],)`.

        Returns:
            Parts in the order of `PARTS`, to be added; float32, `(parts, learners, items)`.
        """
        size = len(self.item_ids)
        learners = start.size - 1
        row = np.repeat(np.arange(learners), np.diff(start))
        age = np.repeat(start[1:], np.diff(start)) - 1 - np.arange(items.size)
        weight = (self.decay**age).astype(np.float32)
        parts = np.zeros((len(PARTS), learners, size), dtype=np.float32)
        if size == 0:
            return parts
        history = np.zeros((learners, size), dtype=np.float32)
        history[row, items] = weight
        parts[0] = score_pairs(self.merged, history)
        parts[1] = score_pairs(self.local, history)
        parts[2] = score_text(self.text, row, items, weight, learners)
        parts[3] = score_text(self.order, row, items, weight, learners)
        parts[4] = self.own_popularity
        parts[5] = self.merged_popularity
        parts[6] = score_starts(self.starts, np.diff(start))
        parts *= self.blend[:, None, None]
        if self.reranker is not None and self.blend[-1] > 0:
            histories = Sequences(start, self.local.places(items))
            walked = self.local.factual.view(np.bool_)  # at least ten learners (R17)
            shares, movable = self.reranker.shares(histories, walked)
            others = parts.sum(axis=0)
            wanted = shares * others.max(axis=1, keepdims=True) - others[:, self.local.items]
            parts[-1][:, self.local.items] = self.blend[-1] * np.where(movable, wanted, 0.0)
        return parts

    def explain(
        self, history: NDArray[np.int64] | Sequence[int], item: int
    ) -> dict[str, Explanation]:
        """Name the history item that speaks most for `item`, in each part that knows one.

        Args:
            history: Items the learner knows, oldest first.
            item: The recommended item.

        Returns:
            By part; parts in which no history item speaks for the item are missing.

        Raises:
            ModelError: An entry or the item is no item of this model.
        """
        known = self._checked(history)
        self._checked([item])
        weight = np.power(self.decay, np.arange(known.size - 1, -1, -1, dtype=np.float64))
        found: dict[str, Explanation] = {}
        for name, part in (("merged", self.merged), ("local", self.local)):
            explained = explain_pairs(name, part, known, weight, item)
            if explained is not None:
                found[name] = explained
        for name, near in (("text", self.text), ("order", self.order)):
            likeness = np.where(near.neighbours[known] == item, near.weights[known], 0.0)
            spoken = weight * likeness.sum(axis=1)
            if spoken.size and spoken.max() > 0:
                found[name] = Explanation(name, int(spoken.argmax()), factual=False)
        return found

    def to_bytes(self) -> bytes:
        """The model as one safetensors file; the same model gives the same bytes."""
        facts = {
            "format": FORMAT,
            "item_ids": list(self.item_ids),
            "decay": self.decay,
            "shared_decay": self.shared_decay,
        }
        header = json.dumps(facts, ensure_ascii=False, sort_keys=True).encode("utf-8")
        tensors: dict[str, NDArray[Any]] = {"header": np.frombuffer(header, dtype=np.uint8)}
        for name in (*_PAIRS, *_NEIGHBOURS, *_STARTS):
            part = getattr(self, name)
            for field in fields(part):
                tensors[f"{name}.{field.name}"] = np.ascontiguousarray(getattr(part, field.name))
        for name in (*_POPULARITIES, "blend", "shared_blend"):
            tensors[name] = np.ascontiguousarray(getattr(self, name))
        if self.reranker is not None:
            for field in fields(self.reranker):
                array = np.ascontiguousarray(getattr(self.reranker, field.name))
                tensors[f"reranker.{field.name}"] = array
        content: bytes = tensor_bytes(tensors)
        return content

    def digest(self) -> str:
        """SHA-256 of the file, in hex: the name of its folder."""
        return hashlib.sha256(self.to_bytes()).hexdigest()

    def save(self, folder: Path, card: Mapping[str, object] | None = None) -> str:
        """Write the model and its card into `folder`, which is made if missing.

        Args:
            folder: Such as `HOME/serving/<digest>`.
            card: Facts to write beside the digest; never counts of learners.

        Returns:
            The digest in hex.

        Raises:
            ModelError: The folder cannot be written.
        """
        content = self.to_bytes()
        digest = hashlib.sha256(content).hexdigest()
        facts = {**(card or {}), "format": FORMAT, "digest": digest, "items": len(self.item_ids)}
        text = json.dumps(facts, indent=1, sort_keys=True) + "\n"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            _replace(folder / MODEL_FILE, content)
            _replace(folder / CARD_FILE, text.encode("utf-8"))
        except OSError as error:
            raise ModelError(f"cannot write the model to {folder}: {error.strerror}") from error
        return digest

    @staticmethod
    def load(folder: Path, digest: str | None = None) -> ServingModel:
        """Read and verify a model.

        Args:
            folder: Where `save` wrote it.
            digest: The digest it must have; None takes the card's.

        Raises:
            ModelError: A file is missing or damaged, or the model is not the one named.
        """
        try:
            content = (folder / MODEL_FILE).read_bytes()
            card = json.loads((folder / CARD_FILE).read_bytes())
            expected = digest or str(card["digest"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ModelError(f"cannot read the model in {folder}: {error}; fit again") from error
        found = hashlib.sha256(content).hexdigest()
        if found != expected:
            raise ModelError(
                f"the model in {folder} is damaged: its digest is {found[:12]}, expected "
                f"{expected[:12]}; fit again"
            )
        return model_from_bytes(content, str(folder))

    def _checked(self, history: NDArray[np.int64] | Sequence[int]) -> NDArray[np.int64]:
        known = np.asarray(history, dtype=np.int64)
        if known.size and (int(known.min()) < 0 or int(known.max()) >= len(self.item_ids)):
            raise ModelError(f"a history names an item outside the model's {len(self.item_ids)}")
        return known


def model_from_bytes(content: bytes, source: str = "the model") -> ServingModel:
    """Parse and check what `ServingModel.to_bytes` gave.

    Args:
        content: Bytes of a safetensors file.
        source: Where they came from, for messages.

    Raises:
        ModelError: They are not a serving model of this format.
    """
    try:
        tensors = parse_tensors(content)
        header = json.loads(tensors["header"].tobytes())
        _check_format(header["format"], source)
        merged, shared, local = (PairPart(*_fields(tensors, name, PairPart)) for name in _PAIRS)
        text, order = (TextPart(*_fields(tensors, name, TextPart)) for name in _NEIGHBOURS)
        reranks = any(name.startswith("reranker.") for name in tensors)
        starts, shared_starts = (StartPart(*_fields(tensors, name, StartPart)) for name in _STARTS)
        return ServingModel(
            item_ids=tuple(header["item_ids"]),
            merged=merged,
            shared=shared,
            local=local,
            text=text,
            order=order,
            starts=starts,
            shared_starts=shared_starts,
            blend=tensors["blend"],
            decay=float(header["decay"]),
            shared_blend=tensors["shared_blend"],
            shared_decay=float(header["shared_decay"]),
            reranker=Reranker(*_fields(tensors, "reranker", Reranker)) if reranks else None,
            **{name: tensors[name] for name in _POPULARITIES},
        )
    except (SafetensorError, ValueError, KeyError, TypeError) as error:
        raise ModelError(f"{source} is damaged ({error}); fit again") from error


def _fields(tensors: Mapping[str, NDArray[Any]], name: str, part: type) -> list[NDArray[Any]]:
    return [tensors[f"{name}.{field.name}"] for field in fields(part)]


def _check_format(found: object, source: str) -> None:
    if found == FORMAT:
        return
    if isinstance(found, str) and found.startswith(_FAMILY):
        raise ModelError(
            f"{source} was written by another version of murmuration (format {found!r}, this one "
            f"reads {FORMAT!r}): run `murmuration fit`, which writes it anew"
        )
    raise ModelError(f"{source} has format {found!r}, expected {FORMAT!r}; fit again")


def _replace(path: Path, content: bytes) -> None:
    """Write a file whole: readers see the old one or the new one."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    with beside.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)


def _check_model(model: ServingModel) -> None:
    size = len(model.item_ids)
    if len(set(model.item_ids)) != size:
        raise ModelError("the model names an item twice")
    for name in _PAIRS:
        check_pairs(name, getattr(model, name), size)
    for name in _NEIGHBOURS:
        check_neighbours(name, getattr(model, name), size)
    check_starts({name: getattr(model, name) for name in _STARTS}, size)
    for name in _POPULARITIES:
        expect_array(name, getattr(model, name), np.float32, (size,))
    for name in ("blend", "shared_blend"):
        expect_array(name, getattr(model, name), np.float32, (len(PARTS),))
    check_reranker(model.reranker, model.local)
    for decay in (model.decay, model.shared_decay):
        if not 0 < decay <= 1:
            raise ModelError(f"the model's decay is {decay}, expected above 0 and at most 1")
