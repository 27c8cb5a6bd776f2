"""The doctor's question to the desk's own port: does it answer, and is it this desk that does."""

from __future__ import annotations

from ipaddress import ip_address

import aiohttp
from sqlalchemy.exc import SQLAlchemyError

from bot.web import HEALTH
from config.settings import Settings
from config.web import WebSettings
from handlers.web.health import Health
from services.domain.errors import SortieError
from services.domain.ports import Clock
from services.operations.doctor import Sick
from services.operations.places import shell_database
from services.operations.status import desk_status

TIMEOUT_S = 5.0
KNOWN = frozenset(health.value for health in Health)


async def ask_port(settings: Settings, clock: Clock) -> str | Sick:
    """Ask the port for its health; silence is right while no desk runs, and wrong while one does."""
    address = address_of(settings.web)
    try:
        word = await _health(address)
    except (aiohttp.ClientConnectorError, TimeoutError, OSError):
        if not await _runs(settings, clock):
            return f"nothing listens at {address}, and no desk runs"
        return Sick(
            cause=f"a desk runs, and nothing answers at {address}",
            fix="start it again, with `web.port` and `web.listen` as they are now; look for web.listening in the log",
        )
    except (aiohttp.ClientError, ValueError):
        word = ""
    if word not in KNOWN:
        return Sick(cause=f"something else answers at {address}", fix="stop it, or set another `web.port`")
    return f"{address} says {word}"


def address_of(web: WebSettings) -> str:
    """Return where this machine reaches the port: what listens everywhere is asked at home."""
    listen = ip_address(web.listen)
    home = ("::1" if listen.version == 6 else "127.0.0.1") if listen.is_unspecified else web.listen
    return f"http://{f'[{home}]' if listen.version == 6 else home}:{web.port}"


async def _health(address: str) -> str:
    limit = aiohttp.ClientTimeout(total=TIMEOUT_S)
    async with (
        aiohttp.ClientSession(timeout=limit) as session,
        session.get(address + HEALTH, allow_redirects=False) as answer,
    ):
        told = await answer.json()
    return str(told.get("status")) if isinstance(told, dict) else ""


async def _runs(settings: Settings, clock: Clock) -> bool:
    """Tell whether a desk holds its leases; a database that cannot be asked is another check's finding."""
    try:
        async with shell_database(settings.database_url, clock, settings.database.busy_timeout_s) as database:
            status = await database.read(lambda unit: desk_status(unit, now=clock.now()))
    except (SortieError, SQLAlchemyError):
        return False
    return status.alive
