"""Everybody at the desk as one message: a few short lines each, money in private alone."""

from __future__ import annotations

from handlers.telegram.callbacks import ListName
from handlers.telegram.views.breakers import KINDS
from handlers.telegram.views.format import MISSING, clip, percent, r_units, round_money, row, span
from handlers.telegram.views.message import Rendered
from handlers.telegram.views.paging import cut, turning
from handlers.telegram.views.templating import render
from handlers.telegram.views.words import badge, plural
from services.domain.grades import DEFAULT_GRADE
from services.reporting.desk_people import DeskPeople, DeskPerson
from services.reporting.holding_back import Standing

A_PAGE = 5
LOCKS_SHOWN = 3


def render_desk(found: DeskPeople, page: int, *, private: bool) -> Rendered:
    """Return a page of people; in a group risk is told in R and percent alone."""
    part = cut(found.rows, page, A_PAGE)
    text = render(
        "list_desk",
        badge=badge(found.modes),
        waiting=plural(found.waiting, "question") + " waiting" if found.waiting else "",
        people=[_lines(each, found, private=private) for each in part.rows],
        at=found.at,
        page=part.page,
        pages=part.pages,
    )
    return Rendered(text=text, rows=(turning(ListName.DESK, part),))


def _lines(each: DeskPerson, found: DeskPeople, *, private: bool) -> list[str]:
    person, standing = each.person, each.standing
    grade = f" {person.grade}" if person.grade != DEFAULT_GRADE else ""
    lines = [row(clip(person.name, 16), f"{person.role.value}{grade}")]
    if standing is not None:
        day = standing.discipline.day_result
        lines.append(row(" today", MISSING if day is None else percent(day * 100, sign=True)))
    if each.live:
        share = f" · {percent(each.risk_percent)}" if each.risk_percent is not None else ""
        lines.append(row(f" {plural(each.live, 'trade')}", f"{r_units(each.risk_r, sign=False)}{share}"))
        if private:
            lines += [row(" risk", round_money(money)) for money in each.risk]
    if each.kept:
        lines.append(row(" kept for others", str(each.kept)))
    lines += [row(f" ⛔ {lock}") for lock in (_locks(standing, found) if standing is not None else [])[:LOCKS_SHOWN]]
    if each.asks:
        lines.append(row(" waits for answers", str(each.asks)))
    if person.lease_until is not None:
        lines.append(row(" role ends in", span(person.lease_until - found.at)))
    return lines


def _locks(standing: Standing, found: DeskPeople) -> list[str]:
    """Name what holds somebody back, with how long it still does."""
    held = standing.discipline
    ends = [(KINDS[each.breaker.kind], each.breaker.closes_at) for each in standing.lines if each.breaker.blocks]
    if held.cooldown_until is not None:
        ends.append(("cooldown", held.cooldown_until))
    if held.tilt_until is not None:
        ends.append(("tilt", held.tilt_until))
    if held.shots >= held.shots_limit:
        ends.append(("shots", held.shots_free_at))
    words = [f"{name} {span(at - found.at)}" if at is not None else name for name, at in ends]
    return [*words, "medic mode"] if held.medic and held.day_result is not None else words
