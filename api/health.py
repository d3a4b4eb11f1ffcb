"""What a home holds, and whether it is well: for `status` and `doctor`."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from api.errors import ApiError
from api.home import KeyFileError
from api.serving import serving_problem
from api.settings import load_settings
from api.store.imports import DONE
from api.store.opening import open_store

if TYPE_CHECKING:
    from pathlib import Path

    from api.home import Home

LOW_DISK_BYTES = 500_000_000


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something that needs attention.

    Attributes:
        text: What, and what to do.
        fatal: Whether the home cannot be used before it is mended.
    """

    text: str
    fatal: bool = False


def check_home(home: Home) -> list[Trouble]:
    """Everything about a home that needs attention, worst first.

    Args:
        home: A folder with settings.
    """
    troubles: list[Trouble] = []
    for name in home.key_names:
        try:
            home.read_key(name)
        except KeyFileError as error:
            troubles.append(Trouble(str(error), fatal=True))
    try:
        settings = load_settings(home)
        with open_store(home, settings) as store:
            store.check()
            troubles += [
                Trouble(
                    f"the import of {row.path} is under way or was stopped; "
                    "if it is not under way, run it again to finish it"
                )
                for row in store.latest_imports()
                if row.state != DONE and row.stored
            ]
            if not store.counts()["catalogue"]:
                troubles.append(
                    Trouble("the catalogue is empty; run `murmuration catalogue import`")
                )
    except ApiError as error:
        troubles.append(Trouble(str(error), fatal=True))
    if home.restored_path.exists():
        troubles.append(
            Trouble(
                "this home was restored from a backup: nothing is released until "
                "`murmuration swarm reconcile` has been run (R3)"
            )
        )
    troubles += _model_troubles(home)
    free = shutil.disk_usage(home.path).free
    if free < LOW_DISK_BYTES:
        troubles.append(Trouble(f"only {free / 1e6:,.0f} MB are free on this disk; make room"))
    return sorted(troubles, key=lambda trouble: not trouble.fatal)


def _model_troubles(home: Home) -> list[Trouble]:
    if not home.serving_path.exists():
        return [Trouble("there is no model to serve yet; run `murmuration train`")]
    problem = serving_problem(home)
    return [Trouble(problem)] if problem else []


def describe_home(home: Home) -> dict[str, Any]:
    """What a home holds, by name, for people and for JSON.

    Raises:
        ApiError: Settings or store cannot be used.
    """
    settings = load_settings(home)
    with open_store(home, settings) as store:
        counts = store.counts()
        imports = store.latest_imports(limit=1)
        facts: dict[str, Any] = {
            "platform": settings.platform,
            "recommend": settings.recommend,
            "share": settings.share,
            "store": store.name,
            "learners": counts["learners"],
            "interactions": counts["interactions"],
            "catalogue": counts["catalogue"],
            "released": counts["released"],
            "releases": len(store.releases()),
            "revision": store.revision(),
        }
    facts["last import"] = (
        f"{imports[0].path} ({imports[0].state}, {_moment(imports[0].started_at)})"
        if imports
        else "none"
    )
    facts["serving"] = _pointer(home.serving_path)
    facts["head"] = _pointer(home.head_path)
    facts["swarm"] = _swarm(home)
    return facts


def _moment(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, tz=UTC).strftime("%Y-%m-%d %H:%M UTC")


def _read_json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _pointer(path: Path) -> str:
    found = _read_json(path)
    if not found:
        return "none"
    digest = str(found.get("digest", ""))[:12]
    return f"{digest}… round {found.get('round')} since {found.get('moved_at')}"


def _swarm(home: Home) -> str:
    found = _read_json(home.status_path)
    if not found:
        return "not joined" if not home.genesis_path.exists() else "joined; the peer has not run"
    members = found.get("members", [])
    connected = sum(bool(member.get("connected")) for member in members)
    return (
        f"{found.get('state')} at height {found.get('height')}, "
        f"{connected} of {len(members)} members connected, as of {found.get('updated_at')}"
    )
