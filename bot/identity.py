"""Ask Telegram whose token this is: getMe, with every way in which it can fail told apart."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import aiohttp

LIMIT_S = 8.0
_TOKEN = re.compile(r"\d+:[A-Za-z0-9_-]+")
_TOKEN_FIX = "take the token again from @BotFather (/mybots, API Token) and run `sortie init --force`"
_NETWORK_FIX = "look at this machine's network and proxy, and at `telegram.api_base`"
_BASE_FIX = "correct `telegram.api_base`"


@dataclass(frozen=True, slots=True, kw_only=True)
class BotIdentity:
    """The bot behind a token."""

    id: int
    username: str
    name: str


class NoIdentity(Exception):
    """Telegram did not say who the bot is; ``refused`` tells a wrong token from a server that cannot be asked."""

    def __init__(self, cause: str, fix: str, *, refused: bool = False) -> None:
        self.cause = cause
        self.fix = fix
        self.refused = refused
        super().__init__(f"{cause}; {fix}")


async def ask_identity(api_base: str, token: str, *, limit_s: float = LIMIT_S) -> BotIdentity:
    """Return the bot's identity or raise NoIdentity. No error carries the address, which holds the token."""
    if not _TOKEN.fullmatch(token):
        raise NoIdentity("this is not a bot token: it reads 123456789:letters, digits, _ and -", _TOKEN_FIX, refused=True)
    status, _, body = await _get(f"{api_base.rstrip('/')}/bot{token}/getMe", limit_s)
    if status in (401, 404):
        raise NoIdentity("Telegram does not know this token", _TOKEN_FIX, refused=True)
    if status != 200:
        raise NoIdentity(f"{_host(api_base)} answered {status}", "try again in a minute")
    try:
        me = body["result"]
        return BotIdentity(id=int(me["id"]), username=str(me["username"]), name=str(me["first_name"]))
    except (KeyError, TypeError, ValueError):
        raise NoIdentity(f"{_host(api_base)} does not answer as a Bot API server does", _BASE_FIX) from None


async def ask_webhook(api_base: str, token: str, *, limit_s: float = LIMIT_S) -> str:
    """Return the address that Telegram sends this bot's updates to, empty when it waits to be asked, or raise NoIdentity."""
    status, _, body = await _get(f"{api_base.rstrip('/')}/bot{token}/getWebhookInfo", limit_s)
    if status != 200:
        raise NoIdentity(f"{_host(api_base)} answered {status}", "mend what the check of Telegram says")
    try:
        return str(body["result"]["url"])
    except (KeyError, TypeError):
        raise NoIdentity(f"{_host(api_base)} does not answer as a Bot API server does", _BASE_FIX) from None


async def ask_time(api_base: str, *, limit_s: float = LIMIT_S) -> datetime:
    """Return the Bot API server's clock, cut to the second as HTTP writes it, or raise NoIdentity."""
    _, date, _ = await _get(api_base, limit_s)
    try:
        return parsedate_to_datetime(date or "")
    except ValueError:
        raise NoIdentity(f"{_host(api_base)} does not tell the time", _BASE_FIX) from None


async def _get(url: str, limit_s: float) -> tuple[int, str | None, Any]:
    """Return status, date and JSON body, which is None when it is something else."""
    host = _host(url)
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=limit_s)) as session,
            session.get(url, allow_redirects=False) as response,
        ):
            is_json = response.content_type == "application/json"
            return response.status, response.headers.get("Date"), await response.json() if is_json else None
    except TimeoutError:
        raise NoIdentity(f"{host} did not answer within {limit_s:g} s", _NETWORK_FIX) from None
    except aiohttp.ClientConnectorError as error:
        raise NoIdentity(f"{host} cannot be reached ({type(error).__name__})", _NETWORK_FIX) from None
    except aiohttp.InvalidURL:
        raise NoIdentity("`telegram.api_base` is not an address", _BASE_FIX) from None
    except (aiohttp.ClientError, OSError) as error:
        raise NoIdentity(f"the connection to {host} broke ({type(error).__name__})", _NETWORK_FIX) from None
    except ValueError:
        raise NoIdentity(f"{host} sent something that is not JSON", _BASE_FIX) from None


def _host(url: str) -> str:
    return urlsplit(url).netloc.rpartition("@")[2]
