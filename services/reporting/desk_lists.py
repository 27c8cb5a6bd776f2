"""Lists of the desk: limits and their use, open missions, what may be traded, by what, and how well that did."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from sqlalchemy import select

from services.domain.halts import Halt, HaltScope
from services.domain.limits import Limit, Scope
from services.domain.market import Instrument
from services.domain.money import ZERO, Price
from services.domain.screening import Screened
from services.domain.signals import Mission, StrategyState
from services.domain.trades import Terminal, TerminalMode
from services.portfolio.results import Results, results_of
from services.reporting.exposure import Exposure, exposure
from services.reporting.live import Grid, Live, grid_of, middle_price
from services.reporting.mission_view import source_name
from services.reporting.viewer import Terms, Viewer, accounts_of, modes_of
from services.risk.days import day_of
from services.risk.ledger import day_profit
from services.risk.limits import book_of, limits_in_force
from services.risk.live_standing import read_standing
from services.storage import desk, halts, missions, people, terminals, trades
from services.storage.database import Unit
from services.storage.tables import missions as mission_rows
from services.storage.tables import signals as signal_rows

LATEST = 8
RECORD = timedelta(days=90)


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """A limit and how much of it is in use; ``value`` is None when it cannot be measured now."""

    name: str
    value: Decimal | None
    limit: Decimal
    unit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HaltLine:
    """A switch in force with the name of what it covers."""

    halt: Halt
    covers: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskList:
    """Limits with their use at the reader's terminal (``own`` is its name), what is open, and halts in force.

    ``quota`` is the chat's offers in an hour and a day; ``money`` tells whether amounts may be shown.
    """

    own: str | None
    uses: tuple[Use, ...]
    quota: tuple[Use, Use]
    exposure: Exposure
    money: bool
    halts: tuple[HaltLine, ...]
    modes: tuple[TerminalMode, ...]
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class MissionLine:
    """A mission with the name of its source and how its prices are written."""

    mission: Mission
    source: str
    grid: Grid


@dataclass(frozen=True, slots=True, kw_only=True)
class MissionsList:
    """Open missions, newest first; when there is none, the latest of any state, which ``running`` tells."""

    rows: tuple[MissionLine, ...]
    running: bool
    may_fire: bool
    modes: tuple[TerminalMode, ...]
    zone: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class InstrumentLine:
    """An instrument with its newest middle price, spread in bps and age; None before the first quote."""

    instrument: Instrument
    price: Price | None
    spread_bps: Decimal | None
    age: timedelta | None


@dataclass(frozen=True, slots=True, kw_only=True)
class UniverseList:
    """What may be traded, and what of the watched is ``left_out``; ``version`` is None before the first snapshot."""

    version: int | None
    digest: str
    rows: tuple[InstrumentLine, ...]
    left_out: tuple[Screened, ...]
    modes: tuple[TerminalMode, ...]
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class TerminalLine:
    """A terminal with its owner's name, the desk when nobody's.

    ``mine`` tells that the reader may trade there, ``used`` that their previews start there, ``decided`` that its money is not
    real, or that commanders decided to trade it.
    """

    terminal: Terminal
    owner: str
    mine: bool
    used: bool
    decided: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TerminalsList:
    """Terminals; empty where they are not the reader's business, which ``private`` tells."""

    rows: tuple[TerminalLine, ...]
    private: bool
    modes: tuple[TerminalMode, ...]
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class StrategyLine:
    """A loaded strategy: its state, the missions it called in 90 days, and what those trades came to."""

    name: str
    version: str
    state: StrategyState
    offered: int
    results: Results


@dataclass(frozen=True, slots=True, kw_only=True)
class StrategiesList:
    """The loaded strategies; ``may_switch`` tells that a commander reads."""

    rows: tuple[StrategyLine, ...]
    may_switch: bool
    modes: tuple[TerminalMode, ...]
    at: datetime


