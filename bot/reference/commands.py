"""The page of commands: those of the chat by room, and those of the shell."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import cast

from typer.core import TyperCommand, TyperGroup
from typer.main import get_group

from bot.__main__ import app as shell
from bot.reference.markdown import code, table
from handlers.telegram.app import App
from handlers.telegram.commands import CommandSpec, CommandTable, Kind, Where
from handlers.telegram.lists import Lists
from handlers.telegram.rooms import Rooms
from services.domain.people import Role
from services.reporting.viewer import Terms
from services.signals.switches import SwitchStrategy

ROOMS = {
    "desk": "The desk",
    "missions": "Missions",
    "positions": "Trades and money",
    "entries": "Entries that work",
    "risk": "Risk and halts",
    "people": "People and chats",
    "reconcile": "Open questions",
    "alerts": "What is wrong",
}
WHERE: Mapping[Where, str] = {
    Where.ANYWHERE: "anywhere",
    Where.PRIVATE: "private chat",
    Where.MONEY: "anywhere; in a group it answers in private",
    Where.GROUP: "group or topic",
}
# What click says of an argument's or option's type; the name says as much.
_TYPE = re.compile(r" <[^>]*>")
KIND: Mapping[Kind, str] = {
    Kind.READ: "read",
    Kind.ACT: "acts",
    Kind.SAFETY: "safety",
}


def chat_commands() -> CommandTable:
    """Return the table of the chat's commands, to be read and not to be called."""
    # Rows name their handlers; only a handler that is called reaches for what it was built with.
    nothing = None
    lists = Lists(cast(App, nothing), cast(Terms, nothing))
    return Rooms(cast(App, nothing), lists, cast(SwitchStrategy, nothing)).table


def reference_page() -> str:
    """Return the Markdown page that lists every command."""
    lines = [
        "# Commands",
        "",
        "## In the chat",
        "",
        "Words in brackets may be left out; a bar means one of. *For* is the least role: observer, then trader, then",
        "commander. In a group, `/command@botname` works as well.",
        "",
        "After a crash, what was cut short is decided by the last column: *read* and *safety* run again, *acts* never does;",
        "the person is told that it was interrupted.",
    ]
    for room, rows in groupby(chat_commands().all(), key=lambda spec: spec.room):
        lines += ["", f"### {ROOMS[room]}", "", *_room(rows)]
    lines += [
        "",
        "## In the shell",
        "",
        "`sortie` lies in `.venv/bin`. Exit codes are on [the operations page](../operations.md).",
    ]
    for name, command in _programs(get_group(shell), "sortie"):
        lines += ["", *_program(name, command)]
    return "\n".join(lines) + "\n"


def _room(rows: Iterator[CommandSpec]) -> list[str]:
    head = ("command", "what it does", "for", "where", "kind")
    return table(
        head,
        [
            (
                code(f"/{spec.name} {spec.usage}".strip()),
                spec.description,
                _for(spec.permission),
                WHERE[spec.where],
                KIND[spec.kind],
            )
            for spec in rows
        ],
    )


def _for(role: Role) -> str:
    return "anyone" if role is Role.STRANGER else role.value


def _programs(group: TyperGroup, name: str) -> Iterator[tuple[str, TyperCommand]]:
    for word, command in group.commands.items():
        if isinstance(command, TyperGroup):
            yield from _programs(command, f"{name} {word}")
        elif isinstance(command, TyperCommand):
            yield f"{name} {word}", command


def _program(name: str, command: TyperCommand) -> list[str]:
    context = command.make_context(name, [], resilient_parsing=True)
    usage = " ".join([name, *command.collect_usage_pieces(context)])
    records = [each.get_help_record(context) for each in command.params]
    rows = [(code(_TYPE.sub("", record[0])), " ".join(record[1].split())) for record in records if record is not None]
    lines = [f"### `{name}`", "", f"{command.help}", "", code(usage)]
    return [*lines, "", *table(("option or argument", "what it does"), rows)] if rows else lines
