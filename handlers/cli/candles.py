"""``sortie candles``: candles from files and venues go into the store; what is there, missing or damaged is said."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from handlers.cli.console import explain, say, say_json, say_rows
from services.domain.errors import SortieError, Unavailable
from services.domain.ports import Clock
from services.market.history import Gap, moment
from services.market.store.candle_store import CandleStore, Damage, Overview
from services.market.store.filling import FillCandles, Filled, PastCandles
from services.market.store.filling import Progress as FillProgress
from services.market.store.importing import Clash, ImportCandles, Imported
from services.market.store.places import Series

DONE, FAILED, STOPPED = 0, 1, 130
LISTED = 50


def import_candles(store: CandleStore, clock: Clock, file: Path, series: Series, *, skip_bad: bool, replace: bool) -> int:
    """Import a file and say what was found in it; return the exit code."""
    try:
        imported = ImportCandles(store, clock)(file, series, skip_bad=skip_bad, replace=replace)
    except SortieError as error:
        say(f"nothing was imported: {explain(error)}", error=True)
        return FAILED
    for each in imported.reading.findings:
        say(f"{each.verdict.value:<8} {each}", error=each.verdict.value == "refused")
    return _say_imported(imported, series)


def _say_imported(imported: Imported, series: Series) -> int:
    stored, reading = imported.stored, imported.reading
    if stored is None:
        why = _said(imported.clash) if imported.clash is not None else "mend the file, or take its sound rows with --skip-bad"
        if not len(reading.history):
            why = "no row of it can be used"
        say(f"nothing was imported: {why}", error=True)
        return FAILED
    what = [f"{stored.added:,} new", f"{stored.equal:,} known", f"{stored.corrected:,} corrected"]
    if reading.rows != len(reading.history):
        what.append(f"{reading.rows - len(reading.history):,} left out")
    say(f"{series}: {', '.join(what)}")
    for each in stored.corrections[-3:]:
        say(f"  corrected {_at(each.time)}: close {each.old[3]:g} -> {each.new[3]:g}")
    _say_damage(stored.set_aside)
    return DONE


def _said(clash: Clash) -> str:
    said = f"{clash.different:,} of the {clash.shared:,} candles that are there already differ"
    if clash.hours_ahead is not None:
        lie = f"{abs(clash.hours_ahead)} h {'ahead of' if clash.hours_ahead > 0 else 'behind'}"
        return f"{said}; the file's times lie {lie} those: they are not UTC, or not the candles' openings"
    return f"{said}; is it the same market? --replace lets the file win"


def list_candles(store: CandleStore, *, as_json: bool) -> int:
    """Print what the store holds; return the exit code."""
    found = [store.overview(series) for series in store.series()]
    if as_json:
        say_json([_overview(each) for each in found])
    elif found:
        say_rows([("venue", "symbol", "timeframe", "candles", "first", "last", "missing", "corrected"), *map(_row, found)])
    else:
        say("there are no candles; sortie candles import or sortie candles fill brings some")
    _say_damage([damage for each in found for damage in each.damaged])
    return FAILED if any(each.damaged for each in found) else DONE


def show_gaps(store: CandleStore, series: Series, *, as_json: bool) -> int:
    """Print what is missing of a series, and what of that the venue itself does not have; return the exit code."""
    try:
        span = store.read(series)
    except SortieError as error:
        say(explain(error), error=True)
        return FAILED
    holes = span.holes
    if as_json:
        say_json({"gaps": [_gap(each) for each in span.gaps], "holes": [_gap(each) for each in holes]})
        return DONE
    if not len(span.history):
        say(f"there are no candles of {series}", error=True)
        return FAILED
    rows = [(_at(each.first), _at(each.last), f"{each.count:,}", "missing") for each in span.gaps]
    rows += [(_at(each.first), _at(each.last), f"{each.count:,}", "the venue has none") for each in holes]
    if rows:
        say_rows([("first", "last", "candles", ""), *rows[:LISTED]])
    if len(rows) > LISTED:
        say(f"and {len(rows) - LISTED:,} more; --json lists all")
    say(f"{series}: {sum(each.count for each in span.gaps):,} missing of {len(span.history):,} there")
    _say_damage(span.damaged)
    return DONE


def check_candles(store: CandleStore, *, set_aside: bool) -> int:
    """Read every part of every series and say which are damaged; return the exit code."""
    damaged = 0
    for series in store.series():
        try:
            aside = store.set_aside(series) if set_aside else ()
            found = (*store.read(series).damaged, *aside)
        except SortieError as error:
            say(f"{series}: {explain(error)}", error=True)
            damaged += 1
            continue
        damaged += len(found)
        _say_damage(found, of=series)
    if damaged and not set_aside:
        say(
            "sortie candles check --set-aside moves them out of the way, sortie candles fill brings the candles back",
            error=True,
        )
    if not damaged:
        say(f"all parts of {len(store.series())} series are whole")
    return FAILED if damaged else DONE


def fill_candles(
    store: CandleStore,
    clock: Clock,
    source: Callable[[], AbstractAsyncContextManager[PastCandles]],
    series: Series,
    since: datetime,
    until: datetime | None,
    *,
    anew: bool,
) -> int:
    """Ask a venue for what is missing and show how far it is; return the exit code."""
    bar = Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), console=Console(stderr=True)
    )

    async def fill(told: Callable[[FillProgress], None]) -> Filled:
        async with source() as venue:
            return await FillCandles(store, venue, clock, told=told)(series, since, until, anew=anew)

    try:
        filled = _with_bar(bar, series, fill)
    except KeyboardInterrupt:
        say("stopped; what came is stored, and the same command goes on from there", error=True)
        return STOPPED
    except Unavailable as error:
        say(f"not all was filled: {explain(error)}", error=True)
        say("what came is stored, and the same command goes on from there", error=True)
        return FAILED
    except SortieError as error:
        say(f"nothing was filled: {explain(error)}", error=True)
        return FAILED
    say(f"{series}: {filled.added:,} new in {filled.pages:,} pages, {filled.holes:,} the venue does not have either")
    if filled.missing:
        say(f"{filled.missing:,} are still missing: the venue gave neither them nor anything after them", error=True)
    return DONE


def _with_bar(bar: Progress, series: Series, fill: Callable[[Callable[[FillProgress], None]], Awaitable[Filled]]) -> Filled:
    with bar:
        task = bar.add_task(str(series), total=None)

        def told(progress: FillProgress) -> None:
            said = f"{series} {progress.at:%Y-%m-%d}"
            bar.update(task, completed=progress.done, total=progress.total, description=said)

        async def run() -> Filled:
            return await fill(told)

        return asyncio.run(run())


def _say_damage(damaged: Sequence[Damage], of: Series | None = None) -> None:
    for each in damaged:
        say(f"DAMAGED  {f'{of} ' if of is not None else ''}{each.part}: {each.why}", error=True)


def _row(each: Overview) -> tuple[str, ...]:
    return (
        each.series.venue,
        each.series.symbol,
        each.series.timeframe,
        f"{each.rows:,}",
        _at(each.first) if each.first is not None else "-",
        _at(each.last) if each.last is not None else "-",
        f"{each.missing:,}",
        f"{each.corrected:,}",
    )


def _overview(each: Overview) -> dict[str, object]:
    return {
        "venue": each.series.venue,
        "symbol": each.series.symbol,
        "timeframe": each.series.timeframe,
        "candles": each.rows,
        "first": moment(each.first).isoformat() if each.first is not None else None,
        "last": moment(each.last).isoformat() if each.last is not None else None,
        "missing": each.missing,
        "corrected": each.corrected,
        "damaged": [damage.part for damage in each.damaged],
    }


def _gap(each: Gap) -> dict[str, object]:
    return {"first": moment(each.first).isoformat(), "last": moment(each.last).isoformat(), "candles": each.count}


def _at(time: int) -> str:
    return f"{moment(time):%Y-%m-%d %H:%M}"
