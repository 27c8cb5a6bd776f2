"""The trading side built for a shell: a kill worked off where no desk runs, or entries cancelled past one that hangs."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial

import structlog

from bot.lock import AlreadyRunning, DeskLock
from bot.nursery import TaskNursery
from bot.system import StageWakeups
from bot.wiring import PAPER, Exchange, Outside, Trading, build_market, build_trading
from config.settings import Settings
from services.domain.errors import SortieError, Unavailable
from services.domain.kills import Kill
from services.domain.ports import Clock, Ids, MarketData, QuoteSource
from services.domain.trades import Terminal
from services.execution.sync import VenueSync
from services.operations.direct_cancel import Account, Canceled, by_the_books, by_their_looks, cancel_entries
from services.operations.kill_watch import LONGEST_S, LOOK_EVERY_S
from services.operations.shell_halt import Holder
from services.storage import desk, kills, terminals, trades
from services.storage.database import Unit
from services.storage.desk import Lease

log = structlog.get_logger()
LEASE_S = 600.0
QUOTES_EVERY_S = 1.0
DRAIN_S = 15.0
OPEN_S = 2.0


class _NoBeats:
    """Signs of life that nobody watches: a shell sees how far it comes."""

    def beat(self, stage: str, *, detail: str = "") -> None:
        """Take the sign."""


@dataclass(slots=True, kw_only=True)
class _Side:
    """A trading side of the shell's own, its tasks, and the prices that it reads."""

    trading: Trading
    nursery: TaskNursery
    market: MarketData
    held: list[Lease]


