"""Lists: whose figures, in which chat, over how many pages."""

from __future__ import annotations

import re
import time
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from handlers.telegram.callbacks import ListName
from services.domain.cards import mission_card, trade_card
from services.domain.halts import HaltScope
from services.domain.money import canonical
from services.domain.notices import Event, Loudness, Topic
from services.domain.orders import Order, OrderRole, OrderSide, OrderType
from services.domain.people import Role
from services.domain.signals import StrategyState
from services.domain.states import HaltState, OrderState, TradeState
from services.domain.trades import Trade
from services.reporting.desk_lists import MissionsList, RiskList, StrategiesList, UniverseList
from services.reporting.digest import digest_now
from services.reporting.lists import LISTS
from services.reporting.people_lists import NotifyList
from services.reporting.trading_lists import HistoryList, OrdersList, PnlList, PositionsList
from services.storage import chats, desk, halts, missions, orders, people, trades
from services.storage.chats import Chat, Place
from services.storage.database import Unit
from tests.reporting.stage import GROUP, card, fired, listed, live_of, observer, page, stopped_out, traded
from tests.trading.rig import ANN, CARL, START, TOM, Rig, desk_at
from tests.views.shape import labels, problems

NAMES = [ListName(name) for name in sorted(LISTS)]
# Money has a currency behind it that is no instrument's, or is an account's name.
MONEY = re.compile(r"(?<!/)\bUSDT\b|-paper\b|paper-\d")


