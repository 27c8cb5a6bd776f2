"""The log tells one story by one id, from the update to the fill."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.chat.rig import ANN, ChatRig


def lines(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


async def test_one_id_leads_from_the_tap_to_the_fill(desk: ChatRig, logs: Path) -> None:
    before = len(lines(logs))
    await desk.mission()
    await desk.press(ANN, await desk.message(ANN, "LONG BTC/USDT"), "Fire")
    await desk.press(ANN, await desk.message(ANN, "good until"), "Confirm")
    await desk.message(ANN, "at the venue")

    def told() -> list[dict[str, Any]]:
        written = lines(logs)[before:]
        fired = next((line for line in written if line.get("kind") == "trade.fired"), {"correlation": None})
        story = [line for line in written if line.get("correlation") == fired["correlation"]]
        return story if any(line["event"] == "update.handled" for line in story) else []

    story = await desk.until(told, "the tap's own line")
    tap = next(line for line in story if line["event"] == "update.handled")
    written = [line for line in story if line["event"] == "journal.written"]
    assert tap["kind"] == "callback_query"
    assert tap["update"] > 0
    assert written[0]["actor"] == f"person:{ANN}"
    assert [line["kind"] for line in written[:4]] == ["trade.fired", "instruction.sent", "instruction.accepted", "fill.booked"]
    assert written[3]["facts"]["role"] == "entry"
