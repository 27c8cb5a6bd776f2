"""What happens between a plan and its arrival at the venue: exits that were filled, closes under way, halts, foreign hands."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from bot.system import StageWakeups
from services.access.alerts import AlertCode
from services.domain.buttons import Act
from services.domain.errors import Refused, Unavailable
from services.domain.money import ZERO, Quantity
from services.domain.orders import OrderRequest, OrderRole, OrderSide, OrderType, Purpose, VenueOrder, VenuePosition
from services.domain.ports import Venue
from services.domain.proposals import Answer, ProposalKind
from services.domain.states import HaltState, InstructionState, OrderState, TradeState
from services.domain.trades import Trade
from services.missions.fire import Fired
from services.storage import desk, incidents, instructions, orders, proposals, terminals, trades
from tests.told import alerts_for
from tests.trading.between import VenueWithHappenings
from tests.trading.rig import ANN, Rig, desk_at
from tests.trading.taps import confirm_token, fire

TERMINAL = f"paper-{ANN}"
SYMBOL = "BTC/USDT"
CALM = ("63999.99", "64000.01")


class Desk:
    """Opens a desk whose venue lets things happen around its writes."""

    def __init__(self, folder: Path, **groups: Any) -> None:
        self._folder = folder
        self._groups = groups
        self.venue: VenueWithHappenings

    def _wrap(self, venue: Venue) -> Venue:
        self.venue = VenueWithHappenings(venue)
        return self.venue

    def open(self) -> AbstractAsyncContextManager[Rig]:
        return desk_at(self._folder, wrap=self._wrap, **self._groups)


async def trade_of(rig: Rig, trade_id: str) -> Trade:
    found: Trade = await rig.read(lambda unit: trades.find(unit, trade_id))
    return found


async def open_trade(rig: Rig) -> Trade:
    fired = await fire(rig)
    assert isinstance(fired, Fired)
    await rig.settle()
    rig.clock.advance(60)
    rig.quote(*CALM)
    return await trade_of(rig, fired.trade_id)


async def ask(rig: Rig, trade: Trade, share: str) -> str:
    asked = await rig.trading.ask_close(rig.actor(), trade.id, Decimal(share))
    assert asked.token is not None
    return asked.token.id


async def codes(rig: Rig) -> set[str]:
    """Return the alerts that are open."""
    return {row.code for row in await rig.read(incidents.open_incidents)}


async def purposes(rig: Rig, trade: Trade) -> list[tuple[Purpose, InstructionState]]:
    found = await rig.read(lambda unit: instructions.of_trade(unit, trade.id))
    return [(each.purpose, each.state) for each in found]


async def protected(rig: Rig, trade: Trade) -> bool:
    """Tell whether the venue's stop covers exactly what is open."""
    stops = [o for o in await rig.trading.paper.open_orders(TERMINAL) if o.stop_price is not None]
    return [(o.stop_price, o.quantity - o.filled) for o in stops] == [(trade.stop, trade.open_quantity)]


async def test_exits_that_were_filled_before_their_replacement_arrives_are_planned_anew(tmp_path: Path) -> None:
    """A replacement is refused because a target is final by then: that is no reason to give the trade up."""
    place = Desk(tmp_path)
    async with place.open() as rig:
        trade = await open_trade(rig)
        await rig.trading.paper.on_quote(rig.quote("65000", "65000.02"))
        place.venue.before = lambda: rig.trading.paper.on_quote(rig.quote("66100", "66100.02"))
        await rig.trading.move_stop(rig.actor(), trade.id, "be")
        await rig.settle()

        after = await trade_of(rig, trade.id)
        answers = [each.answer for each in await rig.read(lambda unit: instructions.of_trade(unit, trade.id))]
        assert "ORDER_FINAL" in answers
        assert after.state is TradeState.OPEN
        assert after.stop > trade.stop
        assert ZERO < after.open_quantity < trade.open_quantity
        assert await protected(rig, after)
        assert await codes(rig) == set()


