"""The platform's own log of what it has spent, in every swarm that it was ever in (R3).

One JSON line for each release, appended and fsynced before anything is marked or drawn. It only
grows; where it and a ledger differ, the larger spending is the truth.
"""

from __future__ import annotations

import json
import os
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from api.errors import ApiError
from api.store.consent import ReleaseRecord

if TYPE_CHECKING:
    from api.home import Home


class SpendLogError(ApiError):
    """A damaged spend log: nobody knows what was spent, so nothing more may be."""


def append_spend(home: Home, record: ReleaseRecord) -> None:
    """Append a release to the spend log, on disk on return; the log only ever grows (R3).

    A rerun for the same round adds no second line.
    """
    known = {(entry.swarm, entry.round) for entry in read_spend(home)}
    if (record.swarm, record.round) in known:
        return
    with home.spend_path.open("ab") as file:
        file.write(json.dumps(spend_entry(record)).encode() + b"\n")
        file.flush()
        os.fsync(file.fileno())


def spend_entry(record: ReleaseRecord) -> dict[str, Any]:
    """One line of the spend log."""
    return {
        "swarm": record.swarm,
        "round": record.round,
        "attempt": record.attempt,
        "rho": [record.rho.numerator, record.rho.denominator],
        "at": record.at,
    }


def read_spend(home: Home) -> list[ReleaseRecord]:
    """Entries of the spend log, oldest first.

    Raises:
        SpendLogError: A line is damaged.
    """
    try:
        lines = home.spend_path.read_bytes().split(b"\n")
    except FileNotFoundError:
        return []
    records = []
    for number, line in enumerate(lines, start=1):
        if not line:
            continue
        try:
            entry = json.loads(line)
            entry["rho"] = Fraction(*entry["rho"])
            records.append(ReleaseRecord(**entry))
        except (ValueError, TypeError, KeyError) as error:
            raise SpendLogError(
                f"{home.spend_path}: line {number} is damaged; no release is made until the log "
                "has been restored from a backup (R3)"
            ) from error
    return records
