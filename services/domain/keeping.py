"""How the stop of an open trade is kept: to break even, behind the market, and for how long. It only ever tightens."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from services.domain.market import Instrument
from services.domain.money import Price, canonical, ceil_to, floor_to
from services.domain.signals import Side
from services.domain.trades import Trade


class Trail(StrEnum):
    """What a stop follows."""

    OFF = "off"
    R = "r"
    ATR = "atr"
    PERCENT = "percent"
    STRUCTURE = "structure"


@dataclass(frozen=True, slots=True, kw_only=True)
class Keep:
    """A trade's rules.

    ``distance`` is in R, in average true ranges or in percent of the price; for the structure it is a number of closed candles.
    ``break_even_r`` is the profit in R at which the stop moves to the entry and its costs, ``minutes`` the life of the trade;
    None leaves that out.
    """

    trail: Trail
    distance: Decimal
    break_even_r: Decimal | None = None
    minutes: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Market:
    """What a rule looks at: ``near`` is the price that closing would take now, ``true_range`` the average one or None.

    ``swing`` is the lowest low (the highest high of a short) of the last closed candles, or None without enough of them.
    """

    near: Price
    true_range: Decimal | None
    swing: Price | None


def load_keep(values: Mapping[str, str]) -> Keep:
    """Read rules as they are stored with a trade."""
    break_even, minutes = values.get("break_even_r"), values.get("minutes")
    return Keep(
        trail=Trail(values["trail"]),
        distance=Decimal(values["distance"]),
        break_even_r=Decimal(break_even) if break_even is not None else None,
        minutes=int(minutes) if minutes is not None else None,
    )


def dump_keep(keep: Keep) -> Mapping[str, str]:
    """Write rules as they are stored with a trade."""
    stored = {"trail": keep.trail.value, "distance": canonical(keep.distance)}
    if keep.break_even_r is not None:
        stored["break_even_r"] = canonical(keep.break_even_r)
    return stored | ({"minutes": str(keep.minutes)} if keep.minutes is not None else {})


def kept_stop(trade: Trade, keep: Keep, market: Market, instrument: Instrument, least_bps: Decimal) -> Price | None:
    """Return where the stop should move now, or None to leave it.

    A stop on the wrong side of the market, a wider one, and a move of less than ``least_bps`` of the price are left out.
    """
    sign = trade.side.sign
    places = (_break_even(trade, keep, market), _trailed(trade, keep, market, instrument))
    wanted = [price for price in places if price is not None]
    if not wanted:
        return None
    best = max(wanted, key=lambda price: price * sign)
    stop = floor_to(best, instrument.tick) if trade.side is Side.LONG else ceil_to(best, instrument.tick)
    gain = (stop - trade.stop) * sign
    if gain <= 0 or gain < market.near * least_bps / 10_000 or (market.near - stop) * sign <= 0:
        return None
    return Price(stop)


def break_even(trade: Trade) -> Decimal | None:
    """Return the price at which a trade makes nothing when leaving costs what entering did, or None before its entry."""
    entry, traded = trade.average_entry, trade.entry_cost + trade.exit_cost
    return entry * (1 + 2 * trade.fees / traded * trade.side.sign) if entry is not None else None


def _break_even(trade: Trade, keep: Keep, market: Market) -> Decimal | None:
    entry = trade.average_entry
    if keep.break_even_r is None or entry is None:
        return None
    profit = (market.near - entry) * trade.side.sign
    return break_even(trade) if profit >= keep.break_even_r * trade.risk_per_unit else None


def _trailed(trade: Trade, keep: Keep, market: Market, instrument: Instrument) -> Decimal | None:
    sign = trade.side.sign
    if keep.trail is Trail.R:
        return market.near - keep.distance * trade.risk_per_unit * sign
    if keep.trail is Trail.PERCENT:
        return market.near * (1 - keep.distance / 100 * sign)
    if keep.trail is Trail.ATR and market.true_range is not None:
        return market.near - keep.distance * market.true_range * sign
    if keep.trail is Trail.STRUCTURE and market.swing is not None:
        return market.swing - instrument.tick * sign
    return None
