"""The limits in force: the settings' values, with what changes have set over them, and where an entry stands among scopes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from config.limits import RiskSettings
from services.domain.limits import Limit, LimitBook, Scope, ScopedValue
from services.domain.market import Instrument
from services.domain.money import canonical
from services.domain.people import LONGEST_ID
from services.domain.signals import Signal, strategy_of
from services.domain.trades import Terminal
from services.domain.typed import typed_number
from services.storage import changes, desk, people, terminals
from services.storage.changes import LimitValue
from services.storage.database import Unit


def book_of(settings: RiskSettings) -> LimitBook:
    """Return every value that the settings give a limit."""
    values = {limit: getattr(settings, limit.value) for limit in Limit}
    return LimitBook(
        desk={limit: Decimal(str(value)) for limit, value in values.items() if value is not None},
        scoped=tuple(
            ScopedValue(limit=Limit(each.limit), scope=Scope(each.scope), subject=each.subject, value=each.value)
            for each in settings.scoped
        ),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class InForce:
    """What decides within one unit: the limits in force, and a hash of them and of the settings."""

    book: LimitBook
    config_hash: str


def in_force(unit: Unit, settings: LimitBook, fingerprint: str) -> InForce:
    """Return the limits in force with their hash: the settings' own where nothing stands over them, else both together."""
    rows = standing_over(unit, settings)
    return InForce(book=overlaid(settings, rows), config_hash=_hashed(rows, fingerprint))


def limits_in_force(unit: Unit, settings: LimitBook) -> LimitBook:
    """Return the settings' book with the stored values that stand over it; what reads a limit reads it here."""
    return overlaid(settings, standing_over(unit, settings))


def standing_over(unit: Unit, settings: LimitBook) -> Sequence[LimitValue]:
    """Return the stored values whose setting is still what it was when they were set; elsewhere the file has the last word."""
    return [row for row in changes.limit_rows(unit) if row.setting == value_in(settings, row.limit, row.scope, row.subject)]


def value_in(book: LimitBook, limit: Limit, scope: Scope, subject: str) -> Decimal | None:
    """Return what a book sets a limit to at exactly one scope and subject; None where it sets nothing there."""
    if scope is Scope.DESK:
        return book.desk.get(limit)
    own = (each.value for each in book.scoped if (each.limit, each.scope, each.subject) == (limit, scope, subject))
    return next(own, None)


def overlaid(book: LimitBook, rows: Iterable[LimitValue]) -> LimitBook:
    """Return a book with these values in place of its own; a value of None switches a limit off there."""
    desk = dict(book.desk)
    scoped = {(each.limit, each.scope, each.subject): each.value for each in book.scoped}
    for row in rows:
        if row.scope is Scope.DESK and row.value is None:
            desk.pop(row.limit, None)
        elif row.scope is Scope.DESK and row.value is not None:
            desk[row.limit] = row.value
        elif row.value is None:
            scoped.pop((row.limit, row.scope, row.subject), None)
        else:
            scoped[row.limit, row.scope, row.subject] = row.value
    return LimitBook(
        desk=desk,
        scoped=tuple(
            ScopedValue(limit=limit, scope=scope, subject=subject, value=value)
            for (limit, scope, subject), value in scoped.items()
        ),
    )


def is_known(unit: Unit, scope: Scope, subject: str) -> bool:
    """Tell whether the desk has what a scoped value names; one that names nothing would bind nothing, and nobody would see."""
    if scope is Scope.TERMINAL:
        return any(each.name == subject for each in terminals.everything(unit))
    if scope is Scope.PERSON:
        number = typed_number(subject, LONGEST_ID)
        return number is not None and people.find(unit, number) is not None
    if scope is Scope.STRATEGY:
        return subject in desk.strategy_states(unit)
    if scope is Scope.INSTRUMENT:
        universe = desk.current_universe(unit)
        return universe is not None and universe.find(subject) is not None
    return True


def unbound(unit: Unit, settings: LimitBook) -> list[ScopedValue]:
    """Return the narrower values of the settings whose subject the desk does not have."""
    return [each for each in settings.scoped if not is_known(unit, each.scope, each.subject)]


def age_in_force(unit: Unit, settings: LimitBook, limit: Limit, symbol: str) -> float:
    """Return how old what a limit bounds may be where an instrument alone is known, in seconds."""
    return float(limits_in_force(unit, settings).at({Scope.INSTRUMENT: symbol})[limit].value)


def standing(signal: Signal, instrument: Instrument | None, terminal: Terminal, person_id: int) -> Mapping[Scope, str]:
    """Return the subjects of every scope that an entry touches."""
    found = {
        Scope.TERMINAL: terminal.name,
        Scope.PERSON: str(person_id),
        Scope.STRATEGY: strategy_of(signal.source),
        Scope.INSTRUMENT: signal.symbol,
    }
    return found if instrument is None else found | {Scope.TIER: instrument.tier.value}


def _hashed(rows: Sequence[LimitValue], fingerprint: str) -> str:
    if not rows:
        return fingerprint
    values = [[row.limit, row.scope, row.subject, None if row.value is None else canonical(row.value)] for row in rows]
    return hashlib.sha256(json.dumps([fingerprint, values]).encode()).hexdigest()
