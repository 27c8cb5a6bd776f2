"""The runbook as a message: what happened, what was done, what is exposed, what to press."""

from __future__ import annotations

from collections.abc import Sequence

from handlers.telegram.callbacks import IncidentButton, IncidentVerb
from handlers.telegram.views.message import Button, Rendered, act
from handlers.telegram.views.templating import render
from services.access.runbooks import RUNBOOKS
from services.domain.incidents import AlertCode, Severity

BUTTONS, A_ROW = 6, 2


def render_runbook(code: AlertCode) -> Rendered:
    """Return one page of the runbook."""
    return Rendered(text=render("runbook", code=code.value, page=RUNBOOKS[code]))


def render_codes(wrong_now: Sequence[AlertCode]) -> Rendered:
    """Return the list of all codes, the urgent ones first, with buttons for what is wrong now."""
    urgent = [code.value for code in AlertCode if RUNBOOKS[code].severity is Severity.URGENT]
    routine = [code.value for code in AlertCode if RUNBOOKS[code].severity is Severity.ROUTINE]
    buttons = [act(code.value[:24], IncidentButton(verb=IncidentVerb.RUNBOOK, item=code.value)) for code in wrong_now[:BUTTONS]]
    rows: list[Sequence[Button]] = [buttons[at : at + A_ROW] for at in range(0, len(buttons), A_ROW)]
    return Rendered(text=render("runbook_codes", urgent=urgent, routine=routine, open=len(wrong_now)), rows=rows)
