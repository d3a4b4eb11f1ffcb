"""Elements of an XML document one by one, in bounded memory; document types are refused.

Without a document type there are no entities but the five of XML itself: neither bombs of
entities nor references to files or addresses can be written.
"""

from __future__ import annotations

from typing import IO, TYPE_CHECKING
from xml.parsers import expat

from platform_adapters.errors import ReadError

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_DEPTH = 200
MAX_TEXT = 4 << 20
"""Most characters kept of an element; the rest, embedded files as a rule, is dropped."""

MAX_INSIDE = 2_000_000
"""Most elements inside one wanted element: more are no export but an attack on memory."""

_CHUNK = 1 << 16


Around = tuple[tuple[str, dict[str, str]], ...]


class Element:
    """An element with its attributes, its text and the elements in it, by local names.

    `around` holds the elements around it, outermost first: their names and attributes.
    """

    __slots__ = ("around", "attributes", "children", "name", "size", "text")

    def __init__(self, name: str, attributes: dict[str, str], around: Around) -> None:
        self.name = name
        self.attributes = attributes
        self.around = around
        self.text = ""
        self.size = 0
        self.children: list[Element] = []

    def get(self, name: str) -> str:
        """Text of the first child of this name, without surrounding space; empty if none."""
        return next((c.text.strip() for c in self.children if c.name == name), "")

    def find(self, *path: str) -> Element | None:
        """The first element at the end of a path of names."""
        here: Element | None = self
        for name in path:
            here = next((c for c in here.children if c.name == name), None) if here else None
        return here


def read_elements(stream: IO[bytes], wanted: frozenset[str], where: str) -> Iterator[Element]:
    """Elements of these names, each once it has ended; an element inside another is part of it.

    Args:
        stream: The document.
        wanted: Local names.
        where: What the document is called in messages.

    Raises:
        ReadError: It is not well-formed XML, has a document type, or is nested too deep.
    """
    builder = _Builder(wanted, where)
    while True:
        chunk = stream.read(_CHUNK)
        try:
            builder.parser.Parse(chunk, not chunk)
        except expat.ExpatError as error:
            raise ReadError(f"{where} is not well-formed XML: {error}; export it again") from error
        yield from builder.done
        builder.done.clear()
        if not chunk:
            return


class _Builder:
    """Builds the wanted elements, and nothing of the others but their names."""

    def __init__(self, wanted: frozenset[str], where: str) -> None:
        self._wanted = wanted
        self._where = where
        self._around: list[tuple[str, dict[str, str]]] = []
        self._open: list[Element] = []
        self._inside = 0
        self.done: list[Element] = []
        self.parser = expat.ParserCreate()
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._text
        self.parser.StartDoctypeDeclHandler = self._refuse

    def _refuse(self, *_: object) -> None:
        raise ReadError(
            f"{self._where} has a document type (<!DOCTYPE ...>), in which entities could stand: "
            "refused"
        )

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        local = name.rpartition(":")[2]
        named = {key.rpartition(":")[2]: value for key, value in attributes.items()}
        if self._open or local in self._wanted:
            element = Element(local, named, () if self._open else tuple(self._around))
            if self._open:
                self._open[-1].children.append(element)
            self._inside = self._inside + 1 if self._open else 0
            self._open.append(element)
        self._around.append((local, named))
        if len(self._around) > MAX_DEPTH or self._inside > MAX_INSIDE:
            raise ReadError(
                f"{self._where} is nested more than {MAX_DEPTH} deep or has more than "
                f"{MAX_INSIDE:,} elements in one: refused"
            )

    def _end(self, _name: str) -> None:
        self._around.pop()
        if self._open:
            element = self._open.pop()
            if not self._open:
                self.done.append(element)

    def _text(self, text: str) -> None:
        if self._open:
            element = self._open[-1]
            element.size += len(text)
            if element.size <= MAX_TEXT:
                element.text += text
