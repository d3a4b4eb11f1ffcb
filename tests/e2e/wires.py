"""Wires between members that a test can cut, silence and slow down: TCP proxies on loopback."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from dataclasses import dataclass, field


@dataclass(eq=False)
class _Wire:
    """One direction of dialling: whoever connects to `port` reaches `target`."""

    target: int
    port: int = 0
    flows: asyncio.Event = field(default_factory=asyncio.Event)
    is_cut: bool = False
    bytes_per_second: float = 0
    streams: set[asyncio.StreamWriter] = field(default_factory=set)

    async def carry(self, reader, writer):
        """Carry one connection until either side ends."""
        if self.is_cut:
            writer.close()
            return
        try:
            there, back = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:
            writer.close()
            return
        self.streams |= {writer, back}
        async with asyncio.TaskGroup() as group:
            group.create_task(self._pump(reader, back))
            group.create_task(self._pump(there, writer))
        self.streams -= {writer, back}

    async def _pump(self, reader, writer):
        with contextlib.suppress(OSError):
            while data := await reader.read(16384):
                await self.flows.wait()
                if self.bytes_per_second:
                    await asyncio.sleep(len(data) / self.bytes_per_second)
                writer.write(data)
                await writer.drain()
        with contextlib.suppress(OSError):
            writer.close()


class Wires:
    """All wires of a swarm, carried by one thread."""

    def __init__(self):
        self._loop = asyncio.new_event_loop()
        self._wires = {}
        self._servers = []
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def lay(self, dialler, target_name, target_port):
        """Make the wire by which one member dials another; its port."""
        return self._call(self._lay((dialler, target_name), target_port))

    async def _lay(self, key, target_port):
        wire = self._wires[key] = _Wire(target_port)
        wire.flows.set()
        server = await asyncio.start_server(wire.carry, "127.0.0.1", 0)
        self._servers.append(server)
        wire.port = server.sockets[0].getsockname()[1]
        return wire.port

    def cut(self, first, second):
        """Break all connections between two members, and refuse new ones."""
        self._both(first, second, _cut)

    def silence(self, first, second):
        """Let nothing through, and break nothing: what a dead router does."""
        self._both(first, second, lambda wire: wire.flows.clear())

    def slow(self, first, second, bytes_per_second):
        """Let so much through a second."""
        self._both(first, second, lambda wire: setattr(wire, "bytes_per_second", bytes_per_second))

    def mend(self, first, second):
        """As if nothing had been."""
        self._both(first, second, _mend)

    def _both(self, first, second, change):
        async def apply():
            change(self._wires[first, second])
            change(self._wires[second, first])

        self._call(apply())

    def _call(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(10)

    def close(self):
        """Take all wires down."""

        async def end():
            for wire in self._wires.values():
                _cut(wire)
            for server in self._servers:
                server.close()
            tasks = asyncio.all_tasks() - {asyncio.current_task()}
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

        self._call(end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()


def _cut(wire):
    wire.is_cut = True
    wire.flows.set()
    for stream in wire.streams:
        stream.transport.abort()


def _mend(wire):
    wire.is_cut = False
    wire.bytes_per_second = 0
    wire.flows.set()
