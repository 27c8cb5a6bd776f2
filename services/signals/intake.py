"""An alert from outside is let in or turned away: who sent it, when, how often, and whether it says anything.

What is let in is on disk before it is answered; it becomes a signal later (see `intake_work`). What is turned away leaves a
number.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import Counter
from dataclasses import dataclass
from datetime import timedelta

from config.intake import IntakeSettings
from services.domain.errors import Unavailable
from services.domain.ports import Clock, Ids, Nursery
from services.domain.sources import SOURCE_NAME, Alert, Arrival, Source, TurnedAway
from services.signals.intake_auth import Delivery, Knows, Purpose, Signature, read_signature
from services.signals.intake_body import Malformed, read_alert, read_dry, read_fields, read_id, read_key
from services.signals.intake_call import JudgeAlert, Told
from services.signals.sources import Seals
from services.storage import sources
from services.storage.database import Database, Unit

ANSWER_S = 2.0
"""Within which a sender is answered whatever the database does; TradingView gives up after three seconds."""
MOST_UNDER_WAY = 32
NONCE_MARGIN = timedelta(seconds=30)
REPEATED = "REPEATED"
STAGE = "signals"


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """The alert is on disk under this id; the same alert again has the same one."""

    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Turned:
    """The request was not let in; ``detail`` says what was wrong with it, to whom it is known."""

    code: TurnedAway
    detail: str = ""


Outcome = Received | Told | Turned


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    source: Source
    signature: Signature | None


class ReceiveAlert:
    """Let an alert in, once; or say what would become of it."""

    def __init__(
        self,
        database: Database,
        seals: Seals,
        judge: JudgeAlert,
        settings: IntakeSettings,
        clock: Clock,
        ids: Ids,
        nursery: Nursery,
    ) -> None:
        self._database = database
        self._knows = Knows(seals)
        self._judge = judge
        self._settings = settings
        self._clock = clock
        self._ids = ids
        self._nursery = nursery
        self._rates: dict[str, tuple[float, float]] = {}
        self._turned: Counter[tuple[str, str]] = Counter()
        self._under_way = 0

    async def __call__(self, delivery: Delivery) -> Outcome:
        """Return what became of the request, at the latest after ``ANSWER_S``."""
        if self._under_way >= MOST_UNDER_WAY:
            return Turned(code=TurnedAway.BUSY)
        answer: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._under_way += 1
        self._nursery.spawn("alert", self._answer(delivery, answer))
        try:
            async with asyncio.timeout(ANSWER_S):
                return await asyncio.shield(answer)
        except TimeoutError:
            # The work goes on: what it stores is found by its key when the sender tries again.
            return Turned(code=TurnedAway.BUSY)

    def take_counts(self) -> dict[tuple[str, str], int]:
        """Return how often known sources were turned away or repeated themselves since the last call, by source and code."""
        taken, self._turned = dict(self._turned), Counter()
        return taken

    def give_back(self, counts: dict[tuple[str, str], int]) -> None:
        """Take back numbers that could not be stored."""
        self._turned.update(counts)

    async def _answer(self, delivery: Delivery, answer: asyncio.Future[Outcome]) -> None:
        try:
            answer.set_result(await self._take(delivery))
        except Unavailable:
            answer.set_result(Turned(code=TurnedAway.BUSY))
        finally:
            self._under_way -= 1
            if not answer.done():
                answer.set_result(Turned(code=TurnedAway.BUSY))

    async def _take(self, delivery: Delivery) -> Outcome:
        known = await self._who(delivery)
        if isinstance(known, Turned):
            return known
        outcome = await self._from(known, delivery)
        if isinstance(outcome, Turned) and outcome.code is not TurnedAway.BUSY:
            self._turned[known.source.name, outcome.code.value] += 1
        return outcome

    async def _who(self, delivery: Delivery) -> _Known | Turned:
        if delivery.is_signed:
            signature = read_signature(delivery)
            source = await self._find(delivery.source)
            if not self._knows.signed(source, delivery) or signature is None or source is None:
                return Turned(code=TurnedAway.NOT_KNOWN)
            return _Known(source=source, signature=signature)
        name, secret = delivery.source, delivery.secret
        if not secret:
            try:
                fields = read_fields(delivery.body)
            except Malformed as error:
                return Turned(code=TurnedAway.MALFORMED, detail=str(error))
            name, secret = str(fields.get("source", "")), str(fields.get("secret", ""))
        if not (name and secret):
            return Turned(code=TurnedAway.NOT_SIGNED)
        source = await self._find(name)
        if not self._knows.shown(source, secret) or source is None:
            return Turned(code=TurnedAway.NOT_KNOWN)
        return _Known(source=source, signature=None)

    async def _find(self, name: str) -> Source | None:
        wanted = name if SOURCE_NAME.fullmatch(name) else ""
        return await self._database.read(lambda unit: sources.find(unit, wanted))

    async def _from(self, known: _Known, delivery: Delivery) -> Outcome:
        """Return what becomes of a request whose sender is known."""
        if known.signature is not None:
            away = abs(self._clock.now().timestamp() - known.signature.timestamp)
            if away > self._settings.skew_s:
                detail = f"{away:.0f} s from the desk's clock, {self._settings.skew_s} allowed"
                return Turned(code=TurnedAway.CLOCK, detail=detail)
        if not self._has_room(known.source.name):
            return Turned(code=TurnedAway.TOO_MANY, detail=f"{self._settings.per_minute} a minute")
        try:
            fields = read_fields(delivery.body)
            alert, own_id, dry = read_alert(fields), read_id(fields), read_dry(fields)
            key = read_key(delivery.key) if delivery.key else own_id
        except Malformed as error:
            return Turned(code=TurnedAway.MALFORMED, detail=str(error))
        if own_id is not None and key != own_id:
            return Turned(code=TurnedAway.MALFORMED, detail="id and Idempotency-Key differ")
        if dry or delivery.purpose is Purpose.TEST:
            return await self._would(known.source, alert)
        outcome, anew = await self._database.write(lambda unit: self._store(unit, known, alert, key, delivery.body))
        if isinstance(outcome, Received) and not anew:
            self._turned[known.source.name, REPEATED] += 1
        return outcome

    async def _would(self, source: Source, alert: Alert) -> Told:
        def body(unit: Unit) -> Told:
            arrival = Arrival(id="", source=source.name, key="", digest="", alert=alert, received_at=unit.now)
            return self._judge(unit, source, arrival)

        return await self._database.read(body)

    def _store(self, unit: Unit, known: _Known, alert: Alert, key: str | None, body: bytes) -> tuple[Received | Turned, bool]:
        """Store the alert unless it is there; return what to answer and whether something was stored."""
        name, signature, digest = known.source.name, known.signature, hashlib.sha256(body).hexdigest()
        if signature is not None:
            kept = timedelta(seconds=2 * self._settings.skew_s) + NONCE_MARGIN
            if not sources.use_nonce(unit, name, signature.nonce, unit.now - kept):
                return Turned(code=TurnedAway.REPLAYED, detail="its nonce was used before"), False
        arrival_id = self._ids.row()
        stored = f"id:{key}" if key else f"nonce:{signature.nonce}" if signature is not None else f"body:{arrival_id}"
        before = sources.by_key(unit, name, stored)
        if before is None and key is None and signature is None:
            since = unit.now - timedelta(seconds=self._settings.repeat_s)
            same = sources.by_body(unit, name, digest, since)
            before = (same, digest) if same is not None else None
        if before is not None:
            if before[1] != digest:
                return Turned(code=TurnedAway.KEY_REUSED, detail="this id came with another body before"), False
            return Received(id=before[0]), False
        sources.add(
            unit,
            Arrival(id=arrival_id, source=name, key=stored, digest=digest, alert=alert, received_at=unit.now),
        )
        unit.wake(STAGE)
        return Received(id=arrival_id), True

    def _has_room(self, name: str) -> bool:
        """Take one request out of a source's own bucket."""
        now, most = self._clock.monotonic(), float(self._settings.per_minute)
        left, at = self._rates.get(name, (most, now))
        left = min(most, left + max(0.0, now - at) * most / 60)
        self._rates[name] = (left - 1 if left >= 1 else left, now)
        return left >= 1
