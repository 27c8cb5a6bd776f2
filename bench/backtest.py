"""How fast a backtest is: the process that `sortie backtest` starts, beside a process with nothing but a compiled loop."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from bench.figures import Figure, Measured, Target, middle, spread
from bench.plan import Plan
from bench.programs import ROOT, BenchError, environment
from handlers.cli.backtest import WORKER
from services.market.history import History, milliseconds
from services.market.store.candle_store import CandleStore
from services.market.store.places import Series
from services.research.asking import bars_of
from services.research.job import Job, Source, job_as_json
from services.research.known import KNOWN_RULES, crosses, ema_cross
from services.research.rules import Rules
from services.research.simulation import Entrant, Outcome, simulate
from services.strategies.indicators import Bars

STRATEGY = ROOT / "bench" / "strategies" / "ema_cross.py"
START = datetime(2024, 1, 1, tzinfo=UTC)
SERIES = Series(venue="bench", symbol="BTC/USDT", timeframe="1m")
FAST, SLOW = range(6, 16), range(22, 62, 4)
REPEATS = 7
KIB = 1024
_STARTER = (
    "import resource, subprocess, sys\n"
    "code = subprocess.run(sys.argv[1:]).returncode\n"
    "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, flush=True)\n"
    "sys.exit(code)"
)


async def measure(plan: Plan, folder: Path) -> Measured:
    """Measure the whole process, the simulation alone, a hundred parameter sets, and the memory of a long history."""
    return await asyncio.to_thread(_measure, plan, folder)


def _measure(plan: Plan, folder: Path) -> Measured:
    history = walk(plan.backtest_candles)
    columns = np.ascontiguousarray([column for _, column in history.columns()[:4]])
    whole, whole_floor = _processes(plan, folder, history, columns)
    simulation, loop = _in_turns(lambda: _simulated(history), lambda: _floor_loop(columns), REPEATS)
    sweep, sweep_floor = _in_turns(lambda: sweep_of(history), lambda: _floor_sweep(columns), 3)
    long = walk(plan.backtest_long)
    memory = _peak_mib(job_of(stored(folder / "long", long), folder / "report-long"))
    size = f"{len(history):,} candles"
    figures = [
        _figure(f"Backtest of {size}, whole process", whole, whole_floor, "a compiled loop's process", 1.5),
        _figure(f"Signals and simulation, {size}", simulation, loop, "the compiled loop", 3.0, scale=1000, unit="ms"),
        _figure(f"{len(FAST) * len(SLOW)} parameter sets, {size}", sweep, sweep_floor, "the loop for each", 6.0),
        Figure(name=f"Memory of {len(long):,} candles", value=memory, unit="MiB", target=Target(at_most=400)),
    ]
    samples = {"process": whole, "process_floor": whole_floor, "simulation": simulation, "simulation_floor": loop}
    samples |= {"sweep": sweep, "sweep_floor": sweep_floor}
    return Measured(figures=figures, details={name: spread(each) for name, each in samples.items()})


def walk(rows: int) -> History:
    """Return a random walk of one-minute candles, the same in each run."""
    random = np.random.default_rng(26)
    close = 100 * np.exp(np.cumsum(random.normal(0, 0.001, rows)))
    open_ = np.append(100.0, close[:-1])
    high = np.maximum(open_, close) * (1 + abs(random.normal(0, 0.0005, rows)))
    low = np.minimum(open_, close) * (1 - abs(random.normal(0, 0.0005, rows)))
    time_ = milliseconds(START) + np.arange(rows, dtype=np.int64) * SERIES.step
    return History(
        symbol=SERIES.symbol,
        timeframe=SERIES.timeframe,
        time=time_,
        open=open_,
        high=high,
        low=low,
        close=close,
        volume=np.ones(rows),
    )


def stored(root: Path, history: History) -> Path:
    """Keep candles as a desk does, and return the store's folder."""
    CandleStore(root).put(SERIES, history, now=START + timedelta(minutes=len(history) + 1))
    return root


def job_of(store: Path, out: Path) -> Job:
    """Return the run that is measured: the report as JSON with all trades, without the draws that other tools do not do."""
    out.mkdir(parents=True, exist_ok=True)
    source = Source(symbol=SERIES.symbol, timeframe=SERIES.timeframe, venue=SERIES.venue, folder=str(store))
    return Job(
        strategy=str(STRATEGY),
        sources=(source,),
        rules=KNOWN_RULES,
        out=str(out),
        now=milliseconds(datetime.now(UTC)),
        draws=0,
        runs=0,
        page=False,
        idle=False,
    )


