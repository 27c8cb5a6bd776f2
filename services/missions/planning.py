"""From a mission and a trader to a plan that the gate can judge; shared by preview and fire, so both ask the same question."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Protocol

from config.groups import RouteSettings
from config.limits import RiskSettings
from services.domain.discipline import Discipline
from services.domain.entries import EntryKind, kinds_for
from services.domain.errors import NotFound, Refused, Unavailable
from services.domain.grades import FireMode, Grade, Rank, tightened
from services.domain.limits import Effective, Limit, LimitBook
from services.domain.live_facts import LiveGround
from services.domain.market import Instrument
from services.domain.money import Price
from services.domain.orders import Balance
from services.domain.people import Person
from services.domain.ports import Capabilities, Clock, QuoteSource
from services.domain.signals import Mission, Side
from services.domain.trades import Terminal, Trade
from services.domain.verdicts import Verdict
from services.market.correlation import CorrelationBoard
from services.market.news.blackouts import CalendarBoard
from services.risk.context import GateContext, MarketPart, Plan
from services.risk.day_book import PriceOf
from services.risk.discipline import DisciplineRules, read_discipline
from services.risk.gate import decide
from services.risk.inputs import Inputs
from services.risk.ledger import committed_since, read_ledger
from services.risk.limits import in_force, standing
from services.risk.live_standing import read_standing
from services.risk.score_calibration import CalibrationBoard
from services.risk.sessions import Sessions
from services.risk.size_rules import SizeRules
from services.risk.sizing import Costs, funds_needed
from services.risk.surroundings import Asked, Readings, Surroundings, read_live, read_surroundings
from services.storage import desk, grades, missions, modes, terminals
from services.storage.database import Unit

# The channel of somebody who fires without a tap.
AUTO = "auto"


class Accounts(Protocol):
    """Where the newest balances are kept."""

    def latest(self, terminal_id: str) -> Balance | None:
        """Return the newest reading, or None."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What planning needs of the settings; ``book`` holds the gate's limits of ``limits``, with those of narrower scopes."""

    limits: RiskSettings
    book: LimitBook
    costs: Costs
    zone: str
    currency: str
    config_hash: str
    halt_file: Path
    discipline: DisciplineRules
    sessions: Sessions
    inputs: Inputs
    correlations: CorrelationBoard
    calibrations: CalibrationBoard
    calendar: CalendarBoard
    sizing: SizeRules
    routes: RouteSettings = field(default_factory=RouteSettings)
    venue_costs: Mapping[str, Costs] = field(default_factory=dict)
    grounds: Mapping[str, LiveGround] = field(default_factory=dict)

    def costs_at(self, terminal: Terminal) -> Costs:
        """Return what a round trip costs at a terminal's venue; ``costs`` are the paper venue's."""
        return self.venue_costs.get(terminal.venue, self.costs)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A mission in front of one trader's terminal: the market as it is now, and the trades that live there in this unit.

    ``limits`` are those in force where person, terminal, strategy and instrument meet, with what the person's grade tightens;
    ``config_hash`` is that of settings and limits together.
    ``again`` is the trade that is asked about when it stands already: it is not counted beside itself.
    """

    mission: Mission
    person: Person
    terminal: Terminal
    market: MarketPart
    live: tuple[Trade, ...]
    limits: Mapping[Limit, Effective]
    config_hash: str
    beside: Surroundings
    discipline: Discipline
    grade: Grade
    fires: FireMode
    again: Trade | None = None
    by_itself: bool = False

    @property
    def others(self) -> Sequence[Trade]:
        """Return the trades that live at the terminal, without the one that is asked about."""
        return [trade for trade in self.live if self.again is None or trade.id != self.again.id]


class Desk:
    """Puts cases together and asks the gate; the gate is not optional, it is built in."""

    def __init__(
        self,
        quotes: QuoteSource,
        accounts: Accounts,
        clock: Clock,
        rules: Rules,
        capabilities: Callable[[str], Capabilities],
    ) -> None:
        self.quotes = quotes
        self.accounts = accounts
        self.clock = clock
        self.rules = rules
        self.capabilities = capabilities

    def kinds(self, terminal: Terminal) -> tuple[EntryKind, ...]:
        """Return the kinds of entry that a terminal takes; of a venue that is not there, none but the usual one is known."""
        try:
            return kinds_for(self.capabilities(terminal.venue))
        except Unavailable:
            return (EntryKind.TAKE,)

    def case(
        self, unit: Unit, mission: Mission, person: Person, terminal_id: str | None = None, again: Trade | None = None
    ) -> Case:
        """Return the case at the named terminal, or at the trader's first that can take the side.

        ``again`` is a trade that stands already and is asked about once more. Raise Refused when there is no terminal to use.
        """
        terminal = _terminal(unit, mission, person, terminal_id)
        universe = desk.current_universe(unit)
        instrument = universe.find(mission.signal.symbol) if universe else None
        grade = grades.find(unit, person.grade)
        stands = in_force(unit, self.rules.book, self.rules.config_hash)
        limits = tightened(stands.book.at(standing(mission.signal, instrument, terminal, person.id)), grade, person.id)
        here, everywhere = read_live(unit, terminal, limits)
        live, price_of = tuple(here), self.exit_prices(limits)
        itself = again.id if again is not None else None
        asked = Asked(
            signal=mission.signal,
            universe=universe,
            person_id=person.id,
            terminal=terminal,
            live=live,
            everywhere=everywhere,
            leaving_out=itself,
        )
        return Case(
            mission=mission,
            person=person,
            terminal=terminal,
            market=self._market(live, terminal, mission.signal.symbol, instrument, unit.now, again),
            live=live,
            limits=limits,
            config_hash=stands.config_hash,
            beside=read_surroundings(unit, asked, limits, self._readings(price_of)),
            discipline=read_discipline(
                unit,
                self.rules.discipline,
                person_id=person.id,
                terminal=terminal,
                live=live,
                price_of=price_of,
                limits=limits,
                grade=grade,
                leaving_out=itself,
            ),
            grade=grade,
            fires=modes.in_force(unit, person.id, grade, mission.signal.source),
            again=again,
        )

    def _readings(self, price_of: PriceOf) -> Readings:
        rules = self.rules
        return Readings(
            price_of=price_of,
            balance_of=self.accounts.latest,
            zone=rules.zone,
            correlations=rules.correlations,
            correlation=rules.correlations.settings,
            quotes=self.quotes,
            currency=rules.currency,
        )

    def _market(
        self,
        live: Sequence[Trade],
        terminal: Terminal,
        symbol: str,
        instrument: Instrument | None,
        now: datetime,
        again: Trade | None,
    ) -> MarketPart:
        """Return the market part as the feeds keep it; another currency without a conversion counts as missing.

        What the unfilled entry of a trade that is asked about again holds counts as free: what takes its place may use it.
        """
        balance = self.accounts.latest(terminal.id)
        if balance is not None and instrument is not None and instrument.quote != balance.currency:
            balance = None
        free, costs = None, self.rules.costs_at(terminal)
        if balance is not None:
            free = balance.free - committed_since(live, balance.received_at, costs)
            if again is not None:
                free += funds_needed(again.quantity - again.entry_quantity, again.worst_price, costs)
        return MarketPart(
            instrument=instrument,
            quote=self.quotes.latest(symbol),
            equity=balance.equity if balance else None,
            free=free,
            equity_at=balance.received_at if balance else None,
            session=self.rules.sessions.at(terminal.name, symbol, now),
        )

    def judge(
        self,
        unit: Unit,
        case: Case,
        *,
        quantity: Decimal,
        worst_price: Price,
        stop: Price,
        kind: EntryKind = EntryKind.TAKE,
        price: Price | None = None,
    ) -> tuple[Verdict, GateContext]:
        """Ask the gate about one size at one worst price, with the ledger as it stands in this unit.

        ``price`` is what the entry waits for.
        """
        context = GateContext(
            now=unit.now,
            plan=Plan(
                side=case.mission.signal.side,
                quantity=quantity,
                worst_price=worst_price,
                stop=stop,
                deadline=case.mission.signal.expires_at,
                costs=self.rules.costs_at(case.terminal),
                kind=kind,
                price=price,
                reach_bps=self.rules.routes.reach_bps,
            ),
            market=case.market,
            ledger=read_ledger(
                unit,
                mission=case.mission,
                terminal=case.terminal,
                live=case.live,
                person_id=case.person.id,
                zone=self.rules.zone,
                price_of=self.exit_prices(case.limits),
                halt_file=self.rules.halt_file.exists(),
                discipline=case.discipline,
                beside=case.beside,
                rank=Rank.at(case.grade, case.terminal, case.fires, by_itself=case.by_itself),
                real=read_standing(unit, case.terminal, self.rules.grounds),
                leaving_out=case.again.id if case.again is not None else None,
            ),
            limits=case.limits,
            config_hash=case.config_hash,
            inputs=self.rules.inputs.about(case.mission.signal, unit.now),
        )
        return decide(context), context

    def exit_prices(self, limits: Mapping[Limit, Effective]) -> PriceOf:
        """Return what gives the middle of an instrument's newest quote; None for one older than an account's reading may be."""
        oldest = float(limits[Limit.EQUITY_AGE_S].value)

        def middle(symbol: str) -> Decimal | None:
            quote = self.quotes.latest(symbol)
            if quote is None or quote.age(self.clock.now()).total_seconds() > oldest:
                return None
            return quote.mid

        # One judgement asks for the same instruments again and again, and is to see one price of each.
        return cache(middle)


def _terminal(unit: Unit, mission: Mission, person: Person, terminal_id: str | None) -> Terminal:
    """Return the named terminal where it is the person's to use, or the first that can take the side."""
    usable = terminals.usable_by(unit, person.id)
    short = mission.signal.side is Side.SHORT
    able = [each for each in usable if each.can_short or not short]
    chosen = [each for each in usable if each.id == terminal_id] if terminal_id is not None else able or usable
    if not chosen:
        raise Refused("NO_TERMINAL", person=person.id)
    return chosen[0]


def find_mission(unit: Unit, reference: str | None) -> Mission:
    """Return the mission of an id, of a number people type, or the newest open one; raise NotFound otherwise."""
    if reference is None:
        newest = missions.open_missions(unit)
        if not newest:
            raise NotFound("NO_OPEN_MISSION")
        return newest[0]
    found = missions.by_reference(unit, reference)
    if found is None:
        raise NotFound("MISSION", reference=reference)
    return found
