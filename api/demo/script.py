"""The demo, step by step: every step is a command that an operator would type."""

from __future__ import annotations

import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from api.demo.children import Children, DemoError, free_ports, wait_until
from api.demo.sample import Platform, platforms, shared_catalogue
from api.home import Home
from api.security.keys import create_key
from api.security.sign_in import create_sign_in_link
from api.store.opening import open_store
from api.swarm_status import SwarmFiles, SwarmStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

MARKER = "made-by-murmuration-demo"
CLOSE_AFTER_SECONDS = 30
VICTIM = "Cedar"
_AWAY_SECONDS = 2.0


@dataclass(slots=True)
class Stage:
    """The running demo.

    Attributes:
        folder: Holds the four homes and the logs.
        say: Prints a line.
        children: The processes.
        homes: By platform name.
        peer_ports: By platform name.
        serve_ports: By platform name.
        recovery_seconds: From the kill to the finished round.
    """

    folder: Path
    say: Callable[[str], None]
    children: Children
    homes: dict[str, Home] = field(default_factory=dict)
    peer_ports: dict[str, int] = field(default_factory=dict)
    serve_ports: dict[str, int] = field(default_factory=dict)
    recovery_seconds: float = 0.0

    @property
    def founding(self) -> Path:
        """The founding file that everybody signs."""
        return self.folder / "swarm.founding"

    def status(self, name: str) -> SwarmStatus:
        """What a platform's peer last said."""
        return SwarmFiles(self.homes[name]).status().value or SwarmStatus()

    def heads(self) -> set[str]:
        """Digests of all merged models; one when all agree, with an empty one if any is missing."""
        return {head.digest if (head := self.status(name).head) else "" for name in self.homes}


@contextmanager
def open_stage(folder: Path, say: Callable[[str], None]) -> Iterator[Stage]:
    """A fresh folder and, on leaving, no child left.

    Raises:
        DemoError: The folder holds something that no demo made.
    """
    if folder.exists() and any(folder.iterdir()) and not (folder / MARKER).exists():
        raise DemoError(f"{folder} is not empty and was not made by a demo; choose another folder")
    shutil.rmtree(folder, ignore_errors=True)
    logs = folder / "logs"
    logs.mkdir(parents=True)
    (folder / MARKER).touch()
    stage = Stage(folder, say, Children(logs))
    members = platforms()
    ports = free_ports(2 * len(members))
    for place, platform in enumerate(members):
        stage.homes[platform.name] = Home(folder / platform.key)
        stage.peer_ports[platform.name] = ports[place]
        stage.serve_ports[platform.name] = ports[len(members) + place]
    try:
        yield stage
    finally:
        stage.children.stop_all()


def import_logs(stage: Stage) -> None:
    """Each platform makes its home, reads its own log and trains on it."""
    largest_first = sorted(platforms(), key=lambda platform: -platform.learners)
    with ThreadPoolExecutor(max_workers=2) as pool:
        for platform, seconds in pool.map(lambda each: _import_one(stage, each), largest_first):
            stage.say(f"  {platform.name:<8} {platform.adapter:<8} imported in {seconds:4.1f} s")


def _import_one(stage: Stage, platform: Platform) -> tuple[Platform, float]:
    began = time.monotonic()
    home, run = stage.homes[platform.name], stage.children.run
    name = f"{platform.key}-import"
    run(
        name, home, "init", "--platform", platform.name, "--share", "opt-out",
        "--recommend", "courses",
    )  # fmt: skip
    run(name, home, "catalogue", "import", str(platform.catalogue), "--adapter", platform.adapter)
    run(name, home, "ingest", platform.adapter, *map(str, platform.logs))
    run(name, home, "train")
    address = f"/ip4/127.0.0.1/tcp/{stage.peer_ports[platform.name]}"
    request = str(stage.folder / f"{platform.key}.request")
    run(
        name, home, "swarm", "request", "--address", address, "--bracket", platform.bracket,
        "--out", request,
    )  # fmt: skip
    return platform, time.monotonic() - began


def found_swarm(stage: Stage) -> None:
    """One founder puts the requests together, everybody signs, everybody joins."""
    requests = [str(stage.folder / f"{platform.key}.request") for platform in platforms()]
    first, *_ = stage.homes.values()
    founding = str(stage.founding)
    stage.children.run(
        "founding", first, "swarm", "create", *requests, "--catalogue", str(shared_catalogue()),
        "--recommend", "courses", "--name", "demo", "--out", founding,
    )  # fmt: skip
    for home in stage.homes.values():
        stage.children.run("founding", home, "swarm", "sign", founding)
    for home in stage.homes.values():
        stage.children.run("founding", home, "swarm", "join", founding)


