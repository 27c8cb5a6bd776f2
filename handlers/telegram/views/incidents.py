"""An incident as a card: what is wrong, what is exposed, what was done, the one next step, and who has it."""

from __future__ import annotations

from datetime import datetime, timedelta

from handlers.telegram.callbacks import (
    IncidentButton,
    IncidentVerb,
    ListButton,
    ListName,
    QuestionButton,
    QuestionVerb,
    TradeButton,
    TradeVerb,
)
from handlers.telegram.views.checks import decimal_of
from handlers.telegram.views.format import clip, listing, percent, quantity, r_units, round_money, span
from handlers.telegram.views.format import money as exact_money
from handlers.telegram.views.message import Button, Rendered, Style, act
from handlers.telegram.views.paging import cut, in_rows, turning
from handlers.telegram.views.reconcile import answer_buttons, proposal_words
from handlers.telegram.views.templating import render
from handlers.telegram.views.words import badge, plural
from services.access.runbooks import RUNBOOKS
from services.domain.incidents import AlertCode, Severity
from services.domain.proposals import Answer, ProposalKind
from services.reporting.incident_list import IncidentLine, IncidentsList
from services.reporting.incident_view import AtRisk, IncidentView

MARKS = {Severity.URGENT: "🔥", Severity.ROUTINE: "⚠️"}
OLD = timedelta(seconds=30)
# Where the whole position is at stake and only a person can end it now, the close is one tap away.
CLOSES = frozenset(
    {
        AlertCode.STOP_NOT_PLACED,
        AlertCode.CLOSE_REJECTED,
        AlertCode.POSITION_BARE,
        AlertCode.STOP_LATE,
        AlertCode.WATCH_STALE,
        AlertCode.LATE_FILL,
    }
)
A_PAGE = 5
_PAGES = {f"/{name.value}": name for name in ListName}


def render_incident(view: IncidentView) -> Rendered:
    """Return the card; in a group without money and without what leads to figures."""
    incident, over = view.incident, _over(view)
    text = render(
        "incident",
        v=view,
        i=incident,
        mark="✅" if over else MARKS[view.severity],
        badge=f" · {badge(view.modes)}" if view.modes else "",
        over=over,
        told=_told(view),
        exposed=_exposed(view),
    )
    return Rendered(text=text, rows=() if over else _buttons(view))


def render_unstored(code: AlertCode, subject: str, detail: str) -> Rendered:
    """Return an alert that no row stands for, because none can be written: nobody can take it, and it has no figures."""
    page = RUNBOOKS[code]
    text = render("alert_unstored", mark=MARKS[page.severity], code=code.value, subject=subject, detail=detail, page=page)
    return Rendered(text=text, rows=((act("Runbook", IncidentButton(verb=IncidentVerb.RUNBOOK, item=code.value)),),))


def _over(view: IncidentView) -> str:
    incident = view.incident
    if incident.closed_at is None:
        return ""
    times = plural(incident.count, "time") if incident.count > 1 else ""
    return listing([f"over after {span(incident.closed_at - incident.opened_at)}", times])


def _told(view: IncidentView) -> list[str]:
    """Return what is wrong in words: the detail as it was reported, or what differs between both books."""
    facts = view.incident.facts
    lines = [str(facts[name]) for name in ("detail", "reason") if facts.get(name)]
    if "proposal" not in facts or not view.private:
        return lines
    base = str(facts.get("symbol", "")).partition("/")[0]
    kind = str(facts.get("kind"))
    if kind in set(ProposalKind):
        size, price = decimal_of(facts.get("unexplained")), decimal_of(facts.get("price"))
        lines.append(proposal_words(kind, base, size, price, str(facts.get("order", ""))))
    if facts.get("at_desk") is not None and facts.get("at_venue") is not None:
        ours, theirs = decimal_of(facts["at_desk"]), decimal_of(facts["at_venue"])
        lines.append(f"desk {quantity(ours)}, venue {quantity(theirs)} {base}")
    return lines


