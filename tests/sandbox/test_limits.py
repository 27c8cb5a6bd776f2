"""The documented rates, on a clock that moves when told."""

from __future__ import annotations

import pytest

from sandbox.clock import ManualClock
from sandbox.telegram.api import BotApi
from sandbox.telegram.failures import Refused
from sandbox.telegram.world import ANN, DESK, World

from .conftest import BOT_ID


@pytest.fixture
def limited(clock: ManualClock) -> BotApi:
    return BotApi(World(clock=clock, bot_id=BOT_ID, started=range(1001, 1003), limits_on=True))


def send(api: BotApi, chat_id: int = ANN) -> int:
    """Send a message; return 0, or the seconds of a 429."""
    try:
        api.result("sendMessage", {"chat_id": chat_id, "text": "x"})
    except Refused as refusal:
        assert refusal.code == 429
        wait: int = refusal.parameters["retry_after"]
        assert refusal.description == f"Too Many Requests: retry after {wait}"
        return wait
    return 0


def test_chat_takes_a_burst_of_three_then_one_a_second(limited: BotApi, clock: ManualClock) -> None:
    assert [send(limited) for _ in range(4)] == [0, 0, 0, 1]
    clock.advance(1)
    assert [send(limited), send(limited)] == [0, 1]
    clock.advance(60)
    assert [send(limited) for _ in range(4)] == [0, 0, 0, 1]


def test_waiting_as_long_as_told_is_enough(limited: BotApi, clock: ManualClock) -> None:
    for _ in range(20):
        wait = send(limited, DESK)
        if wait:
            clock.advance(wait)
            assert send(limited, DESK) == 0


def test_group_takes_twenty_a_minute(limited: BotApi, clock: ManualClock) -> None:
    sent = 0
    for _ in range(30):
        sent += send(limited, DESK) == 0
        clock.advance(1)

    # 20 at once and one more every three seconds.
    assert 29 <= sent <= 30
    for _ in range(30):
        sent += send(limited, DESK) == 0
        clock.advance(1)
    assert sent <= 20 + 60 // 3


def test_overall_rate_is_thirty_a_second(clock: ManualClock) -> None:
    world = World(clock=clock, bot_id=BOT_ID, limits_on=True)
    people = [world.add_person(f"P{number}").id for number in range(100)]
    for person in people:
        world.start(person)
    api = BotApi(world)

    assert sum(send(api, person) == 0 for person in people) == 30
    clock.advance(1)
    assert sum(send(api, person) == 0 for person in people[30:]) == 30


def test_refused_call_costs_nothing_and_reads_are_free(limited: BotApi) -> None:
    for _ in range(10):
        assert limited.call("sendMessage", {"chat_id": ANN, "text": ""}).status == 400
        assert limited.call("getChat", {"chat_id": ANN}).status == 200

    assert send(limited) == 0


def test_album_counts_each_picture_and_edits_count_for_their_chat(limited: BotApi, clock: ManualClock) -> None:
    sent = limited.result("sendMessage", {"chat_id": ANN, "text": "0"})
    edits = []
    for number in range(1, 5):
        edit = {"chat_id": ANN, "message_id": sent["message_id"], "text": str(number)}
        edits.append(limited.call("editMessageText", edit).status)

    assert edits == [200, 200, 429, 429]
    clock.advance(1)
    assert send(limited) == 0


def test_switched_off_there_is_no_limit(limited: BotApi) -> None:
    limited.world.limits.on = False

    assert [send(limited) for _ in range(50)] == [0] * 50
