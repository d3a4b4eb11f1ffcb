"""Files that are either there whole or not there at all.

- A file is replaced by writing beside it, fsync, rename, fsync of the folder.
- Every error of the disk becomes a `StorageError` that names the file and the way out.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from swarm.errors import StorageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_REMEDIES = {
    errno.ENOSPC: "the disk is full: free some space and start again; nothing stored was lost",
    errno.EDQUOT: "the disk quota is used up: raise it and start again; nothing stored was lost",
    errno.EROFS: "the file system is read-only: mount it writable and start again",
    errno.EACCES: "access is denied: give this user the right to read and write there",
    errno.EPERM: "access is denied: give this user the right to read and write there",
    errno.EIO: "the disk reports a fault: check it, and restore the home from a backup",
    errno.ENOENT: "it does not exist: check the path, or restore it from a backup",
    errno.ENOTDIR: "a part of the path is a file, not a folder: check the path",
    errno.EEXIST: "a file is where a folder should be: move it away",
    errno.EISDIR: "it is a folder, a file was expected: move it away",
}


@contextlib.contextmanager
def disk(action: str, path: Path) -> Iterator[None]:
    """Turn the disk's errors within the block into `StorageError`.

    Args:
        action: What is being done, such as `write`.
        path: The file it is done to.

    Raises:
        StorageError: The operating system reported an error.
    """
    try:
        yield
    except OSError as error:
        remedy = _REMEDIES.get(error.errno or 0, "check the disk and start again")
        raise StorageError(
            f"cannot {action} {path}: {error.strerror or error}; {remedy}"
        ) from error


def sync_folder(folder: Path) -> None:
    """Make renames and new names within `folder` durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def atomic_write(path: Path, data: bytes, *, durable: bool = True, mode: int = 0o644) -> None:
    """Replace a file whole: readers see the old bytes or the new, also after a power cut.

    Args:
        path: File to replace; its folder must exist.
        data: New content.
        durable: Whether to fsync before and after the rename.
        mode: Permissions of the new file, in force before the first byte is written.

    Raises:
        OSError: The disk refused; the old file is untouched.
    """
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".new", dir=path.parent)
    beside = path.with_name(Path(name).name)
    try:
        with os.fdopen(handle, "wb") as file:
            os.fchmod(file.fileno(), mode)
            file.write(data)
            file.flush()
            if durable:
                os.fsync(file.fileno())
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
    if durable:
        sync_folder(path.parent)


def write_atomically(path: Path, data: bytes, *, durable: bool = True, mode: int = 0o600) -> None:
    """Replace the file at `path` by `data`; readers see the old bytes or the new ones.

    Args:
        path: File; its folder is made if it is missing.
        data: The new bytes.
        durable: Whether to fsync before and after the rename.
        mode: Permission bits of the file.

    Raises:
        StorageError: The disk refused; the old file, if any, is unharmed.
    """
    with disk("write", path):
        path.parent.mkdir(parents=True, exist_ok=True)
        atomic_write(path, data, durable=durable, mode=mode)


def json_bytes(value: Mapping[str, Any]) -> bytes:
    """JSON with sorted keys, so that equal values give equal bytes."""
    return json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False).encode() + b"\n"


def write_json(path: Path, value: Mapping[str, Any], *, durable: bool = True) -> None:
    """Replace a JSON file atomically."""
    write_atomically(path, json_bytes(value), durable=durable, mode=0o644)


def read_json(path: Path) -> dict[str, Any] | None:
    """Read a JSON object.

    Returns:
        The object, or None where there is no such file.

    Raises:
        StorageError: The file cannot be read or holds something else.
    """
    try:
        with disk("read", path):
            text = path.read_bytes()
    except StorageError as error:
        if isinstance(error.__cause__, FileNotFoundError):
            return None
        raise
    try:
        value = json.loads(text)
    except ValueError as error:
        raise StorageError(
            f"{path} is not JSON ({error}): restore it from a backup, or delete it and restart"
        ) from error
    if not isinstance(value, dict):
        raise StorageError(f"{path} holds no JSON object: restore it from a backup or delete it")
    return value
