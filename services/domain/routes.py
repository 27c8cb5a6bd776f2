"""How an entry that does not just take is worked: its phases, and what a route does next.

A route is a part of its trade, so it survives a restart. ``next_step`` is a pure function of the route and of what is known of
its orders; a step that adds to what was asked is only taken when every earlier order is final and all it filled is booked.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from services.domain.entries import BPS, EntryKind, maker_price, touch_of
from services.domain.market import Instrument, Quote
from services.domain.money import ZERO, Price, canonical, truncate_to
from services.domain.signals import Side
from services.domain.states import move

# Why an entry ended: its venue took it back, not having heard of the desk; the market was closed until its time was over; or
# its instrument is not listed any more.
SILENCE, CLOSED, UNLISTED = "SILENCE", "SESSION", "UNIVERSE"
TAKEN_BACK = frozenset({SILENCE, CLOSED, UNLISTED})


class RoutePhase(StrEnum):
    """Where a route stands; LAST means that what is placed now is followed by nothing."""

    ARMED = "armed"
    RESTING = "resting"
    CLEARING = "clearing"
    LAST = "last"
    ENDED = "ended"


class Then(StrEnum):
    """What follows when the resting order is off the book."""

    REST = "rest"
    TAKE = "take"
    END = "end"


_P = RoutePhase

# A refused post-only order leaves RESTING for RESTING: it is placed again elsewhere.
ROUTE_MOVES: Mapping[RoutePhase, frozenset[RoutePhase]] = {
    _P.ARMED: frozenset({_P.LAST, _P.ENDED}),
    _P.RESTING: frozenset({_P.RESTING, _P.CLEARING, _P.LAST, _P.ENDED}),
    _P.CLEARING: frozenset({_P.CLEARING, _P.RESTING, _P.LAST, _P.ENDED}),
    _P.LAST: frozenset(),
    _P.ENDED: frozenset(),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """How an entry is sent, and how far that has come.

    ``price`` is where it rests, or the trigger; ``until`` when the desk takes it back; ``began`` and ``since`` are the starts
    of the route and of its present phase; ``touch`` is the price at which it could have been taken when it began. ``placed``
    and ``refused`` count orders. ``reason`` says what led to the present phase.
    """

    kind: EntryKind
    phase: RoutePhase
    price: Price
    touch: Price
    began: datetime
    since: datetime
    until: datetime
    placed: int = 0
    refused: int = 0
    then: Then | None = None
    reason: str | None = None

    @property
    def open(self) -> bool:
        """Tell whether the desk still works on it."""
        return self.phase in (RoutePhase.ARMED, RoutePhase.RESTING, RoutePhase.CLEARING)

    @property
    def continues(self) -> bool:
        """Tell whether another order may follow although none works now."""
        resting = self.phase is RoutePhase.RESTING and self.kind is EntryKind.MAKER
        return resting or self.phase in (RoutePhase.ARMED, RoutePhase.CLEARING)

    def moved(self, phase: RoutePhase, now: datetime, *, then: Then | None = None, reason: str | None = None) -> Route:
        """Return the route one listed move on."""
        return replace(self, phase=move(ROUTE_MOVES, self.phase, phase), since=now, then=then, reason=reason or self.reason)

    def dump(self) -> dict[str, str]:
        """Write the route as plain values."""
        values = {
            "kind": self.kind.value,
            "phase": self.phase.value,
            "price": canonical(self.price),
            "touch": canonical(self.touch),
            "began": self.began.isoformat(),
            "since": self.since.isoformat(),
            "until": self.until.isoformat(),
            "placed": str(self.placed),
            "refused": str(self.refused),
        }
        if self.then is not None:
            values["then"] = self.then.value
        if self.reason is not None:
            values["reason"] = self.reason
        return values


def load_route(values: Mapping[str, str] | None) -> Route | None:
    """Read a route back, or None where an entry has none."""
    if values is None:
        return None
    then = values.get("then")
    return Route(
        kind=EntryKind(values["kind"]),
        phase=RoutePhase(values["phase"]),
        price=Price(Decimal(values["price"])),
        touch=Price(Decimal(values["touch"])),
        began=datetime.fromisoformat(values["began"]),
        since=datetime.fromisoformat(values["since"]),
        until=datetime.fromisoformat(values["until"]),
        placed=int(values["placed"]),
        refused=int(values["refused"]),
        then=Then(then) if then is not None else None,
        reason=values.get("reason"),
    )


def entry_continues(values: Mapping[str, str] | None) -> bool:
    """Tell whether another entry order may follow although none works now."""
    route = load_route(values)
    return route is not None and route.continues


def within(price: Price, worst: Price, side: Side) -> Price:
    """Return a price to rest at, never beyond the bound."""
    return min(price, worst) if side is Side.LONG else max(price, worst)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fees:
    """What a venue charges, in bps of the traded value."""

    maker_bps: Decimal
    taker_bps: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteTerms:
    """The bounds of maker first: how long an order waits, how often it is placed anew or refused, at which offset."""

    wait: timedelta
    reprices: int
    refusals: int
    offset_bps: Decimal
    fees: Fees


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryFacts:
    """What is known of an entry's orders, in base units.

    ``quote`` is None unless it is fresh. ``pending``: an instruction of the entry waits for its answer. ``working``: an order
    rests; ``pulling``: it is being cancelled. ``settled``: all orders are final, and what they filled is booked. ``refused``:
    the venue refused the newest instruction; ``withheld``: the desk did not send it, for this reason; ``lost``: nobody can
    say for certain that it never takes effect. ``leaving``: the position is being closed. ``silenced``: its venue takes
    entries back because it has not heard of the desk. ``instrument`` is None for one that is not listed any more; ``closed``:
    its market keeps hours and is shut.
    """

    now: datetime
    side: Side
    instrument: Instrument | None
    worst: Price
    asked: Decimal
    filled: Decimal
    quote: Quote | None
    pending: bool
    working: bool
    pulling: bool
    settled: bool
    refused: bool
    withheld: str | None
    lost: bool
    leaving: bool
    silenced: bool = False
    closed: bool = False

    @property
    def left(self) -> Decimal:
        """Return what is still to be bought or sold, on the grid."""
        left = self.asked - self.filled
        return max(ZERO, truncate_to(left, self.instrument.step) if self.instrument is not None else left)


class StepKind(StrEnum):
    """What to do next: place a resting order, take, cancel what rests, or end."""

    REST = "rest"
    TAKE = "take"
    PULL = "pull"
    END = "end"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of a route; ``reason`` is a code for the journal and the card."""

    kind: StepKind
    reason: str
    quantity: Decimal = ZERO
    price: Price | None = None
    then: Then | None = None


