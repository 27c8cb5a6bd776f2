"""The watch over circuit breakers: what opens by a measure that nobody books, what closes by time or calm, and trials."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from services.domain.breakers import (
    RULE,
    Breaker,
    BreakerKind,
    BreakerState,
    Outcome,
    in_a_row_beyond,
    slip_bps,
    time_over,
)
from services.domain.halts import HaltScope, blocks_entries
from services.domain.limits import Limit, LimitBook, Scope
from services.domain.money import ZERO, canonical
from services.domain.orders import Balance
from services.domain.people import Actor
from services.domain.ports import Clock, Ids, QuoteSource, StageBeat
from services.domain.trades import Terminal
from services.portfolio.accounts import AccountBoard
from services.risk.breaking import BreakerBook, outcome_of, shown_bps
from services.risk.day_book import MAX_AGE, profit_of_day
from services.risk.days import day_end, day_of
from services.risk.limits import limits_in_force
from services.risk.surroundings import MINUTE
from services.storage import breakers, desk, halts, instructions, terminals, trades
from services.storage.database import Database, Unit

STAGE = "breakers"
# A new highest equity is stored when it is this much above the old one, not with every tick of the market.
PEAK_STEP = Decimal("0.001")
LONG_AGO = timedelta(days=30)
# A wall clock that is set makes every quote look old until the next one comes.
STALE_AGAIN_S = 3.0

Known = Mapping[tuple[BreakerKind, str], Breaker]
Step = Callable[[Unit, Actor], object]


class WatchBreakers:
    """Looks at every terminal, instrument and breaker, and makes the moves that are due, by the limits in force."""

    def __init__(
        self,
        database: Database,
        book: BreakerBook,
        accounts: AccountBoard,
        quotes: QuoteSource,
        clock: Clock,
        ids: Ids,
        beats: StageBeat,
        *,
        limits: LimitBook,
        zone: str,
    ) -> None:
        self._database = database
        self._book = book
        self._accounts = accounts
        self._quotes = quotes
        self._clock = clock
        self._ids = ids
        self._beats = beats
        self._limits = limits
        self._zone = zone
        self._seen: dict[str, tuple[bool, float]] = {}

    async def __call__(self) -> int:
        """Make what moves are due, and return how many; nothing is written where none is."""
        if await self._database.read(lambda unit: any(True for _ in self._steps(unit))):
            done = await self._database.write(self._take)
        else:
            done = 0
        self._beats.beat(STAGE)
        return done

    def _take(self, unit: Unit) -> int:
        actor = Actor.job(STAGE, f"{STAGE}-{self._ids.row()}")
        steps = list(self._steps(unit))
        for step in steps:
            step(unit, actor)
        return len(steps)

    def _steps(self, unit: Unit) -> Iterator[Step]:
        rows = breakers.everything(unit)
        known = {(each.kind, each.subject): each for each in rows}
        for each in rows:
            yield from self._of_time_and_trial(unit, each)
        for terminal in terminals.everything(unit):
            yield from self._of_terminal(unit, terminal, known)
        universe = desk.current_universe(unit)
        for instrument in universe.instruments if universe is not None else ():
            yield from self._of_quotes(unit.now, instrument.symbol, known.get((BreakerKind.STALE_DATA, instrument.symbol)))

    def _of_time_and_trial(self, unit: Unit, breaker: Breaker) -> Iterator[Step]:
        after = time_over(breaker, unit.now)
        if after.state is BreakerState.HALF_OPEN and after != breaker:
            yield lambda unit, actor: self._book.half_open(unit, actor, breaker)
        elif after != breaker:
            yield lambda unit, actor: self._book.close(unit, actor, breaker, by=RULE, reason=after.reason)
        elif outcome_of(unit, breaker, self._book.settings) is not Outcome.PENDING:
            yield lambda unit, actor: self._book.judge_trial(unit, actor, breaker)

    def _of_terminal(self, unit: Unit, terminal: Terminal, known: Known) -> Iterator[Step]:
        measures: Sequence[tuple[BreakerKind, Callable[[Unit, Terminal, datetime | None], str | None]]] = (
            (BreakerKind.DAILY_LOSS, self._lost_today),
            (BreakerKind.DRAWDOWN, self._fallen),
            (BreakerKind.ERROR_RATE, self._erring),
            (BreakerKind.MESSAGE_RATE, self._storming),
            (BreakerKind.SLIPPAGE, self._slipping),
        )
        for kind, measure in measures:
            before = known.get((kind, terminal.id))
            if before is not None and before.state is not BreakerState.CLOSED:
                continue
            reason = measure(unit, terminal, before.counted_from if before is not None else None)
            if reason is not None:
                yield self._opening(kind, terminal.id, reason)
        yield from self._of_peak(unit, terminal)

    def _opening(self, kind: BreakerKind, subject: str, reason: str) -> Step:
        def step(unit: Unit, actor: Actor) -> object:
            day_over = day_end(unit.now, self._zone) if kind is BreakerKind.DAILY_LOSS else None
            until = day_over or self._book.until(kind, unit.now)
            return self._book.open(unit, actor, kind, subject, reason, until=until)

        return step

    def _lost_today(self, unit: Unit, terminal: Terminal, counted_from: datetime | None) -> str | None:
        """Say what the day lost when that is too much; what a commander has dealt with today is left to the gate's limit."""
        day = day_of(unit.now, self._zone)
        if counted_from is not None and day_of(counted_from, self._zone) == day:
            return None
        result = terminals.day_result(unit, terminal.id, day)
        profit = profit_of_day(result, trades.live(unit, terminal_id=terminal.id), lambda symbol: self._price(symbol, unit.now))
        limit = limits_in_force(unit, self._limits).at(_where(terminal))[Limit.DAILY_LOSS].value
        if result is None or profit is None or -profit < result.opening_equity * limit:
            return None
        return f"lost {_percent(-profit / result.opening_equity)} today, limit {_percent(limit)}"

    def _fallen(self, unit: Unit, terminal: Terminal, counted_from: datetime | None) -> str | None:
        balance, peak = self._balance(terminal, unit.now), breakers.peak(unit, terminal.id)
        limit = self._book.settings.drawdown
        if balance is None or peak is None or peak <= ZERO or (peak - balance.equity) < peak * limit:
            return None
        return f"{_percent((peak - balance.equity) / peak)} under the highest equity, limit {_percent(limit)}"

    def _erring(self, unit: Unit, terminal: Terminal, counted_from: datetime | None) -> str | None:
        settings = self._book.settings
        since = unit.now - timedelta(seconds=settings.errors_window_s)
        count = breakers.errors_since(unit, terminal.id, max(since, counted_from or since))
        if count < settings.errors:
            return None
        return f"{count} writes refused or unknown in {settings.errors_window_s:g} s"

    def _storming(self, unit: Unit, terminal: Terminal, counted_from: datetime | None) -> str | None:
        """Say how many writes a minute had when these are too many; what a kill writes to a halted desk is no storm."""
        limit = limits_in_force(unit, self._limits).at(_where(terminal))[Limit.WRITES_PER_MINUTE].value
        since = unit.now - MINUTE
        count = instructions.writes_since(unit, terminal.id, max(since, counted_from or since))
        if count < limit or blocks_entries(halts.in_force(unit, [(HaltScope.DESK, halts.DESK)])) is not None:
            return None
        return f"{count} writes within a minute, limit {canonical(limit)}"

    def _slipping(self, unit: Unit, terminal: Terminal, counted_from: datetime | None) -> str | None:
        settings = self._book.settings
        newest = trades.newest_opened(unit, terminal.id, counted_from or unit.now - LONG_AGO, settings.slippage_entries)
        slips = [slip for slip in (slip_bps(trade) for trade in newest) if slip is not None]
        if not in_a_row_beyond(slips, settings.slippage_bps, settings.slippage_entries):
            return None
        return f"{len(slips)} entries in a row slipped beyond {shown_bps(settings.slippage_bps)} bps"

    def _of_peak(self, unit: Unit, terminal: Terminal) -> Iterator[Step]:
        balance, peak = self._balance(terminal, unit.now), breakers.peak(unit, terminal.id)
        if balance is not None and (peak is None or balance.equity > peak * (1 + PEAK_STEP)):
            equity = balance.equity
            yield lambda unit, actor: breakers.set_peak(unit, terminal.id, equity)

    def _of_quotes(self, now: datetime, symbol: str, before: Breaker | None) -> Iterator[Step]:
        """Open on a quote that stays too old; close when quotes have been fresh for a while; both by monotonic time."""
        quote, settings = self._quotes.latest(symbol), self._book.settings
        # What was never quoted is refused by the age of its quote already.
        age_s = quote.age(now).total_seconds() if quote is not None else 0.0
        lasts_s = self._lasts(symbol, stale=age_s > settings.stale_s)
        is_open = before is not None and before.state is not BreakerState.CLOSED
        if age_s > settings.stale_s:
            if not is_open and lasts_s >= STALE_AGAIN_S:
                yield self._opening(BreakerKind.STALE_DATA, symbol, f"no fresh quote for {age_s:.0f} s")
        elif is_open and before is not None and lasts_s >= settings.calm_s:
            yield lambda unit, actor: self._book.close(unit, actor, before, by=RULE, reason="quotes are fresh again")

    def _lasts(self, symbol: str, *, stale: bool) -> float:
        """Return for how many seconds the instrument's quotes have been as stale or as fresh as they are now."""
        was, since = self._seen.get(symbol, (not stale, 0.0))
        if was is not stale:
            since = self._clock.monotonic()
            self._seen[symbol] = (stale, since)
        return self._clock.monotonic() - since

    def _balance(self, terminal: Terminal, now: datetime) -> Balance | None:
        balance = self._accounts.latest(terminal.id)
        fresh = balance is not None and now - balance.received_at <= MAX_AGE and balance.equity > ZERO
        return balance if fresh else None

    def _price(self, symbol: str, now: datetime) -> Decimal | None:
        quote = self._quotes.latest(symbol)
        return quote.mid if quote is not None and quote.age(now) <= MAX_AGE else None


def _where(terminal: Terminal) -> Mapping[Scope, str]:
    """Return the scopes whose limits bind a whole terminal: its own, and its owner's where one person has it alone."""
    own = {Scope.TERMINAL: terminal.name}
    return own if terminal.owner_id is None else own | {Scope.PERSON: str(terminal.owner_id)}


def _percent(share: Decimal) -> str:
    return f"{canonical((share * 100).quantize(Decimal('0.1')))} %"
