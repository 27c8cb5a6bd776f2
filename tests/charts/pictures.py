"""Specs for these tests, and a reader of PNG that needs nothing but zlib."""

from __future__ import annotations

import math
import re
import struct
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise

from services.charts.chart_model import ChartModel
from services.charts.equity_model import EquityModel
from services.charts.layout import Box, Header, Text
from services.charts.spec import ChartSpec, EquityPoint, EquitySpec
from services.charts.worker import draw, font_files
from services.domain.market import Candle, Instrument
from services.domain.money import Price
from services.domain.signals import Side
from services.domain.trades import TerminalMode

START = datetime(2025, 11, 21, 9, 0, tzinfo=UTC)
GROUND = (0x12, 0x1A, 0x24)


def instrument(symbol: str = "BTC/USDT", tick: str = "0.01") -> Instrument:
    base, _, quote = symbol.partition("/")
    return Instrument(
        symbol=symbol,
        base=base,
        quote=quote,
        tick=Decimal(tick),
        step=Decimal("0.0001"),
        min_quantity=Decimal("0.0001"),
        min_notional=Decimal(5),
    )


def candles(count: int, *, level: float = 100.0, swing: float = 0.01, minutes: int = 1) -> tuple[Candle, ...]:
    """Return candles that wave around ``level`` by a share of it."""
    closes = [level * (1 + swing * math.sin(index / 4)) for index in range(-1, count)]
    return tuple(
        Candle(
            time=START + timedelta(minutes=minutes * index),
            open=begin,
            high=max(begin, end) * (1 + swing / 8),
            low=min(begin, end) * (1 - swing / 8),
            close=end,
            volume=1.0,
        )
        for index, (begin, end) in enumerate(pairwise(closes))
    )


def mission(
    *,
    side: Side = Side.LONG,
    shown: tuple[Candle, ...] | None = None,
    entry: float = 100.0,
    risk: float = 1.0,
    rewards: tuple[float, ...] = (1.5, 3.0),
    now: float | None = 100.2,
    grid: Instrument | None = None,
    **others: object,
) -> ChartSpec:
    grid = grid or instrument()
    sign = side.sign

    def price(value: float) -> Price:
        return Price(Decimal(str(value)).quantize(grid.tick))

    near = price(entry * (1 - sign * 0.001))
    values: dict[str, object] = {
        "instrument": grid,
        "timeframe": "1m",
        "side": side,
        "candles": candles(72) if shown is None else shown,
        "entry_low": min(price(entry), near),
        "entry_high": max(price(entry), near),
        "stop": price(entry - sign * risk),
        "targets": tuple(price(entry + sign * risk * reward) for reward in rewards),
        "risk": Decimal(str(risk)),
        "mode": TerminalMode.PAPER,
        "as_of": START + timedelta(hours=1, minutes=12, seconds=7),
        "now": None if now is None else price(now),
    }
    return ChartSpec(**(values | others))  # type: ignore[arg-type]


def curve(*results: str, **others: object) -> EquitySpec:
    """Return a curve that begins at 10,000 and books one result an hour."""
    points = [EquityPoint(time=START, value=Decimal(10_000))]
    for index, result in enumerate(results, start=1):
        value = points[-1].value + Decimal(result)
        points.append(EquityPoint(time=START + timedelta(hours=index), value=value, result=Decimal(result)))
    values: dict[str, object] = {
        "title": "Equity",
        "unit": "USDT",
        "decimals": 0,
        "points": tuple(points),
        "mode": TerminalMode.PAPER,
        "as_of": START + timedelta(hours=len(results)),
    }
    return EquitySpec(**(values | others))  # type: ignore[arg-type]


def header_labels(head: Header) -> Iterator[tuple[str, Box]]:
    yield from ((text.text, text.box) for text in (head.title, head.subtitle))
    yield head.badge.label.text, head.badge.box


def mission_labels(model: ChartModel) -> list[tuple[str, Box]]:
    """Return every label's words and area; a price on a filled box takes the whole box."""
    texts: list[Text] = [*model.ticks, *model.times, *(level.name for level in model.levels)]
    texts += [model.note] if model.note else []
    prices = [(level.price.label.text, level.price.box) for level in model.levels]
    return [*header_labels(model.header), *((text.text, text.box) for text in texts), *prices]


def equity_labels(model: EquityModel) -> list[tuple[str, Box]]:
    texts = [*model.ticks, *model.times, *([model.note] if model.note else [])]
    last = [(model.last.label.text, model.last.box)] if model.last else []
    return [*header_labels(model.header), *((text.text, text.box) for text in texts), *last]


def crop(svg: str, box: Box) -> list[list[tuple[int, int, int]]]:
    """Draw only ``box`` of a picture and return its pixels by row."""
    left, top = math.floor(box.left), math.floor(box.top)
    width, height = math.ceil(box.right) - left, math.ceil(box.bottom) - top
    window = f'width="{width}" height="{height}" viewBox="{left} {top} {width} {height}"'
    whole = 'width="900" height="600" viewBox="0 0 900 600"'
    assert whole in svg
    return pixels(draw(svg.replace(whole, window), font_files()))


def ink(rows: list[list[tuple[int, int, int]]]) -> int:
    """Return how many pixels differ clearly from the most frequent colour."""
    flat = [pixel for row in rows for pixel in row]
    ground = max(set(flat), key=flat.count)
    return sum(sum(abs(a - b) for a, b in zip(pixel, ground, strict=True)) > 90 for pixel in flat)


def pixels(png: bytes) -> list[list[tuple[int, int, int]]]:
    """Return the red, green and blue of an 8-bit PNG by row, as ISO/IEC 15948 (chapter 9) has its filters."""
    width, height, depth, colour = struct.unpack(">IIBB", png[16:26])
    channels = {2: 3, 6: 4}[colour]
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    assert depth == 8
    packed, position = b"", 8
    while position < len(png):
        (length,) = struct.unpack(">I", png[position : position + 4])
        if png[position + 4 : position + 8] == b"IDAT":
            packed += png[position + 8 : position + 8 + length]
        position += 12 + length
    raw, stride = zlib.decompress(packed), width * channels
    above, rows = bytearray(stride), []
    for start in range(0, height * (stride + 1), stride + 1):
        line = _unfiltered(raw[start], bytearray(raw[start + 1 : start + 1 + stride]), above, channels)
        rows.append([tuple(line[x : x + 3]) for x in range(0, stride, channels)])
        above = line
    return rows  # type: ignore[return-value]


def _unfiltered(kind: int, line: bytearray, above: bytearray, channels: int) -> bytearray:
    for index in range(len(line)):
        left = line[index - channels] if index >= channels else 0
        up, corner = above[index], above[index - channels] if index >= channels else 0
        near = min((left, up, corner), key=lambda each: abs(left + up - corner - each))
        line[index] = (line[index] + (0, left, up, (left + up) // 2, near)[kind]) & 0xFF
    return line


def attributes(svg: str, name: str) -> list[str]:
    return re.findall(rf'{name}="([^"]*)"', svg)
