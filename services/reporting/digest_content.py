"""What a digest says: what happened since a time, for one reader, with every number's sample; groups get no money."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from sqlalchemy import ColumnElement, func, select

from services.domain.journal import DIGEST_FACT, GENESIS, first_break
from services.domain.money import ZERO, canonical
from services.domain.people import Role
from services.domain.quality import EntrySample, median
from services.domain.states import MissionState
from services.domain.trades import Terminal, Trade
from services.portfolio.executions import sample_of
from services.portfolio.results import Results, TradeResult, results_of
from services.reporting.desk_lists import halt_lines
from services.reporting.exposure import exposure
from services.reporting.live import Live
from services.reporting.viewer import Viewer, accounts_of, modes_of, read_viewer
from services.risk.days import day_of
from services.storage import desk, incidents, terminals, trades, verdicts
from services.storage.counters import get_fact, set_fact
from services.storage.database import Unit
from services.storage.drills import last_drills
from services.storage.tables import decisions, missions

A_DAY = timedelta(days=1)
MOST_ROWS = 200_000
MOST_POINTS = 300
DRILLS_LAST = timedelta(days=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalState:
    """The chain's length and head, and the first row that does not follow since the last digest, or None."""

    rows: int
    sequence: int
    head: str
    broken_at: int | None


def digest_now(unit: Unit, chat_id: int, live: Live, name: str, *, since: datetime | None = None) -> dict[str, object]:
    """Return everything that a digest says to a chat, as plain values; by default of the last day.

    A trader's own figures, everyone's for a commander or a group; R and percent only where others read along.
    """
    since = since or live.now - A_DAY
    viewer = read_viewer(unit, chat_id, chat_id, live)
    accounts = accounts_of(unit, viewer)
    owner = viewer.person_id if viewer.private and viewer.role is Role.TRADER else None
    closed = trades.closed(unit, since=since, person_id=owner)
    facts: dict[str, object] = {
        "desk": name,
        "since": since.isoformat(),
        "at": live.now.isoformat(),
        "zone": viewer.zone,
        "mine": owner is not None,
        "modes": [mode.value for mode in modes_of(accounts)],
    }
    results = results_of(closed, live.least_sample)
    facts |= _result_facts(unit, results, closed, accounts, since, live)
    facts |= _exposure_facts(unit, accounts, live, viewer)
    facts |= _mission_facts(unit, since, owner)
    facts |= _health_facts(unit, since, viewer)
    if viewer.sees_money:
        facts["money"] = [[canonical(each.amount), each.currency] for each in results.money]
    return facts


def _result_facts(
    unit: Unit, results: Results, closed: Sequence[Trade], accounts: Sequence[Terminal], since: datetime, live: Live
) -> dict[str, object]:
    percent = _percent(unit, closed, accounts, since, live)
    return {
        "n": results.n,
        "r": canonical(results.total_r.quantize(Decimal("0.01"))),
        "percent": canonical(percent.quantize(Decimal("0.01"))) if percent is not None else None,
        "wins": results.win_rate.wins,
        "least": results.win_rate.least,
        "best": _best(results.best),
        "worst": _best(results.worst) if results.n_r > 1 else None,
        "points": _points(closed, since),
    } | _execution_facts([sample_of(unit, trade) for trade in closed])


def _execution_facts(samples: Sequence[EntrySample]) -> dict[str, object]:
    """Return how the closed trades were entered: against the middle at the tap, each figure with its own sample."""
    slips = [each.slippage_bps for each in samples if each.slippage_bps is not None]
    acks = [each.ack_s for each in samples if each.ack_s is not None]
    makers = [each.maker for each in samples if each.maker is not None]
    return {
        "slippage_bps": _rounded(median(slips), "0.1"),
        "worst_bps": _rounded(max(slips, default=None), "0.1"),
        "n_slippage": len(slips),
        "maker": _rounded(sum(makers, ZERO) / len(makers) if makers else None, "0.001"),
        "ack_s": _rounded(median(acks), "0.001"),
        "n_ack": len(acks),
    }


def _rounded(value: Decimal | None, step: str) -> str | None:
    return None if value is None else canonical(value.quantize(Decimal(step)))


def _best(result: TradeResult | None) -> list[str] | None:
    if result is None or result.r is None:
        return None
    return [result.symbol, canonical(result.r.quantize(Decimal("0.01")))]


def _percent(unit: Unit, closed: Sequence[Trade], accounts: Sequence[Terminal], since: datetime, live: Live) -> Decimal | None:
    """Return the closed trades' result in percent of the equity that its days opened with; None without such a reading."""
    opening = [_opening(unit, account, since, live) for account in accounts]
    known = [each for each in opening if each is not None]
    if not known or len(known) < len(opening) or len({account.currency for account in accounts}) != 1:
        return None
    return sum((trade.realized for trade in closed), ZERO) / sum(known, ZERO) * 100


