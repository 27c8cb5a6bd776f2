"""Everything that can hold an entry back holds at once: stops move, halves and the rest are sold, and no entry passes."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from decimal import Decimal
from functools import partial
from pathlib import Path

from services.domain.breakers import SCOPE_OF, Breaker, BreakerKind, BreakerScope, BreakerState
from services.domain.buttons import Act
from services.domain.halts import Halt, HaltScope
from services.domain.states import HaltState, TradeState
from services.domain.trades import Trade
from services.missions.fire import Fired
from services.operations.places import halt_file
from services.storage import breakers, halts, trades
from services.storage.database import Unit
from tests.trading.rig import ANN, CARL, Rig, desk_at
from tests.trading.taps import fire, preview_of

TERMINAL, SYMBOL = f"paper-{ANN}", "BTC/USDT"
HALTED = {
    HaltScope.DESK: "desk",
    HaltScope.PERSON: str(ANN),
    HaltScope.TERMINAL: TERMINAL,
    HaltScope.STRATEGY: "strategy:trend@1",
    HaltScope.INSTRUMENT: SYMBOL,
}
BROKEN = {BreakerScope.PERSON: str(ANN), BreakerScope.TERMINAL: TERMINAL, BreakerScope.INSTRUMENT: SYMBOL}


def hold(unit: Unit) -> None:
    """Halt every scope and open every breaker."""
    for scope, subject in HALTED.items():
        halts.save(
            unit,
            Halt(
                scope=scope, subject=subject, state=HaltState.HALTED, by_id=CARL, by_name="Carl", reason="test", since=unit.now
            ),
        )
    for number, kind in enumerate(BreakerKind):
        breakers.save(
            unit,
            Breaker(
                id=f"b{number}",
                kind=kind,
                subject=BROKEN[SCOPE_OF[kind]],
                state=BreakerState.OPEN,
                opened_at=unit.now,
                reason="test",
                closes_at=None,
                by="rule",
            ),
        )


async def trade_of(rig: Rig, trade_id: str) -> Trade:
    found: Trade = await rig.read(partial(trades.find, trade_id=trade_id))
    return found


async def sell(rig: Rig, trade_id: str, share: str) -> Trade:
    asked = await rig.trading.ask_close(rig.actor(), trade_id, Decimal(share))
    await rig.trading.close(rig.actor(), asked.token.id, Act.CLOSE)
    await rig.settle()
    return await trade_of(rig, trade_id)


async def test_exits_pass_everything_that_holds_entries_back(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        fired = await fire(rig)
        assert isinstance(fired, Fired)
        await rig.settle()
        mission = await rig.mission(symbol="ETH/USDT", stop="3000", targets=("4000",))
        assert set(HALTED) == set(HaltScope)
        await rig.trading.database.write(hold)
        halt_file(rig.settings.desk.state_dir).touch()
        with closing(sqlite3.connect(rig.settings.database_url.partition(":///")[2])) as connection, connection:
            connection.execute("DELETE FROM verdicts")

        moved = await rig.trading.move_stop(rig.actor(), fired.trade_id, "63500")
        await rig.settle()
        working = await rig.trading.paper.open_orders(TERMINAL)
        half = await sell(rig, fired.trade_id, "0.5")
        rest = await sell(rig, fired.trade_id, "1")
        refused = {check.code.value for check in (await preview_of(rig, mission)).checks if not check.passed}

        assert moved is not None
        assert Decimal("63500") in {order.stop_price for order in working}
        assert 0 < half.open_quantity < half.entry_quantity
        assert (rest.state, rest.open_quantity) == (TradeState.CLOSED, 0)
        assert {"HALT", "BREAKER_PERSON", "BREAKER_TERMINAL"} <= refused
