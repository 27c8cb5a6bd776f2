"""The limits in force with their use now: the desk's values, narrower ones, and what one person uses of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from services.domain.changes import Change, ChangeKind
from services.domain.limits import Effective, Limit, LimitBook, Scope, ScopedValue
from services.domain.market import Universe
from services.domain.money import ZERO
from services.domain.orders import Balance
from services.domain.signals import Side, strategy_of
from services.domain.states import TradeState
from services.domain.trades import Terminal, TerminalMode, Trade
from services.reporting.live import Live, middle_price
from services.risk.days import day_of
from services.risk.ledger import day_profit
from services.risk.limit_changes import Target
from services.risk.limits import limits_in_force
from services.risk.surroundings import week_of
from services.storage import changes, desk, instructions, people, terminals, trade_record, trades
from services.storage.database import Unit

AN_HOUR, A_MINUTE = timedelta(hours=1), timedelta(minutes=1)
_NOT_IN_YET = (TradeState.AWAITING_APPROVAL, TradeState.WORKING)


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitLine:
    """One limit: what the desk sets, None for off; what holds for the reader; the values of narrower scopes; the use now.

    ``use`` is in the limit's own unit, None where it belongs to an entry, or cannot be measured. ``setting`` is what the file
    says where a change stands over it, else the same as ``desk``; ``pending`` is a change that waits or is scheduled.
    """

    limit: Limit
    desk: Decimal | None
    setting: Decimal | None
    own: Effective | None
    narrower: tuple[ScopedValue, ...]
    use: Decimal | None
    pending: Change | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitsList:
    """Every limit in the order of the settings; ``terminal`` is where the reader's use was read, None without one."""

    rows: tuple[LimitLine, ...]
    reader: str
    names: Mapping[str, str]
    terminal: str | None
    may_change: bool
    modes: tuple[TerminalMode, ...]
    at: datetime


def limits_list(unit: Unit, settings: LimitBook, person_id: int, live: Live, *, may_change: bool) -> LimitsList:
    """Read the limits in force, and how much of them one person uses at the terminal they trade at."""
    book = limits_in_force(unit, settings)
    person, account = people.find(unit, person_id), terminals.of_person(unit, person_id)
    where = {Scope.PERSON: str(person_id)} | ({Scope.TERMINAL: account.name} if account is not None else {})
    own, uses = book.at(where), _uses(unit, account, person_id, live) if account is not None else {}
    return LimitsList(
        rows=tuple(
            LimitLine(
                limit=limit,
                desk=book.desk.get(limit),
                setting=settings.desk.get(limit),
                own=own.get(limit),
                narrower=tuple(each for each in book.scoped if each.limit is limit),
                use=uses.get(limit),
                pending=_pending(unit, limit),
            )
            for limit in Limit
        ),
        reader=person.name if person is not None else "desk",
        names={str(each.id): each.name for each in people.everyone(unit)},
        terminal=account.name if account is not None else None,
        may_change=may_change,
        modes=(account.mode,) if account is not None else tuple(sorted(terminals.modes(unit))),
        at=live.now,
    )


def _pending(unit: Unit, limit: Limit) -> Change | None:
    return next(iter(changes.pending(unit, ChangeKind.LIMIT, Target(limit=limit).written)), None)


def _uses(unit: Unit, account: Terminal, person_id: int, live: Live) -> Mapping[Limit, Decimal]:
    """Return what is measured without an entry at hand; shares are of the account's equity, or of all accounts' together."""
    everything = trades.live(unit)
    here = [each for each in everything if each.terminal_id == account.id]
    sources = trade_record.live_sources(unit)
    counts = {
        Limit.OPEN_POSITIONS: len(here),
        Limit.WEEKEND_POSITIONS: len(here),
        Limit.DESK_POSITIONS: len(everything),
        Limit.PERSON_POSITIONS: sum(each.person_id == person_id for each in everything),
        Limit.STRATEGY_POSITIONS: max(Counter(strategy_of(each) for each in sources.values()).values(), default=0),
        Limit.INSTRUMENT_POSITIONS: max(Counter(each.symbol for each in everything).values(), default=0),
        Limit.WRITES_PER_MINUTE: instructions.writes_since(unit, account.id, unit.now - A_MINUTE),
        Limit.TRADES_PER_HOUR: trades.count_fired(unit, person_id, unit.now - AN_HOUR, ""),
    }
    found = {limit: Decimal(count) for limit, count in counts.items()}
    balance, universe = live.balance(account.id), desk.current_universe(unit)
    return {
        **found,
        **_losses(unit, account, here, live),
        **_ages(balance, universe, live),
        **_shares(here, balance, universe),
        **_desk_shares(unit, everything, live),
    }


