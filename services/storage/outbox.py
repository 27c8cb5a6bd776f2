"""The outbox: cards that want to be shown as they are now, and events that must be told as they were."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import and_, case, delete, insert, or_, select, update

from services.domain.notices import Card, Notice, Priority
from services.domain.states import NoticeState
from services.storage.database import Unit
from services.storage.tables import cards, notices


def tell(
    unit: Unit,
    chat_id: int,
    template: str,
    facts: Mapping[str, object],
    *,
    thread_id: int | None = None,
    priority: Priority = Priority.NORMAL,
    silent: bool = False,
    reply_to_card: str | None = None,
    not_before: datetime | None = None,
) -> None:
    """Store an event for a chat; it is rendered from these facts, never merged or dropped."""
    unit.run(
        insert(notices).values(
            chat_id=chat_id,
            thread_id=thread_id,
            template=template,
            facts=dict(facts),
            priority=int(priority),
            silent=silent,
            state=NoticeState.PENDING.value,
            created_at=unit.now,
            not_before=not_before,
            reply_to_card=reply_to_card,
            attempts=0,
        )
    )
    unit.wake("sender")


def show(
    unit: Unit,
    key: str,
    chat_id: int,
    *,
    thread_id: int | None = None,
    message_id: int | None = None,
    priority: Priority = Priority.NORMAL,
    silent: bool = False,
    reply_to_card: str | None = None,
    anew: bool = False,
) -> None:
    """Ask for a card in a chat; an existing one is refreshed in place, or with ``anew`` sent as a new message.

    A ``message_id`` makes an existing message of the bot the card.
    """
    row = unit.first(select(cards).where(cards.c.key == key, cards.c.chat_id == chat_id))
    if row is None:
        unit.run(
            insert(cards).values(
                key=key,
                chat_id=chat_id,
                thread_id=thread_id,
                message_id=message_id,
                wanted=1,
                shown=0,
                silent=silent,
                priority=int(priority),
                reply_to_card=reply_to_card,
                digest=None,
                has_photo=False,
                stale=True,
                created_at=unit.now,
            )
        )
    else:
        values: dict[str, Any] = {"wanted": cards.c.wanted + 1, "stale": True, "priority": int(priority)}
        if anew or message_id is not None:
            values |= {"message_id": message_id, "digest": None, "has_photo": False, "silent": silent}
        unit.run(update(cards).where(cards.c.key == key, cards.c.chat_id == chat_id).values(**values))
    unit.wake("sender")


def refresh(unit: Unit, key: str, priority: Priority = Priority.NORMAL) -> None:
    """Ask for a new rendering of a card in every chat that has it; a card that waits already keeps the more urgent lane."""
    waits_in_front = and_(cards.c.stale, cards.c.priority < int(priority))
    lane = case((waits_in_front, cards.c.priority), else_=int(priority))
    values: dict[str, Any] = {"wanted": cards.c.wanted + 1, "stale": True, "priority": lane}
    if unit.run(update(cards).where(cards.c.key == key).values(**values)).rowcount:
        unit.wake("sender")


def take_over(unit: Unit, old_key: str, new_key: str, chat_id: int) -> bool:
    """Let a message live on under another key, a preview as its trade's card; False when there was no such card."""
    unit.run(delete(cards).where(cards.c.key == new_key, cards.c.chat_id == chat_id))
    changed = unit.run(
        update(cards)
        .where(cards.c.key == old_key, cards.c.chat_id == chat_id)
        .values(key=new_key, wanted=cards.c.wanted + 1, stale=True, priority=int(Priority.TAP))
    )
    unit.wake("sender")
    return changed.rowcount == 1


def _card(row: Any) -> Card:
    return Card(
        key=row.key,
        chat_id=row.chat_id,
        thread_id=row.thread_id,
        message_id=row.message_id,
        wanted=row.wanted,
        shown=row.shown,
        silent=row.silent,
        priority=Priority(row.priority),
        reply_to_card=row.reply_to_card,
        digest=row.digest,
        has_photo=row.has_photo,
        created_at=row.created_at,
    )


