"""The ping to somebody else's watch: it stops when the desk stops, so that a dead process is noticed from outside."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import aiohttp
import structlog
from pydantic import SecretStr

from config.web import HeartbeatSettings
from services.domain.measures import Counted, Meter
from services.domain.ports import Clock
from services.operations.heartbeat import JudgePings
from services.operations.stages import StageAge

log = structlog.get_logger()
TIMEOUT_S = 10.0
HEADERS = {"User-Agent": "sortie"}


class Heartbeat:
    """Calls one address while every mandatory stage lives, and tells the other which do not while some do not."""

    def __init__(
        self,
        settings: HeartbeatSettings,
        stages: Callable[[], Mapping[str, StageAge]],
        judge: JudgePings,
        clock: Clock,
        meter: Meter,
    ) -> None:
        self._settings = settings
        self._stages = stages
        self._judge = judge
        self._clock = clock
        self._meter = meter

    async def run(self) -> None:
        """Ping for ever."""
        limit = aiohttp.ClientTimeout(total=TIMEOUT_S)
        async with aiohttp.ClientSession(timeout=limit, headers=HEADERS, cookie_jar=aiohttp.DummyCookieJar()) as session:
            while True:
                await self.beat(session)
                await self._clock.sleep(self._settings.every_s)

    async def beat(self, session: aiohttp.ClientSession) -> None:
        """Ping once, or withhold the ping and say what is silent."""
        silent = sorted(name for name, each in self._stages().items() if each.mandatory and not each.alive)
        url, method, body = self._settings.url, self._settings.method, b""
        if silent:
            log.warning("heartbeat.withheld", silent=silent)
            self._meter.count(Counted.HEARTBEAT, "withheld")
            url, method, body = self._settings.fail_url, "POST", f"silent: {', '.join(silent)}".encode()
        if url is None:
            return
        arrived = await _call(session, method, url, body)
        if not silent:
            self._meter.count(Counted.HEARTBEAT, "ok" if arrived else "failed")
        await self._judge(arrived=arrived)


async def _call(session: aiohttp.ClientSession, method: str, url: SecretStr, body: bytes) -> bool:
    """Tell whether the address answered that it heard; where a redirect points is not asked."""
    try:
        async with session.request(method, url.get_secret_value(), data=body or None, allow_redirects=False) as answer:
            if 200 <= answer.status < 300:
                return True
            log.warning("heartbeat.failed", status=answer.status)
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
        # The text of an error names the address, which is a secret.
        log.warning("heartbeat.failed", error=type(error).__name__)
    return False
