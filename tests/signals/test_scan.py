"""A scan: states of strategies, their capacity, and what is kept of every call that is not offered."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from bot.system import SystemIds
from config.groups import SignalSettings
from services.domain.market import CandleSeries, Quote
from services.domain.ports import StrategySignal
from services.domain.signals import Side, StrategyState
from services.domain.trades import Terminal, TerminalMode
from services.signals.scan import ScanMarket, Scanned
from services.storage import desk, terminals
from services.storage.database import Database, Unit
from services.storage.tables import signals as signal_rows
from services.strategies.registry import Registry
from tests.storage.bench import ACTOR, NOW, database_at
from tests.strategies.samples import BTC, series, walk

ENABLED, SANDBOXED, DISABLED = StrategyState
PAPER = Terminal(
    id="paper",
    name="paper",
    venue="paper",
    mode=TerminalMode.PAPER,
    owner_id=None,
    currency="USDT",
    can_short=True,
    active=True,
    reconciled_at=None,
)
COINS = tuple(replace(BTC, symbol=f"{name}/USDT", base=name) for name in ("AAA", "BBB", "CCC"))


@dataclass
class Says:
    """A strategy that calls one side on every candle, with the setup it was given."""

    name: str
    side: Side
    setup: int
    version: str = "1.0"
    warm_up: int = 1

    def signals(self, series: CandleSeries) -> Sequence[StrategySignal]:
        entry = series.candles[-1].close
        risk = entry * 0.01 * self.side.sign
        return [
            StrategySignal(
                side=self.side,
                entry=entry,
                stop=entry - risk,
                targets=(entry + 2 * risk,),
                setup=self.setup,
                reason=f"{self.name} says so",
                facts={"setup": float(self.setup)},
            )
        ]


class NoQuotes:
    def latest(self, symbol: str) -> Quote | None:
        return None


class Desk:
    """A scan over one database, on candles that have just closed."""

    def __init__(self, database: Database) -> None:
        self.database = database

    async def scan(self, *strategies: Says, only: int = 1, later: int = 0, **settings: object) -> Scanned:
        registry = Registry({each.name: each for each in strategies}, {})
        wanted = {"min_score": 0, "cooldown_s": 1, **settings}
        scan = ScanMarket(self.database, registry, NoQuotes(), SignalSettings.model_validate(wanted), SystemIds())
        candles = walk(7, 60)
        shift = NOW - timedelta(hours=1) - candles[-1].time + timedelta(seconds=later)
        moved = [each._replace(time=each.time + shift) for each in candles]
        return await scan(ACTOR, [replace(series(moved), instrument=coin) for coin in COINS[:only]])

    async def state(self, **states: StrategyState) -> None:
        def body(unit: Unit) -> None:
            for name, state in states.items():
                desk.set_strategy(unit, name, state, by=None)

        await self.database.write(body)

    async def kept(self) -> dict[str, str | None]:
        """Return the drop code of each strategy's newest signal, None for one that is offered."""
        rows = await self.database.read(lambda unit: unit.all(select(signal_rows).order_by(signal_rows.c.created_at)))
        return {row.source.partition(":")[2].partition("@")[0]: row.drop_code for row in rows}


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Desk]:
    def fill(unit: Unit) -> None:
        desk.save_universe(unit, COINS)
        terminals.add(unit, PAPER)

    async with database_at(tmp_path / "desk.db") as database:
        await database.write(fill)
        yield Desk(database)


LONG_A, LONG_B, SHORT_C = Says("a", Side.LONG, 20), Says("b", Side.LONG, 38), Says("c", Side.SHORT, 20)


async def test_enabled_strategies_are_offered_sandboxed_recorded_and_disabled_not_asked(bench: Desk) -> None:
    await bench.state(a=ENABLED, b=SANDBOXED, c=DISABLED)

    scanned = await bench.scan(LONG_A, LONG_B, SHORT_C)

    assert (scanned.stored, scanned.dropped) == (1, 1)
    assert await bench.kept() == {"a": None, "b": "SANDBOXED"}


async def test_a_strategy_that_nobody_gave_a_state_is_not_asked(bench: Desk) -> None:
    assert (await bench.scan(LONG_A)).stored == 0


async def test_a_sandboxed_call_weighs_on_no_score_and_cancels_nothing(bench: Desk) -> None:
    def scores(unit: Unit) -> list[int]:
        return [row.score for row in unit.all(select(signal_rows)) if row.source == "strategy:a@1.0"]

    await bench.state(a=ENABLED, c=SANDBOXED)
    await bench.scan(LONG_A, Says("c", Side.SHORT, 40))
    assert await bench.kept() == {"a": None, "c": "SANDBOXED"}
    await bench.scan(LONG_A, later=1)

    beside, alone = await bench.database.read(scores)
    assert beside == alone


async def test_the_better_of_two_that_agree_is_offered_and_names_the_other(bench: Desk) -> None:
    await bench.state(a=ENABLED, b=ENABLED)

    await bench.scan(LONG_A, LONG_B)
    rows = await bench.database.read(lambda unit: {row.source: row for row in unit.all(select(signal_rows))})

    assert await bench.kept() == {"a": "DUPLICATE", "b": None}
    assert rows["strategy:b@1.0"].facts["also_a"] == rows["strategy:a@1.0"].score
    assert rows["strategy:a@1.0"].drop_note == f"b {rows['strategy:b@1.0'].score} calls the same"


async def test_opposite_calls_cancel_each_other_and_both_are_kept_with_the_reason(bench: Desk) -> None:
    await bench.state(a=ENABLED, c=ENABLED)

    scanned = await bench.scan(LONG_A, SHORT_C, conflict_margin=100)

    assert (scanned.stored, scanned.dropped) == (0, 2)
    assert await bench.kept() == {"a": "CONFLICT", "c": "CONFLICT"}


async def test_a_call_too_weak_to_be_offered_cancels_none(bench: Desk) -> None:
    await bench.state(b=ENABLED, c=ENABLED)

    await bench.scan(LONG_B, Says("c", Side.SHORT, 0), min_score=38, conflict_margin=100)

    assert await bench.kept() == {"b": None, "c": "SCORE_LOW"}


async def test_a_strategy_at_its_capacity_is_offered_no_more_and_leaves_the_place_to_another(bench: Desk) -> None:
    await bench.state(a=ENABLED, b=ENABLED)

    scanned = await bench.scan(LONG_A, LONG_B, only=3, strategy_missions_of={"b": 2})
    rows = await bench.database.read(lambda unit: unit.all(select(signal_rows)))
    offered = sorted(row.source for row in rows if row.drop_code is None)

    assert scanned.stored == 3
    assert offered == ["strategy:a@1.0", "strategy:b@1.0", "strategy:b@1.0"]
    assert [row.drop_note for row in rows if row.drop_code == "CAPACITY"] == ["2 of 2"]


async def test_a_candle_that_called_calls_no_second_time(bench: Desk) -> None:
    await bench.state(a=ENABLED)

    first, second = await bench.scan(LONG_A), await bench.scan(LONG_A)

    assert (first.stored, second.stored, second.dropped) == (1, 0, 0)
