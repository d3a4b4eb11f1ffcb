"""Moodle's availability trees: what must be complete before a module or section opens.

A tree is `{"op": "&", "c": [...]}`; `&` demands all of its conditions, `|` any of them, `!&` and
`!|` their contrary (`availability/classes/tree.php`). Only what a tree demands for certain, a
completed module, is a prerequisite; everything else is counted by its kind and never guessed.

Example: `{"op":"&","c":[{"type":"completion","cm":340,"e":1}]}`: module 340 comes first.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import orjson

if TYPE_CHECKING:
    from platform_adapters.contract import Json

PREVIOUS = "-1"
"""In place of a module: the one before this in the course that tracks completion."""

_MAX_DEPTH = 20
_COMPLETE = frozenset({"1", "2"})  # complete; complete with a pass


@dataclass
class Demands:
    """What trees demand.

    Attributes:
        modules: Ids of course modules that must be complete, or `PREVIOUS`; each once.
        others: Conditions that are no prerequisites, by kind.
    """

    modules: list[str] = field(default_factory=list)
    others: Counter[str] = field(default_factory=Counter)

    def add(self, tree: str) -> None:
        """Take in a tree as it stands in the column `availability`."""
        if not tree.strip():
            return
        try:
            self._walk(orjson.loads(tree), 0)
        except orjson.JSONDecodeError:
            self.others["a tree that is not JSON"] += 1

    def _walk(self, node: Json, depth: int) -> None:
        if not isinstance(node, dict) or depth > _MAX_DEPTH:
            self.others["a tree that is not one of Moodle's"] += 1
            return
        children = node.get("c")
        if not isinstance(children, list):
            self._condition(node)
        elif node.get("op") == "&" or (node.get("op") == "|" and len(children) == 1):
            for child in children:
                self._walk(child, depth + 1)
        elif children:
            names = {"|": "any of several", "!&": "not all of several", "!|": "none of several"}
            self.others[names.get(str(node.get("op")), "an unknown operator")] += 1

    def _condition(self, node: dict[str, Json]) -> None:
        kind = node.get("type")
        if kind == "completion" and str(node.get("e")) in _COMPLETE:
            module = str(node.get("cm"))
            if module not in self.modules:
                self.modules.append(module)
        elif kind == "completion":
            self.others["a module that must not be complete, or failed"] += 1
        else:
            known = {"date", "grade", "group", "grouping", "profile"}
            self.others[kind if kind in known else "another kind of condition"] += 1
