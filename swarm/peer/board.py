"""What the peer tells the outside: `status.json`, and one log line for every decided round."""

from __future__ import annotations

import logging
from collections import deque
from typing import TYPE_CHECKING, Any

import trio

from swarm.errors import StorageError
from swarm.peer.status import RoundTimes, build_status, now_text
from swarm.storage.files import read_json, write_json
from swarm.storage.models import read_pointer

if TYPE_CHECKING:
    from collections.abc import Iterable

    from swarm.events import Note
    from swarm.ledger.genesis import Genesis
    from swarm.ledger.rounds import Round
    from swarm.peer.config import PeerConfig
    from swarm.peer.gauges import Gauges
    from swarm.transport.mesh import Mesh
    from swarm.views import NodeView

logger = logging.getLogger(__name__)

_NOTES = 8
_REFRESH_SECONDS = 5.0


class Board:
    """Collects what is known and writes it at most twice a second."""

    def __init__(
        self, config: PeerConfig, genesis: Genesis, me: str, mesh: Mesh, gauges: Gauges
    ) -> None:
        self._config, self._genesis, self._me, self._mesh = config, genesis, me, mesh
        self._gauges = gauges
        self._view: NodeView | None = None
        self._notes: deque[str] = deque(maxlen=_NOTES)
        self._decided: int | None = None
        self._port = 0
        self._head: dict[str, Any] | None = None
        self._network: dict[str, Any] | None = None
        self._times = RoundTimes(_previous(config))

    def listening(self, addresses: Iterable[str]) -> None:
        """The host is up; takes the port from its first address."""
        for address in addresses:
            self._port = int(address.split("/tcp/")[1].split("/")[0])
            logger.info("listening on %s as %s", address, self._me)

    def show(self, view: NodeView) -> None:
        """Take the core's present view."""
        self._view = view
        has_current = bool(view.rounds) and not view.rounds[-1].is_decided
        decided = view.rounds[:-1] if has_current else view.rounds
        if self._decided is not None:
            for entry in decided[self._decided :]:
                self._log_round(entry)
        self._decided = len(decided)

    def note(self, note: Note) -> None:
        """Keep the last few errors for the status."""
        if note.level == "error" and note.text not in self._notes:
            self._notes.append(note.text)

    def moved(self) -> None:
        """HEAD, or the network's pointer, may have moved."""
        self._head = read_pointer(self._config.head)
        self._network = read_pointer(self._config.network)

    async def keep_writing(self) -> None:
        """Write the status on change and every few seconds, for ever."""
        last: dict[str, Any] = {}
        written_at = float("-inf")
        while True:
            if self._view is not None:
                status = self._build(self._view)
                is_old = trio.current_time() - written_at >= _REFRESH_SECONDS
                if is_old or _essence(status) != _essence(last):
                    last, written_at = status, trio.current_time()
                    await self._write(status)
            await trio.sleep(self._config.status_seconds)

    async def _write(self, status: dict[str, Any]) -> None:
        stamped = {**status, "gauges": self._gauges.to_value(), "updated_at": now_text()}
        try:
            await trio.to_thread.run_sync(
                lambda: write_json(self._config.status, stamped, durable=False)
            )
        except StorageError as error:
            logger.error("%s", error)  # noqa: TRY400 - the peer goes on without its status

    def _build(self, view: NodeView) -> dict[str, Any]:
        return build_status(
            self._me,
            view,
            self._mesh,
            self._times,
            head=self._head,
            network=self._network,
            port=self._port,
            notes=(*self._notes, *self._refusals()),
        )

    def _refusals(self) -> list[str]:
        """Members with whom we share no version of the protocol, and who must upgrade."""
        names = self._genesis.by_id
        return [f"{names[who].name} {why}." for who, why in self._mesh.refusals().items()]

    def _log_round(self, entry: Round) -> None:
        logger.info(
            "round=%d attempt=%d kind=%s peer=%s outcome=%s contributions=%d/%d digest=%s "
            "rho=%d/%d%s",
            *entry.key,
            entry.kind,
            self._me[-8:],
            entry.outcome,
            len(entry.included),
            len(entry.opening.expected),
            entry.digest.hex()[:16] or "-",
            *self._genesis.terms(entry.kind).rho,
            f" reason={entry.reason!r}" if entry.reason else "",
        )


def _essence(status: dict[str, Any]) -> dict[str, Any]:
    """The status without what changes all the time."""
    members = [{**m, "last_seen": None} for m in status.get("members", ())]
    return {**status, "members": members}


def _previous(config: PeerConfig) -> dict[str, Any] | None:
    try:
        return read_json(config.status)
    except StorageError:
        return None  # a damaged status is written anew; nothing depends on it
