"""Act tokens: whose they are, and using them up."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from services.domain.buttons import Act, ActToken
from services.domain.errors import Expired, NotAllowed, NotFound
from services.domain.people import Actor
from services.domain.ports import Ids
from services.storage import tokens
from services.storage.database import Unit


def issue(
    unit: Unit,
    ids: Ids,
    act: Act,
    terms: Mapping[str, str],
    *,
    person_id: int | None,
    chat_id: int | None,
    lasts_s: float,
) -> ActToken:
    """Store a fresh token bound to person, chat, terms and expiry."""
    token = ActToken(
        id=ids.secret(),
        act=act,
        person_id=person_id,
        chat_id=chat_id,
        terms=terms,
        created_at=unit.now,
        expires_at=unit.now + timedelta(seconds=lasts_s),
        used_at=None,
    )
    tokens.add(unit, token)
    return token


def check(unit: Unit, actor: Actor, token_id: str, act: Act) -> ActToken:
    """Return the token when it is this act's, this person's and this chat's; used and expired ones included."""
    token = tokens.find(unit, token_id)
    if token is None or token.act is not act:
        raise NotFound("BUTTON")
    foreign_person = token.person_id is not None and token.person_id != actor.id
    foreign_chat = token.chat_id is not None and token.chat_id != actor.chat_id
    if foreign_person or foreign_chat:
        raise NotAllowed("NOT_YOURS")
    return token


def use(unit: Unit, actor: Actor, token_id: str, act: Act) -> ActToken:
    """Use up a token; raise Expired when it is used or past its time."""
    token = check(unit, actor, token_id, act)
    if unit.now >= token.expires_at:
        raise Expired("BUTTON_EXPIRED", at=token.expires_at.isoformat())
    if not tokens.use(unit, token_id):
        raise Expired("BUTTON_USED")
    return token
