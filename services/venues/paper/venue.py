"""The paper venue as a Venue: one lock, decisions on a draft, a commit before every answer.

The book belongs to the event loop. What needs the store is one visit to a thread of its own, where decisions read the book and
write a draft; the lock lets nobody change the book meanwhile, and the loop takes the committed draft over.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import structlog

from config.groups import PaperSettings
from services.domain.errors import Unavailable, VenueDoubt, VenueRejected
from services.domain.market import Instrument, Quote
from services.domain.orders import Balance, OrderRequest, OrderType, VenueFill, VenueOrder, VenuePosition
from services.domain.ports import CancelOnSilence, Capabilities, Clock, QuoteSource
from services.domain.states import OrderState
from services.venues.paper.acceptance import Acceptance
from services.venues.paper.book import Book, Draft, PaperAccount, PaperOrder, log_outcome
from services.venues.paper.ledger import measure_funds
from services.venues.paper.liquidity import Liquidity
from services.venues.paper.matching import Matcher
from services.venues.paper.silence import end_silences, forget, hear
from services.venues.paper.store import Store

T = TypeVar("T")
log = structlog.get_logger()

MAX_QUOTE_AGE = timedelta(seconds=10)


class PaperVenue:
    """Execute orders of many accounts against the quotes of a real market; see the package for its rules.

    ``quotes`` has a symbol's newest quote, ``instruments`` its grid; ``changed`` is called with the account after the venue
    itself filled or ended something. Either ``run`` works, fed by ``offer``, or a test calls ``on_quote`` and ``settle``.
    """

    def __init__(
        self,
        path: Path,
        quotes: QuoteSource,
        clock: Clock,
        settings: PaperSettings,
        instruments: Callable[[str], Instrument | None],
        changed: Callable[[str], None],
        *,
        max_quote_age: timedelta = MAX_QUOTE_AGE,
    ) -> None:
        self._store = Store(path)
        self._thread: ThreadPoolExecutor | None = None
        self._quotes = quotes
        self._clock = clock
        self._settings = settings
        self._instruments = instruments
        self._changed = changed
        self._max_quote_age = max_quote_age
        self._book = Book()
        self._lock = asyncio.Lock()
        self._matching = asyncio.Lock()
        self._woken = asyncio.Event()
        self._offered: dict[str, Quote] = {}
        self._liquidity: dict[str, Liquidity] = {}
        self._settled_at = datetime.min.replace(tzinfo=UTC)
        self._writes: set[asyncio.Task[object]] = set()

    @property
    def name(self) -> str:
        """Return the venue's name in the settings."""
        return "paper"

    @property
    def capabilities(self) -> Capabilities:
        """Return what the venue can take."""
        return Capabilities(
            long=True,
            short=self._settings.can_short,
            order_types=frozenset(OrderType),
            reduce_only=True,
            order_lists=True,
            replace_lists=True,
            cancel_on_silence=CancelOnSilence.ENTRIES,
        )

    async def open(self) -> None:
        """Open the store and take up its resting orders; raise Unavailable or Misconfigured when it cannot be used."""
        async with self._lock:
            self._thread = ThreadPoolExecutor(1, thread_name_prefix="paper-store")
            try:
                self._take_over(await self._visit(self._opened))
            except BaseException:
                await self._release()
                raise

    async def close(self) -> None:
        """Let the running write end, then release the store."""
        if self._writes:
            await asyncio.wait(self._writes)
        async with self._lock:
            await self._release()

    async def open_account(self, account: str, currency: str, since: datetime | None = None) -> None:
        """Make sure that the account exists, with the start balance; raise VenueRejected for another currency.

        All its fills are told whenever it was opened: nobody but the desk trades on it.
        """

        def decide(draft: Draft) -> None:
            known = draft.book.accounts.get(account)
            if known is None:
                draft.accounts[account] = PaperAccount(name=account, currency=currency, cash=self._settings.start_balance)
            elif known.currency != currency:
                raise VenueRejected("ACCOUNT_CURRENCY", account=account, currency=currency, limit=known.currency)

        await self._write(decide)

    async def place(self, account: str, order: OrderRequest) -> VenueOrder:
        """Put one order."""

        return (await self._write(lambda draft: self._acceptance(draft, account, [order.client_id]).place(order))).report()

    async def place_list(self, account: str, orders: Sequence[OrderRequest]) -> Sequence[VenueOrder]:
        """Put one stop and its targets, linked."""

        def decide(draft: Draft) -> list[PaperOrder]:
            return self._acceptance(draft, account, [each.client_id for each in orders]).place_list(orders)

        return [order.report() for order in await self._write(decide)]

    async def replace_list(self, account: str, cancels: Sequence[str], orders: Sequence[OrderRequest]) -> Sequence[VenueOrder]:
        """Exchange live orders for a new list, or change nothing at all."""
        client_ids = [*cancels, *(each.client_id for each in orders)]

        def decide(draft: Draft) -> list[PaperOrder]:
            return self._acceptance(draft, account, client_ids).replace_list(cancels, orders)

        return [order.report() for order in await self._write(decide)]

    async def cancel(self, account: str, symbol: str, client_ids: Sequence[str]) -> Sequence[VenueOrder]:
        """Cancel orders; a final one is reported as it stands, one that was never seen is left out."""

        def decide(draft: Draft) -> list[PaperOrder]:
            return self._acceptance(draft, account, client_ids).cancel(symbol, client_ids)

        return [order.report() for order in await self._write(decide)]

    async def find(self, account: str, symbol: str, client_id: str) -> VenueOrder | None:
        """Return the order of that client id in whatever state, or None; raise VenueDoubt when the store does not answer."""

        def ask(book: Book) -> VenueOrder | None:
            order = self._store.orders(account, [client_id]).get(client_id)
            return order.report() if order is not None and order.request.symbol == symbol else None

        try:
            return await self._read(account, ask)
        except Unavailable as error:
            raise VenueDoubt(error.code, **error.values) from error

    async def open_orders(self, account: str) -> Sequence[VenueOrder]:
        """Return all orders that still work, in the order of acceptance."""

        def ask(book: Book) -> list[VenueOrder]:
            return [order.report() for order in Draft(book).live_of_account(account)]

        return await self._read(account, ask)

    async def fills_since(self, account: str, sequence: int) -> Sequence[VenueFill]:
        """Return the account's fills after ``sequence``, oldest first."""

        def ask(book: Book) -> list[VenueFill]:
            return [fill.report() for fill in self._store.fills_since(account, sequence)]

        return await self._read(account, ask)

    async def positions(self, account: str) -> Sequence[VenuePosition]:
        """Return all positions that are not flat, by symbol."""

        def ask(book: Book) -> list[VenuePosition]:
            return [VenuePosition(symbol=each.symbol, quantity=each.quantity) for each in Draft(book).held(account)]

        return await self._read(account, ask)

    async def balance(self, account: str) -> Balance:
        """Value the account at the newest quotes; raise Unavailable when a held instrument has no fresh one."""

        def ask(book: Book) -> Balance:
            now = self._clock.now()
            funds = measure_funds(Draft(book), account, self._fresh, self._settings, now)
            currency = book.accounts[account].currency
            return Balance(currency=currency, equity=funds.equity, free=funds.free, received_at=now)

        return await self._read(account, ask)

    async def keep_alive(self, account: str, seconds: float) -> None:
        """Cancel the account's entries, and nothing else, unless this is said again within ``seconds``."""
        await self._write(lambda draft: hear(draft, account, self._clock.now(), seconds), announce=True)

    async def stand_down(self, account: str) -> None:
        """Let silence mean nothing again; harmless when it did not."""
        await self._write(lambda draft: forget(draft, account, self._clock.now()), announce=True)

    async def may_withdraw(self) -> bool | None:
        """Tell that nothing can be withdrawn here."""
        return False

    def offer(self, quote: Quote) -> None:
        """Hand a quote to the running loop; while it is busy, a newer quote of the symbol takes the older one's place."""
        self._offered[quote.symbol] = quote
        self._woken.set()

    async def run(self) -> None:
        """Match for ever: with every offered quote, and when an order's latency is over."""
        while True:
            await self._wait()
            offered, self._offered = self._offered, {}
            try:
                for quote in offered.values():
                    await self.on_quote(quote)
                await self.settle()
            except VenueDoubt as error:
                log.error("paper.match_failed", code=error.code, **error.values)

    async def on_quote(self, quote: Quote) -> None:
        """Match the symbol's due orders against a quote; a stale one, and one older than the last, executes nothing."""
        instrument = self._instruments(quote.symbol)
        if instrument is None or self._is_stale(quote):
            return
        async with self._matching:
            last = self._liquidity.get(quote.symbol)
            if last is not None and quote.received_at < last.quote.received_at:
                return
            if last is None or last.quote != quote:
                self._liquidity[quote.symbol] = Liquidity(quote, instrument)
            if self._book.by_symbol.get(quote.symbol):
                await self._match(quote.symbol)

    async def settle(self) -> None:
        """Give orders whose latency is over their first match; a market or IOC order without a fresh quote expires."""
        self._settled_at = self._clock.now()
        await self._end_silences()
        due = {o.request.symbol for o in self._book.live.values() if not o.rested and o.due_at <= self._settled_at}
        for symbol in sorted(due):
            try:
                quote = self._fresh(symbol)
            except Unavailable:
                await self._expire_immediate(symbol)
            else:
                await self.on_quote(quote)

    async def _match(self, symbol: str) -> None:
        def fresh(wanted: str) -> Quote:
            return self._liquidity[symbol].quote if wanted == symbol else self._fresh(wanted)

        def decide(draft: Draft) -> Liquidity:
            now, left = self._clock.now(), self._liquidity[symbol].copy()
            end_silences(draft, now)
            Matcher(draft=draft, liquidity=left, settings=self._settings, fresh=fresh, now=now).match()
            return left

        self._liquidity[symbol] = await self._write(decide, announce=True)

    async def _expire_immediate(self, symbol: str) -> None:
        def decide(draft: Draft) -> None:
            now = self._clock.now()
            for order in list(draft.live_of_symbol(symbol)):
                if order.immediate and order.due_at <= now:
                    draft.finish(order, OrderState.EXPIRED, "NO_QUOTE", now)

        await self._write(decide, announce=True)

    async def _end_silences(self) -> None:
        if any(ends_at <= self._clock.now() for ends_at in self._book.silences.values()):
            await self._write(lambda draft: end_silences(draft, self._clock.now()), announce=True)

    async def _wait(self) -> None:
        now = self._clock.now()
        dues = [o.due_at for o in self._book.live.values() if not o.rested and o.due_at > self._settled_at]
        dues += [ends_at for ends_at in self._book.silences.values() if ends_at > self._settled_at]
        waits: set[asyncio.Future[Any]] = {asyncio.ensure_future(self._woken.wait())}
        if dues:
            waits.add(asyncio.ensure_future(self._clock.sleep(max(0.0, (min(dues) - now).total_seconds()))))
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in waits:
                each.cancel()
            await asyncio.gather(*waits, return_exceptions=True)
        self._woken.clear()

    def _acceptance(self, draft: Draft, account: str, client_ids: Sequence[str]) -> Acceptance:
        known: Mapping[str, PaperOrder] = self._store.orders(account, client_ids)
        return Acceptance(
            draft=draft,
            account=account,
            known=known,
            instruments=self._instruments,
            fresh=self._fresh,
            settings=self._settings,
            now=self._clock.now(),
        )

    def _fresh(self, symbol: str) -> Quote:
        quote = self._quotes.latest(symbol)
        if quote is None:
            raise Unavailable("NO_QUOTE", symbol=symbol)
        if self._is_stale(quote):
            age = quote.age(self._clock.now()).total_seconds()
            raise Unavailable("NO_QUOTE", symbol=symbol, age_s=age, limit_s=self._max_quote_age.total_seconds())
        return quote

    def _is_stale(self, quote: Quote) -> bool:
        return quote.age(self._clock.now()) > self._max_quote_age

    async def _read(self, account: str, ask: Callable[[Book], T]) -> T:
        def visit() -> tuple[T, Book]:
            book = self._current(self._book)
            Draft(book).account(account)
            return ask(book), book

        try:
            async with self._lock:
                answer, self._book = await self._visit(visit)
        except sqlite3.Error as error:
            raise Unavailable("PAPER_STORE", reason=type(error).__name__) from error
        return answer

    async def _write(self, decide: Callable[[Draft], T], *, announce: bool = False) -> T:
        """Carry a write through even when the caller stops waiting: book and file must not part."""
        task = asyncio.ensure_future(self._decide_and_commit(decide))
        self._writes.add(task)
        task.add_done_callback(self._writes.discard)
        try:
            result, draft = await asyncio.shield(task)
        except (sqlite3.Error, Unavailable) as error:
            raise VenueDoubt("PAPER_STORE", reason=type(error).__name__) from error
        if announce:
            for account in draft.accounts_with_news:
                self._changed(account)
        return result

    async def _decide_and_commit(self, decide: Callable[[Draft], T]) -> tuple[T, Draft]:
        async with self._lock:
            result, draft = await self._visit(lambda: self._decided(decide))
            self._take_over(draft)
            return result, draft

    def _take_over(self, draft: Draft) -> None:
        self._book = draft.book
        if not draft.empty:
            self._book.merge(draft)
            self._woken.set()
            log_outcome(draft)

    def _decided(self, decide: Callable[[Draft], T]) -> tuple[T, Draft]:
        """Decide and commit, anew when another process has written since the book was read."""
        book = self._book
        while True:
            book = self._current(book)
            draft = Draft(book)
            result = decide(draft)
            if draft.empty or self._committed(draft):
                return result, draft

    def _committed(self, draft: Draft) -> bool:
        with self._store.transaction():
            if self._store.revision() != draft.book.revision:
                return False
            self._store.write(draft)
        return True

    def _current(self, book: Book) -> Book:
        return book if self._store.revision() == book.revision else self._store.load()

    def _opened(self) -> Draft:
        self._store.open()
        try:
            # Nobody may have run when an account had been silent for too long.
            return self._decided(lambda draft: end_silences(draft, self._clock.now()))[1]
        except sqlite3.Error as error:
            raise Unavailable("PAPER_STORE", reason=type(error).__name__) from error

    async def _release(self) -> None:
        if self._thread is not None:
            await self._visit(self._store.close)
            self._thread.shutdown()
            self._thread = None

    async def _visit(self, work: Callable[[], T]) -> T:
        if self._thread is None:
            raise Unavailable("PAPER_STORE", reason="not open")
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)
