"""What should protect a trade, against what does: the difference is one instruction.

The plan is computed anew from the position each time, so a crash, a late fill or a half close leads to the same end.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from services.domain.market import Instrument
from services.domain.money import ZERO, Price, Quantity, truncate_to
from services.domain.orders import Order, OrderRequest, OrderRole, OrderType, client_id, exit_side
from services.domain.states import LIVE_ORDER_STATES, OrderState
from services.domain.trades import Trade


@dataclass(frozen=True, slots=True, kw_only=True)
class Exits:
    """The exits that a trade should have: one stop for all that is open, and target sizes by price."""

    stop: Price
    quantity: Decimal
    targets: tuple[tuple[Price, Decimal], ...]


def wanted_exits(trade: Trade, orders: Sequence[Order], instrument: Instrument) -> Exits:
    """Return the exits for what is open now."""
    remaining = trade.open_quantity
    rest = lacking(trade, orders, trade.entry_quantity)
    return Exits(stop=trade.stop, quantity=remaining, targets=spread(rest, remaining, instrument))


def lacking(trade: Trade, orders: Sequence[Order], entered: Decimal) -> list[tuple[Price, Decimal]]:
    """Return what each target that is not reached still lacks of its share of ``entered``.

    A target whose order was filled is reached, however little of the position it was placed for: it is not placed again,
    behind the market. One that was filled in part lacks the rest.
    """
    filled: dict[Decimal, Decimal] = {}
    reached: set[Decimal] = set()
    for order in orders:
        if order.role is OrderRole.TARGET and order.price is not None:
            filled[order.price] = filled.get(order.price, ZERO) + order.filled
            if order.state is OrderState.FILLED:
                reached.add(order.price)
    return [
        (target.price, max(ZERO, entered * target.share - filled.get(target.price, ZERO)))
        for target in trade.targets
        if target.price not in reached
    ]


def spread(
    rest: Sequence[tuple[Price, Decimal]], remaining: Decimal, instrument: Instrument
) -> tuple[tuple[Price, Decimal], ...]:
    """Put ``remaining`` on the targets in proportion to what each still lacks, on the grid; the last takes the rest."""
    open_targets = [(price, lacks) for price, lacks in rest if lacks >= instrument.step]
    total = sum((lacks for _, lacks in open_targets), ZERO)
    if not open_targets or total <= 0:
        return ()
    sizes: list[tuple[Price, Decimal]] = []
    left = remaining
    for price, lacks in open_targets[:-1]:
        share = lacks if total == remaining else remaining * lacks / total
        size = truncate_to(min(share, left), instrument.step)
        if large_enough(size, price, instrument) and large_enough(left - size, price, instrument):
            sizes.append((price, size))
            left -= size
    last = open_targets[-1][0]
    if large_enough(left, last, instrument):
        sizes.append((last, left))
    elif sizes:
        # Lower prices further on (a short's) can make the rest too small for the last target: the one before takes it.
        price, size = sizes.pop()
        sizes.append((price, size + left))
    else:
        whole = [(price, left) for price, _ in open_targets if large_enough(left, price, instrument)]
        sizes = whole[:1]
    return tuple(sizes)


def large_enough(size: Decimal, price: Decimal, instrument: Instrument) -> bool:
    """Tell whether the venue takes an exit of this size."""
    return size >= max(instrument.min_quantity, instrument.step) and size * price >= instrument.min_notional


def live_exits(orders: Sequence[Order]) -> list[Order]:
    """Return the stop and target orders that still work and are to stay."""
    staying = LIVE_ORDER_STATES - {OrderState.PENDING_CANCEL}
    return [o for o in orders if o.role in (OrderRole.STOP, OrderRole.TARGET) and o.state in staying]


def covers(wanted: Exits, working: Sequence[Order]) -> bool:
    """Tell whether the working exits are exactly the wanted ones."""
    stops = [order for order in working if order.role is OrderRole.STOP]
    targets = {order.price: order.quantity - order.filled for order in working if order.role is OrderRole.TARGET}
    return (
        len(stops) == 1
        and stops[0].stop_price == wanted.stop
        and stops[0].quantity - stops[0].filled == wanted.quantity
        and targets == dict(wanted.targets)
    )


def requests_for(trade: Trade, wanted: Exits, instruction_id: str) -> tuple[OrderRequest, ...]:
    """Write the exits as orders of one instruction, the stop first."""
    side = exit_side(trade.side)
    stop = OrderRequest(
        client_id=client_id(instruction_id, 0),
        symbol=trade.symbol,
        side=side,
        type=OrderType.STOP,
        role=OrderRole.STOP,
        quantity=Quantity(wanted.quantity),
        stop_price=wanted.stop,
        reduce_only=True,
    )
    targets = [
        OrderRequest(
            client_id=client_id(instruction_id, index),
            symbol=trade.symbol,
            side=side,
            type=OrderType.LIMIT,
            role=OrderRole.TARGET,
            quantity=Quantity(size),
            price=price,
            reduce_only=True,
        )
        for index, (price, size) in enumerate(wanted.targets, start=1)
    ]
    return (stop, *targets)