async def test_a_stop_that_moves_while_exits_are_under_way_is_placed_after_them(tmp_path: Path) -> None:
    place = Desk(tmp_path)
    async with place.open() as rig:
        fired = await fire(rig)
        assert isinstance(fired, Fired)
        await rig.trading.executor.send_waiting()
        await rig.nursery.wait_for_jobs(5)
        await rig.trading.paper.settle()
        rig.quote("65000", "65000.02")
        place.venue.after = lambda: rig.trading.move_stop(rig.actor(), fired.trade_id, "63500")
        await rig.settle()

        after = await trade_of(rig, fired.trade_id)
        assert after.stop == Decimal(63_500)
        assert await protected(rig, after)
        assert await codes(rig) == set()


async def test_exits_are_exchanged_again_before_the_venue_was_looked_at(tmp_path: Path) -> None:
    """What the first exchange took away is not named in the second: the venue would refuse it."""
    async with desk_at(tmp_path) as rig:
        trade = await open_trade(rig)
        for stop in ("63100", "63200", "63300"):
            await rig.trading.move_stop(rig.actor(), trade.id, stop)
            await rig.trading.executor.send_waiting()
            await rig.nursery.wait_for_jobs(5)
        await rig.settle()

        after = await trade_of(rig, trade.id)
        assert after.stop == Decimal(63_300)
        assert {state for _, state in await purposes(rig, trade)} == {InstructionState.ACCEPTED}
        assert len(await purposes(rig, trade)) == 5
        assert await protected(rig, after)


async def test_a_venue_that_refuses_the_stop_makes_the_desk_close_and_alarm(tmp_path: Path) -> None:
    """The venue's price grid has changed, so that it refuses the stop for good."""
    place = Desk(tmp_path)
    async with place.open() as rig:
        token = await confirm_token(rig, await rig.mission(targets=("66000",)))
        fired = await rig.trading.fire(rig.actor(), token)
        assert isinstance(fired, Fired)
        await rig.trading.executor.send_waiting()
        await rig.nursery.wait_for_jobs(5)
        rig.trading.instruments[SYMBOL] = _finer_than_the_stop(rig)
        await rig.settle()

        after = await trade_of(rig, fired.trade_id)
        assert (after.state, after.close_reason) == (TradeState.CLOSED, "CLOSE")
        told = await rig.read(lambda unit: alerts_for(unit, ANN))
        assert [each.code for each in told] == [AlertCode.STOP_NOT_PLACED.value]


def _finer_than_the_stop(rig: Rig) -> Any:
    """Return the instrument with a tick that the stop is not on, as after a change at the venue."""
    return replace(rig.trading.instruments[SYMBOL], tick=Decimal("0.07"))


async def test_a_second_half_close_waits_for_the_first(tmp_path: Path) -> None:
    async with desk_at(tmp_path, paper={"latency_ms": 500}) as rig:
        fired = await fire(rig)
        assert isinstance(fired, Fired)
        await _let_fill(rig)
        trade = await trade_of(rig, fired.trade_id)
        first, second, third = [await ask(rig, trade, "0.5") for _ in range(3)]
        await rig.trading.close(rig.actor(), first, Act.CLOSE)
        with pytest.raises(Refused, match="CLOSE_PENDING"):
            await rig.trading.close(rig.actor(), second, Act.CLOSE)
        # Accepted by the venue, not executed yet.
        await rig.settle()
        with pytest.raises(Refused, match="CLOSE_PENDING"):
            await rig.trading.close(rig.actor(), second, Act.CLOSE)
        await _let_fill(rig)
        await rig.trading.close(rig.actor(), third, Act.CLOSE)
        await _let_fill(rig)

        after = await trade_of(rig, trade.id)
        assert trade.entry_quantity / 4 <= after.open_quantity <= trade.entry_quantity / 4 + 2 * Decimal("0.00001")
        assert await protected(rig, after)


