"""The launcher: the chat's process first, then the market's start, then the desk; and back in the other order."""

from __future__ import annotations

import asyncio
import json
import os
import socket
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

from aiohttp import web

from bot.demo.console import CannotStart, Console
from bot.demo.control import HOST, ControlServer
from bot.demo.desk_reading import DeskReading
from bot.demo.desk_runner import DeskRunner
from bot.demo.desk_settings import START_BALANCES, TERMINAL, VENUE, DeskTerms, desk_terms, watched_of
from bot.demo.exchange_account import ExchangeAccount
from bot.demo.exchange_book import compared, listed
from bot.demo.folder import DemoFolder, Kept
from bot.demo.invariants import Invariants
from bot.demo.opening import open_market
from bot.demo.planner import Start
from bot.demo.processes import Child
from bot.demo.sandbox_client import Cast, MarketInfo, SandboxClient, SandboxError
from bot.demo.venue_book import BookAccount, read_book
from bot.demo_options import DemoOptions
from services.operations.venue_book import VenueBook
from services.storage import outbox

SANDBOX_READY_S = 60.0
DESK_READY_S = 60.0
SANDBOX_PATIENCE_S = 5.0
SAY_S = 20.0
LOOK_S = 0.05


class Launcher:
    """One demo from its start to its end."""

    def __init__(self, options: DemoOptions, folder: DemoFolder, kept: Kept, console: Console) -> None:
        self._options = options
        self._folder = folder
        self._kept = kept
        self._console = console
        self._sandbox = Child("sandbox", ["sandbox"], folder.logs / "sandbox.log")
        self._desk_child = Child("desk", ["bot", "run"], folder.logs / "desk.log")
        self._reading = DeskReading(folder.desk)
        self._account = ExchangeAccount(
            name=TERMINAL, accounts_file=folder.sandbox / "accounts.json", keys_file=folder.desk / "exchange-keys.json"
        )
        self._currency = ""
        self._client: SandboxClient | None = None
        self._control: web.AppRunner | None = None
        self._runner: DeskRunner | None = None
        self.planned: Start | None = None

    @property
    def client(self) -> SandboxClient:
        """Return the chat and the market, once they are up."""
        if self._client is None:
            raise RuntimeError("the chat is not up yet")
        return self._client

    @property
    def desk(self) -> DeskRunner:
        """Return the desk's runner, once the chat is up."""
        if self._runner is None:
            raise RuntimeError("the chat is not up yet")
        return self._runner

    @property
    def reading(self) -> DeskReading:
        """Return the desk's database, for reading."""
        return self._reading

    async def open(self) -> Cast:
        """Start everything; return who is in the chat. Raises CannotStart with what a child said last."""
        with socket.create_server((HOST, 0)) as door:
            await self._start_sandbox(f"http://{HOST}:{door.getsockname()[1]}")
            self._account.hand_over()
            cast, market = await self.client.cast(), await self.client.market()
            self._console.say(f"Playing: {market.playing}.")
            terms = self._terms(cast, market)
            await self._pay_in()
            self._runner = DeskRunner(self._desk_child, terms.environment(os.environ), self._reading, self._console.say)
            await self._open_control(door.dup(), cast, market)
        await self._welcome(cast)
        self.planned = await open_market(
            self.client,
            market,
            terms,
            self._options.start,
            seed=self._kept.played.seed,
            now=datetime.now(UTC),
            say=self._console.say,
        )
        await self._start_desk()
        return cast

    async def sandbox_ended(self) -> int:
        """Wait until the chat's process ends by itself, say so, and return its exit code."""
        code = await self._sandbox.ended()
        said = f"{self._sandbox.last_line() or 'it said nothing'} (more in {self._sandbox.log})"
        self._console.say(f"The chat ended by itself with code {code}: {said}")
        return code

    def invariants(self, cast: Cast) -> Invariants:
        """Return what verifies this demo: the token may stand nowhere, not even a part of it in the chat."""

        async def transcript() -> str | None:
            try:
                chats = [cast.group_id, *(member.id for member in cast.members)]
                return "\n".join([await self.client.transcript(chat_id) for chat_id in chats])
            except SandboxError:
                return None

        secrets = frozenset({self._kept.token}) | self._account.secrets()
        return Invariants(self._reading, transcript, secrets, self._exchange_book)

    async def _pay_in(self) -> None:
        """Give an account that never held anything what it starts with."""
        truth = await self.client.account(TERMINAL)
        if not truth["trades"] and all(Decimal(row["free"]) == 0 for row in truth["account"]["balances"]):
            await self.client.pay_in(TERMINAL, self._currency, START_BALANCES[self._currency])

    async def _exchange_book(self) -> VenueBook | None:
        read_at = datetime.now(UTC)
        try:
            return compared(await self.client.account(TERMINAL), VENUE, self._currency, read_at)
        except SandboxError:
            return None

    async def _listed_accounts(self) -> list[BookAccount]:
        accounts = await asyncio.to_thread(read_book, self._folder.desk)
        try:
            return [listed(await self.client.account(TERMINAL), self._currency), *accounts]
        except SandboxError:
            return accounts

    async def said_everything(self) -> None:
        """Wait until the desk has sent what it had to say, at most as long as that may take."""
        for _ in range(round(SAY_S / LOOK_S)):
            if not await asyncio.to_thread(self._reading.read, outbox.backlog):
                return
            await asyncio.sleep(LOOK_S)

    async def close_desk(self) -> None:
        """Let the desk say goodbye, while there is a chat to say it in."""
        if self._runner is not None and self._desk_child.running:
            self._console.say("Stopping the desk ...")
            await self._runner.stop()

    async def close(self) -> None:
        """End what is left, the desk first."""
        await self.close_desk()
        if self._control is not None:
            await self._control.cleanup()
        if self._client is not None:
            await self._client.close()
        await self._sandbox.stop(SANDBOX_PATIENCE_S)

    def kill(self) -> None:
        """End both children at once."""
        self._desk_child.kill_now()
        self._sandbox.kill_now()

    async def _start_sandbox(self, control_url: str) -> None:
        self._console.say("Starting the chat and the market ...")
        ready_file, played = self._folder.ready_file, self._kept.played
        ready_file.unlink(missing_ok=True)
        port = self._options.port or _free(self._kept.port)
        arguments = ["--port", str(port), "--state", str(self._folder.sandbox), "--ready-file", str(ready_file)]
        arguments += ["--control-url", control_url, "--bar", str(played.bar_s), "--accounts", str(self._account.accounts_file)]
        self._account.order()
        if played.candles:
            arguments += ["--candles", *(str(each.path) for each in played.candles)]
        else:
            arguments += ["--seed", str(played.seed)]
        await self._sandbox.start(arguments, os.environ | {"SANDBOX_TOKEN": self._kept.token, "PYTHONUNBUFFERED": "1"})
        port = await self._sandbox_port()
        self._folder.keep(replace(self._kept, port=port))
        self._client = SandboxClient(f"http://{HOST}:{port}")
        self._console.say(f"The chat is ready on {self._client.address}")

    async def _sandbox_port(self) -> int:
        ready_file = self._folder.ready_file
        try:
            async with asyncio.timeout(SANDBOX_READY_S):
                while self._sandbox.running:
                    if ready_file.exists():
                        return int(json.loads(ready_file.read_text(encoding="utf-8"))["port"])
                    await asyncio.sleep(LOOK_S)
        except TimeoutError:
            pass
        cause = f"the chat did not start: {self._sandbox.last_line() or 'it said nothing'}"
        raise CannotStart(cause, f"see {self._sandbox.log}; --fresh forgets the state of earlier demos")

    def _terms(self, cast: Cast, market: MarketInfo) -> DeskTerms:
        watched = watched_of(market.symbols)
        self._currency = watched.currency
        if watched.left_out:
            self._console.say(f"The desk's accounts are in {watched.currency}; left out: {', '.join(watched.left_out)}.")
        return desk_terms(
            cast=cast,
            market=market,
            address=self.client.address,
            token=self._kept.token,
            keys=self._account.keys_file,
            state=self._folder.desk,
            now=datetime.now(UTC),
        )

    async def _open_control(self, door: socket.socket, cast: Cast, market: MarketInfo) -> None:
        async def mids() -> dict[str, Decimal]:
            try:
                return await self.client.mids()
            except SandboxError:
                return {}

        server = ControlServer(
            self.desk,
            books=self._listed_accounts,
            names=lambda: asyncio.to_thread(self._reading.terminal_names),
            mids=mids,
            invariants=self.invariants(cast),
            playing=market.playing,
        )
        self._control = web.AppRunner(server.application(), access_log=None, shutdown_timeout=0.5)
        await self._control.setup()
        await web.SockSite(self._control, door).start()

    async def _welcome(self, cast: Cast) -> None:
        """Press Start for everyone with a role, once, so that the bot may write to them."""
        for member in cast.members:
            if member.role != "stranger" and not member.started:
                await self.client.press_start(member.id)

    async def _start_desk(self) -> None:
        self._console.say("Starting the desk ...")
        await self.desk.start()
        if not await self.desk.ready(DESK_READY_S):
            # A desk that ended has said why; one that still runs is only slow, or waits for something.
            if self._desk_child.running:
                self._console.say(f"The desk said last: {self.desk.why()}")
            fix = f"see {self._desk_child.log}; --fresh forgets the state of earlier demos"
            raise CannotStart("the desk did not become ready", fix)


def _free(port: int) -> int:
    """Return the port when it is free, so that an open page finds the chat again, else 0 for any."""
    try:
        with socket.create_server((HOST, port)):
            return port
    except OSError:
        return 0
