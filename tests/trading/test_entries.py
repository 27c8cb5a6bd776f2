"""Entries that do not just take: resting, post-only, all or nothing, triggered; and how each of them ends."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from services.domain.entries import EntryKind
from services.domain.orders import OrderRole, Purpose, TimeInForce
from services.domain.routes import RoutePhase
from services.domain.states import LIVE_ORDER_STATES, HaltState, InstructionState, OrderState, TradeState
from services.domain.verdicts import CheckCode
from services.missions.entries import EntryWish
from services.missions.fire import Fired, Refreshed
from services.storage import instructions, orders, previews, trades
from services.storage.previews import PreviewState
from tests.trading.entering import asked_in_all, confirmed, entered, entries_of, route_of, shown, trade_of, writes
from tests.trading.rig import ANN, CARL, desk_at


async def test_a_resting_entry_is_bound_by_its_own_price_and_sized_by_it(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        preview = await shown(rig, await rig.mission(), EntryKind.LIMIT, "63500")

        assert preview.state is PreviewState.OPEN
        assert preview.worst_price == preview.decision_price == Decimal("63500")
        assert preview.loss == pytest.approx(preview.quantity * 500, rel=Decimal("0.3"))


async def test_a_resting_entry_waits_at_the_venue_until_the_price_comes(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        trade_id = await entered(rig, EntryKind.LIMIT, "63500")
        waiting, (order,) = await trade_of(rig, trade_id), await entries_of(rig, trade_id)
        rig.clock.advance(30)
        await rig.price("63499.98", "63500")

        trade = await trade_of(rig, trade_id)
        placed = await rig.read(lambda unit: orders.live(unit, trade_id=trade_id))
        assert (waiting.state, order.state) == (TradeState.WORKING, OrderState.ACCEPTED)
        assert trade.state is TradeState.OPEN
        assert trade.average_entry == Decimal("63500")
        assert sum(o.quantity for o in placed if o.role is OrderRole.STOP) == trade.quantity
        assert (await route_of(rig, trade_id)).phase is RoutePhase.ENDED


async def test_a_partly_filled_entry_is_protected_and_works_on(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        trade_id = await entered(rig, EntryKind.LIMIT, "63500")
        rig.clock.advance(5)
        await rig.price("63499.98", "63500", size="0.0003")
        trade = await trade_of(rig, trade_id)
        placed = await rig.read(lambda unit: orders.live(unit, trade_id=trade_id))

        assert trade.state is TradeState.OPEN
        assert 0 < trade.entry_quantity < trade.quantity
        assert [o.quantity for o in placed if o.role is OrderRole.STOP] == [trade.entry_quantity]
        assert [o.state for o in placed if o.role is OrderRole.ENTRY] == [OrderState.PARTIAL]

        await rig.trading.cancel(rig.actor(), trade_id)
        await rig.settle()
        trade = await trade_of(rig, trade_id)
        placed = await rig.read(lambda unit: orders.live(unit, trade_id=trade_id))
        assert trade.state is TradeState.OPEN
        assert {o.role for o in placed} == {OrderRole.STOP, OrderRole.TARGET}
        assert (await route_of(rig, trade_id)).phase is RoutePhase.ENDED


async def test_a_resting_entry_is_taken_back_at_its_time(tmp_path: Path) -> None:
    async with desk_at(tmp_path, routes={"rest_s": 60}) as rig:
        trade_id = await entered(rig, EntryKind.LIMIT, "63500")
        rig.clock.advance(61)
        await rig.price("63999.99", "64000.01")

        trade = await trade_of(rig, trade_id)
        assert (trade.state, trade.close_reason) == (TradeState.CANCELED, "NOT_FILLED")
        assert (await entries_of(rig, trade_id))[0].state is OrderState.CANCELED
        assert (await route_of(rig, trade_id)).reason == "EXPIRED"
        assert await writes(rig, trade_id, Purpose.CANCEL) == 1


async def test_an_entry_never_outlasts_its_mission(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        mission = await rig.mission(lasts=45)
        preview = await shown(rig, mission, EntryKind.LIMIT, "63500")
        assert preview.token_id is not None
        fired = await rig.trading.fire(rig.actor(), preview.token_id)

        assert isinstance(fired, Fired)
        assert (await route_of(rig, fired.trade_id)).until == mission.signal.expires_at


async def test_the_deadline_of_a_resting_entry_survives_a_restart(tmp_path: Path) -> None:
    async with desk_at(tmp_path, routes={"rest_s": 60}) as rig:
        trade_id = await entered(rig, EntryKind.LIMIT, "63500")
        clock = rig.clock
    clock.advance(300)
    async with desk_at(tmp_path, clock=clock, people_too=False, routes={"rest_s": 60}) as rig:
        await rig.settle()

        assert (await trade_of(rig, trade_id)).state is TradeState.CANCELED
        assert await rig.read(lambda unit: orders.live(unit, trade_id=trade_id)) == []


@pytest.mark.parametrize("kind", [EntryKind.LIMIT, EntryKind.POST, EntryKind.MAKER, EntryKind.STOP])
async def test_a_halt_takes_back_every_entry_that_waits(tmp_path: Path, kind: EntryKind) -> None:
    async with desk_at(tmp_path) as rig:
        trade_id = await entered(rig, kind)
        before = await trade_of(rig, trade_id)
        halted = await rig.trading.halt(rig.actor(CARL), HaltState.HALTED, "test")
        await rig.settle()
        await rig.price("64400", "64400.02")

        trade = await trade_of(rig, trade_id)
        live = await rig.read(lambda unit: orders.live(unit, trade_id=trade_id))
        assert before.state is TradeState.WORKING
        assert halted.kill is not None
        assert (trade.state, trade.entry_quantity) == (TradeState.CANCELED, 0)
        assert live == []


async def test_a_post_only_entry_rests_on_its_own_side(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        trade_id = await entered(rig, EntryKind.POST)
        (order,) = await entries_of(rig, trade_id)

        assert order.price == Decimal("63999.99")
        assert order.state is OrderState.ACCEPTED


async def test_a_post_only_entry_that_would_take_is_refused(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        outcome = await confirmed(rig, EntryKind.POST, "63999.99")
        assert isinstance(outcome, Fired)
        rig.quote("63998.99", "63999.00")
        await rig.settle()

        trade = await trade_of(rig, outcome.trade_id)
        assert (trade.state, trade.close_reason) == (TradeState.FAILED, "POST_ONLY")


async def test_all_or_nothing_leaves_nothing_when_there_is_too_little(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        outcome = await confirmed(rig, EntryKind.WHOLE)
        assert isinstance(outcome, Fired)
        rig.quote("63999.99", "64000.01", size="0.00002")
        await rig.settle()

        sent = await rig.read(lambda unit: instructions.of_trade(unit, outcome.trade_id))
        trade = await trade_of(rig, outcome.trade_id)
        assert sent[0].orders[0].time_in_force is TimeInForce.FOK
        assert (trade.state, trade.entry_quantity, trade.close_reason) == (TradeState.CANCELED, 0, "NOT_FILLED")


async def test_a_stop_entry_waits_in_the_desk_and_takes_beyond_its_price(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        trade_id = await entered(rig, EntryKind.STOP, "64500")
        rig.clock.advance(10)
        await rig.price("64498", "64499")
        armed = await trade_of(rig, trade_id), await writes(rig, trade_id)
        rig.clock.advance(1)
        await rig.price("64500", "64500.02")

        trade = await trade_of(rig, trade_id)
        assert (armed[0].state, armed[1]) == (TradeState.WORKING, 0)
        assert trade.state is TradeState.OPEN
        assert trade.entry_quantity == trade.quantity
        assert Decimal("64500") < trade.average_entry <= trade.worst_price
        assert await writes(rig, trade_id) == 1


async def test_a_stop_entry_is_not_chased_beyond_its_bound(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        trade_id = await entered(rig, EntryKind.STOP, "64500")
        rig.clock.advance(10)
        await rig.price("65500", "65500.02")

        trade = await trade_of(rig, trade_id)
        assert (trade.state, trade.close_reason) == (TradeState.CANCELED, "PRICE_COLLAR")
        assert await writes(rig, trade_id) == 0


async def test_a_stale_quote_triggers_nothing(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        trade_id = await entered(rig, EntryKind.STOP, "64500")
        rig.quote("64500", "64500.02")
        rig.clock.advance(30)
        await rig.settle()

        assert (await trade_of(rig, trade_id)).state is TradeState.WORKING
        assert await writes(rig, trade_id) == 0


async def test_a_trigger_that_is_passed_is_refused_before_confirm(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        preview = await shown(rig, await rig.mission(), EntryKind.STOP, "63900")

        refused = [check.code for check in preview.checks if not check.passed]
        assert preview.state is PreviewState.REFUSED
        assert refused == [CheckCode.PRICE_COLLAR]


async def test_a_trigger_that_is_passed_before_confirm_refreshes(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        mission = await rig.mission()
        preview = await shown(rig, mission, EntryKind.STOP)
        rig.quote("64300", "64300.02")
        assert preview.token_id is not None
        outcome = await rig.trading.fire(rig.actor(), preview.token_id)
        again = await rig.read(lambda unit: previews.find(unit, mission.id, ANN))

        assert isinstance(outcome, Refreshed)
        assert again.decision_price > Decimal("64300")


async def test_choosing_how_keeps_size_and_terminal(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        mission = await rig.mission()
        await rig.trading.preview(rig.actor(), mission.id, size="half")
        before = await rig.read(lambda unit: previews.find(unit, mission.id, ANN))
        wish = EntryWish(kind=EntryKind.MAKER)
        await rig.trading.preview(rig.actor(), mission.id, size=None, anew=False, wish=wish)
        preview = await rig.read(lambda unit: previews.find(unit, mission.id, ANN))
        await rig.trading.preview(rig.actor(), mission.id, size="full", anew=False)
        kept = await rig.read(lambda unit: previews.find(unit, mission.id, ANN))

        assert (before.size, preview.size, kept.size) == ("half", "half", "full")
        assert (preview.route["how"], kept.route["how"]) == ("maker", "maker")
        assert set(preview.route["kinds"].split(",")) == {kind.value for kind in EntryKind}


async def test_the_rest_of_an_entry_goes_when_the_position_is_left(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        trade_id = await entered(rig, EntryKind.LIMIT, "63500")
        await rig.price("63499.98", "63500", size="0.0003")
        rig.clock.advance(5)
        await rig.price("62999", "62999.02", size="0.0003")
        await rig.settle()

        trade = await trade_of(rig, trade_id)
        live = await rig.read(lambda unit: orders.live(unit, trade_id=trade_id))
        assert trade.exit_quantity > 0
        assert [order for order in live if order.role is OrderRole.ENTRY] == []
        assert await asked_in_all(rig, trade_id) == trade.quantity


async def test_an_entry_taken_back_twice_is_cancelled_once(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        trade_id = await entered(rig, EntryKind.LIMIT, "63500")
        await rig.trading.cancel(rig.actor(), trade_id)
        await rig.trading.cancel(rig.actor(), trade_id)
        await rig.settle()

        trade = await trade_of(rig, trade_id)
        assert (trade.state, trade.close_reason) == (TradeState.CANCELED, "CANCELED")
        assert await writes(rig, trade_id, Purpose.CANCEL) == 1


async def test_an_armed_entry_is_taken_back_without_a_write(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        trade_id = await entered(rig, EntryKind.STOP, "64500")
        await rig.trading.cancel(rig.actor(), trade_id)
        await rig.price("64600", "64600.02")

        trade = await trade_of(rig, trade_id)
        assert (trade.state, trade.close_reason) == (TradeState.CANCELED, "CANCELED")
        assert await rig.read(lambda unit: instructions.of_trade(unit, trade_id)) == []


async def test_an_order_cancelled_at_the_venue_ends_its_entry(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        trade_id = await entered(rig, EntryKind.LIMIT, "63500")
        (order,) = await entries_of(rig, trade_id)
        await rig.trading.paper.cancel(order.terminal_id, order.symbol, [order.client_id])
        await rig.settle()

        assert (await trade_of(rig, trade_id)).state is TradeState.CANCELED
        assert await writes(rig, trade_id) == 1


async def test_an_unsent_entry_of_every_kind_is_withdrawn(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        for kind in (EntryKind.LIMIT, EntryKind.MAKER):
            outcome = await confirmed(rig, kind)
            assert isinstance(outcome, Fired)
            await rig.trading.cancel(rig.actor(), outcome.trade_id)
            await rig.settle()

            sent = await rig.read(lambda unit, found=outcome: instructions.of_trade(unit, found.trade_id))
            assert [each.state for each in sent] == [InstructionState.EXPIRED]
            assert (await trade_of(rig, outcome.trade_id)).state is TradeState.CANCELED


async def test_late_entries_wait_no_longer_than_the_claim_allows(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        outcome = await confirmed(rig, EntryKind.LIMIT, "63500")
        assert isinstance(outcome, Fired)
        rig.clock.advance(rig.settings.risk.entry_deadline_s + 1)
        rig.quote("63999.99", "64000.01")
        await rig.settle()

        trade = await trade_of(rig, outcome.trade_id)
        assert (trade.state, trade.close_reason) == (TradeState.CANCELED, "DEADLINE")


async def test_no_order_rests_at_the_venue_for_a_trade_that_is_over(tmp_path: Path) -> None:
    async with desk_at(tmp_path, routes={"rest_s": 60}) as rig:
        for _ in range(3):
            await entered(rig, EntryKind.LIMIT, "63500", lasts=3600)
            rig.clock.advance(61)
            await rig.price("63999.99", "64000.01")

        live = await rig.read(lambda unit: [o for o in orders.live(unit) if o.state in LIVE_ORDER_STATES])
        over = await rig.read(lambda unit: trades.live(unit))
        assert (live, over) == ([], [])
