"""Every answer to every difference leaves both books equal, and the ten invariants hold over what was decided."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from services.domain.buttons import Act
from services.domain.errors import NotAllowed, Refused, VenueRejected
from services.domain.money import ZERO
from services.domain.orders import OrderRole, OrderSide, Purpose
from services.domain.proposals import Answer, Proposal
from services.domain.states import OrderState, TradeState
from services.operations.evidence import Material
from services.operations.judgement import Status
from services.operations.places import paper_file
from services.operations.venue_book import read_paper_book
from services.operations.verify import run_all
from services.storage import holdings, instructions, orders, proposals, terminals, trades
from tests.trading.rig import ANN, CARL, TOM, Rig, desk_at
from tests.trading.test_drift import (
    CALM,
    SYMBOL,
    TERMINAL,
    Case,
    Tampered,
    balance_short,
    foreign_order,
    foreign_purchase,
    manual_sale,
    order_lost,
    tampered,
)


def wrapped(held: list[Tampered]) -> Any:
    def wrap(venue: Any) -> Any:
        held.append(Tampered(venue))
        return held[0]

    return wrap


async def decide(rig: Rig, answer: Answer, reason: str = "", person: int = ANN) -> Proposal:
    """Answer the one open question in two taps, and let both sides come to rest."""
    (asked,) = await rig.read(proposals.waiting)
    question = await rig.trading.decide.ask(rig.actor(person), asked.id, answer, reason)
    decided: Proposal = await rig.trading.decide(rig.actor(person), question.token.id)
    for _ in range(2):
        await rig.price(*CALM)
        await rig.trading.sync.reconcile_all()
    return decided


async def failures(rig: Rig) -> list[str]:
    """Return which of the ten invariants do not hold at rest."""
    state = rig.settings.desk.state_dir

    def books() -> list[Any]:
        book = read_paper_book(paper_file(state), rig.clock)
        return [] if book is None else [book]

    results = await run_all(rig.trading.database, Material(books=books, settled=True))
    # Nobody sends messages here, so commands and cards have no answers to show.
    return [f"{each.number} {each.detail}" for each in results if each.status is Status.FAIL and each.number != 7]


async def held_beside(rig: Rig) -> Decimal:
    found: Decimal = await rig.read(lambda unit: holdings.quantity(unit, TERMINAL, SYMBOL))
    return found


async def sold_in_part(case: Case) -> None:
    await case.by_hand(OrderSide.SELL, case.trade.quantity / 2)


async def sold_too_much(case: Case) -> None:
    await case.by_hand(OrderSide.SELL, case.trade.quantity + Decimal("0.01"))


@pytest.mark.parametrize(
    ("tamper", "answer", "beside", "state"),
    [
        (manual_sale, Answer.ADOPT, "0", TradeState.CLOSED),
        (sold_in_part, Answer.ADOPT, "0", TradeState.OPEN),
        (sold_too_much, Answer.ADOPT, "-0.01", TradeState.CLOSED),
        (foreign_purchase, Answer.ADOPT, "0.01", TradeState.OPEN),
        (foreign_purchase, Answer.IGNORE, "0.01", TradeState.OPEN),
        (foreign_purchase, Answer.CLOSE, "0", TradeState.OPEN),
        (foreign_order, Answer.ADOPT, "0", TradeState.OPEN),
        (foreign_order, Answer.IGNORE, "0", TradeState.OPEN),
        (foreign_order, Answer.CLOSE, "0", TradeState.OPEN),
    ],
    ids=lambda each: getattr(each, "__name__", str(each)),
)
async def test_a_decision_brings_the_books_together(
    tmp_path: Path, tamper: Any, answer: Answer, beside: str, state: TradeState
) -> None:
    held: list[Tampered] = []
    async with desk_at(tmp_path, wrap=wrapped(held)) as rig:
        case = await tampered(rig, held[0], tamper)
        assert await failures(rig) == []
        await decide(rig, answer, "mine" if answer is Answer.IGNORE else "")

        assert await rig.read(proposals.waiting) == []
        assert await held_beside(rig) == Decimal(beside)
        assert (await rig.read(lambda unit: trades.find(unit, case.trade.id))).state is state
        assert await rig.trading.sync.reconcile_all() == 0
        assert await failures(rig) == []


async def test_what_an_adopted_sale_got_is_the_trades_result(tmp_path: Path) -> None:
    held: list[Tampered] = []
    async with desk_at(tmp_path, wrap=wrapped(held)) as rig:
        case = await tampered(rig, held[0], sold_too_much)
        await decide(rig, Answer.ADOPT)

        after = await rig.read(lambda unit: trades.find(unit, case.trade.id))
        assert (after.exit_quantity, after.close_reason) == (after.entry_quantity, "ELSEWHERE")
        assert after.average_exit == Decimal("63999.99")


async def test_what_the_venue_lacks_is_written_off_and_the_rest_stays_protected(tmp_path: Path) -> None:
    held: list[Tampered] = []
    async with desk_at(tmp_path, wrap=wrapped(held)) as rig:
        case = await tampered(rig, held[0], balance_short)
        await decide(rig, Answer.ADOPT)

        after = await rig.read(lambda unit: trades.find(unit, case.trade.id))
        assert (after.state, after.dust) == (TradeState.OPEN, Decimal("0.001"))
        assert await rig.read(lambda unit: terminals.position(unit, TERMINAL, SYMBOL)) == after.open_quantity
        working = await rig.read(lambda unit: orders.live(unit, trade_id=after.id))
        assert [order.quantity for order in working if order.role is OrderRole.STOP] == [after.open_quantity]


async def test_an_order_booked_as_lost_is_replaced_by_another(tmp_path: Path) -> None:
    held: list[Tampered] = []
    async with desk_at(tmp_path, wrap=wrapped(held)) as rig:
        case = await tampered(rig, held[0], order_lost)
        (asked,) = await rig.read(proposals.waiting)
        await decide(rig, Answer.ADOPT, person=CARL)

        gone = await rig.read(lambda unit: orders.find(unit, TERMINAL, asked.subject))
        sent = await rig.read(lambda unit: instructions.of_trade(unit, case.trade.id))
        assert gone.state is OrderState.CANCELED
        assert [each.purpose for each in sent].count(Purpose.PROTECT) == 2


async def test_a_button_decides_once_for_its_person_and_its_numbers(tmp_path: Path) -> None:
    held: list[Tampered] = []
    async with desk_at(tmp_path, wrap=wrapped(held)) as rig:
        case = await tampered(rig, held[0], foreign_purchase)
        (asked,) = await rig.read(proposals.waiting)
        with pytest.raises(NotAllowed, match="NOT_YOURS"):
            await rig.trading.decide.ask(rig.actor(TOM), asked.id, Answer.ADOPT)
        with pytest.raises(Refused, match="NO_REASON"):
            await rig.trading.decide.ask(rig.actor(), asked.id, Answer.IGNORE)
        question = await rig.trading.decide.ask(rig.actor(), asked.id, Answer.ADOPT)
        with pytest.raises(NotAllowed, match="NOT_YOURS"):
            await rig.trading.decide(rig.actor(CARL), question.token.id)
        # The same order goes on executing: what was shown is not what stands.
        (fill,) = [f for f in await held[0].venue.fills_since(TERMINAL, 0) if f.client_id == "byhandatthevenue"]
        more = {"venue_fill_id": "another", "sequence": fill.sequence + 100}

        async def fills_since(account: str, _sequence: int) -> Any:
            return [replace(fill, **more)] if account == TERMINAL else []

        held[0].lies["fills_since"] = fills_since
        await rig.settle()
        with pytest.raises(Refused, match="PROPOSAL_CHANGED"):
            await rig.trading.decide(rig.actor(), question.token.id)
        fresh = await rig.trading.decide.ask(rig.actor(), asked.id, Answer.ADOPT)
        await rig.trading.decide(rig.actor(), fresh.token.id)
        with pytest.raises(Refused):
            await rig.trading.decide(rig.actor(), fresh.token.id)

        assert fresh.token.act is Act.DECIDE
        assert await held_beside(rig) == Decimal("0.02")
        assert (await rig.read(lambda unit: trades.find(unit, case.trade.id))).exit_quantity == ZERO


async def test_a_close_that_the_venue_refuses_asks_again(tmp_path: Path) -> None:
    held: list[Tampered] = []
    async with desk_at(tmp_path, wrap=wrapped(held)) as rig:
        await tampered(rig, held[0], foreign_purchase)

        async def place(*_: object) -> Any:
            raise VenueRejected("INSUFFICIENT_FUNDS")

        held[0].lies["place"] = place
        await decide(rig, Answer.CLOSE)
        assert [each.answer for each in await rig.read(proposals.waiting)] == [None]
        held[0].lies.clear()
        await decide(rig, Answer.CLOSE)

        assert await rig.read(proposals.waiting) == []
        assert await held_beside(rig) == ZERO
        assert await failures(rig) == []
