"""A refusal says code, value and limit where the tap was, and offers a way out that works."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from sandbox.telegram.messages import shown_id
from tests.chat.rig import ANN, CARL, CORA, OLGA, TOM, ChatRig, desk_in_chat, labels_of, text_of


@pytest_asyncio.fixture
async def strict_desk(tmp_path: Path) -> AsyncIterator[ChatRig]:
    """A desk whose day is over with the first loss, in a zone of its own."""
    async with desk_in_chat(tmp_path, risk={"daily_loss": "0.0001"}, desk={"zone": "Europe/Berlin"}) as rig:
        yield rig


async def test_a_size_too_large_at_confirm_is_refused_with_the_size_that_passes(desk: ChatRig) -> None:
    rig = desk
    await rig.say(CARL, "/start")
    large = await rig.preview(ANN, stop="63800")
    other = await rig.preview(ANN, symbol="ETH/USDT", stop="3190")
    await rig.press(ANN, other, "Confirm")
    await rig.reads(other, "at the venue")

    toast = await rig.press(ANN, large, "Confirm")
    refused = await rig.reads(large, "⛔ not fired: FREE_FUNDS")

    assert toast.startswith("FREE_FUNDS ")
    assert "needs " in text_of(refused) and ", free " in text_of(refused)
    way_out = next(label for label in labels_of(refused) if label.endswith("(passes)"))
    await rig.press(ANN, refused, way_out)
    smaller = await rig.reads(refused, "good until")
    await rig.press(ANN, smaller, "Confirm")
    await rig.reads(smaller, "at the venue")


async def test_a_day_that_is_over_says_when_it_frees_and_reminds_then(strict_desk: ChatRig) -> None:
    rig = strict_desk
    await rig.say(CARL, "/start")
    await rig.trade(ANN)
    await rig.close_all(ANN)

    mission = await rig.mission(lasts=7000)
    toast = await rig.press(ANN, await rig.card(mission, ANN), "Fire")
    refused = await rig.message(ANN, "⛔ not fired: DAILY_LOSS")
    assert toast.startswith("DAILY_LOSS 0.") and toast.endswith(" Frees 00:00 Berlin.")
    assert "lost today 0." in text_of(refused) and "frees at " in text_of(refused)
    assert labels_of(refused)[:2] == ["Remind me", "Ask Carl"]

    assert await rig.press(ANN, refused, "Remind me") == "I will remind you at 00:00 Berlin."
    await rig.settled()
    assert rig.newest(ANN, "Reminder") is None
    await rig.forward(days=1)
    reminder = await rig.message(ANN, "DAILY_LOSS may be over")
    assert "Fire" in labels_of(reminder)
    later = await rig.mission()
    await rig.press(ANN, await rig.card(later, ANN), "Fire")
    await rig.message(ANN, "good until", after=shown_id(reminder))


async def test_asking_a_commander_tells_all_of_them_and_nobody_else(strict_desk: ChatRig) -> None:
    rig = strict_desk
    await rig.say(CARL, "/start")
    await rig.say(CORA, "/start")
    await rig.trade(TOM)
    await rig.close_all(TOM)
    mission = await rig.mission()
    await rig.press(TOM, await rig.card(mission, TOM), "Fire")
    refused = await rig.message(TOM, "⛔ not fired: DAILY_LOSS")

    toast = await rig.press(TOM, refused, "Ask Carl")
    told = [await rig.message(commander, "Tom asks about #") for commander in (CARL, CORA)]
    await rig.settled()

    assert toast == "Asked Carl, Cora."
    assert all("refused: DAILY_LOSS 0." in text_of(each) for each in told)
    assert labels_of(told[0]) == ["Why"]
    assert rig.newest(ANN, "asks about") is None and rig.newest(OLGA, "asks about") is None
    await rig.reads(await rig.card(mission, ANN), "Tom asked a commander")


async def test_stale_prices_refuse_and_the_same_tap_passes_when_they_are_back(desk: ChatRig) -> None:
    rig = desk
    preview = await rig.preview(ANN)
    rig.market.silent = True
    await rig.forward(seconds=30)

    toast = await rig.press(ANN, preview, "Confirm")
    refused = await rig.reads(preview, "⛔ not fired: DATA_AGE")
    assert toast.startswith("DATA_AGE ") and "of 5 s" in toast
    assert "limit 5 s" in text_of(refused)

    rig.market.silent = False
    await rig.forward(seconds=1)
    mark = rig.mark(ANN)
    await rig.say(ANN, "/fire")
    await rig.message(ANN, "good until", after=mark)


async def test_a_call_whose_price_ran_away_is_spent_until_it_comes_back(desk: ChatRig) -> None:
    rig = desk
    preview = await rig.preview(ANN, stop="63000")
    rig.price("63400.00", "63400.02")
    await rig.forward(seconds=1)

    toast = await rig.press(ANN, preview, "Confirm")
    refused = await rig.reads(preview, "⛔ not fired: VITALITY")
    assert toast.startswith("VITALITY")
    assert " spent: 0.45 R off" in text_of(refused)

    rig.price("63999.99", "64000.01")
    await rig.forward(seconds=1)
    mark = rig.mark(ANN)
    await rig.say(ANN, "/fire")
    await rig.message(ANN, "good until", after=mark)


async def test_a_second_trade_on_the_same_instrument_is_refused_and_explained(desk: ChatRig) -> None:
    rig = desk
    await rig.trade(ANN)
    mark = rig.mark(ANN)

    toast = await rig.press(ANN, await rig.card(await rig.mission(), ANN), "Fire")
    refused = await rig.message(ANN, "⛔ not fired: DUPLICATE", after=mark)

    assert toast.startswith("DUPLICATE")
    assert "a trade on BTC/USDT is live" in text_of(refused)
    assert not any(label.startswith("Ask") for label in labels_of(refused))
