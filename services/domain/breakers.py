"""Circuit breakers: closed, open, half-open; what opens one, and how its trial entry decides. Nothing is stored here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from services.domain.money import ZERO
from services.domain.orders import Instruction
from services.domain.states import InstructionState, TradeState, move
from services.domain.trades import Trade

RULE = "rule"


class BreakerState(StrEnum):
    """Whether entries pass: closed lets them, open none, half-open one whose outcome decides."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


BREAKER_MOVES: Mapping[BreakerState, frozenset[BreakerState]] = {
    BreakerState.CLOSED: frozenset({BreakerState.OPEN}),
    BreakerState.OPEN: frozenset({BreakerState.HALF_OPEN, BreakerState.CLOSED}),
    BreakerState.HALF_OPEN: frozenset({BreakerState.OPEN, BreakerState.CLOSED}),
}


class BreakerScope(StrEnum):
    """Whose entries a breaker stops."""

    PERSON = "person"
    TERMINAL = "terminal"
    INSTRUMENT = "instrument"


class BreakerKind(StrEnum):
    """What opened a breaker; ``BENCH`` is a commander's word, everything else a rule."""

    DAILY_LOSS = "daily_loss"
    DRAWDOWN = "drawdown"
    LOSING_STREAK = "losing_streak"
    ERROR_RATE = "error_rate"
    MESSAGE_RATE = "message_rate"
    STALE_DATA = "stale_data"
    SLIPPAGE = "slippage"
    BENCH = "bench"


SCOPE_OF: Mapping[BreakerKind, BreakerScope] = {
    BreakerKind.DAILY_LOSS: BreakerScope.TERMINAL,
    BreakerKind.DRAWDOWN: BreakerScope.TERMINAL,
    BreakerKind.LOSING_STREAK: BreakerScope.PERSON,
    BreakerKind.ERROR_RATE: BreakerScope.TERMINAL,
    BreakerKind.MESSAGE_RATE: BreakerScope.TERMINAL,
    BreakerKind.STALE_DATA: BreakerScope.INSTRUMENT,
    BreakerKind.SLIPPAGE: BreakerScope.TERMINAL,
    BreakerKind.BENCH: BreakerScope.PERSON,
}
# When their time is over these let one entry through first; the others just close.
TRIED = frozenset({BreakerKind.LOSING_STREAK, BreakerKind.ERROR_RATE, BreakerKind.SLIPPAGE})


@dataclass(frozen=True, slots=True, kw_only=True)
class Breaker:
    """One breaker as it stands: ``id`` names this opening of it, ``by`` who made the last move, a person or the rule.

    ``closes_at`` is when its time is over, None for one that waits for a commander or for calm; ``trial`` is the trade whose
    outcome a half-open one waits for. ``counted_from`` is since when its rule counts: what came before was dealt with.
    """

    id: str
    kind: BreakerKind
    subject: str
    state: BreakerState
    opened_at: datetime
    reason: str
    closes_at: datetime | None
    by: str
    trial: str | None = None
    counted_from: datetime | None = None

    @property
    def scope(self) -> BreakerScope:
        """Return whose entries it stops."""
        return SCOPE_OF[self.kind]

    @property
    def blocks(self) -> bool:
        """Tell whether an entry is stopped: by an open one, and by a half-open one whose trial is under way."""
        return self.state is BreakerState.OPEN or (self.state is BreakerState.HALF_OPEN and self.trial is not None)


class Outcome(StrEnum):
    """What the trial entry of a half-open breaker came to; ``VOID`` says nothing, so another one may try."""

    PENDING = "pending"
    PASSED = "passed"
    FAILED = "failed"
    VOID = "void"


def opened(
    before: Breaker | None,
    *,
    id: str,
    kind: BreakerKind,
    subject: str,
    reason: str,
    by: str,
    now: datetime,
    closes_at: datetime | None,
) -> Breaker:
    """Return the breaker opened, or opened again after a trial that failed; raise IllegalMove for one that is open."""
    state = move(BREAKER_MOVES, before.state if before is not None else BreakerState.CLOSED, BreakerState.OPEN)
    return Breaker(
        id=id,
        kind=kind,
        subject=subject,
        state=state,
        opened_at=now,
        reason=reason,
        closes_at=closes_at,
        by=by,
        counted_from=before.counted_from if before is not None else None,
    )