def _opening(unit: Unit, account: Terminal, since: datetime, live: Live) -> Decimal | None:
    for moment in (since, live.now):
        day = terminals.day_result(unit, account.id, day_of(moment, live.zone))
        if day is not None and day.opening_equity > 0:
            return day.opening_equity
    return None


def _points(closed: Sequence[Trade], since: datetime) -> list[list[str | None]]:
    """Return the curve of R, oldest first: time, sum, and what the trade closed then made."""
    total, points = ZERO, list[list[str | None]]([[since.isoformat(), "0", None]])
    for trade in reversed(closed):
        r = trade.r_multiple(trade.realized)
        if r is None or trade.closed_at is None:
            continue
        total += r
        points.append([trade.closed_at.isoformat(), canonical(round(total, 4)), canonical(round(r, 4))])
    return points[-MOST_POINTS:]


def _exposure_facts(unit: Unit, accounts: Sequence[Terminal], live: Live, viewer: Viewer) -> dict[str, object]:
    held = exposure(unit, accounts, live)
    percent = held.risk_percent
    facts: dict[str, object] = {
        "open": held.open,
        "waiting": held.waiting,
        "risk_percent": canonical(percent.quantize(Decimal("0.01"))) if percent is not None else None,
    }
    if viewer.sees_money:
        facts["equity"] = [canonical(held.equity.amount), held.equity.currency] if held.equity else None
        facts["equity_at"] = held.equity_at.isoformat() if held.equity_at else None
    return facts


def _mission_facts(unit: Unit, since: datetime, owner: int | None) -> dict[str, object]:
    said = select(decisions.c.reason).where(decisions.c.at >= since, decisions.c.decision == "skipped")
    if owner is not None:
        said = said.where(decisions.c.person_id == owner)
    fired = [trade for trade in trades.tapped_since(unit, since) if owner in (None, trade.person_id)]
    return {
        "offered": _count(unit, missions.c.created_at >= since),
        "expired": _count(unit, missions.c.closed_at >= since, missions.c.state == MissionState.EXPIRED.value),
        "fired": len(fired),
        "skipped": dict(Counter(row.reason or "no reason" for row in unit.all(said)).most_common()),
        "refused": verdicts.denials_since(unit, since, owner),
    }


def _count(unit: Unit, *where: ColumnElement[bool]) -> int:
    return int(unit.first(select(func.count().label("n")).select_from(missions).where(*where)).n)


def _health_facts(unit: Unit, since: datetime, viewer: Viewer) -> dict[str, object]:
    chain = journal_state(unit)
    return {
        "incidents": dict(Counter(row.code for row in incidents.incidents_since(unit, since)).most_common()),
        "open_incidents": len(incidents.open_incidents(unit)),
        "journal": chain.rows,
        "sequence": chain.sequence,
        "head": chain.head,
        "broken_at": chain.broken_at,
        "drills": [
            [each.kind.value, each.at.isoformat(), each.passed]
            for each in last_drills(unit)
            if unit.now - each.at <= DRILLS_LAST
        ],
        "halts": [f"{line.covers} {line.halt.state.value} by {line.halt.by_name}" for line in halt_lines(unit, viewer)],
    }


def _drills(unit: Unit) -> list[list[object]]:
    """Return the last drill of each kind of the last month: what, when, and whether it passed."""
    lately = [each for each in last_drills(unit) if unit.now - each.at <= DRILLS_LAST]
    return [[each.kind.value, each.at.isoformat(), each.passed] for each in lately]


def journal_state(unit: Unit) -> JournalState:
    """Verify the chain from the row that the last digest verified to its head."""
    kept, _, previous = (get_fact(unit, DIGEST_FACT) or f"0:{GENESIS}").partition(":")
    rows, head = desk.journal_after(unit, int(kept), MOST_ROWS), desk.journal_head(unit)
    broken_at = first_break(rows, previous, int(kept))
    if not rows and (head.hash if head else GENESIS) != previous:
        # The chain no longer ends where it was verified to: its end was cut off.
        broken_at = int(kept)
    return JournalState(
        rows=desk.count_journal(unit),
        sequence=head.sequence if head else 0,
        head=head.hash if head else GENESIS,
        broken_at=broken_at,
    )


def keep_anchor(unit: Unit, facts: Mapping[str, object]) -> None:
    """Remember up to where a digest verified the chain, so that the next one goes on from there.

    A broken chain stays where it broke, so that every digest says so until it is mended.
    """
    if facts["broken_at"] is None:
        set_fact(unit, DIGEST_FACT, f"{facts['sequence']}:{facts['head']}")
