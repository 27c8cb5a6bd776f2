"""Entries that wait for a second person: asked by threshold, counted at their worst, and judged anew at the last yes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from bot.system import SystemIds
from services.access.answering import AnswerApproval, TendApprovals
from services.access.second_person import SecondPerson, buttons_of
from services.domain.approvals import Approval, ApprovalState, ApprovalSubject
from services.domain.buttons import Act
from services.domain.entries import EntryKind
from services.domain.errors import Expired
from services.domain.people import Actor
from services.domain.routes import load_route
from services.domain.states import HaltState, TradeState
from services.domain.trades import Trade
from services.missions.fire import Fired, Waits
from services.operations.evidence import Material
from services.operations.judgement import Status
from services.operations.places import paper_file
from services.operations.venue_book import read_paper_book
from services.operations.verify import run_all
from services.storage import approvals, instructions, trades, verdicts
from tests.trading.entering import confirmed
from tests.trading.rig import ANN, CARL, TOM, Rig, desk_at
from tests.trading.taps import confirm_token, fire

EVERY = {"trade_loss": "0.01"}
TICK = timedelta(milliseconds=1)


class Asking:
    """A desk at which trades wait, and what takes the answers."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        second = SecondPerson(SystemIds(), rig.settings.approvals)
        outcomes = {ApprovalSubject.TRADE: rig.trading.approvals.decided}
        self.answer = AnswerApproval(rig.trading.database, second, outcomes)
        self.tend = TendApprovals(
            rig.trading.database, second, outcomes, {ApprovalSubject.TRADE: rig.trading.approvals.alone}, SystemIds()
        )

    async def fired(self, person: int = ANN) -> Trade:
        """Fire, and return the trade that waits."""
        outcome = await fire(self.rig, person=person)
        assert isinstance(outcome, Waits)
        return await self.now(outcome.trade_id)

    async def now(self, trade_id: str) -> Trade:
        found = await self.rig.read(partial(trades.find, trade_id=trade_id))
        assert isinstance(found, Trade)
        return found

    async def question(self, trade: Trade) -> Approval:
        found = await self.rig.read(lambda unit: approvals.of_subject(unit, ApprovalSubject.TRADE, trade.id))
        assert isinstance(found, Approval)
        return found

    async def button(self, trade: Trade, by: int = CARL) -> str:
        asked = await self.question(trade)
        held: dict[Act, str] = await self.rig.read(lambda unit: buttons_of(unit, asked, by))
        return held[Act.APPROVE]

    async def approve(self, trade: Trade) -> Trade:
        """Let Carl say yes, and return the trade as it stands then."""
        await self.answer(self.rig.actor(CARL), await self.button(trade), True)
        return await self.now(trade.id)

    async def later(self, span: timedelta) -> None:
        """Let time pass, with market and accounts read again."""
        self.rig.clock.advance(span.total_seconds())
        self.rig.quote("63999.99", "64000.01")
        await self.rig.trading.sync.reconcile_all()


@asynccontextmanager
async def asking(folder: Path, **groups: Any) -> AsyncIterator[Asking]:
    given = EVERY | groups.pop("approvals", {})
    async with desk_at(folder, approvals=given, **groups) as rig:
        yield Asking(rig)


async def sent_of(rig: Rig, trade: Trade) -> int:
    return len(await rig.read(lambda unit: instructions.of_trade(unit, trade.id)))


async def test_a_trade_waits_without_an_instruction_and_goes_out_at_the_last_yes(tmp_path: Path) -> None:
    async with asking(tmp_path) as desk:
        rig = desk.rig
        trade = await desk.fired()
        await rig.settle()
        assert (trade.state, await sent_of(rig, trade)) == (TradeState.AWAITING_APPROVAL, 0)
        await desk.later(timedelta(seconds=100))
        released = await desk.approve(trade)
        (entry,) = await rig.read(lambda unit: instructions.of_trade(unit, trade.id))
        await rig.settle()
        book = read_paper_book(paper_file(rig.settings.desk.state_dir), rig.clock)
        assert book is not None
        results = await run_all(rig.trading.database, Material(books=lambda: [book]))

        assert (released.state, released.tapped_at) == (TradeState.WORKING, rig.clock.now())
        assert entry.deadline == rig.clock.now() + timedelta(seconds=rig.settings.risk.entry_deadline_s)
        assert (await desk.now(trade.id)).state is TradeState.OPEN
        # Nobody is there to show the cards.
        assert [each.detail for each in results if each.status is Status.FAIL and each.number != 7] == []


async def test_what_waits_counts_as_what_is_live_and_is_not_counted_against_itself(tmp_path: Path) -> None:
    tight = {"open_positions": 1, "person_positions": 1, "trades_per_hour": 1, "max_notional": "0.9"}
    async with asking(tmp_path, risk=tight) as desk:
        trade = await desk.fired()
        shown = await desk.rig.trading.preview(desk.rig.actor(ANN), (await desk.rig.mission(symbol="ETH/USDT", stop="3100")).id)
        exposure = await desk.rig.read(lambda unit: trades.live(unit, person_id=ANN))
        released = await desk.approve(trade)

        assert shown.refused is not None
        assert [each.open_risk for each in exposure] == [trade.risk_money]
        assert released.state is TradeState.WORKING


