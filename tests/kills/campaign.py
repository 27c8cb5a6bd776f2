"""A campaign: the desk is killed again and again while people trade, then everything is compared."""

from __future__ import annotations

import asyncio
import random
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from sqlalchemy import func, select

from services.domain.halts import HaltScope
from services.domain.states import HaltState, UpdateState
from services.storage import halts, outbox, tables
from services.storage.database import Unit
from tests.kills import acts
from tests.kills.judge import Evidence, Verdict, gather, judge
from tests.kills.people import Crowd
from tests.kills.world import World, world

THROW = "kill"
KILL_WITHIN_S = 0.05
SETTLE_S = 90.0
HALTED_S = 30.0
ROUNDS = 6
# In this long after the desk said that it is ready it is killed at a moment drawn evenly.
UNDER_LOAD_S = 4.0
AFTER_ACT_S = 0.15
BUSY_WITHIN_S = 20.0
START_UP_S = 4.0
SHUT_DOWN_S = 1.0
UNSETTLED = ("intent", "sent", "unknown")


class Moment(StrEnum):
    """When the desk is killed."""

    UNDER_LOAD = "under load"
    AFTER_ACT = "after an act"
    STARTING = "starting"
    STOPPING = "stopping"


MOMENTS = {Moment.UNDER_LOAD: 3, Moment.AFTER_ACT: 4, Moment.STARTING: 2, Moment.STOPPING: 1}


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a campaign does; a person rests ``pause_s`` on average between two acts, and for ``warm_up_s`` nothing dies."""

    kills: int
    kill_halts: int
    seed: int
    pause_s: float = 0.3
    warm_up_s: float = 6.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What a campaign showed; ``halted`` of ``halt_kills`` starts came up halted."""

    terms: Terms
    kills: int
    moments: dict[str, int]
    ready_s: tuple[float, ...]
    ready_cpu_s: tuple[float, ...]
    halt_kills: int
    halted: int
    sent_after_halt: int
    verdict: Verdict
    evidence: Evidence


async def run(folder: Path, terms: Terms, say: Callable[[str], None]) -> Result:
    """Run a campaign in a folder."""
    chance = random.Random(f"kills {terms.seed}")
    async with world(folder, terms.seed) as around:
        crowd = Crowd(around, terms.seed, terms.pause_s)
        await around.desk.start()
        await around.desk.ready()
        async with crowd.acting():
            await asyncio.sleep(terms.warm_up_s)
            moments = [await _kill(around, crowd, chance, say) for _ in range(terms.kills)]
            came_up = [await _kill_a_halt(around, crowd, chance, say) for _ in range(terms.kill_halts)]
        await settle(around)
        await crowd.look_again()
        evidence = await last_look(around, crowd, folder)
    return Result(
        terms=terms,
        kills=around.desk.kills,
        moments={moment.value: moments.count(moment) for moment in Moment},
        ready_s=tuple(start.ready_s for start in around.desk.starts if start.ready_s is not None),
        ready_cpu_s=tuple(start.cpu_s for start in around.desk.starts if start.cpu_s is not None),
        halt_kills=terms.kill_halts,
        halted=sum(halted for halted, _ in came_up),
        sent_after_halt=sum(sent for _, sent in came_up),
        verdict=await judge(evidence),
        evidence=evidence,
    )


async def _kill(around: World, crowd: Crowd, chance: random.Random, say: Callable[[str], None]) -> Moment:
    moment = chance.choices(list(MOMENTS), list(MOMENTS.values()))[0]
    desk, at = around.desk, chance.random()
    if moment is Moment.STARTING:
        await desk.kill()
        await desk.start()
        await asyncio.sleep(at * START_UP_S)
    elif moment is Moment.STOPPING:
        desk.ask_to_stop()
        await asyncio.sleep(at * SHUT_DOWN_S)
    else:
        # Where the machine is slow people are too: without an act there is no load.
        await crowd.next_act(BUSY_WITHIN_S)
        await asyncio.sleep(at * (AFTER_ACT_S if moment is Moment.AFTER_ACT else UNDER_LOAD_S))
    await desk.kill()
    await desk.start()
    took = await desk.ready()
    crowd.check()
    say(f"kill {desk.kills} {moment.value}: ready again after {took:.1f} s, {len(crowd.acts)} acts")
    return moment


