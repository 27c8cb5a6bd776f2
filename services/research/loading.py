"""The candles and the strategy that a job names."""

from __future__ import annotations

from pathlib import Path

from services.domain.errors import NotFound, Refused
from services.domain.ports import Strategy
from services.market.history import History, moment
from services.research.funding import read_funding
from services.research.job import Job, Source
from services.research.simulation import Entrant, Funding
from services.strategies.calls import Calls


def strategy_of(job: Job) -> Strategy:
    """Return the job's strategy with its parameters; raise NotFound for an unknown name, Misconfigured for a broken plug-in."""
    from services.strategies.registry import load_file, load_strategies

    if job.strategy.endswith(".py"):
        return load_file(Path(job.strategy), job.parameters)
    folders = [Path(each) for each in job.strategy_folders]
    known = load_strategies(folders).names()
    if job.strategy not in known:
        raise NotFound("NO_STRATEGY", value=job.strategy, fix=f"use one of {', '.join(known)}, or a strategy's file")
    found = load_strategies(folders, parameters={job.strategy: job.parameters}).get(job.strategy)
    assert found is not None
    return found


def histories_of(job: Job, source: Source) -> tuple[History, History | None, Funding | None]:
    """Return a source's candles in the job's span, the finer ones and the funding where they were named.

    Raise Refused for a file that is refused and NotFound where there are no candles.
    """
    history = _history(job, source, source.timeframe)
    if not len(history):
        what = source.file or f"{source.venue} {source.symbol} {source.timeframe}"
        fix = "choose another span" if source.file else f"sortie candles fill {what} --since 2024-01-01, or another span"
        raise NotFound("NO_CANDLES", value=what, fix=fix)
    finer = _history(job, source, source.finer) if source.finer else None
    return history, finer, read_funding(Path(source.funding)) if source.funding else None


def entrant_of(history: History, calls: Calls, finer: History | None, funding: Funding | None, *, trail_period: int) -> Entrant:
    """Return an instrument as it is played; ATR of ``trail_period`` candles is its trail and its volatility."""
    from services.research.asking import bars_of
    from services.strategies.indicators import atr

    swing = atr(bars_of(history), trail_period)
    return Entrant(history=history, calls=calls, funding=funding, finer=finer, trail=swing, volatility=swing)


def _history(job: Job, source: Source, timeframe: str | None) -> History:
    since = moment(job.since) if job.since is not None else None
    until = moment(job.until) if job.until is not None else None
    if source.file:
        return _from_file(job, source, timeframe).between(since, until)
    from services.market.store.candle_store import CandleStore
    from services.market.store.places import Series

    series = Series(venue=source.venue, symbol=source.symbol, timeframe=timeframe or "")
    span = CandleStore(Path(source.folder)).read(series, since, until)
    if span.damaged:
        parts = ", ".join(each.part for each in span.damaged)
        raise Refused("DAMAGED_CANDLES", value=f"{series}: {parts}", fix="sortie candles check --set-aside, then fill")
    return span.history


def _from_file(job: Job, source: Source, timeframe: str | None) -> History:
    from services.market.store.files import read_candles

    reading = read_candles(Path(source.file), symbol=source.symbol, timeframe=timeframe, now=moment(job.now))
    if reading.refused:
        raise Refused("CANDLE_FILE", file=source.file, problem="; ".join(str(each) for each in reading.findings[:3]))
    return reading.history
