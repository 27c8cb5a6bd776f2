"""Open questions in the chat: what others did on the account, and writes that nobody knows the outcome of."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import pytest

from sandbox.telegram.messages import Message, shown_id
from services.domain.errors import VenueDoubt
from services.domain.money import Price, Quantity
from services.domain.orders import OrderRequest, OrderRole, OrderSide, OrderType, VenueOrder
from services.domain.proposals import Proposal
from services.domain.states import InstructionState, OrderState, TradeState
from services.storage import holdings, incidents, instructions, orders, proposals, trades
from tests.chat.rig import ANN, CARL, OLGA, TOM, ChatRig, data_of, labels_of, text_of

pytestmark = pytest.mark.asyncio
ACCOUNT = f"paper-{ANN}"


async def by_hand(rig: ChatRig, side: OrderSide, quantity: Decimal, *, limit: str | None = None) -> None:
    """Trade at the venue past the desk, as its owner could on the venue's own page."""
    order = OrderRequest(
        client_id=rig.graph.ids.instruction(),
        symbol="BTC/USDT",
        side=side,
        type=OrderType.MARKET if limit is None else OrderType.LIMIT,
        role=OrderRole.FOREIGN,
        quantity=Quantity(quantity),
        price=None if limit is None else Price(Decimal(limit)),
    )
    await rig.graph.trading.paper.place(ACCOUNT, order)


async def question(rig: ChatRig, person: int, text: str) -> Message:
    """Wait until a person is asked about a difference."""
    return await rig.message(person, text)


async def test_a_sale_by_hand_is_asked_about_and_adopted_as_the_exit(desk: ChatRig) -> None:
    rig = desk
    await rig.trade(ANN)
    (trade,) = await rig.trades_of(ANN)
    await by_hand(rig, OrderSide.SELL, trade.quantity)
    asked = await question(rig, ANN, "not ours: sold")
    for_carl = await question(rig, CARL, "not ours: sold")
    assert labels_of(asked)[-2:] == ["Adopt", "Ignore"] == labels_of(for_carl)[-2:]
    assert (await rig.read(lambda unit: trades.find(unit, trade.id))).state is TradeState.OPEN

    await rig.press(ANN, asked, "Adopt")
    confirm = await rig.reads(asked, f"the exit of #{trade.number}")
    await rig.press(ANN, confirm, "Adopt")
    await rig.reads(asked, "Decided: adopt")
    closed = await rig.message(ANN, "outside of the desk")

    after = await rig.read(lambda unit: trades.find(unit, trade.id))
    assert (after.state, after.exit_quantity) == (TradeState.CLOSED, trade.quantity)
    assert f"trade #{trade.number}" in text_of(closed)
    assert (await rig.journal("proposal.decided"))[-1]["answer"] == "adopt"
    assert "DECIDED" not in text_of(asked)
    stale = data_of(for_carl, "Adopt")
    await rig.forge(CARL, CARL, stale, shown_id(for_carl))
    assert await rig.read(proposals.waiting) == []


async def test_a_purchase_by_hand_is_sold_again_by_the_desk(desk: ChatRig) -> None:
    rig = desk
    await by_hand(rig, OrderSide.BUY, Decimal("0.01"))
    asked = await question(rig, CARL, "not ours: bought")
    assert labels_of(asked) == ["Resolve", "I have it", "Runbook", "Adopt", "Close", "Ignore"]
    assert "IN_DOUBT" in await refusal(rig)

    await rig.press(CARL, asked, "Close")
    confirm = await rig.reads(asked, "Sell 0.01 BTC at market.")
    await rig.press(CARL, confirm, "Close")
    await rig.reads(asked, "Under way: close")

    async def gone() -> bool:
        await rig.graph.trading.sync.reconcile_all()
        return not await rig.read(proposals.waiting) and not await rig.graph.trading.paper.positions(ACCOUNT)

    await rig.until(gone, "what was bought is sold")
    assert await rig.read(lambda unit: holdings.of_terminal(unit, ACCOUNT)) == []
    assert await rig.graph.trading.sync.reconcile_all() == 0


async def refusal(rig: ChatRig) -> str:
    """Return the code by which Ann's preview of a mission on the instrument is refused."""
    card = await rig.card(await rig.mission(), ANN)
    await rig.press(ANN, card, "Fire")
    shown = await rig.message(ANN, "IN_DOUBT", after=shown_id(card))
    return text_of(shown)


async def test_a_foreign_order_is_ignored_with_a_reason_and_its_fill_is_a_holding(desk: ChatRig) -> None:
    rig = desk
    await by_hand(rig, OrderSide.BUY, Decimal("0.01"), limit="63000")
    asked = await question(rig, ANN, "not ours: limit buy")
    await rig.press(ANN, asked, "Ignore")
    reasons = await rig.reads(asked, "Why is it left")
    await rig.press(ANN, reasons, "mine, leave it")
    confirm = await rig.reads(asked, "counted beside the trades")
    await rig.press(ANN, confirm, "Ignore")
    await rig.reads(asked, "Decided: ignore")
    rig.price("62000.00", "62000.02")

    async def held() -> list[tuple[Decimal, str]]:
        await rig.graph.trading.sync.reconcile_all()
        found = await rig.read(lambda unit: holdings.of_terminal(unit, ACCOUNT))
        return [(each.quantity, each.reason) for each in found]

    assert await rig.until(held, "the holding") == [(Decimal("0.01"), "mine, leave it")]
    assert await rig.read(proposals.waiting) == []


