"""Circuit breakers and a person's standing as messages: what holds entries back, why, and until when."""

from __future__ import annotations

from datetime import timedelta
from html import escape

from markupsafe import Markup

from handlers.telegram.callbacks import DeskButton, DeskVerb, ListButton, ListName
from handlers.telegram.views.format import MISSING, clip, clock, day_clock, percent, span
from handlers.telegram.views.message import Rendered, act
from handlers.telegram.views.paging import cut, in_rows, turning
from handlers.telegram.views.templating import render
from handlers.telegram.views.words import badge, plural
from services.domain.breakers import Breaker, BreakerKind, BreakerState
from services.execution.benching import Benched
from services.reporting.holding_back import BreakersList, Standing

CLOSE_REASONS = ("cause is fixed", "checked, go on", "talked it over")
A_PAGE = 5
KINDS = {
    BreakerKind.DAILY_LOSS: "daily loss",
    BreakerKind.DRAWDOWN: "drawdown",
    BreakerKind.LOSING_STREAK: "losing streak",
    BreakerKind.ERROR_RATE: "errors",
    BreakerKind.MESSAGE_RATE: "message rate",
    BreakerKind.STALE_DATA: "stale data",
    BreakerKind.SLIPPAGE: "slippage",
    BreakerKind.BENCH: "bench",
}


def render_breakers(found: BreakersList, page: int) -> Rendered:
    """Return the breakers in force, each with its reason, its end, and a button that closes it."""
    part = cut(found.lines, page, A_PAGE)
    rows = [(_mark(each.breaker), clip(each.name, 20), KINDS[each.breaker.kind], *_why(each.breaker)) for each in part.rows]
    text = render(
        "list_breakers",
        badge=badge(found.modes),
        count=len(found.lines),
        rows=rows,
        at=found.at,
        page=part.page,
        pages=part.pages,
    )
    buttons = [
        act(f"Close {clip(each.name, 12)}", DeskButton(verb=DeskVerb.BREAKER, arg=each.breaker.id)) for each in part.rows
    ]
    return Rendered(text=text, rows=in_rows(buttons, turning(ListName.BREAKERS, part)))


def close_breaker_question(breaker_id: str) -> Rendered:
    """Ask a commander why a breaker may be closed before its time."""
    buttons = [
        act(reason.capitalize(), DeskButton(verb=DeskVerb.BREAKER_REASON, arg=f"{breaker_id}.{index}"))
        for index, reason in enumerate(CLOSE_REASONS)
    ]
    back = act("Back", ListButton(name=ListName.BREAKERS))
    text = "Why may entries pass again?\nThe reason goes into the journal with your name."
    return Rendered(text=text, rows=((back,), *((button,) for button in buttons)))


def breaker_closed(breaker: Breaker) -> Rendered:
    """Say that a commander closed a breaker."""
    return Rendered(text=f"✅ {KINDS[breaker.kind]} closed: {escape(breaker.reason)}.\nEntries pass the gate again.")


def render_standing(found: Standing) -> Rendered:
    """Return why a person's entries are held back and until when, and how near the other rules are."""
    held = found.discipline
    reasons = [(KINDS[each.breaker.kind], *_why(each.breaker)) for each in found.lines if each.breaker.blocks]
    if held.cooldown_until is not None:
        reasons.append(("cooldown", "a pause after a loss", _till(clock(held.cooldown_until))))
    if held.tilt_until is not None:
        reasons.append(("tilt", f"{held.tilt_losses} losses close together", _till(clock(held.tilt_until))))
    if held.shots >= held.shots_limit:
        reasons.append(("shots", "today's entries are used up", _till(day_clock(held.shots_free_at))))
    lines = [
        ("losses in a row", f"{found.losses} · lock at {found.streak_lock}"),
        ("entries today", f"{held.shots} of {held.shots_limit}"),
        ("my day", MISSING if held.day_result is None else percent(held.day_result * 100, sign=True)),
        (
            "medic mode",
            "no data" if held.day_result is None else "on" if held.medic else f"from {percent(-held.medic_from * 100)}",
        ),
    ]
    medic = ""
    if held.medic and held.day_result is not None:
        medic = f"medic mode: {percent(held.medic_risk * 100)} risk, {plural(held.medic_positions, 'trade')}"
    text = render(
        "standing", name=clip(found.name, 16), badge=found.mode.value.upper(), reasons=reasons, lines=lines, medic=medic
    )
    refresh = act("Refresh", ListButton(name=ListName.COOLDOWN))
    return Rendered(text=text, rows=((refresh, act("Breakers", ListButton(name=ListName.BREAKERS))),))


def benched(done: Benched, lasts: timedelta) -> Rendered:
    """Say who is benched until when, and what was taken back."""
    until = done.breaker.closes_at
    end = f" till {day_clock(until)}" if until is not None else ""
    text = (
        f"🪑 <b>{escape(clip(done.person.name, 24))}</b> is benched for {span(lasts)}{end}\n"
        f"{plural(done.withdrawn, 'entry', 'entries')} taken back; exits and stops go on"
    )
    return Rendered(text=text)


def called_back(done: Benched) -> Rendered:
    """Say that a bench is over."""
    return Rendered(text=f"✅ <b>{escape(clip(done.person.name, 24))}</b> may trade again")


def _mark(breaker: Breaker) -> str:
    return "⛔" if breaker.state is BreakerState.OPEN else "⏳"


def _why(breaker: Breaker) -> tuple[str, str]:
    """Return why a breaker holds, and its end."""
    if breaker.state is BreakerState.HALF_OPEN:
        return "half-open: one entry decides", "it is under way" if breaker.trial is not None else "the next one may try"
    reason = f"by {breaker.by}: {breaker.reason}" if breaker.kind is BreakerKind.BENCH else breaker.reason
    if breaker.closes_at is not None:
        return clip(reason, 60), _till(day_clock(breaker.closes_at))
    ends = "until quotes are fresh again" if breaker.kind is BreakerKind.STALE_DATA else "until a commander closes it"
    return clip(reason, 60), ends


def _till(moment: Markup) -> Markup:
    return Markup("till {}").format(moment)
