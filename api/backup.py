"""Backups of a home: one tar file with its checksums, and what must not come back by itself.

- In it: settings, keys, store, spend log, ledger, own contributions (they are sent again byte for
  byte, R13), the merged model.
- Not in it: the vote log (a peer that votes from an old one could vote twice, R26), and what is
  fitted from exact data (R5); `murmuration train` makes that again.
- A restored home releases nothing until its spend log has been reconciled with the ledger (R3):
  a mark is written before the first byte of anything else.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import tarfile
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from api.home import PSEUDONYM_KEY, Home, HomeError
from api.locks import home_lock
from swarm.storage.files import atomic_write, sync_folder

if TYPE_CHECKING:
    from collections.abc import Iterator

    from api.settings import Settings
    from api.store.store import Store

FORMAT = "murmuration backup 1"
_INDEX = "backup.json"
_STORE = "store.sqlite"
_SETTINGS = "settings.toml"
_MAX_INDEX_BYTES = 1 << 24
_NAME = re.compile(
    r"settings\.toml|HEAD|spend\.jsonl|store\.sqlite|keys/[a-z]+\.key|ledger/[a-z]+\.[a-z]+"
    r"|ledger/blocks/[0-9a-z._-]+|rounds/[0-9]+/[a-z]+\.(?:bin|json)"
    r"|models/[0-9a-f]+/(?:model\.safetensors|card\.json)"
)


class BackupError(HomeError):
    """A file that is no backup, or a damaged one; nothing was restored from it."""


def back_up(home: Home, settings: Settings, store: Store, out: Path) -> bool:
    """Write a backup, readable by its owner alone.

    Args:
        home: The home; it may be in use.
        settings: Its settings.
        store: Its store.
        out: File to write.

    Returns:
        Whether the store is in it; a database server's must be backed up by its own tool.

    Raises:
        KeyFileError: A key is missing, or pseudonyms are being changed.
        OSError: A file cannot be read or written.
    """
    with (
        home_lock(home, "keys", alone=False),
        home_lock(home, "release", alone=True),
        tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}.") as beside,
    ):
        home.require()
        files = dict(_files(home))
        has_store = not settings.database_url
        if has_store:
            store.copy_to(Path(beside) / _STORE)
            files[_STORE] = Path(beside) / _STORE
        packed = Path(beside) / "backup.tar"
        _pack(files, packed)
        packed.replace(out)
    sync_folder(out.parent)
    return has_store


def _files(home: Home) -> Iterator[tuple[str, Path]]:
    folders = ["keys", "ledger", "rounds"]
    if home.head_path.exists():
        folders.append(f"models/{json.loads(home.head_path.read_bytes())['digest']}")
    single = [home.settings_path, home.head_path, home.spend_path]
    inside = [path for folder in folders for path in sorted((home.path / folder).rglob("*"))]
    for path in (*single, *inside):
        name = path.relative_to(home.path).as_posix()
        if path.is_file() and _NAME.fullmatch(name):
            yield name, path


def _pack(files: dict[str, Path], out: Path) -> None:
    index = {
        "format": FORMAT,
        "made_at": int(time.time()),
        "files": {name: _digest(path) for name, path in files.items()},
    }
    handle = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as raw:
        with tarfile.open(fileobj=raw, mode="w", format=tarfile.PAX_FORMAT) as archive:
            first = json.dumps(index, indent=1).encode()
            entry = tarfile.TarInfo(_INDEX)
            entry.size, entry.mode = len(first), 0o600
            archive.addfile(entry, io.BytesIO(first))
            for name, path in files.items():
                archive.add(path, name, recursive=False)
        raw.flush()
        os.fsync(raw.fileno())


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def restore(file: Path, home: Home) -> None:
    """Make a home from a backup; it releases nothing until it has been reconciled (R3).

    Args:
        file: The backup.
        home: Where; the folder must be empty or missing.

    Raises:
        BackupError: The file is no backup or is damaged; the folder is no home then.
        HomeError: The folder holds something.
    """
    if home.path.exists() and any(home.path.iterdir()):
        raise HomeError(f"{home.path} is not empty; restore into a new folder, then swap the two")
    try:
        with tarfile.open(file, "r:") as archive:
            index = _read_index(archive, file)
            home.make_folders()
            marker = {"restored_at": time.time(), "made_at": index["made_at"]}
            atomic_write(home.restored_path, json.dumps(marker).encode(), mode=0o600)
            atomic_write(home.votes_lost_path, b"", mode=0o600)
            settings = _unpack(archive, index["files"], home, file)
    except (tarfile.TarError, EOFError) as error:
        raise BackupError(f"{file}: not a backup, or a damaged one ({error})") from error
    atomic_write(home.settings_path, settings, mode=0o600)  # last: it makes the folder a home


def _read_index(archive: tarfile.TarFile, file: Path) -> dict[str, Any]:
    entry = archive.next()
    if entry is None or entry.name != _INDEX or not entry.isfile() or entry.size > _MAX_INDEX_BYTES:
        raise BackupError(f"{file}: not a backup that `murmuration backup` made")
    try:
        index: dict[str, Any] = json.loads(_content(archive, entry))
        known = index["format"] == FORMAT and isinstance(index["made_at"], int)
        names = set(index["files"])
    except (ValueError, KeyError, TypeError):
        known, names = False, set()
    if not known or not {_SETTINGS, f"keys/{PSEUDONYM_KEY}"} <= names:
        raise BackupError(f"{file}: its list of files is damaged, or of another version")
    return index


def _unpack(archive: tarfile.TarFile, files: dict[str, str], home: Home, file: Path) -> bytes:
    left, settings = dict(files), b""
    while (entry := archive.next()) is not None:
        expected = left.pop(entry.name, None)
        if expected is None or not entry.isfile() or not _NAME.fullmatch(entry.name):
            raise BackupError(f"{file}: {entry.name!r} does not belong into a backup")
        data = _content(archive, entry)
        if hashlib.sha256(data).hexdigest() != expected:
            raise BackupError(f"{file}: {entry.name} is damaged; use another backup")
        if entry.name == _SETTINGS:
            settings = data
            continue
        path = home.path / entry.name
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        atomic_write(path, data, mode=0o600)
    if left:
        raise BackupError(f"{file}: it ends early; {min(left)} is missing")
    return settings


def _content(archive: tarfile.TarFile, entry: tarfile.TarInfo) -> bytes:
    opened = archive.extractfile(entry)
    return b"" if opened is None else opened.read()
