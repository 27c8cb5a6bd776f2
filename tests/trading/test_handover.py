"""What somebody leaves behind: passed on with the role, kept at its terminal, tightened or closed by the keeper."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.system import SystemIds
from config.groups import DeskSettings, PaperSettings
from services.access.changes import ChangeBook
from services.access.granting import Grant, register_grants
from services.access.passing_on import keeper_for
from services.access.roles import GrantBook, Revoke, RoleBook
from services.access.second_person import SecondPerson
from services.domain.buttons import Act
from services.domain.errors import NotAllowed, NotFound, Refused
from services.domain.handovers import Kept, tightened_stop
from services.domain.money import Price
from services.domain.orders import OrderRole
from services.domain.people import Person, Role
from services.domain.signals import Side
from services.domain.states import LIVE_ORDER_STATES, TradeState
from services.domain.trades import Trade
from services.missions.fire import Fired
from services.storage import handovers, orders, people, trades
from services.storage.database import Unit
from tests.domain.test_keeping import trade_of
from tests.trading.rig import ANN, BTC, CARL, TOM, HandClock, Rig, desk_at
from tests.trading.taps import fire

CORA = 2002


def book() -> RoleBook:
    return RoleBook(SystemIds(), DeskSettings(), PaperSettings())


def changing(rig: Rig) -> ChangeBook:
    asks = rig.settings.approvals
    changes = ChangeBook(SystemIds(), asks, SecondPerson(SystemIds(), asks))
    register_grants(changes, GrantBook(book()))
    return changes


def granting(rig: Rig) -> Grant:
    return Grant(rig.trading.database, GrantBook(book()), changing(rig))


async def add_cora(rig: Rig, role: Role = Role.COMMANDER) -> None:
    cora = Person(id=CORA, name="Cora", username="cora", role=role, zone="UTC", locale="en")
    await rig.trading.database.write(lambda unit: people.save_role(unit, cora, None))


async def revoke(rig: Rig, person: int = ANN, keeper: str | None = None) -> None:
    taking = Revoke(rig.trading.database, book(), SystemIds(), changing(rig))
    asked = await taking.ask(rig.actor(CARL), str(person), keeper)
    await taking(rig.actor(CARL), asked.token.id)


async def open_trade(rig: Rig, person: int = ANN) -> Trade:
    fired = await fire(rig, person=person)
    assert isinstance(fired, Fired)
    await rig.settle()
    found: Trade = await rig.read(lambda unit: trades.find(unit, fired.trade_id))
    assert found.state is TradeState.OPEN
    return found


async def kept(rig: Rig, keeper: int) -> list[tuple[int, Kept | None]]:
    def body(unit: Unit) -> list[tuple[int, Kept | None]]:
        found = [(trades.find(unit, each.trade_id), each.answer) for each in handovers.live_with(unit, keeper)]
        return [(trade.number, said) for trade, said in found if trade is not None]

    result: list[tuple[int, Kept | None]] = await rig.read(body)
    return result


async def stops(rig: Rig, trade: Trade) -> list[Decimal | None]:
    placed = await rig.read(lambda unit: orders.of_trade(unit, trade.id))
    return [each.stop_price for each in placed if each.role is OrderRole.STOP and each.state in LIVE_ORDER_STATES]


async def test_a_revoked_traders_position_passes_with_its_stop_and_outlives_a_restart(tmp_path: Path) -> None:
    clock = HandClock()
    async with desk_at(tmp_path, clock=clock) as rig:
        await add_cora(rig)
        trade = await open_trade(rig)
        before = await stops(rig, trade)
        await revoke(rig, keeper="@cora")
        assert await stops(rig, trade) == before != []

    async with desk_at(tmp_path, clock=clock, people_too=False) as rig:
        assert await kept(rig, CORA) == [(trade.number, None)]
        with pytest.raises(NotAllowed, match="NO_ROLE"):
            await rig.trading.ask_close(rig.actor(ANN), trade.id, Decimal(1))
        with pytest.raises(NotFound, match="HANDOVER"):
            await rig.trading.handover.keep(rig.actor(CARL), ANN, None)
        await rig.price("64999.99", "65000.01")
        done = await rig.trading.handover.tighten(rig.actor(CORA), ANN, None)
        assert done.trades == (trade.number,)
        after = await rig.read(lambda unit: trades.find(unit, trade.id))
        assert after.stop > after.average_entry and after.terminal_id == f"paper-{ANN}"

        asked = await rig.trading.handover.ask_close(rig.actor(CORA), ANN, trade.number)
        assert asked.token is not None
        await rig.trading.close(rig.actor(CORA), asked.token.id, Act.CLOSE)
        await rig.settle()
        ended = await rig.read(lambda unit: trades.find(unit, trade.id))
        assert (ended.state, ended.person_id) == (TradeState.CLOSED, ANN)


async def test_a_keeper_who_is_only_a_trader_by_then_still_manages_what_they_keep_and_nothing_else(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        await add_cora(rig)
        left, toms = await open_trade(rig), await open_trade(rig, TOM)
        await revoke(rig, keeper=str(CORA))
        await add_cora(rig, Role.TRADER)
        await rig.price("64999.99", "65000.01")

        await rig.trading.move_stop(rig.actor(CORA), left.id, "be")
        with pytest.raises(NotAllowed, match="NOT_YOURS"):
            await rig.trading.move_stop(rig.actor(CORA), toms.id, "be")
        with pytest.raises(NotAllowed, match="NOT_YOURS"):
            await rig.trading.move_stop(rig.actor(TOM), left.id, "be")


async def test_what_a_keeper_holds_passes_on_when_they_go_too(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        await add_cora(rig)
        left = await open_trade(rig)
        await revoke(rig, keeper="@cora")
        await rig.trading.handover.keep(rig.actor(CORA), ANN, left.number)
        assert await kept(rig, CORA) == [(left.number, Kept.KEEP)]
        await revoke(rig, CORA)

        assert await kept(rig, CARL) == [(left.number, None)]
        with pytest.raises(NotAllowed):
            await rig.trading.handover.keep(rig.actor(CORA), ANN, None)


async def test_a_demotion_below_trader_passes_on_too_and_only_to_another_commander(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        left = await open_trade(rig)
        taking = Revoke(rig.trading.database, book(), SystemIds(), changing(rig))
        for nobody in (TOM, ANN):
            with pytest.raises(Refused, match="KEEPER"):
                await taking.ask(rig.actor(CARL), str(ANN), str(nobody))
        await granting(rig)(rig.actor(CARL), str(ANN), Role.OBSERVER)

        assert await kept(rig, CARL) == [(left.number, None)]
        assert await rig.read(lambda unit: keeper_for(unit, rig.actor(CARL), CARL)) is None


@given(
    side=st.sampled_from(Side),
    stop_away=st.decimals("10", "900", places=2),
    moved=st.decimals("-900", "3000", places=2),
)
@settings(max_examples=150, deadline=None)
def test_tightening_never_loosens_and_stays_on_its_side_of_the_market(side: Side, stop_away: Decimal, moved: Decimal) -> None:
    entry = Decimal(64_000)
    trade = replace(trade_of(side), stop=Price(entry - stop_away * side.sign))
    near = entry + moved * side.sign
    stop = tightened_stop(trade, near, BTC)

    if stop is not None:
        assert (stop - trade.stop) * side.sign > 0
        assert (near - stop) * side.sign > 0
    elif (near - trade.stop) * side.sign > 1:
        raise AssertionError("there was room")
