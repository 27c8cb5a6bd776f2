"""The alert of a circuit breaker."""

from __future__ import annotations

from collections.abc import Mapping

from services.access.runbooks.entry import Runbook
from services.domain.incidents import AlertCode, Severity

BREAKERS: Mapping[AlertCode, Runbook] = {
    AlertCode.BREAKER_OPEN: Runbook(
        severity=Severity.ROUTINE,
        happened="A circuit breaker opened by its rule: a person or a terminal lost too much, too often, or its venue erred.",
        done="no new entry of that person or at that terminal passes; exits, stops and reductions all go on",
        exposed="What is open stays open with its stops; /positions has the money. Nothing is added while it stands.",
        next="/breakers",
        press="Read why it opened and until when. Let its time pass; it then tries one entry, or closes by itself.",
        steps=(
            "It waits for a commander (a drawdown does): find the cause first, then press Close and choose a reason.",
            "Writes were refused or unknown: /doctor and /resolve say what the venue does. Close it when they are clean.",
            "Entries slipped: /routes shows how entries go at that venue; smaller sizes or resting entries help.",
            "It is your own lock: another commander closes it, or its time does.",
        ),
        closes="By its time, by a trial entry that goes well, or by a commander with a reason; each is in the journal.",
    ),
}
