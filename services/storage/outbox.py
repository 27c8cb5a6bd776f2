"""The outbox: cards that want to be shown as they are now, and events that must be told as they were."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Integer, and_, bindparam, case, delete, func, insert, or_, select, update

from services.domain.notices import Card, Notice, Priority
from services.domain.states import NoticeState
from services.storage.database import Unit
from services.storage.tables import cards, notices
from services.storage.tables.columns import Instant

_NOTICE = insert(notices)
_CARD = insert(cards)
_ONE = (cards.c.key == bindparam("card"), cards.c.chat_id == bindparam("chat"))
_FIND = select(cards).where(*_ONE)
_CHATS_OF = select(cards.c.chat_id).where(cards.c.key == bindparam("card")).order_by(cards.c.created_at, cards.c.chat_id)
_DROP = delete(cards).where(*_ONE)
# What waits already keeps its place in the queue; what was shown goes to its end.
_PLACE = case((cards.c.stale, cards.c.asked_at), else_=bindparam("at", type_=Instant))
_CHANGE = update(cards).where(*_ONE).values(wanted=cards.c.wanted + 1, stale=True, asked_at=_PLACE)
_ANEW = update(cards).where(*_ONE).values(wanted=cards.c.wanted + 1, stale=True)
_WAITS_IN_FRONT = and_(cards.c.stale, cards.c.priority < bindparam("lane"))
_REFRESH = (
    update(cards)
    .where(cards.c.key == bindparam("card"))
    .values(
        wanted=cards.c.wanted + 1,
        stale=True,
        asked_at=_PLACE,
        priority=case((_WAITS_IN_FRONT, cards.c.priority), else_=bindparam("lane")),
    )
)
_SAME_MESSAGE = cards.c.message_id.is_not_distinct_from(bindparam("before", type_=BigInteger))
# What was urgent has been said; a change that came meanwhile is not urgent for that alone, or it would stay so for ever.
_WAS_URGENT = and_(cards.c.priority == Priority.URGENT.value, bindparam("lane", type_=Integer) == Priority.URGENT.value)
_SHOWN = (
    update(cards)
    .where(*_ONE, _SAME_MESSAGE)
    .values(
        stale=cards.c.wanted > bindparam("rendered"),
        asked_at=bindparam("at", type_=Instant),
        priority=case((_WAS_URGENT, Priority.NORMAL.value), else_=cards.c.priority),
    )
)
_OF_MESSAGE = select(cards).where(cards.c.chat_id == bindparam("chat"), cards.c.message_id == bindparam("message"))
_STALE = select(cards).where(cards.c.stale).order_by(cards.c.priority, cards.c.asked_at).limit(bindparam("most"))
_PENDING = (
    select(notices)
    .where(
        notices.c.state == NoticeState.PENDING.value,
        or_(notices.c.not_before.is_(None), notices.c.not_before <= bindparam("now", type_=notices.c.not_before.type)),
    )
    .order_by(notices.c.priority, notices.c.id)
    .limit(bindparam("most"))
)
# Each chat has its own limits, so each has its own queue here: one that waits for its turn holds up no other.
_RANKED_CARDS = (
    select(
        cards,
        func.row_number().over(partition_by=cards.c.chat_id, order_by=(cards.c.priority, cards.c.asked_at)).label("place"),
    )
    .where(cards.c.stale)
    .subquery()
)
_NEXT_CARDS = (
    select(_RANKED_CARDS)
    .where(_RANKED_CARDS.c.place <= bindparam("most"))
    .order_by(_RANKED_CARDS.c.priority, _RANKED_CARDS.c.asked_at)
)
_RANKED_NOTICES = (
    select(
        notices,
        func.row_number().over(partition_by=notices.c.chat_id, order_by=(notices.c.priority, notices.c.id)).label("place"),
    )
    .where(
        notices.c.state == NoticeState.PENDING.value,
        or_(notices.c.not_before.is_(None), notices.c.not_before <= bindparam("now", type_=notices.c.not_before.type)),
    )
    .subquery()
)
_NEXT_NOTICES = (
    select(_RANKED_NOTICES)
    .where(_RANKED_NOTICES.c.place <= bindparam("most"))
    .order_by(_RANKED_NOTICES.c.priority, _RANKED_NOTICES.c.id)
)
_BACKLOG = select(
    (
        select(func.count()).where(notices.c.state == NoticeState.PENDING.value).scalar_subquery()
        + select(func.count()).where(cards.c.stale).scalar_subquery()
    ).label("n")
)
URGENT = "urgent"
ANSWER = "answer"
"""The template of an answer that the chat did not take in time; its facts name the message it was to change as ``tapped``."""

_TAKE_BACK = delete(notices).where(
    notices.c.state == NoticeState.PENDING.value,
    notices.c.template == ANSWER,
    notices.c.chat_id == bindparam("chat"),
    notices.c.facts["tapped"].as_integer() == bindparam("tapped"),
)
_STATE = select(notices.c.state).where(notices.c.id == bindparam("notice"))
_TOLD = update(notices).where(notices.c.id == bindparam("notice"))


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
    row = {
        "chat_id": chat_id,
        "thread_id": thread_id,
        "template": template,
        "facts": dict(facts),
        "priority": int(priority),
        "silent": silent,
        "state": NoticeState.PENDING.value,
        "created_at": unit.now,
        "not_before": not_before,
        "reply_to_card": reply_to_card,
        "attempts": 0,
    }
    unit.run(_NOTICE, row)
    _wake(unit, priority)


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
    one: dict[str, Any] = {"card": key, "chat": chat_id}
    message: dict[str, Any] = {"message_id": message_id, "digest": None, "has_photo": False, "silent": silent}
    if anew:
        # Its turn counts from now: what was told before it goes out before it.
        message |= {"created_at": unit.now, "asked_at": unit.now}
    if unit.first(_FIND, **one) is not None:
        one["priority"] = int(priority)
        if anew:
            unit.run(_ANEW, one | message)
        else:
            unit.run(_CHANGE, one | {"at": unit.now} | (message if message_id is not None else {}))
    else:
        fresh = {
            "key": key,
            "chat_id": chat_id,
            "thread_id": thread_id,
            "wanted": 1,
            "shown": 0,
            "priority": int(priority),
            "reply_to_card": reply_to_card,
            "stale": True,
            "created_at": unit.now,
            "asked_at": unit.now,
        }
        unit.run(_CARD, message | fresh)
    _wake(unit, priority)


def refresh(unit: Unit, key: str, priority: Priority = Priority.NORMAL) -> None:
    """Ask for a new rendering of a card in every chat that has it; a card that waits already keeps the more urgent lane."""
    if unit.run(_REFRESH, {"card": key, "lane": int(priority), "at": unit.now}).rowcount:
        _wake(unit, priority)


def show_again(unit: Unit, shown_before: Card) -> None:
    """Ask for a card in its own message although nothing changed: something else stands there now."""
    again = {"card": shown_before.key, "chat": shown_before.chat_id, "at": unit.now}
    unit.run(_CHANGE, again | {"digest": None, "priority": int(Priority.TAP)})
    _wake(unit, Priority.TAP)


def take_back_answers(unit: Unit, chat_id: int, tapped: int) -> None:
    """Forget what waits as an answer to a tap on a message: a newer answer takes its place."""
    unit.run(_TAKE_BACK, {"chat": chat_id, "tapped": tapped})


def take_over(unit: Unit, old_key: str, new_key: str, chat_id: int, message_id: int | None) -> bool:
    """Let a message live on under another key, a preview as its trade's card; False when there was no such card.

    ``message_id`` is the message that was pressed: a quick thumb presses before the sender has booked what it sent.
    """
    unit.run(_DROP, {"card": new_key, "chat": chat_id})
    changed = unit.run(
        _CHANGE, {"card": old_key, "chat": chat_id, "at": unit.now, "key": new_key, "priority": int(Priority.TAP)}
    )
    if message_id is not None:
        unit.run(update(cards).where(cards.c.key == new_key, cards.c.chat_id == chat_id).values(message_id=message_id))
    unit.wake("sender")
    return changed.rowcount == 1


def _wake(unit: Unit, priority: Priority) -> None:
    unit.wake("sender", URGENT if priority is Priority.URGENT else "")


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
        asked_at=row.asked_at,
    )


def card(unit: Unit, key: str, chat_id: int) -> Card | None:
    """Return a card, or None."""
    row = unit.first(_FIND, card=key, chat=chat_id)
    return _card(row) if row else None


def chats_of(unit: Unit, key: str) -> list[int]:
    """Return the chats that have a card, in the order in which they got it."""
    return [row.chat_id for row in unit.all(_CHATS_OF, card=key)]


def card_of_message(unit: Unit, chat_id: int, message_id: int) -> Card | None:
    """Return the card that a message shows, or None."""
    row = unit.first(_OF_MESSAGE, chat=chat_id, message=message_id)
    return _card(row) if row else None


def stale_cards(unit: Unit, limit: int) -> list[Card]:
    """Return cards that wait to be shown, the most urgent first."""
    return [_card(row) for row in unit.all(_STALE, most=limit)]


def next_cards(unit: Unit, per_chat: int) -> list[Card]:
    """Return the cards that are next in each chat, the most urgent first."""
    return [_card(row) for row in unit.all(_NEXT_CARDS, most=per_chat)]


def next_notices(unit: Unit, per_chat: int) -> list[Notice]:
    """Return the events that are next in each chat, the most urgent and then the oldest first."""
    return [_notice(row) for row in unit.all(_NEXT_NOTICES, now=unit.now, most=per_chat)]


def shown(unit: Unit, done: Card, *, message_id: int | None, digest: str | None, has_photo: bool) -> None:
    """Note that a card was shown up to the change it was rendered for; later changes keep it stale.

    A card that was asked for anew while its old message was being edited forgets the old one all the same.
    """
    one = {"card": done.key, "chat": done.chat_id, "before": done.message_id}
    rendered = {"rendered": done.wanted, "lane": int(done.priority), "at": unit.now}
    values = {"message_id": message_id, "shown": done.wanted, "digest": digest, "has_photo": has_photo}
    unit.run(_SHOWN, one | rendered | values)


def drop_card(unit: Unit, key: str, chat_id: int) -> None:
    """Forget a card whose chat cannot be written to."""
    unit.run(_DROP, {"card": key, "chat": chat_id})


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
    return [_notice(row) for row in unit.all(_PENDING, now=unit.now, most=limit)]


def is_pending(unit: Unit, notice_id: int) -> bool:
    """Tell whether an event still waits to be told."""
    row = unit.first(_STATE, notice=notice_id)
    return row is not None and row.state == NoticeState.PENDING.value


def told(unit: Unit, done: Notice, message_id: int | None) -> None:
    """Note that an event reached its chat."""
    values = {"state": NoticeState.SENT.value, "message_id": message_id, "answered_at": unit.now}
    unit.run(_TOLD, {"notice": done.id, **values})


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
    return int(unit.first(_BACKLOG).n)
