"""Opening, trying and closing circuit breakers inside a write unit: the row, the journal, and who is told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

from config.breakers import BreakerSettings
from services.access import audience
from services.access.alerts import AlertCode, alert
from services.domain.breakers import (
    RULE,
    Breaker,
    BreakerKind,
    BreakerScope,
    BreakerState,
    Outcome,
    closed,
    half_opened,
    is_loss,
    opened,
    streak,
    trial_outcome,
)
from services.domain.money import canonical
from services.domain.notices import Event
from services.domain.orders import Purpose
from services.domain.people import Actor, Person
from services.domain.ports import Ids
from services.domain.trades import Trade
from services.storage import breakers, incidents, instructions, people, terminals, trades
from services.storage.database import Unit

# Of these the gate's own refusal tells; an outage of the feed would be one message for each instrument.
TOLD_BY_THE_GATE = frozenset({BreakerKind.STALE_DATA, BreakerKind.BENCH})
_STREAK_LOOKS_BACK = 100


class BreakerBook:
    """Moves breakers; shared by what books a fact, by the watch and by commanders."""

    def __init__(self, ids: Ids, settings: BreakerSettings) -> None:
        self._ids = ids
        self.settings = settings

    def open(
        self, unit: Unit, actor: Actor, kind: BreakerKind, subject: str, reason: str, *, until: datetime | None, by: str = RULE
    ) -> Breaker:
        """Open a breaker and tell of it; raise IllegalMove for one that is open."""
        before = breakers.find(unit, kind, subject)
        after = opened(
            before, id=self._ids.row(), kind=kind, subject=subject, reason=reason, by=by, now=unit.now, closes_at=until
        )
        breakers.save(unit, after)
        unit.record(actor, "breaker.opened", breaker=kind.value, subject=subject, reason=reason, until=until, by=by)
        if kind not in TOLD_BY_THE_GATE:
            self._alert(unit, after)
        return after

    def half_open(self, unit: Unit, actor: Actor, breaker: Breaker) -> Breaker:
        """Let one entry through."""
        after = half_opened(breaker)
        breakers.save(unit, after)
        unit.record(actor, "breaker.half_opened", breaker=breaker.kind.value, subject=breaker.subject)
        return after

    def close(self, unit: Unit, actor: Actor, breaker: Breaker, *, by: str, reason: str, tell: bool = True) -> Breaker:
        """Close a breaker; its rule counts from now on, a drawdown from the equity of now. ``tell`` the person whom it held."""
        after = closed(breaker, by=by, reason=reason, now=unit.now)
        breakers.save(unit, after)
        if breaker.kind is BreakerKind.DRAWDOWN:
            breakers.forget_peak(unit, breaker.subject)
        incidents.close_incident(unit, AlertCode.BREAKER_OPEN.value, subject_of(breaker))
        unit.record(actor, "breaker.closed", breaker=breaker.kind.value, subject=breaker.subject, by=by, reason=reason)
        if tell:
            self._tell_free(unit, after)
        return after

    def begin_trial(self, unit: Unit, trade: Trade) -> None:
        """Note the trade as the one entry that half-open breakers let through; its outcome decides."""
        found = breakers.for_entry(unit, person_id=trade.person_id, terminal_id=trade.terminal_id, symbol=trade.symbol)
        for each in found:
            if each.state is BreakerState.HALF_OPEN and each.trial is None:
                breakers.save(unit, replace(each, trial=trade.id))

    def judge_trial(self, unit: Unit, actor: Actor, breaker: Breaker) -> None:
        """Move a half-open breaker by what its trial entry came to."""
        outcome = outcome_of(unit, breaker, self.settings)
        if outcome is Outcome.PASSED:
            self.close(unit, actor, breaker, by=RULE, reason="the trial entry went well")
        elif outcome is Outcome.FAILED:
            self.open(
                unit, actor, breaker.kind, breaker.subject, "the trial entry failed", until=self.until(breaker.kind, unit.now)
            )
        elif outcome is Outcome.VOID:
            breakers.save(unit, replace(breaker, trial=None))

    def trade_closed(self, unit: Unit, actor: Actor, trade: Trade) -> None:
        """Count a closed trade in its person's streak: judge the trial that it was, warn, or lock."""
        subject = str(trade.person_id)
        breaker = breakers.find(unit, BreakerKind.LOSING_STREAK, subject)
        if breaker is not None and breaker.state is not BreakerState.CLOSED:
            if breaker.trial == trade.id:
                self.judge_trial(unit, actor, breaker)
            return
        if not is_loss(trade, self.settings.loss_from_r):
            return
        losses = losses_in_a_row(unit, trade.person_id, self.settings.loss_from_r, breaker)
        if losses >= self.settings.streak_lock:
            until = self.until(BreakerKind.LOSING_STREAK, unit.now)
            self.open(unit, actor, BreakerKind.LOSING_STREAK, subject, f"{losses} losses in a row", until=until)
        elif losses == self.settings.streak_warn:
            self._warn(unit, actor, trade.person_id, losses)

    def until(self, kind: BreakerKind, now: datetime) -> datetime | None:
        """Return when an opening by rule ends, or None where only a commander or calm ends it."""
        seconds: Mapping[BreakerKind, float] = {
            BreakerKind.LOSING_STREAK: self.settings.streak_s,
            BreakerKind.ERROR_RATE: self.settings.errors_s,
            BreakerKind.SLIPPAGE: self.settings.slippage_s,
        }
        if kind.value in self.settings.by_hand or kind not in seconds:
            return None
        return now + timedelta(seconds=seconds[kind])

    def _warn(self, unit: Unit, actor: Actor, person_id: int, losses: int) -> None:
        unit.record(actor, "streak.warned", person=person_id, losses=losses)
        person = people.find(unit, person_id)
        if person is not None:
            facts = {"losses": losses, "lock": self.settings.streak_lock, "minutes": int(self.settings.streak_s // 60)}
            audience.tell_person(unit, person, Event.ALERT, "streak", facts)

    def _tell_free(self, unit: Unit, breaker: Breaker) -> None:
        person = _person(unit, breaker)
        if person is not None:
            facts = {"kind": breaker.kind.value, "by": breaker.by, "reason": breaker.reason}
            audience.tell_person(unit, person, Event.ALERT, "breaker_closed", facts)

    def _alert(self, unit: Unit, breaker: Breaker) -> None:
        person = _person(unit, breaker)
        terminal = terminals.find(unit, breaker.subject) if breaker.scope is BreakerScope.TERMINAL else None
        facts: dict[str, object] = {"detail": _alert_words(breaker, person, terminal.name if terminal else breaker.subject)}
        owner = person.id if person is not None else terminal.owner_id if terminal is not None else None
        alert(unit, self._ids, AlertCode.BREAKER_OPEN, subject_of(breaker), facts, owner)


def losses_in_a_row(unit: Unit, person_id: int, loss_from_r: Decimal, breaker: Breaker | None) -> int:
    """Count a person's losses in a row up to now, but for those that their streak's breaker dealt with."""
    since = breaker.counted_from if breaker is not None else None
    newest = trades.newest_closed(unit, person_id, _STREAK_LOOKS_BACK)
    return streak([each for each in newest if since is None or (each.closed_at or since) > since], loss_from_r)


def subject_of(breaker: Breaker) -> str:
    """Return the subject of a breaker's incident."""
    return f"{breaker.kind.value} {breaker.subject}"


def outcome_of(unit: Unit, breaker: Breaker, settings: BreakerSettings) -> Outcome:
    """Return what a half-open breaker's trial entry came to; PENDING without one."""
    if breaker.state is not BreakerState.HALF_OPEN or breaker.trial is None:
        return Outcome.PENDING
    entries = [each for each in instructions.of_trade(unit, breaker.trial) if each.purpose is Purpose.ENTRY]
    return trial_outcome(
        breaker.kind,
        trades.find(unit, breaker.trial),
        entries,
        loss_from_r=settings.loss_from_r,
        slip_limit_bps=settings.slippage_bps,
    )


def shown_bps(value: Decimal) -> str:
    """Write basis points to a tenth."""
    return canonical(value.quantize(Decimal("0.1")))


def _person(unit: Unit, breaker: Breaker) -> Person | None:
    return people.find(unit, int(breaker.subject)) if breaker.scope is BreakerScope.PERSON else None


def _alert_words(breaker: Breaker, person: Person | None, name: str) -> str:
    """Say whose entries stopped and why, without money: the alert goes to groups too."""
    return f"{person.name if person is not None else name}: {breaker.reason}"
