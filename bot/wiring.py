"""The object graph: the only place where adapters are built."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Protocol

from bot.approval_wiring import build_second_person, build_trade_approvals
from bot.inputs_wiring import build_inputs
from bot.live_grounds import live_grounds
from bot.nursery import TaskNursery
from bot.system import StageWakeups
from config.groups import VenueSettings
from config.settings import Settings
from services.domain.errors import Unavailable
from services.domain.live_facts import LiveGround
from services.domain.market import Instrument
from services.domain.measures import Meter, Unmeasured
from services.domain.ports import Capabilities, Clock, Ids, MarketData, QuoteSource, StageBeat, Venue
from services.domain.routes import Fees
from services.execution.benching import BenchPerson
from services.execution.booking import Booking
from services.execution.deciding import DecideProposal
from services.execution.executor import Executor, ExecutorPorts
from services.execution.flattening import FlattenDesk
from services.execution.halt_watch import WatchHalt
from services.execution.halting import HaltDesk
from services.execution.handing_over import DecideHandover
from services.execution.killing import KillPorts, WorkKill
from services.execution.manage import AskClose, CancelEntry, CloseTrades, MoveStop
from services.execution.quality import MeasureRoutes, RouteBook
from services.execution.rearming import CarryOutRearm, ResumeDesk
from services.execution.resolve import ResolveUnknown
from services.execution.resolving import ResolveByHand
from services.execution.routing import EntryPorts, WorkEntries
from services.execution.settling import Settling
from services.execution.sync import VenueSync
from services.market.correlation import CorrelationBoard
from services.market.news.blackouts import CalendarBoard
from services.market.quotes import QuoteBoard
from services.missions.amend import AmendEntry
from services.missions.approve import TradeApprovals
from services.missions.entry_book import EntryBook
from services.missions.expire import ExpireMissions
from services.missions.fire import FireMission
from services.missions.offer import OfferMissions
from services.missions.planning import Desk, Rules
from services.missions.preview import OpenPreview
from services.missions.skip import SkipMission
from services.operations.places import halt_file, paper_file
from services.portfolio.accounts import AccountBoard
from services.risk.breaker_watch import WatchBreakers
from services.risk.breaking import BreakerBook
from services.risk.discipline import DisciplineRules
from services.risk.lifting import CloseBreaker
from services.risk.limits import book_of
from services.risk.score_calibration import CalibrationBoard
from services.risk.sessions import Sessions
from services.risk.size_rules import SeriesOf, SizeRules
from services.risk.sizing import Costs
from services.storage.database import Database
from services.storage.desk import Lease
from services.venues.ccxt_market import CcxtMarketData
from services.venues.ccxt_spot import CcxtVenue
from services.venues.measured import MeasuredVenue
from services.venues.paper import PaperVenue

PAPER = "paper"
PAPER_IN_FLIGHT = timedelta(seconds=5)
IN_FLIGHT_MARGIN = timedelta(seconds=2)


class Exchange(Venue, Protocol):
    """A venue that is followed by its own stream and closed at the end."""

    async def run_streams(self) -> None:
        """Follow the account's stream; return when there is none."""
        ...

    async def close(self) -> None:
        """Release connections."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Outside:
    """What a process brings along: its clocks, ids, tasks and signs of life; ``exchange`` may stand in for named ones.

    ``confirmed_live`` are the terminals that whoever started the process named as live, ``series`` the closed candles.
    """

    clock: Clock
    ids: Ids
    wakeups: StageWakeups
    nursery: TaskNursery
    beats: StageBeat
    market: MarketData
    lease: Callable[[], Lease | None]
    exchange: Callable[[str, QuoteSource], Exchange] | None = None
    meter: Meter = field(default_factory=Unmeasured)
    confirmed_live: frozenset[str] = frozenset()
    series: SeriesOf = lambda symbol: None


@dataclass(frozen=True, slots=True, kw_only=True)
class Trading:
    """Everything from a signal to a closed trade."""

    database: Database
    quotes: QuoteBoard
    accounts: AccountBoard
    paper: PaperVenue
    exchanges: Mapping[str, Exchange]
    venues: Mapping[str, Venue]
    instruments: dict[str, Instrument]
    desk: Desk
    booking: Booking
    executor: Executor
    sync: VenueSync
    resolve: ResolveUnknown
    resolve_by_hand: ResolveByHand
    decide: DecideProposal
    preview: OpenPreview
    fire: FireMission
    approvals: TradeApprovals
    skip: SkipMission
    offer: OfferMissions
    expire: ExpireMissions
    ask_close: AskClose
    close: CloseTrades
    move_stop: MoveStop
    cancel: CancelEntry
    entries: WorkEntries
    amend: AmendEntry
    measure_routes: MeasureRoutes
    routes: RouteBook
    halt: HaltDesk
    flatten: FlattenDesk
    work_kill: WorkKill
    resume: ResumeDesk
    watch_halt: WatchHalt
    watch_breakers: WatchBreakers
    close_breaker: CloseBreaker
    bench: BenchPerson
    handover: DecideHandover


def costs_of(settings: Settings) -> Costs:
    """Return what a round trip at the paper venue costs, as shares of the traded value."""
    return Costs(fee=settings.paper.taker_bps / 10_000, slippage=settings.paper.slippage_bps / 10_000)


def exchange_costs(venue: VenueSettings) -> Costs:
    """Return what a round trip at an exchange is reckoned to cost, as shares of the traded value."""
    return Costs(fee=venue.taker_bps / 10_000, slippage=venue.slippage_bps / 10_000)


def build_exchanges(
    settings: Settings, outside: Outside, instruments: Mapping[str, Instrument], quotes: QuoteBoard
) -> dict[str, Exchange]:
    """Build the exchanges that the settings give a terminal at, by their name under [venues]."""
    named = sorted({terminal.venue for terminal in settings.terminals.values()})
    if outside.exchange is not None:
        return {name: outside.exchange(name, quotes) for name in named}
    return {
        name: CcxtVenue(
            name,
            settings.venues[name],
            outside.clock,
            instruments.values,
            quotes,
            lambda account: outside.wakeups.wake("fills", account),
        )
        for name in named
    }


def build_account(name: str, venue: VenueSettings, clock: Clock) -> CcxtVenue:
    """Build the account side of one exchange, to ask it something without a desk."""
    return CcxtVenue(name, venue, clock, list, QuoteBoard(), lambda account: None)


def build_market(settings: Settings, clock: Clock) -> MarketData:
    """Build the public side of the exchange that prices are read from."""
    name = settings.market.venue
    return CcxtMarketData(name, settings.venues[name], clock)


def _in_flight(settings: Settings, venue: str) -> timedelta:
    """Return how long a write that was given up on may still arrive: as late as the venue takes a call, and a margin."""
    known = settings.venues.get(venue)
    return PAPER_IN_FLIGHT if known is None else timedelta(milliseconds=known.recv_window_ms) + IN_FLIGHT_MARGIN


def _capabilities(venues: Mapping[str, Venue], name: str) -> Capabilities:
    if name not in venues:
        raise Unavailable("VENUE", venue=name)
    return venues[name].capabilities


def _fees(settings: Settings, name: str) -> Fees:
    """Return a venue's fees as the settings reckon them."""
    group = settings.paper if name == PAPER else settings.venues[name]
    return Fees(maker_bps=group.maker_bps, taker_bps=group.taker_bps)


