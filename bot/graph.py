"""The whole process as objects: trading, market, chat, stages and ticks, put together once."""

from __future__ import annotations

import json
from functools import partial

import structlog
from aiogram import Dispatcher

from bot.acts import people_acts, trading_acts
from bot.alarms import Alarms
from bot.answering import Straight
from bot.delivery import Delivery
from bot.doctor_probes import desk_probes
from bot.guarded import GuardedTicker
from bot.intake import ALLOWED, Intake
from bot.introduction import Introduction
from bot.measuring import MeasureCalls, TimedAnswers, crash_counter
from bot.metrics import Meters
from bot.monitoring import Monitoring
from bot.news_wiring import build_news
from bot.nursery import TaskNursery
from bot.pacing import Pacer
from bot.people_wiring import build_proposals
from bot.recording_wiring import Recording
from bot.redaction import process_redactor
from bot.requests import Requests
from bot.sender import Sender
from bot.silence_wiring import build_dead_man
from bot.sources_wiring import build_senders
from bot.surroundings import Surroundings
from bot.system import StageWakeups
from bot.telegram import ChatAnswers, ChatDispatcher, Recovery, cannot_wait, make_bot, publish_commands, publish_menu
from bot.unwritable import WatchWrites
from bot.webhook import Webhook
from bot.wiring import Outside, Trading, build_market, build_trading
from config.settings import Settings
from handlers.telegram.app import App
from handlers.telegram.lists import Lists
from handlers.telegram.rooms import Rooms
from handlers.telegram.router import ChatRoutes
from services.access.incidents import TakeIncident
from services.access.leases import EndLeases
from services.access.roles import RoleBook
from services.access.seeding import SeedPeople
from services.domain.approvals import ApprovalSubject
from services.domain.errors import Unavailable
from services.domain.market import CandleSeries
from services.domain.ports import MarketData
from services.execution.keeping import KeepStops
from services.execution.watching import WatchTrades
from services.market.candles import CandleBook
from services.market.correlation import MeasureCorrelations
from services.market.feed import Feed
from services.market.universe import ScreenMarket
from services.missions.by_itself import FireByItself
from services.missions.call import CallMission
from services.operations.crashes import BookCrashes
from services.operations.doctor import run_checks
from services.operations.stages import Stages, WatchStages
from services.operations.tallies import Tallies
from services.reporting.digest import SendDigests
from services.reporting.holding_back import ReadStanding
from services.reporting.live import Live, RealMoney
from services.reporting.viewer import Terms
from services.risk.score_calibration import MeasureCalibration
from services.signals.scan import ScanMarket
from services.signals.switches import SwitchStrategy
from services.storage import desk
from services.storage.desk import Lease
from services.strategies.registry import load_strategies

log = structlog.get_logger()
LEASE_S = 20.0
ROLES = ("executor", "intake", "sender", "scheduler")