def card(unit: Unit, key: str, chat_id: int) -> Card | None:
    """Return a card, or None."""
    row = unit.first(select(cards).where(cards.c.key == key, cards.c.chat_id == chat_id))
    return _card(row) if row else None


def card_of_message(unit: Unit, chat_id: int, message_id: int) -> Card | None:
    """Return the card that a message shows, or None."""
    row = unit.first(select(cards).where(cards.c.chat_id == chat_id, cards.c.message_id == message_id))
    return _card(row) if row else None


def stale_cards(unit: Unit, limit: int) -> list[Card]:
    """Return cards that wait to be shown, the most urgent first."""
    rows = unit.all(select(cards).where(cards.c.stale).order_by(cards.c.priority, cards.c.created_at).limit(limit))
    return [_card(row) for row in rows]


def shown(unit: Unit, done: Card, *, message_id: int | None, digest: str | None, has_photo: bool) -> None:
    """Note that a card was shown up to the change it was rendered for; later changes keep it stale."""
    unit.run(
        update(cards)
        .where(cards.c.key == done.key, cards.c.chat_id == done.chat_id)
        .values(
            message_id=message_id,
            shown=done.wanted,
            stale=cards.c.wanted > done.wanted,
            digest=digest,
            has_photo=has_photo,
        )
    )


def drop_card(unit: Unit, key: str, chat_id: int) -> None:
    """Forget a card whose chat cannot be written to."""
    unit.run(delete(cards).where(cards.c.key == key, cards.c.chat_id == chat_id))


def _notice(row: Any) -> Notice:
    return Notice(
        id=row.id,
        chat_id=row.chat_id,
        thread_id=row.thread_id,
        template=row.template,
        facts=row.facts,
        priority=Priority(row.priority),
        silent=row.silent,
        state=NoticeState(row.state),
        created_at=row.created_at,
        not_before=row.not_before,
        reply_to_card=row.reply_to_card,
        attempts=row.attempts,
    )


def pending_notices(unit: Unit, limit: int) -> list[Notice]:
    """Return events that wait to be told, the most urgent and then the oldest first."""
    rows = unit.all(
        select(notices)
        .where(
            notices.c.state == NoticeState.PENDING.value,
            or_(notices.c.not_before.is_(None), notices.c.not_before <= unit.now),
        )
        .order_by(notices.c.priority, notices.c.id)
        .limit(limit)
    )
    return [_notice(row) for row in rows]


def is_pending(unit: Unit, notice_id: int) -> bool:
    """Tell whether an event still waits to be told."""
    row = unit.first(select(notices.c.state).where(notices.c.id == notice_id))
    return row is not None and row.state == NoticeState.PENDING.value


def told(unit: Unit, done: Notice, message_id: int | None) -> None:
    """Note that an event reached its chat."""
    unit.run(
        update(notices)
        .where(notices.c.id == done.id)
        .values(state=NoticeState.SENT.value, message_id=message_id, answered_at=unit.now)
    )


def not_told(unit: Unit, failed: Notice, error: str, *, final: bool, not_before: datetime | None = None) -> None:
    """Note a failed try; ``final`` when the chat cannot be written to at all."""
    state = NoticeState.UNDELIVERABLE if final else NoticeState.PENDING
    unit.run(
        update(notices)
        .where(notices.c.id == failed.id)
        .values(state=state.value, attempts=notices.c.attempts + 1, error=error[:256], not_before=not_before)
    )


def backlog(unit: Unit) -> int:
    """Count what waits to be sent."""
    waiting = unit.all(select(notices.c.id).where(notices.c.state == NoticeState.PENDING.value))
    return len(waiting) + len(unit.all(select(cards.c.key).where(cards.c.stale)))
