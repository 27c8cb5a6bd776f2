"""Checks 7, 9 and 10: what people were told, what the journal says, and what must appear nowhere."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import Any

from services.domain.buttons import Act
from services.domain.journal import first_break
from services.operations.evidence import ROWS_LAG, Evidence
from services.operations.journal_anchor import lost_row
from services.operations.judgement import CheckResult, counted, judge

OVERDUE = timedelta(seconds=60)
SHORTEST_SECRET = 6
CHUNK = 1 << 20
OVERLAP = 4096
_SHAPES = (
    ("a bot token", re.compile(r"(?<!\d)\d{5,14}(?::|%3[Aa])[A-Za-z0-9_-]{30,}")),
    ("a private key", re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----")),
    ("a signed query", re.compile(r"\bsignature=[0-9a-f]{32,}", re.IGNORECASE)),
)


def every_command_answered(evidence: Evidence) -> CheckResult:
    """Check that every update has its end and every event reached its chat or was found undeliverable."""
    offenders = []
    waiting = [row for row in evidence.updates if row.state in ("received", "acted")]
    if evidence.running or evidence.material.settled:
        stuck = [row for row in waiting if evidence.now - row.received_at > _limit(evidence)]
        offenders += [f"update {row.update_id} has no end since {row.received_at.isoformat()}" for row in stuck]
    cut_off = sum(row.state == "interrupted" for row in evidence.updates)
    if cut_off and not any(row.template == "interrupted" for row in evidence.notices):
        offenders.append(f"{counted(cut_off, 'update')} interrupted and nobody was told")
    pending = [row for row in evidence.notices if row.state == "pending"]
    if _sender_works(evidence):
        late = [
            row for row in pending if evidence.now - max(row.created_at, row.not_before or row.created_at) > _limit(evidence)
        ]
        offenders += [f"notice {row.id} ({row.template}) waits since {row.created_at.isoformat()}" for row in late]
        unseen = [row for row in evidence.cards if row.shown == 0 and evidence.now - row.created_at > _limit(evidence)]
        offenders += [f"card {row.key} in {row.chat_id} was never shown" for row in unseen]
    looked_at = (
        f"{counted(len(evidence.updates), 'update')} ({len(waiting)} open), "
        f"{counted(len(evidence.notices), 'event')} ({len(pending)} waiting)"
    )
    return judge(7, looked_at=looked_at, offenders=offenders, nothing=None if evidence.updates else "no update yet")


def _limit(evidence: Evidence) -> timedelta:
    return timedelta(0) if evidence.material.settled else OVERDUE


def _sender_works(evidence: Evidence) -> bool:
    """A sender that is down keeps what it has for its next start; the silence of its stage is an alert of its own."""
    if evidence.material.settled or not evidence.running:
        return evidence.material.settled
    row = evidence.stages.get("sender")
    if row is None or row.last_success is None:
        return not evidence.stages
    silent: timedelta = evidence.now - row.last_success
    return silent <= 2 * timedelta(seconds=row.period_s) + ROWS_LAG


def journal_unbroken(evidence: Evidence) -> CheckResult:
    """Check the chain from its first row to its last, and that the row which was the last before is still in it."""
    rows = evidence.journal
    broken = first_break(rows)
    lost = lost_row(evidence.facts, rows) if broken is None else None
    offenders = [] if broken is None else [f"row {broken} does not follow from the one before"]
    if lost is not None:
        offenders.append(f"row {lost} was the last once and is gone")
    last = f", head {rows[-1].hash[:12]}" if rows else ""
    return judge(9, looked_at=f"{counted(len(rows), 'row')}{last}", offenders=offenders, nothing=None if rows else "no row")


def no_secret(evidence: Evidence) -> CheckResult:
    """Check logs, journal, events, updates, answers and the chat for secrets of this desk and for anything of their shape."""
    search = _Search(evidence)
    offenders = [f"{what} in {where}" for where, text in _stored(evidence) for what in search.find(text)]
    files = [file for file in evidence.material.logs if file.exists()]
    for file in files:
        offenders += [f"{what} in {file.name}" for what in search.find_in_file(file)]
    if evidence.material.transcript is not None:
        offenders += [f"{what} in the chat" for what in search.find(evidence.material.transcript, links=False)]
    chat = ", chat" if evidence.material.transcript is not None else ""
    looked_at = f"{search.characters:,} characters, {counted(len(files), 'log file')}{chat}"
    return judge(10, looked_at=looked_at, offenders=offenders, nothing=None if files else "no log file")


class _Search:
    """Looks for values and shapes; what was found is named, never shown."""

    def __init__(self, evidence: Evidence) -> None:
        given = [each for each in evidence.material.secrets if len(each) >= SHORTEST_SECRET]
        self._given = _any_of(given)
        links = (Act.CLAIM.value, Act.INVITE.value)
        # An unused link is a key; the chat is where it was handed over.
        self._links = _any_of(
            row.id for row in evidence.tokens if row.act in links and row.used_at is None and row.expires_at > evidence.now
        )
        self.characters = 0

    def find(self, text: str, *, links: bool = True) -> list[str]:
        self.characters += len(text)
        found = []
        if self._given is not None and self._given.search(text):
            found.append("a secret of the settings")
        if links and self._links is not None and self._links.search(text):
            found.append("an unused link")
        return found or [what for what, shape in _SHAPES if shape.search(text)]

    def find_in_file(self, file: Path) -> list[str]:
        """Read piece by piece, each with the end of the one before; stop at the first find."""
        with file.open(encoding="utf-8", errors="replace") as lines:
            tail = ""
            while piece := lines.read(CHUNK):
                found = self.find(tail + piece)
                if found:
                    return found
                tail = piece[-OVERLAP:]
        return []


def _any_of(values: Iterable[str]) -> re.Pattern[str] | None:
    escaped = [re.escape(each) for each in values]
    return re.compile("|".join(escaped)) if escaped else None


def _stored(evidence: Evidence) -> Iterable[tuple[str, str]]:
    for entry in evidence.journal:
        yield f"journal row {entry.sequence}", entry.facts
    for row in evidence.notices:
        yield f"notice {row.id}", _text(row.facts, row.error)
    for row in evidence.updates:
        yield f"update {row.update_id}", row.payload
    for row in evidence.instructions.values():
        yield f"instruction {row.id}", row.answer or ""
    for row in evidence.incidents:
        yield f"incident {row.code}", _text(row.facts)
    for row in evidence.requests:
        yield f"request {row.kind}", _text(row.terms)
    for name, value in evidence.facts.items():
        yield f"fact {name}", value


def _text(*values: Any) -> str:
    return " ".join(
        value if isinstance(value, str) else json.dumps(value, default=str) for value in values if value is not None
    )
