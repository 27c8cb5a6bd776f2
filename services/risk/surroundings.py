"""What stands beside an entry: live trades at their worst, what was done before, the week; read only where a limit asks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from statistics import median

from config.correlation import CorrelationSettings
from services.domain.correlations import Alike, Correlator
from services.domain.errors import Unavailable
from services.domain.limits import Effective, Limit
from services.domain.market import Universe
from services.domain.money import ZERO, Money
from services.domain.orders import Balance
from services.domain.ports import QuoteSource
from services.domain.signals import Side, Signal, strategy_of
from services.domain.states import TradeState
from services.domain.trades import Terminal, Trade
from services.market.conversion import Conversion, convert
from services.risk.day_book import PriceOf, open_profit
from services.risk.days import day_of, is_weekend
from services.storage import instructions, terminals, trade_record, trades
from services.storage.database import Unit

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
# A person's median is taken of so many of their newest trades, and of none when there are fewer than the least.
MOST_VALUES, LEAST_VALUES = 50, 10
WIDE = frozenset(
    {
        Limit.GROSS_EXPOSURE,
        Limit.NET_EXPOSURE,
        Limit.DESK_POSITIONS,
        Limit.PERSON_POSITIONS,
        Limit.STRATEGY_POSITIONS,
        Limit.INSTRUMENT_POSITIONS,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskWide:
    """All live trades of the desk: their values, over the equity of the accounts they stand in, and how many there are.

    Values and equity are in the desk's currency, None where an account was not read lately or a rate is missing. ``rate`` turns
    the entry's quote currency into the desk's; ``rates`` name the quotes that were converted by, with their age.
    """

    gross: Decimal | None
    net: Decimal | None
    equity: Decimal | None
    positions: int
    of_person: int
    of_strategy: int
    on_instrument: int
    rate: Decimal = Decimal(1)
    rates: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Week:
    """What the account made since its first reading of the week, and what it was worth then; None is not known."""

    profit: Decimal | None
    equity: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Usual:
    """The median value of a person's newest trades; None below the least sample."""

    value: Decimal | None
    samples: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """Amounts are in the instrument's quote currency; a part that no limit in force asks for is None.

    ``account_value`` is the value of the terminal's live trades, ``instrument_value`` of those on the instrument,
    ``tier_value`` of those on instruments of its tier, and ``opposite`` the number on its other side; ``open_risk`` is what
    they lose at their stops. ``last_close`` is the instrument's at the terminal; ``hour`` is when the person confirmed trades
    within the last hour, oldest first. ``weekend`` tells whether it is Saturday or Sunday in the desk's zone; ``writes`` counts
    what went to the terminal's venue within the minute, and what waits to.
    """

    score: int
    account_value: Decimal
    instrument_value: Decimal
    opposite: int
    wide: DeskWide | None = None
    last_close: datetime | None = None
    hour: tuple[datetime, ...] | None = None
    usual: Usual | None = None
    week: Week | None = None
    open_risk: Decimal | None = None
    tier_value: Decimal | None = None
    weekend: bool | None = None
    writes: int | None = None
    alike: Alike | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Whose entry it is and where, with the trades that live at the terminal in this unit, the asked one left out.

    ``universe`` is the newest snapshot, None before the first. ``everywhere`` is every live trade of the desk, None where no
    limit in force asks for it.
    """

    signal: Signal
    universe: Universe | None
    person_id: int
    terminal: Terminal
    live: Sequence[Trade]
    everywhere: Sequence[Trade] | None = None
    leaving_out: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Readings:
    """Where prices and accounts are read; a price that is not fresh, or an account never read, is None."""

    price_of: PriceOf
    balance_of: Callable[[str], Balance | None]
    zone: str
    correlations: Correlator
    correlation: CorrelationSettings
    quotes: QuoteSource
    currency: str


def worst_value(trade: Trade, price_of: PriceOf) -> Decimal:
    """Return what a live trade is worth at its worst: all that it may still become, at the dearest price it may have."""
    average = trade.average_entry
    if trade.state is TradeState.OPEN and average is not None and trade.route is None:
        return trade.open_quantity * max(average, price_of(trade.symbol) or ZERO)
    most = max(ZERO, max(trade.quantity, trade.entry_quantity) - trade.exit_quantity - trade.dust)
    return most * max(trade.worst_price, trade.decision_price, price_of(trade.symbol) or ZERO)


def read_surroundings(unit: Unit, asked: Asked, limits: Mapping[Limit, Effective], readings: Readings) -> Surroundings:
    """Read what the limits in force measure, in a few statements; a limit that is off costs none."""
    others = [trade for trade in asked.live if trade.id != asked.leaving_out]
    here = [trade for trade in others if trade.symbol == asked.signal.symbol]
    cools, hourly = Limit.INSTRUMENT_COOLDOWN_S in limits, Limit.TRADES_PER_HOUR in limits
    return Surroundings(
        score=asked.signal.score,
        account_value=sum((worst_value(trade, readings.price_of) for trade in others), ZERO),
        instrument_value=sum((worst_value(trade, readings.price_of) for trade in here), ZERO),
        opposite=sum(trade.side is not asked.signal.side for trade in here),
        wide=_wide(unit, asked, asked.everywhere, limits, readings) if asked.everywhere is not None else None,
        last_close=trade_record.last_close(unit, asked.terminal.id, asked.signal.symbol) if cools else None,
        hour=tuple(trade_record.tapped_since(unit, asked.person_id, unit.now - HOUR, asked.leaving_out or ""))
        if hourly
        else None,
        usual=_usual(unit, asked) if Limit.USUAL_MULTIPLE in limits else None,
        week=week_of(unit, asked.terminal.id, asked.live, readings.zone, readings.price_of)
        if Limit.WEEKLY_LOSS in limits
        else None,
        open_risk=sum((trade.open_risk for trade in others), ZERO) if Limit.MARGIN_LEFT in limits else None,
        tier_value=_tier_value(asked, others, readings) if Limit.TIER_SHARE in limits else None,
        alike=_alike(asked, others, readings) if Limit.GROUP_SHARE in limits else None,
        writes=instructions.writes_since(unit, asked.terminal.id, unit.now - MINUTE)
        if Limit.WRITES_PER_MINUTE in limits
        else None,
        weekend=is_weekend(unit.now, readings.zone) if Limit.WEEKEND_POSITIONS in limits else None,
    )


def value_room(beside: Surroundings, limits: Mapping[Limit, Effective], side: Side, equity: Decimal, now: datetime) -> Decimal:
    """Return the value that a trade may have by the limits on what the account and the desk hold with it."""
    rooms = [equity * limits[Limit.LEVERAGE].value - beside.account_value]
    if Limit.INSTRUMENT_SHARE in limits:
        rooms.append(equity * limits[Limit.INSTRUMENT_SHARE].value - beside.instrument_value)
    if beside.tier_value is not None and Limit.TIER_SHARE in limits:
        rooms.append(equity * limits[Limit.TIER_SHARE].value - beside.tier_value)
    alike = beside.alike.known_at(now) if beside.alike is not None else None
    if alike is not None and Limit.GROUP_SHARE in limits:
        rooms.append(equity * limits[Limit.GROUP_SHARE].value - alike)
    wide, usual = beside.wide, beside.usual
    if wide is not None and wide.equity is not None and wide.gross is not None and Limit.GROSS_EXPOSURE in limits:
        rooms.append(wide.equity * limits[Limit.GROSS_EXPOSURE].value / wide.rate - wide.gross / wide.rate)
    if wide is not None and wide.equity is not None and wide.net is not None and Limit.NET_EXPOSURE in limits:
        rooms.append(wide.equity * limits[Limit.NET_EXPOSURE].value / wide.rate - wide.net * side.sign / wide.rate)
    if usual is not None and usual.value is not None and Limit.USUAL_MULTIPLE in limits:
        rooms.append(usual.value * limits[Limit.USUAL_MULTIPLE].value)
    return min(rooms)


def read_live(unit: Unit, terminal: Terminal, limits: Mapping[Limit, Effective]) -> tuple[list[Trade], list[Trade] | None]:
    """Return a terminal's live trades, and in the same read those of the whole desk where a limit in force asks for them."""
    if not limits.keys() & WIDE:
        return trades.live(unit, terminal_id=terminal.id), None
    everywhere = trades.live(unit)
    return [trade for trade in everywhere if trade.terminal_id == terminal.id], everywhere