def _paper_venue(settings: Settings, outside: Outside, instruments: Mapping[str, Instrument], quotes: QuoteBoard) -> PaperVenue:
    return PaperVenue(
        paper_file(settings.desk.state_dir),
        quotes,
        outside.clock,
        settings.paper,
        instruments.get,
        lambda account: outside.wakeups.wake("fills", account),
    )


def _rules(
    settings: Settings,
    exchanges: Mapping[str, Exchange],
    series: SeriesOf,
    grounds: Mapping[str, LiveGround],
    quotes: QuoteBoard,
) -> Rules:
    calibrations, calendar = CalibrationBoard(), CalendarBoard(settings.calendar)
    return Rules(
        limits=settings.risk,
        book=book_of(settings.risk),
        costs=costs_of(settings),
        zone=settings.desk.zone,
        currency=settings.desk.currency,
        config_hash=settings.fingerprint,
        halt_file=halt_file(settings.desk.state_dir),
        discipline=DisciplineRules(
            settings=settings.discipline,
            loss_from_r=settings.breakers.loss_from_r,
            zone=settings.desk.zone,
        ),
        sessions=Sessions(settings.sessions),
        inputs=build_inputs(settings, quotes, calibrations, calendar),
        calibrations=calibrations,
        calendar=calendar,
        correlations=CorrelationBoard(settings.correlation),
        sizing=SizeRules(settings.sizing, settings.risk.default_per_trade, settings.desk.currency, series),
        routes=settings.routes,
        venue_costs={name: exchange_costs(settings.venues[name]) for name in exchanges},
        grounds=grounds,
    )


def _executor_ports(
    outside: Outside, venues: Mapping[str, Venue], quotes: QuoteBoard, grounds: Mapping[str, LiveGround]
) -> ExecutorPorts:
    return ExecutorPorts(
        venues=venues,
        quotes=quotes,
        clock=outside.clock,
        ids=outside.ids,
        wakeups=outside.wakeups,
        nursery=outside.nursery,
        beats=outside.beats,
        meter=outside.meter,
        grounds=grounds,
    )


def _entry_ports(settings: Settings, outside: Outside, venues: Mapping[str, Venue], quotes: QuoteBoard) -> EntryPorts:
    return EntryPorts(
        venues=venues,
        quotes=quotes,
        fees=partial(_fees, settings),
        sessions=Sessions(settings.sessions),
        clock=outside.clock,
        ids=outside.ids,
        wakeups=outside.wakeups,
        beats=outside.beats,
    )


def _kill_ports(outside: Outside, venues: Mapping[str, Venue]) -> KillPorts:
    return KillPorts(
        venues=venues,
        clock=outside.clock,
        ids=outside.ids,
        wakeups=outside.wakeups,
        nursery=outside.nursery,
        beats=outside.beats,
    )


