"""A mission's picture as geometry: candles, entry band, stop, targets, now and fills, with labels that keep apart."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from services.charts.axes import labelled_ticks, time_texts, value_texts
from services.charts.layout import (
    BOTTOM,
    LEVEL_SIZE,
    MARGIN,
    TICK_SIZE,
    TOP,
    WIDTH,
    Box,
    Header,
    Pill,
    Text,
    Tone,
    header,
    spread_rows,
    text_width,
)
from services.charts.levels import Level, levels_of, scale_of
from services.charts.scales import ValueScale, clock_words, decimals_format, time_ticks
from services.charts.spec import ChartSpec
from services.domain.market import Candle, timeframe_seconds
from services.domain.orders import OrderSide
from services.domain.signals import Side

ROW = 38.0
WIDEST_SLOT = 26.0

Off = Literal["above", "below"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CandleShape:
    """A candle: the wick's ends and the body, at least one and a half pixels high."""

    x: float
    wick_top: float
    wick_bottom: float
    body: Box
    rising: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelShape:
    """A price line with its row of name and price; ``off`` says on which side a price lies outside the plot."""

    y: float
    name: Text
    price: Pill
    tone: Tone
    dashed: bool
    off: Off | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkShape:
    """A fill: the tip of a triangle, pointing up for a buy and down for a sell."""

    x: float
    y: float
    side: OrderSide


@dataclass(frozen=True, slots=True, kw_only=True)
class ChartModel:
    """Everything that the template draws, in pixels."""

    description: str
    header: Header
    plot: Box
    lines_end: float
    rows_begin: float
    grid: tuple[float, ...]
    ticks: tuple[Text, ...]
    times: tuple[Text, ...]
    candles: tuple[CandleShape, ...]
    band: Box | None
    levels: tuple[LevelShape, ...]
    marks: tuple[MarkShape, ...]
    note: Text | None


def chart_model(spec: ChartSpec) -> ChartModel:
    """Lay out a mission's picture of 900 by 600 pixels.

    Prices far away from the candles do not squeeze them: their rows stand at the edge with an arrow, and a spike runs
    out of the plot. Candles that are not finite are left out; beyond five targets the farthest are.
    """
    candles = [each for each in spec.candles if all(map(math.isfinite, each[1:5]))]
    levels = levels_of(spec)
    scale = scale_of(spec, candles, levels)
    write = decimals_format(spec.instrument.price_decimals)
    ticks = labelled_ticks(scale, float(spec.instrument.tick), write)
    price_width = max(
        *(text_width(level.price, LEVEL_SIZE, bold=True) + 20 for level in levels),
        *(text_width(text, TICK_SIZE) + 10 for _, text in ticks),
    )
    name_width = max(text_width(level.name, LEVEL_SIZE) for level in levels) + 16
    plot = Box(left=MARGIN, top=TOP, width=WIDTH - MARGIN - 12 - price_width - MARGIN, height=BOTTOM - TOP)
    shapes = _level_shapes(levels, scale, plot, price_width)
    lines_end = plot.right - name_width - 34
    slots = _Slots(candles, plot.left, lines_end - 12, spec)
    return ChartModel(
        description=_description(spec, levels),
        header=_header(spec),
        plot=plot,
        lines_end=lines_end,
        rows_begin=lines_end + 24,
        grid=tuple(scale.y(value) for value, _ in ticks),
        ticks=value_texts(ticks, scale, [level.price.box for level in shapes]),
        times=_time_texts(slots, spec),
        candles=tuple(slots.shape(index, each, scale) for index, each in enumerate(candles)),
        band=_band(spec, scale, plot, lines_end),
        levels=shapes,
        marks=_marks(spec, slots, scale),
        note=None if candles else _note((plot.left + lines_end) / 2),
    )


def _level_shapes(levels: Sequence[Level], scale: ValueScale, plot: Box, price_width: float) -> tuple[LevelShape, ...]:
    ordered = sorted(levels, key=lambda level: -level.value)
    rows = spread_rows([scale.inside(level.value) for level in ordered], ROW, plot.top, plot.bottom)
    shapes = []
    for level, row in zip(ordered, rows, strict=True):
        box = Box(left=plot.right + 12, top=row - ROW / 2 + 2, width=price_width, height=ROW - 4)
        above: Off = "above" if level.value > scale.high else "below"
        shapes.append(
            LevelShape(
                y=scale.inside(level.value),
                name=Text(x=plot.right, y=row, text=level.name, size=LEVEL_SIZE, anchor="end", tone=level.tone),
                price=Pill(
                    box=box,
                    label=Text(x=box.right - 10, y=row, text=level.price, size=LEVEL_SIZE, anchor="end", bold=True),
                    tone=level.tone,
                ),
                tone=level.tone,
                dashed=level.dashed,
                off=None if scale.shows(level.value) else above,
            )
        )
    return tuple(shapes)


