"""Pages of people and chats, and of what someone chose for themselves."""

from __future__ import annotations

from handlers.telegram.callbacks import ChoiceButton, ListName
from handlers.telegram.views.format import COLUMNS, clip, listing, span
from handlers.telegram.views.message import Button, Rendered, act
from handlers.telegram.views.paging import cut, in_rows, turning
from handlers.telegram.views.templating import render
from services.domain.grades import DEFAULT_GRADE
from services.domain.notices import Event, Loudness
from services.domain.people import Person
from services.reporting.people_lists import ChatsList, NotifyList, PeopleList, SettingsList

PEOPLE_A_PAGE, CHATS_A_PAGE = 8, 4
NAME = 16
# A colon separates the fields of a button's data, so times are written with a point there.
NIGHT = "22.00-07.00"
_NEXT = {
    Loudness.LOUD: Loudness.SILENT,
    Loudness.SILENT: Loudness.DIGEST,
    Loudness.DIGEST: Loudness.OFF,
    Loudness.OFF: Loudness.LOUD,
}


def people_page(data: PeopleList, page: int) -> Rendered:
    """Return a page of people with their roles."""
    part = cut(data.rows, page, PEOPLE_A_PAGE)
    text = render(
        "list_people",
        rows=part.rows,
        called={person.id: _called(person, data.private) for person in part.rows},
        default_grade=DEFAULT_GRADE,
        leases={
            person.id: f"{span(person.lease_until - data.at)} left" if person.lease_until is not None else ""
            for person in part.rows
        },
        unreachable=any(not person.reachable for person in part.rows),
        at=data.at,
        page=part.page,
        pages=part.pages,
    )
    return Rendered(text=text, rows=(turning(ListName.PEOPLE, part),))


def _called(person: Person, private: bool) -> str:
    """Write somebody's name, and where it is private what a command takes: the @username, or the id of whoever has none.

    A name gives way to a long username, since only a whole one can be typed.
    """
    name = clip(person.name, NAME) if person.name != str(person.id) else "not seen yet"
    if not private:
        return name
    handle = f"@{person.username}" if person.username else str(person.id)
    room = COLUMNS - len(person.role.value) - len(" ✗ ")
    return f"{name} {handle}" if len(name) + 1 + len(handle) <= room else handle


def chats_page(data: ChatsList, page: int) -> Rendered:
    """Return a page of groups with what each is told."""
    part = cut(data.rows, page, CHATS_A_PAGE)
    text = render(
        "list_chats",
        rows=part.rows,
        topics=[", ".join(topic.value for topic in line.topics) for line in part.rows],
        at=data.at,
        page=part.page,
        pages=part.pages,
    )
    return Rendered(text=text, rows=(turning(ListName.CHATS, part),))


def notify_page(data: NotifyList) -> Rendered:
    """Return someone's choices; each button sets the next loudness of its event."""
    text = render("list_notify", rows=data.rows, fixed=data.fixed, quiet=_quiet(data.quiet_from, data.quiet_to))
    buttons = [_louder(event, level) for event, level in data.rows if event not in data.fixed]
    resting = data.quiet_from is not None
    hours = ChoiceButton(name="quiet", key="hours", value="off" if resting else NIGHT)
    return Rendered(text=text, rows=in_rows(buttons, [act("No quiet hours" if resting else "Quiet 22:00-07:00", hours)]))


def _louder(event: Event, level: Loudness) -> Button:
    wanted = _NEXT[level]
    return act(f"{event.value}: {wanted.value}", ChoiceButton(name="notify", key=event.value, value=wanted.value))


def _quiet(start: str | None, end: str | None) -> str:
    return f"{start}–{end}" if start is not None and end is not None else "none"


def settings_page(data: SettingsList) -> Rendered:
    """Return what is kept of someone."""
    terminal = data.terminal
    text = render(
        "list_settings",
        person=data.person,
        quiet=_quiet(data.person.quiet_from, data.person.quiet_to),
        terminal=listing([terminal.mode.value.upper(), terminal.name]) if terminal else "none",
    )
    return Rendered(text=text)
