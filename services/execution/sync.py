"""Looking at each terminal's venue: fills, orders, positions and balance; at start, and for ever."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import partial

import structlog

from services.access.alerts import AlertCode, alert
from services.domain.errors import SortieError, Unavailable, VenueDoubt
from services.domain.live_facts import KeyRight
from services.domain.orders import Order, VenueOrder
from services.domain.people import Actor
from services.domain.ports import Clock, Ids, StageBeat, Venue, Wakeups
from services.domain.trades import Terminal, TerminalMode
from services.execution.booking import NAMED_BY_VENUE, Booking, VenueReport, name_of
from services.execution.comparing import Compared, Comparing
from services.portfolio.accounts import AccountBoard
from services.storage import incidents, instructions, orders, terminals
from services.storage.database import Database, Unit

log = structlog.get_logger()
POLL_S = 1.0
RETRY_AFTER = timedelta(seconds=3)
RECONCILE_EVERY = timedelta(seconds=30)
BALANCE_EVERY = timedelta(seconds=3)
QUERY_TIMEOUT_S = 10.0
# A key's rights change seldom; those of a refused key are asked for at each comparison, until they are mended.
RIGHTS_EVERY_S = 600.0
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
    ) -> None:
        self._database = database
        self._venues = venues
        self._booking = booking
        self._comparing = Comparing(booking, ids)
        self._accounts = accounts
        self._clock = clock
        self._ids = ids
        self._wakeups = wakeups
        self._beats = beats
        self._failures: dict[str, int] = {}
        self._harmless_until: dict[str, float] = {}
        self._rights: dict[str, KeyRight] = {}

    async def run_fills(self) -> None:
        """Book fills for ever: at once where the venue or an acknowledgement hints at some, everywhere every second or so."""
        about, everywhere_at = frozenset({EVERYWHERE}), 0.0
        while True:
            everywhere = EVERYWHERE in about or self._clock.monotonic() >= everywhere_at
            failed = 0
            for terminal in await self._database.glance(partial(_named, names=None if everywhere else about)):
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
        differing = failed = 0
        for terminal in await self._database.read(terminals.everything):
            try:
                differing += not await self.reconcile(terminal)
                self._failures.pop(terminal.id, None)
            except (SortieError, TimeoutError) as error:
                # A failed query is never "flat": the terminal stays closed to new exposure.
                failed += 1
                self._failures[terminal.id] = self._failures.get(terminal.id, 0) + 1
                log.warning("reconcile.failed", terminal=terminal.name, error=str(error))
                tell = self._failures[terminal.id] > 1
                await self._database.write(partial(self._unreachable, terminal=terminal, tell=tell))
        if not failed:
            self._beats.beat("reconcile", detail=f"{differing} differing" if differing else "all agree")
        return differing + failed

    async def open_account(self, terminal: Terminal) -> None:
        """Make a terminal's account known to its venue, with when the desk first sent something there."""
        since = await self._database.glance(partial(instructions.first_sent, terminal_id=terminal.id))
        await asyncio.wait_for(self._venue(terminal).open_account(terminal.id, terminal.currency, since), QUERY_TIMEOUT_S)

    async def look(self, terminal: Terminal) -> None:
        """Book what is new at one venue account, and refresh its balance when that is due."""
        venue = self._venue(terminal)
        report = await asyncio.wait_for(self._report(venue, terminal), QUERY_TIMEOUT_S)
        news = bool(report.fills or report.orders)
        if news or await self._database.glance(lambda unit: self._booking.settling.unsettled(unit, terminal)):
            actor = Actor.job("fills", f"fills-{self._ids.row()}")
            await self._database.write(lambda unit: self._booking.apply(unit, actor, terminal, report), urgent=True)
        balance = self._accounts.latest(terminal.id)
        if report.fills or balance is None or self._clock.now() - balance.received_at >= BALANCE_EVERY:
            await self.refresh_balance(terminal)

    async def refresh_balance(self, terminal: Terminal) -> None:
        """Read the account; the first reading of a day, with prices for what is open, is the one that the day begins with."""
        balance = await asyncio.wait_for(self._venue(terminal).balance(terminal.id), QUERY_TIMEOUT_S)
        self._accounts.put(terminal.id, balance)
        days = self._booking.days
        if await self._database.glance(lambda unit: days.can_open(unit, terminal)):
            await self._database.write(lambda unit: days.open(unit, terminal))

    async def reconcile(self, terminal: Terminal) -> bool:
        """Compare orders, fills, positions and balance of one terminal; tell whether both sides agree.

        What is found different is looked at again at once, with all fills since the account was opened; what the venue's
        evidence settles is repaired, and what is left is proposed to people. A terminal whose key may withdraw is looked after
        like any other, and stays closed to new exposure.
        """
        venue = self._venue(terminal)
        await self.open_account(terminal)
        harmless = await self._is_harmless(terminal)
        await self.look(terminal)
        await self.refresh_balance(terminal)
        # A fill between two readings looks like a difference once; only what is still there when looked at again is one.
        compared = await self._compare(venue, terminal, harmless=harmless, from_the_start=False)
        if compared.differs:
            compared = await self._compare(venue, terminal, harmless=harmless, from_the_start=True)
        return compared.agreed

    async def _is_harmless(self, terminal: Terminal) -> bool:
        """Tell whether the venue leaves the key without the right to withdraw, as far as it says; tell people when not."""
        if terminal.mode is TerminalMode.PAPER or self._clock.monotonic() < self._harmless_until.get(terminal.id, 0.0):
            return True
        return await self.ask_right(terminal) is not KeyRight.MAY

    async def ask_right(self, terminal: Terminal) -> KeyRight:
        """Ask the venue what the terminal's key may do, and tell people where it may withdraw."""
        may = await asyncio.wait_for(self._venue(terminal).may_withdraw(), QUERY_TIMEOUT_S)
        right = self._rights[terminal.id] = KeyRight.told(may)
        harmless = right is not KeyRight.MAY
        self._harmless_until[terminal.id] = self._clock.monotonic() + RIGHTS_EVERY_S if harmless else 0.0
        await self._database.write(partial(self._tell_rights, terminal=terminal, harmless=harmless))
        return right

    def last_right(self, terminal_id: str) -> KeyRight:
        """Return what the venue last said of a terminal's key in this run."""
        return self._rights.get(terminal_id, KeyRight.UNASKED)

    def _tell_rights(self, unit: Unit, terminal: Terminal, *, harmless: bool) -> None:
        if harmless:
            incidents.close_incident(unit, AlertCode.KEY_MAY_WITHDRAW.value, terminal.name)
            return
        terminals.set_reconciled(unit, terminal.id, None)
        alert(unit, self._ids, AlertCode.KEY_MAY_WITHDRAW, terminal.name, {"terminal": terminal.name}, terminal.owner_id)

    async def _compare(self, venue: Venue, terminal: Terminal, *, harmless: bool, from_the_start: bool) -> Compared:
        report = await asyncio.wait_for(self._compared(venue, terminal, from_the_start=from_the_start), QUERY_TIMEOUT_S)
        actor = Actor.job("reconcile", f"reconcile-{self._ids.row()}")
        return await self._database.write(lambda unit: self._comparing(unit, actor, terminal, report, opens=harmless))

    def _unreachable(self, unit: Unit, terminal: Terminal, *, tell: bool) -> None:
        terminals.set_reconciled(unit, terminal.id, None)
        if tell:
            alert(unit, self._ids, AlertCode.VENUE_UNREACHABLE, terminal.name, {"terminal": terminal.name}, terminal.owner_id)

    async def _report(self, venue: Venue, terminal: Terminal) -> VenueReport:
        """Read what is new: orders that changed or ended, and fills."""
        sequence, live = await self._booked(terminal)
        working, lost, _ = await self._orders(venue, terminal, live)
        known = {order.client_id: order for order in live}
        changed = [
            order
            for order in working
            if (ours := known.get(name_of(order))) is None
            or (ours.state, ours.filled, ours.quantity) != (order.state, order.filled, order.quantity)
        ]
        fills = await venue.fills_since(terminal.id, sequence)
        return VenueReport(orders=changed, fills=fills, positions=[], lost=lost)

    async def _compared(self, venue: Venue, terminal: Terminal, *, from_the_start: bool) -> VenueReport:
        """Read everything that is compared; raise VenueDoubt when the venue is unsure of an order."""
        sequence, live = await self._booked(terminal)
        working, lost, unsure = await self._orders(venue, terminal, live)
        if unsure is not None:
            raise unsure
        positions = list(await venue.positions(terminal.id))
        fills = await venue.fills_since(terminal.id, 0 if from_the_start else sequence)
        return VenueReport(orders=working, fills=fills, positions=positions, lost=lost)

    async def _booked(self, terminal: Terminal) -> tuple[int, list[Order]]:
        def body(unit: Unit) -> tuple[int, list[Order]]:
            return terminals.fill_sequence(unit, terminal.id), orders.live(unit, terminal_id=terminal.id)

        return await self._database.glance(body)

    async def _orders(
        self, venue: Venue, terminal: Terminal, live: Sequence[Order]
    ) -> tuple[list[VenueOrder], list[Order], VenueDoubt | None]:
        """Return the working orders, those of ours that ended, and those of ours that the venue does not know.

        A doubt about one order keeps nobody from booking what is known of the others.
        """
        working = list(await venue.open_orders(terminal.id))
        seen = {name_of(order) for order in working}
        lost: list[Order] = []
        unsure: VenueDoubt | None = None
        for order in live:
            if order.client_id in seen:
                continue
            try:
                ended = await self._find(venue, order)
            except VenueDoubt as doubt:
                unsure = doubt
                continue
            if ended is not None:
                working.append(ended)
            else:
                lost.append(order)
        return working, lost, unsure

    async def _find(self, venue: Venue, order: Order) -> VenueOrder | None:
        """Ask for one order; without a client id there is nothing to ask by."""
        if order.client_id.startswith(NAMED_BY_VENUE):
            return None
        return await venue.find(order.terminal_id, order.symbol, order.client_id)

    def _venue(self, terminal: Terminal) -> Venue:
        venue = self._venues.get(terminal.venue)
        if venue is None:
            raise Unavailable("VENUE", terminal=terminal.id)
        return venue
