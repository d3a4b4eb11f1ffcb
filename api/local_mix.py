"""`HOME/local.json`: which parts this platform's model gives weight to.

Written by `fit`, shown by `fit --explain` and `/ui/swarm`; never exported (R5).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from recommender.statistics.blend import Mix
from swarm.storage.files import atomic_write

if TYPE_CHECKING:
    from api.home import Home

SCHEMA = "murmuration.local/1"
PART_NAMES = {
    "merged": "others' and own learners together",
    "local": "own learners alone",
    "text": "likeness of text",
    "order": "the catalogue's order",
    "own_popularity": "own popularity",
    "merged_popularity": "everybody's popularity",
    "starts": "where learners begin",
}
"""What a part is called where people read it."""


_START = {True: "as the released sums say", False: "the default"}
"""Where the weights come from before own learners adjust them."""


def write_mix(home: Home, mix: Mix) -> None:
    """Replace `HOME/local.json`.

    Raises:
        OSError: The disk refused.
    """
    facts = {
        "schema": SCHEMA,
        "weights": dict(mix.weights),
        "default": dict(mix.default),
        "released": mix.released,
        "decay": mix.decay,
        "ridge": mix.ridge,
        "ridge_memory": mix.ridge_memory,
        "holdouts": mix.holdouts,
        "fitted": mix.fitted,
        "gain": mix.gain,
        "reranker": mix.reranker,
        "reranker_reason": mix.reranker_reason,
    }
    atomic_write(home.local_path, (json.dumps(facts, indent=1) + "\n").encode(), mode=0o600)


def read_mix(home: Home) -> Mix | None:
    """The mix of the last fit; None before one, or where the file cannot be read."""
    try:
        facts = json.loads(home.local_path.read_text(encoding="utf-8"))
        return Mix(
            weights={str(name): float(value) for name, value in facts["weights"].items()},
            default={str(name): float(value) for name, value in facts["default"].items()},
            decay=float(facts["decay"]),
            ridge=float(facts["ridge"]),
            ridge_memory=float(facts["ridge_memory"]),
            holdouts=int(facts["holdouts"]),
            fitted=bool(facts["fitted"]),
            gain=float(facts["gain"]),
            released=bool(facts.get("released", False)),
            reranker=float(facts.get("reranker", 0.0)),
            reranker_reason=str(facts.get("reranker_reason", "")),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def shares(mix: Mix) -> list[tuple[str, float]]:
    """Name and share of each part that weighs something, the largest first; shares add up to 1.

    A share is of the weights; each part's scores lie in [0, 1].
    """
    whole = sum(mix.weights.values())
    if whole <= 0:
        return []
    named = [
        (PART_NAMES.get(part, part), weight / whole)
        for part, weight in mix.weights.items()
        if weight
    ]
    return sorted(named, key=lambda one: -one[1])


def describe(mix: Mix) -> str:
    """One sentence, such as "others' and own learners together 52 %, ..."."""
    parts = [f"{name} {share:.0%}" for name, share in shares(mix) if share >= 0.005]
    how = "fitted on this platform's hold-out" if mix.fitted else _START[mix.released]
    order = "; a local re-ranker on top" if mix.reranker > 0 else ""
    return f"{', '.join(parts) or 'nothing yet'} ({how}){order}"


def explain(mix: Mix) -> list[str]:
    """Lines for `fit --explain`."""
    lines = [
        f"{PART_NAMES.get(part, part)}: {weight:.2f} (before {mix.default.get(part, 0.0):.2f})"
        for part, weight in mix.weights.items()
    ]
    told = "the released sums say" if mix.released else "public constants say"
    lines.append(f"before own learners adjusted it, texts and order counted what {told}")
    lines.append(f"memory: a history item a step older weighs {mix.decay:g} times as much")
    lines.append(f"own pairs: {mix.ridge:.0%} by the sequential ridge, the rest by the solve")
    if mix.fitted:
        lines.append(
            f"fitted on the last items of about {5 * round(mix.holdouts / 5)} own learners: "
            f"{mix.gain:.3f} nats likelier each than before"
        )
    else:
        lines.append("not fitted: fewer than 30 held-out learners, or no own statistics (R17)")
    if mix.reranker_reason:
        lines.append(f"local re-ranker: {mix.reranker_reason}")
    if mix.reranker > 0:
        lines.append(f"it takes items {mix.reranker:.0%} of the way towards what it says")
    return lines
