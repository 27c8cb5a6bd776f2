"""``sortie backtest``: put a job together, let a process of its own run it, show how far it is and what came of it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_type_hints

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from handlers.cli.console import explain, say, say_json, say_rows
from services.domain.errors import NotFound, Refused, SortieError
from services.market.store.candle_store import CandleStore
from services.research.job import ENUMS, Job, Source, job_as_json
from services.research.rules import Rules

DONE, FAILED, STOPPED = 0, 1, 130
WORKER = ("-m", "services.research.worker")
STOP_S = 5.0
_LOG = "worker.log"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What the process said at the end: the rows of the summary, or an error."""

    rows: Sequence[Sequence[str]]
    error: SortieError | None = None


def sources_of(
    store: CandleStore,
    folder: Path,
    *,
    symbols: Sequence[str],
    timeframe: str | None,
    venue: str | None,
    files: Sequence[Path],
    finer: str | None,
    funding: Path | None,
) -> tuple[Source, ...]:
    """Return where the candles are; raise Refused or NotFound where that is not clear."""
    if files:
        if finer or (symbols and len(symbols) != len(files)):
            raise Refused("BACKTEST_FILES", limit="a --symbol for each --file or none, and no --finer")
        names = symbols or [file.name.partition(".")[0].partition("-")[0] for file in files]
        return tuple(
            Source(symbol=name, timeframe=timeframe, file=str(file), funding=str(funding or ""))
            for name, file in zip(names, files, strict=True)
        )
    if not symbols or timeframe is None:
        raise Refused("BACKTEST_CANDLES", limit="--symbol and --timeframe of stored candles, or --file")
    return tuple(
        Source(
            symbol=symbol,
            timeframe=timeframe,
            venue=venue or _only_venue(store, symbol, timeframe),
            folder=str(folder),
            finer=finer or "",
            funding=str(funding or ""),
        )
        for symbol in symbols
    )


def _only_venue(store: CandleStore, symbol: str, timeframe: str) -> str:
    found = [each.venue for each in store.series() if (each.symbol, each.timeframe) == (symbol, timeframe)]
    if not found:
        fix = "sortie candles list shows what there is; sortie candles fill and import bring more"
        raise NotFound("NO_CANDLES", value=f"{symbol} {timeframe}", fix=fix)
    if len(found) > 1:
        raise Refused("SEVERAL_VENUES", value=f"{symbol} {timeframe}: {', '.join(found)}", fix="name one with --venue")
    return found[0]


def rules_of(given: Sequence[str]) -> Rules:
    """Return the rules with what ``name=value`` changes; raise Refused for a name, a value or rules that cannot be."""
    hints = get_type_hints(Rules)
    changes: dict[str, Any] = {}
    for name, text in _pairs(given, "--rule"):
        if name not in hints:
            raise Refused("RULE", value=name, limit=f"one of {', '.join(hints)}")
        try:
            changes[name] = _rule(name, hints[name], text)
        except (KeyError, ValueError) as error:
            limit = ", ".join(each.name.lower() for each in ENUMS[name]) if name in ENUMS else "a number"
            raise Refused("RULE", value=f"{name}={text}", limit=limit) from error
    try:
        return Rules(**changes)
    except ValueError as error:
        raise Refused("RULE", problem=error) from error


def parameters_of(given: Sequence[str]) -> dict[str, float | int | str | bool]:
    """Return a strategy's parameters from ``name=value``, typed as they are written."""
    return {name: _typed(text) for name, text in _pairs(given, "--set")}


def _pairs(given: Sequence[str], option: str) -> list[tuple[str, str]]:
    for each in given:
        if "=" not in each.strip("="):
            raise Refused("BACKTEST_OPTION", value=f"{option} {each}", limit=f"{option} name=value")
    return [(name.strip(), text.strip()) for name, _, text in (each.partition("=") for each in given)]


def _rule(name: str, kind: object, text: str) -> object:
    if name in ENUMS:
        return ENUMS[name][text.upper()]
    if name == "shares":
        return tuple(float(part) for part in text.split(",") if part)
    if kind is bool:
        return {"true": True, "yes": True, "false": False, "no": False}[text.lower()]
    return int(text) if kind is int else float(text)


def _typed(text: str) -> float | int | str | bool:
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def run_job(job: Job, *, as_json: bool) -> int:
    """Run a job in its own process, with its progress; return the exit code."""
    try:
        job.folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        say(f"the report has no place: {job.folder}: {error.strerror}", error=True)
        return FAILED
    try:
        outcome = _run(job, quiet=as_json)
    except KeyboardInterrupt:
        say("stopped; there is no report", error=True)
        return STOPPED
    if outcome.error is not None:
        say(f"no backtest: {explain(outcome.error)}", error=True)
        return FAILED
    if as_json:
        say_json(
            {
                "report": str(job.folder),
                "figures": [dict(zip(("name", "value", "note"), row, strict=True)) for row in outcome.rows],
            }
        )
        return DONE
    say_rows(outcome.rows)
    say(f"report: {job.folder / ('report.html' if job.page else 'report.json')}")
    return DONE


def _run(job: Job, *, quiet: bool) -> Outcome:
    log = job.folder / _LOG
    with (
        log.open("wb") as said,
        subprocess.Popen([sys.executable, *WORKER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=said) as process,
    ):
        try:
            outcome = _follow(process, job, quiet=quiet)
        finally:
            if process.poll() is None:
                process.terminate()
                try:
                    process.wait(STOP_S)
                except subprocess.TimeoutExpired:
                    process.kill()
    if outcome is None:
        last = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-1:]
        problem = last[0] if last else f"ended with code {process.returncode}"
        fix = f"look into {log}; a process that was killed may have wanted more than --memory {job.memory_mib}"
        return Outcome(rows=(), error=Refused("BACKTEST_LOST", problem=problem, fix=fix))
    if not log.stat().st_size:
        log.unlink()
    return outcome


def _follow(process: subprocess.Popen[bytes], job: Job, *, quiet: bool) -> Outcome | None:
    """Hand the job over and hear the process out; None when it ends without a last word."""
    assert process.stdin is not None
    assert process.stdout is not None
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=quiet or not console.is_terminal) as progress:
        task = progress.add_task("starting", total=1.0)
        try:
            process.stdin.write(job_as_json(job).encode() + b"\n")
            process.stdin.close()
        except BrokenPipeError:
            return None
        for line in process.stdout:
            answer: Mapping[str, Any] = json.loads(line)
            if "stage" in answer:
                progress.update(task, description=answer["stage"], completed=answer["share"])
            elif "error" in answer:
                return Outcome(rows=(), error=Refused(answer["error"], **answer["values"]))
            else:
                process.wait()
                return Outcome(rows=answer["done"])
    return None


def fresh_folder(root: Path, strategy: str, stamp: str) -> Path:
    """Return a folder for a report that is not there yet."""
    name = f"{Path(strategy).stem}-{stamp}"
    taken = {each.name for each in root.glob(f"{name}*")} if root.is_dir() else set()
    numbered = (f"{name}-{number}" for number in range(2, len(taken) + 3))
    return root / next(each for each in (name, *numbered) if each not in taken)
