"""Serve the exchange alone: `python -m sandbox.exchange --port N --ready-file F`."""

import argparse
import asyncio
import json
import os
import signal
from pathlib import Path

from aiohttp import web

from sandbox.exchange.arguments import add_arguments, build_exchange, build_market
from sandbox.exchange.errors import MarketError
from sandbox.exchange.exchange import Exchange
from sandbox.exchange.web import setup


def main() -> None:
    """Serve until a signal; a wrong candle file or argument ends with exit code 2 and what to change."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.exchange", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", choices=("127.0.0.1", "::1", "localhost"), help="address to listen on")
    parser.add_argument("--port", type=int, default=0, help="port to listen on (default: a free one)")
    parser.add_argument("--ready-file", type=Path, help="file that gets port and process id once the port is open")
    parser.add_argument("--state", type=Path, help="folder that keeps the market over a restart")
    add_arguments(parser)
    args = parser.parse_args()
    try:
        exchange = build_exchange(args, build_market(args))
    except MarketError as error:
        parser.error(str(error))
    asyncio.run(_serve(exchange, args.host, args.port, args.ready_file))


async def _serve(exchange: Exchange, host: str, port: int, ready_file: Path | None) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: loop.call_soon_threadsafe(stop.set))
    app = web.Application()
    setup(app, exchange)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    await web.TCPSite(runner, host, port).start()
    if ready_file is not None:
        _announce(ready_file, runner.addresses[0][1])
    await stop.wait()
    await runner.cleanup()


def _announce(ready_file: Path, port: int) -> None:
    draft = ready_file.with_suffix(".new")
    draft.write_text(json.dumps({"port": port, "pid": os.getpid()}), encoding="utf-8")
    draft.replace(ready_file)


if __name__ == "__main__":
    main()
