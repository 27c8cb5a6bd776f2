"""A question to the running desk: what would become of this alert?"""

from __future__ import annotations

import secrets

import aiohttp

from bot.web_probe import TIMEOUT_S, address_of
from config.web import WebSettings
from handlers.web.signals import NONCE, SIGNATURE, SOURCE, TEST, TIMESTAMP
from services.domain.ports import Clock
from services.signals.intake_auth import Purpose, sign


async def ask_desk(web: WebSettings, clock: Clock, name: str, secret: str, body: bytes) -> tuple[int, str] | None:
    """Return status and text of the desk's answer, None when no desk of ours answers at the port."""
    if web.port is None:
        return None
    timestamp, nonce = str(int(clock.now().timestamp())), secrets.token_hex(8)
    signature = sign(secret, Purpose.TEST, timestamp, nonce, "", body)
    headers = {SOURCE: name, TIMESTAMP: timestamp, NONCE: nonce, SIGNATURE: signature}
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=TIMEOUT_S)) as session,
            session.post(address_of(web) + TEST, data=body, headers=headers, allow_redirects=False) as answer,
        ):
            return (answer.status, await answer.text()) if answer.content_type == "application/json" else None
    except (aiohttp.ClientError, TimeoutError, OSError):
        return None
