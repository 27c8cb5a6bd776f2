"""Grades: what a person may do within their role, as data; modes: how an entry of theirs comes about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from services.domain.limits import Effective, Limit, Scope, tighter
from services.domain.trades import Terminal, TerminalMode

DEFAULT_GRADE = "regular"


class FireMode(StrEnum):
    """How missions become entries: none do, each by its person's tap, or by themselves."""

    ALERT = "alert"
    SELECT = "select"
    AUTO = "auto"

    @property
    def freedom(self) -> int:
        """Return the place between the mode that lets nothing through and the one that needs nobody."""
        return list(FireMode).index(self)


class ModeScope(StrEnum):
    """Whose mode it is."""

    PERSON = "person"
    STRATEGY = "strategy"


def tighter_mode(one: FireMode, other: FireMode) -> FireMode:
    """Return the mode that lets less happen."""
    return min(one, other, key=lambda mode: mode.freedom)


@dataclass(frozen=True, slots=True, kw_only=True)
class Grade:
    """What people of one grade may do; amounts None leave the desk's limits as they are, and none of them ever loosens one.

    ``without`` are commands taken away. ``terminals`` are names or modes of terminals that entries may go to, empty for all.
    ``per_trade`` and ``max_notional`` are shares of equity, ``slots`` live trades of the person, ``shots`` entries of a day.
    A grade that is not ``known`` any more lets nothing in.
    """

    name: str
    without: tuple[str, ...] = ()
    terminals: tuple[str, ...] = ()
    per_trade: Decimal | None = None
    max_notional: Decimal | None = None
    slots: int | None = None
    shots: int | None = None
    modes: tuple[FireMode, ...] = (FireMode.ALERT, FireMode.SELECT)
    approves: bool = False
    known: bool = True

    def may(self, command: str) -> bool:
        """Tell whether a command that grades may take away is left."""
        return self.known and command not in self.without

    def takes(self, terminal: Terminal) -> bool:
        """Tell whether entries may go to a terminal."""
        named = terminal.name in self.terminals or terminal.mode.value in self.terminals
        return self.known and (named or not self.terminals)

    def within(self, mode: FireMode) -> FireMode:
        """Return the freest mode that the grade has and that lets no more happen than the one given; none is an alert."""
        kept = [each for each in self.modes if each.freedom <= mode.freedom] if self.known else []
        return max(kept, key=lambda each: each.freedom, default=FireMode.ALERT)

    @property
    def amounts(self) -> Mapping[Limit, Decimal]:
        """Return the limits that the grade sets for its people."""
        found = {
            Limit.PER_TRADE: self.per_trade,
            Limit.MAX_NOTIONAL: self.max_notional,
            Limit.PERSON_POSITIONS: Decimal(self.slots) if self.slots is not None else None,
        }
        return {limit: value for limit, value in found.items() if value is not None}


def unknown_grade(name: str) -> Grade:
    """Return what a grade is that the settings do not have any more: nothing."""
    return Grade(name=name, modes=(FireMode.ALERT,), known=False)


def tightened(limits: Mapping[Limit, Effective], grade: Grade, person_id: int) -> Mapping[Limit, Effective]:
    """Return the limits in force for a person of a grade: where the grade's amount is tighter it holds, at scope person."""
    found = dict(limits)
    for limit, value in grade.amounts.items():
        kept = found.get(limit)
        if kept is None or tighter(limit, value, kept.value):
            found[limit] = Effective(value=value, scope=Scope.PERSON, subject=str(person_id))
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Rank:
    """What the gate looks at of a person's grade, and of the terminal that an entry of theirs goes to.

    ``terminals`` are names and modes of terminals that the grade takes, empty for all. ``fires`` is how the call becomes an
    entry of theirs, ``by_itself`` whether this one was confirmed without a tap.
    """

    grade: str
    known: bool
    terminals: tuple[str, ...]
    terminal: str
    mode: TerminalMode
    fires: FireMode = FireMode.SELECT
    by_itself: bool = False

    @classmethod
    def at(cls, grade: Grade, terminal: Terminal, fires: FireMode, *, by_itself: bool) -> Rank:
        """Return where a person of a grade stands at a terminal."""
        return cls(
            grade=grade.name,
            known=grade.known,
            terminals=grade.terminals,
            terminal=terminal.name,
            mode=terminal.mode,
            fires=fires,
            by_itself=by_itself,
        )
