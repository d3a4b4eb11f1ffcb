"""Completion of blocks, by the LMS and by its aggregator.

Example: Ana completed the section *Cells*.
"""

from __future__ import annotations

from platform_adapters.formats.openedx.words import Data, Outcome, Rule, done
from platform_adapters.values import number, share


def _block(data: Data) -> Outcome:
    part = number(data.get("completion"), "data.completion")
    if part == 1:
        return {"verb": "completed", "completion": True, "progress": 1.0}
    return {"progress": share(part), "completion": False if part is not None else None}


def _progress(data: Data) -> Outcome:
    """Progress of 1.0 is not completion: a completion event of its own says that."""
    return {"progress": share(number(data.get("percent"), "data.percent"))}


_KINDS = (("progress", "progressed", _progress), ("completion", "completed", done))
RULES = {
    "edx.completion.block_completion.changed": Rule("progressed", outcome=_block),
    **{
        f"{prefix}.completion_aggregator.{kind}.{level}": Rule(
            verb, "course" if level == "course" else "block", outcome
        )
        for prefix in ("openedx", "edx")
        for kind, verb, outcome in _KINDS
        for level in ("course", "chapter", "sequential", "vertical")
    },
}