def _database(settings: Settings, outside: Outside) -> Database:
    timeout_s = settings.database.busy_timeout_s
    return Database(settings.database_url, outside.clock, outside.wakeups, busy_timeout_s=timeout_s, meter=outside.meter)


def _watch_halt(database: Database, outside: Outside, file: Path) -> WatchHalt:
    rearm = CarryOutRearm(database, file)
    return WatchHalt(database, outside.clock, outside.ids, outside.wakeups, outside.beats, file, rearm)


def _watch_breakers(
    settings: Settings, database: Database, outside: Outside, book: BreakerBook, accounts: AccountBoard, quotes: QuoteBoard
) -> WatchBreakers:
    return WatchBreakers(
        database,
        book,
        accounts,
        quotes,
        outside.clock,
        outside.ids,
        outside.beats,
        limits=book_of(settings.risk),
        zone=settings.desk.zone,
    )


def _measured(venues: Mapping[str, Venue], meter: Meter) -> dict[str, Venue]:
    return {name: MeasuredVenue(each, meter) for name, each in venues.items()}


def build_trading(settings: Settings, outside: Outside, venue: Callable[[Venue], Venue] = lambda same: same) -> Trading:
    """Build the trading side, ``venue`` around the paper venue; raise Misconfigured where facts about real money disagree."""
    grounds = live_grounds(settings, outside.confirmed_live)
    state = settings.desk.state_dir
    database = _database(settings, outside)
    quotes, accounts, instruments = QuoteBoard(), AccountBoard(), dict[str, Instrument]()
    paper = _paper_venue(settings, outside, instruments, quotes)
    exchanges = build_exchanges(settings, outside, instruments, quotes)
    venues = _measured({PAPER: venue(paper), **exchanges}, outside.meter)
    rules = _rules(settings, exchanges, outside.series, grounds, quotes)
    desk = Desk(quotes, accounts, outside.clock, rules, partial(_capabilities, venues))
    breakers = BreakerBook(outside.ids, settings.breakers)
    settling = Settling(outside.ids, accounts, partial(_capabilities, venues), settings.protection, breakers)
    booking = Booking(outside.ids, accounts, quotes, settings.desk.zone, settling, outside.meter)
    ports = _executor_ports(outside, venues, quotes, grounds)
    executor = Executor(database, ports, settling, settings.risk, halt_file(state), outside.lease)
    entry_book = EntryBook(desk, outside.ids, breakers, outside.meter)
    approvals = build_trade_approvals(settings, desk, entry_book, build_second_person(settings, outside.ids))
    preview = OpenPreview(database, desk, outside.ids, approvals)
    return Trading(
        database=database,
        quotes=quotes,
        accounts=accounts,
        paper=paper,
        exchanges=exchanges,
        venues=venues,
        instruments=instruments,
        desk=desk,
        booking=booking,
        executor=executor,
        sync=VenueSync(database, venues, booking, accounts, outside.clock, outside.ids, outside.wakeups, outside.beats),
        resolve=_resolve_unknown(settings, outside, database, venues, executor),
        resolve_by_hand=ResolveByHand(database, venues, executor, outside.clock, outside.ids),
        decide=DecideProposal(database, booking, outside.ids),
        preview=preview,
        fire=FireMission(database, desk, preview, entry_book, approvals),
        approvals=approvals,
        skip=SkipMission(database),
        offer=OfferMissions(database, settings.signals, outside.ids, settings.desk.zone),
        expire=ExpireMissions(database, quotes),
        ask_close=AskClose(database, outside.ids),
        close=CloseTrades(database, outside.ids, settling),
        move_stop=MoveStop(database, settling, quotes),
        cancel=CancelEntry(database, outside.ids),
        measure_routes=MeasureRoutes(database, settings.routes, outside.ids, settings.desk.least_sample),
        routes=RouteBook(database, settings.routes),
        amend=AmendEntry(database, desk, entry_book, approvals),
        entries=WorkEntries(database, _entry_ports(settings, outside, venues, quotes), settings.routes, settings.risk),
        halt=HaltDesk(database, outside.ids),
        flatten=FlattenDesk(database, quotes, outside.ids),
        work_kill=WorkKill(database, _kill_ports(outside, venues), settling, settings.killing),
        resume=ResumeDesk(database, outside.ids, settings.killing, halt_file(state)),
        watch_halt=_watch_halt(database, outside, halt_file(state)),
        watch_breakers=_watch_breakers(settings, database, outside, breakers, accounts, quotes),
        close_breaker=CloseBreaker(database, breakers),
        bench=BenchPerson(database, breakers, outside.ids),
        handover=DecideHandover(database, outside.ids, settling, quotes),
    )


def _resolve_unknown(
    settings: Settings, outside: Outside, database: Database, venues: Mapping[str, Venue], executor: Executor
) -> ResolveUnknown:
    in_flight = partial(_in_flight, settings)
    return ResolveUnknown(database, venues, executor, outside.clock, outside.ids, outside.wakeups, outside.beats, in_flight)
