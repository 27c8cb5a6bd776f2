"""A machine that slept: its venue took the resting entry back meanwhile, and the trader reads why."""

from __future__ import annotations

from functools import partial

from services.storage import silences
from tests.chat.rig import ANN, ChatRig, text_of
from tests.chat.test_entries import resting


async def test_a_machine_that_slept_wakes_up_without_its_resting_entry_and_says_why(desk: ChatRig) -> None:
    card, _ = await resting(desk, ANN, "63500")
    await desk.until(
        lambda: desk.read(partial(silences.find, terminal_id=f"paper-{ANN}")), "the venue knows that the desk lives"
    )

    await desk.forward(seconds=90)

    told = await desk.message(ANN, "not heard of the desk")
    assert "SILENCE" in text_of(told)
    await desk.reads(card, "canceled: SILENCE")
    assert not await desk.trades_of(ANN)
