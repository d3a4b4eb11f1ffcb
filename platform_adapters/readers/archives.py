"""Members of a zip or tar.gz archive, as streams; nothing is unpacked to a named file.

Refused: names that lead out of the archive, members that are no plain files, archives that
unpack to more than they may (bombs), encrypted and damaged ones. A packed tar is unpacked once
to a file without a name, which the system removes whatever happens to us.
"""

from __future__ import annotations

import gzip
import tarfile
import tempfile
import zipfile
import zlib
from contextlib import contextmanager
from pathlib import PurePosixPath
from typing import IO, TYPE_CHECKING, cast

from platform_adapters.errors import ReadError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MAX_UNPACKED = 16 << 30
"""Most bytes that an archive may unpack to."""

MAX_RATIO = 500
"""Most that an archive may grow by unpacking, once it is larger than `FREE_BYTES`: deflate packs
text some 20 times, and 1,032 times is what it can do at most, with nothing but one byte."""

FREE_BYTES = 64 << 20
"""Unpacked bytes for which the ratio is not looked at."""

MAX_MEMBERS = 200_000

_CHUNK = 1 << 20
_UNREADABLE = (
    zipfile.BadZipFile,
    tarfile.TarError,
    gzip.BadGzipFile,
    zlib.error,
    EOFError,
    NotImplementedError,
    RuntimeError,
)


class Archive:
    """An open archive: names of its members, and their bytes."""

    def __init__(self, path: Path, packed: zipfile.ZipFile | tarfile.TarFile) -> None:
        self._path = path
        self._packed = packed
        self.names = _names(path, packed)

    def has(self, name: str) -> bool:
        """Whether there is a member of this name."""
        return name in self.names

    @contextmanager
    def open(self, name: str) -> Iterator[IO[bytes]]:
        """The bytes of a member.

        Raises:
            ReadError: It is missing, damaged or encrypted.
        """
        real = self.names.get(name)
        if real is None:
            raise ReadError(f"{self._path.name} has no {name}; is it whole, and of this kind?")
        with reading(self._path):
            stream = (
                self._packed.open(real)
                if isinstance(self._packed, zipfile.ZipFile)
                else self._packed.extractfile(real)
            )
            if stream is None:
                raise ReadError(f"{self._path.name}: {name} is not a plain file")
            with stream:
                yield stream


@contextmanager
def open_archive(path: Path) -> Iterator[Archive]:
    """Open a zip or tar.gz archive.

    Raises:
        ReadError: It is neither, is damaged, or asks for what is refused (see above).
    """
    with reading(path), path.open("rb") as raw:
        start = raw.read(4)
        raw.seek(0)
        if start[:2] == b"PK":
            with zipfile.ZipFile(raw) as packed:
                yield Archive(path, packed)
            return
        with tempfile.TemporaryFile() as plain:
            _unpack(path, raw, plain)
            with tarfile.open(fileobj=plain, mode="r:") as packed_tar:
                yield Archive(path, packed_tar)


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn what unpacking can raise into sentences.

    Raises:
        ReadError: In place of any of it.
    """
    try:
        yield
    except _UNREADABLE as error:
        raise ReadError(
            f"{path.name} is not a whole archive (zip or tar.gz), or an encrypted one: {error}. "
            "Copy or export it again"
        ) from error
    except OSError as error:
        raise ReadError(f"{path} cannot be read: {error.strerror or error}") from error


def _unpack(path: Path, raw: IO[bytes], plain: IO[bytes]) -> None:
    """Unpack a gzip, never beyond what it may hold."""
    size = path.stat().st_size
    stream = cast("IO[bytes]", gzip.GzipFile(fileobj=raw))
    written = 0
    while chunk := stream.read(_CHUNK):
        written += len(chunk)
        check_size(path, size, written)
        plain.write(chunk)
    plain.seek(0)


def check_size(path: Path, packed: int, unpacked: int) -> None:
    """Refuse a bomb.

    Raises:
        ReadError: It unpacks to more than an archive may.
    """
    too_dense = unpacked > FREE_BYTES and unpacked > MAX_RATIO * packed
    if unpacked > MAX_UNPACKED or too_dense:
        raise ReadError(
            f"{path.name} unpacks to {unpacked / packed:,.0f} times its size or to more than "
            f"{MAX_UNPACKED >> 30} GiB: refused; leave the files out of the backup"
        )


def _names(path: Path, packed: zipfile.ZipFile | tarfile.TarFile) -> dict[str, str]:
    """The plain files by their normal name, and how the archive calls them."""
    found: dict[str, str] = {}
    unpacked = 0
    if isinstance(packed, zipfile.ZipFile):
        entries = [(i.filename, i.file_size, not i.is_dir()) for i in packed.infolist()]
    else:
        entries = [(m.name, m.size, m.isfile()) for m in packed]
    for name, size, plain in entries:
        pure = PurePosixPath(name.replace("\\", "/"))
        if pure.is_absolute() or ".." in pure.parts or ":" in pure.parts[:1]:
            raise ReadError(f"{path.name} holds a name that leads out of the archive: refused")
        unpacked += size
        if plain:
            found[str(pure)] = name
    if len(entries) > MAX_MEMBERS:
        raise ReadError(f"{path.name} holds more than {MAX_MEMBERS:,} files: refused")
    check_size(path, max(1, path.stat().st_size), unpacked)
    return found
