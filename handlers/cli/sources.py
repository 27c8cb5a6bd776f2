"""``sortie source``: senders outside let in, listed and sent away at the desk's machine, and an alert tried beforehand."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine
from pathlib import Path

from config.keys import KeyFileError
from config.settings import Settings
from handlers.cli.console import explain, say, say_json, say_rows
from handlers.cli.halt import shell_actor
from services.domain.errors import NotFound, SortieError
from services.domain.ports import Clock, Ids
from services.domain.sources import Source, SourceState
from services.operations.places import shell_database
from services.signals.intake_body import Malformed, read_alert, read_fields
from services.signals.sources import AddSource, SwitchSource
from services.storage import sources

DONE, FAILED, NOT_ASKED = 0, 1, 2
LARGEST = 1 << 16

Ask = Callable[[str, str, bytes], Coroutine[None, None, tuple[int, str] | None]]
"""Asks the running desk, by a source's name and secret, what would become of a body; None when no desk answers."""


def add_source(settings: Settings, clock: Clock, ids: Ids, name: str, *, plain: bool) -> int:
    """Let a sender in and print its secret, once; return the exit code."""

    async def add() -> None:
        async with shell_database(settings.database_url, clock, settings.database.busy_timeout_s) as database:
            made = await AddSource(database, settings.key_store, ids)(shell_actor(ids), name, plain=plain)
        say(f"{name} is let in. Its secret, shown this once:")
        say(made.secret)
        if settings.web.port is None:
            say("Nothing listens for it yet: set web.port and start the desk again.")

    return _run(add())


def list_sources(settings: Settings, clock: Clock) -> int:
    """Print the senders that are let in; return the exit code."""

    async def show() -> None:
        async with shell_database(settings.database_url, clock, settings.database.busy_timeout_s) as database:
            found = await database.read(sources.everything)
        rows = [(each.name, each.state.value, "shows its secret" if each.plain else "signs", each.note) for each in found]
        if rows:
            say_rows(rows)
        else:
            say("no sender outside is let in")

    return _run(show())


def switch_source(settings: Settings, clock: Clock, ids: Ids, name: str, state: SourceState) -> int:
    """Mute a sender, hear it again or send it away; return the exit code."""

    async def switch() -> None:
        async with shell_database(settings.database_url, clock, settings.database.busy_timeout_s) as database:
            changed = await SwitchSource(database)(shell_actor(ids), name, state)
        say(f"{name} is {state.value} now." if changed else f"{name} was {state.value} already.")

    return _run(switch())


def try_alert(settings: Settings, clock: Clock, name: str, file: Path, ask: Ask) -> int:
    """Print what would become of an alert that a sender posted now; nothing is stored by it. Return the exit code.

    Without a desk that answers, the body alone is checked.
    """
    body = file.read_bytes()[:LARGEST]
    try:
        source, secret = asyncio.run(_secret_of(settings, clock, name))
        answer = asyncio.run(ask(source.name, secret, body))
    except (SortieError, KeyFileError) as error:
        say(explain(error) if isinstance(error, SortieError) else str(error), error=True)
        return NOT_ASKED
    if answer is None:
        return _checked_alone(body)
    status, text = answer
    told = json.loads(text)
    say_json(told)
    return DONE if status == 200 and told.get("status") == "would be offered" else FAILED


def _checked_alone(body: bytes) -> int:
    try:
        read_alert(read_fields(body))
    except Malformed as error:
        say(f"MALFORMED: {error}", error=True)
        return FAILED
    say("The body is an alert. No desk answers at web.port, so nobody can say what would become of it.")
    return NOT_ASKED


async def _secret_of(settings: Settings, clock: Clock, name: str) -> tuple[Source, str]:
    async with shell_database(settings.database_url, clock, settings.database.busy_timeout_s) as database:
        source = await database.read(lambda unit: sources.find(unit, name))
    if source is None or source.state is SourceState.REMOVED:
        raise NotFound("SOURCE", reference=name[:32], fix="sortie source list names them")
    return source, settings.key_store.unseal(source.name, source.sealed)


def _run(work: Coroutine[None, None, None]) -> int:
    try:
        asyncio.run(work)
    except SortieError as error:
        say(explain(error), error=True)
        return FAILED
    return DONE
