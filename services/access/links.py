"""One-time links: the claim of a desk that has no commander yet, and invitations to a role."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from services.access import buttons
from services.access.authority import require
from services.domain.buttons import Act, ActToken
from services.domain.errors import Expired, NotFound, Refused
from services.domain.people import Actor, Role
from services.domain.ports import Ids
from services.storage import people, tokens
from services.storage.database import Database, Unit

PREFIXES = {"claim_": Act.CLAIM, "invite_": Act.INVITE}
CLAIM_S = 24 * 3600.0
INVITE_S = 24 * 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """What follows ``?start=`` in a link to the bot, and until when it works; it is a secret until it was used."""

    payload: str
    role: Role
    expires_at: datetime


def issue_claim(unit: Unit, ids: Ids) -> Link:
    """Make the link whose first opener becomes commander, the only one that works; raise Refused when the desk has one."""
    commanders = people.everyone(unit, Role.COMMANDER)
    if commanders:
        raise Refused("CLAIMED", by=commanders[0].name)
    tokens.void(unit, Act.CLAIM)
    token = buttons.issue(unit, ids, Act.CLAIM, {}, person_id=None, chat_id=None, lasts_s=CLAIM_S)
    unit.record(Actor.job("init", f"init-{ids.row()}"), "link.claim", until=token.expires_at.isoformat())
    return Link(payload=f"claim_{token.id}", role=Role.COMMANDER, expires_at=token.expires_at)


class Invite:
    """Make a link that gives a role to whoever opens it first; commanders are granted by id, never by link."""

    def __init__(self, database: Database, ids: Ids) -> None:
        self._database = database
        self._ids = ids

    async def __call__(self, actor: Actor, role: Role) -> Link:
        """Return the link. It is shown at once and never stored as a message: a copy of it is a key."""

        def body(unit: Unit) -> Link:
            require(unit, actor, Role.COMMANDER, "invite")
            if role not in (Role.OBSERVER, Role.TRADER):
                raise Refused("INVITE_ROLE", value=role.value, limit="observer, trader")
            terms = {"role": role.value, "by": str(actor.id)}
            token = buttons.issue(unit, self._ids, Act.INVITE, terms, person_id=None, chat_id=None, lasts_s=INVITE_S)
            unit.record(actor, "link.invite", role=role.value, until=token.expires_at.isoformat())
            return Link(payload=f"invite_{token.id}", role=role, expires_at=token.expires_at)

        return await self._database.write(body)


def read_payload(payload: str | None) -> tuple[Act, str] | None:
    """Return what a start payload claims to be and its token, or None for any other payload."""
    for prefix, act in PREFIXES.items():
        if payload is not None and payload.startswith(prefix):
            return act, payload.removeprefix(prefix)
    return None


def use_link(unit: Unit, actor: Actor, act: Act, token_id: str) -> ActToken:
    """Use a link up; raise NotFound for one that never was, Expired for one that is used or too old."""
    try:
        return buttons.use(unit, actor, token_id, act)
    except Expired as error:
        raise Expired("LINK_USED" if error.code == "BUTTON_USED" else "LINK_EXPIRED") from error
    except NotFound as error:
        raise NotFound("LINK") from error
