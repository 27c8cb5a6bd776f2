"""Whether the commanders decided that a terminal takes entries with real money, read in the unit that acts on it."""

from __future__ import annotations

from collections.abc import Mapping

from services.domain.changes import ChangeKind
from services.domain.live_facts import EXITS_ONLY, LiveGround, LiveStanding
from services.domain.trades import Terminal, TerminalMode
from services.storage import changes, terminals
from services.storage.database import Unit


def read_decision(unit: Unit, terminal_id: str) -> str | None:
    """Return what was decided about a terminal as the change in force carries it; None for nothing, or for exits only."""
    change = changes.in_force(unit, ChangeKind.TERMINAL_MODE, terminal_id)
    return change.after if change is not None and change.after != EXITS_ONLY else None


def read_standing(unit: Unit, terminal: Terminal, grounds: Mapping[str, LiveGround]) -> LiveStanding | None:
    """Return how a live terminal stands; None where neither its mode nor this start's facts say that money is real.

    ``grounds`` are the terminals whose three facts agreed at the start.
    """
    ground = grounds.get(terminal.id)
    if terminal.mode is not TerminalMode.LIVE and ground is None:
        return None
    return LiveStanding(ground=ground.written if ground is not None else None, decided=read_decision(unit, terminal.id))


def undecided(unit: Unit) -> list[Terminal]:
    """Return the live terminals that nobody decided about."""
    live = [each for each in terminals.everything(unit) if each.mode is TerminalMode.LIVE]
    return [each for each in live if read_decision(unit, each.id) is None]
