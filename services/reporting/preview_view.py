"""A preview as its trader reads it: what this trade would be, or why it cannot be fired and what would pass."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from services.domain.entries import EntryKind
from services.domain.money import Money, Price
from services.domain.people import Person, Role
from services.domain.proofs import digest_of
from services.domain.signals import Mission
from services.domain.trades import Terminal, TerminalMode
from services.domain.verdicts import Check, CheckCode, Verdict
from services.missions.preview import passing_size
from services.reporting.live import Grid, Live, read_grid, viewer_zone
from services.reporting.mission_view import TargetLine
from services.storage import missions, people, previews, terminals
from services.storage.database import Unit
from services.storage.previews import Preview, PreviewState

# A commander can lift these, or judge them better than the rule does; nobody can talk a price back or a venue round.
ASKABLE = frozenset(
    {
        CheckCode.HALT,
        CheckCode.RISK_PER_TRADE,
        CheckCode.NOTIONAL,
        CheckCode.OPEN_POSITIONS,
        CheckCode.DAILY_LOSS,
        CheckCode.SPREAD,
        CheckCode.RECONCILED,
        CheckCode.LIVE_DECISION,
        CheckCode.IN_DOUBT,
        CheckCode.UNIVERSE,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviewView:
    """Everything that a preview shows.

    ``kind`` is how it would be entered, ``waits_for`` the price that it waits for, ``kinds`` what the terminal takes.
    ``next_terminal`` is where it could go instead: its place among the trader's terminals, and its name.
    ``value`` is the size at the worst price and ``loss`` what the stop would cost, both in the quote currency;
    ``risk_percent`` is the loss as percent of equity. ``passing`` is the factor by which the size would have to shrink,
    ``ask`` the commander to turn to. ``digest`` is the hash of what the verdict was made from, None where it was not kept.
    """

    mission: Mission
    preview: Preview
    grid: Grid
    mode: TerminalMode
    terminal: str
    next_terminal: tuple[int, str] | None
    kind: EntryKind
    waits_for: Price | None
    kinds: tuple[EntryKind, ...]
    value: Money
    loss: Money
    risk_percent: Decimal | None
    sized: str
    targets: tuple[TargetLine, ...]
    nearest: tuple[Check, ...]
    denials: tuple[Check, ...]
    passing: Decimal | None
    ask: str | None
    zone: str
    now: datetime
    digest: str | None = None


def preview_view(unit: Unit, mission_id: str, person_id: int, live: Live) -> PreviewView | None:
    """Put a trader's preview of a mission together, or return None when there is none."""
    mission, preview = missions.find(unit, mission_id), previews.find(unit, mission_id, person_id)
    terminal = terminals.find(unit, preview.terminal_id) if preview else None
    if mission is None or preview is None or terminal is None:
        return None
    route = preview.route or {}
    verdict = Verdict(checks=preview.checks, config_hash="", decided_at=live.now)
    return PreviewView(
        mission=mission,
        preview=preview,
        grid=read_grid(unit, mission.signal.symbol),
        mode=terminal.mode,
        terminal=terminal.name,
        next_terminal=_next_terminal(unit, person_id, terminal),
        kind=EntryKind(route.get("how", EntryKind.TAKE)),
        waits_for=Price(Decimal(route["at"])) if "at" in route else None,
        kinds=tuple(EntryKind(each) for each in route.get("kinds", "").split(",") if each),
        value=Money(preview.quantity * preview.worst_price, terminal.currency),
        loss=Money(preview.loss, terminal.currency),
        risk_percent=preview.loss / preview.equity * 100 if preview.equity else None,
        sized=route.get("sized", "") if preview.size == "full" else "",
        targets=_targets(mission, preview.decision_price),
        nearest=verdict.nearest,
        denials=verdict.denials,
        passing=_passing(preview),
        ask=_whom_to_ask(unit, person_id, verdict.denials),
        zone=viewer_zone(unit, person_id, live.zone),
        now=live.now,
        digest=digest_of(preview.proof) if preview.proof is not None else None,
    )


def _next_terminal(unit: Unit, person_id: int, shown: Terminal) -> tuple[int, str] | None:
    usable = terminals.usable_by(unit, person_id)
    if all(each.id == shown.id for each in usable):
        return None
    ids = [each.id for each in usable]
    place = (ids.index(shown.id) + 1) % len(ids) if shown.id in ids else 0
    return place, usable[place].name


def _targets(mission: Mission, decision: Price) -> tuple[TargetLine, ...]:
    """Return the targets in R of this trade: from the decision price, as its card will count them."""
    signal = mission.signal
    unit_risk = abs(decision - signal.stop)
    return tuple(
        TargetLine(
            number=number,
            price=target.price,
            r=(target.price - decision) * signal.side.sign / unit_risk if unit_risk else Decimal(0),
            share=target.share,
        )
        for number, target in enumerate(signal.targets, start=1)
    )


def _passing(preview: Preview) -> Decimal | None:
    if preview.state is not PreviewState.REFUSED:
        return None
    largest = passing_size(preview)
    return largest / preview.quantity if largest is not None and preview.quantity else None


def _whom_to_ask(unit: Unit, person_id: int, denials: tuple[Check, ...]) -> str | None:
    if not denials or denials[0].code not in ASKABLE:
        return None
    commanders: list[Person] = [p for p in people.everyone(unit, Role.COMMANDER) if p.id != person_id and p.reachable]
    # Whoever is known by settings alone has a number for a name until they speak.
    named = [commander.name for commander in commanders if not commander.name.isdigit()]
    return named[0] if named else "a commander" if commanders else None
