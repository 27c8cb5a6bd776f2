"""Trades that pass from somebody who may not trade any more to the one who keeps them; they stay at their terminal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from services.domain.keeping import break_even
from services.domain.market import Instrument
from services.domain.money import Price, ceil_to, floor_to
from services.domain.signals import Side
from services.domain.trades import Trade


class Kept(StrEnum):
    """What the keeper decided about a trade."""

    KEEP = "keep"
    TIGHTEN = "tighten"
    CLOSE = "close"


@dataclass(frozen=True, slots=True, kw_only=True)
class Handover:
    """One trade that was passed on, by its last hand: from whom, to whom, why, and what the keeper decided, None so far."""

    trade_id: str
    person_id: int
    keeper_id: int
    why: str
    at: datetime
    answer: Kept | None = None


def tightened_stop(trade: Trade, near: Decimal, instrument: Instrument) -> Price | None:
    """Return the stop at break-even where the market is beyond it, else half as far from the market; None when none is tighter.

    ``near`` is the side of the quote that an exit would take.
    """
    sign = trade.side.sign
    even = break_even(trade)
    half = trade.stop + (near - trade.stop) / 2
    for wanted in (even, half):
        if wanted is None:
            continue
        stop = floor_to(wanted, instrument.tick) if trade.side is Side.LONG else ceil_to(wanted, instrument.tick)
        if (stop - trade.stop) * sign > 0 and (near - stop) * sign > 0:
            return Price(stop)
    return None


def undecided(found: Sequence[Handover]) -> list[Handover]:
    """Return those that still wait for the keeper's word."""
    return [each for each in found if each.answer is None]
