"""A venue's words in any order: the desk's own booking over one database whose transactions are all taken back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from hypothesis import strategies as st
from sqlalchemy.engine import Connection

from services.domain.market import Instrument
from services.domain.money import Price, Quantity
from services.domain.orders import Instruction, OrderSide, OrderType, Purpose, VenueFill, VenueOrder
from services.domain.people import Actor
from services.domain.states import InstructionState, OrderState
from services.domain.trades import Terminal
from services.execution.booking import VenueReport
from services.missions.fire import Fired
from services.storage import desk, instructions, orders, terminals, trades
from services.storage.database import Unit, sqlite_engine
from tests.trading.rig import ANN, BTC, ETH, START, Rig, desk_at
from tests.trading.taps import fire

SYMBOL, TERMINAL = BTC.symbol, f"paper-{ANN}"
BNB = Instrument(
    symbol="BNB/USDT",
    base="BNB",
    quote="USDT",
    tick=Decimal("0.01"),
    step=Decimal("0.001"),
    min_quantity=Decimal("0.001"),
    min_notional=Decimal(5),
)
ACTOR = Actor.job("fills", "test")
Event = Callable[["Told"], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What must not depend on the order."""

    state: str
    entry: tuple[Decimal, Decimal]
    exit: tuple[Decimal, Decimal]
    fees: Decimal
    position: Decimal
    orders: tuple[tuple[str, str, Decimal], ...]
    write: str
    fills: tuple[str, ...]
    realized: Decimal


@dataclass
class Told:
    """One transaction in which a venue's words arrive."""

    rig: Rig
    unit: Unit
    terminal: Terminal
    trade_id: str
    write: Instruction

    def acknowledge(self, placed: Sequence[VenueOrder]) -> None:
        current = instructions.find(self.unit, self.write.id)
        if current is not None and current.state is InstructionState.SENT:
            self.rig.trading.executor.book_acceptance(self.unit, ACTOR, current, placed)

    def report(self, *, found: Sequence[VenueOrder] = (), fills: Sequence[VenueFill] = ()) -> None:
        report = VenueReport(orders=found, fills=fills, positions=[])
        self.rig.trading.booking.apply(self.unit, ACTOR, self.terminal, report)

    def outcome(self) -> Outcome:
        trade = trades.find(self.unit, self.trade_id)
        assert trade is not None
        write = instructions.find(self.unit, self.write.id)
        assert write is not None
        asked = {order.client_id for order in write.orders}
        placed = [order for order in orders.of_trade(self.unit, trade.id) if order.client_id in asked]
        day = terminals.day_result(self.unit, TERMINAL, START.date().isoformat())
        return Outcome(
            state=trade.state.value,
            entry=(trade.entry_quantity, trade.entry_cost),
            exit=(trade.exit_quantity, trade.exit_cost),
            fees=trade.fees,
            position=terminals.position(self.unit, TERMINAL, SYMBOL),
            orders=tuple((order.client_id, order.state.value, order.filled) for order in placed),
            write=write.state.value,
            fills=tuple(sorted(row.venue_fill_id for row in orders.fills_of_terminal(self.unit, TERMINAL))),
            realized=day.realized if day is not None else Decimal(0),
        )


class Stage:
    """A desk whose write was just sent; each example happens in a transaction that is taken back."""

    def __init__(self, rig: Rig, connection: Connection, trade_id: str, write: Instruction) -> None:
        self.rig = rig
        self.write = write
        self._connection = connection
        self._trade_id = trade_id

    @contextmanager
    def told(self) -> Iterator[Told]:
        unit = Unit(self._connection, self.rig.clock.now())
        try:
            terminal = terminals.find(unit, TERMINAL)
            assert terminal is not None
            yield Told(rig=self.rig, unit=unit, terminal=terminal, trade_id=self._trade_id, write=self.write)
        finally:
            self._connection.rollback()