def _losses(unit: Unit, account: Terminal, here: Sequence[Trade], live: Live) -> Mapping[Limit, Decimal]:
    def price(symbol: str) -> Decimal | None:
        found = middle_price(live, symbol)
        return found.value if found is not None else None

    profit, week = day_profit(unit, account, live.zone, price), week_of(unit, account.id, here, live.zone, price)
    day = terminals.day_result(unit, account.id, day_of(live.now, live.zone))
    found = {}
    if profit is not None and day is not None and day.opening_equity > ZERO:
        found[Limit.DAILY_LOSS] = max(ZERO, -profit) / day.opening_equity
    if week.profit is not None and week.equity is not None and week.equity > ZERO:
        found[Limit.WEEKLY_LOSS] = max(ZERO, -week.profit) / week.equity
    return found


def _ages(balance: Balance | None, universe: Universe | None, live: Live) -> Mapping[Limit, Decimal]:
    """Return how old the account's reading is, and the oldest quote of what is listed; an instrument without one has no age."""
    quotes = [live.quote(each.symbol) for each in universe.instruments] if universe is not None else []
    ages = [each.age(live.now).total_seconds() for each in quotes if each is not None]
    found = {Limit.QUOTE_AGE_S: max(ages)} if ages and len(ages) == len(quotes) else {}
    if balance is not None:
        found[Limit.EQUITY_AGE_S] = (live.now - balance.received_at).total_seconds()
    return {limit: Decimal(f"{max(0.0, age):.1f}") for limit, age in found.items()}


def _shares(here: Sequence[Trade], balance: Balance | None, universe: Universe | None) -> Mapping[Limit, Decimal]:
    if balance is None or balance.equity <= ZERO:
        return {}
    equity, values = balance.equity, [_value(each) for each in here]
    by_symbol = _sums((each.symbol, _value(each)) for each in here)
    tiers = {each.symbol: each.tier.value for each in universe.instruments} if universe is not None else {}
    by_tier = _sums((tiers[each.symbol], _value(each)) for each in here if each.symbol in tiers)
    at_stops = sum((each.open_risk for each in here), ZERO)
    return {
        Limit.PER_TRADE: max((each.risk_money for each in here), default=ZERO) / equity,
        Limit.MAX_NOTIONAL: max(values, default=ZERO) / equity,
        Limit.CASH_RESERVE: balance.free / equity,
        Limit.MARGIN_LEFT: (balance.free - at_stops) / equity,
        Limit.LEVERAGE: sum(values, ZERO) / equity,
        Limit.INSTRUMENT_SHARE: max(by_symbol.values(), default=ZERO) / equity,
        Limit.TIER_SHARE: max(by_tier.values(), default=ZERO) / equity,
    }


def _desk_shares(unit: Unit, everything: Sequence[Trade], live: Live) -> Mapping[Limit, Decimal]:
    readings = [live.balance(each.id) for each in terminals.everything(unit)]
    known = [each for each in readings if each is not None]
    equity = sum((each.equity for each in known), ZERO)
    if len(known) < len(readings) or equity <= ZERO or len({each.currency for each in known}) != 1:
        return {}
    signed = [_value(each) if each.side is Side.LONG else -_value(each) for each in everything]
    return {
        Limit.GROSS_EXPOSURE: sum((abs(each) for each in signed), ZERO) / equity,
        Limit.NET_EXPOSURE: abs(sum(signed, ZERO)) / equity,
    }


def _value(trade: Trade) -> Decimal:
    """Return what a live trade is worth at its entry; what is still on its way counts at its worst price."""
    coming = max(ZERO, trade.quantity - trade.entry_quantity) if trade.state in _NOT_IN_YET else ZERO
    return trade.open_quantity * (trade.average_entry or trade.worst_price) + coming * trade.worst_price


def _sums(parts: Iterable[tuple[str, Decimal]]) -> Mapping[str, Decimal]:
    found: dict[str, Decimal] = {}
    for key, value in parts:
        found[key] = found.get(key, ZERO) + value
    return found