async def test_who_may_answer_and_what_is_not_an_answer(desk: ChatRig) -> None:
    rig = desk
    await by_hand(rig, OrderSide.BUY, Decimal("0.01"))
    await question(rig, ANN, "not ours: bought")

    async def alone() -> list[Proposal]:
        # One trade by hand may be seen as an order and as a position first; the comparison leaves one question.
        await rig.graph.trading.sync.reconcile_all()
        found: list[Proposal] = await rig.read(proposals.waiting)
        return found if len(found) == 1 else []

    (proposal,) = await rig.until(alone, "one question")
    name = proposal.short_id

    assert name in text_of(await rig.ask(ANN, "/resolve", "Open questions"))
    assert "nothing is unknown" in text_of(await rig.ask(TOM, "/resolve", "Open questions"))
    await rig.ask(TOM, f"/resolve {name}", "nothing open is called")
    await rig.ask(TOM, f"/resolve {name} adopt", "NOT_YOURS")
    await rig.ask(OLGA, f"/resolve {name}", "ROLE")
    await rig.ask(ANN, f"/resolve {name} ignore", "a reason is needed")
    await rig.ask(ANN, f"/resolve {name} perhaps", "is not an answer")
    await rig.ask(ANN, f"/resolve {name} ignore bought it myself", "counted beside the trades")
    assert [each.id for each in await rig.read(proposals.waiting)] == [proposal.id]


async def test_a_write_of_unknown_outcome_is_closed_by_a_commander_with_its_evidence(
    desk: ChatRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig = desk
    paper = rig.graph.trading.paper

    async def silent(*_: object) -> VenueOrder:
        raise VenueDoubt("NO_ANSWER")

    monkeypatch.setattr(paper, "place", silent)
    monkeypatch.setattr(paper, "find", silent)
    preview = await rig.preview(ANN)
    await rig.press(ANN, preview, "Confirm")
    (trade,) = await rig.until(lambda: rig.trades_of(ANN), "the trade")

    async def unknown() -> bool:
        found = await rig.read(lambda unit: instructions.of_trade(unit, trade.id))
        return bool(found) and found[0].state is InstructionState.UNKNOWN

    await rig.until(unknown, "nobody knows")
    name = (await rig.read(lambda unit: instructions.of_trade(unit, trade.id)))[0].id[-6:]
    await rig.ask(ANN, "/resolve", f"entry BTC/USDT #{trade.number}")
    shown = await rig.ask(ANN, f"/resolve {name}", "venue by our id: did not answer")
    assert "a commander can close it" in text_of(shown)
    await rig.ask(ANN, f"/resolve {name} not it never arrived", "ROLE")
    await rig.ask(CARL, f"/resolve {name} not", "a reason is needed")
    confirm = await rig.ask(CARL, f"/resolve {name} not it never arrived", "as not taken")
    await rig.press(CARL, confirm, "Not taken")
    await rig.reads(confirm, "Nothing is sent again.")
    await rig.until(lambda: "NOT_FOUND" in text_of(rig.current(preview)), "the card says so")

    after = await rig.read(lambda unit: trades.find(unit, trade.id))
    (write,) = await rig.read(lambda unit: instructions.of_trade(unit, trade.id))
    assert (after.state, write.state) == (TradeState.FAILED, InstructionState.RESOLVED)
    assert write.answer == "not taken: it never arrived"
    assert (await rig.journal("instruction.resolved"))[-1]["taken"] is False
    assert "OUTCOME_UNKNOWN" not in {row.code for row in await rig.read(incidents.open_incidents)}


async def test_a_write_closed_as_taken_is_looked_for_and_booked(desk: ChatRig, monkeypatch: pytest.MonkeyPatch) -> None:
    rig = desk
    paper = rig.graph.trading.paper
    place = paper.place

    async def lost(account: str, order: OrderRequest) -> VenueOrder:
        await place(account, order)
        raise VenueDoubt("NO_ANSWER")

    async def silent(*_: object) -> VenueOrder:
        raise VenueDoubt("NO_ANSWER")

    async def none(*_: object) -> Sequence[VenueOrder]:
        return []

    monkeypatch.setattr(paper, "place", lost)
    monkeypatch.setattr(paper, "find", silent)
    monkeypatch.setattr(paper, "open_orders", none)
    monkeypatch.setattr(paper, "fills_since", none)
    preview = await rig.preview(ANN)
    await rig.press(ANN, preview, "Confirm")
    (trade,) = await rig.until(lambda: rig.trades_of(ANN), "the trade")

    async def unknown() -> bool:
        found = await rig.read(lambda unit: instructions.of_trade(unit, trade.id))
        return bool(found) and found[0].state is InstructionState.UNKNOWN

    await rig.until(unknown, "nobody knows")
    (write,) = await rig.read(lambda unit: instructions.of_trade(unit, trade.id))
    confirm = await rig.ask(CARL, f"/resolve {write.id[-6:]} taken the venue's page shows it", "as taken")
    await rig.press(CARL, confirm, "Taken")
    await rig.reads(confirm, "Closed as taken")
    counted = await rig.read(lambda unit: orders.of_trade(unit, trade.id))
    assert [order.state for order in counted] == [OrderState.ACCEPTED]
    monkeypatch.undo()

    await rig.until(lambda: "at the venue" in text_of(rig.current(preview)), "filled and protected")
    assert (await rig.read(lambda unit: trades.find(unit, trade.id))).state is TradeState.OPEN
    assert (await rig.read(lambda unit: instructions.find(unit, write.id))).state is InstructionState.RESOLVED
