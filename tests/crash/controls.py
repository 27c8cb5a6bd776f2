"""Desks that are broken on purpose: the rig must see each of these breaks, for its own reason, or it proves nothing."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from services.domain.errors import Unavailable, VenueError
from services.domain.orders import Instruction, InstructionKind, VenueOrder
from services.domain.people import Actor
from services.domain.ports import Venue
from services.execution import executor as executing
from services.execution.executor import Executor
from services.execution.resolve import ResolveUnknown
from services.storage import database as storing
from services.storage import instructions, updates
from services.storage.counters import get_fact, set_fact
from services.storage.database import Database, Unit
from tests.crash.campaign import Twin, catch
from tests.crash.everything import EVERYTHING
from tests.crash.forking import in_fork
from tests.crash.leaping import LeapingLoop
from tests.crash.scenarios import confirm, preview
from tests.crash.wholedesk import in_leaping_time
from tests.crash.witness import Witness, writes
from tests.trading.rig import HandClock, desk_at

# Long enough for a writer that is let in to be done, and no more than the time a turned away one is waited for.
LET_IN_S = 0.5
COUNT = "controls.count"


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """A break and the words by all of which it must be found; ``look`` returns what is found with a twin in a folder."""

    name: str
    signs: tuple[str, ...]
    twin: Twin
    look: Callable[[Path, Twin], Sequence[str]]


async def write(venue: Venue, instruction: Instruction) -> Sequence[VenueOrder]:
    """Write an instruction to the venue, whatever is committed."""
    if instruction.kind is InstructionKind.PLACE:
        return [await venue.place(instruction.terminal_id, instruction.orders[0])]
    return await venue.place_list(instruction.terminal_id, instruction.orders)


def commit_late() -> None:
    """Write to the venue first and commit afterwards that it was sent."""

    async def send(self: Any, instruction: Instruction) -> bool:
        actor = Actor.job("twin", instruction.correlation)
        try:
            placed = await write(self._ports.venues["paper"], instruction)
        except VenueError:
            placed = []
        claimed = await self._database.write(lambda unit: self._claim(unit, actor, instruction))
        await self._database.write(lambda unit: self.book_acceptance(unit, actor, claimed, placed))
        return True

    setattr(Executor, "send", send)  # noqa: B010 - a plain assignment to a method is none that types allow


def send_again() -> None:
    """Write an instruction of unknown outcome to the venue once more instead of asking about it."""

    async def resolve(self: Any, instruction: Instruction) -> bool:
        actor = Actor.job("twin", instruction.correlation)
        # The second copy is an order of its own, as it is at venues that know client ids of open orders only.
        orders = tuple(replace(each, client_id=each.client_id[:-2] + f"{n + 50}") for n, each in enumerate(instruction.orders))
        placed = await write(self._venues["paper"], replace(instruction, orders=orders))
        await self._database.write(lambda unit: self._executor.book_acceptance(unit, actor, instruction, placed))
        return True

    setattr(ResolveUnknown, "resolve", resolve)  # noqa: B010 - as above


def keep_no_inbox() -> None:
    """Handle updates without having stored them."""
    vars(updates)["store"] = lambda _unit, batch: [update_id for update_id, _ in batch]
    vars(storing)["_mark_acted"] = lambda _unit, _update_id: None


def begin_deferred() -> None:
    """Take the write lock with the first statement that writes, and not before the first that reads."""
    make = storing.sqlite_engine

    def deferred(url: str, busy_timeout_s: float, *, begin: str, single: bool) -> Any:
        return make(url, busy_timeout_s, begin=begin.removesuffix(" IMMEDIATE"), single=single)

    vars(storing)["sqlite_engine"] = deferred


def ignore_the_epoch() -> None:
    """Claim instructions whoever holds the lease by now."""
    vars(executing.desk)["renew_lease"] = lambda _unit, _lease, _seconds: True


def by_dying(scenario: str, folder: Path, twin: Twin) -> Sequence[str]:
    """Return the problems that dying through a scenario shows."""
    return catch(folder, EVERYTHING[scenario], twin).problems


def by_two_writers(folder: Path, twin: Twin) -> Sequence[str]:
    """Let a second writer in between what a unit reads and what it writes, and return what came of both."""

    def count() -> list[str]:
        twin()
        one, other = (_opened(folder) for _ in range(2))
        one.write_now(lambda unit: set_fact(unit, COUNT, "0"))
        beside = threading.Thread(target=lambda: other.write_now(_add_one))

        def body(unit: Unit) -> None:
            read = int(get_fact(unit, COUNT) or 0)
            beside.start()
            beside.join(LET_IN_S)
            set_fact(unit, COUNT, str(read + 1))

        try:
            one.write_now(body)
        except Unavailable as error:
            return [f"a unit that began first was refused: {error.code}"]
        finally:
            beside.join()
        counted = one.read_now(lambda unit: get_fact(unit, COUNT))
        return [] if counted == "2" else [f"two writers counted {counted}"]

    in_fork(lambda: in_leaping_time(partial(_make_desk, folder)))
    found: list[str] = in_fork(count)
    return found


def by_an_old_owner(folder: Path, twin: Twin) -> Sequence[str]:
    """Wake a former owner of the executor's lease with an entry in its hands, and return what it wrote."""

    async def body(_loop: LeapingLoop) -> list[str]:
        async with _witnessed(folder, people_too=True) as frozen:
            await preview(frozen)
            await confirm(frozen)
            (entry,) = await frozen.read(instructions.intents)
            async with _witnessed(folder, people_too=False):
                await frozen.trading.executor.send(entry)
                return [f"an owner that was replaced wrote {each}" for each in writes(folder)]

    def look() -> list[str]:
        twin()
        found: list[str] = in_leaping_time(body)
        return found

    found: list[str] = in_fork(look)
    return found


