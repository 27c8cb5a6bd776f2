"""Who reads, and where: that decides whose figures are shown and whether they are money."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from config.groups import SignalSettings
from config.limits import RiskSettings
from services.domain.people import Role
from services.domain.trades import Terminal, TerminalMode
from services.reporting.live import Live, viewer_zone
from services.storage import people, terminals
from services.storage.database import Unit


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What lists need of the settings; ``strategies`` are the loaded ones with their versions."""

    limits: RiskSettings
    signals: SignalSettings
    strategies: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Viewer:
    """The reader: ``chat_id`` is where it is shown, the own id in private; ``zone`` is theirs there, the desk's in groups."""

    person_id: int
    chat_id: int
    role: Role
    zone: str

    @property
    def private(self) -> bool:
        """Tell whether nobody else reads along."""
        return self.chat_id > 0

    @property
    def sees_money(self) -> bool:
        """Tell whether sizes and money may be shown: in private, from trader up."""
        return self.private and self.role >= Role.TRADER


def read_viewer(unit: Unit, person_id: int, chat_id: int, live: Live) -> Viewer:
    """Return who reads, by the role that is stored now."""
    return Viewer(
        person_id=person_id,
        chat_id=chat_id,
        role=people.role_of(unit, person_id),
        zone=viewer_zone(unit, chat_id, live.zone),
    )


def owner_scope(viewer: Viewer, arg: str) -> int | None:
    """Return whose trades are listed: a trader's own in private, else everyone's; ``mine`` narrows a commander's view."""
    own = viewer.private and (viewer.role is Role.TRADER or (viewer.role is Role.COMMANDER and arg == "mine"))
    return viewer.person_id if own else None


def accounts_of(unit: Unit, viewer: Viewer) -> list[Terminal]:
    """Return the terminals whose figures the reader may add up: all in a group or for a commander, else their own."""
    if not viewer.private or viewer.role is not Role.TRADER:
        return terminals.everything(unit)
    return terminals.usable_by(unit, viewer.person_id)


def modes_of(accounts: Sequence[Terminal]) -> tuple[TerminalMode, ...]:
    """Return whether these terminals trade paper, testnet or live, in that order."""
    found = {account.mode for account in accounts}
    return tuple(mode for mode in TerminalMode if mode in found)
