"""The kill worked off: entries gone at every terminal, protection kept, positions sold when asked, and what is left by name."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from functools import partial
from pathlib import Path

import pytest

from services.domain.kills import KillState, LeftoverKind
from services.domain.money import Price, Quantity
from services.domain.orders import Instruction, OrderRequest, OrderRole, OrderSide, OrderType, Purpose
from services.domain.states import InstructionState, OrderState, TradeState
from services.execution.killing import BATCH
from services.execution.settling import MAX_CANCELS
from services.storage import incidents, instructions, orders, trades
from services.storage.database import Unit
from tests.trading.killing import (
    Moody,
    as_it_stands,
    at_the_venue,
    kinds,
    many_resting,
    one_round,
    open_trade,
    resting,
    thrown,
    trade_of,
    worked_off,
)
from tests.trading.rig import ANN, TOM, Rig, desk_at

PROTECTED = {OrderType.STOP, OrderType.LIMIT}


async def sales_of(rig: Rig, trade_id: str) -> list[Instruction]:
    sent: list[Instruction] = await rig.read(partial(instructions.of_trade, trade_id=trade_id))
    return [each for each in sent if each.purpose is Purpose.CLOSE]


async def test_kill_takes_every_entry_off_and_keeps_the_protection(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        held = await open_trade(rig, ANN, "BTC/USDT")
        waiting = [await resting(rig, ANN, "ETH/USDT"), await resting(rig, TOM, "BTC/USDT")]
        done = await worked_off(rig, await thrown(rig))

        numbers = {(await trade_of(rig, each)).number for each in waiting}
        assert (done.state, done.working, done.leftovers) == (KillState.DONE, False, ())
        assert (set(done.entries), done.gone) == (numbers, 2)
        assert [(await trade_of(rig, each)).state for each in waiting] == [TradeState.CANCELED] * 2
        assert (await trade_of(rig, held)).state is TradeState.OPEN
        assert await at_the_venue(rig, ANN) == PROTECTED
        assert await at_the_venue(rig, TOM) == set()
        order = await kinds(rig)
        assert order.index("halt.halted") < order.index("kill.thrown") < order.index("trade.cancel_asked")
        assert await rig.trading.work_kill() is None


async def test_flatten_sells_every_position_and_leaves_no_order(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        held = [await open_trade(rig, ANN, "BTC/USDT"), await open_trade(rig, TOM, "BTC/USDT")]
        waiting = await resting(rig, ANN, "ETH/USDT")
        done = await worked_off(rig, await thrown(rig, flatten=True))

        assert (done.state, done.leftovers, done.flatten_by) == (KillState.DONE, (), "Carl")
        assert [(await trade_of(rig, each)).state for each in held] == [TradeState.CLOSED] * 2
        assert (await trade_of(rig, waiting)).state is TradeState.CANCELED
        for person in (ANN, TOM):
            assert await rig.trading.paper.open_orders(f"paper-{person}") == []
            assert await rig.trading.paper.positions(f"paper-{person}") == []


@pytest.mark.parametrize("mood", ["down", "hangs"])
async def test_venue_out_of_reach_is_named_while_the_others_are_done_and_it_is_done_when_it_is_back(
    tmp_path: Path, mood: str
) -> None:
    moody: list[Moody] = []

    def wrap(venue: object) -> Moody:
        moody.append(Moody(venue))  # type: ignore[arg-type]
        return moody[0]

    async with desk_at(tmp_path, wrap=wrap, killing={"patience_s": 8, "retry_s": 2}) as rig:  # type: ignore[arg-type]
        waiting = {person: await resting(rig, person) for person in (ANN, TOM)}
        getattr(moody[0], mood).add(f"paper-{TOM}")
        unseen = [f"paper-{TOM}"]
        kill = await thrown(rig)
        await one_round(rig, unseen=unseen)
        await one_round(rig, unseen=unseen)
        first = {person: (await trade_of(rig, each)).state for person, each in waiting.items()}
        done = await worked_off(rig, kill, unseen=unseen)
        alarmed = [row.code for row in await rig.read(incidents.open_incidents) if row.code.startswith("KILL")]
        named = [(each.terminal, each.entry, each.may_end) for each in done.leftovers]
        getattr(moody[0], mood).clear()
        if mood == "hangs":
            await rig.nursery.wait_for_jobs(12)
        for _ in range(30):
            await one_round(rig)
        after = await as_it_stands(rig, kill)

        assert first == {ANN: TradeState.CANCELED, TOM: TradeState.WORKING}
        assert ("tom-paper", True, True) in named and {terminal for terminal, _, _ in named} == {"tom-paper"}
        assert done.working
        assert alarmed == ["KILL_INCOMPLETE"]
        assert "KILL_INCOMPLETE" not in [row.code for row in await rig.read(incidents.open_incidents)]
        assert (after.leftovers, after.working, after.gone) == ((), False, 2)
        assert (await trade_of(rig, waiting[TOM])).state is TradeState.CANCELED


async def test_refused_cancel_is_named_with_the_venue_s_code(tmp_path: Path) -> None:
    moody: list[Moody] = []
    async with desk_at(
        tmp_path, wrap=lambda venue: moody.append(Moody(venue)) or moody[0], killing={"patience_s": 6, "retry_s": 2}
    ) as rig:
        await resting(rig)
        moody[0].keeps.add(f"paper-{ANN}")
        kill = await thrown(rig)
        done = await worked_off(rig, kill)
        refused = sum(kind == "instruction.rejected" for kind in await kinds(rig))
        moody[0].keeps.clear()
        for _ in range(10):
            await one_round(rig)

        (left,) = done.leftovers
        assert (left.entry, left.may_end, left.symbol) == (True, True, "BTC/USDT")
        assert left.kind in (LeftoverKind.REFUSED, LeftoverKind.WAITING)
        # Asked again after a pause each time, not in a storm.
        assert refused <= 12
        assert (await as_it_stands(rig, kill)).leftovers == ()


async def test_refused_cancel_is_not_asked_for_in_a_storm(tmp_path: Path) -> None:
    moody: list[Moody] = []
    async with desk_at(tmp_path, wrap=lambda venue: moody.append(Moody(venue)) or moody[0]) as rig:
        await resting(rig)
        moody[0].keeps.add(f"paper-{ANN}")
        await rig.trading.cancel(rig.actor(ANN), None)
        for _ in range(10):
            await rig.trading.executor.send_waiting()
            await rig.nursery.wait_for_jobs(5)

        assert (await kinds(rig)).count("instruction.rejected") == MAX_CANCELS
        assert [row.code for row in await rig.read(incidents.open_incidents)] == ["CANCEL_REJECTED"]


async def test_entry_that_the_books_had_as_over_is_found_at_the_venue_and_cancelled(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        trade_id = await resting(rig)

        def lose(unit: Unit) -> None:
            (order,) = orders.live(unit, trade_id=trade_id)
            orders.save(unit, order, replace(order, state=OrderState.CANCELED))
            trade = trades.find(unit, trade_id)
            assert trade is not None
            trades.save(unit, trade, replace(trade, state=TradeState.CANCELED, closed_at=unit.now, route=None))

        await rig.trading.database.write(lose)
        done = await worked_off(rig, await thrown(rig))

        assert done.leftovers == ()
        assert await rig.trading.paper.open_orders(f"paper-{ANN}") == []
        assert "kill.found" in await kinds(rig)


async def test_foreign_order_is_named_and_left_alone(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        foreign = OrderRequest(
            client_id="somebodyelse00",
            symbol="ETH/USDT",
            side=OrderSide.BUY,
            type=OrderType.LIMIT,
            role=OrderRole.FOREIGN,
            quantity=Quantity(Decimal("0.1")),
            price=Price(Decimal(60000)),
        )
        await one_round(rig)
        await rig.trading.paper.place(f"paper-{ANN}", foreign)
        done = await worked_off(rig, await thrown(rig))

        assert [(each.kind, each.name, each.entry) for each in done.leftovers] == [
            (LeftoverKind.FOREIGN, "somebodyelse00", False)
        ]
        assert not done.working
        assert len(await rig.trading.paper.open_orders(f"paper-{ANN}")) == 1


async def test_entry_that_fills_while_it_is_being_cancelled_is_protected_and_sold_when_asked(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        trade_id = await resting(rig)
        kill = await thrown(rig)
        await rig.trading.work_kill()
        # The price comes through before the cancel is sent.
        await rig.trading.paper.on_quote(rig.quote("63700", "63700.02"))
        kept = await worked_off(rig, kill, bid="63700", ask="63700.02")
        for _ in range(3):
            await one_round(rig, "63700", "63700.02")
        protected = await at_the_venue(rig, ANN)
        done = await worked_off(rig, await thrown(rig, flatten=True), bid="63700", ask="63700.02")

        assert (kept.leftovers, kept.gone) == ((), 1)
        assert protected == PROTECTED
        assert done.leftovers == ()
        assert (await trade_of(rig, trade_id)).state is TradeState.CLOSED
        assert await rig.trading.paper.positions(f"paper-{ANN}") == []


async def test_sale_that_the_venue_refuses_is_named_and_not_repeated_for_ever(tmp_path: Path) -> None:
    moody: list[Moody] = []
    async with desk_at(
        tmp_path, wrap=lambda venue: moody.append(Moody(venue)) or moody[0], killing={"patience_s": 8, "retry_s": 2}
    ) as rig:
        trade_id = await open_trade(rig)
        moody[0].no_sales.add(f"paper-{ANN}")
        kill = await thrown(rig, flatten=True)
        await worked_off(rig, kill)
        for _ in range(40):
            await one_round(rig)
        sales = [each for each in await sales_of(rig, trade_id) if each.state is InstructionState.REJECTED]
        after = await as_it_stands(rig, kill)

        (left,) = after.leftovers
        assert (left.kind, left.name, left.may_end) == (LeftoverKind.REFUSED, "trade 1", False)
        assert "PRICE_FILTER" in left.reason
        assert not after.working
        assert len(sales) <= 9
        # It is still protected: a sale that did not come about takes nothing away.
        assert OrderType.STOP in await at_the_venue(rig, ANN)


async def test_second_kill_is_answered_as_standing_and_flatten_widens_the_first(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        trade_id = await open_trade(rig)
        first = await thrown(rig)
        again = await thrown(rig)
        widened = await thrown(rig, flatten=True)
        done = await worked_off(rig, first)

        assert (again.id, again.flatten, widened.id, widened.flatten) == (first.id, False, first.id, True)
        assert done.flatten
        assert (await trade_of(rig, trade_id)).state is TradeState.CLOSED
        assert (await kinds(rig)).count("halt.halted") == 1


async def test_kill_goes_on_from_its_row_after_a_restart(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        held, waiting = await open_trade(rig, TOM), await resting(rig, ANN)
        kill = await thrown(rig, flatten=True)
        await rig.trading.work_kill()
        clock = rig.clock
    async with desk_at(tmp_path, clock=clock, people_too=False) as rig:
        done = await worked_off(rig, kill)

        assert done.leftovers == ()
        assert (await trade_of(rig, held)).state is TradeState.CLOSED
        assert (await trade_of(rig, waiting)).state is TradeState.CANCELED
        assert len([each for each in await sales_of(rig, held) if each.state is InstructionState.ACCEPTED]) == 1


async def test_halt_is_one_short_unit_however_many_orders_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    counts: list[int] = []
    run = Unit.run

    def counting(self: Unit, *args: object) -> object:
        counts[-1] += 1
        return run(self, *args)  # type: ignore[arg-type]

    for many in (2, 500):
        async with desk_at(tmp_path / str(many)) as rig:
            await many_resting(rig, many)
            counts.append(0)
            with monkeypatch.context() as patched:
                patched.setattr(Unit, "run", counting)
                kill = await thrown(rig)
            await rig.trading.work_kill()
            asked = await rig.read(instructions.intents)

        assert kill.running
        # The first batches are committed by the first step, the others as those are answered.
        assert min(many, BATCH) <= len(asked) <= 2 * BATCH

    assert counts[0] == counts[1]


async def test_more_entries_than_one_batch_all_come_off(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        await many_resting(rig, 120)
        done = await worked_off(rig, await thrown(rig))

        assert (len(done.entries), done.gone, done.leftovers) == (120, 120, ())
        assert await rig.trading.paper.open_orders(f"paper-{ANN}") == []
