"""Telegram out of reach at the start: the desk runs, and speaks when it can."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from bot.graph import build_graph
from bot.lifecycle import shut_down, start
from migrations.api import upgrade
from services.domain.errors import Misconfigured
from tests.chat.rig import ANN, HandMarket, chat_desk, sandboxed, settings_for


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


async def test_a_refused_token_stops_the_start_and_says_so(tmp_path: Path) -> None:
    async with sandboxed() as outside:
        other = outside.token.split(":")[0] + ":" + "x" * 32
        settings = settings_for(tmp_path, outside)
        upgrade(settings.database_url)
        graph = build_graph(settings, other, "test:1", HandMarket(outside.clock))
        try:
            with pytest.raises(Misconfigured, match="TOKEN_REFUSED"):
                await start(graph)
        finally:
            await shut_down(graph)
