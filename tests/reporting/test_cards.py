"""What cards show, read from a desk that really trades."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

from services.access.checklist import ITEMS
from services.domain.buttons import Act
from services.domain.cards import checklist_card, grouped_card, halt_card, mission_card, preview_card, trade_card
from services.domain.orders import Order, OrderRole
from services.domain.people import Actor
from services.domain.signals import Side
from services.domain.states import HaltState, OrderState
from services.reporting.cards import ChecklistView, MissionView, PreviewView, TradeView
from services.reporting.desk_views import HaltView
from services.reporting.trade_view import Guard, TradeWord
from services.storage import missions, orders, people, previews, trades
from services.storage.database import Unit
from tests.reporting.stage import GROUP, card, fired, live_of, stopped_out, text, traded
from tests.trading.rig import ANN, CARL, TOM, Rig, desk_at


async def view_of(rig: Rig, trade_id: str, chat_id: int = ANN) -> TradeView:
    facts, _ = await card(rig, trade_card(trade_id), chat_id)
    assert isinstance(facts, TradeView)
    return facts


async def test_a_trade_is_approved_until_the_venue_has_it_and_then_what_the_venue_says(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        _, trade_id = await fired(rig)
        before = await view_of(rig, trade_id)
        await rig.settle()
        after = await view_of(rig, trade_id)

    assert (before.word, before.can_cancel, before.can_close) == (TradeWord.APPROVED, True, False)
    assert (after.word, after.can_cancel, after.can_close) == (TradeWord.FILLED, False, True)
    assert after.filled_share == 1
    assert after.acknowledged_s is not None
    assert after.protection.guard is Guard.AT_VENUE
    assert after.protection.stop == Decimal(63000)
    assert after.protection.resting == (1, 2)


async def test_a_trade_is_worth_what_closing_it_would_bring(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        _, trade_id = await traded(rig)
        rig.clock.advance(60)
        await rig.price("65000", "65000.02")
        view = await view_of(rig, trade_id)
        trade = await rig.read(lambda unit: trades.find(unit, trade_id))

    assert view.price is not None and view.money is not None and view.entry is not None
    assert view.price.value == Decimal(65000)
    assert view.money.amount == (Decimal(65000) - view.entry) * trade.quantity - trade.fees
    assert view.r == view.money.amount / (trade.risk_per_unit * trade.entry_quantity)
    assert view.can_break_even


async def test_a_stop_on_the_way_to_the_venue_is_not_said_to_be_there(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        _, trade_id = await traded(rig)
        await rig.price("65000", "65000.02")
        await rig.trading.move_stop(rig.actor(), trade_id, "be")
        moving = await view_of(rig, trade_id)
        await rig.settle()
        moved = await view_of(rig, trade_id)

    assert moving.protection.guard is Guard.MOVING
    assert moving.protection.stop == Decimal(63000)
    assert moved.protection.guard is Guard.AT_VENUE
    assert moved.protection.stop == moving.protection.wanted > Decimal(64000)


async def test_a_stop_that_the_venue_no_longer_has_is_missing(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        _, trade_id = await traded(rig)

        def lose(unit: Unit) -> None:
            stop: Order = next(o for o in orders.live(unit, trade_id=trade_id) if o.role is OrderRole.STOP)
            orders.save(unit, stop, replace(stop, state=OrderState.CANCELED))

        await rig.trading.database.write(lose)
        view = await view_of(rig, trade_id)
        said = await text(rig, trade_card(trade_id), ANN)

    assert view.protection.guard is Guard.MISSING
    assert "no stop! none stands at the venue" in said


async def test_a_close_under_way_takes_the_close_button_away(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        _, trade_id = await traded(rig)
        asked = await rig.trading.ask_close(rig.actor(), trade_id, Decimal(1))
        await rig.trading.close(rig.actor(), asked.token.id, Act.CLOSE)
        closing = await view_of(rig, trade_id)
        await rig.settle()
        closed = await view_of(rig, trade_id)

    assert (closing.word, closing.can_close) == (TradeWord.CLOSING, False)
    assert (closed.word, closed.code) == (TradeWord.CLOSED, "CLOSE")
    assert closed.protection.guard is Guard.NOTHING_OPEN
    assert closed.price is None


async def test_an_entry_that_came_too_late_was_not_sent(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        _, trade_id = await fired(rig)
        rig.clock.advance(30)
        await rig.price("63999.99", "64000.01")
        view = await view_of(rig, trade_id)

    assert (view.word, view.code) == (TradeWord.NOT_SENT, "DEADLINE")


async def test_a_taken_back_entry_is_canceled(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        _, trade_id = await fired(rig)
        await rig.trading.cancel(rig.actor(), trade_id)
        view = await view_of(rig, trade_id)

    assert (view.word, view.code, view.can_cancel) == (TradeWord.CANCELED, None, False)


async def test_a_group_is_given_no_size_money_or_terminal(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        _, trade_id = await traded(rig)
        view = await view_of(rig, trade_id, GROUP)

    assert (view.quantity, view.open_quantity, view.filled_quantity) == (None, None, None)
    assert (view.money, view.fees, view.terminal) == (None, None, None)
    assert view.r is not None
    assert view.owner == "Ann"


async def test_anothers_trade_is_shown_to_commanders_only(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        _, trade_id = await traded(rig)
        tom, _ = await card(rig, trade_card(trade_id), TOM)
        carl, _ = await card(rig, trade_card(trade_id), CARL)
        by_number, _ = await card(rig, trade_card("1"), ANN)

    assert tom is None
    assert isinstance(carl, TradeView)
    assert isinstance(by_number, TradeView)


async def test_a_mission_tells_what_each_person_did_and_carries_its_chart(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        mission, _ = await traded(rig)
        await rig.trading.skip(rig.actor(TOM), mission.id, "news")
        await rig.trading.database.write(lambda unit: missions.decide(unit, mission.id, CARL, "asked", "SPREAD"))
        facts, rendered = await card(rig, mission_card(mission.id), GROUP)
        own, _ = await card(rig, mission_card(mission.id), ANN)

    assert isinstance(facts, MissionView) and isinstance(own, MissionView) and rendered is not None
    assert rendered.plain().splitlines()[-1] == "Ann fired, filled · Tom skipped (news) · Carl asked a commander"
    assert facts.chart is not None
    assert len(facts.chart.candles) == 72
    assert len(facts.chart.fills) == 1
    assert (facts.fired_by_viewer, own.fired_by_viewer) == (False, True)


async def test_a_mission_tells_the_result_in_r(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        await stopped_out(rig)
        mission = await rig.read(lambda unit: missions.by_number(unit, 1))
        said = await text(rig, mission_card(mission.id), GROUP)

    assert "Ann fired, closed −1." in said


async def test_a_mission_that_expired_says_when(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        mission = await rig.mission(lasts=60)
        rig.clock.advance(61)
        await rig.trading.expire(Actor.job("expire", "test"))
        _, rendered = await card(rig, mission_card(mission.id), GROUP)

    assert rendered is not None
    assert "expired 12:01 UTC" in rendered.plain()
    assert rendered.keyboard() is None


async def test_a_preview_is_its_traders_alone(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        mission = await rig.mission()
        await rig.trading.preview(rig.actor(), mission.id)
        mine, _ = await card(rig, preview_card(mission.id, ANN), ANN)
        toms, _ = await card(rig, preview_card(mission.id, ANN), TOM)
        group, _ = await card(rig, preview_card(mission.id, ANN), GROUP)

    assert isinstance(mine, PreviewView)
    assert (toms, group) == (None, None)


async def test_a_preview_shows_the_loss_that_the_gate_judged(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        mission = await rig.mission()
        await rig.trading.preview(rig.actor(), mission.id)
        facts, _ = await card(rig, preview_card(mission.id, ANN), ANN)
        stored = await rig.read(lambda unit: previews.find(unit, mission.id, ANN))

    assert isinstance(facts, PreviewView)
    assert facts.loss.amount == stored.loss
    assert facts.risk_percent is not None
    assert abs(facts.risk_percent - Decimal("0.5")) < Decimal("0.01")
    assert [line.r > 0 for line in facts.targets] == [True, True]
    assert len(facts.nearest) == 2


async def test_a_refusal_names_a_commander_that_is_not_oneself(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        mission = await rig.mission()
        await rig.trading.halt(rig.actor(TOM), HaltState.HALTED, "lag")
        asked = []
        for person in (ANN, CARL):
            await rig.trading.preview(rig.actor(person), mission.id)
            facts, _ = await card(rig, preview_card(mission.id, person), person)
            assert isinstance(facts, PreviewView)
            asked.append(facts.ask)

    assert asked == ["Carl", None]


async def test_a_halt_tells_what_is_protected_and_who_may_lift_it(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        await traded(rig)
        await fired(rig, TOM)
        await rig.trading.halt(rig.actor(CARL), HaltState.HALTED, "exchange lagging")
        await rig.trading.work_kill()
        views = [(await card(rig, halt_card(), chat))[0] for chat in (GROUP, CARL, TOM)]

    assert all(isinstance(view, HaltView) for view in views)
    group, carl, tom = (view for view in views if isinstance(view, HaltView))
    assert (group.kill is not None and group.kill.entries, group.exposure.open, group.exposure.protected) == ((2,), 1, 1)
    assert group.exposure.risk_percent is not None
    assert [view.commands for view in (group, carl, tom)] == [False, True, False]


async def test_a_desk_that_was_never_halted_has_no_halt_card(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        facts, _ = await card(rig, halt_card(), GROUP)

    assert facts is None


async def test_missions_beyond_the_quota_are_gathered(tmp_path: Path) -> None:
    async with desk_at(tmp_path, signals={"offers_per_hour": 1}) as rig:
        for side in (Side.LONG, Side.SHORT):
            rig.clock.advance(1)
            stop, targets = ("63000", ("66000",)) if side is Side.LONG else ("65000", ("62000",))
            await rig.mission(side=side, stop=stop, targets=targets)
        said = await text(rig, grouped_card("2026-11-20"), ANN)

    assert said.splitlines()[:2] == ["1 more mission today · PAPER", "#2 SHORT BTC/USDT       70 · 12:10"]


async def test_a_checklist_is_its_persons_and_knows_what_was_done(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        await rig.trading.database.write(lambda unit: people.tick(unit, ANN, "proof"))
        mine, _ = await card(rig, checklist_card(ANN), ANN)
        toms, _ = await card(rig, checklist_card(ANN), TOM)

    assert isinstance(mine, ChecklistView)
    assert mine.items == tuple((item, item == "proof") for item in ITEMS)
    assert toms is None


async def test_prices_are_as_old_as_their_quote(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        _, trade_id = await traded(rig)
        rig.clock.advance(45)
        view = await view_of(rig, trade_id)

    assert view.price is not None
    assert view.price.age == timedelta(seconds=45)


async def test_an_unknown_key_is_no_card(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        found = [(await card(rig, key, ANN))[0] for key in ("mission:x", "trade:x", "trade:999", "preview:x", "other:1", "")]
        live = live_of(rig)

    assert found == [None] * 6
    assert live.zone == "UTC"
