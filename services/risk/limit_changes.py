"""Changes of limits: read from what somebody types, checked against the settings' bounds, put in force, and retired."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation

import structlog

from config.limits import RiskSettings, narrower_scopes, problem_with
from services.access.authority import require
from services.access.changes import ChangeBook
from services.domain.changes import Change, ChangeKind, ChangeState, Evidence
from services.domain.errors import Refused
from services.domain.limits import RULES, Limit, LimitBook, Scope, tighter
from services.domain.money import canonical
from services.domain.people import Actor, Role
from services.domain.ports import Ids
from services.domain.verdicts import Unit as Measure
from services.risk.limits import book_of, is_known, limits_in_force, overlaid, unbound, value_in
from services.storage import changes
from services.storage.changes import LimitValue
from services.storage.database import Database, Unit

log = structlog.get_logger()
OFF = "off"
PERCENT = "%"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One value of one limit: the desk's, or that of one terminal, person, strategy, tier or instrument."""

    limit: Limit
    scope: Scope = Scope.DESK
    subject: str = ""

    @property
    def written(self) -> str:
        """Return it in one text, as changes carry it."""
        return self.limit.value if self.scope is Scope.DESK else f"{self.limit.value} {self.scope.value}:{self.subject}"

    @classmethod
    def read(cls, text: str) -> Target:
        """Read what was written; raise Refused for what names no limit or no scope."""
        name, _, where = text.strip().partition(" ")
        if name.lower() not in set(Limit):
            raise Refused("LIMIT_UNKNOWN", value=name)
        scope, _, subject = where.strip().partition(":")
        if not where.strip():
            return cls(limit=Limit(name.lower()))
        if scope.lower() not in set(Scope) or not subject:
            raise Refused("LIMIT_SYNTAX", value=where)
        return cls(limit=Limit(name.lower()), scope=Scope(scope.lower()), subject=subject)


def read_value(target: Target, text: str) -> Decimal | None:
    """Return the value that was typed, None for ``off``; raise Refused with the bounds for one that cannot be.

    A share may be typed in percent: ``2%`` is 0.02.
    """
    typed = text.strip().lower()
    if typed == OFF:
        _require_may_be_off(target)
        return None
    shared = typed.endswith(PERCENT) and RULES[target.limit].unit is Measure.FRACTION
    try:
        value = Decimal(typed.removesuffix(PERCENT).strip() if shared else typed)
    except InvalidOperation as error:
        raise Refused("LIMIT_VALUE", value=text, limit="a number, or off") from error
    if not value.is_finite():
        raise Refused("LIMIT_VALUE", value=text, limit="a number, or off")
    value = value / 100 if shared else value
    wrong = problem_with(target.limit.value, target.scope.value, target.subject, value)
    if wrong is not None:
        raise Refused("LIMIT_BOUNDS", value=text, limit=wrong)
    return value


def _require_may_be_off(target: Target) -> None:
    """Refuse to switch off what every desk has; a value for a part of the desk may always go."""
    default = RiskSettings.model_fields[target.limit.value].default
    if target.scope is Scope.DESK and default is not None:
        raise Refused("LIMIT_ALWAYS", value=target.limit.value)
    if target.scope is not Scope.DESK and target.scope.value not in (narrower_scopes(target.limit.value) or ()):
        raise Refused("LIMIT_SYNTAX", value=target.scope.value)


def written(value: Decimal | None) -> str:
    """Return a value as changes carry it."""
    return OFF if value is None else canonical(value)


def tightens(target: Target, before: Decimal | None, after: Decimal | None) -> bool:
    """Tell whether a new value lets less through; a value where none was does, and none where one was does not."""
    if before is None or after is None:
        return before is None
    return tighter(target.limit, after, before)