def _wide(
    unit: Unit, asked: Asked, everywhere: Sequence[Trade], limits: Mapping[Limit, Effective], readings: Readings
) -> DeskWide:
    live = [trade for trade in everywhere if trade.id != asked.leaving_out]
    sources, own = trade_record.live_sources(unit), strategy_of(asked.signal.source)
    balances = [readings.balance_of(each) for each in {asked.terminal.id, *(trade.terminal_id for trade in live)}]
    oldest = unit.now - timedelta(seconds=float(limits[Limit.EQUITY_AGE_S].value))
    fresh = [each for each in balances if each is not None and each.received_at >= oldest]
    currencies = {asked.terminal.currency, *(each.currency for each in fresh), *(trade.currency for trade in live)}
    rates = _rates(currencies, asked, limits, readings, unit.now)
    counted = DeskWide(
        gross=None,
        net=None,
        equity=None,
        positions=len(live),
        of_person=sum(trade.person_id == asked.person_id for trade in live),
        of_strategy=sum(strategy_of(sources[trade.id]) == own for trade in live),
        on_instrument=sum(trade.symbol == asked.signal.symbol for trade in live),
    )
    if rates is None or len(fresh) < len(balances):
        return counted
    values = [worst_value(trade, readings.price_of) * rates[trade.currency].money.amount for trade in live]
    return replace(
        counted,
        gross=sum(values, ZERO),
        net=sum((value * trade.side.sign for value, trade in zip(values, live, strict=True)), ZERO),
        equity=sum((each.equity * rates[each.currency].money.amount for each in fresh), ZERO),
        rate=rates[asked.terminal.currency].money.amount,
        rates=tuple(sorted(_named(currency, each) for currency, each in rates.items() if each.symbol is not None)),
    )


