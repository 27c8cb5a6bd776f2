"""What a mission would have come to if it had been fired as it was called: from closed candles alone, before costs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from itertools import pairwise

from services.domain.market import Candle
from services.domain.money import ZERO
from services.domain.signals import Side, Signal


def course_of(signal: Signal, candles: Sequence[Candle], bar: timedelta) -> Decimal | None:
    """Return what a call made in R until its stop or its last target, or None where the candles do not tell.

    ``candles`` are closed, oldest first, ``bar`` long; they must reach from the call to the end without a gap. The entry is
    taken at the far end of the band, by the first candle that touches it before the call expires; a call that is never
    touched makes nothing. A candle that reaches both stop and target counts as the stop, and that of the entry as no target.
    """
    told = [candle for candle in candles if candle.time >= signal.created_at]
    if not told or told[0].time - signal.created_at >= bar or any(b.time - a.time != bar for a, b in pairwise(told)):
        return None
    entry = next((n for n, candle in enumerate(told) if _touches(signal, candle)), None)
    if entry is None or told[entry].time >= signal.expires_at:
        return ZERO if told[-1].time + bar >= signal.expires_at else None
    return _until_over(signal, told[entry:])


def _until_over(signal: Signal, candles: Sequence[Candle]) -> Decimal | None:
    """Follow a position that the first candle opened; None while it is open."""
    left, rest, made = list(signal.targets), Decimal(1), ZERO
    for number, candle in enumerate(candles):
        if _worst(signal, candle) * signal.side.sign <= signal.stop * signal.side.sign:
            return made - rest
        while number and left and _best(signal, candle) * signal.side.sign >= left[0].price * signal.side.sign:
            target = left.pop(0)
            made += signal.r_multiple(target.price) * target.share
            rest -= target.share
        if signal.targets and not left:
            return made
    return None


def _touches(signal: Signal, candle: Candle) -> bool:
    return _decimal(candle.low) <= signal.entry_high and _decimal(candle.high) >= signal.entry_low


def _worst(signal: Signal, candle: Candle) -> Decimal:
    return _decimal(candle.low if signal.side is Side.LONG else candle.high)


def _best(signal: Signal, candle: Candle) -> Decimal:
    return _decimal(candle.high if signal.side is Side.LONG else candle.low)


def _decimal(price: float) -> Decimal:
    return Decimal(str(price))
