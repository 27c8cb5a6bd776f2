"""What a picture shows: the inputs of the two charts, hashable, so that equal pictures are drawn once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from services.domain.market import Candle, CandleSeries, Instrument
from services.domain.money import Price
from services.domain.orders import OrderSide
from services.domain.signals import Side, Signal
from services.domain.trades import TerminalMode

CANDLES = 72
TARGETS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class FillMark:
    """An execution to mark at its candle and price."""

    time: datetime
    price: Price
    side: OrderSide


@dataclass(frozen=True, slots=True, kw_only=True)
class ChartSpec:
    """A mission's picture.

    ``risk`` is one R in price units and stays when ``stop`` moves; ``zone`` is an IANA name; times are aware. ``now``
    is the newest price, which may be younger than the last candle.
    """

    instrument: Instrument
    timeframe: str
    side: Side
    candles: tuple[Candle, ...]
    entry_low: Price
    entry_high: Price
    stop: Price
    targets: tuple[Price, ...]
    risk: Decimal
    mode: TerminalMode
    as_of: datetime
    now: Price | None = None
    fills: tuple[FillMark, ...] = ()
    zone: str = "UTC"

    @property
    def entry(self) -> Price:
        """Return the far end of the entry band, from which R and percent are counted."""
        return self.entry_high if self.side is Side.LONG else self.entry_low


@dataclass(frozen=True, slots=True, kw_only=True)
class EquityPoint:
    """The account after ``time``; ``result`` is what a trade closed then made, None for a point that is no close."""

    time: datetime
    value: Decimal
    result: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EquitySpec:
    """A digest's picture: a curve in ``unit`` (``R``, ``%``, ``USDT`` ...), oldest first, each closed trade marked."""

    title: str
    unit: str
    decimals: int
    points: tuple[EquityPoint, ...]
    mode: TerminalMode
    as_of: datetime
    zone: str = "UTC"


@dataclass(frozen=True, slots=True, kw_only=True)
class CurvePoint:
    """A backtest's account at ``time``; ``fall`` is how far it stood below its highest, a share of it, 0 or less."""

    time: datetime
    value: float
    fall: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CurveSpec:
    """A backtest's picture: its account over time with the falls under it, oldest first, at least one point."""

    title: str
    subtitle: str
    points: tuple[CurvePoint, ...]
    capital: float
    zone: str = "UTC"


PictureSpec = ChartSpec | EquitySpec | CurveSpec


def chart_of(
    signal: Signal,
    series: CandleSeries,
    *,
    mode: TerminalMode,
    as_of: datetime,
    now: Price | None = None,
    stop: Price | None = None,
    fills: Sequence[FillMark] = (),
    zone: str = "UTC",
) -> ChartSpec:
    """Describe a signal's picture over the newest 72 candles; ``stop`` is where it stands now, when it has moved."""
    return ChartSpec(
        instrument=series.instrument,
        timeframe=series.timeframe,
        side=signal.side,
        candles=tuple(series.candles[-CANDLES:]),
        entry_low=signal.entry_low,
        entry_high=signal.entry_high,
        stop=signal.stop if stop is None else stop,
        targets=tuple(target.price for target in signal.targets),
        risk=signal.risk,
        mode=mode,
        as_of=as_of,
        now=now,
        fills=tuple(fills),
        zone=zone,
    )
