"""What desk and venue disagree about is repaired or asked about within two comparisons; a failed query is never "flat"."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, update

from services.access.alerts import AlertCode
from services.domain.errors import Unavailable
from services.domain.money import ZERO, Price, Quantity
from services.domain.orders import Order, OrderRequest, OrderRole, OrderSide, OrderType, Purpose, VenuePosition
from services.domain.ports import Venue
from services.domain.proposals import ProposalKind
from services.domain.states import OrderState, TradeState
from services.domain.trades import Trade
from services.missions.fire import Fired
from services.storage import desk, incidents, instructions, orders, outbox, proposals, tables, terminals, trades
from services.storage.database import Unit
from tests.told import alerts_for
from tests.trading.rig import ANN, ETH, Rig, desk_at
from tests.trading.taps import fire

SYMBOL, TERMINAL = "BTC/USDT", f"paper-{ANN}"
CALM = ("63999.99", "64000.01")


class Tampered:
    """A venue whose answers a test falsifies: ``lies`` take the place of its queries, by name."""

    def __init__(self, venue: Venue) -> None:
        self.venue = venue
        self.lies: dict[str, Callable[..., Awaitable[Any]]] = {}

    def __getattr__(self, name: str) -> Any:
        return self.lies.get(name) or getattr(self.venue, name)


@dataclass
class Case:
    """A desk with an open, protected trade, and its venue to tamper with."""

    rig: Rig
    venue: Tampered
    trade: Trade

    async def order(self, role: OrderRole) -> Order:
        found = await self.rig.read(lambda unit: orders.live(unit, trade_id=self.trade.id))
        return next(order for order in found if order.role is role)

    async def write(self, body: Callable[[Unit], Any]) -> None:
        await self.rig.trading.database.write(body)

    async def change_order(self, role: OrderRole, **values: Any) -> None:
        name = (await self.order(role)).client_id
        table = tables.orders
        await self.write(lambda unit: unit.run(update(table).where(table.c.client_id == name).values(**values)))

    async def by_hand(self, side: OrderSide, quantity: Decimal, limit: str | None = None) -> None:
        order = OrderRequest(
            client_id="byhandatthevenue",
            symbol=SYMBOL,
            side=side,
            type=OrderType.MARKET if limit is None else OrderType.LIMIT,
            role=OrderRole.FOREIGN,
            quantity=Quantity(quantity),
            price=None if limit is None else Price(Decimal(limit)),
        )
        await self.venue.venue.place(TERMINAL, order)
        await self.rig.trading.paper.settle()

    def holds(self, quantity: Decimal) -> None:
        async def positions(account: str) -> Sequence[VenuePosition]:
            return [VenuePosition(symbol=SYMBOL, quantity=quantity)] if quantity and account == TERMINAL else []

        self.venue.lies["positions"] = positions


Tamper = Callable[[Case], Awaitable[None]]


async def wrong_state(case: Case) -> None:
    await case.change_order(OrderRole.TARGET, state=OrderState.CANCELED.value)


async def wrong_state_final(case: Case) -> None:
    await case.change_order(OrderRole.STOP, state=OrderState.FILLED.value)


async def wrong_quantity(case: Case) -> None:
    await case.change_order(OrderRole.STOP, quantity=case.trade.quantity / 2)


async def wrong_filled(case: Case) -> None:
    await case.change_order(OrderRole.TARGET, filled=Decimal("0.00001"), state=OrderState.PARTIAL.value)


async def order_not_in_the_books(case: Case) -> None:
    name = (await case.order(OrderRole.STOP)).client_id
    await case.write(lambda unit: unit.run(delete(tables.orders).where(tables.orders.c.client_id == name)))


async def missing_fill(case: Case) -> None:
    await case.write(lambda unit: terminals.set_fill_sequence(unit, TERMINAL, 1_000))
    await case.rig.trading.paper.on_quote(case.rig.quote("66000.01", "66000.03"))


async def duplicate_fill(case: Case) -> None:
    async def twice(account: str, _sequence: int) -> Any:
        found = await case.venue.venue.fills_since(account, 0)
        return [*found, *found]

    case.venue.lies["fills_since"] = twice
    await case.rig.trading.paper.on_quote(case.rig.quote("66000.01", "66000.03"))


async def foreign_order(case: Case) -> None:
    await case.by_hand(OrderSide.BUY, Decimal("0.01"), limit="60000")


async def foreign_purchase(case: Case) -> None:
    await case.by_hand(OrderSide.BUY, Decimal("0.01"))


async def manual_sale(case: Case) -> None:
    await case.by_hand(OrderSide.SELL, case.trade.quantity)


async def flipped_side(case: Case) -> None:
    case.holds(-case.trade.quantity)


async def balance_short(case: Case) -> None:
    case.holds(case.trade.quantity - Decimal("0.001"))


async def balance_gone(case: Case) -> None:
    case.holds(ZERO)


async def stale_answer(case: Case) -> None:
    asked = 0

    async def positions(account: str) -> Any:
        nonlocal asked
        asked += 1
        return [] if asked == 1 else await case.venue.venue.positions(account)

    case.venue.lies["positions"] = positions


async def order_lost(case: Case) -> None:
    name = (await case.order(OrderRole.TARGET)).client_id

    async def find(account: str, symbol: str, client_id: str) -> Any:
        return None if client_id == name else await case.venue.venue.find(account, symbol, client_id)

    async def open_orders(account: str) -> Any:
        return [order for order in await case.venue.venue.open_orders(account) if order.client_id != name]

    case.venue.lies |= {"find": find, "open_orders": open_orders}


async def position_without_trade(case: Case) -> None:
    await case.write(lambda unit: terminals.set_position(unit, TERMINAL, ETH.symbol, Decimal(1)))


async def position_miscounted(case: Case) -> None:
    await case.write(lambda unit: terminals.set_position(unit, TERMINAL, SYMBOL, -case.trade.quantity))


async def list_half_gone(case: Case) -> None:
    await case.venue.venue.cancel(TERMINAL, SYMBOL, [(await case.order(OrderRole.STOP)).client_id])


async def instrument_gone(case: Case) -> None:
    await case.write(lambda unit: desk.save_universe(unit, (ETH,)))
    await case.rig.trading.paper.on_quote(case.rig.quote("66000.01", "66000.03"))


REPAIRED = (
    wrong_state,
    wrong_state_final,
    wrong_quantity,
    wrong_filled,
    order_not_in_the_books,
    missing_fill,
    duplicate_fill,
    stale_answer,
    position_without_trade,
    position_miscounted,
    list_half_gone,
    instrument_gone,
)
PROPOSED: tuple[tuple[Tamper, ProposalKind], ...] = (
    (foreign_order, ProposalKind.FOREIGN_ORDER),
    (foreign_purchase, ProposalKind.FOREIGN_FILL),
    (manual_sale, ProposalKind.FOREIGN_FILL),
    (flipped_side, ProposalKind.POSITION_DIFFERS),
    (balance_short, ProposalKind.POSITION_DIFFERS),
    (balance_gone, ProposalKind.POSITION_DIFFERS),
    (order_lost, ProposalKind.ORDER_LOST),
)


async def tampered(rig: Rig, venue: Tampered, tamper: Tamper) -> Case:
    """Open a trade, let something go wrong, and look twice."""
    fired = await fire(rig)
    assert isinstance(fired, Fired)
    await rig.settle()
    case = Case(rig=rig, venue=venue, trade=await rig.read(lambda unit: trades.find(unit, fired.trade_id)))
    assert await rig.trading.sync.reconcile_all() == 0
    await tamper(case)
    for _ in range(2):
        await rig.trading.sync.reconcile_all()
        await rig.settle()
    return case


@pytest.mark.parametrize("tamper", REPAIRED, ids=lambda each: each.__name__)
async def test_what_the_evidence_settles_is_repaired(tmp_path: Path, tamper: Tamper) -> None:
    held: list[Tampered] = []
    async with desk_at(tmp_path, wrap=lambda venue: held.append(Tampered(venue)) or held[0]) as rig:  # type: ignore[func-returns-value]
        case = await tampered(rig, held[0], tamper)

        assert await rig.read(proposals.waiting) == []
        assert await differences(case) == []
        after = await rig.read(lambda unit: trades.find(unit, case.trade.id))
        assert after.state is TradeState.OPEN
        assert [order.quantity for order in await working(case, OrderRole.STOP)] == [after.open_quantity]
        assert (await rig.read(lambda unit: terminals.find(unit, TERMINAL))).reconciled_at is not None


@pytest.mark.parametrize(("tamper", "kind"), PROPOSED, ids=lambda each: getattr(each, "__name__", None))
async def test_what_it_does_not_settle_is_asked_once_and_nothing_is_booked_or_sent(
    tmp_path: Path, tamper: Tamper, kind: ProposalKind
) -> None:
    held: list[Tampered] = []
    async with desk_at(tmp_path, wrap=lambda venue: held.append(Tampered(venue)) or held[0]) as rig:  # type: ignore[func-returns-value]
        case = await tampered(rig, held[0], tamper)
        asked = await rig.read(proposals.waiting)
        for _ in range(3):
            await rig.trading.sync.reconcile_all()

        assert [(each.kind, each.symbol) for each in asked] == [(kind, SYMBOL)]
        assert await rig.read(proposals.waiting) == asked
        told = await rig.read(lambda unit: alerts_for(unit, ANN))
        assert [each.facts["proposal"] for each in told] == [asked[0].id]
        after = await rig.read(lambda unit: trades.find(unit, case.trade.id))
        assert (after.state, after.exit_quantity) == (TradeState.OPEN, ZERO)
        sent = await rig.read(lambda unit: instructions.of_trade(unit, case.trade.id))
        assert Purpose.CLOSE not in {each.purpose for each in sent}
        assert await rig.read(lambda unit: proposals.count_waiting(unit, TERMINAL, SYMBOL)) == 1
        assert await rig.read(lambda unit: proposals.count_waiting(unit, TERMINAL, ETH.symbol)) == 0


@pytest.mark.parametrize("tamper", [flipped_side, balance_gone, order_lost], ids=lambda each: each.__name__)
async def test_a_difference_that_ends_takes_its_question_with_it(tmp_path: Path, tamper: Tamper) -> None:
    held: list[Tampered] = []
    async with desk_at(tmp_path, wrap=lambda venue: held.append(Tampered(venue)) or held[0]) as rig:  # type: ignore[func-returns-value]
        await tampered(rig, held[0], tamper)
        held[0].lies.clear()
        await rig.trading.sync.reconcile_all()

        assert await rig.read(proposals.waiting) == []
        assert await rig.read(incidents.open_incidents) == []
        assert await rig.trading.sync.reconcile_all() == 0


async def test_ten_minutes_of_failing_queries_close_nothing(tmp_path: Path) -> None:
    held: list[Tampered] = []
    async with desk_at(tmp_path, wrap=lambda venue: held.append(Tampered(venue)) or held[0]) as rig:  # type: ignore[func-returns-value]
        fired = await fire(rig)
        assert isinstance(fired, Fired)
        await rig.settle()
        before = await rig.read(lambda unit: trades.find(unit, fired.trade_id))
        sent = await rig.read(lambda unit: instructions.of_trade(unit, before.id))

        async def fails(*_: object) -> Any:
            raise Unavailable("NO_ANSWER")

        names = ("positions", "open_orders", "fills_since", "balance", "find", "open_account")
        held[0].lies = dict.fromkeys(names, fails)
        for _ in range(200):
            rig.clock.advance(3)
            rig.quote(*CALM)
            await rig.trading.sync.reconcile_all()
        closed_to_entries = (await rig.read(lambda unit: terminals.find(unit, TERMINAL))).reconciled_at is None
        alerts = [row for row in await rig.read(incidents.open_incidents) if row.subject == "ann-paper"]
        held[0].lies.clear()
        await rig.trading.sync.reconcile_all()

        assert closed_to_entries
        assert [row.code for row in alerts] == [AlertCode.VENUE_UNREACHABLE.value]
        assert await rig.read(lambda unit: trades.find(unit, before.id)) == before
        assert await rig.read(lambda unit: instructions.of_trade(unit, before.id)) == sent
        assert await rig.read(proposals.waiting) == []
        assert (await rig.read(lambda unit: terminals.find(unit, TERMINAL))).reconciled_at is not None
        assert await rig.read(incidents.open_incidents) == []


async def test_what_an_account_holds_before_the_desk_is_written_down_and_shown_once(tmp_path: Path) -> None:
    held: list[Tampered] = []

    def wrap(venue: Venue) -> Venue:
        held.append(Tampered(venue))

        async def positions(account: str) -> Sequence[VenuePosition]:
            own = {each.symbol: each.quantity for each in await venue.positions(account)}
            before = {SYMBOL: Decimal("0.5")} if account == TERMINAL else {}
            symbols = own.keys() | before.keys()
            return [VenuePosition(symbol=s, quantity=own.get(s, ZERO) + before.get(s, ZERO)) for s in sorted(symbols)]

        held[0].lies["positions"] = positions
        return held[0]  # type: ignore[return-value]

    async with desk_at(tmp_path, wrap=wrap) as rig:
        for _ in range(2):
            assert await rig.trading.sync.reconcile_all() == 0
        fired = await fire(rig)
        assert isinstance(fired, Fired)
        await rig.settle()
        assert await rig.trading.sync.reconcile_all() == 0

        notices = [n for n in await rig.read(lambda unit: outbox.pending_notices(unit, 100)) if n.template == "holdings"]
        assert [(n.chat_id, n.facts["held"]) for n in notices] == [(ANN, [[SYMBOL, "0.5"]])]
        trade = await rig.read(lambda unit: trades.find(unit, fired.trade_id))
        assert await rig.read(lambda unit: terminals.position(unit, TERMINAL, SYMBOL)) == trade.entry_quantity


async def working(case: Case, role: OrderRole) -> list[Order]:
    """Return the desk's working orders of a role."""
    found = await case.rig.read(lambda unit: orders.live(unit, trade_id=case.trade.id))
    return [replace(order, quantity=Quantity(order.quantity - order.filled)) for order in found if order.role is role]


async def differences(case: Case) -> list[str]:
    """Return what is still not equal in orders and positions."""
    paper = case.rig.trading.paper
    theirs = {(o.client_id, o.state, o.filled, o.quantity) for o in await paper.open_orders(TERMINAL)}
    live = await case.rig.read(lambda unit: orders.live(unit, terminal_id=TERMINAL))
    ours = {(o.client_id, o.state, o.filled, o.quantity) for o in live}
    held = {p.symbol: p.quantity for p in await paper.positions(TERMINAL)}
    booked = {p.symbol: p.quantity for p in await case.rig.read(lambda u: terminals.positions_of(u, TERMINAL)) if p.quantity}
    wrong = [f"orders {sorted(map(str, theirs ^ ours))}"] if theirs != ours else []
    return wrong + ([f"positions {held} {booked}"] if held != booked else [])
