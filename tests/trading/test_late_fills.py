"""Fills that come late, twice, out of order or before the acknowledgement lead to the same books."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.access.alerts import AlertCode
from services.domain.money import ZERO, Price, Quantity
from services.domain.orders import Instruction, Purpose, VenueFill, VenueOrder
from services.domain.people import Actor
from services.domain.ports import Venue
from services.domain.states import InstructionState, OrderState, TradeState
from services.domain.trades import Terminal, Trade
from services.execution.booking import VenueReport
from services.missions.fire import Fired
from services.storage import instructions, orders, terminals, trades
from services.storage.database import Unit
from tests.told import alerts_for
from tests.trading.rig import ANN, Rig, desk_at
from tests.trading.taps import fire

TERMINAL = f"paper-{ANN}"
SYMBOL = "BTC/USDT"
ACTOR = Actor.job("test", "test")
LATE = timedelta(days=7)


class LateVenue:
    """Says that an order was canceled or expired unfilled, while its fills come only when they are let out."""

    def __init__(self, venue: Venue) -> None:
        self._venue = venue
        self.hiding = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._venue, name)

    async def fills_since(self, account: str, sequence: int) -> Sequence[VenueFill]:
        return [] if self.hiding else await self._venue.fills_since(account, sequence)

    async def find(self, account: str, symbol: str, client_id: str) -> VenueOrder | None:
        found = await self._venue.find(account, symbol, client_id)
        if found is None or not self.hiding:
            return found
        return replace(found, state=OrderState.CANCELED, filled=Quantity(ZERO))


async def test_a_fill_after_canceled_opens_the_trade_again_protects_it_and_alarms(tmp_path: Path) -> None:
    late: list[LateVenue] = []

    def wrap(venue: Venue) -> Venue:
        late.append(LateVenue(venue))
        return late[0]

    async with desk_at(tmp_path, wrap=wrap) as rig:
        late[0].hiding = True
        fired = await fire(rig)
        assert isinstance(fired, Fired)
        await rig.settle()
        missed: Trade = await rig.read(lambda unit: trades.find(unit, fired.trade_id))
        assert (missed.state, missed.close_reason) == (TradeState.CANCELED, "NOT_FILLED")
        rig.clock.advance(3600)
        rig.quote("63999.99", "64000.01")
        late[0].hiding = False
        await rig.settle()

        found: Trade = await rig.read(lambda unit: trades.find(unit, fired.trade_id))
        working = await rig.trading.paper.open_orders(TERMINAL)
        assert found.state is TradeState.OPEN
        assert found.entry_quantity == found.quantity
        assert [o.quantity for o in working if o.stop_price == found.stop] == [found.open_quantity]
        assert await alarmed(rig) == [AlertCode.LATE_FILL.value]
        assert await rig.trading.sync.reconcile_all() == 0


async def alarmed(rig: Rig) -> list[str]:
    """Return the codes of the alerts that Ann is to get."""
    return [each.code for each in await rig.read(lambda unit: alerts_for(unit, ANN))]


@dataclass(kw_only=True)
class Books:
    """One desk in which a test books what it likes inside a unit that is undone again."""

    rig: Rig
    trade: Trade
    terminal: Terminal
    entry: Instruction

    def order(self, state: OrderState, filled: str = "0") -> VenueOrder:
        """Return the entry as the venue reports it, filled by a share."""
        asked = self.entry.orders[0]
        return VenueOrder(
            client_id=asked.client_id,
            venue_id="o-1",
            symbol=SYMBOL,
            side=asked.side,
            type=asked.type,
            quantity=asked.quantity,
            filled=Quantity(asked.quantity * Decimal(filled)),
            price=asked.price,
            stop_price=None,
            state=state,
            list_id=None,
            updated_at=self.rig.clock.now(),
        )

    def fill(self, number: int, share: str, *, after: timedelta = timedelta(0)) -> VenueFill:
        """Return one of the entry's fills."""
        asked = self.entry.orders[0]
        return VenueFill(
            venue_fill_id=f"f-{number}",
            sequence=number,
            client_id=asked.client_id,
            venue_order_id="o-1",
            symbol=SYMBOL,
            side=asked.side,
            quantity=Quantity(asked.quantity * Decimal(share)),
            price=Price(Decimal(64_000)),
            fee=Decimal("0.1"),
            fee_currency="USDT",
            time=self.rig.clock.now() + after,
        )

    def report(self, unit: Unit, *said: VenueOrder | VenueFill) -> None:
        """Book one look at the venue."""
        report = VenueReport(
            orders=[each for each in said if isinstance(each, VenueOrder)],
            fills=[each for each in said if isinstance(each, VenueFill)],
            positions=[],
        )
        self.rig.trading.booking.apply(unit, ACTOR, self.terminal, report)

    def acknowledge(self, unit: Unit) -> None:
        """Book the venue's answer to the entry, as it was when the venue took it."""
        sent = instructions.find(unit, self.entry.id)
        assert sent is not None
        if sent.state is InstructionState.SENT:
            self.rig.trading.executor.book_acceptance(unit, ACTOR, sent, [self.order(OrderState.ACCEPTED)])

    def now(self, unit: Unit) -> Trade:
        found = trades.find(unit, self.trade.id)
        assert found is not None
        return found

    def held(self, unit: Unit) -> Decimal:
        return terminals.position(unit, TERMINAL, SYMBOL)

    def undone(self, body: Callable[[Unit], None]) -> None:
        """Run a body in a unit of which nothing stays."""

        def undo(unit: Unit) -> None:
            body(unit)
            raise _UndoneError

        with pytest.raises(_UndoneError):
            self.rig.trading.database.write_now(undo)


