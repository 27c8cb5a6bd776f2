"""How long the gate takes where much stands open, beside the commit that it sits in, in the same taps.

The trading side runs in this process over its own files, built as `sortie run` builds it. One trader holds a position on each
of many instruments and confirms one more, again and again; the venue is not asked, so that what stands beside an entry stays.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

from bench.figures import Figure, Measured, middle, percentile, spread
from bench.plan import Plan
from bench.programs import BenchError
from bench.trading_side import RISK, TradingSide, trading_side
from services.risk import recorded
from services.risk.gate import decide
from services.storage import trades, verdicts

MS = 1000.0
# Every limit that may be off is in force but that of groups, for which nothing is measured here; none refuses anything.
ALL_IN_FORCE = RISK.model_copy(
    update={
        "cash_reserve": Decimal("0.01"),
        "margin_left": Decimal("0.01"),
        "instrument_share": Decimal(1),
        "tier_share": Decimal(1),
        "weekend_positions": 10_000,
        "instrument_cooldown_s": 1.0,
        "gross_exposure": Decimal(100),
        "net_exposure": Decimal(100),
        "usual_multiple": Decimal(100),
        "desk_positions": 10_000,
        "person_positions": 10_000,
        "strategy_positions": 10_000,
        "instrument_positions": 10_000,
        "trades_per_hour": 10_000,
        "min_score": 1,
        "weekly_loss": Decimal("0.9"),
    }
)


async def measure(plan: Plan, folder: Path) -> Measured:
    """Open the positions, then confirm once on each of a few instruments more."""
    held = [f"C{number:03d}/USDT" for number in range(plan.open_positions)]
    asked = [f"N{number:03d}/USDT" for number in range(plan.gate_taps)]
    async with trading_side(folder, [*held, *asked], risk=ALL_IN_FORCE) as books:
        await books.fire_all(held)
        await books.look()
        await books.send_all()
        live = await books.trading.database.read(trades.live)
        if len([trade for trade in live if trade.open_quantity]) != len(held):
            raise BenchError(f"{len(live)} trades live where {len(held)} should be open")
        taps = [await books.confirm(symbol) for symbol in asked]
        judged = [await _judgement(books, fired.trade_id) for fired, _ in taps]
    return _measured(len(held), [seconds for _, seconds in taps], judged)


async def _judgement(books: TradingSide, trade_id: str) -> tuple[float, float]:
    """Return how long the gate took within a tap, its ledger read included, and how long its checks take alone."""
    stored = await books.trading.database.read(lambda unit: verdicts.of_trade(unit, trade_id))
    if stored is None:
        raise BenchError("a trade without a verdict")
    context = recorded.load(stored.context)
    began = time.perf_counter()
    decide(context)
    return float(stored.context["gate_s"]), time.perf_counter() - began


def _measured(held: int, taps: Sequence[float], judged: Sequence[tuple[float, float]]) -> Measured:
    asked = [within for within, _ in judged]
    checks = [alone for _, alone in judged]
    floor = middle(taps) * MS
    beside = "the whole commit of the same taps"
    figures = [
        Figure(
            name=f"Gate with {held} open positions, median", value=middle(asked) * MS, unit="ms", floor=floor, floor_is=beside
        ),
        Figure(name="... its checks alone", value=middle(checks) * MS, unit="ms", floor=floor, floor_is=beside),
        Figure(
            name="... p99", value=percentile(asked, 0.99) * MS, unit="ms", floor=percentile(taps, 0.99) * MS, floor_is=beside
        ),
    ]
    return Measured(figures=figures, details={"tap_s": spread(taps), "gate_s": spread(asked), "checks_s": spread(checks)})
