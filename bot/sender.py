"""The one sender: urgent first, within the server's limits, nothing lost over a restart.

A card is rendered from the state as it is when its turn comes, so its changes coalesce; an event is rendered from the facts
in its row. Sending is at least once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import structlog

from bot.delivery import Delivery, Envelope, Fate, Outcome
from bot.pacing import Pacer
from handlers.telegram.views.cards import render_card
from handlers.telegram.views.late import late_reply_to, render_late
from handlers.telegram.views.notices import render_notice
from services.domain.errors import SortieError, Unavailable
from services.domain.measures import Meter, Timed, Unmeasured
from services.domain.notices import Card, Notice, Priority
from services.domain.ports import Clock, Nursery, StageBeat, Wakeups
from services.reporting.cards import CardFacts, load_card
from services.reporting.live import Live
from services.storage import chats, outbox, people
from services.storage.database import Database, Unit

log = structlog.get_logger()
PER_CHAT = 20
POLL_S = 0.5
# What is not urgent leaves a moment later: the order that was fired with it goes first, and a card's next change comes along.
AFTERWARDS_S = 0.02
RETRY_MOST_S = 60.0
# So often what cannot be put together is tried.
TRIES = 5
BOOK_AGAIN_S = 1.0


@dataclass(frozen=True, slots=True)
class _Item:
    priority: Priority
    asked_at: datetime
    card: Card | None
    notice: Notice | None

    @property
    def chat_id(self) -> int:
        found = self.card or self.notice
        assert found is not None
        return found.chat_id

    @property
    def key(self) -> tuple[str, object]:
        return ("card", (self.card.key, self.card.chat_id)) if self.card else ("notice", self.notice.id if self.notice else 0)


class Sender:
    """Takes what is stored for chats and brings it there."""

    def __init__(
        self,
        database: Database,
        delivery: Delivery,
        pacer: Pacer,
        live: Callable[[], Live],
        clock: Clock,
        wakeups: Wakeups,
        nursery: Nursery,
        beats: StageBeat,
        chance: Callable[[], float],
        meter: Meter | None = None,
    ) -> None:
        self._database = database
        self._delivery = delivery
        self._pacer = pacer
        self._live = live
        self._clock = clock
        self._wakeups = wakeups
        self._nursery = nursery
        self._beats = beats
        self._chance = chance
        self._meter: Meter = meter or Unmeasured()
        self._busy: set[int] = set()
        self._read_until: dict[tuple[int, int], float] = {}
        self._held: dict[tuple[str, object], tuple[float, int]] = {}
        self._set_aside: set[tuple[str, object]] = set()

    async def run(self) -> None:
        """Send for ever; woken by commits, by an urgent one at once, at the latest every half second."""
        while True:
            wait = await self._pass()
            self._beats.beat("sender", detail=f"in flight {len(self._busy)}")
            woken_for = await self._wakeups.wait("sender", min(max(wait, 0.001), POLL_S))
            if woken_for and outbox.URGENT not in woken_for:
                await self._clock.sleep(AFTERWARDS_S)

    def hold_still(self, chat_id: int, message_id: int, seconds: float) -> None:
        """Let mere price changes not overwrite a message for a while, because somebody reads it."""
        now = self._clock.monotonic()
        self._read_until = {place: until for place, until in self._read_until.items() if until > now}
        self._read_until[(chat_id, message_id)] = now + seconds

    async def flush(self, seconds: float) -> bool:
        """Send what is due and wait for it; tell whether nothing was left in time."""
        end = self._clock.monotonic() + seconds
        while self._clock.monotonic() < end:
            await self._pass()
            if not self._busy and not await self._database.read(lambda unit: outbox.backlog(unit)):
                return True
            await self._clock.sleep(0.05)
        return False

    async def _pass(self) -> float:
        """Start what may go now; return the seconds until something more may."""
        all_wait = self._pacer.wait_all()
        if all_wait > 0:
            return min(all_wait, POLL_S)
        items = await self._database.glance(_waiting)
        now, soonest = self._clock.monotonic(), POLL_S
        urgent_waits: set[int] = set()
        for item in items:
            held = self._held.get(item.key)
            if self._is_being_read(item, now):
                continue
            if held is not None and held[0] > now:
                # An alert that failed comes again in a moment; until then nothing of less weight passes it in its chat.
                waits = item.priority is Priority.URGENT and item.key not in self._set_aside
                urgent_waits |= {item.chat_id} if waits else set()
                continue
            if item.chat_id in self._busy or (item.priority is not Priority.URGENT and item.chat_id in urgent_waits):
                continue
            chat_wait = self._pacer.wait_chat(item.chat_id)
            if chat_wait > 0:
                soonest = min(soonest, chat_wait)
                continue
            all_wait = self._pacer.wait_all()
            if all_wait > 0:
                return min(soonest, all_wait)
            self._pacer.take(item.chat_id)
            self._busy.add(item.chat_id)
            self._nursery.spawn(f"send {item.chat_id}", self._send(item))
        return soonest

    def _is_being_read(self, item: _Item, now: float) -> bool:
        if item.card is None or item.priority is not Priority.BULK or item.card.message_id is None:
            return False
        return self._read_until.get((item.chat_id, item.card.message_id), now) > now

    async def _send(self, item: _Item) -> None:
        try:
            if item.card is not None:
                await self._send_card(item.card, item)
            elif item.notice is not None:
                await self._send_notice(item.notice, item)
        except SortieError:
            raise
        except Exception:
            # What cannot be put together holds up nothing else in its chat; the nursery tells of the error itself.
            await self._put_aside(item)
            raise
        finally:
            self._busy.discard(item.chat_id)
            self._wakeups.wake("sender")

    async def _send_card(self, listed: Card, item: _Item) -> None:
        def load(unit: Unit) -> tuple[Card | None, CardFacts | None, int | None]:
            # The list may be older than the last sending to this chat: what was shown meanwhile is not sent again.
            card = outbox.card(unit, listed.key, listed.chat_id)
            if card is None or card.wanted <= card.shown:
                return None, None, None
            facts = load_card(unit, card.key, card.chat_id, self._live())
            return card, facts, _reply_to(unit, card.reply_to_card, card.chat_id)

        card, facts, reply_to = await self._database.glance(load)
        if card is None:
            return
        rendered = render_card(card.key, facts) if facts is not None else None
        if rendered is None:
            await self._book(lambda unit: outbox.drop_card(unit, card.key, card.chat_id))
            return
        digest = rendered.digest()
        envelope = Envelope(chat_id=card.chat_id, thread_id=card.thread_id, silent=card.silent, reply_to=reply_to)
        if card.message_id is None:
            outcome = await self._delivery.send(envelope, rendered)
        elif card.digest == digest:
            outcome = Outcome(fate=Fate.DELIVERED, message_id=card.message_id, has_photo=card.has_photo)
        else:
            outcome = await self._delivery.edit(envelope, card.message_id, rendered, has_photo=card.has_photo)
        if outcome.fate is Fate.DELIVERED:
            self._held.pop(item.key, None)
            self._read_until.pop((card.chat_id, outcome.message_id or 0), None)
            await self._book(
                lambda unit: outbox.shown(unit, card, message_id=outcome.message_id, digest=digest, has_photo=outcome.has_photo)
            )
        elif outcome.fate is Fate.NEVER:
            await self._book(lambda unit: self._give_up(unit, card.chat_id, outcome, card=card))
        else:
            await self._postpone(item, outcome)

    async def _send_notice(self, notice: Notice, item: _Item) -> None:
        def load(unit: Unit) -> tuple[bool, int | None]:
            return outbox.is_pending(unit, notice.id), _reply_to(unit, notice.reply_to_card, notice.chat_id)

        pending, reply_to = await self._database.glance(load)
        if not pending:
            return
        if notice.template == outbox.ANSWER:
            rendered, reply_to = render_late(notice.facts), late_reply_to(notice.facts)
        else:
            rendered = render_notice(notice.template, notice.facts)
        envelope = Envelope(chat_id=notice.chat_id, thread_id=notice.thread_id, silent=notice.silent, reply_to=reply_to)
        outcome = await self._delivery.send(envelope, rendered)
        if outcome.fate is Fate.DELIVERED:
            self._held.pop(item.key, None)
            await self._book(lambda unit: outbox.told(unit, notice, outcome.message_id))
            waited = self._clock.now() - (notice.not_before or notice.created_at)
            self._meter.time(Timed.MESSAGE, waited.total_seconds())
        elif outcome.fate is Fate.NEVER:
            await self._book(lambda unit: self._give_up(unit, notice.chat_id, outcome, notice=notice))
        else:
            await self._postpone(item, outcome)

    async def _book(self, body: Callable[[Unit], None]) -> None:
        """Book what became of a message, however long the database takes no writes: unbooked it would be sent again."""
        while True:
            try:
                await self._database.write(body)
                return
            except Unavailable as error:
                log.warning("message.not_booked", reason=error.code)
                await self._clock.sleep(BOOK_AGAIN_S)

    async def _put_aside(self, item: _Item) -> None:
        tries = self._held.get(item.key, (0.0, 0))[1] + 1
        if tries < TRIES:
            self._held[item.key] = (self._clock.monotonic() + min(0.3 * 2**tries, RETRY_MOST_S), tries)
            self._set_aside.add(item.key)
            return
        gone = Outcome(fate=Fate.NEVER, error="it cannot be put together")
        await self._book(lambda unit: self._give_up(unit, item.chat_id, gone, card=item.card, notice=item.notice))
        self._held.pop(item.key, None)
        self._set_aside.discard(item.key)

    def _give_up(
        self, unit: Unit, chat_id: int, outcome: Outcome, *, card: Card | None = None, notice: Notice | None = None
    ) -> None:
        log.warning("message.undeliverable", chat=chat_id, error=outcome.error)
        if card is not None:
            outbox.drop_card(unit, card.key, card.chat_id)
        if notice is not None:
            outbox.not_told(unit, notice, outcome.error, final=True)
        if chat_id > 0 and "blocked" in outcome.error.lower():
            people.set_reachable(unit, chat_id, False)

    async def _postpone(self, item: _Item, outcome: Outcome) -> None:
        if outcome.fate is Fate.MOVED and outcome.chat_id is not None:
            moved_to = outcome.chat_id
            await self._book(lambda unit: chats.migrate(unit, item.chat_id, moved_to))
            return
        tries = self._held.get(item.key, (0.0, 0))[1] + 1
        pause = outcome.wait_s
        if outcome.error == "flood":
            self._pacer.close_gate(item.chat_id, outcome.wait_s)
        else:
            pause = min(0.3 * 2**tries, RETRY_MOST_S) * (0.7 + 0.6 * self._chance())
        self._held[item.key] = (self._clock.monotonic() + pause, tries)
        log.info("message.postponed", chat=item.chat_id, wait_s=round(pause, 2), error=outcome.error)


def _waiting(unit: Unit) -> list[_Item]:
    items = [_Item(card.priority, card.asked_at, card, None) for card in outbox.next_cards(unit, PER_CHAT)]
    items += [_Item(n.priority, n.created_at, None, n) for n in outbox.next_notices(unit, PER_CHAT)]
    return sorted(items, key=lambda item: (item.priority, item.asked_at))


def _reply_to(unit: Unit, card_key: str | None, chat_id: int) -> int | None:
    card = outbox.card(unit, card_key, chat_id) if card_key else None
    return card.message_id if card else None
