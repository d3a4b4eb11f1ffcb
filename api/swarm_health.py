"""What is wrong with this platform's part of the swarm, by name, and what to do about it.

Everything comes from `status.json`, `promotion.json`, the disk and the time, and from the store
only which rises a designer has agreed to: no learner data (R21). Each name has an entry in
docs/guides/bad-days.md.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, Literal

from api.health import LOW_DISK_BYTES
from api.promotion_report import read_report

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from api.home import Home

STALE_SECONDS: Final = 30.0
SLOW_SECONDS: Final = 10.0
"""A dead leader costs less: whatever takes longer has another cause."""
NEWS: Final = timedelta(days=14)
"""How long a rise is warned of."""
_ROUND_GRACE_SECONDS: Final = 180.0

Level = Literal["warning", "critical"]


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is wrong.

    Attributes:
        name: For monitoring, such as `no-quorum`.
        level: `critical` if nothing can be decided here before it is mended.
        text: What it is and what to do, one sentence.
    """

    name: str
    level: Level
    text: str


NAMES: Final = (
    *("peer-stopped", "no-quorum", "merge-differs", "member-lies", "member-away", "behind"),
    *("restored-disk", "refused", "round-overdue", "round-void", "left-out", "slow-decisions"),
    *("disk-low", "peer-error", "item-rose", "bracket-doubted"),
)
"""Every name that `examine` gives."""


def is_running(status: Mapping[str, Any], now: datetime | None = None) -> bool:
    """Whether the peer that wrote a status still lives and still writes."""
    age = (now or datetime.now(UTC)) - datetime.fromisoformat(status["updated_at"])
    try:
        os.kill(int(status["pid"]), 0)
    except (OSError, ValueError):
        return False
    return age.total_seconds() < STALE_SECONDS


def examine(
    home: Home,
    status: Mapping[str, Any],
    now: datetime | None = None,
    agreed: Collection[str] = (),
) -> list[Finding]:
    """Everything that needs attention, worst first.

    Args:
        home: The home, for its disk.
        status: What its peer last said.
        now: The time; the present if not given.
        agreed: Items that rose and that a designer has agreed to (`agreed_rises`).
    """
    now = now or datetime.now(UTC)
    found = [*_about_disk(home), *about_rises(home, now, agreed), *about_brackets(home)]
    if is_running(status, now):
        found += [*_about_members(status), *_about_rounds(status, now), *_about_peer(status)]
    else:
        text = f"the peer does not run; start it: murmuration peer --home {home.path}"
        found.append(Finding("peer-stopped", "critical", text))
    return sorted(found, key=lambda finding: (finding.level != "critical", finding.name))


def _about_disk(home: Home) -> Iterator[Finding]:
    free = shutil.disk_usage(home.path).free
    if free < LOW_DISK_BYTES:
        text = f"only {free / 1e6:,.0f} MB are free on the disk of {home.path}; make room"
        yield Finding("disk-low", "warning", text)


def about_rises(
    home: Home, now: datetime | None = None, agreed: Collection[str] = ()
) -> Iterator[Finding]:
    """Items that rose, while that is news and until a designer agrees (R35)."""
    report, now = read_report(home), now or datetime.now(UTC)
    waiting = [
        one
        for one in (report.risen if report is not None else ())
        if one.item not in agreed and now - datetime.fromisoformat(one.told_at) <= NEWS
    ]
    if waiting:
        through = sorted({by.name for one in waiting for by in one.carriers})
        names = ", ".join(one.item for one in waiting[:3])
        more = f" and {len(waiting) - 3} more" if len(waiting) > 3 else ""
        rounds = " and ".join(map(str, sorted({one.round for one in waiting})))
        text = (
            f"rose with round {rounds}: {names}{more}, through {', '.join(through)}; "
            "a designer looks at /ui/swarm"
        )
        yield Finding("item-rose", "warning", text)


