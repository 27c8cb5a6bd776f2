"""Whatever follows from a tap carries the tap's correlation, as far as the fill, its protection and the close."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

from services.domain.buttons import Act
from services.domain.trades import Trade
from services.missions.fire import Fired
from services.storage import desk, previews, trades
from tests.trading.rig import ANN, Rig, desk_at


async def fire(rig: Rig) -> tuple[str, Trade]:
    mission = await rig.mission()
    await rig.trading.preview(rig.actor(), mission.id)
    preview = await rig.read(lambda unit: previews.find(unit, mission.id, ANN))
    tap = rig.actor()
    fired = await rig.trading.fire(tap, preview.token_id)
    assert isinstance(fired, Fired)
    await rig.settle()
    return tap.correlation, await rig.read(lambda unit: trades.find(unit, fired.trade_id))


async def kinds_of(rig: Rig, correlation: str) -> list[str]:
    return [row.kind for row in await rig.read(lambda unit: desk.journal_of(unit, correlation))]


async def test_the_confirming_tap_is_named_from_the_trade_to_the_fill_and_its_protection(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        tap, _ = await fire(rig)

        assert await kinds_of(rig, tap) == [
            "trade.fired",
            "instruction.sent",
            "instruction.accepted",
            "fill.booked",
            "trade.open",
            "protection.planned",
            "instruction.sent",
            "instruction.accepted",
        ]


async def test_a_trade_keeps_the_name_of_its_first_tap_until_it_is_closed(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        entry, trade = await fire(rig)
        asked = await rig.trading.ask_close(rig.actor(), trade.id, Decimal(1))
        tap = rig.actor()
        await rig.trading.close(tap, asked.token.id, Act.CLOSE)
        await rig.settle()

        assert await kinds_of(rig, tap.correlation) == ["trade.closing"]
        assert (await kinds_of(rig, entry)).count("fill.booked") == 2
        assert (await kinds_of(rig, entry))[-1] == "trade.closed"
