"""A map from a table's own columns to those of the interaction table, as a small TOML file.

`adapt table --guess FILE` proposes one (`column_guess`); `--map FILE` reads it. What the map does
not say is not guessed when rows are read.
"""

from __future__ import annotations

import hashlib
import tomllib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from platform_adapters import contract
from platform_adapters.declared import Declared
from platform_adapters.declared_rows import Rows
from platform_adapters.errors import OptionsError
from platform_adapters.fields import constant
from recommender.interactions import VERBS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from platform_adapters.fields import Field
    from platform_adapters.format import Format

_ASKED_FIRST = ("learner", "item", "timestamp", "order", "event_id")
_OURS = ("evidence", "source")
COLUMNS = (
    *_ASKED_FIRST,
    *(name for name in contract.COLUMNS if name not in {*_ASKED_FIRST, *_OURS}),
)
"""What a column may be, as in the interaction table."""

_PLACED = frozenset({"learner", "item", "timestamp", "order", "event_id", "verb"})
_SECTIONS = frozenset({"columns", "constants", "verbs", "times"})


@dataclass(frozen=True, slots=True)
class ColumnMap:
    """What a table's columns mean.

    Attributes:
        columns: From our column to the file's.
        constants: From our column to what it is in every row.
        verbs: From what stands in the column of the verb to our verb.
        times: Ways to write a time beside ISO 8601 and unix seconds, as for `strptime`.
    """

    columns: Mapping[str, str]
    constants: Mapping[str, str]
    verbs: Mapping[str, str]
    times: tuple[str, ...] = ()

    def format(self) -> Format:
        """The adapter of tables of this form."""
        names = self.columns
        fields: dict[str, Field] = {
            ours: theirs for ours, theirs in names.items() if ours not in _PLACED
        }
        fields |= {n: constant(v) for n, v in self.constants.items() if n not in {"verb", "item"}}
        rows = Rows(
            name="row",
            what="a table with this column map",
            marks=frozenset(names.values()),
            learner=names["learner"],
            item=names["item"],
            time=names.get("timestamp", ""),
            order=names.get("order"),
            times=self.times,
            event=names.get("verb"),
            verbs=self.verbs if "verb" in names else self.constants.get("verb", "viewed"),
            otherwise="what happened is not in the map's [verbs]",
            identity=names.get("event_id"),
            fields=fields,
        )
        made = Declared(
            name="table",
            summary="a table with the columns of this map (CSV, JSON lines, Parquet)",
            tried_on="",
            rows=(rows,),
        ).format()
        return replace(made, variant=self.digest())

    def digest(self) -> str:
        """What tells this map from another."""
        parts = (self.columns, self.constants, self.verbs)
        text = repr([*(sorted(part.items()) for part in parts), self.times])
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def read_map(path: Path) -> ColumnMap:
    """Read a map.

    Raises:
        OptionsError: It is no TOML, or names what there is not.
    """
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise OptionsError(
            f"{path} does not exist; `adapt table --guess FILE` writes one"
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise OptionsError(f"{path.name} is not TOML: {error}") from error
    unknown = sorted(set(found) - _SECTIONS)
    if unknown:
        raise OptionsError(
            f"{path.name}: unknown section [{unknown[0]}]; expected {', '.join(sorted(_SECTIONS))}"
        )
    columns, constants = (_texts(found, name, path) for name in ("columns", "constants"))
    _check_names(columns, constants, path)
    return ColumnMap(
        columns, constants, _verbs(found, columns, constants, path), _times(found, path)
    )


def _check_names(columns: dict[str, str], constants: dict[str, str], path: Path) -> None:
    for name in (*columns, *constants):
        if name not in COLUMNS:
            raise OptionsError(f"{path.name}: {name!r} is no column; one of {', '.join(COLUMNS)}")
    for name in ("learner", "item"):
        if name not in columns:
            raise OptionsError(f"{path.name}, [columns]: say which column is the {name}")
    if not {"timestamp", "order"} & set(columns):
        raise OptionsError(f"{path.name}, [columns]: neither timestamp nor order")


def _texts(found: dict[str, Any], section: str, path: Path) -> dict[str, str]:
    values = found.get(section, {})
    if not isinstance(values, dict) or any(isinstance(v, dict | list) for v in values.values()):
        raise OptionsError(f'{path.name}, [{section}]: expected lines such as item = "Resource"')
    return {str(name): str(value) for name, value in values.items()}


def _verbs(
    found: dict[str, Any], columns: dict[str, str], constants: dict[str, str], path: Path
) -> dict[str, str]:
    verbs = _texts(found, "verbs", path)
    for verb in (*verbs.values(), constants.get("verb", "viewed")):
        if verb not in VERBS:
            raise OptionsError(f"{path.name}: {verb!r} is no verb; one of {', '.join(VERBS)}")
    if "verb" in columns and not verbs:
        verbs = {verb: verb for verb in VERBS}
    return verbs


def _times(found: dict[str, Any], path: Path) -> tuple[str, ...]:
    times = found.get("times", {})
    formats = times.get("formats", []) if isinstance(times, dict) else None
    if not isinstance(formats, list) or not all(isinstance(f, str) for f in formats):
        raise OptionsError(f'{path.name}, [times]: expected formats = ["%d.%m.%Y %H:%M"]')
    return tuple(formats)