def _opened(folder: Path) -> Database:
    return Database(f"sqlite:///{folder}/sortie.db", HandClock(), _NoWakeups(), threads=False)


class _NoWakeups:
    def wake(self, stage: str, about: str = "") -> None:
        return

    async def wait(self, stage: str, timeout_s: float) -> frozenset[str]:
        return frozenset()


def _add_one(unit: Unit) -> None:
    set_fact(unit, COUNT, str(int(get_fact(unit, COUNT) or 0) + 1))


def _witnessed(folder: Path, *, people_too: bool) -> Any:
    return desk_at(folder, people_too=people_too, proven=False, wrap=lambda venue: Witness(venue, folder))


async def _make_desk(folder: Path, _loop: LeapingLoop) -> None:
    async with desk_at(folder):
        return


CONTROLS = (
    Control(
        name="instruction committed late",
        signs=("was not committed before",),
        twin=commit_late,
        look=partial(by_dying, "desk-fire"),
    ),
    Control(
        name="sent again on doubt",
        signs=("died at", "an order of no instruction"),
        twin=send_again,
        look=partial(by_dying, "desk-fire"),
    ),
    Control(name="no inbox", signs=("died at", "was never answered"), twin=keep_no_inbox, look=partial(by_dying, "fire-tap")),
    Control(name="deferred BEGIN", signs=("began first was refused",), twin=begin_deferred, look=by_two_writers),
    Control(name="no lease epoch", signs=("an owner that was replaced wrote",), twin=ignore_the_epoch, look=by_an_old_owner),
)


def caught(control: Control, folder: Path) -> tuple[bool, str]:
    """Tell whether the broken desk is found out by its signs, and by what."""
    found = control.look(folder, control.twin)
    by_sign = next((problem for problem in found if all(sign in problem for sign in control.signs)), "")
    return bool(by_sign), by_sign or "; ".join(found) or "nothing was found"
