"""A way to a server that can be made a black hole: it takes connections and bytes, and nothing ever comes back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlsplit

CHUNK = 65_536


class Relay:
    """Passes bytes on to a server on this machine, as long as it is not told to hang."""

    def __init__(self, address: str) -> None:
        target = urlsplit(address)
        self._host, self._port = target.hostname or "127.0.0.1", target.port or 80
        self._open = asyncio.Event()
        self._open.set()
        self._ways: set[asyncio.Task[None]] = set()
        self.address = ""

    def hang(self) -> None:
        """Let nothing through any more, in either direction."""
        self._open.clear()

    def heal(self) -> None:
        """Let everything through again, what was held first."""
        self._open.set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take one connection."""
        way = asyncio.current_task()
        assert way is not None
        self._ways.add(way)
        with suppress(OSError, asyncio.CancelledError):
            await self._open.wait()
            there, back = await asyncio.open_connection(self._host, self._port)
            await asyncio.gather(self._pass(reader, back), self._pass(there, writer))
        self._ways.discard(way)
        writer.close()

    async def close(self) -> None:
        """Break every connection."""
        for way in list(self._ways):
            way.cancel()
        await asyncio.gather(*self._ways, return_exceptions=True)

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while chunk := await reader.read(CHUNK):
                await self._open.wait()
                writer.write(chunk)
                await writer.drain()
        finally:
            writer.close()


@asynccontextmanager
async def relay_to(address: str) -> AsyncIterator[Relay]:
    """Open a relay to ``http://host:port`` on a port of its own."""
    relay = Relay(address)
    server = await asyncio.start_server(relay.serve, "127.0.0.1", 0)
    relay.address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield relay
    finally:
        server.close()
        await relay.close()
