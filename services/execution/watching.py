"""What the desk itself watches where a venue cannot hold it: targets, stops, and positions that stand without one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial

import structlog

from config.groups import ProtectionSettings
from services.access.alerts import AlertCode, alert
from services.domain.errors import SortieError
from services.domain.market import Instrument
from services.domain.money import ZERO, Price
from services.domain.orders import OrderRole, OrderType
from services.domain.people import Actor
from services.domain.ports import Clock, Ids, QuoteSource
from services.domain.signals import Side
from services.domain.trades import Trade
from services.execution.covering import HELD_STATES
from services.execution.manage import instrument_of
from services.execution.protection import spread
from services.execution.settling import ANSWERS, Settling, facts_for, subject_of
from services.execution.standing import Books, in_groups, read_books
from services.storage import incidents, trades
from services.storage.database import Database, Unit

log = structlog.get_logger()
FRESH = timedelta(seconds=5)
# From a sale at a target that sold nothing until the next; each one that follows waits twice as long.
AGAIN_S = 2.0
AGAIN_MOST_S = 60.0
OVER_WHEN_QUIET = (AlertCode.POSITION_BARE, AlertCode.WATCH_STALE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """What stands with the desk alone: the trade's stop, and targets that do not rest, with their sizes, nearest first.

    ``never`` tells that the venue takes no stops at all, ``works`` that a stop works at the venue.
    """

    stop: bool
    never: bool
    works: bool
    targets: tuple[tuple[Price, Decimal], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Tries:
    """How often a target was tried for what is ``held``, and the monotonic second before which it is not tried again."""

    held: Decimal
    count: int
    again_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What calls for something: a sale, at a price or at market, and what is wrong now."""

    sell: Decimal = ZERO
    at: Price | None = None
    reason: str = ""
    wrong: frozenset[AlertCode] = frozenset()


