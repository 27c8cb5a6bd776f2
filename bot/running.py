"""From `sortie run` to its exit code: the lock comes before the heavy imports, so that a second desk is refused at once."""

from __future__ import annotations

import asyncio
import sys

import typer

from bot.command_errors import EXIT_RUNNING
from bot.loading import nothing_collected
from bot.lock import AlreadyRunning, DeskLock
from bot.logging import close_logging, configure_logging
from bot.system import SystemClock
from config.settings import Settings
from services.domain.errors import Misconfigured

SWITCH_S = 0.001


def run(settings: Settings, confirmed_live: frozenset[str] = frozenset()) -> int:
    """Run the desk until it is told to stop; return the exit code. ``confirmed_live`` terminals were named as live."""
    # Before anything is written: without a token this may be the wrong folder.
    token = _token(settings)
    lock = DeskLock(settings, SystemClock().now())
    try:
        lock.take_file()
        return _run(settings, token, lock, confirmed_live)
    except AlreadyRunning as error:
        typer.echo(f"Another desk runs here: {error.holder}. Stop it first, or use another desk.state_dir.", err=True)
        return EXIT_RUNNING
    finally:
        lock.release_file()


def _run(settings: Settings, token: str, lock: DeskLock, confirmed_live: frozenset[str]) -> int:
    configure_logging(settings)
    # Every SQL statement gives the interpreter away, and a busy thread would then keep it for up to 5 ms.
    sys.setswitchinterval(SWITCH_S)
    try:
        with nothing_collected():
            from bot.lifecycle import Desk

        asyncio.run(Desk(settings, token, lock, confirmed_live).run())
    finally:
        close_logging()
    return 0


def _token(settings: Settings) -> str:
    file = settings.telegram.token_file
    try:
        token = settings.telegram.read_token()
    except OSError as error:
        fix = "correct telegram.token_file, or run `sortie init`"
        raise Misconfigured("TOKEN_FILE", file=file, cause=error.strerror, fix=fix) from error
    if not token:
        raise Misconfigured("NO_TOKEN", cause="there is no bot token", fix="run `sortie init`, or set telegram.token_file")
    return token