class LimitChanges:
    """What a change of a limit does, registered with the book of changes."""

    def __init__(self, settings: RiskSettings) -> None:
        self._settings = book_of(settings)

    @property
    def settings(self) -> LimitBook:
        """Return the values of the settings alone."""
        return self._settings

    def register(self, book: ChangeBook) -> None:
        """Say how limits are changed."""
        book.register(ChangeKind.LIMIT, self.apply, self.current)

    def value(self, unit: Unit, target: Target) -> Decimal | None:
        """Return the value in force at one scope, None where none is set there."""
        return value_in(limits_in_force(unit, self._settings), target.limit, target.scope, target.subject)

    def current(self, unit: Unit, subject: str) -> str:
        """Return the value in force as changes carry it."""
        return written(self.value(unit, Target.read(subject)))

    def apply(self, unit: Unit, actor: Actor, change: Change) -> None:
        """Store a change's value over the settings'; raise Refused for one that is out of bounds by now."""
        target = Target.read(change.subject)
        value = read_value(target, change.after)
        setting = value_in(self._settings, target.limit, target.scope, target.subject)
        row = LimitValue(
            limit=target.limit,
            scope=target.scope,
            subject=target.subject,
            value=value,
            setting=setting,
            change_id=change.id,
        )
        if value == setting:
            changes.drop_limit(unit, row)
        else:
            changes.set_limit(unit, row)

    def after(self, unit: Unit, target: Target, value: Decimal | None) -> tuple[LimitBook, LimitBook]:
        """Return the book in force, and as it would be with one other value."""
        book = limits_in_force(unit, self._settings)
        row = LimitValue(
            limit=target.limit, scope=target.scope, subject=target.subject, value=value, setting=None, change_id=""
        )
        return book, overlaid(book, [row])


class ProposeLimit:
    """Propose one limit's value; a tighter one is in force when this returns, a looser one waits for a second person."""

    def __init__(
        self,
        database: Database,
        book: ChangeBook,
        limits: LimitChanges,
        evidence: Callable[[Unit, Target, LimitBook, LimitBook], Evidence],
    ) -> None:
        self._database = database
        self._book = book
        self._limits = limits
        self._evidence = evidence

    async def __call__(self, actor: Actor, target: Target, text: str, effective_at: datetime | None = None) -> Change:
        """Look at what stored verdicts say of the value, then propose it; raise Refused for one that cannot be."""

        def look(unit: Unit) -> Evidence:
            require(unit, actor, Role.COMMANDER)
            if not is_known(unit, target.scope, target.subject):
                raise Refused("LIMIT_SUBJECT", scope=target.scope.value, value=target.subject)
            before, after = self._limits.after(unit, target, read_value(target, text))
            return self._evidence(unit, target, before, after)

        evidence = await self._database.read(look)
        return await self._database.write(lambda unit: self._propose(unit, actor, target, text, effective_at, evidence))

    def _propose(
        self, unit: Unit, actor: Actor, target: Target, text: str, effective_at: datetime | None, evidence: Evidence
    ) -> Change:
        before, after = self._limits.value(unit, target), read_value(target, text)
        return self._book.propose(
            unit,
            actor,
            ChangeKind.LIMIT,
            target.written,
            written(before),
            written(after),
            tightens=tightens(target, before, after),
            effective_at=effective_at,
            evidence=evidence,
        )


class RetireLimits:
    """Called at start: where the settings' file has another value than a stored one was set over, the file wins."""

    def __init__(self, database: Database, limits: LimitChanges, ids: Ids) -> None:
        self._database = database
        self._limits = limits
        self._ids = ids

    async def __call__(self) -> int:
        """Forget what the file overruled, each with a journal row; return how many."""
        if not await self._database.read(self._overruled):
            return 0
        return await self._database.write(self._retire)

    def _overruled(self, unit: Unit) -> list[LimitValue]:
        book = self._limits.settings
        rows = changes.limit_rows(unit)
        return [row for row in rows if row.setting != value_in(book, row.limit, row.scope, row.subject)]

    def _retire(self, unit: Unit) -> int:
        actor = Actor.job("limits", f"limits-{self._ids.row()}")
        rows = self._overruled(unit)
        for row in rows:
            target = Target(limit=row.limit, scope=row.scope, subject=row.subject)
            changes.drop_limit(unit, row)
            change = changes.find(unit, row.change_id)
            if change is not None and change.state is ChangeState.IN_FORCE:
                changes.set_state(unit, change, ChangeState.SUPERSEDED, "the settings' file was changed")
            setting = value_in(self._limits.settings, row.limit, row.scope, row.subject)
            unit.record(actor, "limit.retired", limit=target.written, value=written(row.value), setting=written(setting))
        return len(rows)


class LookForUnbound:
    """Called at start: warn of narrower values in the settings that name nothing, and so bind nothing."""

    def __init__(self, database: Database, limits: LimitChanges) -> None:
        self._database = database
        self._limits = limits

    async def __call__(self) -> int:
        """Log each; return how many."""
        lost = await self._database.read(lambda unit: unbound(unit, self._limits.settings))
        for each in lost:
            log.warning("limits.unbound", limit=each.limit.value, scope=each.scope.value, subject=each.subject)
        return len(lost)
