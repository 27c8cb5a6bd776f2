"""What holds entries back: the breakers in force for everybody, and how one person stands."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from config.breakers import BreakerSettings
from services.domain.breakers import Breaker, BreakerKind, BreakerScope
from services.domain.discipline import Discipline
from services.domain.errors import NotFound
from services.domain.grades import tightened
from services.domain.limits import LimitBook, Scope
from services.domain.trades import TerminalMode
from services.reporting.live import Live
from services.risk.breaking import losses_in_a_row
from services.risk.day_book import MAX_AGE
from services.risk.discipline import DisciplineRules, read_discipline
from services.risk.limits import limits_in_force
from services.storage import breakers, grades, people, terminals, trades
from services.storage.database import Database, Unit

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerLine:
    """One breaker that is not closed, with the name of what it holds."""

    breaker: Breaker
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakersList:
    """The breakers in force, oldest first, and the modes that terminals are in."""

    lines: tuple[BreakerLine, ...]
    modes: tuple[TerminalMode, ...]
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How one person stands at the terminal they trade at; ``losses`` in a row, with where these warn and lock."""

    name: str
    mode: TerminalMode
    discipline: Discipline
    losses: int
    streak_warn: int
    streak_lock: int
    lines: tuple[BreakerLine, ...]
    at: datetime


class ReadStanding:
    """Answer how a person stands now, by the rules in force."""

    def __init__(
        self, database: Database, rules: DisciplineRules, limits: LimitBook, settings: BreakerSettings, live: Callable[[], Live]
    ) -> None:
        self._database = database
        self._rules = rules
        self._limits = limits
        self._settings = settings
        self._live = live

    async def __call__(self, person_id: int) -> Standing:
        """Return how the person stands; raise NotFound for one without a terminal."""
        live, rules, limits = self._live(), self._rules, self._limits
        return await self._database.read(lambda unit: _read_standing(unit, person_id, rules, limits, self._settings, live))

    async def everybody(self, read: Callable[[Unit, Callable[[int], Standing], Live], T]) -> T:
        """Return what ``read`` makes of how each person stands, in one read."""
        live, rules, limits, settings = self._live(), self._rules, self._limits, self._settings

        def body(unit: Unit) -> T:
            return read(unit, lambda person_id: _read_standing(unit, person_id, rules, limits, settings, live), live)

        return await self._database.read(body)


def read_breakers(unit: Unit) -> BreakersList:
    """Return the breakers in force."""
    lines = tuple(BreakerLine(breaker=each, name=_name(unit, each)) for each in breakers.in_force(unit))
    return BreakersList(lines=lines, modes=tuple(sorted(terminals.modes(unit))), at=unit.now)


def _read_standing(
    unit: Unit, person_id: int, rules: DisciplineRules, limits: LimitBook, settings: BreakerSettings, live: Live
) -> Standing:
    person, terminal = people.find(unit, person_id), terminals.of_person(unit, person_id)
    if person is None or terminal is None:
        raise NotFound("NO_TERMINAL", person=person_id)
    grade = grades.find(unit, person.grade)
    held = read_discipline(
        unit,
        rules,
        person_id=person_id,
        terminal=terminal,
        live=trades.live(unit, terminal_id=terminal.id),
        limits=tightened(
            limits_in_force(unit, limits).at({Scope.TERMINAL: terminal.name, Scope.PERSON: str(person_id)}), grade, person_id
        ),
        grade=grade,
        price_of=lambda symbol: quote.mid if (quote := live.quote(symbol)) and quote.age(live.now) <= MAX_AGE else None,
    )
    bearing = [each for each in breakers.in_force(unit) if each.subject in (str(person_id), terminal.id)]
    breaker = breakers.find(unit, BreakerKind.LOSING_STREAK, str(person_id))
    return Standing(
        name=person.name,
        mode=terminal.mode,
        discipline=held,
        losses=losses_in_a_row(unit, person_id, rules.loss_from_r, breaker),
        streak_warn=settings.streak_warn,
        streak_lock=settings.streak_lock,
        lines=tuple(BreakerLine(breaker=each, name=_name(unit, each)) for each in bearing),
        at=unit.now,
    )


def _name(unit: Unit, breaker: Breaker) -> str:
    """Name what a breaker holds as people call it."""
    if breaker.scope is BreakerScope.PERSON:
        person = people.find(unit, int(breaker.subject))
        return person.name if person is not None else breaker.subject
    if breaker.scope is BreakerScope.TERMINAL:
        terminal = terminals.find(unit, breaker.subject)
        return terminal.name if terminal is not None else breaker.subject
    return breaker.subject
