"""Looking at each terminal's venue: fills, orders, positions and balance; at start, and for ever."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from functools import partial

import structlog

from services.access.alerts import AlertCode, alert
from services.domain.errors import SortieError, Unavailable
from services.domain.money import ZERO
from services.domain.orders import Order, VenuePosition
from services.domain.people import Actor
from services.domain.ports import Clock, Ids, StageBeat, Venue, Wakeups
from services.domain.trades import Terminal
from services.execution.booking import NAMED_BY_VENUE, Booking, VenueReport
from services.portfolio.accounts import AccountBoard
from services.risk.days import day_of
from services.storage import desk, orders, terminals
from services.storage.database import Database, Unit

log = structlog.get_logger()
POLL_S = 1.0
RETRY_AFTER = timedelta(seconds=3)
RECONCILE_EVERY = timedelta(seconds=30)
BALANCE_EVERY = timedelta(seconds=3)
QUERY_TIMEOUT_S = 10.0
EVERYWHERE = ""


def _named(unit: Unit, names: frozenset[str] | None) -> list[Terminal]:
    if names is None:
        return terminals.everything(unit)
    found = [terminals.find(unit, name) for name in sorted(names)]
    return [terminal for terminal in found if terminal is not None and terminal.active]


class VenueSync:
    """Keeps the desk's books equal to what the venues say."""

    def __init__(
        self,
        database: Database,
        venues: Mapping[str, Venue],
        booking: Booking,
        accounts: AccountBoard,
        clock: Clock,
        ids: Ids,
        wakeups: Wakeups,
        beats: StageBeat,
        zone: str,
    ) -> None:
        self._database = database
        self._venues = venues
        self._booking = booking
        self._accounts = accounts
        self._clock = clock
        self._ids = ids
        self._wakeups = wakeups
        self._beats = beats
        self._zone = zone
        self._suspects: set[tuple[str, str]] = set()
        self._failures: dict[str, int] = {}

    async def run_fills(self) -> None:
        """Book fills for ever: at once where the venue or an acknowledgement hints at some, everywhere every second or so."""
        about, everywhere_at = frozenset({EVERYWHERE}), 0.0
        while True:
            everywhere = EVERYWHERE in about or self._clock.monotonic() >= everywhere_at
            failed = 0
            for terminal in await self._database.read(partial(_named, names=None if everywhere else about)):
                try:
                    await self.look(terminal)
                except (SortieError, TimeoutError) as error:
                    failed += 1
                    log.warning("fills.look.failed", terminal=terminal.name, error=str(error))
            if everywhere:
                everywhere_at = self._clock.monotonic() + POLL_S
                if not failed:
                    self._beats.beat("fills")
            about = await self._wakeups.wait("fills", max(0.0, everywhere_at - self._clock.monotonic()))

    async def run_reconcile(self) -> None:
        """Compare every terminal with its venue for ever."""
        while True:
            await self.reconcile_all()
            # One failed query may be a hiccup, or a machine that has just woken: the next one tells.
            hiccup = 1 in self._failures.values()
            await self._wakeups.wait("reconcile", (RETRY_AFTER if hiccup else RECONCILE_EVERY).total_seconds())

    async def reconcile_all(self) -> int:
        """Compare every terminal once; return how many did not agree or could not be asked."""
        differing = 0
        for terminal in await self._database.read(terminals.everything):
            try:
                differing += not await self.reconcile(terminal)
                self._failures.pop(terminal.id, None)
            except (SortieError, TimeoutError) as error:
                # A failed query is never "flat": the terminal stays closed to new exposure.
                differing += 1
                self._failures[terminal.id] = self._failures.get(terminal.id, 0) + 1
                log.warning("reconcile.failed", terminal=terminal.name, error=str(error))
                tell = self._failures[terminal.id] > 1
                await self._database.write(partial(self._unreachable, terminal=terminal, tell=tell))
        if not differing:
            self._beats.beat("reconcile", detail="no differences")
        return differing

    async def look(self, terminal: Terminal) -> None:
        """Book what is new at one venue account, and refresh its balance when that is due."""
        venue = self._venue(terminal)
        report = await asyncio.wait_for(self._report(venue, terminal, with_positions=False), QUERY_TIMEOUT_S)
        news = bool(report.fills or report.orders)
        if news or await self._database.read(lambda unit: self._booking.settling.unsettled(unit, terminal)):
            actor = Actor.job("fills", f"fills-{self._ids.row()}")
            await self._database.write(lambda unit: self._booking.apply(unit, actor, terminal, report), urgent=True)
        balance = self._accounts.latest(terminal.id)
        if report.fills or balance is None or self._clock.now() - balance.received_at >= BALANCE_EVERY:
            await self.refresh_balance(terminal)

    async def refresh_balance(self, terminal: Terminal) -> None:
        """Read the account; the first reading of a day is the day's opening equity."""
        balance = await asyncio.wait_for(self._venue(terminal).balance(terminal.id), QUERY_TIMEOUT_S)
        self._accounts.put(terminal.id, balance)
        day = day_of(self._clock.now(), self._zone)
        opened = await self._database.read(lambda unit: terminals.day_result(unit, terminal.id, day))
        if opened is None or opened.opening_equity == ZERO:
            await self._database.write(lambda unit: terminals.open_day(unit, terminal.id, day, balance.equity))

    async def reconcile(self, terminal: Terminal) -> bool:
        """Compare orders, fills, positions and balance of one terminal; tell whether both sides agree."""
        venue = self._venue(terminal)
        await asyncio.wait_for(venue.open_account(terminal.id, terminal.currency), QUERY_TIMEOUT_S)
        await self.look(terminal)
        await self.refresh_balance(terminal)
        # A fill between two readings looks like a difference once; only what is still there when looked at again is one.
        return await self._agrees(venue, terminal) or await self._agrees(venue, terminal)

    async def _agrees(self, venue: Venue, terminal: Terminal) -> bool:
        report = await asyncio.wait_for(self._report(venue, terminal, with_positions=True), QUERY_TIMEOUT_S)
        actor = Actor.job("reconcile", f"reconcile-{self._ids.row()}")
        return await self._database.write(lambda unit: self._compare(unit, actor, terminal, report))

    def _compare(self, unit: Unit, actor: Actor, terminal: Terminal, report: VenueReport) -> bool:
        self._booking.apply(unit, actor, terminal, report)
        ours = {p.symbol: p.quantity for p in terminals.positions_of(unit, terminal.id)}
        theirs = {p.symbol: p.quantity for p in report.positions}
        differing = {s for s in ours.keys() | theirs.keys() if ours.get(s, ZERO) != theirs.get(s, ZERO)}
        desk.close_incident(unit, AlertCode.VENUE_UNREACHABLE.value, terminal.name)
        confirmed = {symbol for symbol in differing if (terminal.id, symbol) in self._suspects}
        self._suspects = {key for key in self._suspects if key[0] != terminal.id} | {(terminal.id, s) for s in differing}
        for symbol in confirmed:
            facts: dict[str, object] = {
                "symbol": symbol,
                "desk": str(ours.get(symbol, ZERO)),
                "venue": str(theirs.get(symbol, ZERO)),
            }
            alert(unit, self._ids, AlertCode.POSITION_MISMATCH, f"{terminal.name}:{symbol}", facts, terminal.owner_id)
            unit.record(actor, "reconcile.differs", terminal=terminal.id, **facts)
        if confirmed:
            terminals.set_reconciled(unit, terminal.id, None)
        if differing:
            unit.wake("reconcile")
            return False
        for symbol in ours:
            desk.close_incident(unit, AlertCode.POSITION_MISMATCH.value, f"{terminal.name}:{symbol}")
        if terminal.reconciled_at is None:
            unit.record(actor, "reconcile.passed", terminal=terminal.id)
        terminals.set_reconciled(unit, terminal.id, unit.now)
        return True

    def _unreachable(self, unit: Unit, terminal: Terminal, *, tell: bool) -> None:
        terminals.set_reconciled(unit, terminal.id, None)
        if tell:
            alert(unit, self._ids, AlertCode.VENUE_UNREACHABLE, terminal.name, {"terminal": terminal.name}, terminal.owner_id)

    async def _report(self, venue: Venue, terminal: Terminal, *, with_positions: bool) -> VenueReport:
        def booked(unit: Unit) -> tuple[int, list[Order]]:
            return terminals.fill_sequence(unit, terminal.id), orders.live(unit, terminal_id=terminal.id)

        sequence, live = await self._database.read(booked)
        working = list(await venue.open_orders(terminal.id))
        seen = {order.client_id for order in working}
        known = {order.client_id: order for order in live}
        for order in live:
            if order.client_id in seen or order.client_id.startswith(NAMED_BY_VENUE):
                continue
            ended = await venue.find(terminal.id, order.symbol, order.client_id)
            if ended is not None:
                working.append(ended)
        changed = [
            order
            for order in working
            if (ours := known.get(order.client_id or "")) is None
            or (ours.state, ours.filled, ours.quantity) != (order.state, order.filled, order.quantity)
        ]
        positions: list[VenuePosition] = list(await venue.positions(terminal.id)) if with_positions else []
        fills = await venue.fills_since(terminal.id, sequence)
        return VenueReport(orders=changed, fills=fills, positions=positions)

    def _venue(self, terminal: Terminal) -> Venue:
        venue = self._venues.get(terminal.venue)
        if venue is None:
            raise Unavailable("VENUE", terminal=terminal.id)
        return venue
