"""A person's own call: by words, through the same score, gate and preview; refused with what is wrong with it."""

from __future__ import annotations

import pytest

from tests.chat.rig import ANN, GROUP, TOM, ChatRig, text_of

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_a_call_becomes_a_mission_with_its_person_as_source_and_opens_the_preview(flat_desk: ChatRig) -> None:
    rig = flat_desk
    preview = await rig.ask(ANN, "/call BTCUSDT long sl 63200 tp 65300 66400", "good until")
    shared = await rig.message(TOM, "call by Ann · score", GROUP)

    assert "stop 63,200.00" in text_of(preview)
    assert "TP1     65,300.00" in text_of(shared) and "TP2     66,400.00" in text_of(shared)
    await rig.press(ANN, preview, "Confirm")
    await rig.reads(preview, "at the venue")
    assert (await rig.journal("mission.opened"))[-1]["source"] == f"person:{ANN}"


@pytest.mark.parametrize(
    ("typed", "side", "stop"),
    [
        ("/call eth/usdt short sl 3300", "SHORT ETH/USDT", "stop 3,300.00"),
        ("/call ETHUSDT buy sl: 3100, tp: 3400", "LONG ETH/USDT", "stop 3,100.00"),
    ],
)
async def test_a_call_may_be_written_loosely(flat_desk: ChatRig, typed: str, side: str, stop: str) -> None:
    preview = await flat_desk.ask(TOM, typed, "good until")

    assert side in text_of(preview) and stop in text_of(preview)


@pytest.mark.parametrize(
    ("typed", "answer"),
    [
        ("/call", "it needs instrument and side"),
        ("/call BTCUSDT", "it needs instrument and side"),
        ("/call BTCUSDT up sl 63000", "up where long or short is meant"),
        ("/call BTCUSDT long 63000", "63000 where sl or tp is meant"),
        ("/call BTCUSDT long", "it needs one stop: sl 63200"),
        ("/call BTCUSDT long sl 63000 62000", "it needs one stop: sl 63200"),
        ("/call BTCUSDT long sl cheap", "cheap where a price is meant"),
        ("/call BTCUSDT long sl 1e40", "1e40 where a price is meant"),
        ("/call BTCUSDT long sl -5", "-5 where a price is meant"),
        ("/call BTCUSDT long sl nan", "nan where a price is meant"),
        ("/call BTCUSDT long sl 63000 tp 1 2 3 4 5", "5 targets where at most 4 is meant"),
        ("/call DOGEUSDT long sl 1", "DOGEUSDT is not traded here"),
        ("/call BTCUSDT short sl 63000", "this call cannot be"),
        ("/call BTCUSDT long sl 65000", "this call cannot be"),
        ("/call <b>BTC</b> long sl 1", "<b>BTC</b> is not traded here"),
    ],
)
async def test_a_call_that_cannot_be_is_refused_with_the_reason(flat_desk: ChatRig, typed: str, answer: str) -> None:
    rig = flat_desk
    before = len(await rig.journal("mission.opened"))

    refusal = await rig.ask(TOM, typed, answer)

    assert text_of(refusal).startswith("⛔ ")
    assert len(await rig.journal("mission.opened")) == before
