"""The table of commands: one row each, from which menus, help, the reference page and the permission matrix come."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from config.grades import WITHHOLDABLE
from services.domain.grades import Grade
from services.domain.people import Role

if TYPE_CHECKING:
    from handlers.telegram.request import Request

Handler = Callable[["Request"], Awaitable[None]]


class Kind(StrEnum):
    """What may be done with a command that was found unfinished at start: run again, told as interrupted, always run."""

    READ = "read"
    ACT = "act"
    SAFETY = "safety"


class Where(StrEnum):
    """Where a command is answered; MONEY in a group is answered in private, for its figures are nobody else's."""

    ANYWHERE = "anywhere"
    PRIVATE = "private"
    MONEY = "money"
    GROUP = "group"


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandSpec:
    """One command: ``permission`` is the least role that gets more than a refusal; ``usage`` shows its arguments."""

    name: str
    description: str
    usage: str
    permission: Role
    kind: Kind
    where: Where
    room: str
    handler: Handler


class RowMaker(Protocol):
    """Writes one row of a room's table."""

    def __call__(
        self, name: str, description: str, usage: str, permission: Role, kind: Kind, where: Where, handler: Handler
    ) -> CommandSpec:
        """Return the row."""
        ...


def row_of(room: str) -> RowMaker:
    """Return what writes the rows of one room, so that a table reads as a table."""

    def row(
        name: str, description: str, usage: str, permission: Role, kind: Kind, where: Where, handler: Handler
    ) -> CommandSpec:
        return CommandSpec(
            name=name,
            description=description,
            usage=usage,
            permission=permission,
            kind=kind,
            where=where,
            room=room,
            handler=handler,
        )

    return row


class CommandTable:
    """All commands by name."""

    def __init__(self, *groups: Sequence[CommandSpec]) -> None:
        self._specs: dict[str, CommandSpec] = {}
        for spec in (each for group in groups for each in group):
            if spec.name in self._specs:
                raise ValueError(f"two commands are called /{spec.name}")
            self._specs[spec.name] = spec

    def find(self, name: str) -> CommandSpec | None:
        """Return a command's row, or None."""
        return self._specs.get(name)

    def all(self) -> tuple[CommandSpec, ...]:
        """Return all rows in the order in which they are listed."""
        return tuple(self._specs.values())

    def for_role(self, role: Role, *, group: bool, grade: Grade | None = None) -> tuple[CommandSpec, ...]:
        """Return what a role is offered in a kind of chat, without what the grade, where one is given, takes away."""
        hidden = Where.PRIVATE if group else Where.GROUP
        offered = (spec for spec in self._specs.values() if role >= spec.permission and spec.where is not hidden)
        return tuple(spec for spec in offered if grade is None or spec.name not in WITHHOLDABLE or grade.may(spec.name))
