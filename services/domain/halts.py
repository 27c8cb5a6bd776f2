"""The kill switch: its scopes and what each state lets through."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from services.domain.orders import Purpose
from services.domain.states import HaltState


class HaltScope(StrEnum):
    """What a halt covers."""

    DESK = "desk"
    PERSON = "person"
    TERMINAL = "terminal"
    STRATEGY = "strategy"
    INSTRUMENT = "instrument"


@dataclass(frozen=True, slots=True, kw_only=True)
class Halt:
    """The kill switch of one scope: who threw it, why and since when; ``subject`` names the person, terminal ..."""

    scope: HaltScope
    subject: str
    state: HaltState
    by_id: int
    by_name: str
    reason: str
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Rearm:
    """The wait before the desk's halt is lifted: who gave the word, when it is over, and ``since`` when the halt stands."""

    id: str
    due_at: datetime
    by_id: int
    by_name: str
    since: datetime
    correlation: str


def blocks_entries(halts: Iterable[Halt]) -> Halt | None:
    """Return the first halt that stops new exposure, or None."""
    return next((halt for halt in halts if halt.state is not HaltState.ACTIVE), None)


def lets_through(halts: Iterable[Halt], purpose: Purpose) -> bool:
    """Tell whether a write of this purpose may go out: exits, protection and cancels always may."""
    return purpose is not Purpose.ENTRY or blocks_entries(halts) is None
