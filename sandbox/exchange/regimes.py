"""How a seeded market behaves for a while: trends, ranges, breakouts and bursts, bar by bar.

A regime is a list of steps in units of the instrument's own volatility, so one table serves every instrument.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import pi, sin
from random import Random


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What one bar tends to do; drift, level, noise and gap are in standard deviations of a normal bar.

    `level` is where the price is pulled to, counted from the regime's first price, and `pull` the share of the way
    that one bar goes there; without a level the price is free. `activity` multiplies the normal volume.
    """

    drift: float = 0.0
    level: float | None = None
    pull: float = 0.0
    noise: float = 1.0
    activity: float = 1.0
    gap: float = 0.0


def plan_block(rng: Random, length: int) -> list[list[Step]]:
    """Fill a block of `length` bars with regimes, the last one cut; one in four opens with a price gap."""
    regimes: list[list[Step]] = []
    room = length
    while room > 0:
        regime = rng.choices(_REGIMES, _WEIGHTS)[0](rng)[:room]
        if rng.random() < 0.25:
            gap = rng.choice((-1.0, 1.0)) * rng.uniform(0.8, 2.2)
            regime[0] = replace(regime[0], gap=gap, activity=regime[0].activity * 1.5)
        regimes.append(regime)
        room -= len(regime)
    return regimes


def _trend(rng: Random) -> list[Step]:
    """Run one way in legs, with short shallow pullbacks on less volume."""
    direction = rng.choice((-1.0, 1.0))
    pace = rng.uniform(0.35, 0.6)
    steps: list[Step] = []
    for _ in range(rng.randint(3, 5)):
        leg = rng.randint(6, 10)
        steps += [Step(drift=direction * pace, noise=0.8, activity=1.25)] * leg
        steps += [Step(drift=-direction * 0.4, noise=0.6, activity=0.75)] * rng.randint(2, 3)
    return steps


def _range(rng: Random) -> list[Step]:
    """Swing around a level, now and then stretching far out and snapping back."""
    period, phase, height = rng.uniform(16, 26), rng.uniform(0, 2 * pi), rng.uniform(1.2, 2.2)
    length, next_stretch = rng.randint(32, 60), rng.randint(8, 14)
    steps: list[Step] = []
    while len(steps) < length:
        swing = height * sin(2 * pi * len(steps) / period + phase)
        if len(steps) == next_stretch:
            steps += _stretch(rng, swing)
            next_stretch = len(steps) + rng.randint(9, 15)
        else:
            steps.append(Step(level=swing, pull=0.45, noise=0.6, activity=0.85))
    return steps


def _stretch(rng: Random, swing: float) -> list[Step]:
    direction = 1.0 if swing > 0 else -1.0
    reach = rng.uniform(1.6, 2.4)
    away = [Step(drift=direction * reach, noise=0.5, activity=1.5)] * 3
    back = [Step(level=0.0, pull=0.35, noise=0.6, activity=1.1)] * 4
    return away + back


def _breakout(rng: Random) -> list[Step]:
    """Coil in a narrow band, then leave it on volume; one in five breakouts is false and comes back."""
    direction = rng.choice((-1.0, 1.0))
    coil = [Step(level=0.0, pull=0.5, noise=0.4, activity=0.6)] * rng.randint(12, 20)
    leave = [
        Step(drift=direction * rng.uniform(2.0, 2.8), noise=0.5, activity=3.2),
        Step(drift=direction * rng.uniform(1.0, 1.8), noise=0.6, activity=2.4),
    ]
    if rng.random() < 0.2:
        return coil + leave + [Step(level=-direction * 0.5, pull=0.4, noise=0.8, activity=1.6)] * 6
    follow = [Step(drift=direction * 0.35, noise=0.85, activity=1.2)] * rng.randint(12, 25)
    return coil + leave + follow


def _burst(rng: Random) -> list[Step]:
    """Shake hard without a direction; ranges, volume and spreads widen."""
    return [Step(noise=rng.uniform(2.5, 4.5), activity=2.6, gap=rng.gauss(0, 0.6)) for _ in range(rng.randint(5, 10))]


_REGIMES: tuple[Callable[[Random], list[Step]], ...] = (_trend, _range, _breakout, _burst)
_WEIGHTS = (0.28, 0.36, 0.26, 0.10)
