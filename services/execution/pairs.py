"""Exits at a venue where a resting exit holds what it would sell: groups of a stop and a target, changed one by one.

A group sells its quantity once: its stop and target are one list, or it is a stop alone. Changing exits takes three steps, each
planned anew from the books: cancel a group, wait until it is final and its fills are booked, place what is missing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import groupby

from services.domain.market import Instrument
from services.domain.money import ZERO, Price
from services.domain.orders import Instruction, Order, OrderRole, Purpose
from services.domain.states import LIVE_ORDER_STATES, OrderState
from services.domain.trades import Trade
from services.execution.protection import large_enough, spread

Sizes = dict[Price | None, Decimal]

EXITS = frozenset({OrderRole.STOP, OrderRole.TARGET})
# Binance takes five orders with a trigger per instrument; more groups than that are merged.
MOST_GROUPS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Exits of one instruction that together sell ``quantity`` once.

    ``stop`` is None when no stop works in it, ``target`` when it is a stop alone. ``working`` are its orders at the venue, none
    while its placement waits for an answer. ``leaving`` tells that its cancelling is under way.
    """

    stop: Price | None
    target: Price | None
    quantity: Decimal
    working: tuple[Order, ...]
    leaving: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What the books say of a trade's exits.

    ``held`` is what can be sold, on the grid; ``selling`` what sales under way may still take; ``booked`` whether the fills of
    all exits are in. ``lacking`` is what each target lacks that is not reached yet, ``paired`` are the targets that may rest
    beside a stop, ``stops`` tells whether a stop may rest at all.
    """

    held: Decimal
    selling: Decimal
    booked: bool
    groups: tuple[Group, ...]
    lacking: tuple[tuple[Price, Decimal], ...]
    paired: frozenset[Price]
    stops: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What has to be written now: groups to cancel, a quantity to sell, and exits to place by target, None for a lone stop."""

    cancel: tuple[Group, ...] = ()
    sell: Decimal = ZERO
    place: tuple[tuple[Price | None, Decimal], ...] = ()

    def __bool__(self) -> bool:
        return bool(self.cancel or self.sell or self.place)


def groups_of(placed: Sequence[Order], pending: Sequence[Instruction]) -> tuple[Group, ...]:
    """Return the groups that hold something: those at the venue, and those whose placement is not answered yet."""
    asked = {client_id for each in pending for client_id in each.cancels}
    exits = sorted((o for o in placed if o.role in EXITS and o.instruction_id), key=lambda o: o.instruction_id or "")
    known: set[str] = set()
    found: list[Group] = []
    for instruction_id, orders in groupby(exits, key=lambda o: o.instruction_id or ""):
        known.add(instruction_id)
        group = _group(tuple(orders), asked)
        if group is not None:
            found.append(group)
    for each in pending:
        if each.purpose is Purpose.PROTECT and each.id not in known:
            stop = next((o.stop_price for o in each.orders if o.role is OrderRole.STOP), None)
            target = next((o.price for o in each.orders if o.role is OrderRole.TARGET), None)
            found.append(Group(stop=stop, target=target, quantity=each.orders[0].quantity, working=(), leaving=False))
    return tuple(found)


def _group(orders: Sequence[Order], asked: set[str]) -> Group | None:
    working = tuple(order for order in orders if order.state in LIVE_ORDER_STATES)
    left = max((order.quantity for order in working), default=ZERO) - sum((order.filled for order in orders), ZERO)
    if not working or left <= 0:
        return None
    return Group(
        stop=next((order.stop_price for order in working if order.role is OrderRole.STOP), None),
        # A target that ended untouched beside a stop that works tells that the stop was triggered: it is still that group.
        target=next((o.price for o in orders if o.role is OrderRole.TARGET and (o in working or not o.filled)), None),
        quantity=left,
        working=working,
        leaving=any(o.client_id in asked or o.state is OrderState.PENDING_CANCEL for o in working),
    )


