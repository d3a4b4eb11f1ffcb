"""`doctor`: everything around a home that can keep it from working, looked at one by one.

Nothing is changed; no learner data is read. Each check gives a name, a verdict and a sentence that
says what to do.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Final, Literal

from api.errors import ApiError
from api.health import LOW_DISK_BYTES
from api.home import KeyFileError
from api.identity import own_member
from api.ledger import read_blocks, read_ledger
from api.reachability import Address, greets, is_free, read_address, serves_us
from api.settings import load_settings
from api.spend_log import read_spend
from api.store.opening import open_store
from api.swarm_health import is_running
from swarm.errors import SwarmError
from swarm.ledger.genesis import read_genesis
from swarm.peer.housekeeping import find_spare, measure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from api.home import Home
    from api.settings import Settings
    from api.store.consent import ReleaseRecord
    from swarm.ledger.rounds import Ledger

Verdict = Literal["ok", "warning", "failure"]
_TIME_ERROR: Final = 5
"""What adjtimex(2) returns while no time service keeps the clock."""
_TIMEX_BYTES: Final = 208
_SLOW_SYNC_SECONDS: Final = 0.5
_PARTS: Final = ("numpy", "cryptography", "libp2p", "opendp")


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at.

    Attributes:
        name: Of the check, such as `clock`.
        verdict: `failure` where something will not work, `warning` where it may not.
        text: What was found, and what to do.
    """

    name: str
    verdict: Verdict
    text: str


def examine(home: Home) -> Iterator[Check]:
    """Look at everything, in an order in which causes come before their effects.

    Args:
        home: A folder with settings; its peer and its server may run or not.
    """
    yield _version()
    yield from _keys(home)
    try:
        settings = load_settings(home)
    except ApiError as error:
        yield Check("settings", "failure", str(error))
        return
    yield Check("settings", "ok", f"platform {settings.platform!r}, sharing {settings.share}")
    for check in (_disk, _clock):
        yield check(home)
    yield _store(home, settings)
    status = home.read_status()
    runs = status is not None and is_running(status)
    serve = Address(settings.serve.host, settings.serve.port)
    yield _port("port of serve", serve, is_ours=serves_us)
    if not home.genesis_path.exists():
        yield Check("swarm", "ok", "not in a swarm")
        return
    listen = read_address(settings.swarm.listen)
    if listen is None:
        text = f"swarm.listen {settings.swarm.listen!r} is no address like /ip4/0.0.0.0/tcp/4001"
        yield Check("port of peer", "failure", text)
    else:
        yield _port("port of peer", listen, is_ours=lambda _: runs)
    yield from _ledger(home)
    yield from _members(home, settings)


def _version() -> Check:
    found = []
    for name in ("murmuration", *_PARTS):
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            found.append(f"{name} missing")
    text = f"Python {sys.version.split()[0]}, {', '.join(found)}"
    if sys.version_info[:2] != (3, 11):
        return Check("version", "warning", f"{text}; tested with Python 3.11")
    return Check("version", "ok", text)


def _keys(home: Home) -> Iterator[Check]:
    bad = 0
    for name in home.key_names:
        try:
            home.read_key(name)
        except KeyFileError as error:
            bad += 1
            yield Check("keys", "failure", str(error))
    if not bad:
        yield Check("keys", "ok", f"{len(home.key_names)} keys, readable by their owner alone")


def _disk(home: Home) -> Check:
    free = shutil.disk_usage(home.path).free
    began = time.monotonic()
    probe = home.path / f".doctor-{os.getpid()}"
    try:
        with probe.open("wb") as file:
            file.write(bytes(4096))
            os.fsync(file.fileno())
    except OSError as error:
        return Check("disk", "failure", f"{home.path} cannot be written: {error.strerror}")
    finally:
        probe.unlink(missing_ok=True)
    seconds = time.monotonic() - began
    text = f"{free / 1e9:,.1f} GB free, a synced write takes {1000 * seconds:.0f} ms"
    if free < LOW_DISK_BYTES:
        return Check("disk", "warning", f"{text}; make room")
    if seconds > _SLOW_SYNC_SECONDS:
        return Check("disk", "warning", f"{text}; every vote waits for one: use a faster disk")
    return Check("disk", "ok", text)


