"""Updates: created once, kept until confirmed or a day old, delivered in order unless told otherwise."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import islice

from sandbox.telegram.wire import JsonObject, dumps

KEPT_SECONDS = 24 * 3600
KINDS = (
    "message", "edited_message", "channel_post", "edited_channel_post", "business_connection", "business_message",
    "edited_business_message", "deleted_business_messages", "guest_message", "message_reaction",
    "message_reaction_count", "inline_query", "chosen_inline_result", "callback_query", "shipping_query",
    "pre_checkout_query", "purchased_paid_media", "poll", "poll_answer", "my_chat_member", "chat_member",
    "chat_join_request", "chat_boost", "removed_chat_boost", "managed_bot", "subscription",
    "stopped_message_generation",
)  # fmt: skip
_OFF_BY_DEFAULT = frozenset({"chat_member", "message_reaction", "message_reaction_count"})
_REPLAYABLE = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Update:
    """An update as it is sent: `text` is its JSON. Updates of one lane, a chat, reach a webhook in order."""

    id: int
    kind: str
    created: float
    text: str
    lane: int = 0

    def wire(self) -> JsonObject:
        update: JsonObject = json.loads(self.text)
        return update


class UpdateQueue:
    """The updates of one bot. Ids rise by one and are never used again."""

    default_kinds = frozenset(KINDS) - _OFF_BY_DEFAULT

    def __init__(self, first_id: int) -> None:
        self.last_id = first_id - 1
        self.allowed: frozenset[str] = self.default_kinds
        self.on_added: Callable[[], None] = lambda: None
        self.on_changed: Callable[[Update, bool], None] = lambda update, added: None
        self._pending: deque[Update] = deque()
        self._delivered: deque[Update] = deque(maxlen=_REPLAYABLE)
        self._replays: list[Update] = []
        self._duplicated = 0
        self._reordered = 0
        self.held = False
        """Whether a poll is waiting for updates."""

    def __len__(self) -> int:
        return len(self._pending)

    def allow(self, kinds: Iterable[str] | None) -> None:
        """Remember which kinds the bot wants; none given leaves it as it is, an empty list is the default set."""
        if kinds is None:
            return
        wanted = frozenset(kinds)
        self.allowed = wanted or self.default_kinds

    def add(self, kind: str, content: JsonObject, now: float, lane: int = 0) -> Update | None:
        """Create an update, or nothing when the bot does not want its kind."""
        if kind not in self.allowed:
            return None
        self.last_id += 1
        text = f'{{"update_id":{self.last_id},"{kind}":{dumps(content)}}}'
        update = Update(id=self.last_id, kind=kind, created=now, text=text, lane=lane)
        self.restore(update)
        self.on_changed(update, True)
        self.on_added()
        return update

    def restore(self, update: Update) -> None:
        """Put an update back as the store kept it."""
        self._pending.append(update)

    def sort(self) -> None:
        """Put restored updates into the order of their ids."""
        self._pending = deque(sorted(self._pending, key=lambda update: update.id))

    def take(self, offset: int, limit: int, now: float) -> list[Update]:
        """Confirm what lies below `offset`, then list what is next, up to `limit`."""
        self.confirm_below(offset, now)
        batch = [*self._replays, *islice(self._pending, limit)]
        self._replays.clear()
        return self._disturbed(batch)[: max(limit, 1)]

    def confirm_below(self, offset: int, now: float) -> None:
        """Confirm what lies below `offset`; a negative one keeps that many of the last; 0 confirms nothing."""
        self._expire(now)
        if offset < 0 and self._pending:
            offset = self._pending[max(len(self._pending) + offset, 0)].id
        while self._pending and self._pending[0].id < offset:
            self._forget(self._pending.popleft())

    def confirm(self, update: Update) -> None:
        """Confirm one update that a webhook has taken, if it is still pending."""
        if update in self._pending:
            self._pending.remove(update)
            self._forget(update)

    def drop_all(self) -> None:
        while self._pending:
            self._forget(self._pending.popleft())

    def duplicate_next(self, batches: int = 1) -> None:
        """Deliver each update of the next batches that hold any twice."""
        self._duplicated += batches

    def reorder_next(self, batches: int = 1) -> None:
        """Deliver the next batches of two updates or more in reverse."""
        self._reordered += batches

    def replay(self, update_id: int) -> None:
        """Deliver a confirmed update once more; raise KeyError when it is not among the last confirmed."""
        for update in self._delivered:
            if update.id == update_id:
                self._replays.append(update)
                self.on_added()
                return
        raise KeyError(update_id)

    @property
    def waiting(self) -> bool:
        return bool(self._pending or self._replays)

    def first(self, number: int) -> list[Update]:
        """List the first pending updates."""
        return list(islice(self._pending, number))

    def _expire(self, now: float) -> None:
        while self._pending and self._pending[0].created < now - KEPT_SECONDS:
            self.on_changed(self._pending.popleft(), False)

    def _forget(self, update: Update) -> None:
        self._delivered.append(update)
        self.on_changed(update, False)

    def _disturbed(self, batch: list[Update]) -> list[Update]:
        if self._duplicated and batch:
            self._duplicated -= 1
            batch = [update for update in batch for _ in range(2)]
        if self._reordered and len(batch) > 1:
            self._reordered -= 1
            batch.reverse()
        return batch
