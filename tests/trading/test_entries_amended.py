"""Moving a resting entry: the rest only, the bound kept, and the gate asked where the price is worse."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import select

from services.domain.entries import EntryKind
from services.domain.errors import NotAllowed, Refused
from services.domain.money import Price
from services.domain.orders import OrderRole, Purpose
from services.domain.routes import RoutePhase
from services.domain.states import OrderState, TradeState
from services.domain.verdicts import CheckCode
from services.missions.amend import AmendDenied, Amended
from services.reporting.proof_record import find_record
from services.storage import orders, tables, verdicts
from tests.trading.entering import asked_in_all, entered, entries_of, route_of, trade_of, writes
from tests.trading.rig import TOM, Rig, desk_at


async def amend(rig: Rig, trade_id: str, price: str) -> Amended | AmendDenied:
    outcome = await rig.trading.amend(rig.actor(), trade_id, Price(Decimal(price)))
    await rig.settle()
    return outcome


async def test_the_entry_rests_at_the_new_price(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        trade_id = await entered(rig, EntryKind.LIMIT, "63500")
        outcome = await amend(rig, trade_id, "63400")

        trade = await trade_of(rig, trade_id)
        first, second = await entries_of(rig, trade_id)
        assert isinstance(outcome, Amended)
        assert (first.state, second.state, second.price) == (OrderState.CANCELED, OrderState.ACCEPTED, Decimal("63400"))
        assert second.quantity == trade.quantity
        assert (trade.state, trade.worst_price) == (TradeState.WORKING, Decimal("63500"))
        assert (await route_of(rig, trade_id)).phase is RoutePhase.RESTING


async def test_only_what_is_not_filled_yet_moves(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        trade_id = await entered(rig, EntryKind.LIMIT, "63500")
        await rig.price("63499.98", "63500", size="0.0003")
        part = (await trade_of(rig, trade_id)).entry_quantity
        await rig.price("63600", "63600.02")
        await amend(rig, trade_id, "63550")
        await rig.price("63549.98", "63550")

        trade = await trade_of(rig, trade_id)
        _, second = await entries_of(rig, trade_id)
        placed = await rig.read(lambda unit: orders.live(unit, trade_id=trade_id))
        assert 0 < part < trade.quantity
        assert second.quantity == trade.quantity - part
        assert trade.entry_quantity == trade.quantity == await asked_in_all(rig, trade_id)
        assert [o.quantity for o in placed if o.role is OrderRole.STOP] == [trade.quantity]


async def test_a_worse_price_passes_the_gate_and_becomes_the_bound(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        trade_id = await entered(rig, EntryKind.LIMIT, "63500")
        before = await trade_of(rig, trade_id)
        outcome = await amend(rig, trade_id, "63700")

        trade = await trade_of(rig, trade_id)
        original = await rig.read(lambda unit: verdicts.of_trade(unit, trade_id))
        assert isinstance(outcome, Amended)
        assert trade.worst_price == Decimal("63700")
        assert trade.risk_money > before.risk_money
        assert original.context["plan"]["worst_price"] == "63500"


async def test_a_worse_price_that_the_gate_denies_leaves_the_entry_where_it_rests(tmp_path: Path) -> None:
    async with desk_at(tmp_path, risk={"per_trade": "0.005", "default_per_trade": "0.005"}) as rig:
        trade_id = await entered(rig, EntryKind.LIMIT, "63500")
        outcome = await amend(rig, trade_id, "63900")

        (only,) = await entries_of(rig, trade_id)
        assert isinstance(outcome, AmendDenied)
        assert outcome.check.code is CheckCode.RISK_PER_TRADE
        assert (only.state, only.price) == (OrderState.ACCEPTED, Decimal("63500"))


async def test_a_worse_price_beyond_the_threshold_of_a_second_person_is_refused(tmp_path: Path) -> None:
    async with desk_at(tmp_path, approvals={"trade_loss": "60"}) as rig:
        trade_id = await entered(rig, EntryKind.LIMIT, "63500")
        with pytest.raises(Refused) as refused:
            await amend(rig, trade_id, "63900")
        within = await amend(rig, trade_id, "63510")

        trade = await trade_of(rig, trade_id)
        assert refused.value.code == "AMEND_ASKS"
        assert isinstance(within, Amended)
        assert trade.worst_price == Decimal("63510")
        assert trade.risk_money < 60


async def test_the_verdict_about_a_worse_price_is_proved_by_the_journal_whatever_it_said(tmp_path: Path) -> None:
    async with desk_at(tmp_path, risk={"per_trade": "0.006", "default_per_trade": "0.005"}) as rig:
        trade_id = await entered(rig, EntryKind.LIMIT, "63500")
        for price in ("63510", "63900"):
            await amend(rig, trade_id, price)
        stored = await rig.read(lambda unit: unit.all(select(tables.verdicts).order_by(tables.verdicts.c.at)))
        records = [await rig.read(lambda unit, row=row: find_record(unit, row.id)) for row in stored]

        assert [row.allowed for row in stored] == [True, True, False]
        assert all(record is not None and record.holds for record in records)


@pytest.mark.parametrize(
    ("price", "code"), [("63500", "PRICE_UNCHANGED"), ("63000", "ENTRY_BEHIND_STOP"), ("62000", "ENTRY_BEHIND_STOP")]
)
async def test_a_price_that_cannot_be_is_refused(tmp_path: Path, price: str, code: str) -> None:
    async with desk_at(tmp_path) as rig:
        trade_id = await entered(rig, EntryKind.LIMIT, "63500")

        with pytest.raises(Refused) as caught:
            await amend(rig, trade_id, price)

        assert caught.value.code == code


@pytest.mark.parametrize("kind", [EntryKind.MAKER, EntryKind.STOP, EntryKind.TAKE])
async def test_only_an_entry_that_rests_at_its_own_price_moves(tmp_path: Path, kind: EntryKind) -> None:
    async with desk_at(tmp_path) as rig:
        trade_id = await entered(rig, kind)

        with pytest.raises(Refused) as caught:
            await amend(rig, trade_id, "63500")

        assert caught.value.code == "NOT_RESTING"


async def test_nobody_moves_the_entry_of_another(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        trade_id = await entered(rig, EntryKind.LIMIT, "63500")

        with pytest.raises(NotAllowed):
            await rig.trading.amend(rig.actor(TOM), trade_id, Price(Decimal("63400")))


async def test_an_entry_moved_many_times_is_one_order_at_a_time(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        trade_id = await entered(rig, EntryKind.POST, "63500")
        for price in ("63400", "63300", "63450"):
            await amend(rig, trade_id, price)

        live = await rig.read(lambda unit: orders.live(unit, trade_id=trade_id))
        assert [order.price for order in live] == [Decimal("63450")]
        assert await writes(rig, trade_id) == 4
        assert await writes(rig, trade_id, Purpose.CANCEL) == 3
        assert await asked_in_all(rig, trade_id) == (await trade_of(rig, trade_id)).quantity


async def test_a_second_move_before_the_first_is_done_counts(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        trade_id = await entered(rig, EntryKind.LIMIT, "63500")
        for price in ("63400", "63300"):
            await rig.trading.amend(rig.actor(), trade_id, Price(Decimal(price)))
        await rig.settle()

        live = await rig.read(lambda unit: orders.live(unit, trade_id=trade_id))
        assert [order.price for order in live] == [Decimal("63300")]
        assert await writes(rig, trade_id) == 2
