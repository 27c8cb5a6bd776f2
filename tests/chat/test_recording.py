"""What a running desk records: read from the files after it has stopped."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from bot.recording_wiring import FOLDER
from services.market.store.candle_store import CandleStore
from services.market.store.places import candle_folder
from services.operations.day_files import read_lines
from services.storage.desk import journal_after
from tests.chat.rig import ANN, desk_in_chat


def recorded(folder: Path, name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for day in sorted((folder / FOLDER).iterdir()) for line in read_lines(day, name)]


async def test_a_desk_keeps_its_candles_its_quotes_and_the_story_of_a_trade(tmp_path: Path) -> None:
    async with desk_in_chat(tmp_path, record={"candles": True, "days": True}) as rig:
        await rig.trade(ANN)
        await rig.settled()
        state = rig.graph.settings.desk.state_dir
        in_database = await rig.read(lambda unit: journal_after(unit, 0, 10_000))
        newest = in_database[-1].sequence
        await rig.until(lambda: any(each["sequence"] >= newest for each in recorded(state, "journal")), "the journal's rows")
        seen = {symbol: rig.graph.book.closed(symbol) for symbol in rig.market.prices}

    rows = recorded(state, "journal")
    of_kind = {each["kind"]: each for each in rows}
    numbers = [each["sequence"] for each in rows]
    assert numbers == list(range(numbers[0], numbers[0] + len(rows)))
    assert [each["facts"] for each in rows if each["sequence"] <= newest] == [
        json.loads(each.facts) for each in in_database if each.sequence >= numbers[0]
    ]
    sent = of_kind["instruction.sent"]
    assert sent["terms"]["orders"][0]["symbol"] == sent["terms"]["symbol"] == "BTC/USDT"
    assert of_kind["fill.booked"]["facts"]["price"]
    assert of_kind["trade.fired"]["verdict"]["allowed"] is True
    assert of_kind["trade.fired"]["verdict"]["context"]
    quotes = recorded(state, "quotes")
    assert {each["symbol"] for each in quotes} == set(rig.market.prices)
    assert all(each["bid"] and each["received_at"] for each in quotes)
    store = CandleStore(candle_folder(state))
    for series in store.series():
        # One more may have closed while the desk stopped.
        assert set(seen[series.symbol]) <= set(store.read(series).history.candles())
    assert {series.symbol for series in store.series()} == set(rig.graph.settings.market.instruments)


async def test_a_desk_that_records_nothing_writes_nothing(tmp_path: Path) -> None:
    async with desk_in_chat(tmp_path) as rig:
        state = rig.graph.settings.desk.state_dir

    assert not (state / FOLDER).exists()
    assert not candle_folder(state).exists()
