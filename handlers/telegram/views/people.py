"""People: invitations, the question before a revocation, and who one is here."""

from __future__ import annotations

from html import escape

from handlers.telegram.callbacks import ActButton
from handlers.telegram.views.format import day_clock
from handlers.telegram.views.message import Button, Rendered, Style
from handlers.telegram.views.words import plural
from services.access.links import Link
from services.access.roles import RevokeAsked
from services.domain.buttons import Act
from services.domain.grades import DEFAULT_GRADE
from services.storage import people, terminals
from services.storage.database import Unit


def render_invite(link: Link, url: str) -> Rendered:
    """Show a one-time link; a copy of it is a key."""
    role = link.role.value if link.role is not None else "member"
    text = (
        f"One-time link for one {role}:\n{escape(url)}\n"
        f"Whoever opens it first gets the role. Until {link.expires_at:%d %b %H:%M} UTC."
    )
    return Rendered(text=text, rows=((Button(text="Copy", copy=url),),), storable=False)


def render_revoke_question(asked: RevokeAsked) -> Rendered:
    """Ask for the second tap of a revocation."""
    person, passes = asked.person, ""
    if asked.trades and asked.keeper is not None:
        passes = f"{plural(asked.trades, 'live trade')} to {escape(asked.keeper.name)}.\n"
    text = (
        f"Take {person.role.value} from {escape(person.name)} ({person.id})?\n"
        f"Entries that wait are taken back, protection stays.\n{passes}The button works for one minute."
    )
    button = Button(text="Revoke", data=ActButton(act=Act.REVOKE, token=asked.token.id), style=Style.DANGER)
    return Rendered(text=text, rows=((button,),))


def render_whoami(unit: Unit, person_id: int) -> Rendered:
    """Say role, terminal and zone of one person."""
    person = people.find(unit, person_id)
    if person is None:
        return Rendered(text=f"Your id is <code>{person_id}</code>. You have no role here.")
    terminal = terminals.of_person(unit, person_id)
    account = f"{terminal.mode.value.upper()} · {escape(terminal.name)}" if terminal else "no terminal"
    grade = f" · {escape(person.grade)}" if person.grade != DEFAULT_GRADE else ""
    lines = [
        f"{escape(person.name)} · {person.role.value}{grade}",
        f"id <code>{person.id}</code>",
        account,
        f"zone {escape(person.zone)}",
    ]
    if person.lease_until is not None:
        lines.insert(1, f"till {day_clock(person.lease_until)}")
    return Rendered(text="\n".join(lines))
