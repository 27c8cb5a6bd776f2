"""Telegram out of reach at the start: the desk runs, and speaks when it can."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from bot.graph import build_graph
from bot.lifecycle import shut_down, start
from bot.surroundings import Surroundings
from services.domain.errors import Misconfigured, Unavailable
from services.domain.market import Instrument
from tests.blank import migrate
from tests.chat.rig import ANN, HandMarket, chat_desk, desk_in_chat, sandboxed, settings_for
from tests.chat.test_logs import lines


async def test_an_outage_at_start_keeps_the_desk_running_and_it_answers_afterwards(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.introduction.PATIENCE_S", 0.3)
    async with sandboxed() as outside:
        world = outside.world
        fault = world.faults.switch_on("outage")
        async with chat_desk(tmp_path, outside) as rig:
            await rig.mission()
            await asyncio.sleep(0.2)
            assert not [m for m in rig.seen(ANN) if m.sender_id == world.bot.id]
            world.faults.switch_off()

            assert await rig.message(ANN, "LONG BTC/USDT")
            await rig.until(lambda: rig.graph.introduction.username, "the bot's name")
        assert fault is not None


async def test_an_exchange_that_is_down_at_start_is_a_line_for_each_try(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, logs: Path
) -> None:
    monkeypatch.setattr("bot.duties.WARM_UP_AGAIN_S", 0.05)
    answer, left = HandMarket.instruments, [1, 2, 3]

    async def instruments(market: HandMarket, symbols: Sequence[str]) -> Sequence[Instrument]:
        if left:
            left.pop()
            raise Unavailable("MARKET")
        return await answer(market, symbols)

    monkeypatch.setattr(HandMarket, "instruments", instruments)
    before = len(lines(logs))
    async with desk_in_chat(tmp_path) as rig:
        await rig.until(lambda: rig.graph.feed.instruments, "the market is read")
        told = lines(logs)[before:]

    assert sum(line["event"] in ("market.not_warm", "feed.cold") for line in told) == 3
    assert not [line for line in told if "exception" in line]


async def test_a_refused_token_stops_the_start_and_says_so(tmp_path: Path) -> None:
    async with sandboxed() as outside:
        other = outside.token.split(":")[0] + ":" + "x" * 32
        settings = settings_for(tmp_path, outside)
        migrate(settings.database_url)
        graph = build_graph(settings, other, "test:1", Surroundings(market=HandMarket(outside.clock)))
        try:
            with pytest.raises(Misconfigured, match="TOKEN_REFUSED"):
                await start(graph)
        finally:
            await shut_down(graph)
