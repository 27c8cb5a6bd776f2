"""A trader who chooses how to enter, for tests of entries that wait."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from services.domain.entries import EntryKind
from services.domain.money import Price
from services.domain.orders import Order, OrderRole, Purpose
from services.domain.routes import Route, load_route
from services.domain.signals import Mission
from services.domain.states import InstructionState
from services.domain.trades import Trade
from services.missions.entries import EntryWish
from services.missions.fire import Fired, FireOutcome
from services.storage import instructions, orders, previews, trades
from services.storage.previews import Preview
from tests.trading.rig import ANN, Rig


async def shown(rig: Rig, mission: Mission, kind: EntryKind, price: str | None = None, *, anew: bool = True) -> Preview:
    """Open the preview of a mission with a way to enter, and return what it shows."""
    wish = EntryWish(kind=kind, price=Price(Decimal(price)) if price is not None else None)
    await rig.trading.preview(rig.actor(), mission.id, wish=wish, anew=anew)
    found: Preview = await rig.read(lambda unit: previews.find(unit, mission.id, ANN))
    return found


async def confirmed(rig: Rig, kind: EntryKind, price: str | None = None, **mission: object) -> FireOutcome:
    """Choose a way to enter and press Confirm; the venue has not been asked yet."""
    preview = await shown(rig, await rig.mission(**mission), kind, price)  # type: ignore[arg-type]
    assert preview.token_id is not None, [check for check in preview.checks if not check.passed]
    return await rig.trading.fire(rig.actor(), preview.token_id)


async def entered(rig: Rig, kind: EntryKind, price: str | None = None, **mission: object) -> str:
    """Fire with a way to enter and let desk and venue come to rest; return the trade's id."""
    outcome = await confirmed(rig, kind, price, **mission)
    assert isinstance(outcome, Fired)
    await rig.settle()
    return outcome.trade_id


async def trade_of(rig: Rig, trade_id: str) -> Trade:
    found = await rig.read(lambda unit: trades.find(unit, trade_id))
    assert isinstance(found, Trade)
    return found


async def route_of(rig: Rig, trade_id: str) -> Route:
    route = load_route((await trade_of(rig, trade_id)).route)
    assert route is not None
    return route


async def entries_of(rig: Rig, trade_id: str) -> Sequence[Order]:
    """Return the entry's orders, oldest first."""
    placed: list[Order] = await rig.read(lambda unit: orders.of_trade(unit, trade_id))
    sent = await rig.read(lambda unit: instructions.of_trade(unit, trade_id))
    turn = {each.id: number for number, each in enumerate(sent)}
    found = [order for order in placed if order.role is OrderRole.ENTRY]
    return sorted(found, key=lambda order: turn.get(order.instruction_id or "", -1))


async def asked_in_all(rig: Rig, trade_id: str) -> Decimal:
    """Return the largest quantity that the entry's orders could have had at the venue at any one time."""
    placed = await entries_of(rig, trade_id)
    most = done = Decimal(0)
    for order in placed:
        most = max(most, done + order.quantity)
        done += order.filled
    return most


async def writes(rig: Rig, trade_id: str, purpose: Purpose = Purpose.ENTRY) -> int:
    """Count the instructions of a purpose that went to the venue."""
    sent = await rig.read(lambda unit: instructions.of_trade(unit, trade_id))
    never = (InstructionState.INTENT, InstructionState.EXPIRED, InstructionState.DENIED)
    return sum(each.purpose is purpose and each.state not in never for each in sent)