def _rates(
    currencies: Iterable[str], asked: Asked, limits: Mapping[Limit, Effective], readings: Readings, now: datetime
) -> Mapping[str, Conversion] | None:
    """Return what one unit of each currency is in the desk's, or None where a fresh quote for one is missing."""
    instruments = asked.universe.instruments if asked.universe is not None else ()
    most = timedelta(seconds=float(limits[Limit.QUOTE_AGE_S].value))
    try:
        return {
            each: convert(Money(Decimal(1), each), readings.currency, readings.quotes, instruments, now, most)
            for each in currencies
        }
    except Unavailable:
        return None


def _named(currency: str, found: Conversion) -> str:
    age_s = found.age.total_seconds() if found.age is not None else 0.0
    return f"{currency} by {found.symbol}, {age_s:.1f} s"


def _tier_value(asked: Asked, others: Sequence[Trade], readings: Readings) -> Decimal | None:
    """Add up what lives on instruments of the entry's tier; one that is not listed any more counts in every tier."""
    if asked.universe is None:
        return None
    tiers = {each.symbol: each.tier for each in asked.universe.instruments}
    own = tiers.get(asked.signal.symbol)
    alike = [trade for trade in others if tiers.get(trade.symbol, own) is own]
    return sum((worst_value(trade, readings.price_of) for trade in alike), ZERO) if own is not None else None


def _alike(asked: Asked, others: Sequence[Trade], readings: Readings) -> Alike:
    """Add up what lives on instruments that move with the entry's, either way; the entry's own moves with itself."""
    own, rules = asked.signal.symbol, readings.correlation
    found = {each.symbol: readings.correlations.between(own, each.symbol) for each in others if each.symbol != own}
    known = [each for each in found.values() if each is not None]
    near = {symbol for symbol, each in found.items() if each is not None and abs(each.value) >= rules.threshold} | {own}
    values = [worst_value(trade, readings.price_of) for trade in others if trade.symbol in near]
    return Alike(
        value=sum(values, ZERO) if len(known) == len(found) else None,
        symbols=tuple(sorted(near)),
        as_of=min((each.as_of for each in known), default=None),
        max_age_s=rules.max_age_s,
        required=rules.required,
    )


def _usual(unit: Unit, asked: Asked) -> Usual:
    values = trade_record.latest_values(unit, asked.person_id, asked.terminal.currency, MOST_VALUES, asked.leaving_out or "")
    return Usual(value=median(values) if len(values) >= LEAST_VALUES else None, samples=len(values))


def week_of(unit: Unit, terminal_id: str, live: Sequence[Trade], zone: str, price_of: PriceOf) -> Week:
    """Add up a terminal's days since Monday, in the desk's zone; as long as today has no first reading nothing is known."""
    today = date.fromisoformat(day_of(unit.now, zone))
    monday = today - timedelta(days=today.weekday())
    days = terminals.days_since(unit, terminal_id, monday.isoformat())
    opened = [(day, result) for day, result in days if result.opening_equity != ZERO]
    shown = open_profit(live, price_of)
    if shown is None or not opened or opened[-1][0] != today.isoformat():
        return Week(profit=None, equity=None)
    realized, (_, first) = sum((result.realized for _, result in days), ZERO), opened[0]
    return Week(profit=realized + shown - first.carried, equity=first.opening_equity)
