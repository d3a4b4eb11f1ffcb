"""Prometheus metrics of the peer, rendered from what it says about itself.

Only `status.json` goes in: nothing about learners, nothing from the store (R21). Text format 0.0.4.
"""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from api.swarm_health import Finding

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
_PREFIX: Final = "murmuration_"

Sample = tuple[dict[str, str], float]
Metric = tuple[str, str, str, list[Sample]]
"""Name, type, help, samples."""


def render(status: Mapping[str, Any] | None, *, running: bool, findings: Iterable[Finding]) -> str:
    """The metrics page.

    Args:
        status: What the peer last said; None if it never ran.
        running: Whether it runs.
        findings: What is wrong.
    """
    metrics: list[Metric] = [
        ("peer_up", "gauge", "Whether the peer runs.", [({}, float(running))]),
        (
            "problems",
            "gauge",
            "What is wrong, by name; absent if nothing is.",
            [({"name": name, "level": level}, count) for (name, level), count in _named(findings)],
        ),
    ]
    if status is not None:
        metrics += [*_standing(status), *_gauges(status.get("gauges", {}))]
    return "".join(_lines(metrics))


def _named(findings: Iterable[Finding]) -> list[tuple[tuple[str, str], int]]:
    return sorted(Counter((finding.name, finding.level) for finding in findings).items())


def _standing(status: Mapping[str, Any]) -> Iterator[Metric]:
    members = status["members"]
    connected = sum(bool(member["connected"]) for member in members)
    age = datetime.now(UTC) - datetime.fromisoformat(status["updated_at"])
    head = status["head"] or {"round": 0}
    listed = Counter(entry["outcome"] for entry in status["rounds"])
    outcomes = status.get("attempts", listed)  # an older peer lists them all
    yield "status_age_seconds", "gauge", "Age of the peer's status.", [({}, age.total_seconds())]
    yield "height", "gauge", "Height of the last final block.", [({}, status["height"])]
    yield "members", "gauge", "Members of the swarm.", [({}, len(members))]
    yield "members_connected", "gauge", "Members connected, this one included.", [({}, connected)]
    yield "quorum", "gauge", "Members that decide.", [({}, status["quorum"])]
    yield "head_round", "gauge", "Round of the merged model.", [({}, head["round"])]
    yield (
        "round_attempts_total",
        "counter",
        "Attempts of rounds on the ledger.",
        [({"outcome": name}, count) for name, count in sorted(outcomes.items())],
    )
    if (seconds := _last_round(status["rounds"])) is not None:
        help_text = "From opening to decision of the last decided attempt."
        yield "round_seconds", "gauge", help_text, [({}, seconds)]


def _last_round(rounds: Iterable[Mapping[str, Any]]) -> float | None:
    times = [(entry.get("opened_at"), entry.get("decided_at")) for entry in rounds]
    whole = [(opened, decided) for opened, decided in times if opened and decided]
    if not whole:
        return None
    opened, decided = (datetime.fromisoformat(moment) for moment in whole[-1])
    return (decided - opened).total_seconds()


_COUNTERS: Final = {
    "blocks": ("blocks_total", "Final blocks since the peer started."),
    "views_timed_out": ("views_timed_out_total", "Views without a decision: slow or dead leaders."),
    "decide_seconds": ("decide_seconds_total", "Time that decisions took."),
    "messages_dropped": ("messages_dropped_total", "Messages that a full queue pushed out."),
    "cpu_seconds": ("cpu_seconds_total", "CPU time of the peer."),
    "contribute_seconds": ("contribute_seconds_total", "Time of making contributions."),
    "fetch_seconds": ("fetch_seconds_total", "Time with a contribution under way to us."),
    "merge_seconds": ("merge_seconds_total", "Time of computing merges."),
}
_GAUGES: Final = {
    "lag_blocks": ("lag_blocks", "Blocks that we lack, by what members say."),
    "decide_seconds_last": ("decide_seconds_last", "Time that the last decision took."),
    "decide_seconds_most": ("decide_seconds_most", "Longest since the peer started."),
}
_WAYS: Final = {
    "messages": ("messages_total", "Messages."),
    "message_bytes": ("message_bytes_total", "Bytes of messages."),
    "blob_bytes": ("blob_bytes_total", "Bytes of contributions."),
}


def _gauges(gauges: Mapping[str, Any]) -> Iterator[Metric]:
    for known, kind in ((_COUNTERS, "counter"), (_GAUGES, "gauge")):
        for key, (name, text) in known.items():
            if key in gauges:
                yield name, kind, text, [({}, gauges[key])]
    for key, (name, text) in _WAYS.items():
        samples: list[Sample] = [
            ({"direction": way}, gauges[f"{key}_{way}"])
            for way in ("sent", "received")
            if f"{key}_{way}" in gauges
        ]
        yield name, "counter", text, samples
    votes = gauges.get("votes", {})
    refused = gauges.get("refused", {})
    yield "votes_total", "counter", "Own votes.", [({"kind": k}, n) for k, n in votes.items()]
    text = "Messages of a member that broke the protocol."
    yield "refused_total", "counter", text, [({"member": k}, n) for k, n in refused.items()]


def _lines(metrics: Iterable[Metric]) -> Iterator[str]:
    for name, kind, text, samples in metrics:
        if not samples:
            continue
        yield f"# HELP {_PREFIX}{name} {text}\n# TYPE {_PREFIX}{name} {kind}\n"
        for labels, value in samples:
            inside = ",".join(f'{key}="{_escape(label)}"' for key, label in labels.items())
            yield f"{_PREFIX}{name}{'{' + inside + '}' if inside else ''} {value:g}\n"


def _escape(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
