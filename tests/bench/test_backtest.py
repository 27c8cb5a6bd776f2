"""The bench of backtests measures what `sortie backtest` runs, and compares speed of equal work alone."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from bench import backtest
from bench.floors.numba_loop import run
from bench.programs import ROOT, BenchError
from handlers.cli.backtest import run_job
from services.research.asking import bars_of
from services.research.known import KNOWN_RULES, ema_cross
from services.research.simulation import Entrant, simulate

ROWS = 4_000


def test_the_bench_starts_the_process_that_a_shells_backtest_starts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    job = backtest.job_of(backtest.stored(tmp_path / "store", backtest.walk(ROWS)), tmp_path / "report")
    started: list[list[str]] = []
    popen = subprocess.Popen

    def noted(command: list[str], **options: object) -> subprocess.Popen[bytes]:
        started.append(command)
        return popen(command, cwd=ROOT, **options)  # type: ignore[call-overload, no-any-return]

    monkeypatch.setattr(subprocess, "Popen", noted)

    assert run_job(job, as_json=True) == 0
    assert started == [backtest.command()] == [[sys.executable, "-m", "services.research.worker"]]
    trades = json.loads((job.folder / "report.json").read_text(encoding="utf-8"))["trades"]
    columns = np.ascontiguousarray([column for _, column in backtest.walk(ROWS).columns()[:4]])
    assert [trade["pnl"] for trade in trades] == pytest.approx(run(columns)[:, 4])


def test_the_floor_makes_the_same_trades_and_the_bench_refuses_to_compare_others() -> None:
    history = backtest.walk(ROWS)
    columns = np.ascontiguousarray([column for _, column in history.columns()[:4]])
    ours = simulate([Entrant(history=history, calls=ema_cross(bars_of(history)))], KNOWN_RULES).trades

    floor = run(columns)

    assert len(floor) > 30
    assert ours["exit"] == pytest.approx(floor[:, 3])
    listed = [{"exit": float(each["exit"]), "pnl": float(each["pnl"])} for each in ours]
    backtest._require_same(listed, listed)
    with pytest.raises(BenchError, match="not the same"):
        backtest._require_same(listed, listed[:-1])


def test_each_pair_of_look_backs_is_played_by_itself() -> None:
    history = backtest.walk(ROWS)
    pairs = [(fast, slow) for fast in backtest.FAST for slow in backtest.SLOW]

    swept = backtest.sweep_of(history)

    assert len(swept) == len(pairs) == 100
    for (fast, slow), outcome in list(zip(pairs, swept, strict=True))[::33]:
        alone = simulate([Entrant(history=history, calls=ema_cross(bars_of(history), fast=fast, slow=slow))], KNOWN_RULES)
        assert np.array_equal(alone.equity, outcome.equity)
