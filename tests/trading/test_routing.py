"""Maker first: rest, move, give up resting and take what is left, within the bound and never more than was asked."""

from __future__ import annotations

import asyncio
import json
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.domain.entries import EntryKind
from services.domain.orders import OrderRole, Purpose, TimeInForce
from services.domain.ports import Venue
from services.domain.routes import RoutePhase, load_route
from services.domain.sessions import ALL_HOURS
from services.domain.states import OrderState, TradeState
from services.execution.routing import WorkEntries
from services.missions.fire import Fired
from services.risk.sessions import Sessions
from services.storage import desk, instructions, orders
from services.storage.database import Unit
from services.storage.tables import journal
from tests.trading.adversary import BEFORE, MISCHIEF, REFUSE, STALE, Adversary
from tests.trading.entering import asked_in_all, confirmed, entered, entries_of, route_of, trade_of, writes
from tests.trading.rig import ETH, Rig, desk_at

# Resting half a basis point behind the bid saves about as much; a drift of less is worth waiting through.
ROUTES = {"wait_s": 5, "reprices": 2, "refusals": 2, "offset_bps": "0.5"}


async def reasons(rig: Rig) -> list[str]:
    """Return why each step of an entry was made, oldest first."""

    def body(unit: Unit) -> list[str]:
        kinds = ("entry.placed", "entry.pulled", "entry.ended")
        rows = unit.all(journal.select().where(journal.c.kind.in_(kinds)).order_by(journal.c.sequence))
        return [f"{row.kind.partition('.')[2]} {json.loads(row.facts)['reason']}" for row in rows]

    found: list[str] = await rig.read(body)
    return found


def refusing_once(venue: Venue) -> Venue:
    return Adversary(venue, [REFUSE], 0)


async def test_it_rests_behind_its_own_side_and_pays_as_a_maker(tmp_path: Path) -> None:
    async with desk_at(tmp_path, routes=ROUTES) as rig:
        trade_id = await entered(rig, EntryKind.MAKER)
        (order,) = await entries_of(rig, trade_id)
        rig.clock.advance(1)
        await rig.price("63990", "63996.79")

        trade = await trade_of(rig, trade_id)
        fills = await rig.read(lambda unit: orders.fills_of_trade(unit, trade_id))
        assert order.price == Decimal("63996.79")
        assert trade.state is TradeState.OPEN
        assert trade.average_entry == Decimal("63996.79")
        assert {fill.maker for fill in fills} == {True}
        assert (await route_of(rig, trade_id)).phase is RoutePhase.ENDED


async def test_it_rests_elsewhere_when_the_price_moved_a_little(tmp_path: Path) -> None:
    async with desk_at(tmp_path, routes=ROUTES) as rig:
        trade_id = await entered(rig, EntryKind.MAKER)
        rig.clock.advance(6)
        await rig.price("64000.99", "64001.01")

        first, second = await entries_of(rig, trade_id)
        assert (first.state, first.price) == (OrderState.CANCELED, Decimal("63996.79"))
        assert (second.state, second.price) == (OrderState.ACCEPTED, Decimal("63997.78"))
        assert await reasons(rig) == ["pulled REPRICED", "placed REPRICED"]


async def test_it_takes_when_waiting_costs_more_than_it_saves(tmp_path: Path) -> None:
    async with desk_at(tmp_path, routes=ROUTES) as rig:
        trade_id = await entered(rig, EntryKind.MAKER)
        rig.clock.advance(1)
        await rig.price("64006.99", "64007.01")

        trade = await trade_of(rig, trade_id)
        _, taking = await entries_of(rig, trade_id)
        assert trade.state is TradeState.OPEN
        assert trade.entry_quantity == trade.quantity
        assert trade.average_entry <= trade.worst_price
        assert (taking.role, taking.state) == (OrderRole.ENTRY, OrderState.FILLED)
        assert await reasons(rig) == ["pulled PRICE_LEFT", "placed PRICE_LEFT"]
        assert (await route_of(rig, trade_id)).phase is RoutePhase.LAST


async def test_dearer_takers_make_it_wait_longer(tmp_path: Path) -> None:
    fees = {"taker_bps": "10", "maker_bps": "2"}
    async with desk_at(tmp_path, routes=ROUTES, paper=fees) as rig:
        trade_id = await entered(rig, EntryKind.MAKER)
        rig.clock.advance(1)
        await rig.price("64006.99", "64007.01")

        assert (await trade_of(rig, trade_id)).state is TradeState.WORKING
        assert len(await entries_of(rig, trade_id)) == 1


