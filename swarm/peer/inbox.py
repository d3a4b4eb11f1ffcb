"""Requests of an operator: small JSON files that commands drop into `HOME/inbox`.

A request is taken by the running peer, given to the core, and only then removed, so that a crash
in between repeats it; the core refuses a round while one is under way. A file that is no request
is moved aside as `NAME.rejected`.
"""

from __future__ import annotations

import json
import secrets
from typing import TYPE_CHECKING, Any

from swarm.errors import StorageError
from swarm.events import ChangeRequested, RoundRequested
from swarm.storage.files import disk, write_json

if TYPE_CHECKING:
    from pathlib import Path

    from swarm.protocol import Signatures

SCHEMA = "murmuration.round-request/1"
CHANGE_SCHEMA = "murmuration.change-request/1"
MAX_REQUEST_BYTES = 128 * 1024
_FIELDS = {"schema": str, "kind": str, "as_of": str, "close_after_seconds": int}


def drop_request(inbox: Path, *, kind: str, as_of: str, close_after_seconds: int) -> Path:
    """Ask the peer of this home for a round.

    Args:
        inbox: `HOME/inbox`.
        kind: Kind of round, such as `statistics`.
        as_of: ISO date up to which learners' events count.
        close_after_seconds: How long members may take to contribute.

    Returns:
        The file; it disappears when the peer has taken it.

    Raises:
        StorageError: The disk refused.
    """
    path = inbox / f"round-{secrets.token_hex(8)}.json"
    write_json(
        path,
        {
            "schema": SCHEMA,
            "kind": kind,
            "as_of": as_of,
            "close_after_seconds": close_after_seconds,
        },
    )
    return path


def drop_change(inbox: Path, change: bytes, approvals: Signatures) -> Path:
    """Hand a change of the members, approved by those who must, to the peer of this home (R27).

    Args:
        inbox: `HOME/inbox`.
        change: What was approved.
        approvals: Member and signature.

    Returns:
        The file; it disappears when the peer has taken it.

    Raises:
        StorageError: The disk refused.
    """
    path = inbox / f"change-{secrets.token_hex(8)}.json"
    signatures = [[member, signature.hex()] for member, signature in approvals]
    write_json(path, {"schema": CHANGE_SCHEMA, "change": change.hex(), "approvals": signatures})
    return path


def waiting(inbox: Path) -> list[Path]:
    """Request files, oldest first by name.

    Raises:
        StorageError: The folder cannot be read.
    """
    if not inbox.is_dir():
        return []
    with disk("read", inbox):
        return sorted(inbox.glob("*.json"))


def read_request(path: Path) -> RoundRequested | ChangeRequested:
    """Read one request.

    Raises:
        StorageError: It is no request; the message says what is wrong.
    """
    with disk("read", path), path.open("rb") as file:
        data = file.read(MAX_REQUEST_BYTES + 1)
    expected = f"expected a JSON object with {', '.join(_FIELDS)}; use `murmuration swarm round`"
    try:
        value = json.loads(data)
    except ValueError as error:
        raise StorageError(f"{path} is not JSON ({error}): {expected}") from error
    if isinstance(value, dict) and value.get("schema") == CHANGE_SCHEMA:
        return _read_change(path, value)
    if not isinstance(value, dict) or value.get("schema") != SCHEMA:
        raise StorageError(f"{path} is no {SCHEMA}: {expected}")
    for field, kind in _FIELDS.items():
        if type(value.get(field)) is not kind:
            raise StorageError(f"{path}: `{field}` is {value.get(field)!r}: {expected}")
    return RoundRequested(value["kind"], value["as_of"], value["close_after_seconds"])


def _read_change(path: Path, value: dict[str, Any]) -> ChangeRequested:
    try:
        approvals = sorted((str(who), bytes.fromhex(said)) for who, said in value["approvals"])
        return ChangeRequested(bytes.fromhex(value["change"]), tuple(approvals))
    except (KeyError, TypeError, ValueError) as error:
        raise StorageError(
            f"{path} is no change of the members; use `murmuration swarm sign`"
        ) from error


def remove(path: Path) -> None:
    """Remove a request that was taken; a missing one is fine.

    Raises:
        StorageError: The disk refused.
    """
    with disk("delete", path):
        path.unlink(missing_ok=True)


def reject(path: Path) -> None:
    """Move a file aside that is no request.

    Raises:
        StorageError: The disk refused.
    """
    with disk("move", path):
        path.rename(path.with_name(path.name + ".rejected"))
