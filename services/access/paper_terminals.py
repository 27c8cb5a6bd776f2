"""The paper terminal that every trader and commander has."""

from __future__ import annotations

import re

from sqlalchemy import select

from config.groups import DeskSettings, PaperSettings
from services.domain.people import Person, Role
from services.domain.trades import Terminal, TerminalMode
from services.storage import terminals
from services.storage.database import Unit
from services.storage.tables import terminals as terminal_rows

VENUE = "paper"
LONGEST_NAME = 40


def terminal_id(person_id: int) -> str:
    """Return the id of a person's paper terminal."""
    return f"{VENUE}-{person_id}"


def open_terminal(unit: Unit, person: Person, desk: DeskSettings, paper: PaperSettings) -> Terminal | None:
    """Open the person's paper terminal, or re-open it; None for someone who may not trade.

    The venue opens the account when it is first reconciled.
    """
    if person.role < Role.TRADER:
        return None
    known = terminals.find(unit, terminal_id(person.id))
    name = known.name if known is not None and not _is_placeholder(known.name, person) else _free_name(unit, person)
    terminal = Terminal(
        id=terminal_id(person.id),
        name=name,
        venue=VENUE,
        mode=TerminalMode.PAPER,
        owner_id=person.id,
        currency=desk.currency,
        can_short=paper.can_short,
        active=True,
        reconciled_at=None,
    )
    terminals.add(unit, terminal)
    unit.wake("reconcile")
    return terminal


def _free_name(unit: Unit, person: Person) -> str:
    slug = re.sub(r"[^\w]+", "-", person.name.lower()).strip("-_")[:LONGEST_NAME] or str(person.id)
    name = f"{slug}-{VENUE}"
    others = select(terminal_rows.c.id).where(terminal_rows.c.name == name, terminal_rows.c.owner_id != person.id)
    return f"{slug}-{person.id}-{VENUE}" if unit.first(others) is not None else name


def _is_placeholder(name: str, person: Person) -> bool:
    """Tell whether the terminal was named before anyone knew what the person is called."""
    return name == f"{person.id}-{VENUE}"
