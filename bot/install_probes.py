"""What `sortie doctor --install` asks a new machine: is the desk at home here, and would anybody notice its silence."""

from __future__ import annotations

import asyncio
import os
import platform
import socket
import sqlite3
import stat
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from importlib.util import find_spec
from pathlib import Path

from bot.identity import NoIdentity, ask_webhook
from config.alerting import AlertSettings
from config.groups import TelegramSettings
from config.settings import Settings
from services.domain.ports import Clock
from services.operations.backup_file import backups_in
from services.operations.doctor import Probe, Sick
from services.operations.places import backup_folder

OLDEST_PYTHON, OLDEST_SQLITE = (3, 11), (3, 35, 0)
# A day, and time to make one.
BACKUP_AGE = timedelta(hours=26)
INSTALLED_UNIT = Path("/etc/systemd/system/sortie.service")
SHIPPED_UNIT = Path(__file__).resolve().parents[1] / "deploy" / "systemd" / "sortie.service"

_LOCAL = frozenset(
    {"Description", "Documentation", "Environment", "ExecStart", "Group", "LoadCredential", "User", "WorkingDirectory"}
)


def install_probes(settings: Settings, clock: Clock) -> list[Probe]:
    """Return the questions that come on top of the doctor's own after an installation."""
    looks: dict[str, Callable[[], str | Sick]] = {
        "python": lambda: check_versions(sys.version_info[:2], sqlite3.sqlite_version_info),
        "folder": lambda: check_folder(settings.desk.state_dir, _user()),
        "backups": lambda: check_backups(settings, clock.now()),
        "watched": lambda: check_watched(settings),
        "second channel": lambda: check_second_channel(settings.alerts),
        "unit": lambda: check_unit(INSTALLED_UNIT, SHIPPED_UNIT),
    }
    return [
        *(Probe(name=name, ask=partial(asyncio.to_thread, look)) for name, look in looks.items()),
        Probe(name="updates", ask=lambda: _updates(settings)),
        *([_port_probe(settings.telegram)] if settings.telegram.mode == "webhook" else []),
    ]


def check_versions(python: tuple[int, ...], sqlite: tuple[int, ...]) -> str | Sick:
    """Say which Python and SQLite run, or that they are too old."""
    said = f"Python {'.'.join(map(str, python))}, SQLite {'.'.join(map(str, sqlite))}"
    if python < OLDEST_PYTHON:
        return Sick(cause=f"{said}: Python 3.11 is the oldest", fix="install a newer Python, remove .venv, run `make setup`")
    if sqlite < OLDEST_SQLITE:
        return Sick(cause=f"{said}: SQLite 3.35 is the oldest", fix="use a Python that brings a newer SQLite")
    return f"{said}, {platform.system()}"


def check_folder(state: Path, user: int | None) -> str | Sick:
    """Say whose the state folder is; a folder of somebody else, or one that others can read, is wrong."""
    if user is None:
        return "this system has no owners to look at"
    if not state.is_dir():
        return Sick(cause=f"there is no folder {state.absolute()}", fix="start the desk once, or correct `desk.state_dir`")
    found = state.stat()
    if found.st_uid != user:
        return Sick(
            cause=f"{state.absolute()} belongs to user {found.st_uid}, this is user {user}",
            fix="run the doctor as the desk's user (sortie-shell doctor --install), or chown the folder",
        )
    if stat.S_IMODE(found.st_mode) & 0o077:
        return Sick(cause=f"{state.absolute()} can be read by others", fix=f"chmod 700 {state.absolute()}")
    return f"{state.absolute()} is this user's alone"


def check_backups(settings: Settings, now: datetime) -> str | Sick:
    """Say how old the newest backup is; a desk that is younger than a day has none yet."""
    folder = backup_folder(settings.backup.dir, settings.desk.state_dir)
    found = backups_in(folder)
    if found:
        age = now - datetime.fromtimestamp(max(file.stat().st_mtime for file in found), UTC)
        hours = age / timedelta(hours=1)
        if age > BACKUP_AGE:
            return Sick(
                cause=f"the newest backup is {hours:.0f} h old", fix="run `sortie backup`, and see the log for `backup`"
            )
        return f"{len(found)} in {folder}, the newest {hours:.1f} h old"
    if not settings.backup.enabled:
        return Sick(cause="no backups are made", fix="set `backup.enabled = true`, or run `sortie backup` from a timer")
    database = settings.desk.state_dir / "sortie.db"
    if database.exists() and now - _born(database) > BACKUP_AGE:
        return Sick(cause=f"there is no backup in {folder}", fix="run `sortie backup` and read what it says")
    return f"none yet; the first comes at {settings.backup.at}"


