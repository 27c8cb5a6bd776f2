from __future__ import annotations

import pytest

from sandbox.clock import ManualClock
from sandbox.telegram.api import BotApi
from sandbox.telegram.world import ANN, CARL, World

BOT_ID = 7000001


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def world(clock: ManualClock) -> World:
    """A world in which Ann and Carl have started the bot, without rate limits."""
    return World(clock=clock, bot_id=BOT_ID, started=(ANN, CARL), limits_on=False)


@pytest.fixture
def api(world: World) -> BotApi:
    return BotApi(world)
