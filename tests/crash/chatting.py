"""The desk at its chat as something to die through."""

from __future__ import annotations

import random
from datetime import datetime
from pathlib import Path
from typing import Any

from services.operations.places import log_files
from tests.blank import empty_database
from tests.crash.chatline import ChatServer
from tests.crash.forking import Ask, Deathtrap
from tests.crash.leaping import LeapingLoop
from tests.crash.spoken import Spoken, a_day_before
from tests.crash.subjects import Outcome, later
from tests.crash.verdict import SCENARIO, judge
from tests.crash.wholedesk import WholeDesk, built_desk, in_leaping_time, started, token_of
from tests.trading.rig import START

CLOCK = "clock"


class Chatting:
    """One scenario at the chat; the server with its people stands in the process that prepared."""

    def __init__(self, scenario: Spoken) -> None:
        self.name = scenario.name
        self._scenario = scenario
        self._server = ChatServer()
        self._token = token_of(random.Random(scenario.name))

    def handle(self, request: Any) -> Any:
        return self._server.handle(request)

    def state(self) -> str:
        return self._server.state()

    def prepare(self, folder: Path) -> None:
        folder.mkdir()
        (folder / "sortie.db").write_bytes(empty_database())

        async def body(loop: LeapingLoop) -> None:
            async with built_desk(folder, loop, self.handle, START, self._token) as desk:
                await started(desk)
                await a_day_before(desk)
                await self._scenario.prepare(desk)
                await desk.rest()
                (folder / CLOCK).write_text(desk.graph.clock.now().isoformat())
                if self._scenario.leave is not None:
                    await self._scenario.leave(desk)

        in_leaping_time(body)
        for file in log_files(folder):
            file.unlink()

    def act(self, folder: Path, trap: Deathtrap, ask: Ask) -> None:
        scenario = self._scenario
        since = scenario.at or later(None, datetime.fromisoformat((folder / CLOCK).read_text()), 1)

        async def body(loop: LeapingLoop) -> None:
            async with built_desk(folder, loop, ask, since, self._token) as desk:
                _set(trap, loop, desk)
                if scenario.from_start:
                    trap.arm()
                await started(desk)
                if not scenario.from_start:
                    await desk.rest()
                    trap.arm()
                await scenario.act(desk)
                await desk.rest()
                trap.disarm()
                (folder / CLOCK).write_text(desk.graph.clock.now().isoformat())

        in_leaping_time(body)

    def recover(self, folder: Path, trap: Deathtrap, ask: Ask, died: Any, deaths: int) -> Outcome:
        scenario = self._scenario
        since = later(died, datetime.fromisoformat((folder / CLOCK).read_text()), scenario.away_s)

        async def body(loop: LeapingLoop) -> Outcome:
            async with built_desk(folder, loop, ask, since, self._token) as desk:
                desk.market.prices["BTC/USDT"] = scenario.price
                _set(trap, loop, desk)
                trap.arm()
                await started(desk)
                await desk.rest()
                trap.disarm()
                await desk.trading.sync.reconcile_all()
                await desk.rest()
                found = [(SCENARIO, problem) for problem in await scenario.check(desk)]
                found += await judge(desk, deaths, ours=scenario.ours)
            return Outcome(problems=tuple(found), reached=tuple(trap.reached), end="")

        outcome: Outcome = in_leaping_time(body)
        return outcome


def _set(trap: Deathtrap, loop: LeapingLoop, desk: WholeDesk) -> None:
    trap.now = desk.graph.clock.now
    loop.on_step = trap.take_step
