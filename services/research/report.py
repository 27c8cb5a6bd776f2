"""A backtest's report: what was played by which rules, its figures, groups, chances, trades and curve."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

import numpy as np

from services.charts.spec import CurvePoint, CurveSpec
from services.market.history import moment
from services.research.chance import AtRandom, Redrawn
from services.research.figures import Figures, Group, falls, figures_of, groups_of, hours_of, months_of, written_day
from services.research.layouts import Counts, Reason, Rows
from services.research.regimes import regimes_of
from services.research.simulation import Entrant, Outcome

SCHEMA = "sortie.backtest/1"
POINTS = 400
Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """One instrument's candles as they were played; times are openings in milliseconds UTC."""

    symbol: str
    timeframe: str
    first: int
    last: int
    candles: int
    missing: int
    calls: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Everything that a page or a program shows of a backtest."""

    strategy: str
    version: str
    parameters: Mapping[str, object]
    outcome: Outcome
    played: tuple[Played, ...]
    figures: Figures
    groups: Mapping[str, tuple[Group, ...]]
    redrawn: Redrawn | None
    at_random: AtRandom | None


def report_of(
    outcome: Outcome,
    entrants: Sequence[Entrant],
    *,
    strategy: str,
    version: str,
    parameters: Mapping[str, object],
    redrawn: Redrawn | None = None,
    at_random: AtRandom | None = None,
) -> Report:
    """Gather a report."""
    return Report(
        strategy=strategy,
        version=version,
        parameters=parameters,
        outcome=outcome,
        played=tuple(_played(each) for each in entrants),
        figures=figures_of(outcome),
        groups=_groups(outcome, entrants),
        redrawn=redrawn,
        at_random=at_random,
    )


def as_json(report: Report) -> dict[str, Json]:
    """Return a report for programs; times are milliseconds UTC, money is in the quote currency."""
    outcome = report.outcome
    return {
        "schema": SCHEMA,
        "strategy": report.strategy,
        "version": report.version,
        "parameters": _plain(dict(report.parameters)),
        "rules": _plain(dataclasses.asdict(outcome.rules)),
        "instruments": _plain([dataclasses.asdict(each) for each in report.played]),
        "figures": _plain(dataclasses.asdict(report.figures)),
        "groups": _plain({name: [dataclasses.asdict(each) for each in rows] for name, rows in report.groups.items()}),
        "redrawn": _plain(dataclasses.asdict(report.redrawn)) if report.redrawn else None,
        "at_random": _plain(dataclasses.asdict(report.at_random)) if report.at_random else None,
        "refused": {each.name.lower(): count for each, count in outcome.refused.items()},
        "trades": trade_list(outcome),
        "equity": _curve(outcome),
    }


def trade_list(outcome: Outcome) -> list[Json]:
    """Return the trades one by one, with times in place of rows and words in place of numbers."""
    trades = outcome.trades
    columns: dict[str, list[Json]] = {
        "symbol": [outcome.symbols[place] for place in trades["instrument"].tolist()],
        "side": ["long" if side > 0 else "short" for side in trades["side"].tolist()],
        **{name: outcome.time[trades[name]].tolist() for name in ("call", "opened", "closed")},
        **{
            name: trades[name].tolist()
            for name in ("entry", "exit", "stop", "quantity", "fees", "funding", "pnl", "r", "mae", "mfe")
        },
        "reason": [Reason(reason).name.lower() for reason in trades["reason"].tolist()],
    }
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def curve_of(report: Report) -> CurveSpec:
    """Return the picture's description: at most 400 points, each with the deepest fall up to it."""
    outcome, played = report.outcome, report.played
    fallen = falls(outcome.equity, outcome.rules.capital)
    rows = _sampled(len(outcome.equity))
    deepest = np.minimum.reduceat(fallen, np.append(0, rows[:-1] + 1))
    names = ", ".join(outcome.symbols[:3]) + (f" and {len(outcome.symbols) - 3} more" if len(outcome.symbols) > 3 else "")
    first, last = written_day(int(outcome.time[0])), written_day(int(outcome.time[-1]))
    return CurveSpec(
        title=f"{report.strategy} · {names} · {played[0].timeframe}",
        subtitle=f"{first} to {last} · {len(outcome.trades):,} trades",
        capital=outcome.rules.capital,
        points=tuple(
            CurvePoint(time=moment(int(outcome.time[row])), value=float(outcome.equity[row]), fall=float(fall))
            for row, fall in zip(rows.tolist(), deepest.tolist(), strict=True)
        ),
    )


def _sampled(count: int) -> Counts:
    return np.unique(np.linspace(0, count - 1, min(count, POINTS)).astype(np.int64))


def _curve(outcome: Outcome) -> dict[str, Json]:
    rows = _sampled(len(outcome.equity))
    return {"time": outcome.time[rows].tolist(), "value": outcome.equity[rows].tolist()}


def _played(entrant: Entrant) -> Played:
    history = entrant.history
    first, last = int(history.time[0]), int(history.time[-1])
    return Played(
        symbol=history.symbol,
        timeframe=history.timeframe,
        first=first,
        last=last,
        candles=len(history),
        missing=(last - first) // history.step + 1 - len(history),
        calls=int(np.count_nonzero(entrant.calls.side)),
    )


def _groups(outcome: Outcome, entrants: Sequence[Entrant]) -> dict[str, tuple[Group, ...]]:
    trades = outcome.trades
    opened = outcome.time[trades["opened"]]
    labels = {
        "side": ["long" if side > 0 else "short" for side in trades["side"].tolist()],
        "reason": [Reason(reason).name.lower().replace("_", " ") for reason in trades["reason"].tolist()],
        "regime": _regimes(trades, outcome, entrants),
        "instrument": [outcome.symbols[place] for place in trades["instrument"].tolist()],
        "month": months_of(opened),
        "hour": hours_of(opened),
    }
    return {name: groups_of(trades, each) for name, each in labels.items()}


def _regimes(trades: Rows, outcome: Outcome, entrants: Sequence[Entrant]) -> list[str]:
    labels = np.empty(len(trades), dtype="<U8")
    for place, entrant in enumerate(entrants):
        mine = np.flatnonzero(trades["instrument"] == place)
        rows = np.searchsorted(entrant.history.time, outcome.time[trades["call"][mine]])
        labels[mine] = regimes_of(entrant.history.close, rows)
    return labels.tolist()


def _plain(value: object) -> Json:
    """Return a value as JSON has it: enumerations by name, tuples as lists."""
    if isinstance(value, Enum):
        return value.name.lower()
    if isinstance(value, dict):
        return {str(name): _plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return str(value)
