"""``sortie halt``: stop new exposure with the chat down, beside a running desk, or with the database out of reach."""

from __future__ import annotations

import asyncio
import getpass

import structlog

from config.settings import Settings
from handlers.cli.console import explain, say
from services.domain.errors import Refused, SortieError
from services.domain.halts import Halt, HaltScope
from services.domain.people import Actor
from services.domain.ports import Clock, Ids
from services.execution.halting import Halted
from services.operations.places import halt_file, shell_database, write_halt_file
from services.operations.shell_halt import HaltFromShell

log = structlog.get_logger()
DONE, NOTHING_DONE, WRONG_SCOPE = 0, 1, 2


def lift_halt(settings: Settings, clock: Clock, ids: Ids, *, scope: str) -> int:
    """Lift a halt of something smaller than the desk; return the exit code."""

    async def lift() -> Halt:
        async with shell_database(settings.database_url, clock, settings.database.busy_timeout_s) as database:
            return await HaltFromShell(database, clock, ids).lift(_user(), scope)

    try:
        lifted = asyncio.run(lift())
    except Refused as error:
        say(f"{error.values['value']} is not lifted: {error.values['limit']}", error=True)
        return WRONG_SCOPE
    except SortieError as error:
        say(f"nothing is lifted: {explain(error)}", error=True)
        return NOTHING_DONE
    say(f"{lifted.scope.value} {lifted.subject} is active again")
    return DONE


def halt_desk(settings: Settings, clock: Clock, ids: Ids, *, reason: str, scope: str) -> int:
    """Commit the halt, or write the halt file when the database cannot take it; return the exit code."""
    user = _user()
    try:
        halted = asyncio.run(_commit(settings, clock, ids, user, scope, reason))
    except Refused as error:
        say(f"{error.values['value']!r} is nothing to halt here: {error.values['limit']}", error=True)
        return WRONG_SCOPE
    except Exception as error:  # noqa: BLE001 - whatever keeps the halt out of the database, the desk must stop
        log.error("halt.not_committed", reason=explain(error))
        say(f"the database did not take the halt: {explain(error)}", error=True)
        return _by_file(settings, clock, user, reason, scope)
    _report(settings, halted, scope)
    return DONE


async def _commit(settings: Settings, clock: Clock, ids: Ids, user: str, scope: str, reason: str) -> Halted:
    async with shell_database(settings.database_url, clock, settings.database.busy_timeout_s) as database:
        return await HaltFromShell(database, clock, ids)(user, scope, reason)


def _by_file(settings: Settings, clock: Clock, user: str, reason: str, scope: str) -> int:
    if scope != HaltScope.DESK:
        say(f"{scope} is not halted; a file can only stop the whole desk: sortie halt", error=True)
        return NOTHING_DONE
    try:
        file = write_halt_file(settings.desk.state_dir, by=user, reason=reason, at=clock.now().isoformat())
    except OSError as error:
        say(f"the halt file could not be written either: {error.strerror}. Stop the process: kill its pid", error=True)
        return NOTHING_DONE
    say(f"HALTED by file: {file} stops every entry while it is there; protection stays. Remove it to resume.")
    return DONE


def _report(settings: Settings, halted: Halted, scope: str) -> None:
    halt = halted.halt
    name = "the desk" if halt.scope is HaltScope.DESK else f"{halt.scope.value} {halt.subject}"
    if halted.already:
        say(f"{name} was {halt.state.value.upper()} already, by {halt.by_name} since {halt.since:%Y-%m-%d %H:%M:%S} UTC")
    else:
        say(f"{name} is {halt.state.value.upper()}: {halt.reason}")
        say(f"entries taken back: {halted.withdrawn}; open positions that keep their protection: {halted.protected}")
    if halt_file(settings.desk.state_dir).exists():
        say(f"the halt file stands too: {halt_file(settings.desk.state_dir)}")
    if halt.scope is HaltScope.DESK:
        say("a commander lifts it in the chat: /resume")
    else:
        say(f"lift it with: sortie halt --lift --scope {scope}")


def shell_actor(ids: Ids) -> Actor:
    """Return whoever types at the shell, as the journal names them."""
    return Actor(kind="system", id=0, name=f"shell:{_user()}"[:48], channel="shell", correlation=f"shell-{ids.row()}")


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "unknown"
