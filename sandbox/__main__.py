"""Run the sandbox: `python -m sandbox --help` lists the flags."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import re
import signal
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from aiohttp import web

from sandbox.clock import SystemClock
from sandbox.exchange.arguments import add_arguments, build_exchange, build_market
from sandbox.exchange.errors import MarketError
from sandbox.exchange.exchange import Exchange
from sandbox.exchange.market import Market
from sandbox.exchange.web import setup
from sandbox.server import create_app
from sandbox.store import Store, StoreError
from sandbox.telegram.wire import JsonObject
from sandbox.telegram.world import World

_TOKEN = re.compile(r"(\d{3,19}):[A-Za-z0-9_-]{10,64}")
_SHUTDOWN_SECONDS = 1.0


def main(arguments: list[str] | None = None) -> None:
    """Serve until SIGTERM or SIGINT; wrong arguments end with exit code 2 and what to change."""
    parser = _parser()
    args = parser.parse_args(arguments)
    token = _TOKEN.fullmatch(args.token)
    if not token:
        parser.error("give the bot's token by --token or SANDBOX_TOKEN: digits, a colon, then 10 to 64 of A-Za-z0-9_-")
    try:
        exchange = build_exchange(args, build_market(args))
    except MarketError as error:
        parser.error(str(error))
    world = World(
        clock=SystemClock(),
        bot_id=int(token[1]),
        seed=int(token[1]),
        started=args.started,
        limits_on=args.limits == "on",
    )
    store = None
    if args.state:
        try:
            store = Store(args.state)
            store.open(world)
        except StoreError as error:
            parser.error(str(error))
    try:
        asyncio.run(_serve(args, world, store, exchange))
    finally:
        if store:
            store.close()


async def _serve(args: argparse.Namespace, world: World, store: Store | None, exchange: Exchange) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: loop.call_soon_threadsafe(stop.set))
    flush: Callable[[], None] = store.flush if store else _keep_nothing
    app = create_app(
        world, token=args.token, control_url=args.control_url, flush=flush, playing=lambda: _playing(exchange.market)
    ).app
    setup(app, exchange)
    # A poll whose bot is gone ends at once, so that it neither waits nor answers for nobody.
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=_SHUTDOWN_SECONDS, handler_cancellation=True)
    await runner.setup()
    try:
        await web.TCPSite(runner, args.host, args.port).start()
        if args.ready_file:
            _announce(args.ready_file, runner.addresses[0][1])
        await stop.wait()
    finally:
        await runner.cleanup()


def _playing(market: Market) -> tuple[str, JsonObject]:
    info = market.info()
    return info.playing, asdict(info) | {"now": info.now.isoformat()}


def _keep_nothing() -> None:
    """Without a state folder the chat lives as long as the program."""


def _announce(ready_file: Path, port: int) -> None:
    draft = ready_file.with_name(f"{ready_file.name}.new")
    draft.write_text(json.dumps({"port": port, "pid": os.getpid()}), encoding="utf-8")
    draft.replace(ready_file)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m sandbox", description="A Telegram and an exchange on this machine, for one bot."
    )
    parser.add_argument("--host", default="127.0.0.1", choices=("127.0.0.1", "::1", "localhost"), help="address")
    parser.add_argument("--port", type=int, default=0, help="port (default: a free one)")
    parser.add_argument("--state", type=Path, help="folder that keeps chat and market over a restart")
    parser.add_argument("--token", default=os.environ.get("SANDBOX_TOKEN", ""), help="the bot's token (default: SANDBOX_TOKEN)")
    parser.add_argument(
        "--started", type=_ids, default=(), metavar="ID,ID", help="people who count as having pressed Start before"
    )
    parser.add_argument("--control-url", default="", help="address the page's control calls are passed on to")
    parser.add_argument("--limits", choices=("on", "off"), default="on", help="Telegram's rate limits (default on)")
    parser.add_argument("--ready-file", type=Path, help="file that gets port and process id once the port is open")
    add_arguments(parser)
    return parser


def _ids(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in text.split(",") if part.strip())
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected ids separated by commas, got {text!r}") from None


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        main()