@pytest.mark.parametrize(
    "kind", [EntryKind.LIMIT, EntryKind.STOP, EntryKind.MAKER, EntryKind.WHOLE], ids=lambda kind: kind.value
)
async def test_every_way_to_enter_goes_out_as_it_was_confirmed(tmp_path: Path, kind: EntryKind) -> None:
    async with asking(tmp_path) as desk:
        outcome = await confirmed(desk.rig, kind)
        assert isinstance(outcome, Waits)
        released = await desk.approve(await desk.now(outcome.trade_id))
        route = load_route(released.route)

        assert released.state is TradeState.WORKING
        assert (route.kind if route is not None else EntryKind.WHOLE) is kind
        assert await sent_of(desk.rig, released) == (0 if kind is EntryKind.STOP else 1)


async def test_a_better_price_binds_tighter_and_a_worse_one_denies(tmp_path: Path) -> None:
    async with asking(tmp_path) as desk:
        rig = desk.rig
        first, second = await desk.fired(ANN), await desk.fired(TOM)
        await desk.later(timedelta(seconds=5))
        rig.quote("63899.99", "63900.01")
        released = await desk.approve(first)
        rig.quote("64500.00", "64500.02")
        denied = await desk.approve(second)
        proof = await rig.read(lambda unit: verdicts.of_trade(unit, second.id))

        assert released.worst_price < first.worst_price
        assert (denied.state, denied.close_reason) == (TradeState.DENIED, "PRICE_COLLAR")
        assert [each.code.value for each in proof.verdict.denials] == ["PRICE_COLLAR"]
        assert await sent_of(rig, second) == 0


@pytest.mark.parametrize("late", [-TICK, timedelta(0), TICK], ids=["in-time", "at-expiry", "after"])
async def test_the_last_moment_is_late(tmp_path: Path, late: timedelta) -> None:
    async with asking(tmp_path) as desk:
        trade = await desk.fired()
        asked, button = await desk.question(trade), await desk.button(trade)
        await desk.later(asked.expires_at - desk.rig.clock.now() + late)
        if late < timedelta(0):
            assert (await desk.approve(trade)).state is TradeState.WORKING
            return
        with pytest.raises(Expired):
            await desk.answer(desk.rig.actor(CARL), button, True)
        await desk.tend()
        ended = await desk.now(trade.id)

        assert (ended.state, ended.close_reason) == (TradeState.CANCELED, "NO_ANSWER")


async def test_a_question_never_outlives_its_mission(tmp_path: Path) -> None:
    async with asking(tmp_path, approvals={"trade_lasts_s": 3000}) as desk:
        rig, mission = desk.rig, await desk.rig.mission(lasts=200)
        await rig.trading.fire(rig.actor(), await confirm_token(rig, mission))
        (trade,) = await rig.read(lambda unit: trades.live(unit, person_id=ANN))
        assert (await desk.question(trade)).expires_at == mission.signal.expires_at
        rig.quote("62000.00", "62000.02")
        await rig.trading.expire(Actor.job("missions", "test"))

        assert (await desk.now(trade.id)).close_reason == "DEADLINE"
        assert (await desk.question(trade)).state is ApprovalState.WITHDRAWN


async def test_halt_kill_and_cancel_take_what_waits_back(tmp_path: Path) -> None:
    async with asking(tmp_path) as desk:
        rig = desk.rig
        canceled = await desk.fired(ANN)
        await rig.trading.cancel(rig.actor(ANN), str(canceled.number))
        halted = await desk.fired(ANN)
        await rig.trading.halt.myself(rig.actor(ANN), "enough")
        killed = await desk.fired(TOM)
        await rig.trading.halt(rig.actor(CARL), HaltState.HALTED, "storm")
        await rig.trading.work_kill()

        for trade in (canceled, halted, killed):
            assert (await desk.now(trade.id)).state is TradeState.CANCELED
            assert (await desk.question(trade)).state is ApprovalState.WITHDRAWN


async def test_exits_and_what_tightens_never_wait(tmp_path: Path) -> None:
    async with asking(tmp_path) as desk:
        rig = desk.rig
        trade = await desk.approve(await desk.fired())
        await rig.settle()
        moved = await rig.trading.move_stop(rig.actor(), str(trade.number), "63500")
        asked = await rig.trading.ask_close(rig.actor(), str(trade.number), Decimal(1))
        assert asked.token is not None
        await rig.trading.close(rig.actor(), asked.token.id, Act.CLOSE)
        await rig.settle()

        assert moved.stop == Decimal("63500")
        assert (await desk.now(trade.id)).state is TradeState.CLOSED
        assert len(await rig.read(lambda unit: [approvals.of_subject(unit, ApprovalSubject.TRADE, trade.id)])) == 1


@pytest.mark.parametrize(
    ("given", "waits"),
    [
        ({}, False),
        ({"trade_loss": "49"}, True),
        ({"trade_loss": "5000"}, False),
        ({"trade_value": "1000"}, True),
        ({"trade_value": "100000"}, False),
        ({"trade_terminals": ("ann-paper",)}, True),
        ({"trade_terminals": ("tom-paper",)}, False),
        ({"trade_modes": ("paper",)}, True),
        ({"trade_modes": ("live",)}, False),
        ({"trade_strategies": ("trend",)}, True),
    ],
    ids=["none", "loss", "less", "value", "smaller", "terminal", "elsewhere", "mode", "other-mode", "strategy"],
)
async def test_each_threshold_asks_and_nothing_else_does(tmp_path: Path, given: dict[str, Any], waits: bool) -> None:
    async with desk_at(tmp_path, approvals=given) as rig:
        outcome = await fire(rig)

        assert isinstance(outcome, Waits if waits else Fired)