def about_brackets(home: Home) -> Iterator[Finding]:
    """Members whose totals contradict the number of learners that they declared (R14)."""
    report = read_report(home)
    for one in report.doubts if report is not None else ():
        if one.fewest > one.most:
            said = "has sent totals that no number of learners explains"
        elif one.most < one.declared:
            said = f"has sent what at most {one.most:,} learners say"
        else:
            said = f"has sent what at least {one.fewest:,} learners say"
        yield Finding(
            "bracket-doubted",
            "warning",
            f"{one.name} declared < {one.declared:,} learners and {said}: it counts for no more "
            "than both allow; ask its operator",
        )


def _about_members(status: Mapping[str, Any]) -> Iterator[Finding]:
    others = [member for member in status["members"] if member["id"] != status["member"]]
    away = [member["name"] for member in others if not member["connected"]]
    connected = len(others) - len(away)
    if 1 + connected < status["quorum"]:
        yield Finding(
            "no-quorum",
            "critical",
            f"connected to {connected} members, {status['quorum'] - 1} are needed to decide; check "
            "the network and the members shown as away: murmuration doctor",
        )
    if away:
        text = (
            f"away: {', '.join(away)}; rounds close without them, and they catch up by themselves"
        )
        yield Finding("member-away", "warning", text)
    names = {member["id"]: member["name"] for member in status["members"]}
    for member, case in sorted(status.get("evidence", {}).items()):
        yield Finding(
            "member-lies",
            "warning",
            f"{names.get(member, member)} signed {case}: it lies, or two processes use its key; "
            "ask its operator, and remove it if it goes on: murmuration swarm remove",
        )
    refused = status.get("gauges", {}).get("refused", {})
    if said := [f"{names.get(who, who)} ({count})" for who, count in sorted(refused.items())]:
        yield Finding(
            "refused",
            "warning",
            f"dropped messages that break the protocol, since the peer started: {', '.join(said)}; "
            "that member runs another version, or lies",
        )


def _about_rounds(status: Mapping[str, Any], now: datetime) -> Iterator[Finding]:
    if not status["rounds"]:
        return
    last = status["rounds"][-1]
    number = f"round {last['round']}, attempt {last['attempt']},"
    if last["outcome"] == "open" and last.get("opened_at"):
        age = (now - datetime.fromisoformat(last["opened_at"])).total_seconds()
        if age > 2 * last.get("close_after_seconds", 0) + _ROUND_GRACE_SECONDS:
            text = f"{number} has been open for {age / 60:.0f} minutes; too few members answer"
            yield Finding("round-overdue", "warning", text)
    if last["outcome"] == "void" and (last["attempt"] > 1 or "abstained" in last["reason"]):
        text = f"{number} was void: {last['reason']}; the last model stays, ask for another round"
        yield Finding("round-void", "warning", text)
    for out in last["out"]:
        if out["member"] == status["name"] and not out["reason"].startswith("abstained"):
            text = f"{number} left this platform out: {out['reason']}; see the peer's log"
            yield Finding("left-out", "warning", text)


def _about_peer(status: Mapping[str, Any]) -> Iterator[Finding]:
    if status["state"] == "behind":
        text = "this peer is behind the others and catches up; wait"
        yield Finding("behind", "warning", text)
    if status.get("passive"):
        yield Finding(
            "restored-disk",
            "warning",
            "this peer takes no part until two more heights are decided, since its disk was "
            "restored (R26); the next round of the others ends that",
        )
    if status.get("merge_differs"):
        yield Finding(
            "merge-differs",
            "critical",
            "our own merge differs from the one that a quorum agreed on and HEAD stays; remove "
            "HOME/blobs, start the peer again, and compare versions with the other members",
        )
    slow = status.get("gauges", {}).get("decide_seconds_last", 0)
    if slow > SLOW_SECONDS:
        text = f"the last decision took {slow:.0f} s; links are slow, or members are overloaded"
        yield Finding("slow-decisions", "warning", text)
    for error in status.get("errors", ()):
        yield Finding("peer-error", "warning", error)


def one_line(findings: list[Finding]) -> tuple[int, str]:
    """Exit code and line of a monitoring plugin: 0 ok, 1 warning, 2 critical."""
    if not findings:
        return 0, "OK"
    code = 2 if findings[0].level == "critical" else 1
    head = ("OK", "WARNING", "CRITICAL")[code]
    return code, f"{head} {'; '.join(f'{f.name}: {f.text}' for f in findings)}"