def half_opened(breaker: Breaker) -> Breaker:
    """Return the breaker letting one entry through; raise IllegalMove unless it is open."""
    state = move(BREAKER_MOVES, breaker.state, BreakerState.HALF_OPEN)
    return replace(breaker, state=state, closes_at=None, by=RULE, trial=None)


def closed(breaker: Breaker, *, by: str, reason: str, now: datetime) -> Breaker:
    """Return the breaker closed, its rule counting from now on; raise IllegalMove when it is closed."""
    state = move(BREAKER_MOVES, breaker.state, BreakerState.CLOSED)
    return replace(breaker, state=state, by=by, reason=reason, closes_at=None, trial=None, counted_from=now)


def time_over(breaker: Breaker, now: datetime) -> Breaker:
    """Return the breaker as it stands when its time is over: half-open where one entry is tried, else closed.

    The same one while it is not over.
    """
    if breaker.state is not BreakerState.OPEN or breaker.closes_at is None or now < breaker.closes_at:
        return breaker
    return half_opened(breaker) if breaker.kind in TRIED else closed(breaker, by=RULE, reason="its time is over", now=now)


def first_blocking(breakers: Iterable[Breaker], scope: BreakerScope) -> Breaker | None:
    """Return the breaker of a scope that stops an entry for longest, or None."""
    blocking = [each for each in breakers if each.scope is scope and each.blocks]
    # One without an end waits for a person, which is longest.
    return max(blocking, key=lambda each: (each.closes_at is None, each.closes_at or each.opened_at), default=None)


def result_of(trade: Trade) -> Decimal | None:
    """Return a closed trade's result in R, or None for one that never filled."""
    return trade.r_multiple(trade.realized)


def is_loss(trade: Trade, from_r: Decimal) -> bool:
    """Tell whether a closed trade counts as a loss: ``from_r`` or more lost; less is a scratch, which counts as nothing."""
    result = result_of(trade)
    return result is not None and result <= -from_r


def streak(newest_first: Iterable[Trade], from_r: Decimal) -> int:
    """Count losses in a row up to the newest closed trade; scratches are passed over, any gain beyond one ends it."""
    count = 0
    for trade in newest_first:
        result = result_of(trade)
        if result is None or abs(result) < from_r:
            continue
        if result > ZERO:
            break
        count += 1
    return count


def slip_bps(trade: Trade) -> Decimal | None:
    """Return how much worse than the decision price an entry filled, in bps, negative when better; None without a fill."""
    average = trade.average_entry
    if average is None or trade.decision_price <= ZERO:
        return None
    return (average - trade.decision_price) * trade.side.sign / trade.decision_price * 10_000


def in_a_row_beyond(slips: Sequence[Decimal], limit_bps: Decimal, entries: int) -> bool:
    """Tell whether the newest ``entries`` slips are all there and all beyond the limit."""
    newest = slips[:entries]
    return len(newest) == entries and all(slip > limit_bps for slip in newest)


def trial_outcome(
    kind: BreakerKind, trade: Trade | None, entries: Sequence[Instruction], *, loss_from_r: Decimal, slip_limit_bps: Decimal
) -> Outcome:
    """Return what a half-open breaker's trial entry came to, by the measure of what opened it."""
    if trade is None or trade.state is TradeState.DENIED:
        return Outcome.VOID
    if kind is BreakerKind.ERROR_RATE:
        return _answered(trade, entries)
    if trade.state in (TradeState.CANCELED, TradeState.FAILED):
        return Outcome.VOID
    if kind is BreakerKind.SLIPPAGE:
        slip = slip_bps(trade)
        if slip is None or trade.state is TradeState.WORKING:
            return Outcome.PENDING
        return Outcome.FAILED if slip > slip_limit_bps else Outcome.PASSED
    if trade.state is not TradeState.CLOSED:
        return Outcome.PENDING
    result = result_of(trade)
    if result is None or abs(result) < loss_from_r:
        return Outcome.VOID
    return Outcome.PASSED if result > ZERO else Outcome.FAILED


def _answered(trade: Trade, entries: Sequence[Instruction]) -> Outcome:
    """Judge by the venue's answer: accepted, or refused and unknown; one that was never sent says nothing."""
    states = {each.state for each in entries}
    if trade.entry_quantity or InstructionState.ACCEPTED in states:
        return Outcome.PASSED
    if states & {InstructionState.REJECTED, InstructionState.UNKNOWN, InstructionState.RESOLVED}:
        return Outcome.FAILED
    return Outcome.PENDING if states & {InstructionState.INTENT, InstructionState.SENT} else Outcome.VOID
