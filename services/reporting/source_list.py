"""Senders outside and their record: what came, what became of it, and what the calls were worth."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from services.domain.edge import MeanR, mean_r
from services.domain.money import ZERO
from services.domain.sources import NO_CALL, ArrivalState, Source
from services.domain.trades import TerminalMode
from services.portfolio.results import Results, WinRate, results_of, win_rate
from services.reporting.live import Live
from services.reporting.viewer import modes_of
from services.signals.intake import REPEATED
from services.storage import decision_journal, people, sources, terminals, trades
from services.storage.database import Unit
from services.storage.sources import Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceRecord:
    """One sender: what it delivered since a time and what that came to.

    ``calls`` could have come to something, offered or not; ``rate`` and ``r`` count those that reached their entry and their
    end by the candles, before costs; ``pending`` are not over, or never reached it. ``trades`` are what people made of them,
    after costs. ``turned`` counts requests that were not let in, by code.
    """

    source: Source
    owner: str
    received: int
    offered: int
    drops: tuple[tuple[str, int], ...]
    repeated: int
    turned: tuple[tuple[str, int], ...]
    calls: int
    rate: WinRate
    r: MeanR
    pending: int
    trades: Results


@dataclass(frozen=True, slots=True, kw_only=True)
class SourcesList:
    """The senders that were let in, by name; ``days`` is how far back they are counted."""

    rows: tuple[SourceRecord, ...]
    days: int
    may_switch: bool
    modes: tuple[TerminalMode, ...]
    at: datetime


def sources_list(unit: Unit, live: Live, days: int, *, may_switch: bool) -> SourcesList:
    """Return every source with its record."""
    since = live.now - timedelta(days=days)
    said = decision_journal.sources(unit, since)
    closed = trades.closed(unit, since=since)

    def record(source: Source) -> SourceRecord:
        mine = [trade for trade in closed if said.get(trade.mission_id) == source.signal_source]
        counts = sources.counts(unit, source.name, since.date())
        outcomes = sources.outcomes(unit, source.name, since)
        return _record(source, _owner(unit, source), outcomes, counts, results_of(mine, live.least_sample), live.least_sample)

    return SourcesList(
        rows=tuple(record(each) for each in sources.everything(unit)),
        days=days,
        may_switch=may_switch,
        modes=modes_of(terminals.everything(unit)),
        at=live.now,
    )


def _record(
    source: Source, owner: str, outcomes: Sequence[Outcome], counts: Mapping[str, int], made: Results, least: int
) -> SourceRecord:
    drops = Counter(each.drop_code for each in outcomes if each.drop_code is not None)
    calls = [each for each in outcomes if each.state is not ArrivalState.RECEIVED and each.drop_code not in NO_CALL]
    rs = [r for each in calls if (r := each.result_r) is not None and r != ZERO]
    return SourceRecord(
        source=source,
        owner=owner,
        received=len(outcomes),
        offered=sum(each.state is ArrivalState.OFFERED for each in outcomes),
        drops=_ranked(drops),
        repeated=counts.get(REPEATED, 0),
        turned=_ranked({code: n for code, n in counts.items() if code != REPEATED}),
        calls=len(calls),
        rate=_rate(rs, least),
        r=mean_r(rs, least),
        pending=len(calls) - len(rs),
        trades=made,
    )


def _rate(rs: Sequence[Decimal], least: int) -> WinRate:
    return win_rate(sum(r > 0 for r in rs), len(rs), least)


def _ranked(counts: Mapping[str, int]) -> tuple[tuple[str, int], ...]:
    return tuple(sorted(counts.items(), key=lambda each: (-each[1], each[0])))


def _owner(unit: Unit, source: Source) -> str:
    person = people.find(unit, source.owner_id) if source.owner_id is not None else None
    return person.name if person is not None else "the shell"