async def test_it_takes_what_is_left_when_it_waited_long_enough(tmp_path: Path) -> None:
    async with desk_at(tmp_path, routes=ROUTES) as rig:
        trade_id = await entered(rig, EntryKind.MAKER)
        await rig.price("63990", "63996.79", size="0.0002")
        part = (await trade_of(rig, trade_id)).entry_quantity
        for _ in range(4):
            rig.clock.advance(5)
            await rig.price("63999.99", "64000.01", size="100")

        trade = await trade_of(rig, trade_id)
        sent = await rig.read(lambda unit: instructions.of_trade(unit, trade_id))
        last = [each for each in sent if each.purpose is Purpose.ENTRY][-1].orders[0]
        assert 0 < part < trade.quantity
        assert trade.entry_quantity == trade.quantity
        assert (last.time_in_force, last.price) == (TimeInForce.IOC, trade.worst_price)
        assert last.quantity == trade.quantity - part
        assert await asked_in_all(rig, trade_id) == trade.quantity


BITCOIN_HOURS = {"bitcoin": {"zone": "UTC", "weekly": ["fri 12:00-12:01", "fri 12:03-12:10"], "instruments": ["BTC/USDT"]}}


async def until_it_is_refused_in_a_closed_market(rig: Rig) -> str:
    """Place an entry that the venue refuses when its market has just closed; return the trade's id."""
    rig.clock.advance(59)
    rig.quote("63999.99", "64000.01")
    fired = await confirmed(rig, EntryKind.MAKER)
    assert isinstance(fired, Fired)
    await rig.trading.executor.send_waiting()
    await rig.nursery.wait_for_jobs(5)
    rig.clock.advance(1)
    await rig.price("63999.99", "64000.01")
    return fired.trade_id


@pytest.mark.parametrize("looks", [True, False], ids=["hours", "broken twin"])
async def test_an_entry_is_placed_again_only_while_its_market_is_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, looks: bool
) -> None:
    if not looks:
        monkeypatch.setattr(Sessions, "at", lambda *_: ALL_HOURS)

    async with desk_at(tmp_path, wrap=refusing_once, routes=ROUTES, sessions=BITCOIN_HOURS) as rig:
        trade_id = await until_it_is_refused_in_a_closed_market(rig)
        while_closed = await writes(rig, trade_id)
        rig.clock.advance(120)
        await rig.price("63999.99", "64000.01")

        assert while_closed == (1 if looks else 2)
        assert (await trade_of(rig, trade_id)).state is TradeState.OPEN


async def test_an_entry_whose_market_stays_closed_ends_with_that_reason(tmp_path: Path) -> None:
    async with desk_at(tmp_path, wrap=refusing_once, routes=ROUTES | {"rest_s": 60}, sessions=BITCOIN_HOURS) as rig:
        trade_id = await until_it_is_refused_in_a_closed_market(rig)
        rig.clock.advance(60)
        await rig.price("63999.99", "64000.01")

        trade = await trade_of(rig, trade_id)
        assert (trade.state, trade.close_reason, await writes(rig, trade_id)) == (TradeState.CANCELED, "SESSION", 1)


@pytest.mark.parametrize("kind", [EntryKind.MAKER, EntryKind.STOP], ids=["resting", "waiting"])
async def test_an_entry_of_an_instrument_that_is_listed_no_more_is_taken_back(tmp_path: Path, kind: EntryKind) -> None:
    async with desk_at(tmp_path, routes=ROUTES) as rig:
        trade_id = await entered(rig, kind, "64100" if kind is EntryKind.STOP else None)
        await rig.trading.database.write(lambda unit: desk.save_universe(unit, (ETH,)))
        await rig.settle()

        trade = await trade_of(rig, trade_id)
        assert (trade.state, trade.close_reason) == (TradeState.CANCELED, "UNIVERSE")
        assert {order.state for order in await entries_of(rig, trade_id)} <= {OrderState.CANCELED}


async def test_it_never_takes_beyond_the_bound(tmp_path: Path) -> None:
    async with desk_at(tmp_path, routes=ROUTES) as rig:
        trade_id = await entered(rig, EntryKind.MAKER)
        rig.clock.advance(1)
        await rig.price("64999.99", "65000.01")

        trade = await trade_of(rig, trade_id)
        assert (trade.state, trade.close_reason, trade.entry_quantity) == (TradeState.CANCELED, "PRICE_COLLAR", 0)
        assert await writes(rig, trade_id) == 1


async def test_a_refused_order_rests_again_and_at_last_takes(tmp_path: Path) -> None:
    def wrap(venue: Venue) -> Venue:
        return Adversary(venue, [REFUSE, REFUSE], 0)

    async with desk_at(tmp_path, wrap=wrap, routes=ROUTES) as rig:
        trade_id = await entered(rig, EntryKind.MAKER)

        trade, sent = await trade_of(rig, trade_id), await rig.read(lambda unit: instructions.of_trade(unit, trade_id))
        times = [each.orders[0].time_in_force for each in sent if each.purpose is Purpose.ENTRY]
        assert times == [TimeInForce.POST, TimeInForce.POST, TimeInForce.IOC]
        assert trade.entry_quantity == trade.quantity
        assert await reasons(rig) == ["placed REFUSED", "placed REFUSED"]


