"""Act tokens: single use, bound to person, chat and terms."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, delete, insert, select, update

from services.domain.buttons import Act, ActToken
from services.storage.database import Unit
from services.storage.tables import tokens

_BY_ID = select(tokens).where(tokens.c.id == bindparam("token_id"))
_USE = update(tokens).where(tokens.c.id == bindparam("token_id"), tokens.c.used_at.is_(None))
_ROW = insert(tokens)
_WAITING = (
    select(tokens)
    .where(tokens.c.act == bindparam("wanted"), tokens.c.person_id == bindparam("person"), tokens.c.used_at.is_(None))
    .order_by(tokens.c.created_at.desc(), tokens.c.id)
)


def _token(row: Any) -> ActToken:
    return ActToken(
        id=row.id,
        act=Act(row.act),
        person_id=row.person_id,
        chat_id=row.chat_id,
        terms=row.terms,
        created_at=row.created_at,
        expires_at=row.expires_at,
        used_at=row.used_at,
    )


def add(unit: Unit, token: ActToken) -> None:
    """Store a fresh token."""
    row = {
        "id": token.id,
        "act": token.act.value,
        "person_id": token.person_id,
        "chat_id": token.chat_id,
        "terms": dict(token.terms),
        "created_at": token.created_at,
        "expires_at": token.expires_at,
        "used_at": None,
    }
    unit.run(_ROW, row)


def find(unit: Unit, token_id: str) -> ActToken | None:
    """Return the token, used or not, or None."""
    row = unit.first(_BY_ID, token_id=token_id)
    return _token(row) if row else None


def waiting(unit: Unit, act: Act, person_id: int, term: str, value: str) -> ActToken | None:
    """Return a person's newest unused token of an act whose terms say this, or None."""
    held = (_token(row) for row in unit.all(_WAITING, wanted=act.value, person=person_id))
    return next((each for each in held if each.terms.get(term) == value), None)


def use(unit: Unit, token_id: str) -> bool:
    """Use a token up; tell whether this call was the one that did."""
    return unit.run(_USE, {"token_id": token_id, "used_at": unit.now}).rowcount == 1


def void(unit: Unit, act: Act) -> int:
    """Use up every token of an act that nobody has used; return how many."""
    open_ones = update(tokens).where(tokens.c.act == act.value, tokens.c.used_at.is_(None))
    return unit.run(open_ones.values(used_at=unit.now)).rowcount


def expire_of(unit: Unit, person_id: int) -> int:
    """End the time of everything that a person has not pressed yet; return how many buttons that were."""
    open_ones = update(tokens).where(
        tokens.c.person_id == person_id, tokens.c.used_at.is_(None), tokens.c.expires_at > unit.now
    )
    return unit.run(open_ones.values(expires_at=unit.now)).rowcount


def sweep(unit: Unit, before: datetime) -> int:
    """Delete tokens that expired before a time; return how many."""
    return unit.run(delete(tokens).where(tokens.c.expires_at < before)).rowcount
