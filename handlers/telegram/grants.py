"""Giving a role: typed at once, or put together by buttons; a grade and an end go with it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta

from handlers.telegram.app import App
from handlers.telegram.callbacks import ChoiceButton
from handlers.telegram.request import Request
from handlers.telegram.views.grants import GIVE, NO_END, PICK, Picked, grant_done, render_grant_choice
from services.domain.errors import NotFound, Refused
from services.domain.people import Role

_LEASE = re.compile(r"([0-9]{1,4})([mhdw])")
_UNIT = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}
MOST_WORDS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantWords:
    """What was typed behind /grant; ``role`` None asks for the buttons."""

    reference: str
    role: Role | None = None
    grade: str | None = None
    lasts: timedelta | None = None


def read_grant(text: str) -> GrantWords:
    """Read whom to give which role, with a grade and a time where they are named; raise Refused for anything else."""
    words = text.split()
    if not 1 <= len(words) <= MOST_WORDS or words[0].lower() in set(Role):
        raise Refused("GRANT_SYNTAX")
    if len(words) == 1:
        return GrantWords(reference=words[0])
    grade, lasts = None, None
    for word in (each.lower() for each in words[2:]):
        span = read_span(word)
        if (span is not None and lasts is not None) or (span is None and grade is not None):
            raise Refused("GRANT_SYNTAX")
        grade, lasts = (grade, span) if span is not None else (word, lasts)
    return GrantWords(reference=words[0], role=read_role(words[1]), grade=grade, lasts=lasts)


def read_role(text: str) -> Role:
    """Return the role of a word; raise Refused for none."""
    name = text.strip().lower()
    if name not in set(Role):
        raise Refused("ROLE_UNKNOWN", value=name[:20], limit="observer, trader, commander")
    return Role(name)


def read_span(word: str) -> timedelta | None:
    """Return a time such as ``7d``, or None for another word."""
    found = _LEASE.fullmatch(word)
    return int(found[1]) * _UNIT[found[2]] if found else None


class GrantHandlers:
    """The command, and the buttons that put the same together."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def command(self, request: Request) -> None:
        """Give a role, or show the buttons; who acted is told by a stored notice once it is given."""
        asked = read_grant(request.args)
        if asked.role is not None:
            done = await self._app.people.grant(request.actor, asked.reference, asked.role, asked.grade, asked.lasts)
            if done.waits:
                await request.reply(grant_done(done))
            return
        choice = await self._app.people.grant.look(request.actor, asked.reference)
        await request.reply(render_grant_choice(choice, Picked.of(choice.person)))

    async def choose(self, request: Request, button: ChoiceButton) -> None:
        """Change what the buttons show, or give what they show."""
        picked = Picked.load(button.value)
        if picked is None or button.name not in (PICK, GIVE):
            raise NotFound("BUTTON")
        if button.name == PICK:
            choice = await self._app.people.grant.look(request.actor, button.key)
            await request.show(render_grant_choice(choice, picked))
            return
        lasts = None if picked.lease == NO_END else read_span(picked.lease)
        await request.show(
            grant_done(await self._app.people.grant(request.actor, button.key, picked.role, picked.grade, lasts))
        )