class _UndoneError(Exception):
    """Ends a unit so that nothing of it stays."""


async def books_with_a_sent_entry(rig: Rig) -> Books:
    """Have an entry on its way to the venue, and nothing heard of it."""
    fired = await fire(rig)
    assert isinstance(fired, Fired)
    (entry,) = await rig.read(lambda unit: instructions.of_trade(unit, fired.trade_id))
    await rig.trading.database.write(lambda unit: instructions.set_state(unit, entry, InstructionState.SENT, epoch=1))
    return Books(
        rig=rig,
        trade=await rig.read(lambda unit: trades.find(unit, fired.trade_id)),
        terminal=await rig.read(lambda unit: terminals.find(unit, TERMINAL)),
        entry=entry,
    )


EVENTS = ("ack", "partial", "filled", "fill 1", "fill 2")
orders_of_events = st.lists(st.sampled_from(EVENTS), max_size=5).flatmap(lambda twice: st.permutations([*EVENTS, *twice]))


async def test_acknowledgement_reports_and_fills_in_any_order_and_number_lead_to_the_same_books(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        books = await books_with_a_sent_entry(rig)
        said: dict[str, VenueOrder | VenueFill] = {
            "partial": books.order(OrderState.PARTIAL, "0.3"),
            "filled": books.order(OrderState.FILLED, "1"),
            "fill 1": books.fill(1, "0.3"),
            "fill 2": books.fill(2, "0.7"),
        }

        def ends_alike(unit: Unit, events: list[str]) -> None:
            for event in events:
                if event == "ack":
                    books.acknowledge(unit)
                else:
                    books.report(unit, said[event])
            after, order = books.now(unit), orders.find(unit, TERMINAL, books.entry.orders[0].client_id)
            assert after.state is TradeState.OPEN
            assert after.entry_quantity == books.held(unit) == books.trade.quantity
            assert after.fees == Decimal("0.2")
            assert order is not None
            assert (order.state, order.filled) == (OrderState.FILLED, books.trade.quantity)
            assert len(orders.fills_of_trade(unit, after.id)) == 2
            assert [i.purpose for i in instructions.of_trade(unit, after.id)] == [Purpose.ENTRY, Purpose.PROTECT]

        @settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
        @given(orders_of_events)
        def in_any_order(events: list[str]) -> None:
            books.undone(lambda unit: ends_alike(unit, events))

        in_any_order()


async def test_fills_of_one_report_are_booked_in_the_venues_order(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        books = await books_with_a_sent_entry(rig)

        def body(unit: Unit) -> None:
            books.report(unit, books.fill(2, "0.7"), books.fill(1, "0.3"), books.fill(2, "0.7"))
            assert books.held(unit) == books.trade.quantity
            assert terminals.fill_sequence(unit, TERMINAL) == 2

        books.undone(body)


def _canceled(books: Books, unit: Unit) -> None:
    books.acknowledge(unit)
    books.report(unit, books.order(OrderState.CANCELED))


def _failed(books: Books, unit: Unit) -> None:
    sent = instructions.find(unit, books.entry.id)
    assert sent is not None
    books.rig.trading.executor.book_rejection(unit, ACTOR, sent, "NOT_FOUND")


def _closed(books: Books, unit: Unit) -> None:
    """Fill half, let the stop take it, and say that the other half was canceled."""
    books.acknowledge(unit)
    books.report(unit, books.fill(1, "0.5"), books.order(OrderState.CANCELED, "0.5"))
    protection = instructions.of_trade(unit, books.trade.id)[-1]
    sent = instructions.set_state(unit, protection, InstructionState.SENT, epoch=1)
    assert sent is not None
    working = [
        replace(
            books.order(OrderState.ACCEPTED),
            client_id=asked.client_id,
            side=asked.side,
            type=asked.type,
            quantity=asked.quantity,
            price=asked.price,
            stop_price=asked.stop_price,
        )
        for asked in sent.orders
    ]
    books.rig.trading.executor.book_acceptance(unit, ACTOR, sent, working)
    stop = working[0]
    taken = replace(books.fill(2, "0.5"), client_id=stop.client_id, side=stop.side, price=Price(Decimal(63_000)))
    filled = replace(stop, state=OrderState.FILLED, filled=stop.quantity)
    books.report(unit, taken, filled, *(replace(each, state=OrderState.CANCELED) for each in working[1:]))


@pytest.mark.parametrize(
    ("ends", "state"),
    [(_canceled, TradeState.CANCELED), (_failed, TradeState.FAILED), (_closed, TradeState.CLOSED)],
    ids=["canceled", "failed", "closed"],
)
async def test_two_hundred_fills_up_to_a_week_after_the_end_are_all_booked_and_alarmed(
    tmp_path: Path, ends: Callable[[Books, Unit], None], state: TradeState
) -> None:
    async with desk_at(tmp_path) as rig:
        books = await books_with_a_sent_entry(rig)
        chance = random.Random(2026)

        def late(unit: Unit) -> None:
            ends(books, unit)
            before = books.now(unit)
            assert before.state is state
            share = f"0.{chance.randrange(1, 6)}"
            books.report(unit, books.fill(9, share, after=chance.random() * LATE))
            after = books.now(unit)
            came = books.trade.quantity * Decimal(share)
            assert after.state is TradeState.OPEN
            assert after.open_quantity == books.held(unit) == came
            planned = instructions.of_trade(unit, after.id)[-1]
            assert planned.purpose is Purpose.PROTECT
            assert planned.orders[0].quantity == came
            assert [each.code for each in alerts_for(unit, ANN)] == [AlertCode.LATE_FILL.value]

        for _ in range(200 // 3 + 1):
            books.undone(late)


async def test_a_fill_that_nobody_of_the_desk_ordered_is_booked_as_foreign_and_alarmed(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        books = await books_with_a_sent_entry(rig)

        def body(unit: Unit) -> None:
            books.report(unit, replace(books.fill(1, "1"), client_id="somebodyelse", venue_order_id="o-9"))
            assert books.held(unit) == books.trade.quantity
            assert books.now(unit) == books.trade

        books.undone(body)
