"""A database that takes no writes while messages leave: each is seen once, and booked when it can be."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.domain.errors import Unavailable
from services.domain.notices import Notice
from services.domain.people import Actor
from services.storage import outbox
from services.storage.database import Unit
from tests.chat.rig import ANN, chat_desk, sandboxed, text_of


async def test_a_message_that_cannot_be_booked_is_not_sent_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.sender.BOOK_AGAIN_S", 0.05)
    told, refusals = outbox.told, ["database or disk is full"] * 5

    def full(unit: Unit, done: Notice, message_id: int | None) -> None:
        if refusals:
            raise Unavailable("DATABASE", reason=refusals.pop())
        told(unit, done, message_id)

    monkeypatch.setattr(outbox, "told", full)
    async with sandboxed() as box, chat_desk(tmp_path, box) as rig:

        def remind(unit: Unit) -> None:
            outbox.tell(unit, ANN, "reminder", {"mission": 1, "symbol": "BTC/USDT", "code": "SPREAD"})
            unit.record(Actor.job("test", "test"), "test.told")

        await rig.write(remind)
        await rig.until(lambda: not refusals, "it could not be booked")
        await rig.settled()

        assert sum("Reminder" in text_of(message) for message in rig.seen(ANN)) == 1
