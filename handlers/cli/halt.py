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
            return await HaltFromShell(database, clock, ids).lift(user_name(), scope)

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
    user = user_name()
    try:
        halted = asyncio.run(_commit(settings, clock, ids, user, scope, reason))
    except Refused as error:
        say(f"{error.values['value']!r} is nothing to halt here: {error.values['limit']}", error=True)
        return WRONG_SCOPE
    except Exception as error:  # noqa: BLE001 - whatever keeps the halt out of the database, the desk must stop
        log.error("halt.not_committed", reason=explain(error))
        say(f"the database did not take the halt: {explain(error)}", error=True)
        return _by_file(settings, clock, reason, scope)
    report_halted(settings, halted, scope)
    if halted.kill is not None and halted.kill.running:
        say("a desk that runs takes its entries back by itself; where none runs: sortie halt --cancel")
    return DONE


async def _commit(settings: Settings, clock: Clock, ids: Ids, user: str, scope: str, reason: str) -> Halted:
    async with shell_database(settings.database_url, clock, settings.database.busy_timeout_s) as database:
        return await HaltFromShell(database, clock, ids)(user, scope, reason)


def _by_file(settings: Settings, clock: Clock, reason: str, scope: str) -> int:
    if scope != HaltScope.DESK:
        say(f"{scope} is not halted; a file can only stop the whole desk: sortie halt", error=True)
        return NOTHING_DONE
    return DONE if write_file(settings, clock, reason) else NOTHING_DONE


def write_file(settings: Settings, clock: Clock, reason: str, *, flatten: bool = False) -> bool:
    """Write the halt file and say so; tell whether it is there."""
    at = clock.now().isoformat()
    try:
        file = write_halt_file(settings.desk.state_dir, by=user_name(), reason=reason, at=at, flatten=flatten)
    except OSError as error:
        say(f"the halt file could not be written either: {error.strerror}. Stop the process: kill its pid", error=True)
        return False
    say(f"HALTED by file: {file} stops every entry while it is there; protection stays. To resume: remove it, then /resume.")
    return True


def report_halted(settings: Settings, halted: Halted, scope: str) -> None:
    """Say what the switch is now, and how it is lifted."""
    halt = halted.halt
    name = "the desk" if halt.scope is HaltScope.DESK else f"{halt.scope.value} {halt.subject}"
    if halted.already:
        say(f"{name} was {halt.state.value.upper()} already, by {halt.by_name} since {halt.since:%Y-%m-%d %H:%M:%S} UTC")
    else:
        say(f"{name} is {halt.state.value.upper()}: {halt.reason}")
        say(f"open positions that keep their protection: {halted.protected}")
    if halted.withdrawn:
        say(f"entries taken back: {halted.withdrawn}")
    if halt_file(settings.desk.state_dir).exists():
        say(f"the halt file stands too: {halt_file(settings.desk.state_dir)}")
    if halt.scope is HaltScope.DESK:
        say("a commander lifts it in the chat: /resume")
    else:
        say(f"lift it with: sortie halt --lift --scope {scope}")


def shell_actor(ids: Ids) -> Actor:
    """Return whoever types at the shell, as the journal names them."""
    return Actor(kind="system", id=0, name=f"shell:{user_name()}"[:48], channel="shell", correlation=f"shell-{ids.row()}")


def user_name() -> str:
    """Return the name of whoever types at the shell."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "unknown"