def next_step(route: Route, facts: EntryFacts, terms: RouteTerms) -> Step | None:
    """Return what is to be done now, or None to wait."""
    if facts.pending or not route.open:
        return None
    if route.phase is RoutePhase.ARMED:
        return _armed(route, facts)
    if facts.working:
        return _working(route, facts, terms)
    if not facts.settled:
        return None
    if not _worth_placing(facts):
        return Step(kind=StepKind.END, reason="FILLED" if facts.filled else "NOT_FILLED")
    if facts.lost:
        return Step(kind=StepKind.END, reason="OUTCOME_LOST")
    ending = _ending(route, facts)
    if ending is not None:
        return Step(kind=StepKind.END, reason=ending)
    step = _cleared(route, facts, terms) if route.phase is RoutePhase.CLEARING else _gone(route, facts, terms)
    # Nothing is placed while the market is closed; it may open before the entry's time is over.
    return None if facts.closed and step is not None and step.kind is not StepKind.END else step


def _worth_placing(facts: EntryFacts) -> bool:
    instrument = facts.instrument
    return facts.left > ZERO if instrument is None else facts.left >= max(instrument.min_quantity, instrument.step)


def _ending(route: Route, facts: EntryFacts) -> str | None:
    """Return why nothing more is placed, or None."""
    if route.phase is RoutePhase.CLEARING and route.then in (Then.END, None):
        return route.reason or "CANCELED"
    if facts.withheld is not None:
        return facts.withheld
    return "CLOSING" if facts.leaving else _over(route, facts)


def _over(route: Route, facts: EntryFacts) -> str | None:
    """Return why nothing can be placed any more: no such instrument, or no time left."""
    if facts.instrument is None:
        return UNLISTED
    if facts.now < route.until:
        return None
    return CLOSED if facts.closed else "EXPIRED"


