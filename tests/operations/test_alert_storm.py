"""Five hundred urgent alerts while the chat server floods and fails: none is lost, each goes before routine traffic."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from bot import sender
from bot.delivery import Delivery, Envelope, Fate, Outcome
from bot.nursery import TaskNursery
from bot.pacing import Pacer
from bot.sender import Sender
from handlers.telegram.views.message import Rendered
from services.access.alerts import alert
from services.domain.incidents import AlertCode
from services.domain.people import Role
from services.reporting.cards import load_card
from services.reporting.live import Live
from services.storage import incidents, outbox
from services.storage.database import Unit
from tests.access.bench import ANN, CARL, GROUP, AccessBench

ALERTS, ROUTINE = 500, 120


class Storm(Delivery):
    """A server that answers a share of calls with a flood or a failure; ``said`` is what it took, in order."""

    def __init__(self, trouble: float) -> None:
        self._trouble = trouble
        self._chance = random.Random(7)
        self._numbers = itertools.count(1)
        self.said: list[tuple[int, str]] = []

    async def send(self, envelope: Envelope, rendered: Rendered) -> Outcome:
        dice = self._chance.random()
        await asyncio.sleep(0)
        if dice < self._trouble / 3:
            return Outcome(fate=Fate.LATER, wait_s=self._chance.choice([1.0, 3.0, 35.0]), error="flood")
        if dice < self._trouble:
            return Outcome(fate=Fate.LATER, wait_s=1.0, error="TelegramServerError")
        self.said.append((envelope.chat_id, rendered.text))
        return Outcome(fate=Fate.DELIVERED, message_id=next(self._numbers))

    async def edit(self, envelope: Envelope, message_id: int, rendered: Rendered, *, has_photo: bool) -> Outcome:
        return Outcome(fate=Fate.DELIVERED, message_id=message_id)


class Ahead:
    """Wake-ups that let time pass at once instead of waiting."""

    def __init__(self, bench: AccessBench) -> None:
        self._bench = bench

    def wake(self, stage: str, about: str = "") -> None:
        return

    async def wait(self, stage: str, timeout_s: float) -> frozenset[str]:
        for _ in range(4):
            await asyncio.sleep(0)
        self._bench.clock.move(timeout_s)
        return frozenset()


class Beats:
    def beat(self, stage: str, *, detail: str = "") -> None:
        return


@pytest.fixture
def bench(tmp_path: Path) -> AccessBench:
    made = AccessBench(tmp_path)
    made.add(CARL, Role.COMMANDER, "Carl")
    made.add(ANN, Role.TRADER, "Ann")
    return made


def sender_of(bench: AccessBench, server: Delivery, nursery: TaskNursery) -> Sender:
    live = Live(
        now=bench.clock.now(), zone="UTC", quote=lambda s: None, series=lambda s: None, balance=lambda t: None, least_sample=10
    )
    pacer = Pacer(29, 60, 20, bench.clock.monotonic)
    return Sender(
        bench.database, server, pacer, lambda: live, bench.clock, Ahead(bench), nursery, Beats(), random.Random(1).random
    )


async def sent(bench: AccessBench, server: Delivery, until: Any) -> None:
    """Let the sender work until something holds."""
    nursery = TaskNursery()
    nursery.stage("sender", sender_of(bench, server, nursery).run)
    try:
        async with asyncio.timeout(90):
            while not until():
                await asyncio.sleep(0)
    finally:
        await nursery.close()


def routine(unit: Unit) -> None:
    for number in range(ROUTINE):
        for chat in (CARL, ANN):
            outbox.tell(unit, chat, "goodbye", {"desk": f"routine {number}"})


def storm(bench: AccessBench, unit: Unit) -> None:
    for number in range(ALERTS):
        alert(unit, bench.ids, AlertCode.STOP_LATE, f"trade {number}", {"detail": "x"}, None)


async def test_500_urgent_alerts_pass_a_storm_and_everything_that_is_not_urgent(bench: AccessBench) -> None:
    bench.database.write_now(routine)
    bench.database.write_now(lambda unit: storm(bench, unit))
    server = Storm(0.3)
    await sent(bench, server, lambda: len(server.said) >= ALERTS + 2 * ROUTINE)

    carl = [text for chat, text in server.said if chat == CARL]
    alerts = Counter(text.split("·")[1].split()[1] for text in carl if "STOP_LATE" in text)
    assert alerts == Counter(str(number) for number in range(ALERTS))
    assert ["STOP_LATE" in text for text in carl] == [True] * ALERTS + [False] * ROUTINE
    assert bench.clock.monotonic() > ALERTS


async def test_a_chat_that_waits_for_its_turn_holds_up_no_other(bench: AccessBench) -> None:
    def body(unit: Unit) -> None:
        for number in range(200):
            outbox.show(unit, f"incident:{number}", GROUP, priority=outbox.Priority.URGENT)

    bench.database.write_now(body)
    bench.database.write_now(lambda unit: alert(unit, bench.ids, AlertCode.STOP_LATE, "trade 7", {"detail": "x"}))
    server = Storm(0)
    await sent(bench, server, lambda: any(chat == CARL for chat, _ in server.said))

    assert bench.clock.monotonic() < 60


class Stumbling(Storm):
    """A server that fails the first calls."""

    async def send(self, envelope: Envelope, rendered: Rendered) -> Outcome:
        if next(self._numbers) <= 3:
            return Outcome(fate=Fate.LATER, wait_s=1.0, error="TelegramServerError")
        return await super().send(envelope, rendered)


async def test_an_alert_that_failed_is_not_passed_by_what_weighs_less(bench: AccessBench) -> None:
    bench.database.write_now(routine)
    bench.database.write_now(lambda unit: alert(unit, bench.ids, AlertCode.STOP_LATE, "trade 7", {"detail": "x"}))
    server = Stumbling(0)
    await sent(bench, server, lambda: sum(chat == CARL for chat, _ in server.said) >= 3)

    assert "STOP_LATE" in next(text for chat, text in server.said if chat == CARL)


async def test_what_cannot_be_put_together_holds_up_nothing_else_and_is_given_up(bench: AccessBench) -> None:
    def body(unit: Unit) -> None:
        outbox.show(unit, "approval:broken", CARL, priority=outbox.Priority.URGENT)
        routine(unit)

    def broken(unit: Unit, key: str, chat_id: int, live: Live) -> object:
        if key == "approval:broken":
            raise TypeError("a value that is not there")
        return load_card(unit, key, chat_id, live)

    bench.database.write_now(body)
    server = Storm(0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sender, "load_card", broken)
        await sent(bench, server, lambda: not bench.database.read_now(outbox.backlog))

    assert sum(chat == CARL for chat, _ in server.said) == ROUTINE
    assert bench.database.read_now(lambda unit: outbox.card(unit, "approval:broken", CARL)) is None


async def test_what_goes_wrong_again_and_again_keeps_nobody_else_from_their_turn(bench: AccessBench) -> None:
    wrong = [f"stage {number}" for number in range(3)]

    def again(unit: Unit) -> None:
        for each in wrong:
            incidents.close_incident(unit, AlertCode.STAGE_CRASHED.value, each)
            alert(unit, bench.ids, AlertCode.STAGE_CRASHED, each, {"detail": "x"})

    class Restless(Storm):
        """After each message everything has gone wrong anew."""

        async def send(self, envelope: Envelope, rendered: Rendered) -> Outcome:
            bench.database.write_now(again)
            return await super().send(envelope, rendered)

        async def edit(self, envelope: Envelope, message_id: int, rendered: Rendered, *, has_photo: bool) -> Outcome:
            bench.database.write_now(again)
            return await super().edit(envelope, message_id, rendered, has_photo=has_photo)

    server = Restless(0.0)
    bench.database.write_now(again)
    await sent(bench, server, lambda: bench.clock.monotonic() > 130)
    bench.database.write_now(lambda unit: outbox.tell(unit, CARL, "goodbye", {"desk": "told"}))

    await sent(bench, server, lambda: any("told" in text for _, text in server.said))
