"""Events of an economic calendar and items of news, as the desk keeps them; and what can be wrong with where they come from."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

EVERYWHERE = "ALL"


class Importance(StrEnum):
    """How much an event moves markets, rising."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"

    def at_least(self, other: Importance) -> bool:
        """Tell whether this is as important as another, or more."""
        ranks = tuple(Importance)
        return ranks.index(self) >= ranks.index(other)


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarEvent:
    """Something that happens from one instant to another, both aware UTC and often the same.

    It concerns instruments of ``currency`` (EVERYWHERE for all, empty for none) and those that it names.
    """

    title: str
    starts_at: datetime
    ends_at: datetime
    importance: Importance
    currency: str = ""
    instruments: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    """All events up to ``through``, oldest first, as they were known at ``as_of``."""

    as_of: datetime
    through: datetime
    events: tuple[CalendarEvent, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class NewsItem:
    """One headline: ``guid`` is the feed's own name of it, ``link`` where it leads, ``score`` its tone from -1 to 1."""

    feed: str
    guid: str
    link: str
    title: str
    published_at: datetime
    score: float


class Trouble(StrEnum):
    """Why a source of news was not read."""

    UNREACHABLE = "UNREACHABLE"
    HANGS = "HANGS"
    STATUS = "STATUS"
    REDIRECTED = "REDIRECTED"
    TOO_LARGE = "TOO_LARGE"
    ENCODED = "ENCODED"
    NOT_XML = "NOT_XML"
    ENTITIES = "ENTITIES"
    NOT_A_FEED = "NOT_A_FEED"
    NOT_A_CALENDAR = "NOT_A_CALENDAR"
    NO_READER = "NO_READER"


class SourceTrouble(Exception):
    """A source was not read: ``trouble`` says why, ``detail`` what was found where."""

    def __init__(self, trouble: Trouble, detail: str) -> None:
        self.trouble = trouble
        self.detail = detail
        super().__init__(f"{trouble.value}: {detail}")