async def _kill_a_halt(around: World, crowd: Crowd, chance: random.Random, say: Callable[[str], None]) -> tuple[bool, int]:
    """Kill the desk within 50 ms of a /kill; tell whether it came up halted, and how many entries were sent all the same."""
    await _until_active(around, crowd)
    for person in crowd.people:
        person.may_resume = False
    thrower = chance.choice(crowd.people)
    throw = acts.halt(THROW, f"drill {chance.randrange(10**9)}")
    throwing = asyncio.create_task(thrower.do(throw))
    while not any(act.what == throw.text for act in crowd.acts) and not throwing.done():
        await crowd.next_act(BUSY_WITHIN_S)
    await asyncio.sleep(chance.random() * KILL_WITHIN_S)
    await around.desk.kill()
    await around.desk.start()
    took = await around.desk.ready()
    halted = await _comes(around, _is_halted, HALTED_S)
    await throwing
    sent = around.desk.reading.read(_entries_sent_while_halted) or 0
    for person in crowd.people:
        person.may_resume = True
    crowd.check()
    say(f"/kill by {thrower.name} and kill -9: ready after {took:.1f} s, {'halted' if halted else 'NOT HALTED'}")
    return halted, sent


async def _until_active(around: World, crowd: Crowd) -> None:
    if not await _comes(around, lambda unit: not _is_halted(unit), SETTLE_S):
        raise AssertionError("no commander lifted the halt")
    crowd.check()


async def _comes(around: World, look: Callable[[Unit], bool], limit_s: float) -> bool:
    end = asyncio.get_running_loop().time() + limit_s
    while not await asyncio.to_thread(around.desk.reading.read, look):
        if asyncio.get_running_loop().time() > end:
            return False
        await asyncio.sleep(0.1)
    return True


def _is_halted(unit: Unit) -> bool:
    halt = halts.find(unit, HaltScope.DESK, halts.DESK)
    return halt is not None and halt.state is HaltState.HALTED


def _entries_sent_while_halted(unit: Unit) -> int:
    halt = halts.find(unit, HaltScope.DESK, halts.DESK)
    if halt is None or halt.state is not HaltState.HALTED:
        return 0
    sent = tables.instructions.c.sent_at > halt.since
    entry = tables.instructions.c.purpose == "entry"
    return int(unit.first(select(func.count().label("n")).where(sent, entry)).n)


def _is_quiet(unit: Unit) -> bool:
    open_ends = (UpdateState.RECEIVED.value, UpdateState.ACTED.value)
    waiting = select(func.count().label("n")).where(tables.updates.c.state.in_(open_ends))
    unsettled = select(func.count().label("n")).where(tables.instructions.c.state.in_(UNSETTLED))
    apart = select(func.count().label("n")).where(tables.terminals.c.reconciled_at.is_(None), tables.terminals.c.active)
    return not any(unit.first(each).n for each in (waiting, unsettled, apart)) and not outbox.backlog(unit)


async def settle(around: World) -> None:
    """Wait until nothing is in flight any more."""
    if not await _comes(around, _is_quiet, SETTLE_S):
        raise AssertionError(f"the desk did not come to rest within {SETTLE_S:g} s, see {around.desk.reading.state}")


async def last_look(around: World, crowd: Crowd, folder: Path) -> Evidence:
    """Stop the desk and gather what both sides say; the exchange goes on, so what it did meanwhile asks for another round."""
    for number in range(ROUNDS):
        await around.desk.stop()
        stopped = around.desk.reading.read(lambda unit: unit.now)
        assert stopped is not None
        place = folder / f"evidence-{number}"
        shutil.copytree(around.desk.reading.state, place)
        evidence = await gather(around, place, crowd.acts)
        if not any(fill.at >= stopped for fill in evidence.exchange.fills):
            return evidence
        await around.desk.start()
        await around.desk.ready()
        await settle(around)
    raise AssertionError(f"the exchange traded in each of {ROUNDS} moments in which the desk was down")