def risk_list(unit: Unit, viewer: Viewer, live: Live, terms: Terms) -> RiskList:
    """Return every limit with its use now; a group is shown the desk's exposure and its own quota."""
    own = terminals.of_person(unit, viewer.person_id) if viewer.private else None
    return RiskList(
        own=own.name if own else None,
        uses=_account_uses(unit, own, live, terms) if own else (),
        quota=_quota(unit, viewer, live, terms),
        money=viewer.sees_money,
        exposure=exposure(unit, accounts_of(unit, viewer), live),
        halts=halt_lines(unit, viewer),
        modes=modes_of([own] if own else terminals.everything(unit)),
        at=live.now,
    )


def halt_lines(unit: Unit, viewer: Viewer) -> tuple[HaltLine, ...]:
    """Return the switches in force, the desk's before the others and then the oldest, each with what it covers."""
    found = sorted(halts.all_in_force(unit), key=lambda halt: halt.scope is not HaltScope.DESK)
    return tuple(HaltLine(halt=each, covers=_covers(unit, each, viewer)) for each in found)


def _covers(unit: Unit, halt: Halt, viewer: Viewer) -> str:
    """Name what a switch covers; which terminal it is, is nobody's business in a group."""
    if halt.scope is HaltScope.PERSON:
        person = people.find(unit, int(halt.subject)) if halt.subject.isdigit() else None
        return person.name if person else halt.subject
    if halt.scope is HaltScope.TERMINAL:
        account = terminals.find(unit, halt.subject)
        return account.name if account and viewer.private else "a terminal"
    return "desk" if halt.scope is HaltScope.DESK else halt.subject


def _account_uses(unit: Unit, account: Terminal, live: Live, terms: Terms) -> tuple[Use, ...]:
    book, balance = limits_in_force(unit, book_of(terms.limits)), live.balance(account.id)
    limits = {limit: each.value for limit, each in book.at({Scope.TERMINAL: account.name}).items()}
    held = trades.live(unit, terminal_id=account.id)
    most = max((trade.risk_money for trade in held), default=ZERO)
    value = max((trade.quantity * trade.decision_price for trade in held), default=ZERO)
    equity = balance.equity if balance is not None and balance.equity > 0 else None
    return (
        Use(
            name="daily loss",
            value=_daily_loss(unit, account, live, float(limits[Limit.EQUITY_AGE_S])),
            limit=limits[Limit.DAILY_LOSS] * 100,
            unit="%",
        ),
        Use(name="positions", value=Decimal(len(held)), limit=limits[Limit.OPEN_POSITIONS], unit=""),
        Use(
            name="risk of a trade",
            value=most / equity * 100 if equity is not None else None,
            limit=limits[Limit.PER_TRADE] * 100,
            unit="%",
        ),
        Use(
            name="value of a trade",
            value=value / equity * 100 if equity is not None else None,
            limit=limits[Limit.MAX_NOTIONAL] * 100,
            unit="%",
        ),
    )


def _daily_loss(unit: Unit, account: Terminal, live: Live, oldest_s: float) -> Decimal | None:
    def fresh(symbol: str) -> Decimal | None:
        price = middle_price(live, symbol)
        return price.value if price and price.age.total_seconds() <= oldest_s else None

    profit = day_profit(unit, account, live.zone, fresh)
    day = terminals.day_result(unit, account.id, day_of(live.now, live.zone))
    if profit is None or day is None or day.opening_equity <= 0:
        return None
    return max(ZERO, -profit) / day.opening_equity * 100


def _quota(unit: Unit, viewer: Viewer, live: Live, terms: Terms) -> tuple[Use, Use]:
    hour, day = (live.now - timedelta(hours=1), live.now - timedelta(days=1))
    used = [Decimal(missions.count_offers(unit, viewer.chat_id, since)) for since in (hour, day)]
    return (
        Use(name="offers, hour", value=used[0], limit=Decimal(terms.signals.offers_per_hour), unit=""),
        Use(name="offers, day", value=used[1], limit=Decimal(terms.signals.offers_per_day), unit=""),
    )


