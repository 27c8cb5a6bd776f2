"""Walk a price through regimes and leave one bar per step behind."""

from dataclasses import dataclass
from math import exp, log, sqrt
from random import Random

from sandbox.exchange.instruments import Bar, Instrument
from sandbox.exchange.regimes import Step, plan_block

# How much of each bar's noise the instruments share, and how strongly a price is drawn home, per bar: enough to keep
# a market of any length around its usual price, too little to be seen within a trend.
_SHARED_NOISE = 0.35
_OWN_NOISE = sqrt(1 - _SHARED_NOISE**2)
_HOMING = 0.003


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """What is usual for an instrument: its price, one bar's standard deviation (a share of it), one bar's volume."""

    instrument: Instrument
    price: float
    deviation: float
    volume: float


def walk_block(*, rng: Random, shared: Random, profile: Profile, close: int, first_index: int, length: int) -> list[Bar]:
    """Make a block of bars that continues from a close in ticks.

    `shared` is the noise that all instruments of the market see in the same block, in the same state for each.
    """
    home = log(profile.price * profile.instrument.ticks_per_quote)
    bars: list[Bar] = []
    for regime in plan_block(rng, length):
        start = log(close)
        for step in regime:
            position = log(close)
            noise = _SHARED_NOISE * shared.gauss(0.0, 1.0) + _OWN_NOISE * rng.gauss(0.0, 1.0)
            move = _move(step, (position - start) / profile.deviation, noise)
            move -= _HOMING * (position - home) / profile.deviation
            bars.append(_bar(first_index + len(bars), close, move, step, profile, rng))
            close = bars[-1].close
    return bars


def _move(step: Step, travelled: float, noise: float) -> float:
    pull = 0.0 if step.level is None else step.pull * (step.level - travelled)
    return step.drift + pull + step.noise * noise


def _bar(index: int, before: int, move: float, step: Step, profile: Profile, rng: Random) -> Bar:
    """Draw one bar: the body is the move, the wicks are noise, the volume reacts to both."""
    deviation = profile.deviation
    opening = before * exp(step.gap * deviation)
    closing = opening * exp(move * deviation)
    wick = 0.4 * max(0.5, step.noise) * deviation
    high = max(opening, closing) * exp(wick * abs(rng.gauss(0.0, 1.0)))
    low = min(opening, closing) * exp(-wick * abs(rng.gauss(0.0, 1.0)))
    volume = profile.volume * step.activity * (0.55 + 0.45 * abs(move)) * exp(rng.gauss(0.0, 0.25))
    return Bar(
        index=index,
        open=round(opening),
        high=round(high),
        low=round(low),
        close=round(closing),
        volume=max(1, round(volume * profile.instrument.units_per_asset)),
    )