def start_peers(stage: Stage) -> None:
    """Four peers, connected each to each."""
    for name in stage.homes:
        _start_peer(stage, name)

    def all_connected() -> bool:
        seen = [stage.status(name).members for name in stage.homes]
        return all(members and all(m.connected for m in members) for members in seen)

    wait_until(all_connected, stage.children, "connecting four peers", 60)


def _start_peer(stage: Stage, name: str) -> None:
    listen = f"/ip4/127.0.0.1/tcp/{stage.peer_ports[name]}"
    stage.children.start(f"{name.lower()}-peer", stage.homes[name], "peer", "--listen", listen)


def run_round(stage: Stage) -> None:
    """A round in which one member is killed and comes back."""
    opener = next(name for name in stage.homes if name != VICTIM)
    stage.children.run(
        "round", stage.homes[opener], "swarm", "round", "--close-after", str(CLOSE_AFTER_SECONDS)
    )
    wait_until(lambda: bool(stage.status(VICTIM).rounds), stage.children, "opening the round", 30)
    began = time.monotonic()
    stage.children.kill(f"{VICTIM.lower()}-peer")
    stage.say(f"  {VICTIM}'s peer was killed in the middle of the round")
    time.sleep(_AWAY_SECONDS)
    _start_peer(stage, VICTIM)
    stage.say(f"  {VICTIM}'s peer was started again {_AWAY_SECONDS:.0f} s later")
    seconds = CLOSE_AFTER_SECONDS + 60
    wait_until(
        lambda: len(stage.heads()) == 1 and "" not in stage.heads(),
        stage.children,
        "agreeing on one merged model",
        seconds,
    )
    stage.recovery_seconds = time.monotonic() - began
    decided = next(entry for entry in stage.status(opener).rounds if entry.outcome == "merged")
    stage.say(f"  round {decided.round} merged: {', '.join(decided.inside)}")
    for missing in decided.out:
        stage.say(f"  without {missing.member}: {missing.reason}")
    stage.say(
        f"  all four hold model {next(iter(stage.heads()))[:16]}…, "
        f"{stage.recovery_seconds:.0f} s after the kill"
    )


def start_serving(stage: Stage) -> None:
    """Wait until each platform serves the merged model, then open its API and pages."""
    for name, home in stage.homes.items():
        wait_until(lambda h=home: _serves_a_merge(h), stage.children, f"{name}'s fit", 120)  # type: ignore[misc]
        port = str(stage.serve_ports[name])
        stage.children.start(f"{name.lower()}-serve", home, "serve", "--port", port)


def _serves_a_merge(home: Home) -> bool:
    return b'"round": 0' not in home.serving_path.read_bytes()


@dataclass(frozen=True, slots=True)
class Access:
    """How to reach one platform.

    Attributes:
        url: Its API and pages.
        key: An API key with every scope that the demo needs.
        sign_in: A one-time address of the path page.
    """

    url: str
    key: str
    sign_in: str


def grant_access(stage: Stage, name: str) -> Access:
    """A key and a sign-in link for one platform."""
    url = f"http://127.0.0.1:{stage.serve_ports[name]}"
    with open_store(stage.homes[name]) as store:
        key = create_key(store, ["paths:read", "design", "operate"], name="demo")
        token = create_sign_in_link(store, "both", minutes=24 * 60 - 1)
    return Access(url, key, f"{url}/ui/sign-in?token={token}")


def records(stage: Stage, epsilon: float) -> list[dict[str, object]]:
    """One record a platform, as the demo's JSON gives them."""
    found: list[dict[str, object]] = []
    for name, home in stage.homes.items():
        with open_store(home) as store:
            counts = store.counts()
        head = stage.status(name).head
        found.append(
            {
                "platform": name,
                "home": str(home.path),
                "url": f"http://127.0.0.1:{stage.serve_ports[name]}",
                "learners": counts["learners"],
                "events": counts["interactions"],
                "digest": head.digest if head else None,
                "round": head.round if head else None,
                "epsilon": epsilon,
                "killed": name == VICTIM,
                "at": datetime.now(UTC).isoformat(timespec="seconds"),
            }
        )
    return found
