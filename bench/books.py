"""How fast the desk's books follow a venue: fills booked a second, and one comparison of an account with many orders.

The trading side runs in this process over its own files, built as `sortie run` builds it. One trader fires at the paper venue,
once for each of many instruments; the venue executes before the desk looks, so that one look finds every fill.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from bench.figures import Figure, Measured, middle, spread
from bench.plan import Plan
from bench.programs import BenchError
from bench.trading_side import trading_side

ORDERS_A_TRADE = 2
PASSES = 5


async def measure(plan: Plan, folder: Path) -> Measured:
    """Book the fills of one look, then compare the account a few times."""
    symbols = [f"C{number:03d}/USDT" for number in range(plan.book_orders // ORDERS_A_TRADE)]
    async with trading_side(folder, symbols) as books:
        await books.fire_all()
        booked_s, booked_cpu_s = await _timed(books.look)
        await books.send_all()
        await books.look()
        working = await books.working()
        if working != plan.book_orders:
            raise BenchError(f"{working} exits work where {plan.book_orders} should")
        passes = [await _timed(books.reconcile) for _ in range(PASSES)]
    figures = [
        Figure(name=f"Fills booked a second, {len(symbols)} found by one look", value=len(symbols) / booked_s, unit="1/s"),
        Figure(name=f"Reconcile pass with {plan.book_orders} orders", value=middle([wall for wall, _ in passes]), unit="s"),
    ]
    details = {"fill_cpu_ms": booked_cpu_s / len(symbols) * 1000, "pass_cpu_s": spread([cpu for _, cpu in passes])}
    return Measured(figures=figures, details=details)


async def _timed(work: Callable[[], Awaitable[None]]) -> tuple[float, float]:
    """Return the seconds and the CPU seconds of this process that the work took."""
    began, cpu = time.monotonic(), time.process_time()
    await work()
    return time.monotonic() - began, time.process_time() - cpu