def missions_list(unit: Unit, viewer: Viewer, live: Live) -> MissionsList:
    """Return what can be fired now, or the latest missions when nothing can."""
    running = missions.open_missions(unit)
    universe = desk.current_universe(unit)
    return MissionsList(
        rows=tuple(
            MissionLine(
                mission=mission,
                source=source_name(unit, mission.signal.source),
                grid=grid_of(universe, mission.signal.symbol),
            )
            for mission in running or missions.latest(unit, LATEST)
        ),
        running=bool(running),
        may_fire=terminals.of_person(unit, viewer.person_id) is not None,
        modes=modes_of(terminals.everything(unit)),
        zone=viewer.zone,
        at=live.now,
    )


def universe_list(unit: Unit, live: Live) -> UniverseList:
    """Return the universe in force with the newest prices."""
    universe = desk.current_universe(unit)
    return UniverseList(
        version=universe.version if universe else None,
        digest=universe.digest if universe else "",
        rows=tuple(_instrument_line(each, live) for each in universe.instruments) if universe else (),
        left_out=tuple(each for each in live.screen.values() if not each.listed),
        modes=modes_of(terminals.everything(unit)),
        at=live.now,
    )


def _instrument_line(instrument: Instrument, live: Live) -> InstrumentLine:
    quote, price = live.quote(instrument.symbol), middle_price(live, instrument.symbol)
    return InstrumentLine(
        instrument=instrument,
        price=price.value if price else None,
        spread_bps=quote.spread_bps if quote else None,
        age=price.age if price else None,
    )


def terminals_list(unit: Unit, viewer: Viewer, live: Live) -> TerminalsList:
    """Return the reader's terminals, a commander's all of them; nothing where others read along."""
    accounts = accounts_of(unit, viewer) if viewer.sees_money else []
    usable = [each.id for each in terminals.usable_by(unit, viewer.person_id)] if viewer.sees_money else []
    return TerminalsList(
        rows=tuple(
            TerminalLine(
                terminal=account,
                owner=_owner(unit, account),
                mine=account.id in usable,
                used=account.id in usable[:1],
                decided=standing is None or standing.holds,
            )
            for account, standing in ((each, read_standing(unit, each, live.real.grounds)) for each in accounts)
        ),
        private=viewer.sees_money,
        modes=modes_of(terminals.everything(unit)),
        at=live.now,
    )


def _owner(unit: Unit, account: Terminal) -> str:
    person = people.find(unit, account.owner_id) if account.owner_id is not None else None
    return person.name if person else "desk"


def strategies_list(unit: Unit, live: Live, terms: Terms, *, may_switch: bool) -> StrategiesList:
    """Return the loaded strategies with their state and their record, all of its versions counted together."""
    switched, since = desk.strategy_states(unit), live.now - RECORD
    sources = (
        select(mission_rows.c.id, signal_rows.c.source)
        .join(signal_rows, signal_rows.c.id == mission_rows.c.signal_id)
        .where(mission_rows.c.created_at >= since, signal_rows.c.source.startswith("strategy:"))
    )
    called = {row.id: row.source.removeprefix("strategy:").partition("@")[0] for row in unit.all(sources)}
    closed = trades.closed(unit, since=since)
    return StrategiesList(
        rows=tuple(
            StrategyLine(
                name=name,
                version=version,
                state=switched.get(name, StrategyState.DISABLED),
                offered=sum(each == name for each in called.values()),
                results=results_of([trade for trade in closed if called.get(trade.mission_id) == name], live.least_sample),
            )
            for name, version in terms.strategies
        ),
        may_switch=may_switch,
        modes=modes_of(terminals.everything(unit)),
        at=live.now,
    )
