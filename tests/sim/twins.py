"""Broken twins of the desk: each lacks one safety, and the simulation must see it within a few seeds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import select

from bot.graph import Graph
from services.domain.orders import Instruction, Purpose
from services.domain.people import Actor
from services.storage import tables, terminals
from services.storage.database import Unit

BUSY_S = 4.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """A twin, and the rules of which it must break at least one."""

    twin: Callable[[Graph], None]
    breaks: frozenset[str]


def writes_before_it_commits(graph: Graph) -> None:
    """Send instructions without a committed claim."""
    executor, database = graph.trading.executor, graph.trading.database

    async def send(instruction: Instruction) -> bool:
        actor = Actor.job("executor", instruction.correlation)
        venue = graph.trading.venues[await executor._venue_of(instruction)]
        await executor._write(venue, instruction)
        claimed = await database.write(lambda unit: executor._claim(unit, actor, instruction))
        return claimed is not None

    executor.send = send  # type: ignore[method-assign]


def dawdles(graph: Graph) -> None:
    """Let every instruction wait before it is claimed, as behind a busy venue; nothing is broken by that."""
    executor, honest = graph.trading.executor, graph.trading.executor.send

    async def send(instruction: Instruction) -> bool:
        await graph.clock.sleep(BUSY_S)
        return await honest(instruction)

    executor.send = send  # type: ignore[method-assign]


def forgets_halts(graph: Graph) -> None:
    """Do not read halts again in the claim."""
    dawdles(graph)
    graph.trading.executor._halts = lambda _unit, _trade: ()  # type: ignore[method-assign]


def books_twice(graph: Graph) -> None:
    """Book a fill again whenever the venue tells of it again."""
    booking, honest = graph.trading.booking, graph.trading.booking._book_fill

    def book(unit: Unit, actor: Any, terminal: Any, fill: Any, universe: Any) -> str | None:
        table = tables.fills
        known = select(table.c.venue_fill_id).where(table.c.terminal_id == terminal.id)
        names = {row.venue_fill_id for row in unit.all(known)}
        while fill.venue_fill_id in names:
            fill = replace(fill, venue_fill_id=f"{fill.venue_fill_id}+")
        return honest(unit, actor, terminal, fill, universe)

    booking._book_fill = book  # type: ignore[method-assign]


def sends_again(graph: Graph) -> None:
    """Send once more what is of unknown outcome."""
    executor, resolve = graph.trading.executor, graph.trading.resolve

    async def again(instruction: Instruction) -> bool:
        terminal = await graph.trading.database.read(lambda unit: terminals.find(unit, instruction.terminal_id))
        assert terminal is not None
        await executor._write(graph.trading.venues[terminal.venue], instruction)
        return True

    resolve.resolve = again  # type: ignore[method-assign]


def leaves_bare(graph: Graph) -> None:
    """Send everything but protection."""
    executor, honest = graph.trading.executor, graph.trading.executor.send

    async def send(instruction: Instruction) -> bool:
        return instruction.purpose is not Purpose.PROTECT and await honest(instruction)

    executor.send = send  # type: ignore[method-assign]


CONTROLS: Mapping[str, Control] = {
    "instruction committed after the write": Control(
        twin=writes_before_it_commits, breaks=frozenset({"committed", "one write"})
    ),
    "halts not read again in the claim": Control(twin=forgets_halts, breaks=frozenset({"no exposure"})),
    "fills booked without their ids": Control(twin=books_twice, breaks=frozenset({"verify", "audit", "positions"})),
    "unknown outcome sent again": Control(twin=sends_again, breaks=frozenset({"one write", "committed"})),
    "protection never sent": Control(twin=leaves_bare, breaks=frozenset({"protected", "at rest"})),
}
