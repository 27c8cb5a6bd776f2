"""A kill: what follows a halt. Every entry is taken off every venue, then positions are flattened if that was asked for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class KillState(StrEnum):
    """How far a kill has come."""

    CANCELLING = "cancelling"
    FLATTENING = "flattening"
    DONE = "done"


KILL_MOVES: Mapping[KillState, frozenset[KillState]] = {
    KillState.CANCELLING: frozenset({KillState.FLATTENING, KillState.DONE}),
    KillState.FLATTENING: frozenset({KillState.DONE}),
    KillState.DONE: frozenset(),
}


class LeftoverKind(StrEnum):
    """Why something is left behind a kill."""

    UNREACHABLE = "unreachable"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    WAITING = "waiting"
    FOREIGN = "foreign"
    DUST = "dust"
    HELD = "held"


@dataclass(frozen=True, slots=True, kw_only=True)
class Leftover:
    """One thing that a kill could not do, by name and reason.

    ``name`` is an order's client id, ``trade 7``, or an instrument; empty for a whole terminal. ``entry`` tells that it may
    still add exposure, ``may_end`` that it may still come right by itself, so that the kill keeps trying.
    """

    kind: LeftoverKind
    terminal_id: str
    terminal: str
    name: str
    symbol: str
    reason: str
    entry: bool
    may_end: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Kill:
    """A kill as it stands: who threw it, how, why, and how far it has come.

    ``entries`` are the numbers of the trades whose entry was taken back, ``gone`` how many of those entries work no more.
    ``phase_at`` is when its state began; ``working`` tells that something is still being done about it, which is so behind DONE
    while a leftover may end. ``flatten_by`` is who asked for the positions to be sold.
    """

    id: str
    at: datetime
    by_id: int
    by_name: str
    channel: str
    reason: str
    correlation: str
    flatten: bool
    flatten_by: str | None
    state: KillState
    working: bool
    phase_at: datetime
    done_at: datetime | None
    entries: tuple[int, ...]
    gone: int
    leftovers: tuple[Leftover, ...]

    @property
    def running(self) -> bool:
        """Tell whether its bounded part has not ended."""
        return self.state is not KillState.DONE

    @property
    def entries_left(self) -> tuple[Leftover, ...]:
        """Return the leftovers that may still add exposure."""
        return tuple(each for each in self.leftovers if each.entry)

    def covers(self, *, flatten: bool) -> bool:
        """Tell whether a new kill under the same halt would do nothing more than this one does or has done."""
        return (self.flatten or not flatten) and (self.working or not self.leftovers)


def ordered(leftovers: Iterable[Leftover]) -> tuple[Leftover, ...]:
    """Return leftovers in the order in which people should look at them: entries first, then by terminal and name."""
    return tuple(sorted(leftovers, key=lambda each: (not each.entry, each.terminal, each.kind.value, each.name)))