class Graph:
    """Everything that one run of the desk consists of."""

    def __init__(self, settings: Settings, token: str, owner: str, surroundings: Surroundings) -> None:
        self.settings = settings
        self.owner = owner
        self.surroundings = surroundings
        self.clock = surroundings.clock
        self.ids = surroundings.ids
        self.wakeups = StageWakeups()
        self.tallies = Tallies()
        self.meters = Meters(self.tallies.add)
        self.nursery = TaskNursery(self._crashed, lambda: self.ids.instruction()[-8:])
        self.stages = Stages(self.clock)
        self.ticker = GuardedTicker(surroundings.ticker(), self.ids, self._crashed)
        self.charts = surroundings.charts()
        self.leases: dict[str, Lease] = {}
        self._recovered: set[int] = set()
        self.market: MarketData = surroundings.market or build_market(settings, self.clock)
        self._build_market()
        self._build_chat(token)

    def _build_market(self) -> None:
        settings = self.settings
        outside = Outside(
            clock=self.clock,
            ids=self.ids,
            wakeups=self.wakeups,
            nursery=self.nursery,
            beats=self.stages,
            market=self.market,
            lease=lambda: self.leases.get("executor"),
            exchange=self.surroundings.exchange,
            meter=self.meters,
            confirmed_live=self.surroundings.confirmed_live,
            series=self.series_of,
        )
        self.trading: Trading = build_trading(settings, outside, self.surroundings.venue)
        self.book = CandleBook(settings.market.timeframe, settings.market.history)
        self.feed = Feed(
            self.market,
            self.trading.quotes,
            self.book,
            self.clock,
            settings.market,
            self.stages,
            jitter=self.surroundings.chance,
        )
        self.trading.quotes.subscribe(self.trading.paper.offer)
        self.recording = Recording(settings, self.feed, self.book, self.trading.quotes, self.trading.database, self.clock)
        self.registry = load_strategies(settings.strategies.folders, parameters=settings.strategies.parameters)
        self.switch = SwitchStrategy(self.trading.database, self.registry)
        self.scan = ScanMarket(self.trading.database, self.registry, self.trading.quotes, settings.signals, self.ids)
        self.screen = ScreenMarket(
            self.trading.database,
            settings.screening,
            settings.market.tiers,
            lambda: self.feed.instruments,
            self.series_of,
            self.trading.quotes.latest,
            self.clock,
            self.ids,
        )
        rules = self.trading.desk.rules
        self.measure_correlations = MeasureCorrelations(rules.correlations, lambda: settings.market.instruments, self.series_of)
        self.measure_calibration = MeasureCalibration(self.trading.database, rules.calibrations, settings.desk.least_sample)
        self.news = build_news(settings, self.trading.database, rules.calendar, self.clock, self.ids)
        held, protection = self.trading.booking.settling, settings.protection
        self.keep_stops = KeepStops(
            self.trading.database, held, self.trading.quotes, self.series_of, self.clock, self.ids, protection
        )
        self.watch_trades = WatchTrades(self.trading.database, held, self.trading.quotes, self.clock, self.ids, protection)
        self.fire_by_itself = FireByItself(self.trading.database, self.trading.preview, self.trading.fire, self.ids)
        self.dead_man = build_dead_man(settings, self.trading, outside, self.stages.alive)
        self.watch = WatchStages(self.trading.database, self.stages, self.clock, self.ids)
        self.crashes = BookCrashes(self.trading.database, self.clock, self.ids)
        self.senders = build_senders(settings, outside, self.trading.database, self.trading.quotes)
        self.monitoring = Monitoring(
            settings,
            self.meters,
            self.tallies,
            self.trading.database,
            self.stages,
            self.clock,
            self.ids,
            self.senders.receive,
        )

    def _build_chat(self, token: str) -> None:
        settings, telegram, database = self.settings, self.settings.telegram, self.trading.database
        self.bot = make_bot(token, self.surroundings.session(telegram.api_base))
        self.bot.session.middleware(MeasureCalls(self.meters))
        self.alarms = Alarms(
            settings, database, self.market, self.live, self.stages, self.crashes, self.clock, self.ids, self.wakeups
        )
        self.bot.session.middleware(self.alarms.life)
        pacer = Pacer(telegram.messages_per_second, telegram.chat_per_minute, telegram.group_per_minute, self.clock.monotonic)
        delivery = Delivery(self.bot, self.charts)
        self.sender = Sender(
            database,
            delivery,
            pacer,
            self.live,
            self.clock,
            self.wakeups,
            self.nursery,
            self.stages,
            self.surroundings.chance,
            self.meters,
        )
        self.straight = Straight(database, delivery, pacer, self.clock, self.nursery, self.sender.hold_still)
        self.writes = WatchWrites(
            database,
            self.stages,
            self.straight,
            self.nursery,
            self.clock,
            self.ids,
            settings.people.commanders,
            self.alarms.channel,
        )
        self.answers = TimedAnswers(ChatAnswers(self.bot, self.straight, self.clock), self.clock, self.meters)
        self.roles = RoleBook(self.ids, settings.desk, settings.paper)
        self.end_leases = EndLeases(database, self.roles, self.ids)
        self.proposals = build_proposals(
            settings,
            database,
            self.ids,
            self.roles,
            self.trading.desk.rules.grounds,
            self.trading.sync,
            {ApprovalSubject.TRADE: self.trading.approvals.decided},
            {ApprovalSubject.TRADE: self.trading.approvals.alone},
        )
        self.digests = SendDigests(database, self.live, settings.digest, settings.desk)
        self.requests = Requests(database, self.bot, self.ids, self.wakeups, self._show_menu)
        self.token = token
        self.webhook: Webhook | None = None

    def live(self) -> Live:
        """Return the newest market and accounts."""
        return Live(
            now=self.clock.now(),
            quote=self.trading.quotes.latest,
            series=self.series_of,
            balance=self.trading.accounts.latest,
            zone=self.settings.desk.zone,
            least_sample=self.settings.desk.least_sample,
            real=self._real_money(),
            screen=self.screen.newest,
        )

    def _real_money(self) -> RealMoney:
        rules = self.trading.desk.rules
        return RealMoney(grounds=rules.grounds, right=self.trading.sync.last_right, limits=rules.book)

    def _crashed(self, name: str, error: BaseException, error_id: str) -> None:
        crash_counter(self.meters)(name, error, error_id)
        self.crashes.crashed(name, error, error_id)

    def series_of(self, symbol: str) -> CandleSeries | None:
        """Return a watched symbol's closed candles, or None before the market was read."""
        return self.feed.series(symbol) if self.feed.instrument(symbol) is not None else None

    async def take_leases(self) -> None:
        """Take every role; the lock proved that a former owner on this database is dead."""
        for role in ROLES:
            take = partial(desk.take_lease, role=role, owner=self.owner, seconds=LEASE_S, force=True)
            lease = await self.trading.database.write(take)
            if lease is None:
                raise Unavailable("LEASE", role=role)
            self.leases[role] = lease

    async def seed_people(self) -> None:
        """Give the people and chats of the settings their roles and places."""
        settings, trading = self.settings, self.trading
        await SeedPeople(
            trading.database,
            self.roles,
            self.ids,
            settings.people,
            settings.chats,
            settings.terminals,
            {name: venue.capabilities.short for name, venue in trading.exchanges.items()},
            settings.grades,
        )()

    async def connect(self) -> None:
        """Put the handlers together and make ourselves known to the chat server, which may be out of reach for a while."""
        self._build_handlers()
        self.introduction = Introduction(
            self.bot,
            self.trading.database,
            self.settings.telegram,
            self.clock,
            self.nursery,
            ALLOWED,
            lambda: publish_commands(self.bot, self.trading.database, self.table),
        )
        if self.settings.telegram.mode == "webhook":
            await self._open_webhook()
        await self.introduction.begin()

    def _build_handlers(self) -> None:
        database, trading, rules = self.trading.database, self.trading, self.trading.desk.rules
        self.app = App(
            database=database,
            ids=self.ids,
            trading=trading_acts(trading, self.settings.protection),
            people=people_acts(database, self.roles, self.ids, self.proposals.book),
            approvals=self.proposals.acts,
            sources=self.senders.acts,
            take_incident=TakeIncident(database),
            standing=ReadStanding(database, rules.discipline, rules.book, self.settings.breakers, self.live),
            news=self.news.page(self.live),
            call=CallMission(database, trading.offer, trading.quotes, self.series_of, self.settings.signals, self.ids),
            registry=self.registry,
            live=self.live,
            doctor=lambda: run_checks(desk_probes(self.settings, self.clock), self.clock),
            desk_name=self.settings.desk.name,
            zone=self.settings.desk.zone,
            username=lambda: self.introduction.username,
            conceal=process_redactor.hide,
            command_max_age_s=self.settings.telegram.command_max_age_s,
            started_at=self.clock.now(),
            config_hash=self.settings.fingerprint,
            state_dir=self.settings.desk.state_dir,
            stage_rows=self.stages.rows,
        )
        loaded = tuple((each.name, each.version) for each in self.registry.all())
        lists = Lists(self.app, Terms(limits=self.settings.risk, signals=self.settings.signals, strategies=loaded))
        rooms = Rooms(self.app, lists, self.switch)
        self.table = rooms.table
        dispatcher = Dispatcher()
        dispatcher.include_router(ChatRoutes(self.app, self.table, rooms.taps, self.answers).router())
        self.intake = Intake(
            database,
            ChatDispatcher(self.bot, dispatcher, self.ids).handle,
            self.settings.telegram,
            self.surroundings.line(f"{self.settings.telegram.api_base}/bot{self.token}/getUpdates"),
            self.clock,
            self.wakeups,
            self.nursery,
            self.stages,
            lambda raw: cannot_wait(raw, self.table),
        )

    async def warm_up(self) -> None:
        """Read instruments, candles and quotes, and store the universe."""
        instruments = tuple(await self.feed.warm_up())
        self.trading.instruments.update({each.symbol: each for each in instruments})
        await self.screen()

    async def recover_halts(self) -> None:
        """Run again what stops the desk, however old it is, before the market is read and the venues are compared."""
        recovery = Recovery(self.trading.database, self.table)
        await recovery.own_up()
        raws = [json.loads(payload) for _, payload in await recovery.unfinished() if payload]
        for raw in (raw for raw in raws if recovery.stops(raw)):
            self._recovered.add(raw["update_id"])
            self.intake.start(raw)

    async def recover_updates(self) -> None:
        """Run again what may, and tell the rest as interrupted."""
        recovery = Recovery(self.trading.database, self.table)
        unfinished = [json.loads(payload) for _, payload in await recovery.unfinished() if payload]
        raws = [raw for raw in unfinished if raw["update_id"] not in self._recovered]
        again = [raw for raw in raws if recovery.runs_again(raw)]
        await recovery.interrupt([raw for raw in raws if not recovery.runs_again(raw)])
        for raw in again:
            self.intake.start(raw)

    async def stop_intake(self, seconds: float) -> None:
        """Take no more updates and let the running ones end."""
        if not hasattr(self, "intake"):
            return
        await self.intake.stop()
        await self.nursery.stop_stage("intake")
        if self.webhook is not None:
            await self.webhook.close()
        await self.intake.drain(seconds)

    async def close(self) -> None:
        """Let go of everything, leases first."""
        for lease in self.leases.values():
            await self.trading.database.write(partial(desk.release_lease, lease=lease))
        await self.nursery.close()
        await self.charts.close()
        await self.market.close()
        await self.recording.close()
        await self.bot.session.close()
        await self.trading.paper.close()
        for exchange in self.trading.exchanges.values():
            await exchange.close()
        await self.trading.database.close()

    async def _show_menu(self, person_id: int) -> None:
        await publish_menu(self.bot, self.trading.database, self.table, person_id)

    async def _open_webhook(self) -> None:
        take = self.intake.webhook
        self.webhook = Webhook(self.bot, self.settings.telegram, ALLOWED, take, self.clock, self.stages)
        await self.webhook.open()


def build_graph(settings: Settings, token: str, owner: str, surroundings: Surroundings | None = None) -> Graph:
    """Put the process together; nothing runs yet. ``surroundings`` stand in for the machine and the outside world."""
    return Graph(settings, token, owner, surroundings or Surroundings())
