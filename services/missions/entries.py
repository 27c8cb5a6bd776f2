"""The shape of an entry: where it takes, rests or triggers, and the worst price that Confirm binds for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from config.groups import RouteSettings
from config.limits import RiskSettings
from services.domain.entries import AT_A_PRICE, RESTS_AT, EntryKind, away_from_market, near_of, touch_of
from services.domain.errors import Refused
from services.domain.market import Instrument, Quote
from services.domain.money import Price, canonical, ceil_to, floor_to
from services.domain.signals import Side, Signal
from services.risk.sizing import entry_room, worst_entry


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryWish:
    """How a trader wants to enter; without a price, the kind's own rule finds it."""

    kind: EntryKind = EntryKind.TAKE
    price: Price | None = None

    def dump(self) -> dict[str, str]:
        """Write the wish as plain values."""
        values = {"how": self.kind.value}
        return values if self.price is None else values | {"price": canonical(self.price)}

    @classmethod
    def load(cls, values: Mapping[str, str] | None) -> EntryWish:
        """Read a wish back; nothing is TAKE."""
        if not values or "how" not in values:
            return cls()
        price = values.get("price")
        return cls(kind=EntryKind(values["how"]), price=Price(Decimal(price)) if price is not None else None)


TAKE_NOW = EntryWish()


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryPlan:
    """An entry's prices: ``decision`` is what it is planned at, ``worst`` the bound, ``price`` where it rests or triggers."""

    kind: EntryKind
    decision: Price
    worst: Price
    price: Price | None


def unpriced(wish: EntryWish, signal: Signal) -> EntryPlan:
    """Return what is shown while there is no price: the mission's own."""
    return EntryPlan(kind=wish.kind, decision=Price(signal.entry), worst=Price(signal.entry), price=None)


def plan_entry(
    wish: EntryWish, signal: Signal, quote: Quote, instrument: Instrument, limits: RiskSettings, routes: RouteSettings
) -> EntryPlan:
    """Return the prices of an entry as the market is now."""
    touch = touch_of(quote, signal.side)
    if wish.kind in RESTS_AT:
        price = wish.price if wish.price is not None else _resting(signal, quote, instrument)
        return EntryPlan(kind=wish.kind, decision=price, worst=price, price=price)
    if wish.kind is EntryKind.STOP:
        trigger = wish.price if wish.price is not None else _trigger(signal, touch, instrument, routes)
        room = entry_room(trigger, signal.stop, limits)
        worst = _beyond(trigger + room * signal.side.sign, trigger, signal.side, instrument)
        return EntryPlan(kind=wish.kind, decision=trigger, worst=worst, price=trigger)
    worst = worst_entry(quote, signal.side, signal.stop, instrument, limits)
    return EntryPlan(kind=wish.kind, decision=touch, worst=worst, price=None)


def _resting(signal: Signal, quote: Quote, instrument: Instrument) -> Price:
    """Return the mission's entry price, or the best price of the entry's own side where the market is better already."""
    price, near = away_from_market(signal.entry, signal.side, instrument), near_of(quote, signal.side)
    return min(price, near) if signal.side is Side.LONG else max(price, near)


def _trigger(signal: Signal, touch: Price, instrument: Instrument, routes: RouteSettings) -> Price:
    """Return the far edge of the entry band, or a share of the stop distance beyond the quote where that is further."""
    ahead = touch + abs(touch - signal.stop) * routes.trigger_share * signal.side.sign
    if signal.side is Side.LONG:
        return Price(ceil_to(max(signal.entry_high, ahead), instrument.tick))
    return Price(floor_to(min(signal.entry_low, ahead), instrument.tick))


def _beyond(price: Decimal, nearest: Price, side: Side, instrument: Instrument) -> Price:
    if side is Side.LONG:
        return Price(max(floor_to(price, instrument.tick), nearest))
    return Price(min(ceil_to(price, instrument.tick), nearest))


HOW_WORDS: Mapping[str, EntryKind] = {
    "take": EntryKind.TAKE,
    "now": EntryKind.TAKE,
    "all": EntryKind.WHOLE,
    "fok": EntryKind.WHOLE,
    "rest": EntryKind.LIMIT,
    "limit": EntryKind.LIMIT,
    "post": EntryKind.POST,
    "maker": EntryKind.MAKER,
    "stop": EntryKind.STOP,
}


def parse_wish(text: str) -> EntryWish:
    """Read ``rest``, ``rest 63900``, ``maker``, ``stop 64500`` ...; raise Refused for anything else."""
    word, _, rest = text.strip().lower().partition(" ")
    kind = HOW_WORDS.get(word)
    if kind is None:
        raise Refused("ENTRY_SYNTAX", value=text[:30])
    if not rest.strip():
        return EntryWish(kind=kind)
    if kind not in AT_A_PRICE:
        raise Refused("ENTRY_SYNTAX", value=text[:30])
    return EntryWish(kind=kind, price=parse_price(rest))


def parse_price(text: str) -> Price:
    """Read a price as people type it; raise Refused for anything that is none."""
    try:
        value = Decimal(text.strip().replace("_", "").replace(",", ""))
    except InvalidOperation as error:
        raise Refused("PRICE_SYNTAX", value=text[:30]) from error
    if not value.is_finite() or value <= 0:
        raise Refused("PRICE_SYNTAX", value=text[:30])
    return Price(value)