def _armed(route: Route, facts: EntryFacts) -> Step | None:
    over = _over(route, facts)
    if over is not None:
        return Step(kind=StepKind.END, reason=over)
    if facts.closed or facts.quote is None or (touch_of(facts.quote, facts.side) - route.price) * facts.side.sign < 0:
        return None
    return Step(kind=StepKind.TAKE, reason="TRIGGERED", quantity=facts.left)


def _working(route: Route, facts: EntryFacts, terms: RouteTerms) -> Step | None:
    if facts.pulling:
        return None
    if route.phase is RoutePhase.CLEARING:
        return Step(kind=StepKind.PULL, reason=route.reason or "CANCELED", then=route.then)
    if facts.leaving:
        return Step(kind=StepKind.PULL, reason="CLOSING", then=Then.END)
    over = _over(route, facts)
    if over is not None:
        return Step(kind=StepKind.PULL, reason=over, then=Then.END)
    return _maker(route, facts, terms) if route.kind is EntryKind.MAKER else None


def _maker(route: Route, facts: EntryFacts, terms: RouteTerms) -> Step | None:
    """Wait, rest elsewhere, or give up resting: when waiting has cost what it saves, or lasted long enough."""
    if facts.quote is None or facts.instrument is None or facts.closed:
        return None
    if waiting_costs(route, facts.quote, facts.side) >= waiting_saves(route, facts.side, terms.fees):
        return Step(kind=StepKind.PULL, reason="PRICE_LEFT", then=Then.TAKE)
    if facts.now - route.began >= terms.wait * (terms.reprices + 1):
        return Step(kind=StepKind.PULL, reason="WAITED", then=Then.TAKE)
    moved = _maker_price(facts, facts.instrument, facts.quote, terms) != route.price
    if moved and facts.now - route.since >= terms.wait and route.placed <= terms.reprices:
        return Step(kind=StepKind.PULL, reason="REPRICED", then=Then.REST)
    return None


def waiting_costs(route: Route, quote: Quote, side: Side) -> Decimal:
    """Return how far the price to take at has moved away since the route began, in bps; negative when it came closer."""
    return (touch_of(quote, side) - route.touch) * side.sign / route.touch * BPS


def waiting_saves(route: Route, side: Side, fees: Fees) -> Decimal:
    """Return what resting saves over taking when the route began, in bps: the difference of fees, and that of prices."""
    return fees.taker_bps - fees.maker_bps + (route.touch - route.price) * side.sign / route.touch * BPS


def _cleared(route: Route, facts: EntryFacts, terms: RouteTerms) -> Step | None:
    if route.then is Then.TAKE:
        return Step(kind=StepKind.TAKE, reason=route.reason or "WAITED", quantity=facts.left)
    if route.kind is not EntryKind.MAKER:
        return Step(kind=StepKind.REST, reason="AMENDED", quantity=facts.left, price=route.price)
    return _rest(facts, terms, route.reason or "REPRICED")


def _gone(route: Route, facts: EntryFacts, terms: RouteTerms) -> Step | None:
    """Answer for an order that is off the book although nobody took it off: refused, or cancelled elsewhere."""
    if not facts.refused:
        return Step(kind=StepKind.END, reason=SILENCE if facts.silenced else "CANCELED_ELSEWHERE")
    if route.kind is not EntryKind.MAKER:
        return Step(kind=StepKind.END, reason="REFUSED")
    if route.refused + 1 >= terms.refusals:
        return Step(kind=StepKind.TAKE, reason="REFUSED", quantity=facts.left)
    return _rest(facts, terms, "REFUSED")


def _rest(facts: EntryFacts, terms: RouteTerms, reason: str) -> Step | None:
    if facts.quote is None or facts.instrument is None:
        return None
    price = _maker_price(facts, facts.instrument, facts.quote, terms)
    return Step(kind=StepKind.REST, reason=reason, quantity=facts.left, price=price)


def _maker_price(facts: EntryFacts, instrument: Instrument, quote: Quote, terms: RouteTerms) -> Price:
    """Return where maker first rests now: behind its own side's best price, and never beyond the bound."""
    return within(maker_price(quote, facts.side, terms.offset_bps, instrument), facts.worst, facts.side)
