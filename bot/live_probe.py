"""What the doctor says of a terminal whose money may be real: which of facts and decision is missing, and what comes next."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable

from bot.live_grounds import facts_of, ground_at
from config.settings import Settings
from services.domain.errors import Misconfigured
from services.domain.live_facts import LiveStanding
from services.domain.ports import Clock
from services.operations.doctor import Sick
from services.operations.places import shell_database
from services.operations.status import NAMED_LIVE
from services.risk.live_standing import read_decision
from services.storage.counters import get_fact
from services.storage.database import Unit


def may_be_live(settings: Settings, name: str) -> bool:
    """Tell whether a terminal's mode or address says that its money is real."""
    facts = facts_of(settings, name, confirmed=False)
    return facts.setting or facts.host


def ask_live(settings: Settings, name: str, clock: Clock) -> Callable[[], Awaitable[str | Sick]]:
    """Return the question how far one terminal is from entries with real money; facts that disagree are a finding."""
    venue = settings.terminals[name].venue

    async def ask() -> str | Sick:
        facts = facts_of(settings, name, confirmed=True)
        if not facts.setting:
            return Sick(
                cause=f"[venues.{venue}] is the exchange itself, [terminals.{name}] does not say live: no start",
                fix=f"set base_url to the exchange's test network, or terminals.{name}.mode to live",
            )
        if not facts.host:
            return Sick(
                cause=f"[terminals.{name}] says live, [venues.{venue}] is not the exchange itself: no start",
                fix=f'set terminals.{name}.mode to "testnet", or the exchange\'s own base_url',
            )
        try:
            ground = ground_at(venue, settings.venues[venue])
            async with shell_database(settings.database_url, clock, settings.database.busy_timeout_s) as database:
                return await database.read(lambda unit: _standing(unit, name, ground.written))
        except Misconfigured as error:
            return f"setting and address say live; {error.code}: next: sortie run --live {name}"

    return ask


def _standing(unit: Unit, name: str, ground: str) -> str:
    if name not in json.loads(get_fact(unit, NAMED_LIVE) or "[]"):
        return f"setting and address say live, the last start did not; next: sortie run --live {name}"
    standing = LiveStanding(ground=ground, decided=read_decision(unit, name))
    if standing.decided is None:
        return f"exits only, nobody decided otherwise; next: /golive {name}"
    if not standing.holds:
        return f"exits only, the decision was about another place or key; next: sortie run --live {name}, then /golive {name}"
    return f"takes entries with real money; back: /golive {name} off"
