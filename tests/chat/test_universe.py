"""The universe in the chat: what is traded, what is left out and by which filter, and why an instrument is silent."""

from __future__ import annotations

from pathlib import Path

from services.storage import desk
from services.storage.database import Unit
from tests.chat.rig import ANN, desk_in_chat, text_of


async def test_what_the_screen_leaves_out_is_not_traded_and_says_why(tmp_path: Path) -> None:
    async with desk_in_chat(tmp_path, screening={"deny": ["ETH/USDT"], "spread_max_bps": "5", "depth_min": "1"}) as rig:
        listed = text_of(await rig.ask(ANN, "/universe", "Universe"))
        kept = text_of(await rig.ask(ANN, "/why BTC/USDT", "Why BTC/USDT"))
        left = text_of(await rig.ask(ANN, "/why eth-usdt", "Why ETH/USDT"))
        unknown = text_of(await rig.ask(ANN, "/why DOGE/USDT", "NOT_IN_UNIVERSE"))
        refused = text_of(await rig.ask(ANN, "/call ETH/USDT long sl 3000", "NOT_IN_UNIVERSE"))

        def stored(unit: Unit) -> tuple[str, int]:
            universe = desk.current_universe(unit)
            assert universe is not None
            return universe.digest, len(universe.instruments)

        digest, count = await rig.read(stored)
        rows = await rig.journal("universe.changed")

    assert "– ETH/USDT" in listed and "denied" in listed and f"hash {digest[:12]}" in listed
    assert "traded" in kept and "✓ spread" in kept and "bp ≤ 5.0 bp" in kept and "no call on it is recorded" in kept
    assert "LEFT OUT" in left and "✗ denied" in left
    assert "is not traded here" in unknown and "is not traded here" in refused
    assert count == 1
    assert [(row["added"], row["removed"], row["hash"]) for row in rows] == [(["BTC/USDT"], [], digest)]
