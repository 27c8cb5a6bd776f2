"""``sortie init``: from a bot's token to a desk that waits for its first commander."""

from __future__ import annotations

import asyncio
import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import segno
import typer

from bot.identity import BotIdentity, NoIdentity, ask_identity
from bot.logging import configure_shell_logging
from bot.redaction import process_redactor
from bot.settings_text import toml_text
from bot.system import StageWakeups, SystemClock, SystemIds
from config.groups import DeskSettings, TelegramSettings
from config.settings import DEFAULT_FILE, FILE_VARIABLE, Settings, load_settings
from migrations import api
from services.access.links import Link, issue_claim
from services.domain.errors import Misconfigured, Refused
from services.storage.database import Database

TRIES = 3
TOKEN_VARIABLE = "SORTIE_TELEGRAM__TOKEN"  # pragma: allowlist secret - a variable's name
BASE_VARIABLE = "SORTIE_TELEGRAM__API_BASE"
STATE_VARIABLE = "SORTIE_DESK__STATE_DIR"


@dataclass(frozen=True, slots=True, kw_only=True)
class InitOptions:
    """What ``sortie init`` was asked for; ``yes`` asks nothing, ``force`` replaces a configuration."""

    token_file: Path | None = None
    api_base: str | None = None
    yes: bool = False
    force: bool = False


def initialise(options: InitOptions) -> int:
    """Check the token, write the settings, make the database and print a one-time claim link; return the exit code.

    Raises Misconfigured when a configuration is there already, or when there is no token and nobody to ask.
    """
    file = Path(os.environ.get(FILE_VARIABLE) or DEFAULT_FILE)
    if file.exists() and not options.force:
        raise Misconfigured(
            "ALREADY_CONFIGURED", cause=f"there is {file} already", fix="edit it, or let `sortie init --force` replace it"
        )
    api_base = options.api_base or os.environ.get(BASE_VARIABLE) or TelegramSettings().api_base
    token, bot = _token(options, api_base)
    typer.echo(f"The token is that of {process_redactor.clean(bot.name)}, @{bot.username}.")
    if not options.yes and not typer.confirm(f"Set up a desk for it in {Path.cwd()}?", default=True):
        return 1
    with _restored_on_failure(file):
        settings = _write_files(file, token, api_base)
        schema = api.upgrade(settings.database_url)
    typer.echo(f"Database ready, schema {schema}.")
    try:
        link = asyncio.run(_store_claim(settings))
    except Refused as refused:
        typer.echo(f"{process_redactor.clean(str(refused.values['by']))} is commander already and can grant you a role.")
        return 0
    _show_link(f"https://t.me/{bot.username}?start={link.payload}", link.expires_at)
    return 0


def _token(options: InitOptions, api_base: str) -> tuple[str, BotIdentity]:
    given = _given_token(options)
    if given is not None:
        return given, _identify(api_base, given)
    if options.yes or not sys.stdin.isatty():
        raise Misconfigured(
            "NO_TOKEN",
            cause="no token was given, and there is no terminal to ask on",
            fix=f"give --token-file FILE, or set {TOKEN_VARIABLE}; @BotFather hands tokens out",
        )
    typer.echo("Make a bot with @BotFather in Telegram (/newbot) and paste its token here; it is not shown.")
    for left in reversed(range(TRIES)):
        token = str(typer.prompt("Bot token", hide_input=True)).strip()
        try:
            return token, _identify(api_base, token)
        except NoIdentity as error:
            if not error.refused or not left:
                raise
            typer.echo(f"{error.cause}. Try again.")
    raise AssertionError("the last try raises")


def _given_token(options: InitOptions) -> str | None:
    if options.token_file is not None:
        if TOKEN_VARIABLE in os.environ:
            raise Misconfigured("TWO_TOKENS", cause=f"--token-file and {TOKEN_VARIABLE} are both given", fix="drop one of them")
        try:
            return options.token_file.read_text(encoding="utf-8").strip()
        except OSError as error:
            raise Misconfigured(
                "TOKEN_FILE", file=options.token_file, cause=error.strerror, fix="correct --token-file"
            ) from error
    return os.environ.get(TOKEN_VARIABLE)


def _identify(api_base: str, token: str) -> BotIdentity:
    process_redactor.register(token)
    return asyncio.run(ask_identity(api_base, token))


def _write_files(file: Path, token: str, api_base: str) -> Settings:
    """Write the token where only its owner reads it, and the settings that point there; return them as read back."""
    values: dict[str, object] = {}
    if TOKEN_VARIABLE not in os.environ:
        secret = Path(os.environ.get(STATE_VARIABLE) or DeskSettings().state_dir) / "telegram-token"
        _write_private(secret, token + "\n")
        values["telegram.token_file"] = secret
        typer.echo(f"Wrote {secret}, which only you can read.")
    if api_base != TelegramSettings().api_base and BASE_VARIABLE not in os.environ:
        values["telegram.api_base"] = api_base
    file.write_text(toml_text(values), encoding="utf-8")
    typer.echo(f"Wrote {file}, every setting with its default.")
    settings = load_settings()
    configure_shell_logging(settings)
    return settings


def _write_private(file: Path, text: str) -> None:
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = file.with_name(f"{file.name}.new")
    fresh.unlink(missing_ok=True)
    with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as opened:
        opened.write(text)
    os.replace(fresh, file)


@contextmanager
def _restored_on_failure(file: Path) -> Iterator[None]:
    """Keep an earlier file beside the new one as .bak, and put things back when a later step fails."""
    backup = file.with_name(f"{file.name}.bak")
    before = file.read_bytes() if file.exists() else None
    if before is not None:
        os.replace(file, backup)
        typer.echo(f"Kept the earlier settings as {backup}.")
    try:
        yield
    except BaseException:
        file.unlink(missing_ok=True)
        if before is not None:
            os.replace(backup, file)
        raise


async def _store_claim(settings: Settings) -> Link:
    """Store a token that makes the first private /start with it a commander; raise Refused when there is one already."""
    busy_s = settings.database.busy_timeout_s
    database = Database(settings.database_url, SystemClock(), StageWakeups(), busy_timeout_s=busy_s, threads=False)
    try:
        return await database.write(lambda unit: issue_claim(unit, SystemIds()))
    finally:
        await database.close()


def _show_link(link: str, until: datetime) -> None:
    typer.echo(f"\nThe first to open this in Telegram becomes commander. It works once, until {until:%H:%M UTC on %d %B}:\n")
    typer.echo(f"  {link}\n")
    drawn = io.StringIO()
    segno.make(link, error="l", micro=False).terminal(drawn, border=2, compact=True)
    encoding = sys.stdout.encoding or "ascii"
    if drawn.getvalue().encode(encoding, "replace").decode(encoding) == drawn.getvalue():
        typer.echo(drawn.getvalue())
    typer.echo("Start the desk first, so that it answers: make run, or .venv/bin/sortie run")
