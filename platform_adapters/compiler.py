"""One kind of log as one Python function: its declaration is read once, not for each record.

What `Rows` says is written down as the source of a function that does just that, as `dataclasses`
and `attrs` write their methods; `RowReader.function(event).source` shows it. Nothing of a record is
ever source: only names of columns, verbs and reasons of the declaration are, quoted by `repr`.
"""

from __future__ import annotations

from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING

from platform_adapters.fields import Apply, Join
from platform_adapters.values import get

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import CodeType
    from typing import Any

    from platform_adapters.fields import Field, Key, Tables


class Function:
    """The body of a function of a record and its line, as it is written."""

    def __init__(self, tables: Tables, used: Mapping[str, object] = MappingProxyType({})) -> None:
        """Take the side tables, and what the lines will use by its name."""
        self._tables = tables
        self._lines: list[str] = []
        self._bound: dict[str, object] = {**used, "get": get}
        self._values: dict[Field, str] = {}

    @property
    def source(self) -> str:
        """The function."""
        return "\n    ".join(["def read(row, line):", "at = row.get", *self._lines, ""])

    def made(self) -> Callable[..., Any]:
        """The function itself."""
        names = dict(self._bound)
        exec(_compiled(self.source), names)  # noqa: S102 - see the module's first lines
        return names["read"]  # type: ignore[return-value]

    def write(self, *lines: str) -> None:
        """Add lines."""
        self._lines += lines

    def bind(self, value: object, stem: str) -> str:
        """A name for something that the function uses."""
        name = f"{stem}_{len(self._bound)}"
        self._bound[name] = value
        return name

    def value(self, field: Field) -> str:
        """The name of a variable that holds a field's value; it is taken once."""
        known = self._values.get(field)
        if known is None:
            known = self._values[field] = f"v{len(self._values)}"
            self._take(field, known)
        return known

    def _take(self, field: Field, name: str) -> None:
        if isinstance(field, str):
            self.write(f"{name} = at({field!r})")
        elif isinstance(field, tuple):
            self.write(f"{name} = get(row, {', '.join(map(repr, field))})")
        elif isinstance(field, Join):
            by = self._key(field.by)
            side = self.bind(self._tables.get(field.side, {}), "side")
            taken = f"{name}.get({field.take!r})" if field.take else "'1'"
            self.write(
                f"try: {name} = {side}.get({by})",
                f"except TypeError: {name} = None  # a list or an object is no key",
                f"if {name} is not None: {name} = {taken}",
            )
        elif isinstance(field, Apply):
            arguments = [self.value(one) for one in field.fields]
            function = self.bind(field.function, "function")
            self.write(f"{name} = {function}({', '.join(arguments)})")
        else:
            self.write(f"{name} = {self.bind(field, 'function')}(row)")

    def _key(self, by: Key) -> str:
        if isinstance(by, tuple):
            return "(" + "".join(f"{self.value(part)}, " for part in by) + ")"
        return self.value(by)


@lru_cache(maxsize=512)
def _compiled(source: str) -> CodeType:
    """Imports of the same kind of log share their code, not what it works on."""
    return compile(source, "<a declared format>", "exec")
