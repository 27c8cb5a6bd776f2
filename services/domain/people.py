"""People, roles and who acts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

# As many digits as an id of Telegram's can have; a longer number is nobody's, and no database takes it.
LONGEST_ID = 16


class Role(StrEnum):
    """What a person may do: observer < trader < commander. A stranger has no row that grants anything."""

    STRANGER = "stranger"
    OBSERVER = "observer"
    TRADER = "trader"
    COMMANDER = "commander"

    @property
    def rank(self) -> int:
        """Return the place in the order of roles."""
        return list(Role).index(self)

    # All four by hand: a StrEnum has the comparisons of text already, in which "trader" is above "commander".
    def __lt__(self, other: object) -> bool:
        return self.rank < other.rank if isinstance(other, Role) else NotImplemented

    def __le__(self, other: object) -> bool:
        return self.rank <= other.rank if isinstance(other, Role) else NotImplemented

    def __gt__(self, other: object) -> bool:
        return self.rank > other.rank if isinstance(other, Role) else NotImplemented

    def __ge__(self, other: object) -> bool:
        return self.rank >= other.rank if isinstance(other, Role) else NotImplemented


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Someone known by a numeric Telegram id; ``zone`` is an IANA time zone name.

    ``role`` is what they may do now: one whose lease ended is a stranger. ``lease_until`` None is a role without an end.
    """

    id: int
    name: str
    username: str | None
    role: Role
    zone: str
    locale: str
    quiet_from: str | None = None
    quiet_to: str | None = None
    reachable: bool = True
    grade: str = "regular"
    lease_until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Who acts in a use case: a person or a job, through which channel, under which correlation id.

    ``chat_id`` is the chat the act came from; ``None`` for jobs and the shell.
    """

    kind: str
    id: int
    name: str
    channel: str
    correlation: str
    chat_id: int | None = None

    @classmethod
    def job(cls, name: str, correlation: str) -> Actor:
        """Return the actor of a background job."""
        return cls(kind="system", id=0, name=name, channel="job", correlation=correlation)

    @property
    def label(self) -> str:
        """Return the actor as the journal names it, for example ``person:1001`` or ``system:reconcile``."""
        return f"person:{self.id}" if self.kind == "person" else f"{self.kind}:{self.name}"