class _Slots:
    """Candles side by side, the newest at the right end, so that a short history begins farther right."""

    def __init__(self, candles: Sequence[Candle], left: float, right: float, spec: ChartSpec) -> None:
        self.candles = candles
        self.width = min(WIDEST_SLOT, (right - left) / max(1, len(candles)))
        self.left = right - self.width * len(candles)
        self._seconds = timeframe_seconds(spec.timeframe)

    def x(self, index: int) -> float:
        """Return the middle of a slot."""
        return self.left + (index + 0.5) * self.width

    def index(self, mark: float) -> int | None:
        """Return the slot of an instant (seconds): the candle it fell into, the next free slot after the last one."""
        begun = bisect_right([each.time.timestamp() for each in self.candles], mark) - 1
        if begun < 0:
            return None
        after = begun == len(self.candles) - 1 and mark >= self.candles[begun].time.timestamp() + self._seconds
        return begun + 1 if after else begun

    def shape(self, index: int, candle: Candle, scale: ValueScale) -> CandleShape:
        """Return a candle's geometry."""
        top, bottom = (scale.inside(pick(candle.open, candle.close)) for pick in (max, min))
        height = max(bottom - top, 1.5)
        width = max(1.0, 0.7 * self.width)
        body = Box(left=self.x(index) - width / 2, top=(top + bottom - height) / 2, width=width, height=height)
        return CandleShape(
            x=self.x(index),
            wick_top=scale.inside(candle.high),
            wick_bottom=scale.inside(candle.low),
            body=body,
            rising=candle.close >= candle.open,
        )


def _time_texts(slots: _Slots, spec: ChartSpec) -> tuple[Text, ...]:
    instants = [each.time for each in slots.candles]
    widest = "00:00" if timeframe_seconds(spec.timeframe) >= 60 else "00:00:00"
    ticks = time_ticks(instants, ZoneInfo(spec.zone), pixels=slots.width, gap=text_width(widest, TICK_SIZE) + 20)
    return time_texts((slots.x(tick.index), tick.label) for tick in ticks)


def _note(x: float) -> Text:
    return Text(x=x, y=TOP + 24, text="no candles yet", size=26, anchor="middle", tone=Tone.MUTED)


def _band(spec: ChartSpec, scale: ValueScale, plot: Box, lines_end: float) -> Box | None:
    low, high = float(spec.entry_low), float(spec.entry_high)
    if high < scale.low or low > scale.high:
        return None
    top, bottom = scale.inside(high), scale.inside(low)
    return Box(left=plot.left, top=top, width=lines_end - plot.left, height=max(bottom - top, 2.0))


def _marks(spec: ChartSpec, slots: _Slots, scale: ValueScale) -> tuple[MarkShape, ...]:
    marks = []
    for fill in spec.fills:
        index = slots.index(fill.time.timestamp())
        if index is not None and scale.shows(float(fill.price)):
            marks.append(MarkShape(x=slots.x(index), y=scale.y(float(fill.price)), side=fill.side))
    return tuple(marks)


def _header(spec: ChartSpec) -> Header:
    return header(
        f"{spec.side.value.upper()} {spec.instrument.symbol} · {spec.timeframe}",
        f"as of {clock_words(spec.as_of, ZoneInfo(spec.zone))}",
        spec.mode,
        Tone.GOOD if spec.side is Side.LONG else Tone.BAD,
    )


def _description(spec: ChartSpec, levels: Sequence[Level]) -> str:
    prices = ", ".join(f"{level.name} at {level.price}" for level in levels)
    last = spec.candles[-1].time + timedelta(seconds=timeframe_seconds(spec.timeframe)) if spec.candles else None
    until = f", closed until {clock_words(last, ZoneInfo(spec.zone))}" if last else ""
    drawn = f"{len(spec.candles)} candles of {spec.timeframe}{until}"
    return f"{spec.side.value} {spec.instrument.symbol}: {drawn}. {prices}."
