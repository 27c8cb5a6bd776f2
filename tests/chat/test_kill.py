"""/kill: thrown at once by any trader, one card that lives, and a flatten that a commander confirms with one button."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from sqlalchemy import select

from bot.graph import build_graph
from bot.lifecycle import shut_down, start
from bot.surroundings import Surroundings
from sandbox.telegram.messages import shown_id
from services.domain.market import Instrument
from services.storage import kills, updates
from services.storage.tables import tokens
from tests.blank import empty_database
from tests.chat.market import HandMarket
from tests.chat.rig import (
    ANN,
    CARL,
    CORA,
    GROUP,
    LOOK_EVERY_S,
    MONEY,
    PATIENCE_S,
    TOM,
    ChatRig,
    labels_of,
    sandboxed,
    settings_for,
    text_of,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_a_trader_kills_at_once_and_the_card_lives_on(active_desk: ChatRig) -> None:
    rig = active_desk
    held = await rig.trade(ANN)
    mission = await rig.mission()
    await rig.card(mission, TOM)
    resting = await rig.ask(TOM, f"/fire {mission.number} rest 63500", "rests at")
    await rig.press(TOM, resting, "Confirm")
    await rig.reads(resting, "nothing filled yet")

    card = await rig.ask(TOM, "/kill wheel came off", "🛑 HALTED by Tom")
    done = await rig.reads(card, "1 of 1 taken back")
    await rig.kill_over()

    assert "“wheel came off”" in text_of(done) and "protection stays on 1 of 1 open" in text_of(done)
    assert labels_of(done) == ["Details"]
    assert "at the venue" in text_of(rig.current(held))
    assert not await rig.trades_of(TOM)
    await rig.settled()
    assert "going on" not in text_of(rig.current(card)) and "left behind" not in text_of(rig.current(card))


async def test_flatten_takes_a_commander_and_one_button(active_desk: ChatRig) -> None:
    rig = active_desk
    await rig.trade(ANN)
    await rig.ask(TOM, "/kill flatten", "your role is trader, this needs commander")
    card = await rig.message(CARL, "🛑 HALTED by Tom")
    mark = shown_id(card)
    await rig.press(CARL, card, "Flatten all")
    question = await rig.message(CARL, "Sell all 1 position of the desk", after=mark)

    assert MONEY.search(text_of(question))
    await rig.press(CARL, question, "Flatten")
    await rig.reads(question, "Selling 1 position at market")
    await rig.reads(card, "positions are sold, asked for by Carl")
    await rig.kill_over()
    again = await rig.forge(CARL, CARL, f"a:flatten:{await token_of(rig)}", shown_id(question))

    assert again.startswith("BUTTON_USED")
    assert not await rig.trades_of(ANN)
    assert await rig.graph.trading.paper.positions(f"paper-{ANN}") == []
    assert "nothing is open" in text_of(rig.current(card))
    assert (await rig.read(kills.newest)).leftovers == ()


async def test_in_a_group_the_question_names_a_share_and_no_money(active_desk: ChatRig) -> None:
    rig = active_desk
    await rig.trade(TOM)
    await rig.ask(CORA, "/kill flatten", "Sell all 1 position", GROUP)
    question = rig.newest(CORA, "Sell all 1 position", GROUP)

    assert question is not None and "% of equity" in text_of(question)
    assert not MONEY.search(text_of(question))
    assert (await rig.press(TOM, question, "Flatten")).startswith("ROLE")
    assert (await rig.press(CARL, question, "Flatten")).startswith("NOT_YOURS")
    await rig.settled()
    assert await rig.trades_of(TOM)


class Unreadable(HandMarket):
    """An exchange that never says what is traded there."""

    async def instruments(self, symbols: Sequence[str]) -> Sequence[Instrument]:
        await asyncio.Event().wait()
        return ()


@pytest.mark.asyncio(loop_scope="function")
async def test_kill_that_a_crash_cut_off_runs_before_the_market_is_read_however_old_it_is(tmp_path: Path) -> None:
    async with sandboxed() as box:
        (tmp_path / "sortie.db").write_bytes(empty_database())
        box.world.say(TOM, "/kill long ago")
        raw = json.loads(box.world.updates.first(1)[0].text)
        raw["message"]["date"] -= 100_000
        surroundings = Surroundings(market=Unreadable(box.clock), clock=box.clock)
        graph = build_graph(settings_for(tmp_path, box), box.token, "test:1", surroundings)
        await graph.trading.database.write(lambda unit: updates.store(unit, [(raw["update_id"], json.dumps(raw))]))
        starting = asyncio.create_task(start(graph))

        async def thrown() -> bool:
            kill = await graph.trading.database.read(kills.newest)
            return kill is not None and kill.reason == "long ago"

        try:
            async with asyncio.timeout(PATIENCE_S):
                while not await thrown():
                    await asyncio.sleep(LOOK_EVERY_S)
            assert not starting.done()
        finally:
            starting.cancel()
            await asyncio.gather(starting, return_exceptions=True)
            await shut_down(graph)


async def token_of(rig: ChatRig) -> str:
    """Return the token of the only flatten that was confirmed."""
    rows = await rig.read(lambda unit: unit.all(select(tokens).where(tokens.c.act == "flatten", tokens.c.used_at.is_not(None))))
    return str(rows[-1].id)
