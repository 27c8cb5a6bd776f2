"""What a person, a strategy or a source is worth to the desk: results by source, by reason and by decision, in R."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from services.domain.courses import course_of
from services.domain.decisions import Decided, Decision
from services.domain.edge import MeanR, mean_r
from services.domain.market import timeframe_seconds
from services.domain.money import Money
from services.domain.signals import strategy_of
from services.domain.trades import TerminalMode, Trade
from services.portfolio.results import WinRate, by_currency, win_rate
from services.reporting.live import Live
from services.reporting.mission_view import source_name
from services.reporting.viewer import modes_of
from services.storage import decision_journal, missions, terminals, trades
from services.storage.database import Unit

SPAN = timedelta(days=365)
# Older missions lie beyond any history of candles that a desk keeps.
FOLLOWED = 300
NO_REASON = "no reason"


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgeLine:
    """What one group of closed trades came to."""

    name: str
    rate: WinRate
    r: MeanR


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionLine:
    """How often something was decided, for any reason or one, and what the missions came to where that is known.

    For fired ones it is what the trades made, after costs; for others what the mission would have made by the candles that
    the desk still holds, before costs.
    """

    decided: Decided
    reason: str
    n: int
    r: MeanR


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """Results of the last year: all together, then by source, by reason of the fire, by decision, and passes by reason.

    ``money`` is None where others may read along, or where it is more than one person's.
    """

    about: str
    total: EdgeLine
    sources: tuple[EdgeLine, ...]
    reasons: tuple[EdgeLine, ...]
    decisions: tuple[DecisionLine, ...]
    passes: tuple[DecisionLine, ...]
    money: tuple[Money, ...] | None
    modes: tuple[TerminalMode, ...]
    days: int
    at: datetime


def edge_of_person(unit: Unit, person_id: int, name: str, live: Live, *, money: bool) -> Edge:
    """Return what one person's decisions were worth."""
    return _edge(unit, name, live, person_id=person_id, money=money)


def edge_of_strategy(unit: Unit, strategy: str, live: Live) -> Edge:
    """Return what everyone's decisions about one strategy's missions were worth, whatever its version."""
    return _edge(unit, strategy, live, only=lambda source: strategy_of(source) == strategy)


def edge_of_sources(unit: Unit, live: Live) -> Edge:
    """Return what everyone's decisions were worth, by the source of the mission."""
    return _edge(unit, "all sources", live)


def _edge(
    unit: Unit,
    about: str,
    live: Live,
    *,
    person_id: int | None = None,
    only: Callable[[str], bool] = lambda source: True,
    money: bool = False,
) -> Edge:
    since, least = live.now - SPAN, live.least_sample
    sources = decision_journal.sources(unit, since - SPAN)
    closed = [t for t in trades.closed(unit, since=since, person_id=person_id) if only(sources.get(t.mission_id, ""))]
    decisions = [each for each in decision_journal.since(unit, since, person_id=person_id) if only(each.source)]
    reasons = {each.trade_id: each.reason or NO_REASON for each in decisions if each.decided is Decided.FIRED}
    stand, made, courses = _standing(decisions), _made(closed), _courses(unit, live)
    passes = [each for each in stand if each.reason is not None and each.decided is not Decided.FIRED]
    used = {trade.terminal_id for trade in closed}
    return Edge(
        about=about,
        total=_line("all", closed, least),
        sources=_lines(closed, lambda trade: source_name(unit, sources.get(trade.mission_id, "unknown")), least),
        reasons=_lines(closed, lambda trade: reasons.get(trade.id, NO_REASON), least),
        decisions=_decided(stand, made, courses, least, lambda each: ""),
        passes=_decided(passes, made, courses, least, _reason),
        money=by_currency(Money(trade.realized, trade.currency) for trade in closed) if money else None,
        modes=modes_of([each for each in terminals.everything(unit) if each.id in used]),
        days=SPAN.days,
        at=live.now,
    )


def _line(name: str, closed: Sequence[Trade], least: int) -> EdgeLine:
    rs = [r for trade in closed if (r := trade.r_multiple(trade.realized)) is not None]
    return EdgeLine(name=name, rate=win_rate(sum(r > 0 for r in rs), len(rs), least), r=mean_r(rs, least))


def _lines(closed: Iterable[Trade], key: Callable[[Trade], str], least: int) -> tuple[EdgeLine, ...]:
    """Return a line for each group, the largest first."""
    groups: dict[str, list[Trade]] = {}
    for trade in closed:
        groups.setdefault(key(trade), []).append(trade)
    return tuple(sorted((_line(name, each, least) for name, each in groups.items()), key=lambda line: (-line.r.n, line.name)))


def _standing(decisions: Sequence[Decision]) -> list[Decision]:
    """Leave out a person's pass on a mission that they fired after all."""
    fired = {(each.mission_id, each.person_id) for each in decisions if each.decided is Decided.FIRED}
    passes = (Decided.SKIPPED, Decided.EXPIRED)
    return [each for each in decisions if each.decided not in passes or (each.mission_id, each.person_id) not in fired]


def _made(closed: Sequence[Trade]) -> Mapping[str, Decimal]:
    """Return what closed trades made in R, by their id."""
    return {trade.id: r for trade in closed if (r := trade.r_multiple(trade.realized)) is not None}


def _courses(unit: Unit, live: Live) -> Mapping[str, Decimal]:
    """Return what recent missions would have made, by their id, where the candles from their call to their end are held."""
    found = {}
    for mission in missions.latest(unit, FOLLOWED):
        series = live.series(mission.signal.symbol)
        if series is None:
            continue
        course = course_of(mission.signal, series.candles, timedelta(seconds=timeframe_seconds(series.timeframe)))
        if course is not None:
            found[mission.id] = course
    return found


def _reason(decision: Decision) -> str:
    return decision.reason or NO_REASON


def _decided(
    decisions: Iterable[Decision],
    made: Mapping[str, Decimal],
    courses: Mapping[str, Decimal],
    least: int,
    key: Callable[[Decision], str],
) -> tuple[DecisionLine, ...]:
    """Return a line for each kind of decision and key, in the order of the kinds, the most frequent first."""
    groups: dict[tuple[Decided, str], list[Decimal | None]] = {}
    for each in decisions:
        came_to = made.get(each.trade_id or "") if each.decided is Decided.FIRED else courses.get(each.mission_id)
        groups.setdefault((each.decided, key(each)), []).append(came_to)
    lines = (
        DecisionLine(decided=decided, reason=reason, n=len(rs), r=mean_r([r for r in rs if r is not None], least))
        for (decided, reason), rs in groups.items()
    )
    return tuple(sorted(lines, key=lambda line: (list(Decided).index(line.decided), -line.n, line.reason)))