class ShellKill:
    """What `sortie halt` can do at the venues by itself; ``market`` and ``exchange`` may stand in for real ones."""

    def __init__(
        self,
        settings: Settings,
        clock: Clock,
        ids: Ids,
        *,
        market: MarketData | None = None,
        exchange: Callable[[str, QuoteSource], Exchange] | None = None,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._ids = ids
        self._market = market
        self._exchange = exchange

    async def work_off(self, kill: Kill | None, tell: Callable[[Kill], None]) -> Kill | Holder | None:
        """Take the desk's lock and work its kill off to the end; return who has the lock when a desk runs.

        Without a kill, as where the database took none, only the lock is tried. Raise Unavailable for books out of reach.
        """
        lock = DeskLock(self._settings, self._clock.now())
        try:
            async with lock:
                if kill is None:
                    return None
                async with self._built() as side:
                    return await self._work(side, lock.owner, kill, tell)
        except AlreadyRunning as error:
            return _holder(error.holder)

    async def cancel_directly(self, *, with_books: bool) -> list[Canceled]:
        """Cancel the entries at every exchange, beside whatever runs; by the desk's books, or by the orders' looks alone."""
        async with self._built() as side:
            exchanges = dict(side.trading.exchanges)
            if with_books:
                await _take_instruments(side.trading)
                accounts = await side.trading.database.read(_accounts)
                return await cancel_entries(exchanges, accounts, by_the_books(side.trading.database))
            found = await side.market.instruments(self._settings.market.instruments)
            side.trading.instruments.update({each.symbol: each for each in found})
            named, currency = self._settings.terminals, self._settings.desk.currency
            accounts = [
                Account(id=name, name=name, venue=each.venue, currency=each.currency or currency)
                for name, each in named.items()
            ]
            return await cancel_entries(exchanges, accounts, by_their_looks(self._clock))

    @asynccontextmanager
    async def _built(self) -> AsyncIterator[_Side]:
        nursery, held = TaskNursery(), list[Lease]()
        market = self._market or build_market(self._settings, self._clock)
        outside = Outside(
            clock=self._clock,
            ids=self._ids,
            wakeups=StageWakeups(),
            nursery=nursery,
            beats=_NoBeats(),
            market=market,
            lease=lambda: held[0] if held else None,
            exchange=self._exchange,
        )
        trading = build_trading(self._settings, outside)
        try:
            yield _Side(trading=trading, nursery=nursery, market=market, held=held)
        finally:
            await nursery.close()
            await market.close()
            for exchange in trading.exchanges.values():
                await exchange.close()
            await trading.database.close()

    async def _work(self, side: _Side, owner: str, kill: Kill, tell: Callable[[Kill], None]) -> Kill:
        trading = side.trading
        take = partial(desk.take_lease, role="executor", owner=owner, seconds=LEASE_S, force=True)
        lease = await trading.database.write(take)
        if lease is None:
            raise Unavailable("LEASE", role="executor")
        side.held.append(lease)
        await trading.paper.open()
        try:
            await self._start(side)
            return await self._follow(trading, kill, tell)
        finally:
            with suppress(TimeoutError):
                async with asyncio.timeout(DRAIN_S):
                    await trading.executor.drain()
            await side.nursery.close()
            await trading.paper.close()
            await trading.database.write(partial(desk.release_lease, lease=lease))

    async def _start(self, side: _Side) -> None:
        """Start what a desk starts, all at once: a venue that hangs must not hold up the cancels at the others."""
        trading = side.trading
        await _take_instruments(trading)
        await trading.resolve.adopt_sent()
        await self._open_accounts(side)
        trading.quotes.subscribe(trading.paper.offer)
        for name, work in (
            ("executor", trading.executor.run),
            ("kill", trading.work_kill.run),
            ("fills", trading.sync.run_fills),
            ("resolve", trading.resolve.run),
            ("entries", trading.entries.run),
            ("quotes", partial(self._quote, side)),
            ("paper", trading.paper.run),
            ("reconcile", trading.sync.run_reconcile),
        ):
            side.nursery.stage(name, work)

    async def _open_accounts(self, side: _Side) -> None:
        """Make each account known to its venue; one that does not answer is not waited for."""
        trading = side.trading
        for each in await trading.database.read(terminals.everything):
            side.nursery.spawn(f"open {each.id}", _open(trading.sync, each))
        await side.nursery.wait_for_jobs(OPEN_S)

    async def _follow(self, trading: Trading, kill: Kill, tell: Callable[[Kill], None]) -> Kill:
        deadline = self._clock.monotonic() + LONGEST_S
        tell(kill)
        while kill.running and self._clock.monotonic() < deadline:
            await self._clock.sleep(LOOK_EVERY_S)
            seen = await trading.database.read(partial(kills.find, kill_id=kill.id))
            if seen is not None and seen != kill:
                tell(seen)
                kill = seen
        return kill

    async def _quote(self, side: _Side) -> None:
        """Show prices of what is held: the paper venue sells at them, and keeps what it has without them."""
        while True:
            held = await side.trading.database.read(lambda unit: sorted({each.symbol for each in trades.live(unit)}))
            try:
                for quote in await side.market.quotes(held) if held else ():
                    side.trading.quotes.put(quote)
            except SortieError as error:
                log.warning("kill.no_prices", error=str(error))
            await self._clock.sleep(QUOTES_EVERY_S)


async def _open(sync: VenueSync, terminal: Terminal) -> None:
    try:
        await sync.open_account(terminal)
    except (SortieError, TimeoutError) as error:
        log.warning("kill.account.failed", terminal=terminal.name, error=str(error))


async def _take_instruments(trading: Trading) -> None:
    """Take the grids from the books; an exchange is asked instrument by instrument."""
    universe = await trading.database.read(desk.current_universe)
    trading.instruments.update({each.symbol: each for each in universe.instruments} if universe is not None else {})


def _accounts(unit: Unit) -> Sequence[Account]:
    """Return the terminals that are at a venue of their own; the paper venue lives in the process that hangs."""
    elsewhere = [each for each in terminals.everything(unit) if each.venue != PAPER]
    return [Account(id=each.id, name=each.name, venue=each.venue, currency=each.currency) for each in elsewhere]


def _holder(text: str) -> Holder:
    try:
        found: Mapping[str, object] = json.loads(text)
        return Holder(text=text, pid=int(str(found["pid"])), host=str(found["host"]))
    except (ValueError, KeyError, TypeError):
        return Holder(text=text, pid=None, host=None)
