"""The merged model on disk, and the pointer that says which one counts.

`models/<digest>/model.safetensors` holds the int64 arrays `sum` and `rest`, and of a network also
`parameters`; `card.json` says in words what they are. All are functions of ledger data, so they are
the same bytes at every member.
"""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from safetensors.numpy import load, save

from swarm.errors import StorageError
from swarm.storage.files import (
    disk,
    json_bytes,
    read_json,
    sync_folder,
    write_atomically,
    write_json,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray


def save_model(
    models: Path,
    digest: bytes,
    arrays: Mapping[str, NDArray[np.int64]],
    card: Mapping[str, Any],
) -> Path:
    """Store a merged model; storing it again changes nothing, or heals what was damaged.

    Args:
        models: `HOME/models`.
        digest: Digest of the arrays; names the folder.
        arrays: By name; int64, all of one length.
        card: A function of ledger data.

    Returns:
        The model's folder.

    Raises:
        StorageError: The disk refused; no half-written folder has the model's name.
    """
    folder = models / digest.hex()
    ordered = {name: arrays[name] for name in sorted(arrays)}
    files = {"model.safetensors": save(ordered), "card.json": json_bytes(card)}
    if all(_holds(folder / name, data) for name, data in files.items()):
        return folder
    if folder.exists():  # file by file: whoever serves from it finds each at any time
        for name, data in files.items():
            write_atomically(folder / name, data, mode=0o644)
        return folder
    beside = models / f".{digest.hex()}.new"
    with disk("write", folder):
        models.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(beside, ignore_errors=True)
        beside.mkdir()
    for name, data in files.items():
        write_atomically(beside / name, data, mode=0o644)
    with disk("write", folder):
        beside.rename(folder)
        sync_folder(models)
    return folder


def _holds(path: Path, data: bytes) -> bool:
    with disk("read", path):
        return path.exists() and path.stat().st_size == len(data) and path.read_bytes() == data


def load_model(
    models: Path, digest: bytes, names: tuple[str, ...] = ("rest", "sum")
) -> dict[str, NDArray[np.int64]]:
    """Read a merged model's arrays; the caller proves them against the digest.

    Args:
        models: `HOME/models`.
        digest: Names the folder.
        names: The arrays that it must hold, sorted.

    Raises:
        StorageError: The file is missing, damaged, or holds other arrays.
    """
    path = models / digest.hex() / "model.safetensors"
    with disk("read", path):
        data = path.read_bytes()
    try:
        arrays = load(data)
    except Exception as error:  # safetensors raises its own, undocumented type
        raise StorageError(
            f"{path} is damaged ({error}): delete its folder, the peer writes it again"
        ) from error
    if sorted(arrays) != list(names):
        raise StorageError(
            f"{path} holds {sorted(arrays)}, expected {' and '.join(names)}: delete its folder"
        )
    return arrays


def move_pointer(path: Path, *, digest: bytes, round_number: int, height: int) -> None:
    """Replace a pointer file such as `HOME/HEAD`.

    Args:
        path: The pointer file.
        digest: Digest of the model it now names.
        round_number: Round that made the model.
        height: Block height at which it became final.

    Raises:
        StorageError: The disk refused; the old pointer stands.
    """
    now = datetime.now(UTC).isoformat(timespec="seconds")
    write_json(
        path,
        {"digest": digest.hex(), "round": round_number, "height": height, "moved_at": now},
    )


def read_pointer(path: Path) -> dict[str, Any] | None:
    """Read a pointer file; None where there is none yet.

    Raises:
        StorageError: It is damaged.
    """
    pointer = read_json(path)
    if pointer is not None and not {"digest", "round", "height", "moved_at"} <= set(pointer):
        raise StorageError(
            f"{path} lacks one of digest, round, height, moved_at: delete it and restart the peer"
        )
    return pointer
