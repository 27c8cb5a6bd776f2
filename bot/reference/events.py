"""The page of log events and journal kinds, found in the code."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from pathlib import Path

from bot.reference.emitted import Emitted, journal_kinds, log_events
from bot.reference.markdown import code, table
from services.access.chats import APPROVED, LEAVE_CHAT, LEFT
from services.access.roles import REVOKED
from services.domain.approvals import ApprovalState
from services.domain.changes import ChangeState
from services.domain.kills import KillState
from services.domain.proposals import ProposalState
from services.domain.signals import StrategyState
from services.domain.states import HaltState, MissionState, TradeState

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("bot", "handlers", "services")


# What a kind's words in angle brackets are.
FILLED: Mapping[str, Sequence[str]] = {
    "approval.<state>": tuple(each for each in ApprovalState if each is not ApprovalState.WAITING),
    "change.<state>": (ChangeState.REJECTED, ChangeState.EXPIRED, ChangeState.CANCELED),
    "chat.<state>": (APPROVED, LEFT),
    "halt.<state>": (HaltState.HALTED, HaltState.REDUCING),
    "kill.<state>": (KillState.FLATTENING, KillState.DONE),
    "mission.<state>": (MissionState.EXPIRED, MissionState.WITHDRAWN),
    "people.<how>": ("claimed", "granted", "joined", "lease_ended", "revoked", "seeded"),
    "proposal.<state>": (ProposalState.DECIDED, ProposalState.GONE),
    "request.<kind>": (LEAVE_CHAT, REVOKED),
    "strategy.<state>": tuple(StrategyState),
    "trade.<state>": tuple(TradeState),
}
HEAD = """# Log events and journal kinds

## Log

A line of `logs/sortie.log` is a JSON object. It has `at` (UTC), `level`, `event`, `logger`, the `correlation` of the update or
job that it belongs to, the number of the `update` where there is one, and the fields below. Lines of libraries are called
`library.<name>`, with their text in `message`. Secrets are taken out before a line is written.
"""
JOURNAL = """
## Journal

A row of the journal says who changed what: actor, kind, correlation, and the values below. Each row carries the hash of
the one before it; `sortie verify` checks the chain.
"""


def reference_page() -> str:
    """Return the Markdown page that lists what is written to the log and to the journal."""
    events, kinds = log_events(ROOT, PACKAGES), journal_kinds(ROOT, PACKAGES)
    log = table(("event", "level", "fields", "written in"), _rows(events, with_level=True))
    journal = table(("kind", "values", "written in"), _rows(kinds, with_level=False))
    filled = [f"- {code(name)}: {', '.join(words)}" for name, words in FILLED.items()]
    return "\n".join([HEAD, *log, JOURNAL, *journal, "", "What stands in angle brackets is one of:", "", *filled]) + "\n"


def _rows(found: Sequence[Emitted], *, with_level: bool) -> Iterable[Sequence[str]]:
    for name, group in groupby(found, key=lambda each: each.name):
        places = list(group)
        levels = [_listed(each.level for each in places)] if with_level else []
        fields = ", ".join(code(field) if field != "..." else field for field in _merged(places))
        yield (code(name), *levels, fields, _listed(code(each.file) for each in places))


def _merged(places: Iterable[Emitted]) -> Iterable[str]:
    seen: Mapping[str, None] = dict.fromkeys(field for each in places for field in each.fields)
    return sorted(seen, key=lambda field: field == "...")


def _listed(words: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(words))