def sellable(quantity: Decimal, trade: Trade, instrument: Instrument) -> bool:
    """Tell whether the venue takes a sale of this size at about the price of the entry."""
    return large_enough(quantity, trade.average_entry or trade.decision_price, instrument)


def plan_pairs(trade: Trade, standing: Standing, instrument: Instrument) -> Plan:
    """Return what brings the exits nearer to what the trade should have; all of them together never exceed what is held."""
    left = standing.held - standing.selling
    sell = max(ZERO, min(trade.closing or ZERO, left))
    keep = left - sell
    if sell and keep and not large_enough(keep, trade.stop, instrument):
        sell, keep = left, ZERO
    wanted = _wanted(trade, standing, keep, instrument)
    stay, cancel = _sort_out(trade, standing.groups, wanted, keep)
    if not standing.booked:
        return Plan(cancel=tuple(cancel))
    free = left - sum((group.quantity for group in standing.groups), ZERO)
    sold = sell if sell <= free else ZERO
    crowded = len(standing.groups) >= MOST_GROUPS
    # What waits to be sold is not there to be protected again.
    place, merged = _missing(wanted, stay, keep, free - sell, trade, instrument, crowded=crowded)
    return Plan(cancel=(*cancel, *merged), sell=sold, place=tuple(place))


def _wanted(trade: Trade, standing: Standing, keep: Decimal, instrument: Instrument) -> Sizes:
    """Return the sizes by target; what no target at the venue takes gets a lone stop."""
    if not standing.stops or not large_enough(keep, trade.stop, instrument):
        return {}
    sizes: Sizes = {}
    for price, size in spread(standing.lacking, keep, instrument):
        key = price if price in standing.paired and large_enough(size, trade.stop, instrument) else None
        sizes[key] = sizes.get(key, ZERO) + size
    alone = keep - sum(sizes.values(), ZERO) + sizes.pop(None, ZERO)
    if large_enough(alone, trade.stop, instrument):
        sizes[None] = alone
    elif alone:
        biggest = max(sizes, key=lambda key: sizes[key])
        sizes[biggest] += alone
    return sizes


def _sort_out(trade: Trade, groups: Sequence[Group], wanted: Sizes, keep: Decimal) -> tuple[list[Group], list[Group]]:
    """Return the groups that stay and those to be cancelled; one whose placement is not answered can only be waited for."""
    stay: list[Group] = []
    cancel: list[Group] = []
    for group in groups:
        fits = bool(wanted) and group.stop == trade.stop and (group.target is None or group.target in wanted)
        if not group.leaving and (fits or group.working):
            (stay if fits else cancel).append(group)
    too_much = _total(stay) > keep
    for group in sorted(stay, key=lambda each: each.quantity):
        surplus = _total(each for each in stay if each.target == group.target) - wanted.get(group.target, ZERO)
        # A stop alone gives way to a target that could take its quantity.
        if group.working and (surplus > 0 if too_much else group.target is None and surplus >= group.quantity):
            stay.remove(group)
            cancel.append(group)
    return stay, cancel


def _missing(
    wanted: Sizes, stay: list[Group], keep: Decimal, free: Decimal, trade: Trade, instrument: Instrument, *, crowded: bool
) -> tuple[list[tuple[Price | None, Decimal]], list[Group]]:
    """Return what to place out of ``free``, and groups to cancel because what they lack is too little for one of its own."""
    place: list[tuple[Price | None, Decimal]] = []
    merged: list[Group] = []
    missing = keep - _total(stay)
    for target, size in wanted.items():
        same = [group for group in stay if group.target == target]
        lack = min(size - _total(same), missing)
        if lack <= 0:
            continue
        missing -= lack
        if large_enough(lack, trade.stop, instrument) and not (crowded and same):
            if lack <= free:
                place.append((target, lack))
                free -= lack
            continue
        movable = [group for group in same or stay if group.working]
        merged += [group for group in movable[:1] if group not in merged]
    return place, merged


def _total(groups: Iterable[Group]) -> Decimal:
    return sum((group.quantity for group in groups), ZERO)
