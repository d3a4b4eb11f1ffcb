"""One kind of log as one Python function: its declaration is read once, not for each record.

What `Rows` says is written down as the source of a function that does just that, as `dataclasses`
and `attrs` write their methods; `RowReader.function(event).source` shows it. Nothing of a record is
ever source: only names of columns, verbs and reasons of the declaration are, quoted by `repr`.
"""

from __future__ import annotations

from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING

from platform_adapters.errors import RecordError
from platform_adapters.fields import Apply, Join, columns_of, getter
from platform_adapters.memo import Memo
from platform_adapters.values import get

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import CodeType
    from typing import Any

    from platform_adapters.fields import Field, Key, Row, Tables


_MOST_CELLS = 2
"""Three cells together seldom recur."""

_WHOLE = "dict(zip(columns, row))"


def _whole(row: Row) -> object:
    """A field: the record itself."""
    return row


class Function:
    """The body of a function of a record and its line, as it is written.

    Without columns the record is a dictionary of any values. With columns it is the list of their
    cells, which are texts: then what is made of one or two cells is remembered by them.
    """

    def __init__(
        self,
        tables: Tables,
        used: Mapping[str, object] = MappingProxyType({}),
        columns: tuple[str, ...] | None = None,
    ) -> None:
        """Take the side tables, what the lines will use by its name, and the columns if known."""
        self._tables = tables
        self._columns = columns
        self._lines: list[str] = []
        self._bound: dict[str, object] = {**used, "get": get, "columns": columns}
        self._values: dict[Field, str] = {}

    @property
    def source(self) -> str:
        """The function."""
        first = ["at = row.get"] if self._columns is None else []
        return "\n    ".join(["def read(row, line):", *first, *self._lines, ""])

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

    def value(self, field: Field, *, recurs: bool = True) -> str:
        """The name of a variable that holds a field's value; it is taken once.

        Args:
            field: The field.
            recurs: Whether it is worth remembering by the cells that it is made of.
        """
        known = self._values.get(field) or self._constant(field)
        if not known:
            known = self._values[field] = f"v{len(self._values)}"
            cells = self._cells_of(field) if recurs and not isinstance(field, str) else ()
            if cells:
                self._remember(field, known, cells)
            else:
                self._take(field, known)
        self._values[field] = known
        return known

    def key(self, key: Key) -> str:
        """A key of a side table, as it is written."""
        if isinstance(key, tuple):
            return "(" + "".join(f"{self.value(part)}, " for part in key) + ")"
        return self.value(key, recurs=False)

    def _constant(self, field: Field) -> str:
        """What a field is in all rows, if none of its columns is there; empty if some is."""
        names = columns_of(field) if self._columns is not None else None
        if names is None or not names.isdisjoint(self._columns or ()):
            return ""
        try:
            value = getter(field, self._tables)({})
        except RecordError:
            return ""  # that is a row's reason
        return "None" if value is None else self.bind(value, "constant")

    def record(self) -> str:
        """The record as a dictionary, as it is written."""
        if self._columns is None:
            return "row"
        return self._values.get(_whole, _WHOLE)

    def _whole(self) -> str:
        return "row" if self._columns is None else self.value(_whole)

    def lacks(self, field: Field) -> str:
        """Whether a field's value is missing, as it is written."""
        value = self.value(field)
        is_text = self._columns is not None and isinstance(field, str)
        return f"not {value}" if is_text else f"{value} is None or {value} == ''"

    def _cells_of(self, field: Field) -> tuple[str, ...]:
        """The one or two cells that alone decide a field's value; empty if it is not so simple."""
        names = columns_of(field) if self._columns is not None else None
        there = tuple(sorted({n for n in names or () if n in (self._columns or ())}))
        return there if len(there) <= _MOST_CELLS else ()

    def _remember(self, field: Field, name: str, cells: tuple[str, ...]) -> None:
        take = getter(field, self._tables)
        keys = ", ".join(map(self.value, cells))
        memo: Memo[Any, object] = (
            Memo(lambda cell: take({cells[0]: cell}))
            if len(cells) == 1
            else Memo(lambda both: take(dict(zip(cells, both, strict=True))))
        )
        self.write(f"{name} = {self.bind(memo, 'memo')}[{keys}]")

    def _take(self, field: Field, name: str) -> None:
        if field is _whole:
            self.write(f"{name} = {_WHOLE}")
        elif isinstance(field, str):
            self.write(f"{name} = {self._column(field)}")
        elif isinstance(field, tuple):
            self.write(f"{name} = get({self._whole()}, {', '.join(map(repr, field))})")
        elif isinstance(field, Join):
            by = self.key(field.by)
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
            self.write(f"{name} = {self.bind(field, 'function')}({self._whole()})")

    def _column(self, name: str) -> str:
        if self._columns is None:
            return f"at({name!r})"
        return f"row[{self._columns.index(name)}]" if name in self._columns else "None"


@lru_cache(maxsize=512)
def _compiled(source: str) -> CodeType:
    """Imports of the same kind of log share their code, not what it works on."""
    return compile(source, "<a declared format>", "exec")
