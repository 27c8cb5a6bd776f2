"""Answers straight to the chat, past the queue; what the chat does not take in time is stored and left to the sender.

A handler that waits for a chat server that is out of reach holds a place and its person's next commands. So the answers of one
update have ten seconds in all, and the stored answer outlives the process.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, replace

import structlog

from bot.delivery import Delivery, Envelope, Fate, Outcome
from bot.pacing import Pacer
from bot.redaction import process_redactor
from handlers.telegram.request import Answered
from handlers.telegram.views.late import late_facts
from handlers.telegram.views.message import Rendered
from services.domain.errors import Unavailable
from services.domain.notices import Priority
from services.domain.ports import Clock, Nursery
from services.storage import outbox
from services.storage.database import Database, Unit, current_update

log = structlog.get_logger()
ANSWER_FOR_S = 10.0
KEEP_FOR_S = 2.0
KEEP_AGAIN_S = 1.0
READING_S = 45.0
PAUSE_FIRST_S = 0.2
PAUSE_MOST_S = 5.0


class Patience:
    """The seconds that the answers of one update may still take."""

    __slots__ = ("left",)

    def __init__(self, seconds: float) -> None:
        self.left = seconds


_patience: ContextVar[Patience | None] = ContextVar("patience", default=None)


@contextmanager
def one_update() -> Iterator[None]:
    """Let all answers within share the time of one update."""
    before = _patience.set(Patience(ANSWER_FOR_S))
    try:
        yield
    finally:
        _patience.reset(before)


@contextmanager
def spending(clock: Clock) -> Iterator[float]:
    """Yield the seconds that an answer may take, and take what it took from what its update has left."""
    patience = _patience.get() or Patience(ANSWER_FOR_S)
    began = clock.monotonic()
    try:
        yield max(patience.left, 0.0)
    finally:
        patience.left -= clock.monotonic() - began


@dataclass(frozen=True, slots=True, kw_only=True)
class _Late:
    """An answer that was not taken in time; ``shows_card``: it shows what the card of the tapped message shows anyway."""

    envelope: Envelope
    rendered: Rendered
    tapped: int | None = None
    shows_card: bool = False


class Straight:
    """Sends and edits at once; ``hold_still`` keeps a message from being overwritten by mere price changes for a while."""

    def __init__(
        self,
        database: Database,
        delivery: Delivery,
        pacer: Pacer,
        clock: Clock,
        nursery: Nursery,
        hold_still: Callable[[int, int, float], None],
    ) -> None:
        self._database = database
        self._delivery = delivery
        self._pacer = pacer
        self._clock = clock
        self._nursery = nursery
        self._hold_still = hold_still

    async def send(self, envelope: Envelope, rendered: Rendered) -> Answered:
        """Send an answer, or store it for the sender when the chat takes nothing in time."""
        with spending(self._clock) as seconds:
            outcome = await self._try(envelope.chat_id, lambda: self._delivery.send(envelope, rendered), seconds)
        return await self._ended(outcome, _Late(envelope=envelope, rendered=rendered))

    async def edit(
        self, envelope: Envelope, message_id: int, rendered: Rendered, *, has_photo: bool, reading: bool
    ) -> Answered:
        """Change a message; ``reading`` says that a person asked for what is not the message's card.

        What is not taken in time comes as a message of its own, for by then something newer may stand in the old one; a card
        is shown in its place as it is then.
        """
        self._hold_still(envelope.chat_id, message_id, READING_S if reading else 0.0)

        def call() -> Awaitable[Outcome]:
            return self._delivery.edit(envelope, message_id, rendered, has_photo=has_photo)

        with spending(self._clock) as seconds:
            outcome = await self._try(envelope.chat_id, call, seconds)
        late = _Late(envelope=envelope, rendered=rendered, tapped=message_id, shows_card=not reading)
        return await self._ended(outcome, late)

    async def insist(self, envelope: Envelope, rendered: Rendered, seconds: float) -> None:
        """Send what cannot be stored, and try for longer than an answer."""
        outcome = await self._try(envelope.chat_id, lambda: self._delivery.send(envelope, rendered), seconds)
        if outcome.fate is not Fate.DELIVERED:
            log.warning("answer.undeliverable", chat=envelope.chat_id, error=outcome.error)

    def take_turn(self, chat_id: int) -> bool:
        """Count a message that cannot wait within the limits; tell whether there was room for it."""
        if self._pacer.wait_chat(chat_id) > 0 or self._pacer.wait_all() > 0:
            return False
        self._pacer.take(chat_id)
        return True

    async def _try(self, chat_id: int, call: Callable[[], Awaitable[Outcome]], seconds: float) -> Outcome:
        end, pause = self._clock.monotonic() + seconds, PAUSE_FIRST_S
        outcome = Outcome(fate=Fate.LATER, error="no time left")
        while (wait := self._pacer.wait_chat(chat_id)) < (left := end - self._clock.monotonic()):
            if wait > 0:
                await self._clock.sleep(wait)
                continue
            self._pacer.take(chat_id)
            try:
                async with asyncio.timeout(left):
                    outcome = await call()
            except TimeoutError:
                return Outcome(fate=Fate.LATER, error="TimeoutError")
            if outcome.fate is not Fate.LATER:
                return outcome
            if outcome.error == "flood":
                self._pacer.close_gate(chat_id, outcome.wait_s)
                continue
            await self._clock.sleep(min(pause, max(end - self._clock.monotonic(), 0.0)))
            pause = min(2 * pause, PAUSE_MOST_S)
        return outcome

    async def _ended(self, outcome: Outcome, late: _Late) -> Answered:
        if outcome.fate is Fate.DELIVERED:
            return Answered.SEEN
        if outcome.fate is Fate.NEVER:
            log.warning("answer.undeliverable", chat=late.envelope.chat_id, error=outcome.error)
            return Answered.NEVER
        if outcome.fate is Fate.MOVED and outcome.chat_id is not None:
            late = replace(late, envelope=replace(late.envelope, chat_id=outcome.chat_id))
        log.info("answer.late", chat=late.envelope.chat_id, error=outcome.error)
        stored = asyncio.Event()
        self._nursery.spawn(f"answer {late.envelope.chat_id}", self._keep(late, stored))
        with suppress(TimeoutError):
            async with asyncio.timeout(KEEP_FOR_S):
                await stored.wait()
        return Answered.LATER

    async def _keep(self, late: _Late, stored: asyncio.Event) -> None:
        # An answer is not what its update asks for: storing it must not mark the update as done.
        current_update.set(None)
        while not stored.is_set():
            try:
                await self._database.write(lambda unit: _store(unit, late), urgent=True)
                stored.set()
            except Unavailable as error:
                log.warning("answer.not_kept", chat=late.envelope.chat_id, reason=error.code)
                await self._clock.sleep(KEEP_AGAIN_S)


def _store(unit: Unit, late: _Late) -> None:
    chat_id, tapped = late.envelope.chat_id, late.tapped
    card = outbox.card_of_message(unit, chat_id, tapped) if tapped is not None else None
    if tapped is not None:
        outbox.take_back_answers(unit, chat_id, tapped)
    if card is not None and late.shows_card:
        outbox.show_again(unit, card)
        return
    hidden = replace(late.rendered, text=process_redactor.hide_known(late.rendered.text))
    facts = late_facts(hidden, at=unit.now, tapped=tapped, reply_to=tapped if tapped is not None else late.envelope.reply_to)
    outbox.tell(unit, chat_id, outbox.ANSWER, facts, thread_id=late.envelope.thread_id, priority=Priority.TAP)
