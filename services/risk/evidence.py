"""What stored verdicts say of another value of a limit: the gate asked again on recorded inputs, under both values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal

from services.domain.changes import Evidence
from services.domain.limits import RULES, Effective, Limit, LimitBook, Scope, tighter
from services.domain.money import ZERO
from services.domain.signals import strategy_of
from services.domain.states import TradeState
from services.risk.context import GateContext
from services.risk.gate import decide
from services.risk.limit_changes import Target
from services.risk.recorded import NotRecorded, load
from services.storage import missions, terminals, trades, verdicts
from services.storage.database import Unit
from services.storage.verdicts import Recorded

DAYS = 90
MOST = 500
"""Verdicts looked at, the newest of the span; they are read and asked about before anything is written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """One fire under both values: what the gate says, and the trade's result in R once it is closed."""

    before: bool
    after: bool
    r: Decimal | None


def evidence_of(unit: Unit, target: Target, before: LimitBook, after: LimitBook, *, least: int) -> Evidence:
    """Ask the gate about the latest fires under the book as it is and as it would be; nothing is written.

    A verdict counts where the change bears on it, and where its inputs let the limit be measured; the others are ``unread``.
    ``least`` is the sample below which nothing should be said.
    """
    asked, unread = [], 0
    names = {each.id: each.name for each in terminals.everything(unit)}
    for row in _last_of_each_fire(verdicts.recorded_since(unit, unit.now - timedelta(days=DAYS), MOST)):
        try:
            found = _ask(unit, row, names, target, before, after)
        except (NotRecorded, ValueError, LookupError):
            unread += 1
            continue
        if found is not None:
            asked.append(found)
    return _counted(asked, unread, least)


def _last_of_each_fire(rows: Iterable[Recorded]) -> Iterable[Recorded]:
    """Leave out all but the newest verdict of a trade; one that led to none stands alone."""
    seen: set[str] = set()
    for row in rows:
        if row.trade_id is None or row.trade_id not in seen:
            seen.add(row.trade_id or "")
            yield row


def _ask(
    unit: Unit, row: Recorded, names: Mapping[str, str], target: Target, before: LimitBook, after: LimitBook
) -> _Asked | None:
    """Return what both values say of one fire; None where they are the same to it."""
    context = load(row.context)
    where = _where(unit, row, names, context)
    then = context.limits.get(target.limit)
    old, new = (_in_force(book, target.limit, where, then) for book in (before, after))
    if where.get(target.scope, "") != target.subject or old == new:
        return None
    others = all(check.passed for check in row.checks if check.code is not RULES[target.limit].code)
    passes = [_passes(context, target.limit, each) for each in (old, new)]
    trade = trades.find(unit, row.trade_id) if row.trade_id is not None else None
    closed = trade is not None and trade.state is TradeState.CLOSED
    return _Asked(
        before=others and passes[0],
        after=others and passes[1],
        r=trade.r_multiple(trade.realized) if trade is not None and closed else None,
    )


def _where(unit: Unit, row: Recorded, names: Mapping[str, str], context: GateContext) -> Mapping[Scope, str]:
    mission = missions.find(unit, row.mission_id)
    instrument = context.market.instrument
    if mission is None or instrument is None:
        raise LookupError("the mission or the instrument is not known any more")
    return {
        Scope.DESK: "",
        Scope.TERMINAL: names.get(row.terminal_id, ""),
        Scope.PERSON: str(row.person_id),
        Scope.STRATEGY: strategy_of(mission.signal.source),
        Scope.TIER: instrument.tier.value,
        Scope.INSTRUMENT: mission.signal.symbol,
    }


def _in_force(book: LimitBook, limit: Limit, where: Mapping[Scope, str], then: Effective | None) -> Effective | None:
    """Return what a book says there; what a person's grade bound tighter at that time would bind again."""
    found = book.at(where).get(limit)
    if then is None or then.scope is not Scope.PERSON:
        return found
    return then if found is None or tighter(limit, then.value, found.value) else found


def _passes(context: GateContext, limit: Limit, value: Effective | None) -> bool:
    """Ask the gate with one limit as given what its rule says; raise LookupError where what it bounds was not measured then.

    The other rules count as they were recorded: one that came later knows nothing of an old fire.
    """
    limits = {key: each for key, each in context.limits.items() if key is not limit}
    verdict = decide(replace(context, limits=limits if value is None else {**limits, limit: value}))
    check = next(each for each in verdict.checks if each.code is RULES[limit].code)
    if value is not None and check.value is None:
        raise LookupError(f"{limit.value} was not measured")
    return check.passed


def _counted(asked: list[_Asked], unread: int, least: int) -> Evidence:
    turned = [each for each in asked if each.before != each.after]
    results = [each.r for each in turned if each.r is not None]
    return Evidence(
        days=DAYS,
        fires=len(asked),
        turned=len(turned),
        with_result=len(results),
        avoided=sum((-each for each in results if each < 0), ZERO) if results else None,
        forgone=sum((each for each in results if each > 0), ZERO) if results else None,
        unread=unread,
        enough=len(asked) >= least,
    )