class WatchTrades:
    """Looks at the trades whose exits are not exchanged as a whole at their venue; called every second.

    Nothing is sold on an old quote. What is watched follows from the trade and its fills, so a restart changes nothing.
    """

    def __init__(
        self, database: Database, settling: Settling, quotes: QuoteSource, clock: Clock, ids: Ids, settings: ProtectionSettings
    ) -> None:
        self._database = database
        self._settling = settling
        self._quotes = quotes
        self._clock = clock
        self._ids = ids
        self._settings = settings
        self._beyond: dict[str, datetime] = {}
        self._stale: dict[str, datetime] = {}
        self._known: dict[str, frozenset[AlertCode]] = {}
        self._tries: dict[str, _Tries] = {}

    async def __call__(self) -> int:
        """Look at every trade that holds something and return for how many something was written."""
        held = [trade for trade in await self._database.read(trades.live) if trade.state in HELD_STATES]
        for kept in (self._beyond, self._stale, self._known, self._tries):
            for trade_id in kept.keys() - {trade.id for trade in held}:
                del kept[trade_id]
        acted = 0
        for trade in held:
            try:
                if trade.id not in self._known:
                    self._known[trade.id] = await self._database.glance(partial(_alarmed, trade=trade))
                finding = await self._database.glance(partial(self._find, trade=trade))
                if finding.sell or finding.wrong != self._known[trade.id]:
                    await self._database.write(partial(self._act, trade_id=trade.id), urgent=True)
                    self._known[trade.id] = finding.wrong
                    acted += 1
                if finding.at is not None:
                    self._note_try(trade)
            except SortieError as error:
                log.warning("watch.failed", trade=trade.number, error=str(error))
        return acted

    def _find(self, unit: Unit, trade: Trade) -> Finding:
        capabilities = self._settling.capabilities_of(unit, trade)
        if not in_groups(capabilities):
            return Finding()
        instrument = instrument_of(unit, trade)
        books = read_books(unit, trade, instrument, capabilities)
        never = OrderType.STOP not in capabilities.order_types
        watched = Watched(
            stop=never or (not books.standing.stops and self._settings.on_failure == "watch"),
            never=never,
            works=any(o.role is OrderRole.STOP for group in books.standing.groups for o in group.working),
            targets=_unrested(books, instrument),
        )
        wrong = self._wrong(trade, watched)
        busy = trade.closing is not None or books.standing.selling > 0 or books.standing.held <= 0
        finding = Finding() if busy else self._due(trade, watched, books.standing.held)
        if finding.at is not None and self._is_too_soon(trade):
            # The stop is not held up by this: a sale at market is never too soon.
            finding = Finding()
        return replace(finding, wrong=wrong)

    def _near(self, trade: Trade) -> Price | None:
        """Return what closing would take now, or None without a fresh quote."""
        quote = self._quotes.latest(trade.symbol)
        if quote is None or quote.age(self._clock.now()) > FRESH:
            return None
        return quote.bid if trade.side is Side.LONG else quote.ask

    def _due(self, trade: Trade, watched: Watched, held: Decimal) -> Finding:
        near, sign = self._near(trade), trade.side.sign
        if near is None:
            return Finding()
        if (near - trade.stop) * sign <= 0:
            late = self._beyond.get(trade.id)
            answered = late is not None and self._is_late(late) and self._settings.on_failure == "close"
            if watched.stop or (watched.works and answered):
                return Finding(sell=held, reason="STOP" if watched.stop else AlertCode.STOP_LATE.value)
            return Finding()
        reached = next(((price, size) for price, size in watched.targets if (near - price) * sign >= 0), None)
        return Finding(sell=reached[1], at=reached[0], reason="TARGET") if reached is not None else Finding()

    def _wrong(self, trade: Trade, watched: Watched) -> frozenset[AlertCode]:
        now, near = self._clock.now(), self._near(trade)
        found: set[AlertCode] = set()
        if watched.never:
            found.add(AlertCode.STOP_WATCHED)
        elif trade.bare_since is not None and (now - trade.bare_since).total_seconds() > self._settings.bare_alert_s:
            found.add(AlertCode.POSITION_BARE)
        if near is None:
            since = self._stale.setdefault(trade.id, now)
            watches = watched.stop or watched.targets
            if watches and (now - since).total_seconds() > self._settings.stale_alert_s:
                found.add(AlertCode.WATCH_STALE)
            return frozenset(found)
        self._stale.pop(trade.id, None)
        if (near - trade.stop) * trade.side.sign > 0:
            self._beyond.pop(trade.id, None)
        elif watched.works and self._is_late(self._beyond.setdefault(trade.id, now)):
            found.add(AlertCode.STOP_LATE)
        return frozenset(found)

    def _is_late(self, since: datetime) -> bool:
        return (self._clock.now() - since).total_seconds() > self._settings.stop_late_s

    def _note_try(self, trade: Trade) -> None:
        before = self._tries.get(trade.id)
        count = before.count + 1 if before is not None and before.held == trade.open_quantity else 1
        again = self._clock.monotonic() + min(AGAIN_S * 2 ** (count - 1), AGAIN_MOST_S)
        self._tries[trade.id] = _Tries(held=trade.open_quantity, count=count, again_at=again)

    def _is_too_soon(self, trade: Trade) -> bool:
        """Tell whether a sale at a target sold nothing a moment ago: a venue with another price would be asked for ever."""
        tries = self._tries.get(trade.id)
        return tries is not None and tries.held == trade.open_quantity and self._clock.monotonic() < tries.again_at

    def _act(self, unit: Unit, trade_id: str) -> None:
        trade = trades.find(unit, trade_id)
        if trade is None or trade.state not in HELD_STATES:
            return
        finding = self._find(unit, trade)
        self._tell(unit, trade, finding.wrong)
        if finding.sell:
            actor = Actor.job("watch", trade.correlation)
            whole = finding.at is None
            self._settling.sell(unit, actor, trade, finding.sell, finding.reason, whole=whole, at=finding.at)

    def _tell(self, unit: Unit, trade: Trade, wrong: frozenset[AlertCode]) -> None:
        """Open an incident for what is wrong, once each, and close those that are over."""
        about, person = subject_of(trade), trade.person_id
        if AlertCode.STOP_WATCHED in wrong:
            alert(unit, self._ids, AlertCode.STOP_WATCHED, about, facts_for(trade, "the venue takes no stop orders"), person)
        if AlertCode.POSITION_BARE in wrong:
            alert(unit, self._ids, AlertCode.POSITION_BARE, about, facts_for(trade, "no stop works at the venue"), person)
        if AlertCode.WATCH_STALE in wrong:
            alert(unit, self._ids, AlertCode.WATCH_STALE, about, facts_for(trade, "no fresh price"), person)
        if AlertCode.STOP_LATE in wrong:
            facts = facts_for(trade, "the stop at the venue does not execute") | {"done": ANSWERS[self._settings.on_failure]}
            alert(unit, self._ids, AlertCode.STOP_LATE, about, facts, person)
        for code in OVER_WHEN_QUIET:
            if code not in wrong:
                incidents.close_incident(unit, code.value, about)


def _alarmed(unit: Unit, trade: Trade) -> frozenset[AlertCode]:
    """Return what was alarmed of the trade before this process and ends when it is over."""
    named = {row.code for row in incidents.open_incidents(unit) if row.subject == subject_of(trade)}
    return frozenset(code for code in OVER_WHEN_QUIET if code.value in named)


def _unrested(books: Books, instrument: Instrument) -> tuple[tuple[Price, Decimal], ...]:
    """Return the targets that no order at the venue stands for, with what each should take of what is held."""
    standing = books.standing
    sizes = spread(standing.lacking, standing.held, instrument)
    return tuple((price, size) for price, size in sizes if price not in standing.paired)
