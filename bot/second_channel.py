"""The second channel: what Telegram or its people leave unanswered is said through apprise, at least once.

apprise waits for its servers in the caller's thread, so each address has one short-lived thread of its own at a time: one that
hangs holds up neither the desk nor its stop.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Any

import structlog

from bot.redaction import process_redactor
from config.alerting import AlertSettings
from services.access.runbooks import RUNBOOKS
from services.domain.incidents import AlertCode, Incident
from services.domain.ports import Clock, Wakeups
from services.operations.escalation import TELEGRAM
from services.reporting.incident_view import exposed_money
from services.reporting.live import Live
from services.storage import outside
from services.storage.database import Database, Unit
from services.storage.outside import OutsideNotice

log = structlog.get_logger()
POLL_S = 1.0
PAUSE_FIRST_S = 5.0
PAUSE_MOST_S = 300.0
TRIES = 40
NAMED = 5
LINE = 160
Speak = Callable[[str, str, str, float], bool]


class SecondChannel:
    """Says what waits in ``outside_notices``, at each address by itself; called every second."""

    def __init__(
        self,
        database: Database,
        settings: AlertSettings,
        desk_name: str,
        live: Callable[[], Live],
        clock: Clock,
        wakeups: Wakeups,
        urls: Sequence[str],
        speak: Speak | None = None,
    ) -> None:
        self._database = database
        self._settings = settings
        self._desk_name = desk_name
        self._live = live
        self._clock = clock
        self._wakeups = wakeups
        self._urls = urls
        self._speak = speak or say_through_apprise
        self._busy: set[int] = set()

    async def run(self) -> None:
        """Say for ever; woken by commits, at the latest every second."""
        while True:
            await self.look()
            await self._wakeups.wait("outside", POLL_S)

    async def look(self) -> int:
        """Say what is due, once, then what is over; return how many addresses took something."""
        taken = 0
        if await self._database.glance(outside.due):
            await self._database.write(outside.drop_needless)
            taken = await self._each(await self._database.glance(outside.due), self._tell)
        return taken + await self._each(await self._database.glance(outside.ends), self._tell_end)

    async def insist(self, code: AlertCode, subject: str, detail: str, lasts: Callable[[], bool], heard: set[int]) -> None:
        """Say what cannot be stored, at each address until it takes it, as long as it ``lasts``; note who has ``heard``."""
        page, since = RUNBOOKS[code], self._clock.now()
        lines = ["1 urgent, and it cannot be stored", f"{code.value} {subject}, since {since:%H:%M} UTC", detail]
        lines += [f"done: {page.done}", f"next: {page.next}"]
        title, body = self._cleaned(code.value, lines)

        async def one(place: int) -> None:
            tries, pause = 0, PAUSE_FIRST_S
            while lasts():
                failed = await self._deliver(place, title, body)
                if failed is None:
                    heard.add(place)
                    log.info("alert.said_outside", place=place, incidents=1)
                    return
                tries += 1
                log.warning("alert.not_said_outside", place=place, tries=tries, pause_s=pause, error=failed)
                await self._clock.sleep(pause)
                pause = min(2 * pause, PAUSE_MOST_S)

        await asyncio.gather(*(one(place) for place in range(len(self._urls))))

    async def _each(self, notices: list[OutsideNotice], tell: Callable[[int, list[OutsideNotice]], Awaitable[bool]]) -> int:
        places = sorted({each.place for each in notices})
        return sum(await asyncio.gather(*(tell(place, [n for n in notices if n.place == place]) for place in places)))

    async def _tell(self, place: int, notices: list[OutsideNotice]) -> bool:
        if place >= len(self._urls):
            await self._database.write(lambda unit: outside.not_said(unit, notices, "no such address any more", None))
            return False
        title, body = await self._database.read(lambda unit: self._words(unit, notices))
        failed = await self._deliver(place, title, body)
        if failed is None:
            await self._database.write(lambda unit: outside.said(unit, notices))
            log.info("alert.said_outside", place=place, incidents=len(notices))
            return True
        tries = max(each.attempts for each in notices) + 1
        pause = min(PAUSE_FIRST_S * 2 ** (tries - 1), PAUSE_MOST_S)
        again = self._clock.now() + timedelta(seconds=pause) if tries < TRIES else None
        await self._database.write(lambda unit: outside.not_said(unit, notices, failed, again))
        log.warning("alert.not_said_outside", place=place, tries=tries, pause_s=pause, error=failed)
        return False

    async def _tell_end(self, place: int, notices: list[OutsideNotice]) -> bool:
        over = {each.incident.id: each.incident for each in notices}.values()
        lines = [f"{each.code} {each.subject}, over since {each.closed_at:%H:%M} UTC"[:LINE] for each in over]
        more = f" and {len(over) - 1} more" if len(over) > 1 else ""
        title, body = self._cleaned(f"over: {notices[0].incident.code}{more}", lines[:NAMED])
        failed = await self._deliver(place, title, body) if place < len(self._urls) else None
        if failed is None:
            await self._database.write(lambda unit: outside.end_said(unit, notices))
            log.info("alert.end_said_outside", place=place, incidents=len(over))
            return True
        tries = max(each.attempts for each in notices) + 1
        again = self._clock.now() + timedelta(seconds=min(PAUSE_FIRST_S * 2 ** (tries - 1), PAUSE_MOST_S))
        await self._database.write(lambda unit: outside.end_not_said(unit, notices, failed, again))
        return False

    def _cleaned(self, what: str, lines: Sequence[str]) -> tuple[str, str]:
        title = process_redactor.clean(f"{self._desk_name}: {what}")
        return title, process_redactor.clean("\n".join(each for each in lines if each), keep_lines=True)

    async def _deliver(self, place: int, title: str, body: str) -> str | None:
        """Return what failed, or None."""
        if place in self._busy:
            return "the try before still hangs"
        loop, done = asyncio.get_running_loop(), asyncio.Event()
        outcome: list[str | None] = ["no answer in time"]

        def answer(said: str | None) -> None:
            outcome[0] = said
            self._busy.discard(place)
            done.set()

        def work() -> None:
            said: str | None = None
            try:
                if not self._speak(self._urls[place], title, body, self._settings.timeout_s):
                    said = "refused, or not reached"
            except Exception as error:  # noqa: BLE001 - the edge of a library: logged, counted and tried again
                said = type(error).__name__
            if not loop.is_closed():
                loop.call_soon_threadsafe(answer, said)

        self._busy.add(place)
        threading.Thread(target=work, name=f"outside-{place}", daemon=True).start()
        try:
            async with asyncio.timeout(self._settings.timeout_s):
                await done.wait()
        except TimeoutError:
            pass
        return outcome[0]

    def _words(self, unit: Unit, notices: Sequence[OutsideNotice]) -> tuple[str, str]:
        first = notices[0]
        more = f" and {len(notices) - 1} more" if len(notices) > 1 else ""
        why = "Telegram is silent" if first.reason == TELEGRAM else "nobody has answered"
        lines = [f"{len(notices)} urgent, {why}"]
        lines += [self._line(unit, each.incident) for each in notices[:NAMED]]
        page = RUNBOOKS[AlertCode(first.incident.code)] if first.incident.code in set(AlertCode) else None
        if page is not None and len(notices) == 1:
            lines += [f"done: {first.incident.facts.get('done', page.done)}", f"next: {page.next}, then I have it"]
        elif len(notices) > 1:
            lines.append("next: /incidents, then I have it")
        return self._cleaned(f"{first.incident.code}{more}", lines)

    def _line(self, unit: Unit, incident: Incident) -> str:
        money = exposed_money(unit, incident, self._live()) if self._settings.amounts else ""
        said = f"{incident.code} {incident.subject}, since {incident.opened_at:%H:%M} UTC"
        return (f"{said}, exposed {money}" if money else said)[:LINE]


def say_through_apprise(url: str, title: str, body: str, timeout_s: float) -> bool:
    """Say it at one address and wait for the answer; raise ValueError for an address that means nothing."""
    plugin = channel(url)
    if plugin is None:
        raise ValueError("not an address that apprise knows")
    plugin.socket_connect_timeout = plugin.socket_read_timeout = timeout_s / 2
    return bool(plugin.notify(title=title, body=body))


def channel(url: str) -> Any:
    """Return what speaks to an address, or None for one that means nothing to apprise; ImportError when it is not installed."""
    from apprise import Apprise, AppriseAsset

    # Its log lines name addresses, and addresses are keys.
    logging.getLogger("apprise").setLevel(logging.CRITICAL)
    asset = AppriseAsset(app_id="Sortie", app_desc="Sortie", async_mode=False, secure_logging=True)
    return Apprise.instantiate(url, asset=asset, suppress_exceptions=True)
