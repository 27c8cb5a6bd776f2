"""Everybody at the desk at a glance: what each risks, how their day goes, what holds them back, and what waits or ends."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from services.domain.money import ZERO, Money
from services.domain.people import Person, Role
from services.domain.trades import TerminalMode
from services.portfolio.results import by_currency
from services.reporting.exposure import equity_of, risk_in_r
from services.reporting.holding_back import Standing
from services.reporting.live import Live
from services.storage import approvals, handovers, people, terminals, trades
from services.storage.database import Unit


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskPerson:
    """One person; ``standing`` is None for somebody without a terminal.

    ``risk`` is lost if every stop of theirs fills, ``risk_r`` the same in R, ``risk_percent`` in percent of the equity of the
    terminals they may use, None without a reading. ``kept`` live trades were passed on to them, and ``asks`` questions of
    theirs wait.
    """

    person: Person
    live: int
    kept: int
    risk: tuple[Money, ...]
    risk_r: Decimal
    risk_percent: Decimal | None
    standing: Standing | None
    asks: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskPeople:
    """Everybody with a role, the highest first, the modes that terminals are in, and the questions that wait in all."""

    rows: tuple[DeskPerson, ...]
    modes: tuple[TerminalMode, ...]
    waiting: int
    at: datetime


def read_desk(unit: Unit, standing_of: Callable[[int], Standing], live: Live) -> DeskPeople:
    """Return everybody as they stand in this unit; ``standing_of`` answers for one person who has a terminal."""
    waiting = [each for each in approvals.waiting(unit) if not each.is_late(unit.now)]
    asked = [each.asked_by for each in waiting]
    rows = tuple(_person(unit, person, standing_of, live, asked.count(person.id)) for person in people.everyone(unit))
    return DeskPeople(rows=rows, modes=tuple(sorted(terminals.modes(unit))), waiting=len(waiting), at=unit.now)


def _person(unit: Unit, person: Person, standing_of: Callable[[int], Standing], live: Live, asks: int) -> DeskPerson:
    own = [each for each in trades.live(unit, person_id=person.id) if handovers.keeper_of(unit, each.id) is None]
    passed = [trades.find(unit, each.trade_id) for each in handovers.live_with(unit, person.id)]
    held = [*own, *(each for each in passed if each is not None)]
    risk = by_currency(Money(each.open_risk, each.currency) for each in held)
    equity, _ = equity_of(terminals.usable_by(unit, person.id), live)
    known = equity is not None and equity.amount > ZERO and all(each.currency == equity.currency for each in risk)
    total = sum((each.amount for each in risk), ZERO)
    trades_here = person.role >= Role.TRADER and terminals.of_person(unit, person.id) is not None
    return DeskPerson(
        person=person,
        live=len(held),
        kept=len(held) - len(own),
        risk=risk,
        risk_r=sum((risk_in_r(each) for each in held), ZERO),
        risk_percent=total / equity.amount * 100 if known and equity is not None else None,
        standing=standing_of(person.id) if trades_here else None,
        asks=asks,
    )
