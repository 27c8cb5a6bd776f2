"""Breakers in the chat: a bench is told and ends by word, a lock is lifted by a commander's button with a reason."""

from __future__ import annotations

import pytest

from handlers.telegram.views.breakers import CLOSE_REASONS
from services.domain.breakers import BreakerKind
from services.domain.people import Actor
from services.risk.breaking import BreakerBook
from tests.chat.rig import ANN, CARL, ChatRig, text_of

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_a_lock_says_why_and_a_commander_lifts_it_with_a_reason(shared_desk: ChatRig) -> None:
    rig = shared_desk
    book = BreakerBook(rig.graph.ids, rig.graph.settings.breakers)
    await rig.write(
        lambda unit: book.open(
            unit, Actor.job("test", "test"), BreakerKind.LOSING_STREAK, str(ANN), "4 losses in a row", until=None
        )
    )
    assert "4 losses in a row" in text_of(await rig.ask(ANN, "/cooldown", "held back"))
    shown = await rig.ask(CARL, "/breakers", "losing streak")

    await rig.press(CARL, shown, "Close Ann")
    await rig.reads(shown, "Why may entries pass")
    await rig.press(CARL, shown, CLOSE_REASONS[0].capitalize())

    await rig.message(ANN, "losing streak closed by Carl")
    assert (await rig.journal("breaker.closed"))[-1]["reason"] == CLOSE_REASONS[0]
    await rig.ask(ANN, "/cooldown", "free to trade")


async def test_a_benched_trader_is_told_fires_nothing_and_is_called_back(shared_desk: ChatRig) -> None:
    rig = shared_desk
    await rig.ask(CARL, f"/bench {ANN} 2h take a walk", "is benched for 2 h 00")
    await rig.message(ANN, "you are benched by Carl")
    assert "take a walk" in text_of(await rig.ask(ANN, "/cooldown", "bench"))

    card = await rig.card(await rig.mission(), ANN)
    await rig.press(ANN, card, "Fire")
    await rig.message(ANN, "BREAKER_PERSON")

    await rig.ask(CARL, f"/bench {ANN} off", "may trade again")
