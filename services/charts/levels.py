"""The price levels of a mission's picture: which there are, and how much of the price axis they need."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from services.charts.layout import BOTTOM, TOP, Tone
from services.charts.scales import ValueScale, decimals_format, value_scale
from services.charts.spec import TARGETS, ChartSpec
from services.domain.market import Candle

FEW = 12
"""So few candles have no range to speak of: the levels set the scale, and no candle counts as a spike."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """A price with its name and its words."""

    value: float
    name: str
    price: str
    tone: Tone
    dashed: bool = False


def levels_of(spec: ChartSpec) -> list[Level]:
    """Return entry, stop with its distance in percent, now, and at most five targets with their R, nearest first."""
    write = decimals_format(spec.instrument.price_decimals)

    def level(price: float, name: str, tone: Tone) -> Level:
        words = name.replace("-", "−")
        return Level(value=price, name=words, price=write(price), tone=tone, dashed=tone is Tone.NOW)

    entry, stop = float(spec.entry), float(spec.stop)
    levels = [level(entry, "entry", Tone.ENTRY), level(stop, f"stop {_percent(stop / entry - 1)}", Tone.BAD)]
    if spec.now is not None:
        levels.append(level(float(spec.now), "now", Tone.NOW))
    near = sorted(spec.targets, key=lambda price: abs(price - spec.entry))[:TARGETS]
    for number, price in enumerate(near, start=1):
        reward = (price - spec.entry) * spec.side.sign / spec.risk if spec.risk else 0
        levels.append(level(float(price), f"TP{number} {reward:.1f} R", Tone.GOOD))
    return levels


def scale_of(spec: ChartSpec, candles: Sequence[Candle], levels: Sequence[Level]) -> ValueScale:
    """Show the candles, and the levels while they leave the candles room: the trade's own first, then its targets."""
    values = [level.value for level in levels]
    if not candles:
        return value_scale(values, TOP, BOTTOM)
    low, high = _core(candles)
    span = high - low if len(candles) >= FEW else 0.0
    near = [float(spec.entry_low), float(spec.entry_high), *(float(each.price) for each in spec.fills)]
    near += [level.value for level in levels if level.tone is not Tone.GOOD]
    for wanted, most in ((near, 8 * span), (values, max(5 * span, 1.75 * (high - low)))):
        for value in sorted(wanted, key=lambda each: max(low - each, each - high)):
            if span == 0 or max(high, value) - min(low, value) <= most:
                low, high = min(low, value), max(high, value)
    return value_scale((low, high), TOP, BOTTOM)


def _core(candles: Sequence[Candle]) -> tuple[float, float]:
    """Return lowest low and highest high, without a spike or two that are each longer than all the rest is high."""
    lows, highs = sorted(each.low for each in candles), sorted((each.high for each in candles), reverse=True)
    for _ in range(2):
        if len(lows) > FEW and lows[1] - lows[0] > highs[0] - lows[1]:
            del lows[0]
        if len(highs) > FEW and highs[0] - highs[1] > highs[1] - lows[0]:
            del highs[0]
    return lows[0], highs[0]


def _percent(share: float) -> str:
    return f"{share * 100:+.2f} %" if abs(share) < 0.01 else f"{share * 100:+.1f} %"