def command() -> list[str]:
    """Return the process that a shell's backtest starts."""
    return [sys.executable, *WORKER]


def _processes(plan: Plan, folder: Path, history: History, columns: Any) -> tuple[list[float], list[float]]:
    job = job_of(stored(folder / "store", history), folder / "report")
    candles, trades = folder / "candles.npy", folder / "trades.json"
    np.save(candles, columns)
    floor = [sys.executable, "-m", "bench.floors.numba_loop", str(candles), str(trades)]
    # The first turn compiles where nothing is compiled yet, and reads files from the disk.
    ours, theirs = _in_turns(lambda: _run(command(), job_as_json(job)), lambda: _run(floor, ""), plan.backtest_processes)
    report = json.loads((job.folder / "report.json").read_text(encoding="utf-8"))
    _require_same(report["trades"], json.loads(trades.read_text(encoding="utf-8")))
    return ours, theirs


def _require_same(ours: Sequence[dict[str, float]], theirs: Sequence[dict[str, float]]) -> None:
    """Raise BenchError unless both made the same trades: speed is compared of equal work alone."""
    same = len(ours) == len(theirs) and all(
        abs(mine["exit"] - other["exit"]) + abs(mine["pnl"] - other["pnl"]) < 1e-6
        for mine, other in zip(ours, theirs, strict=False)
    )
    if not same or not ours:
        raise BenchError(f"the backtest made {len(ours)} trades and the bare loop {len(theirs)}, or not the same")


def _run(arguments: Sequence[str], said: str) -> None:
    done = subprocess.run(
        arguments, cwd=ROOT, env=environment(), input=said + "\n", text=True, capture_output=True, check=False
    )
    if done.returncode:
        raise BenchError(
            f"{' '.join(arguments[:3])} ended with code {done.returncode}: {done.stdout[-500:]} {done.stderr[-500:]}"
        )


def _peak_mib(job: Job) -> float:
    """Return the most memory that the process had at once; a small one starts it, whose own size would count as well."""
    starter = [sys.executable, "-c", _STARTER, *command()]
    done = subprocess.run(
        starter, cwd=ROOT, env=environment(), input=job_as_json(job) + "\n", text=True, capture_output=True, check=False
    )
    if done.returncode:
        raise BenchError(f"a backtest of a long history ended with code {done.returncode}: {done.stdout[-500:]}")
    return int(done.stdout.splitlines()[-1]) / KIB


def _simulated(history: History) -> Outcome:
    return simulate([Entrant(history=history, calls=ema_cross(bars_of(history)))], KNOWN_RULES)


def _floor_loop(columns: Any) -> Any:
    from bench.floors.numba_loop import run

    return run(columns)


def sweep_of(history: History, rules: Rules = KNOWN_RULES) -> list[Outcome]:
    """Play every pair of look-backs, on two threads; each average is computed once."""
    bars = bars_of(history)
    swing = bars.atr(14)
    for period in (*FAST, *SLOW):
        bars.ema(period)

    def played(pair: tuple[int, int]) -> Outcome:
        return simulate([Entrant(history=history, calls=_crossed(bars, pair, swing))], rules)

    with ThreadPoolExecutor(2) as threads:
        return list(threads.map(played, ((fast, slow) for fast in FAST for slow in SLOW)))


def _crossed(bars: Bars, pair: tuple[int, int], swing: Any) -> Any:
    fast, slow = pair
    return crosses(bars, bars.ema(fast), bars.ema(slow), swing, 2.0, 3.0)


def _floor_sweep(columns: Any) -> list[Any]:
    from bench.floors.numba_loop import run

    with ThreadPoolExecutor(2) as threads:
        return list(threads.map(lambda pair: run(columns, *pair), ((fast, slow) for fast in FAST for slow in SLOW)))


def _in_turns(ours: Callable[[], object], floor: Callable[[], object], count: int) -> tuple[list[float], list[float]]:
    """Run both in turns and return the seconds of each; the first turn is not counted."""
    samples: tuple[list[float], list[float]] = ([], [])
    for turn in range(count + 1):
        for place, work in enumerate((ours, floor)):
            began = time.perf_counter()
            work()
            if turn:
                samples[place].append(time.perf_counter() - began)
    return samples


def _figure(
    name: str, ours: Sequence[float], floor: Sequence[float], floor_is: str, most: float, *, scale: float = 1, unit: str = "s"
) -> Figure:
    return Figure(
        name=name,
        value=middle(ours) * scale,
        unit=unit,
        floor=middle(floor) * scale,
        floor_is=floor_is,
        target=Target(at_most=most, of_floor=True),
    )
