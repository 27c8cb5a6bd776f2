"""One trade in the chat: card, preview, confirm, filled and protected, closed."""

from __future__ import annotations

from pathlib import Path

from services.charts.png import ChartRenderer
from tests.chat.rig import ANN, GROUP, desk_in_chat, text_of


async def test_a_trader_fires_a_mission_and_closes_it(tmp_path: Path) -> None:
    async with desk_in_chat(tmp_path, charts=ChartRenderer) as rig:
        await rig.mission()
        card = await rig.message(ANN, "LONG BTC/USDT")
        assert card.media is not None
        group_card = await rig.message(ANN, "LONG BTC/USDT", GROUP)
        assert "USDT " not in text_of(group_card).replace("BTC/USDT ", "")

        await rig.press(ANN, card, "Fire")
        preview = await rig.message(ANN, "good until")
        toast = await rig.press(ANN, preview, "Confirm")
        assert "Approved" in toast
        filled = await rig.message(ANN, "filled")
        assert filled.message_id == preview.message_id
        protected = await rig.message(ANN, "at the venue")

        await rig.press(ANN, protected, "Close")
        question = await rig.message(ANN, "at market?")
        await rig.press(ANN, question, "Close")
        await rig.message(ANN, "closed")

        await rig.ask(ANN, "/why 1", "allowed by")
        story = await rig.ask(ANN, "/incident 1", "tap came in")
        assert "entry sent" in text_of(story) and "protect accepted" in text_of(story)
        file = await rig.ask(ANN, "/export", "1 trade, amounts exact")
        assert file.media is not None and file.media.kind == "document"
