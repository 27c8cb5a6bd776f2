"""Broken twins of the desk: each lacks one safety, and the simulation must see it within a few seeds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from bot.graph import Graph
from services.domain.orders import Instruction, Purpose
from services.domain.people import Actor
from services.storage import terminals


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
    "unknown outcome sent again": Control(twin=sends_again, breaks=frozenset({"one write", "committed"})),
    "protection never sent": Control(twin=leaves_bare, breaks=frozenset({"protected", "at rest"})),
}
