"""Broken twins of the desk: each lacks one safety, and the simulation must see it within a few seeds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from bot.graph import Graph
from services.access.second_person import SecondPerson
from services.domain.approvals import Approval
from services.domain.orders import Instruction, Purpose
from services.domain.people import Actor, Person
from services.missions.entry_book import EntryBook, EntryTerms, Judged, Kept
from services.missions.planning import Case
from services.storage import people, terminals
from services.storage.database import Unit


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


def lets_askers_answer(graph: Graph) -> None:
    """Give whoever asks the buttons of those who are asked, and take their answer."""
    _open_to_askers(graph.proposals.acts.answer._second)
    _open_to_askers(graph.trading.approvals._second)


def _open_to_askers(second: SecondPerson) -> None:
    offer, find = second._let_answer, second._open

    def offer_to_all(unit: Unit, approval: Approval, others: Sequence[Person]) -> None:
        asker = people.find(unit, approval.asked_by)
        offer(unit, approval, [*others, asker] if asker is not None else others)

    def of_nobody(unit: Unit, approval: Approval | None) -> Approval:
        return replace(find(unit, approval), asked_by=0)

    second._let_answer = offer_to_all  # type: ignore[method-assign]
    second._open = of_nobody  # type: ignore[method-assign]


class _Waved(EntryBook):
    """Lets an approved entry through without asking the gate anew."""

    def judge(self, unit: Unit, case: Case, terms: EntryTerms) -> Judged:
        judged = super().judge(unit, case, terms)
        passed = tuple(check for check in judged.verdict.checks if check.passed)
        return replace(judged, verdict=replace(judged.verdict, checks=passed))

    def keep(self, unit: Unit, case: Case, judged: Judged, *, trade_id: str | None) -> Kept:
        return Kept(verdict_id="", proof="")


def trusts_the_first_verdict(graph: Graph) -> None:
    """Send what was approved on the verdict from before it was asked about."""
    approvals = graph.trading.approvals
    book = approvals._book
    approvals._book = _Waved(book._desk, book._ids, book._breakers)


def forgets_changed_limits(graph: Graph) -> None:
    """Let the gate read settings that people's changes do not stand over."""
    desk = graph.trading.approvals._desk
    values = {limit: value + Decimal("0.0001") for limit, value in desk.rules.book.desk.items()}
    desk.rules = replace(desk.rules, book=replace(desk.rules.book, desk=values))


CONTROLS: Mapping[str, Control] = {
    "instruction committed after the write": Control(
        twin=writes_before_it_commits, breaks=frozenset({"committed", "one write"})
    ),
    "unknown outcome sent again": Control(twin=sends_again, breaks=frozenset({"one write", "committed"})),
    "protection never sent": Control(twin=leaves_bare, breaks=frozenset({"protected", "at rest"})),
    "question answered by whoever asked it": Control(twin=lets_askers_answer, breaks=frozenset({"second person"})),
    "approved and not judged anew": Control(twin=trusts_the_first_verdict, breaks=frozenset({"second person"})),
    "limit that people changed and the gate does not read": Control(twin=forgets_changed_limits, breaks=frozenset({"limits"})),
}
