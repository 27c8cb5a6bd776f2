"""How much is measured: enough for steady figures, or a little to see that every bench works."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Sizes of the benches; rates are a second."""

    start_runs: int
    help_runs: int
    traders: int
    warm_up_taps: int
    fire_seconds: float
    fast_fire_seconds: float
    skip_seconds: float
    reads: int
    listeners: int
    instruments: int
    book_orders: int
    open_positions: int
    gate_taps: int
    scan_instruments: int
    backtest_processes: int
    backtest_candles: int
    backtest_long: int


FULL = Plan(
    start_runs=3,
    help_runs=15,
    traders=125,
    warm_up_taps=20,
    fire_seconds=12,
    fast_fire_seconds=4.8,
    skip_seconds=10,
    reads=600,
    listeners=1_000,
    instruments=8,
    book_orders=500,
    open_positions=500,
    gate_taps=50,
    scan_instruments=500,
    backtest_processes=7,
    backtest_candles=100_000,
    backtest_long=1_000_000,
)
QUICK = Plan(
    start_runs=1,
    help_runs=3,
    traders=8,
    warm_up_taps=2,
    fire_seconds=0.5,
    fast_fire_seconds=0.2,
    skip_seconds=0.2,
    reads=20,
    listeners=20,
    instruments=5,
    book_orders=20,
    open_positions=10,
    gate_taps=5,
    scan_instruments=10,
    backtest_processes=1,
    backtest_candles=5_000,
    backtest_long=10_000,
)