def _clock(home: Home) -> Check:
    now = time.time()
    latest = max((entry.at for entry in _spend(home)), default=0)
    if latest > now + 60:
        moment = datetime.fromtimestamp(latest, UTC).isoformat()
        text = f"the last release was at {moment}, in the future: the clock was set back; set it"
        return Check("clock", "failure", text)
    text = datetime.now(UTC).isoformat(timespec="seconds")
    if _is_unsynchronised():
        return Check(
            "clock", "warning", f"{text}; no time service keeps it: run chrony or the like"
        )
    return Check("clock", "ok", text)


def _spend(home: Home) -> list[ReleaseRecord]:
    try:
        return read_spend(home)
    except ApiError:
        return []  # `_ledger` says so


def _is_unsynchronised() -> bool:
    """Whether the kernel says that nothing keeps its clock; False where it cannot tell."""
    try:
        return bool(
            ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(_TIMEX_BYTES)) == _TIME_ERROR
        )
    except (OSError, AttributeError):
        return False


def _store(home: Home, settings: Settings) -> Check:
    try:
        with open_store(home, settings) as store:  # brings it to this version's step, or refuses
            store.check()
            return Check("store", "ok", f"{store.name}, whole, at this version's step")
    except ApiError as error:
        return Check("store", "failure", str(error))


def _port(name: str, address: Address, *, is_ours: Callable[[Address], bool]) -> Check:
    if not address.port:
        return Check(name, "ok", "any free port")
    if is_free(address):
        return Check(name, "ok", f"{address} is free")
    if is_ours(address):
        return Check(name, "ok", f"{address} is in use by murmuration itself")
    return Check(
        name, "failure", f"{address} is in use by another program; stop it or change settings.toml"
    )


def _ledger(home: Home) -> Iterator[Check]:
    yield _try("ledger", lambda: f"verifies to height {read_ledger(home).height}")
    yield _try("disk use", lambda: _use(home, read_ledger(home)))
    yield _try("spend log", lambda: f"{len(read_spend(home))} releases")
    if read_blocks(home) and not (home.wal_dir / "votes.log").exists():
        text = (
            "there is a ledger and no vote log; start once with murmuration peer --restored (R26)"
        )
        yield Check("vote log", "warning", text)
    if home.restored_path.exists():
        text = "restored from a backup: nothing is released until murmuration swarm reconcile (R3)"
        yield Check("restored", "warning", text)


def _use(home: Home, ledger: Ledger) -> str:
    """What the swarm's files take, and what of it goes when the peer starts next."""
    blobs, models = (measure(home.path / part) / 1e6 for part in ("blobs", "models"))
    spare = find_spare(home.path, ledger)
    return (
        f"contributions {blobs:,.1f} MB, merged models {models:,.1f} MB; nothing needs "
        f"{len(spare.blobs)} contributions and {len(spare.models)} models any more, "
        f"{spare.size / 1e6:,.1f} MB, which go when the peer starts next"
    )


def _try(name: str, look: Callable[[], str]) -> Check:
    try:
        return Check(name, "ok", look())
    except (ApiError, SwarmError) as error:
        return Check(name, "failure", str(error))


def _members(home: Home, settings: Settings) -> Iterator[Check]:
    """Whether each member's peer answers; one that only dials us is connected all the same."""
    status = home.read_status() or {}
    connected = {m["name"] for m in status.get("members", ()) if m["connected"]}
    genesis, _ = read_genesis(home.genesis_path.read_bytes())
    me = own_member(home)
    for member in genesis.members:
        name = f"member {member.name}"
        if member.id == me:
            yield _own_addresses(name, member.addresses)
            continue
        tried = settings.swarm.addresses.get(member.name, member.addresses)
        addresses = [address for text in tried if (address := read_address(text))]
        answering = [str(address) for address in addresses if greets(address)]
        shown = ", ".join(map(str, addresses)) or "no address"
        if answering:
            yield Check(name, "ok", f"answers at {', '.join(answering)}")
        elif member.name in connected:
            yield Check(name, "ok", f"does not answer at {shown}, but has dialled us")
        else:
            text = (
                f"does not answer at {shown}; is it up, and is the port open? One that has moved "
                "can be given in settings.toml: [swarm.addresses]"
            )
            yield Check(name, "warning", text)


def _own_addresses(name: str, addresses: tuple[str, ...]) -> Check:
    found = [address for text in addresses if (address := read_address(text))]
    here = [str(address) for address in found if address.is_local]
    text = f"this platform, announced at {', '.join(map(str, found)) or 'no address'}"
    if found and len(here) == len(found):
        return Check(name, "warning", f"{text}: no other machine can dial that")
    return Check(name, "ok", text)