async def _let_fill(rig: Rig) -> None:
    """Let the venue's latency pass over what it has taken."""
    for _ in range(2):
        await rig.settle()
        rig.clock.advance(1)
        rig.quote(*CALM)
    await rig.settle()


async def test_close_all_takes_the_other_half_of_what_is_half_closed_already(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        trade = await open_trade(rig)
        half, everything = await ask(rig, trade, "0.5"), await rig.trading.ask_close.all_of_mine(rig.actor())
        assert everything.token is not None
        await rig.trading.close(rig.actor(), half, Act.CLOSE)
        closing = await rig.trading.close(rig.actor(), everything.token.id, Act.CLOSE_ALL)
        await rig.settle()

        after = await trade_of(rig, trade.id)
        assert trade.open_quantity / 2 <= closing.quantity < trade.open_quantity
        assert (after.state, after.open_quantity) == (TradeState.CLOSED, ZERO)
        assert await rig.trading.paper.open_orders(TERMINAL) == []
        assert await codes(rig) == set()


async def test_an_entry_that_the_halt_overtook_on_its_way_is_taken_back_at_the_venue(tmp_path: Path) -> None:
    place = Desk(tmp_path, paper={"latency_ms": 500})
    async with place.open() as rig:
        fired = await fire(rig)
        assert isinstance(fired, Fired)
        place.venue.after = lambda: rig.trading.halt(rig.actor(), HaltState.HALTED, "test")
        await rig.settle()

        after = await trade_of(rig, fired.trade_id)
        assert await purposes(rig, after) == [
            (Purpose.ENTRY, InstructionState.ACCEPTED),
            (Purpose.CANCEL, InstructionState.ACCEPTED),
        ]
        assert after.state is TradeState.CANCELED
        assert await rig.trading.paper.open_orders(TERMINAL) == []


async def foreign_sell(rig: Rig, quantity: Decimal) -> None:
    """Sell at the venue past the desk, as a person with the venue's own page could."""
    order = OrderRequest(
        client_id="byhandatthevenue",
        symbol=SYMBOL,
        side=OrderSide.SELL,
        type=OrderType.MARKET,
        role=OrderRole.FOREIGN,
        quantity=Quantity(quantity),
        reduce_only=True,
    )
    await rig.trading.paper.place(TERMINAL, order)
    await rig.settle()


async def test_a_position_sold_by_foreign_hands_is_a_question_and_its_answer_ends_the_trade(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        trade = await open_trade(rig)
        before = len(await purposes(rig, trade))
        await foreign_sell(rig, trade.open_quantity)

        asked = await rig.read(proposals.waiting)
        assert [(each.kind, each.evidence.quantity) for each in asked] == [(ProposalKind.FOREIGN_FILL, -trade.open_quantity)]
        assert (await trade_of(rig, trade.id)).state is TradeState.OPEN
        assert AlertCode.FOREIGN_ORDER.value in await codes(rig)

        decision = await rig.trading.decide.ask(rig.actor(), asked[0].id, Answer.ADOPT)
        await rig.trading.decide(rig.actor(), decision.token.id)
        await rig.settle()

        after = await trade_of(rig, trade.id)
        assert (after.state, after.close_reason) == (TradeState.CLOSED, "ELSEWHERE")
        assert len(await purposes(rig, trade)) <= before + 1
        assert await rig.trading.paper.open_orders(TERMINAL) == []
        assert await rig.read(lambda unit: terminals.position(unit, TERMINAL, SYMBOL)) == 0
        assert AlertCode.FOREIGN_ORDER.value not in await codes(rig)
        assert await rig.trading.sync.reconcile_all() == 0


async def test_a_foreign_order_is_kept_as_long_as_it_works_and_seen_to_end(tmp_path: Path) -> None:
    async with desk_at(tmp_path, paper={"latency_ms": 500}) as rig:
        fired = await fire(rig)
        assert isinstance(fired, Fired)
        await _let_fill(rig)
        trade = await trade_of(rig, fired.trade_id)
        await foreign_sell(rig, trade.open_quantity / 2)
        seen = await rig.read(lambda unit: orders.find(unit, TERMINAL, "byhandatthevenue"))
        await _let_fill(rig)

        ended = await rig.read(lambda unit: orders.find(unit, TERMINAL, "byhandatthevenue"))
        assert (seen.role, seen.state) == (OrderRole.FOREIGN, OrderState.ACCEPTED)
        assert ended.state is OrderState.FILLED


class ForgetfulVenue:
    """Has lost the position and says so, but shows no fill that took it."""

    def __init__(self, venue: Venue) -> None:
        self._venue = venue
        self.flat = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._venue, name)

    async def positions(self, account: str) -> Sequence[VenuePosition]:
        return [] if self.flat else await self._venue.positions(account)

    async def open_orders(self, account: str) -> Sequence[VenueOrder]:
        return [] if self.flat else await self._venue.open_orders(account)

    async def fills_since(self, account: str, sequence: int) -> Sequence[Any]:
        return [] if self.flat else await self._venue.fills_since(account, sequence)


async def test_a_position_that_the_venue_denies_is_alarmed_and_not_written_about_for_ever(tmp_path: Path) -> None:
    forgetful: list[ForgetfulVenue] = []

    def wrap(venue: Venue) -> Venue:
        forgetful.append(ForgetfulVenue(venue))
        return forgetful[0]

    async with desk_at(tmp_path, wrap=wrap) as rig:
        trade = await open_trade(rig)
        forgetful[0].flat = True
        await foreign_sell(rig, trade.open_quantity)
        for _ in range(10):
            rig.clock.advance(30)
            rig.quote(*CALM)
            await rig.trading.sync.reconcile_all()
            await rig.settle()

        assert len(await purposes(rig, trade)) < 10
        assert AlertCode.POSITION_MISMATCH.value in await codes(rig)
        asked = await rig.read(proposals.waiting)
        assert [(each.kind, each.symbol) for each in asked] == [(ProposalKind.POSITION_DIFFERS, SYMBOL)]
        assert (await trade_of(rig, trade.id)).state is TradeState.OPEN


class CountingWakeups(StageWakeups):
    """Counts how often the executor was told to look at once."""

    def __init__(self) -> None:
        super().__init__()
        self.executor = 0

    def wake(self, stage: str, about: str = "") -> None:
        super().wake(stage, about)
        self.executor += stage == "executor"


@pytest.mark.parametrize("broken", ["the lease is lost", "the database is gone", "the venue is gone"])
async def test_a_lane_that_can_send_nothing_waits_for_the_next_look(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    """Otherwise it would try again at once, without end, exactly when something is wrong."""
    async with desk_at(tmp_path) as rig:
        assert isinstance(await fire(rig), Fired)
        waking = CountingWakeups()
        executor = rig.trading.executor
        monkeypatch.setattr(executor, "_ports", replace(executor._ports, wakeups=waking))
        if broken == "the lease is lost":
            await rig.trading.database.write(lambda unit: desk.take_lease(unit, "executor", "another", 60, force=True))
        elif broken == "the database is gone":
            monkeypatch.setattr(executor, "_claim", _gone)
        else:
            monkeypatch.setattr(executor, "_venue_of", _gone_soon)
        await executor.send_waiting()
        await rig.nursery.wait_for_jobs(5)

        assert waking.executor == 0
        waiting = await rig.read(instructions.intents)
        assert [each.purpose for each in waiting] == [Purpose.ENTRY]


def _gone(*_: object) -> None:
    raise Unavailable("DATABASE")


async def _gone_soon(*_: object) -> str:
    raise Unavailable("VENUE")