@pytest.mark.parametrize("name", NAMES)
async def test_every_list_keeps_to_the_form_for_every_reader(name: ListName, tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        olga = await observer(rig)
        await stopped_out(rig)
        await traded(rig)
        await traded(rig, TOM, size="half")
        await rig.trading.halt.myself(rig.actor(TOM), "lunch")
        readers = [(ANN, ANN), (CARL, CARL), (olga, olga), (ANN, GROUP)]
        found = [await page(rig, name, *reader) for reader in readers if await listed(rig, name, *reader) is not None]

    assert found
    for rendered in found:
        assert problems(rendered) == []


@pytest.mark.parametrize("name", [name for name in NAMES if name not in (ListName.NOTIFY, ListName.SETTINGS)])
async def test_no_list_shows_money_in_a_group_or_to_an_observer(name: ListName, tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        olga = await observer(rig)
        await stopped_out(rig)
        _, trade_id = await traded(rig)
        size = canonical((await rig.read(lambda unit: trades.find(unit, trade_id))).quantity)
        texts = [(await page(rig, name, *reader)).plain() for reader in ((CARL, GROUP), (olga, olga))]

    for text in texts:
        assert not MONEY.search(text), text
        assert size not in text
        assert "10,000" not in text


async def test_no_card_or_digest_shows_money_in_a_group(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        mission, trade_id = await traded(rig)
        await rig.trading.halt(rig.actor(CARL), HaltState.HALTED, "lag")
        keys = (mission_card(mission.id), trade_card(trade_id), "halt:desk", "grouped:2026-11-20")
        cards = [(await card(rig, key, GROUP))[1] for key in keys]
        facts = await rig.read(lambda unit: digest_now(unit, GROUP, live_of(rig), "Sortie"))

    for rendered in cards:
        assert rendered is not None
        assert not MONEY.search(rendered.plain()), rendered.plain()
    assert not {"money", "equity"} & set(facts)


async def test_a_trader_sees_their_own_a_commander_everyones_or_their_own(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        await traded(rig)
        await traded(rig, TOM)
        ann = await listed(rig, ListName.POSITIONS, ANN, ANN)
        carl = await listed(rig, ListName.POSITIONS, CARL, CARL)
        mine = await listed(rig, ListName.POSITIONS, CARL, CARL, arg="mine")
        group = await listed(rig, ListName.POSITIONS, ANN, GROUP)

    assert isinstance(ann, PositionsList) and isinstance(carl, PositionsList)
    assert isinstance(mine, PositionsList) and isinstance(group, PositionsList)
    assert [view.owner for view in ann.rows] == ["Ann"]
    assert [view.owner for view in carl.rows] == ["Ann", "Tom"]
    assert mine.rows == ()
    assert [view.money for view in group.rows] == [None, None]


async def test_positions_page_and_open_their_cards(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        await traded(rig)
        await traded(rig, TOM)
        rendered = await page(rig, ListName.POSITIONS, CARL, CARL)

    lines = rendered.plain().splitlines()
    assert lines[0] == "Positions · all · PAPER"
    assert lines[1].startswith("#1 Ann LONG BTC/USDT")
    assert lines[3] == " now 63,999.99 0 s  stop 63,000.00"
    assert labels(rendered) == [["#1", "#2"], ["Refresh", "Mine"]]


async def test_foreign_orders_are_listed_as_such(tmp_path: Path) -> None:
    foreign = Order(
        client_id="venue:9",
        venue_id="9",
        instruction_id=None,
        trade_id=None,
        terminal_id=f"paper-{ANN}",
        symbol="BTC/USDT",
        role=OrderRole.FOREIGN,
        side=OrderSide.BUY,
        type=OrderType.MARKET,
        quantity=Decimal(1),  # type: ignore[arg-type]
        filled=Decimal(0),  # type: ignore[arg-type]
        price=None,
        stop_price=None,
        state=OrderState.PENDING_CANCEL,
        updated_at=START,
    )
    async with desk_at(tmp_path) as rig:
        await rig.trading.database.write(lambda unit: orders.add(unit, foreign))
        data = await listed(rig, ListName.ORDERS, ANN, ANN)
        text = (await page(rig, ListName.ORDERS, ANN, ANN)).plain()

    assert isinstance(data, OrdersList)
    assert "BUY BTC/USDT foreign        market" in text
    assert " 0 of 1             cancelling 0 s" in text


async def test_risk_shows_value_and_limit_of_the_readers_terminal(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        await stopped_out(rig)
        await traded(rig)
        data = await listed(rig, ListName.RISK, ANN, ANN)

    assert isinstance(data, RiskList)
    uses = {use.name: use for use in data.uses}
    assert uses["positions"].value == 1
    assert uses["value of a trade"].limit == 100
    assert [use.value for use in data.quota] == [2, 2]
    assert uses["daily loss"].limit == 5
    assert uses["daily loss"].value is not None
    assert Decimal("0.4") < uses["daily loss"].value < Decimal("0.6")
    assert data.exposure.risk_percent is not None


async def test_risk_without_a_fresh_price_claims_no_loss(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        await traded(rig)
        rig.clock.advance(600)
        data = await listed(rig, ListName.RISK, ANN, ANN)
        text = (await page(rig, ListName.RISK, ANN, ANN)).plain()

    assert isinstance(data, RiskList)
    assert {use.name: use.value for use in data.uses}["daily loss"] is None
    assert "daily loss                 no data" in text


async def test_halts_in_force_are_named_without_terminals_in_groups(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        await rig.trading.halt.myself(rig.actor(TOM), "lunch")
        mine = (await page(rig, ListName.RISK, ANN, ANN)).plain()
        halt = await rig.read(lambda unit: halts.all_in_force(unit)[0])
        earlier = halt.since - timedelta(minutes=1)
        terminal = replace(halt, scope=HaltScope.TERMINAL, subject=f"paper-{ANN}", since=earlier)
        await rig.trading.database.write(lambda unit: halts.save(unit, terminal))
        group = (await page(rig, ListName.RISK, ANN, GROUP)).plain()

    assert "🛑 Tom halted by Tom" in mine
    assert "🛑 a terminal halted by Tom" in group


async def test_missions_offer_fire_to_who_can_and_the_latest_when_none_is_open(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        olga = await observer(rig)
        await rig.mission(lasts=60)
        running = await page(rig, ListName.MISSIONS, ANN, ANN)
        looking = await page(rig, ListName.MISSIONS, olga, olga)
        rig.clock.advance(61)
        await rig.trading.expire(rig.actor(CARL))
        over = await listed(rig, ListName.MISSIONS, ANN, ANN)

    assert labels(running)[0] == ["Fire #1"]
    assert labels(looking)[0] == ["Why #1"]
    assert isinstance(over, MissionsList)
    assert (over.running, len(over.rows)) == (False, 1)


async def test_universe_tells_price_spread_and_age_or_that_there_is_none(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        rig.clock.advance(3)
        data = await listed(rig, ListName.UNIVERSE, ANN, ANN)

    assert isinstance(data, UniverseList)
    btc, eth = data.rows
    assert btc.age == timedelta(seconds=3)
    assert (eth.price, eth.age) == (None, None)


async def test_strategies_have_their_record_and_commanders_their_switches(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        await rig.trading.database.write(lambda unit: desk.set_strategy(unit, "trend", StrategyState.ENABLED, by=None))
        await stopped_out(rig)
        data = await listed(rig, ListName.STRATEGIES, CARL, CARL)
        carl = await page(rig, ListName.STRATEGIES, CARL, CARL)
        ann = await page(rig, ListName.STRATEGIES, ANN, ANN)

    assert isinstance(data, StrategiesList)
    trend, breakout = data.rows
    assert (trend.state, trend.offered, trend.results.n) == (StrategyState.ENABLED, 1, 1)
    assert (breakout.state, breakout.offered, breakout.results.n) == (StrategyState.DISABLED, 0, 0)
    assert labels(carl)[0] == ["trend off", "breakout on"]
    assert labels(ann) == [["Refresh"]]


async def test_groups_are_listed_with_what_they_are_told(tmp_path: Path) -> None:
    def bind(unit: Unit) -> None:
        chats.save(unit, Chat(id=GROUP, title="Desk <b>", kind="supergroup", state="approved", added_by=CARL))
        chats.bind(unit, Topic.RISK, Place(chat_id=GROUP), CARL)
        chats.bind(unit, Topic.FILLS, Place(chat_id=GROUP, thread_id=2), CARL)

    async with desk_at(tmp_path) as rig:
        await rig.trading.database.write(bind)
        text = (await page(rig, ListName.CHATS, CARL, CARL)).plain()

    assert "Desk <b>                  approved\n fills, risk" in text


async def test_choices_have_their_defaults_and_safety_is_fixed(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        await rig.trading.database.write(lambda unit: people.set_loudness(unit, ANN, Event.FILL, Loudness.OFF))
        await rig.trading.database.write(lambda unit: people.set_quiet_hours(unit, ANN, "22:00", "07:00"))
        data = await listed(rig, ListName.NOTIFY, ANN, ANN)
        rendered = await page(rig, ListName.NOTIFY, ANN, ANN)
        group = await listed(rig, ListName.NOTIFY, ANN, GROUP)

    assert isinstance(data, NotifyList)
    levels = dict(data.rows)
    assert (levels[Event.FILL], levels[Event.MISSION], levels[Event.ALERT]) == (Loudness.OFF, Loudness.LOUD, Loudness.LOUD)
    assert "fill: loud" in labels(rendered)[0]
    assert labels(rendered)[-1] == ["No quiet hours"]
    assert not any("alert" in label for row in labels(rendered) for label in row)
    assert group is None


async def test_a_stranger_and_an_unknown_name_get_nothing(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        unknown = await rig.read(lambda unit: people.role_of(unit, 9001))
        settings = await listed(rig, ListName.SETTINGS, 9001, 9001)
        status = await listed(rig, ListName.STATUS, ANN, ANN)

    assert unknown is Role.STRANGER
    assert (settings, status) == (None, None)


async def test_a_thousand_trades_page_quickly_and_add_up(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        count = await _many(rig, 1000)
        start = time.process_time()
        data = await listed(rig, ListName.HISTORY, ANN, ANN)
        first = await page(rig, ListName.HISTORY, ANN, ANN)
        taken = time.process_time() - start
        last = await page(rig, ListName.HISTORY, ANN, ANN, number=10_000)
        pnl = await listed(rig, ListName.PNL, ANN, ANN)

    assert isinstance(data, HistoryList) and isinstance(pnl, PnlList)
    assert data.results.n == len(data.rows) == count
    assert taken < 2
    assert f"page 1 of {count // 4}" in first.plain()
    assert f"page {count // 4} of {count // 4}" in last.plain()
    assert labels(first)[-1] == ["Refresh", "▶"]
    assert labels(last)[-1] == ["◀", "Refresh"]
    assert problems(first) == problems(last) == []
    assert sum(each.results.n for each in pnl.periods) > count


async def _many(rig: Rig, count: int) -> int:
    """Store closed trades, all wins of a quarter of R, one a half hour."""
    _, trade_id = await fired(rig)
    model: Trade = await rig.read(lambda unit: trades.find(unit, trade_id))

    def store(unit: Unit) -> int:
        assert missions.find(unit, model.mission_id) is not None
        for number in range(2, count + 2):
            closed_at = unit.now - timedelta(minutes=30 * number)
            trades.add(
                unit,
                replace(
                    model,
                    id=f"T{number}",
                    number=number,
                    state=TradeState.CLOSED,
                    entry_quantity=model.quantity,
                    entry_cost=model.quantity * model.decision_price,
                    exit_quantity=model.quantity,
                    exit_cost=model.quantity * (model.decision_price + 250),
                    opened_at=closed_at - timedelta(minutes=9),
                    closed_at=closed_at,
                    close_reason="TARGET",
                ),
            )
        return count

    return await rig.trading.database.write(store)