async def test_an_order_that_the_venue_never_saw_is_followed_by_none(tmp_path: Path) -> None:
    def wrap(venue: Venue) -> Venue:
        return Adversary(venue, [BEFORE], 0)

    async with desk_at(tmp_path, wrap=wrap, routes=ROUTES) as rig:
        trade_id = await entered(rig, EntryKind.MAKER)
        for _ in range(4):
            rig.clock.advance(10)
            await rig.price("63999.99", "64000.01")

        trade = await trade_of(rig, trade_id)
        assert (trade.state, trade.entry_quantity) == (TradeState.CANCELED, 0)
        assert (await route_of(rig, trade_id)).reason == "OUTCOME_LOST"


async def test_it_goes_on_after_a_restart(tmp_path: Path) -> None:
    async with desk_at(tmp_path, routes=ROUTES) as rig:
        trade_id = await entered(rig, EntryKind.MAKER)
        clock = rig.clock
    clock.advance(60)
    async with desk_at(tmp_path, clock=clock, people_too=False, routes=ROUTES) as rig:
        await rig.price("63999.99", "64000.01")

        trade = await trade_of(rig, trade_id)
        assert trade.state is TradeState.OPEN
        assert trade.entry_quantity == trade.quantity == await asked_in_all(rig, trade_id)
        assert await reasons(rig) == ["pulled WAITED", "placed WAITED"]


async def test_without_a_fresh_price_it_only_waits(tmp_path: Path) -> None:
    async with desk_at(tmp_path, routes=ROUTES) as rig:
        trade_id = await entered(rig, EntryKind.MAKER)
        rig.clock.advance(60)
        await rig.settle()

        assert (await trade_of(rig, trade_id)).state is TradeState.WORKING
        assert await reasons(rig) == []


@given(
    mischief=st.lists(st.sampled_from(MISCHIEF), max_size=12),
    hold=st.integers(min_value=0, max_value=3),
    moves=st.lists(st.tuples(st.integers(-400, 900), st.sampled_from(["0.00003", "0.0005", "50"])), min_size=6, max_size=12),
)
@settings(max_examples=15, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
def test_the_venue_never_holds_more_than_was_asked(mischief: list[str | None], hold: int, moves: list[tuple[int, str]]) -> None:
    asyncio.run(_adverse(mischief, hold, moves))


async def _adverse(mischief: list[str | None], hold: int, moves: list[tuple[int, str]]) -> None:
    adversaries: list[Adversary] = []

    def wrap(venue: Venue) -> Venue:
        adversaries.append(Adversary(venue, mischief, hold))
        return adversaries[0]

    with TemporaryDirectory() as folder:
        async with desk_at(Path(folder), wrap=wrap, routes=ROUTES) as rig:
            trade_id = await entered(rig, EntryKind.MAKER, stop="61000", targets=("69000",), lasts=3600)
            asked = (await trade_of(rig, trade_id)).quantity
            for cents, size in moves:
                rig.clock.advance(3)
                bid = Decimal("63999.99") + Decimal(cents) / 100
                await rig.price(str(bid), str(bid + Decimal("0.02")), size=size)
                await adversaries[0].deliver()
                assert await adversaries[0].exposure("paper-1001", "BTC/USDT") <= asked
            for _ in range(6):
                rig.clock.advance(10)
                await rig.price("63999.99", "64000.01")
                assert await adversaries[0].exposure("paper-1001", "BTC/USDT") <= asked
            booked = await trade_of(rig, trade_id)
            held = await adversaries[0].exposure("paper-1001", "BTC/USDT")

    assert held == booked.entry_quantity <= asked
    assert not load_route(booked.route).open


@pytest.mark.parametrize("asks", [True, False], ids=["asks", "does-not-ask"])
async def test_only_the_venues_last_word_on_a_cancelled_order_keeps_it_from_too_much(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asks: bool
) -> None:
    adversaries: list[Adversary] = []

    def wrap(venue: Venue) -> Venue:
        adversaries.append(Adversary(venue, [None, STALE], 6))
        return adversaries[0]

    async def believe(self: WorkEntries, found: object) -> bool:
        return True

    if not asks:
        monkeypatch.setattr(WorkEntries, "_final", believe)
    async with desk_at(tmp_path, wrap=wrap, routes=ROUTES) as rig:
        trade_id = await entered(rig, EntryKind.MAKER)
        asked = (await trade_of(rig, trade_id)).quantity
        rig.clock.advance(6)
        await rig.trading.paper.on_quote(rig.quote("63990", "63996.79", size="0.0002"))
        await rig.trading.paper.on_quote(rig.quote("64000.99", "64001.01"))
        await rig.trading.entries()
        await rig.settle()
        most = await adversaries[0].exposure("paper-1001", "BTC/USDT")

    assert (most <= asked) is asks
