"""What is true now and stands in no table: quotes, candles and balances, each with its own time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from services.domain.limits import LimitBook
from services.domain.live_facts import KeyRight, LiveGround
from services.domain.market import CandleSeries, Instrument, Quote, Universe
from services.domain.money import ZERO, Price
from services.domain.orders import Balance
from services.domain.screening import Screened
from services.domain.signals import Side
from services.storage import desk, people
from services.storage.database import Unit


@dataclass(frozen=True, slots=True, kw_only=True)
class RealMoney:
    """Where live terminals stand by their names, what their venues say of their keys, and the settings' limits."""

    grounds: Mapping[str, LiveGround] = field(default_factory=dict)
    right: Callable[[str], KeyRight] = lambda terminal: KeyRight.UNASKED
    limits: LimitBook = field(default_factory=lambda: LimitBook(desk={}, scoped=()))


@dataclass(frozen=True, slots=True, kw_only=True)
class Live:
    """The newest market and accounts; ``now`` is aware, UTC, ``zone`` is the desk's (an IANA name).

    ``least_sample`` is the desk's too: the fewest results that a rate or a mean is named by. ``screen`` is what was found
    of each instrument when they were last screened.
    """

    now: datetime
    zone: str
    quote: Callable[[str], Quote | None]
    series: Callable[[str], CandleSeries | None]
    balance: Callable[[str], Balance | None]
    least_sample: int
    real: RealMoney = field(default_factory=RealMoney)
    screen: Mapping[str, Screened] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceNow:
    """A price with the time it is from and how old that was at ``now``."""

    value: Price
    at: datetime
    age: timedelta


def exit_price(live: Live, symbol: str, side: Side) -> PriceNow | None:
    """Return what closing would take now: the bid of a long, the ask of a short; None when there was never a quote."""
    quote = live.quote(symbol)
    if quote is None:
        return None
    return _priced(quote, quote.bid if side is Side.LONG else quote.ask, live.now)


def middle_price(live: Live, symbol: str) -> PriceNow | None:
    """Return the middle of the newest quote, or None when there was never one."""
    quote = live.quote(symbol)
    return _priced(quote, quote.mid, live.now) if quote else None


def _priced(quote: Quote, value: Price, now: datetime) -> PriceNow:
    return PriceNow(value=value, at=min(quote.feed_time, quote.received_at), age=max(timedelta(0), quote.age(now)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """How an instrument's numbers are written; ``decimals`` is None when the universe no longer lists it.

    ``step`` is the smallest size that can be sold, zero where that is unknown.
    """

    base: str
    quote: str
    decimals: int | None
    step: Decimal = ZERO


def grid_of(universe: Universe | None, symbol: str) -> Grid:
    """Return how to write prices and sizes of a symbol."""
    instrument: Instrument | None = universe.find(symbol) if universe else None
    base, _, quote = symbol.partition("/")
    if instrument is None:
        return Grid(base=base, quote=quote, decimals=None)
    return Grid(base=instrument.base, quote=instrument.quote, decimals=instrument.price_decimals, step=instrument.step)


def read_grid(unit: Unit, symbol: str) -> Grid:
    """Return how to write prices and sizes of a symbol, from the universe in force."""
    return grid_of(desk.current_universe(unit), symbol)


def viewer_zone(unit: Unit, chat_id: int, zone: str) -> str:
    """Return the zone of a private chat's person, else the desk's."""
    person = people.find(unit, chat_id) if chat_id > 0 else None
    return person.zone if person else zone
