"""Five patterns, drawn by hand: each calls, keeps quiet when one thing is missing, and calls short upside down."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import timedelta

import pytest

from services.domain.market import Candle
from services.domain.ports import StrategySignal
from services.domain.signals import Side

from .samples import BUILTINS, candles_of, mirrored, series

AROUND = 100.0
Drawn = tuple[float, float, float, float, float]
"""A candle beside a price: open, high, low, close and volume."""


def wave(index: int, height: float = 0.8) -> float:
    return AROUND + height * math.sin(index / 1.3)


def rising() -> list[Candle]:
    """A still market that has begun to rise by 0.15 a candle."""
    return candles_of([*(wave(index, 0.3) for index in range(400)), *(AROUND + 0.15 * step for step in range(1, 31))])


def then(candles: Sequence[Candle], *drawn: Drawn) -> list[Candle]:
    """Go on with candles drawn beside the last close."""
    price, time = candles[-1].close, candles[-1].time
    return [
        *candles,
        *(
            Candle(time + timedelta(hours=number), *(price + each for each in row[:4]), row[4])
            for number, row in enumerate(drawn, start=1)
        ),
    ]


def said(name: str, candles: Sequence[Candle]) -> StrategySignal | None:
    strategy = next(each for each in BUILTINS if each.name == name)
    found = strategy.signals(series(candles))
    return found[0] if found else None


def swept(low: float, close: float, volume: float) -> list[Candle]:
    candles = candles_of([wave(index) for index in range(424)])
    price = candles[-1].close
    return then(candles, (0.0, 0.1, low - price, close - price, volume))


BLOCK: tuple[Drawn, ...] = (
    (0.0, 0.1, -0.5, -0.4, 100),
    (-0.4, 0.7, -0.45, 0.6, 150),
    (0.6, 1.6, 0.55, 1.5, 150),
    (1.5, 2.3, 1.4, 2.2, 150),
    (2.2, 2.3, 1.4, 1.5, 90),
    (1.5, 1.55, 0.7, 0.8, 90),
    (0.8, 0.85, 0.3, 0.4, 90),
)
BOUNCE: Drawn = (0.3, 0.9, -0.1, 0.8, 120)
GAP: tuple[Drawn, ...] = (
    (0.0, 0.1, -0.1, 0.05, 100),
    (0.05, 1.6, 0.0, 1.5, 300),
    (1.5, 2.0, 1.2, 1.9, 150),
    (1.9, 2.0, 1.5, 1.6, 90),
)


def boxed(last: float, volume: float, *, height: float = 0.25, swing: float = 3.0) -> list[Candle]:
    """Wide swings, then a narrow box, then a close that far from its middle."""
    swings = [AROUND + swing * math.sin(index / 3) for index in range(400)]
    box = [swings[-1] + height * math.sin(index * 1.7) for index in range(14)]
    return candles_of([*swings, *box, swings[-1] + last], volumes=[100.0] * 414 + [volume])


def dipping(rise: float, last: float) -> list[Candle]:
    """A still market, then one that moves by ``rise`` a candle, then a dip of two candles and a close that far from its end."""
    closes = [wave(index, 0.3) for index in range(440)]
    closes += [AROUND + rise * step + 0.25 * math.sin(step * 1.9) for step in range(1, 45)]
    return candles_of([*closes, closes[-1] - 0.35, closes[-1] - 0.7, closes[-1] - 1.05, closes[-1] - 1.05 + last])


CALLS = {
    "liquidity_sweep": swept(98.85, 99.7, 200),
    "order_block": then(rising(), *BLOCK, BOUNCE),
    "fair_value_gap": then(rising(), *GAP, (0.9, 1.5, 0.5, 1.4, 100)),
    "contraction_breakout": boxed(0.7, 200),
    "momentum": dipping(0.12, 0.75),
}
REASONS = {
    "liquidity_sweep": "30-bar low swept by 0.5 ATR and taken back",
    "order_block": "back at the block 7 bars old that began 5.6 ATR",
    "fair_value_gap": "turned in a gap of 2.4 ATR, 2 bars old",
    "contraction_breakout": "closed above a box of 11% of the 60-bar range, volume 2.0×",
    "momentum": "4x candles point up by 0.6 ATR, RSI crossed 58 at ",
}
QUIET: list[tuple[str, str, list[Candle]]] = [
    ("liquidity_sweep", "closes below the level", swept(98.85, 99.0, 200)),
    ("liquidity_sweep", "stays above the level", swept(99.2, 99.7, 200)),
    ("liquidity_sweep", "on usual volume", swept(98.85, 99.7, 100)),
    ("liquidity_sweep", "goes far beyond the level", swept(97.0, 99.7, 200)),
    ("liquidity_sweep", "of a low that is new", then(swept(98.9, 99.0, 100), (0.0, 0.5, -0.3, 0.4, 200))),
    ("order_block", "is not reached", then(rising(), *BLOCK, (0.3, 0.9, 0.2, 0.8, 120))),
    ("order_block", "is passed through", then(rising(), *BLOCK, (0.3, 0.9, -0.9, 0.8, 120))),
    ("order_block", "does not turn price", then(rising(), *BLOCK, (0.3, 0.35, -0.1, 0.05, 120))),
    ("order_block", "was touched before", then(rising(), *BLOCK, BOUNCE, BOUNCE)),
    ("order_block", "began no move", then(rising(), BLOCK[0], *((-0.4, 0.2, -0.45, 0.1, 90),) * 6, BOUNCE)),
    ("fair_value_gap", "falls on", then(rising(), *GAP, (1.6, 1.65, 0.5, 0.6, 100))),
    ("fair_value_gap", "is touched at its edge", then(rising(), *GAP, (1.3, 1.5, 0.9, 1.4, 100))),
    ("fair_value_gap", "is passed through", then(rising(), *GAP, (0.9, 1.5, -0.2, 1.4, 100))),
    ("fair_value_gap", "is none", then(rising(), GAP[0], (0.05, 1.6, 0.0, 1.5, 300), (1.5, 2.0, 0.1, 1.9, 150), *GAP[3:])),
    ("contraction_breakout", "on usual volume", boxed(0.7, 120)),
    ("contraction_breakout", "inside the box", boxed(0.2, 200)),
    ("contraction_breakout", "runs far away", boxed(4.0, 200)),
    ("contraction_breakout", "of a box as wide as what came before", boxed(0.7, 200, swing=0.4)),
    ("momentum", "without a direction", dipping(0.0, 0.75)),
    ("momentum", "against the longer candles", dipping(-0.12, 1.4)),
    ("momentum", "too weak to cross", dipping(0.12, -0.1)),
]


@pytest.mark.parametrize("name", CALLS)
def test_the_pattern_calls_long_and_says_why(name: str) -> None:
    signal = said(name, CALLS[name])

    assert signal is not None
    assert signal.side is Side.LONG
    assert signal.reason.startswith(REASONS[name])
    assert signal.entry == CALLS[name][-1].close
    assert 0 < signal.setup <= 40
    assert signal.stop < signal.entry < signal.targets[0] < signal.targets[1]


@pytest.mark.parametrize("name", CALLS)
def test_the_pattern_upside_down_calls_short(name: str) -> None:
    upright, turned = said(name, CALLS[name]), said(name, mirrored(CALLS[name], AROUND))

    assert upright is not None
    assert turned is not None
    assert turned.side is Side.SHORT
    assert turned.setup == upright.setup
    assert turned.stop - AROUND == pytest.approx(AROUND - upright.stop)


@pytest.mark.parametrize(
    ("name", "candles"), [(name, drawn) for name, _, drawn in QUIET], ids=[f"{name} {what}" for name, what, _ in QUIET]
)
def test_without_one_of_its_parts_it_calls_nothing(name: str, candles: list[Candle]) -> None:
    assert said(name, candles) is None
