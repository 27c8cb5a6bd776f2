"""``sortie runbook``: what an alert means and what to do; it needs neither a desk nor its settings."""

from __future__ import annotations

from handlers.cli.console import say
from services.access.runbooks import RUNBOOKS, find_code
from services.domain.errors import NotFound
from services.domain.incidents import AlertCode

FOUND, NO_SUCH_CODE = 0, 2


def show_runbook(code: str) -> int:
    """Print one page, or all codes when none is named; return 2 for a code that there is not."""
    if not code:
        for each in AlertCode:
            say(f"{each.value:<22}{RUNBOOKS[each].severity.value:<9}{RUNBOOKS[each].happened}")
        return FOUND
    try:
        found = find_code(code)
    except NotFound as error:
        say(f"no alert is called {error.values['reference']}; {error.values['alike']}", error=True)
        return NO_SUCH_CODE
    page = RUNBOOKS[found]
    say(f"{found.value} · {page.severity.value}")
    for label, text in (("what", page.happened), ("done", page.done), ("exposed", page.exposed)):
        say(f"{label:<9}{text}")
    say(f"{'send':<9}{page.next}  {page.press}")
    for number, step in enumerate(page.steps, 1):
        say(f"{'else' if number == 1 else '':<9}{number}. {step}")
    say(f"{'over':<9}{page.closes}")
    return FOUND
