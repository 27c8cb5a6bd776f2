"""The score: 0 to 100, the sum of six parts that a person can check.

==========  =======  ==================================================================================================
part        points   from
==========  =======  ==================================================================================================
setup       0 to 40  the strategy's own grade, or :func:`call_setup` for a person's call
regime      0 to 20  a trend in the call's direction (ADX 12 to 32, direction, slope), or a quiet market (ADX 32 to 12)
                     with price at the call's cheap end of its Bollinger band; the better of the two
volume      0 to 10  the last candle's volume against the mean of the 20 before it: 0.5 to 2 times
spread      0 to 10  the spread as a share of the distance to the stop: 20 to 2 %; none without a quote
session     0 to 10  how much is traded in the hour (UTC) in which the last candle closed, see ``SESSION``
timeframes  0 to 10  the averages of candles five times as long, and whether the other strategies agree
==========  =======  ==================================================================================================

A straight line runs between the ends of each range. The same call, candles, quote and other calls give the same score.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from services.domain.market import CandleSeries, Quote, timeframe_seconds
from services.domain.ports import StrategySignal
from services.domain.signals import Side
from services.strategies.brackets import grade
from services.strategies.indicators import Bars, Values, columns, cut, sound
from services.strategies.longer import fold

WINDOW = 400
"""How many candles count; fewer are taken as they are."""

SESSION: tuple[int, ...] = (5, 4, 4, 2, 2, 2, 2, 4, 4, 4, 4, 3, 6, 8, 10, 10, 8, 6, 5, 4, 4, 2, 2, 2)
"""Points by hour (UTC): 0.6 to 1.5 times the mean hourly turnover of BTC, ETH, BNB and LTC, 2022 to mid-2025."""

_LONGER = 5
_PERIOD = 14
_BAND = 20
_FAST, _SLOW = 9, 21


def score(
    strategy_signal: StrategySignal,
    series: CandleSeries,
    quote: Quote | None,
    others: Sequence[StrategySignal],
    bars: Bars | None = None,
) -> tuple[int, Mapping[str, int]]:
    """Return the score of a call and its parts, which add up to it.

    ``series`` are the closed candles that the call was made on; ``others`` are what other strategies call on the same
    candle. A part whose data are missing or too short is zero.
    """
    side = strategy_signal.side
    bars = columns(series.candles[-WINDOW:], timeframe_seconds(series.timeframe)) if bars is None else newest_of(bars)
    usable = sound(bars)
    parts = {
        "setup": min(40, max(0, strategy_signal.setup)),
        "regime": _regime(side, bars) if usable else 0,
        "volume": _volume(bars) if usable else 0,
        "spread": _spread(abs(strategy_signal.entry - strategy_signal.stop), quote),
        "session": _session(bars) if usable else 0,
        "timeframes": _timeframes(side, bars, others) if usable else 0,
    }
    return sum(parts.values()), parts


def newest_of(bars: Bars) -> Bars:
    """Return the candles that count: cut once, however many calls are scored."""
    if len(bars) <= WINDOW:
        return bars
    return bars.kept(("newest", WINDOW), lambda: cut(bars, slice(-WINDOW, None)))


def call_setup(series: CandleSeries, side: Side, entry: float, stop: float, targets: Sequence[float]) -> int:
    """Grade a person's own call, 0 to 40: the mean reward (0.5 to 2.5 R, 20) and a stop of a sensible width (20).

    A stop is sensible from 1 to 2.5 ATR; its points fall to none at 0.3 and 5 ATR. A stop on the wrong side is no setup.
    """
    risk = (entry - stop) * side.sign
    if not all(math.isfinite(each) for each in (entry, stop, *targets)) or risk <= 0:
        return 0
    reward = sum((target - entry) * side.sign for target in targets) / (len(targets) * risk) if targets else 0.0
    bars = columns(series.candles[-WINDOW:])
    usual = _at(bars.atr(_PERIOD), -1) if sound(bars) else None
    width = risk / usual if usual else 0.0
    sensible = grade(width, 0.3, 1, 20) if width < 1 else grade(width, 5, 2.5, 20)
    return round(grade(reward, 0.5, 2.5, 20) + sensible)


def _regime(side: Side, bars: Bars) -> int:
    strength = _at(bars.adx(_PERIOD), -1)
    if strength is None:
        return 0
    return round(max(_trend_fit(side, bars, strength), _range_fit(side, bars, strength)))


def _trend_fit(side: Side, bars: Bars, strength: float) -> float:
    up, down = (_at(each, -1) for each in bars.directions(_PERIOD))
    slow = bars.ema(_SLOW)
    now, before = _at(slow, -1), _at(slow, -6)
    if up is None or down is None or now is None or before is None:
        return 0.0
    aligned = ((up - down) * side.sign > 0) + ((now - before) * side.sign > 0)
    return grade(strength, 12, 32, 20) * aligned / 2


def _range_fit(side: Side, bars: Bars, strength: float) -> float:
    lower, middle, upper = (_at(each, -1) for each in bars.bollinger(_BAND, 2.0))
    if lower is None or middle is None or upper is None or upper <= lower:
        return 0.0
    cheap = (middle - float(bars.close[-1])) * side.sign / ((upper - lower) / 2)
    return grade(strength, 32, 12, 20) * grade(cheap, 0, 0.8, 1)


def _volume(bars: Bars) -> int:
    usual = _at(bars.usual_volume(_BAND), -2)
    return round(grade(float(bars.volume[-1]) / usual, 0.5, 2, 10)) if usual else 0


def _spread(risk: float, quote: Quote | None) -> int:
    if quote is None or risk <= 0 or quote.ask < quote.bid:
        return 0
    return round(grade(float(quote.ask - quote.bid) / risk, 0.2, 0.02, 10))


def _session(bars: Bars) -> int:
    assert bars.opened is not None
    return SESSION[datetime.fromtimestamp((int(bars.opened[-1]) + bars.length) / 1_000, UTC).hour]


def _timeframes(side: Side, bars: Bars, others: Sequence[StrategySignal]) -> int:
    longer = fold(bars, _LONGER).bars
    points = 0
    if len(longer) > _SLOW:
        fast, slow = longer.ema(_FAST), longer.ema(_SLOW)
        votes = (fast[-1] - slow[-1], fast[-1] - fast[-2], longer.close[-1] - slow[-1])
        points = sum(worth for vote, worth in zip(votes, (4, 3, 3), strict=True) if vote * side.sign > 0)
    agreeing = sum(1 if other.side is side else -2 for other in others)
    return min(10, max(0, points + 2 * agreeing))


def _at(values: Values, index: int) -> float | None:
    """Return a value by index, or None where the indicator has none yet."""
    if len(values) < abs(index):
        return None
    value = float(values[index])
    return value if math.isfinite(value) else None