def check_watched(settings: Settings) -> str | Sick:
    """Say who would notice that this machine is gone."""
    if settings.heartbeat.url is None:
        return Sick(
            cause="nobody outside would notice that this machine or the desk is gone",
            fix="set `heartbeat.url` to a watch that expects a ping every minute",
        )
    return f"pinged every {settings.heartbeat.every_s:g} s"


def check_second_channel(alerts: AlertSettings) -> str | Sick:
    """Say how many addresses an urgent alert reaches when Telegram is silent."""
    try:
        addresses = alerts.read_urls()
    except OSError as error:
        return Sick(cause=f"alerts.urls_file cannot be read: {error.strerror}", fix="look at its owner and mode")
    if not addresses:
        return Sick(cause="with Telegram down no alert reaches anybody", fix="set `alerts.urls` or `alerts.urls_file`")
    if find_spec("apprise") is None:
        return Sick(cause="what speaks to the second channel is not installed", fix="python3 deploy/environment.py alerts")
    return f"{len(addresses)} address{'es' if len(addresses) > 1 else ''}"


def check_unit(installed: Path, shipped: Path) -> str | Sick:
    """Say whether the installed unit still has every line of the shipped one; changes belong into a drop-in."""
    if not installed.is_file():
        return "no systemd unit is installed"
    if not shipped.is_file():
        return f"{installed}; there is no shipped one to compare it with"
    missing = _lines(shipped) - _lines(installed)
    if missing:
        return Sick(
            cause=f"{installed} lacks {len(missing)} lines of the shipped unit, such as {min(missing)}",
            fix=f"copy {shipped} there and put your changes into `systemctl edit sortie`",
        )
    return f"{installed} is as shipped"


def _lines(unit: Path) -> set[str]:
    """Return what a unit restricts and promises; where things lie is each machine's own matter."""
    found = (line.strip() for line in unit.read_text(encoding="utf-8").splitlines())
    return {line for line in found if "=" in line and not line.startswith(("#", ";")) and line.partition("=")[0] not in _LOCAL}


def _born(database: Path) -> datetime:
    """Return the age of the oldest file beside the database: SQLite's own file changes all the time."""
    return datetime.fromtimestamp(min(file.stat().st_mtime for file in database.parent.iterdir()), UTC)


async def _updates(settings: Settings) -> str | Sick:
    """Say whether Telegram hands updates over in the way that the settings expect."""
    telegram = settings.telegram
    try:
        token = telegram.read_token()
    except OSError:
        token = None
    if token is None:
        return Sick(cause="there is no token to ask with", fix="mend what the check of Telegram says")
    try:
        url = await ask_webhook(telegram.api_base, token)
    except NoIdentity as error:
        return Sick(cause=error.cause, fix=error.fix)
    if telegram.mode == "polling" and url:
        fix = "stop the program that set it, or take a bot of its own for this desk; the desk removes it at its next start"
        return Sick(cause="Telegram sends this bot's updates to a webhook, and this desk asks for them", fix=fix)
    if telegram.mode == "webhook" and url != f"{telegram.webhook_url}":
        fix = "start the desk, which sets it; if another address comes back, another program uses this token"
        return Sick(cause="Telegram does not send this bot's updates to `telegram.webhook_url`", fix=fix)
    return "Telegram waits to be asked" if not url else "Telegram sends them to the webhook"


def _port_probe(telegram: TelegramSettings) -> Probe:
    host, port = telegram.webhook_host, telegram.webhook_port

    async def ask() -> str | Sick:
        if await asyncio.to_thread(_can_listen, host, port):
            return f"{host}:{port} is free for the desk"
        try:
            _, writer = await asyncio.open_connection(host, port)
        except OSError as error:
            return Sick(
                cause=f"nobody can listen on {host}:{port}: {error.strerror}",
                fix="choose an address of this machine and a free port",
            )
        writer.close()
        await writer.wait_closed()
        return f"somebody listens on {host}:{port}; when no desk runs, that is another program"

    return Probe(name="webhook port", ask=ask)


def _can_listen(host: str, port: int) -> bool:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as tried:
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tried.bind((host, port))
        except OSError:
            return False
    return True


def _user() -> int | None:
    return None if sys.platform == "win32" else os.getuid()
