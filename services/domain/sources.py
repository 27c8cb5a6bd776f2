"""Senders outside of the desk, and the alerts that they deliver."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from services.domain.signals import DropCode, Side

SOURCE_NAME = re.compile(r"[a-z][a-z0-9-]{0,23}")
OUTSIDE = "outside:"
# Dropped for these an alert was no call that could have come to anything; for every other reason it might have.
NO_CALL = frozenset({DropCode.MALFORMED, DropCode.NOT_IN_UNIVERSE, DropCode.NO_DATA, DropCode.STALE, DropCode.PRICE_FAR})


class SourceState(StrEnum):
    """What becomes of a source's alerts: offered, recorded and not offered, or turned away."""

    ACTIVE = "active"
    MUTED = "muted"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A sender that somebody let in.

    ``sealed`` is its secret as the desk's master key closes it. ``plain`` lets it show the secret instead of signing with it.
    ``note`` says why it is muted; results since ``judged_from`` count against it.
    """

    name: str
    owner_id: int | None
    state: SourceState
    plain: bool
    sealed: str
    note: str
    judged_from: datetime
    created_at: datetime

    @property
    def signal_source(self) -> str:
        """Return how signals name it."""
        return f"{OUTSIDE}{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """What a sender says: an instrument and a side, with prices or with distances in percent of the entry.

    ``entry`` None is the market as it is when the alert is judged. Exactly one of ``stop`` and ``stop_percent`` is there, and
    at most one of ``targets`` and ``target_percents`` has entries. ``score`` is the sender's own, 0 to 100. ``lasts_s`` is how
    long the call holds, ``time`` when the sender made it.
    """

    symbol: str
    side: Side
    entry: Decimal | None = None
    stop: Decimal | None = None
    stop_percent: Decimal | None = None
    targets: tuple[Decimal, ...] = ()
    target_percents: tuple[Decimal, ...] = ()
    timeframe: str | None = None
    score: int | None = None
    lasts_s: int | None = None
    comment: str = ""
    time: datetime | None = None


class ArrivalState(StrEnum):
    """How far an alert is: on disk, a signal that is offered, or dropped with its reason."""

    RECEIVED = "received"
    OFFERED = "offered"
    DROPPED = "dropped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """An alert that was let in. ``key`` is what makes it the same as another one of its source."""

    id: str
    source: str
    key: str
    digest: str
    alert: Alert
    received_at: datetime


class TurnedAway(StrEnum):
    """Why a request was not let in, as it is answered."""

    NO_PATH = "NO_PATH"
    ONLY_POST = "ONLY_POST"
    NOT_SIGNED = "NOT_SIGNED"
    NOT_KNOWN = "NOT_KNOWN"
    CLOCK = "CLOCK"
    REPLAYED = "REPLAYED"
    KEY_REUSED = "KEY_REUSED"
    MALFORMED = "MALFORMED"
    TOO_LARGE = "TOO_LARGE"
    ENCODED = "ENCODED"
    TOO_MANY = "TOO_MANY"
    BUSY = "BUSY"