def _exposed(view: IncidentView) -> list[str]:
    risk = view.at_risk
    if risk is None:
        return []
    if not view.private:
        return [f"exposed: {_shares(risk)}"] if risk.positions else []
    if not risk.positions and risk.quantity is None:
        return ["exposed: nothing is open"]
    worth = " + ".join(round_money(money) for money in risk.worth) or "no price"
    what = f"{quantity(risk.quantity)} {risk.base}" if risk.quantity is not None else f"in {plural(risk.positions, 'position')}"
    lines = [f"exposed: {worth}, {what}" if risk.quantity is not None else f"exposed: {worth} {what}"]
    if risk.to_stop:
        lost = " + ".join(exact_money(money) for money in risk.to_stop)
        share = f", {percent(risk.percent)} of equity" if risk.percent is not None else ""
        lines.append(f"to {'its stop' if risk.positions == 1 else 'their stops'}: {lost}{share}")
    if risk.priced_at is not None and view.now - risk.priced_at > OLD:
        lines.append(f"at a price of {span(view.now - risk.priced_at)} ago")
    return lines


def _shares(risk: AtRisk) -> str:
    parts = [r_units(risk.r, sign=False)] if risk.r is not None else []
    parts += [f"{percent(risk.percent)} of equity"] if risk.percent is not None else []
    return ", ".join(parts) or plural(risk.positions, "position")


def _buttons(view: IncidentView) -> tuple[tuple[Button, ...], ...]:
    incident = view.incident
    mine = (act("I have it", IncidentButton(verb=IncidentVerb.TAKE, item=incident.id), Style.PRIMARY),) if view.may_take else ()
    book = act("Runbook", IncidentButton(verb=IncidentVerb.RUNBOOK, item=incident.code))
    if not view.private:
        return ((*mine, book),)
    return ((*_next(view), *mine, book), _further(view))


def _next(view: IncidentView) -> tuple[Button, ...]:
    """Return the button of the one next command."""
    word = view.next.split()[0] if view.next else ""
    if word == "/resolve":
        return (act("Resolve", QuestionButton(verb=QuestionVerb.LIST, item="")),)
    name = _PAGES.get(word)
    return (act(name.value.capitalize(), ListButton(name=name)),) if name else ()


def _further(view: IncidentView) -> tuple[Button, ...]:
    facts = view.incident.facts
    if "proposal" in facts:
        answers = facts.get("answers")
        offered = [str(each) for each in answers] if isinstance(answers, list) else []
        return answer_buttons(str(facts["proposal"]), [each for each in offered if each in set(Answer)])
    if "trade_id" in facts and view.incident.code in CLOSES:
        return (act("Close", TradeButton(verb=TradeVerb.CLOSE, trade=str(facts["trade_id"])), Style.DANGER),)
    return ()


def incidents_page(data: IncidentsList, page: int) -> Rendered:
    """Return a page of what is and was wrong; what is open leads to its page of the runbook."""
    part = cut(data.rows, page, A_PAGE)
    rows = [
        (_mark(line), clip(f"{line.incident.code} {line.incident.subject}", 40), _line(line, data.at)) for line in part.rows
    ]
    text = render("list_incidents", running=data.running, rows=rows, at=data.at, page=part.page, pages=part.pages)
    codes = dict.fromkeys(line.incident.code for line in part.rows if line.incident.closed_at is None)
    buttons = [act(clip(code, 24), IncidentButton(verb=IncidentVerb.RUNBOOK, item=code)) for code in codes]
    return Rendered(text=text, rows=in_rows(buttons, turning(ListName.INCIDENTS, part)))


def _mark(line: IncidentLine) -> str:
    return "✅" if line.incident.closed_at is not None else MARKS[line.severity]


def _line(line: IncidentLine, now: datetime) -> str:
    incident, name = line.incident, line.taken_by
    times = f"{incident.count} times" if incident.count > 1 else ""
    if incident.closed_at is not None:
        lasted = span(incident.closed_at - incident.opened_at)
        return listing([f"{span(now - incident.closed_at)} ago, for {lasted}", times])
    holder = f"{clip(name, 12)} has it" if name is not None else "nobody has it"
    return listing([f"for {span(now - incident.opened_at)}", times, holder])
