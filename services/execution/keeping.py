"""Keeping stops while a trade is open: break-even, trailing, and the end of its time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

import structlog

from config.groups import ProtectionSettings
from services.access.authority import find_trade
from services.domain.errors import Refused, SortieError
from services.domain.keeping import Keep, Market, Trail, dump_keep, kept_stop, load_keep
from services.domain.market import CandleSeries, Instrument
from services.domain.money import Price
from services.domain.people import Actor
from services.domain.ports import Clock, Ids, QuoteSource
from services.domain.signals import Side
from services.domain.states import TradeState
from services.domain.trades import Trade
from services.execution import telling
from services.execution.manage import instrument_of
from services.execution.settling import Settling
from services.storage import desk, trades
from services.storage.database import Database, Unit
from services.strategies.indicators import atr, newest

log = structlog.get_logger()
FRESH = timedelta(seconds=5)
SETTLED_PERIODS = 4


def keep_of(trade: Trade, settings: ProtectionSettings) -> Keep:
    """Return a trade's own rules, or those of the settings for one that has none."""
    return load_keep(trade.keep) if trade.keep is not None else rules_for(Trail(settings.trail), settings)


def rules_for(trail: Trail, settings: ProtectionSettings) -> Keep:
    """Return the rules of the settings with this trail."""
    distances = {
        Trail.OFF: Decimal(0),
        Trail.R: settings.trail_r,
        Trail.ATR: settings.trail_atr,
        Trail.PERCENT: settings.trail_percent,
        Trail.STRUCTURE: Decimal(settings.structure_candles),
    }
    return Keep(trail=trail, distance=distances[trail], break_even_r=settings.break_even_r, minutes=settings.time_stop_min)


class KeepStops:
    """Moves the stops that their rules call for; called every second.

    ``series`` returns an instrument's closed candles.
    """

    def __init__(
        self,
        database: Database,
        settling: Settling,
        quotes: QuoteSource,
        series: Callable[[str], CandleSeries | None],
        clock: Clock,
        ids: Ids,
        settings: ProtectionSettings,
    ) -> None:
        self._database = database
        self._settling = settling
        self._quotes = quotes
        self._series = series
        self._clock = clock
        self._ids = ids
        self._settings = settings
        self._moved: dict[str, datetime] = {}

    async def __call__(self) -> int:
        """Look at every open trade once and return how many were moved or closed."""
        acted = 0
        opened = [trade for trade in await self._database.read(trades.live) if trade.state is TradeState.OPEN]
        self._moved = {trade.id: at for trade in opened if (at := self._moved.get(trade.id)) is not None}
        for trade in opened:
            try:
                acted += await self._keep(trade)
            except SortieError as error:
                log.warning("keep.failed", trade=trade.number, error=str(error))
        return acted

    async def _keep(self, trade: Trade) -> bool:
        keep = keep_of(trade, self._settings)
        actor = Actor.job("keep", trade.correlation)
        if _over(trade, keep, self._clock.now()):
            return await self._database.write(lambda unit: self._close(unit, actor, trade.id, keep), urgent=True)
        market = self._market(trade, keep)
        last = self._moved.get(trade.id)
        soon = last is not None and (self._clock.now() - last).total_seconds() < self._settings.move_every_s
        if market is None or soon:
            return False
        if await self._database.glance(lambda unit: self._wanted(unit, trade, keep, market)) is None:
            return False
        self._moved[trade.id] = self._clock.now()
        return await self._database.write(lambda unit: self._move(unit, actor, trade.id, keep, market), urgent=True)

    def _market(self, trade: Trade, keep: Keep) -> Market | None:
        quote = self._quotes.latest(trade.symbol)
        if quote is None or quote.age(self._clock.now()) > FRESH:
            return None
        series = self._series(trade.symbol) if keep.trail in (Trail.ATR, Trail.STRUCTURE) else None
        return Market(
            near=quote.bid if trade.side is Side.LONG else quote.ask,
            true_range=self._range(series) if series is not None and keep.trail is Trail.ATR else None,
            swing=_swing(series, trade.side, int(keep.distance)) if series is not None else None,
        )

    def _range(self, series: CandleSeries) -> Decimal | None:
        period = self._settings.atr_period
        bars = newest(series.candles, SETTLED_PERIODS * period)
        return Decimal(str(round(float(atr(bars, period)[-1]), 8))) if bars is not None else None

    def _wanted(self, unit: Unit, trade: Trade, keep: Keep, market: Market) -> Price | None:
        if trade.state is not TradeState.OPEN or trade.closing is not None or trade.average_entry is None:
            return None
        instrument: Instrument = instrument_of(unit, trade)
        return kept_stop(trade, keep, market, instrument, self._settings.min_move_bps)

    def _move(self, unit: Unit, actor: Actor, trade_id: str, keep: Keep, market: Market) -> bool:
        trade, universe = trades.find(unit, trade_id), desk.current_universe(unit)
        if trade is None or universe is None:
            return False
        stop = self._wanted(unit, trade, keep, market)
        if stop is None:
            return False
        self._settling.move_stop(unit, actor, trade, stop, keep.trail.value)
        return True

    def _close(self, unit: Unit, actor: Actor, trade_id: str, keep: Keep) -> bool:
        trade = trades.find(unit, trade_id)
        if trade is None or not _over(trade, keep, unit.now):
            return False
        self._settling.sell(unit, actor, trade, trade.open_quantity, "TIME_STOP", whole=True)
        return True


class ChooseTrail:
    """Choose how the stop of one's own trade is kept: one tap, since it only tightens."""

    def __init__(self, database: Database, settings: ProtectionSettings) -> None:
        self._database = database
        self._settings = settings

    async def __call__(self, actor: Actor, reference: str, choice: str) -> Trade:
        """Store the choice, a Trail's value; raise Refused for another one and for a trade that is not open."""

        def body(unit: Unit) -> Trade:
            trade = find_trade(unit, actor, reference)
            if trade.state is not TradeState.OPEN or trade.average_entry is None:
                raise Refused("NOT_OPEN", trade=trade.number, state=trade.state.value)
            if choice not in {each.value for each in Trail}:
                raise Refused("TRAIL_UNKNOWN", value=choice[:20], limit=", ".join(Trail))
            keep = rules_for(Trail(choice), self._settings)
            after = replace(trade, keep=dump_keep(keep))
            trades.save(unit, trade, after)
            unit.record(actor, "stop.kept", trade=trade.number, trail=choice, distance=keep.distance)
            telling.refresh_cards(unit, after)
            return after

        return await self._database.write(body, urgent=True)


def _over(trade: Trade, keep: Keep, now: datetime) -> bool:
    if keep.minutes is None or trade.opened_at is None or trade.state is not TradeState.OPEN or trade.closing is not None:
        return False
    return trade.open_quantity > 0 and now - trade.opened_at >= timedelta(minutes=keep.minutes)


def _swing(series: CandleSeries, side: Side, count: int) -> Price | None:
    last = series.candles[-count:]
    if not last or len(last) < count:
        return None
    edge = min(candle.low for candle in last) if side is Side.LONG else max(candle.high for candle in last)
    return Price(Decimal(str(edge)))
