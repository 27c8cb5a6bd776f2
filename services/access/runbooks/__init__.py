"""The runbook: one page for every alert code, from which messages, chat, shell and documentation speak.

A new code needs its row in ``AlertCode`` and its page in the file of its kind; the build fails without either.
"""

from __future__ import annotations

from collections.abc import Mapping

from services.access.runbooks.breakers import BREAKERS
from services.access.runbooks.entry import Runbook
from services.access.runbooks.machine import MACHINE
from services.access.runbooks.process import PROCESS
from services.access.runbooks.sources import SOURCES
from services.access.runbooks.trades import TRADES
from services.access.runbooks.venues import VENUES
from services.domain.errors import NotFound
from services.domain.incidents import AlertCode, Severity

RUNBOOKS: Mapping[AlertCode, Runbook] = {**TRADES, **VENUES, **PROCESS, **MACHINE, **BREAKERS, **SOURCES}


def severity_of(code: str) -> Severity:
    """Return how urgent a stored code is; one of another version of the desk counts as urgent."""
    return RUNBOOKS[AlertCode(code)].severity if code in set(AlertCode) else Severity.URGENT


def find_code(text: str) -> AlertCode:
    """Return the code that somebody typed, in any case and with spaces; raise NotFound with the nearest ones."""
    wanted = "_".join(text.upper().replace("-", " ").split())
    if wanted in set(AlertCode):
        return AlertCode(wanted)
    alike = [code.value for code in AlertCode if wanted and (wanted in code.value or code.value.startswith(wanted[:4]))]
    raise NotFound(
        "RUNBOOK",
        reference=text[:32],
        alike=f"perhaps {', '.join(alike[:4])}" if alike else "the list is what you get without a name",
    )


__all__ = ["RUNBOOKS", "Runbook", "Severity", "find_code", "severity_of"]
