"""A grant that is put together by buttons: who, which role, which grade, for how long."""

from __future__ import annotations

from dataclasses import dataclass, replace
from html import escape

from handlers.telegram.callbacks import ChoiceButton
from handlers.telegram.views.format import day_clock
from handlers.telegram.views.message import Button, Rendered, Style, act
from handlers.telegram.views.paging import A_ROW
from handlers.telegram.views.words import standing_words
from services.access.granting import GrantChoice, GrantDone
from services.access.roles import GRANTABLE
from services.domain.people import Person, Role
from services.domain.standing import Standing

PICK, GIVE = "pick", "give"
NO_END = "0"
LEASES = {NO_END: "no end", "1d": "1 day", "7d": "7 days", "30d": "30 days"}
GRADES_SHOWN = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Picked:
    """What the buttons show as chosen."""

    role: Role
    grade: str
    lease: str

    @classmethod
    def of(cls, person: Person) -> Picked:
        """Return what is shown first: how the person stands, or a trader."""
        role = person.role if person.role in GRANTABLE else Role.TRADER
        return cls(role=role, grade=person.grade, lease=NO_END)

    @classmethod
    def load(cls, text: str) -> Picked | None:
        """Read what a button carries, or None for what none of ours does."""
        parts = text.split(".")
        if len(parts) != 3 or parts[0] not in GRANTABLE or parts[2] not in LEASES:
            return None
        return cls(role=Role(parts[0]), grade=parts[1], lease=parts[2])

    def dump(self) -> str:
        """Write it for a button."""
        return f"{self.role.value}.{self.grade}.{self.lease}"


def render_grant_choice(choice: GrantChoice, picked: Picked) -> Rendered:
    """Show how somebody stands and what would be given."""
    person = choice.person
    stands = "without a role" if person.role is Role.STRANGER else f"{person.role.value} · {escape(person.grade)}"
    end = f"\ntill {day_clock(person.lease_until)}" if person.lease_until and person.role is not Role.STRANGER else ""
    lasts = "for good" if picked.lease == NO_END else f"for {LEASES[picked.lease]}"
    text = (
        f"<b>{escape(person.name)}</b> ({person.id})\nnow {stands}{end}\n"
        f"to give: <b>{picked.role.value} · {escape(picked.grade)}</b>, {lasts}"
    )
    key = str(person.id)

    def option(label: str, wanted: Picked) -> Button:
        marked = f"• {label}" if wanted == picked else label
        return act(marked, ChoiceButton(name=PICK, key=key, value=wanted.dump()))

    roles = [option(role.value, replace(picked, role=role)) for role in GRANTABLE]
    grades = [option(grade, replace(picked, grade=grade)) for grade in choice.grades[:GRADES_SHOWN]]
    leases = [option(label, replace(picked, lease=lease)) for lease, label in LEASES.items()]
    give = act("Grant", ChoiceButton(name=GIVE, key=key, value=picked.dump()), Style.SUCCESS)
    return Rendered(text=text, rows=(*_rows(roles), *_rows(grades), *_rows(leases[:2]), *_rows(leases[2:]), (give,)))


def _rows(buttons: list[Button]) -> list[tuple[Button, ...]]:
    return [tuple(buttons[at : at + A_ROW]) for at in range(0, len(buttons), A_ROW)]


def grant_done(done: GrantDone) -> Rendered:
    """Say in a line what a grant came to: in force, or waiting, and for whom."""
    name = escape(done.person.name)
    if done.question is None or not done.waits:
        return Rendered(text=f"{name} is {done.person.role.value} now.")
    whom = "your own phrase" if done.question.solo else escape(", ".join(done.others))
    after = standing_words(Standing.read(done.change.after))
    return Rendered(text=f"⏳ {name}: {after} · waits for {whom} · question #{done.question.number}")
