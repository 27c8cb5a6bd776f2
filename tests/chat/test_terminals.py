"""A trader with two terminals: the preview says where the trade goes, another tap takes it elsewhere."""

from __future__ import annotations

from dataclasses import replace

import pytest

from services.storage import terminals
from services.storage.database import Unit
from tests.chat.rig import ANN, TOM, ChatRig, labels_of, shown_id, text_of

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def second_terminal(rig: ChatRig) -> None:
    """Give Ann another terminal, which comes first."""

    def body(unit: Unit) -> None:
        own = terminals.find(unit, f"paper-{ANN}")
        assert own is not None
        terminals.add(unit, replace(own, id="ann-second", name="ann-second", rank=10, reconciled_at=None))
        unit.wake("reconcile")

    await rig.write(body)

    async def compared() -> bool:
        found = await rig.read(lambda unit: terminals.find(unit, "ann-second"))
        return found.reconciled_at is not None and rig.graph.trading.accounts.latest("ann-second") is not None

    await rig.until(compared, "the second terminal is compared with its venue")


async def test_the_preview_starts_at_the_first_and_goes_to_the_other_and_back(flat_desk: ChatRig) -> None:
    rig = flat_desk
    await second_terminal(rig)

    preview = await rig.preview(ANN)
    assert "ann-second" in text_of(preview)
    await rig.press(ANN, preview, "→ ann-paper")
    await rig.reads(preview, "· ann-paper")
    await rig.press(ANN, preview, "½")
    await rig.until(lambda: "½ •" in labels_of(rig.current(preview)), "the size is chosen")
    assert "· ann-paper" in text_of(rig.current(preview))
    await rig.press(ANN, preview, "Confirm")
    await rig.until(lambda: "at the venue" in text_of(rig.current(preview)), "filled and protected")

    assert [trade.terminal_id for trade in await rig.trades_of(ANN)] == [f"paper-{ANN}"]


async def test_both_terminals_may_hold_the_same_instrument(flat_desk: ChatRig) -> None:
    rig = flat_desk
    await second_terminal(rig)
    await rig.trade(ANN)
    card = await rig.card(await rig.mission(), ANN)
    await rig.press(ANN, card, "Fire")
    refusal = await rig.message(ANN, "a trade on BTC/USDT is live", after=shown_id(card))
    await rig.press(ANN, refusal, "→ ann-paper")
    await rig.reads(refusal, "good until")
    await rig.press(ANN, refusal, "Confirm")
    await rig.until(lambda: "at the venue" in text_of(rig.current(refusal)), "filled and protected")

    assert sorted(trade.terminal_id for trade in await rig.trades_of(ANN)) == ["ann-second", f"paper-{ANN}"]


async def test_the_list_lets_a_trader_choose_where_previews_start(flat_desk: ChatRig) -> None:
    rig = flat_desk
    await second_terminal(rig)
    page = await rig.ask(ANN, "/terminals", "ann-second •")
    toast = await rig.press(ANN, page, "Use ann-paper")
    assert toast == "Previews start at ann-paper."
    await rig.reads(page, "ann-paper •")

    preview = await rig.preview(ANN)
    assert "· ann-paper" in text_of(preview)
    await rig.press(ANN, rig.current(page), "Use ann-second")


async def test_nobody_else_can_use_it(flat_desk: ChatRig) -> None:
    rig = flat_desk
    await second_terminal(rig)
    own = await rig.ask(TOM, "/terminals", "tom-paper")
    toast = await rig.forge(TOM, TOM, "c:terminal:ann-second:", shown_id(own))
    assert "ann-second is not a terminal of yours" in toast
    preview = await rig.preview(TOM)
    assert not any(label.startswith("→") for label in labels_of(preview))
