"""A day with 926 signals: each chat gets its few single offers, the rest in one silent card, and no fill is lost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import select

from services.domain.cards import grouped_card
from services.domain.notices import Priority, Topic
from services.domain.orders import OrderRole
from services.domain.states import TradeState
from services.missions.fire import Fired
from services.storage import chats, orders
from services.storage.chats import Chat, Place
from services.storage.database import Unit
from services.storage.tables import cards, notices, offers
from tests.crash.audit import all_trades
from tests.trading.rig import ANN, CARL, START, TOM, HandClock, Rig, desk_at
from tests.trading.taps import fire

SIGNALS, GROUP = 926, -1001
PER_HOUR, PER_DAY = 8, 25
MIDNIGHT = START.replace(hour=0)


def bind_group(unit: Unit) -> None:
    """Let a group get missions and fills."""
    chats.save(unit, Chat(id=GROUP, title="Team", kind="supergroup", state="approved", added_by=CARL))
    for topic in (Topic.MISSIONS, Topic.FILLS):
        chats.bind(unit, topic, Place(chat_id=GROUP), CARL)


async def trade_to_the_end(rig: Rig, bid: str) -> None:
    """Fire, and let the price take the trade out a minute later."""
    rig.quote("63999.99", "64000.01")
    await rig.trading.sync.reconcile_all()
    assert isinstance(await fire(rig), Fired)
    await rig.settle()
    rig.clock.advance(60)
    await rig.price(bid, f"{bid}.02")


async def a_day(rig: Rig) -> None:
    """Open missions evenly over a day; now and then a trade runs into its targets or its stop."""
    traded = iter(["67600", "62999", "67600", "66100"])
    for number in range(SIGNALS):
        rig.clock.time = MIDNIGHT + timedelta(days=1) * number / SIGNALS
        if number % 230 == 100:
            await trade_to_the_end(rig, next(traded))
        else:
            await rig.mission()


def most_in(span: timedelta, times: Sequence[datetime]) -> int:
    """Return the largest number of times within any span, both ends of which do not count together."""
    return max(sum(start <= each < start + span for each in times) for start in times)


async def test_a_day_with_926_signals_keeps_each_chats_quota_and_loses_no_fill(tmp_path: Path) -> None:
    async with desk_at(tmp_path, clock=HandClock(MIDNIGHT)) as rig:
        await rig.trading.database.write(bind_group)
        await a_day(rig)

        offered: dict[int, list[Any]] = {}
        for row in await rig.read(lambda unit: unit.all(select(offers))):
            offered.setdefault(row.chat_id, []).append(row)
        assert set(offered) == {ANN, TOM, CARL, GROUP}
        shown = await rig.read(lambda unit: unit.all(select(cards)))
        for chat_id, rows in offered.items():
            single = [row.offered_at for row in rows if not row.grouped]
            mine = [card for card in shown if card.chat_id == chat_id]
            assert len(rows) == SIGNALS
            assert most_in(timedelta(hours=1), single) == PER_HOUR
            assert len(single) == PER_DAY
            assert Counter(card.key.split(":")[0] for card in mine)["mission"] == PER_DAY
            grouped = [card for card in mine if card.key.startswith("grouped:")]
            assert [(card.key, card.silent) for card in grouped] == [(grouped_card(MIDNIGHT.date().isoformat()), True)]
            assert grouped[0].priority == Priority.BULK
            assert grouped[0].wanted == SIGNALS - PER_DAY
        await nothing_lost(rig)


async def nothing_lost(rig: Rig) -> None:
    """Hold that every exit and every close of the day was told, to the trader and to the group."""
    ended = await rig.read(all_trades)
    assert [trade.state for trade in ended] == [TradeState.CLOSED] * 3 + [TradeState.OPEN]
    exits = [order for trade in ended for order in await rig.read(partial(orders.of_trade, trade_id=trade.id))]
    taken = [order for order in exits if order.role is OrderRole.TARGET and order.filled > 0]
    told = Counter((row.chat_id, row.template) for row in await rig.read(lambda unit: unit.all(select(notices))))

    assert told[ANN, "closed"] == told[GROUP, "closed_group"] == 3
    assert told[GROUP, "opened_group"] == 4
    # A trade's last fill is told by its result.
    last = sum(trade.close_reason == "TARGET" for trade in ended)
    assert told[ANN, "fill"] + last == len(taken) == 5