@contextmanager
def stage_at(folder: Path, purpose: Purpose) -> Iterator[Stage]:
    """Bring a desk to where its entry, or the exits of what was filled, are sent and not answered."""
    with asyncio.Runner() as runner:
        entered = desk_at(folder)
        rig = runner.run(entered.__aenter__())
        try:
            fired = runner.run(fire(rig))
            assert isinstance(fired, Fired)
            if purpose is not Purpose.ENTRY:
                runner.run(_fill(rig))
            write = runner.run(rig.trading.database.write(lambda unit: _sent(unit, fired.trade_id, purpose)))
            engine = sqlite_engine(rig.settings.database_url, 5.0, begin="BEGIN IMMEDIATE", single=True)
            with engine.connect() as connection:
                yield Stage(rig, connection, fired.trade_id, write)
            engine.dispose()
        finally:
            runner.run(entered.__aexit__(None, None, None))


async def _fill(rig: Rig) -> None:
    """Let the entry be filled, and leave its exits waiting."""
    await rig.trading.executor.send_waiting()
    await rig.nursery.wait_for_jobs(5)
    await rig.trading.paper.settle()
    (terminal,) = [each for each in await rig.read(terminals.everything) if each.id == TERMINAL]
    await rig.trading.sync.look(terminal)


def _sent(unit: Unit, trade_id: str, purpose: Purpose) -> Instruction:
    desk.save_universe(unit, (BTC, ETH, BNB))
    waiting = next(each for each in instructions.of_trade(unit, trade_id) if each.purpose is purpose)
    sent = instructions.set_state(unit, waiting, InstructionState.SENT, epoch=1)
    assert sent is not None
    return sent


def order_of(write: Instruction, index: int, state: OrderState, filled: Decimal) -> VenueOrder:
    """Return an order of a write as the venue would report it."""
    asked = write.orders[index]
    return VenueOrder(
        client_id=asked.client_id,
        venue_id=f"v-{asked.client_id}",
        symbol=asked.symbol,
        side=asked.side,
        type=OrderType(asked.type),
        quantity=asked.quantity,
        filled=Quantity(filled),
        price=asked.price,
        stop_price=asked.stop_price,
        state=state,
        list_id=None,
        updated_at=START + timedelta(seconds=1),
    )


def fill_of(write: Instruction, index: int, number: int, quantity: Decimal, price: str, fee: tuple[str, str]) -> VenueFill:
    """Return one execution; ``fee`` is its amount and currency."""
    asked = write.orders[index]
    return VenueFill(
        venue_fill_id=f"f-{number}",
        sequence=100 + number,
        client_id=asked.client_id,
        venue_order_id=f"v-{asked.client_id}",
        symbol=asked.symbol,
        side=OrderSide(asked.side),
        quantity=Quantity(quantity),
        price=Price(Decimal(price)),
        fee=Decimal(fee[0]),
        fee_currency=fee[1],
        time=START + timedelta(seconds=number),
    )


FEES = st.sampled_from((("0", "USDT"), ("0.31", "USDT"), ("0.00000002", "BTC"), ("0.0012", "BNB")))
PRICES = st.sampled_from(("63999.99", "64000.01", "63998.5"))


@st.composite
def executions(draw: Any, write: Instruction, index: int, *, whole: bool | None = None) -> list[VenueFill]:
    """Draw the executions of an order: none to four, of a part of it or of all."""
    count = draw(st.integers(min_value=1 if whole else 0, max_value=4))
    left = write.orders[index].quantity
    found = []
    for number in range(count):
        last = number == count - 1 and (whole or draw(st.booleans()))
        size = left if last else (left / 3).quantize(BTC.step)
        found.append(fill_of(write, index, index * 10 + number, size, draw(PRICES), draw(FEES)))
        left -= size
    return found


def unnamed(fill: VenueFill) -> VenueFill:
    """Return the fill as a venue tells it that names only its own order id in executions."""
    return replace(fill, client_id=None)


def expected_position(fills: Sequence[VenueFill], before: Decimal) -> Decimal:
    """Return what an account holds after these executions, fees in its base asset taken off."""
    base = sum((fill.fee for fill in fills if fill.fee_currency == BTC.base), Decimal(0))
    return before + sum((fill.quantity * fill.side.sign for fill in fills), Decimal(0)) - base


def expected_fees(fills: Sequence[VenueFill]) -> Decimal:
    """Return what the fees come to in the quote currency; there is no rate for a third one here."""
    rates = {"USDT": lambda fill: Decimal(1), "BTC": lambda fill: fill.price, "BNB": lambda fill: Decimal(0)}
    return sum((fill.fee * rates[fill.fee_currency](fill) for fill in fills), Decimal(0))
