"""A broadcast under Telegram's documented rates, and urgent messages in its middle.

The notices are committed beside the running desk, as its shell commands commit a halt; its sender finds and sends them. The
sandbox enforces the rates, so a desk that goes faster is refused with 429 and counted.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.chat import BotCall, CallLog, following, sandbox
from bench.desk import Desk, desk, settings_for
from bench.figures import Figure, Measured, Target, spread
from bench.plan import Plan
from bench.settling import until_calls
from bench.stand import until_quiet
from bot.system import StageWakeups, SystemClock
from services.domain.notices import Priority
from services.storage import outbox
from services.storage.database import Database, Unit

RATE = 30.0
WITHIN = 0.05
URGENT_MOST_S = 1.0
URGENT_COUNT = 5
TRADERS = 4
TOO_MANY = 429
TEMPLATE = "plain"
FACTS = {"name": "The desk", "lines": ["The desk closes at 22:00 UTC."]}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Urgent:
    chat_id: int
    committed_at: float


async def measure(plan: Plan, folder: Path) -> Measured:
    """Tell everyone something, and in the middle a few people something urgent, one after another."""
    async with sandbox(folder, limits=True) as chat:
        people = await chat.add_people(TRADERS + URGENT_COUNT + plan.listeners)
        traders, watch, listeners = people[:TRADERS], people[TRADERS : TRADERS + URGENT_COUNT], people[TRADERS + URGENT_COUNT :]
        async with desk(folder, settings_for(chat, folder, traders)) as running:
            await until_quiet(running)
            async with following(chat) as log:
                await _tell(running, listeners, Priority.BULK)
                urgent = await _interrupt(running, log, watch, len(listeners))
                calls = await until_calls(log, "sendMessage", len(listeners) + len(urgent), len(listeners) / RATE * 2 + 30)
                refused = sum(1 for call in await log.read() if call.error_code == TOO_MANY)
    return _measured(listeners, urgent, calls, refused)


async def _interrupt(running: Desk, log: CallLog, watch: Sequence[int], count: int) -> list[_Urgent]:
    """Commit one urgent notice after another, spread over the middle of the broadcast."""
    urgent = []
    for index, person in enumerate(watch):
        share = (index + 2) / (len(watch) + 3)
        await until_calls(log, "sendMessage", round(count * share), count / RATE * 2 + 30)
        await _tell(running, [person], Priority.URGENT)
        urgent.append(_Urgent(chat_id=person, committed_at=time.time()))
    return urgent


async def _tell(running: Desk, people: Sequence[int], priority: Priority) -> None:
    database = Database(f"sqlite:///{running.state / 'sortie.db'}", SystemClock(), StageWakeups(), threads=False)

    def body(unit: Unit) -> None:
        for person in people:
            outbox.tell(unit, person, TEMPLATE, FACTS, priority=priority)

    database.write_now(body)
    await database.close()


def _measured(listeners: Sequence[int], urgent: Sequence[_Urgent], calls: Sequence[BotCall], refused: int) -> Measured:
    sent = {int(call.parameters["chat_id"]): call.at for call in calls}
    bulk = sorted(sent[person] for person in listeners)
    waits = [sent[each.chat_id] - each.committed_at for each in urgent]
    figures = [
        Figure(
            name=f"Broadcast to {len(listeners)} people",
            value=(len(bulk) - 1) / (bulk[-1] - bulk[0]),
            unit="1/s",
            floor=RATE,
            floor_is="Telegram's limit",
            target=Target(at_least=1 - WITHIN, at_most=1 + WITHIN, of_floor=True),
        ),
        Figure(name="Urgent message in its middle, slowest", value=max(waits), unit="s", target=Target(at_most=URGENT_MOST_S)),
        Figure(name="Messages refused with 429 meanwhile", value=refused, unit="calls", target=Target(at_most=0)),
    ]
    return Measured(figures=figures, details={"urgent_s": spread(waits), "seconds": bulk[-1] - bulk[0]})
