"""From a mission's card to an order: sizes, checks, Confirm, and what happens when the preview is no longer true."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest
from sqlalchemy import select

from sandbox.telegram.messages import shown_id
from services.domain.verdicts import CheckCode
from services.storage import missions, people, previews, tables
from services.storage.database import Unit
from services.storage.previews import Preview
from tests.chat.rig import ANN, CARL, GROUP, MONEY, OLGA, TOM, ChatRig, buttons_of, data_of, labels_of, text_of
from tests.trading.rig import BTC

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_sizes_checks_and_back_change_one_message_in_place(flat_desk: ChatRig) -> None:
    rig = flat_desk
    preview = await rig.preview(ANN)
    assert "1× •" in labels_of(preview)
    full = text_of(preview)

    await rig.press(ANN, preview, "½")
    half = await rig.reads(preview, "risk 0.25 % of equity")
    await rig.press(ANN, preview, "2.0× max")
    largest = await rig.reads(preview, "risk 1.00 % of equity")
    await rig.press(ANN, preview, f"Checks {len(CheckCode)}")
    checks = await rig.reads(preview, f"page 1 of {-(-len(CheckCode) // 10)}")
    await rig.press(ANN, preview, "More")
    await rig.reads(preview, "page 2 of ")
    await rig.press(ANN, preview, "Back")
    again = await rig.reads(preview, "good until")

    assert len({full, text_of(half), text_of(largest), text_of(checks)}) == 4
    proofs = [re.search(r"([0-9a-f]{4}…[0-9a-f]{2})$", each, re.MULTILINE) for each in (text_of(largest), text_of(checks))]
    assert proofs[0] is not None and proofs[1] is not None and proofs[0][1] == proofs[1][1]
    assert "Copy proof" in labels_of(checks)
    assert "2.0× max •" in labels_of(again)
    assert len(text_of(again).splitlines()) <= 9


async def test_back_takes_the_preview_away_and_its_confirm_with_it(flat_desk: ChatRig) -> None:
    rig = flat_desk
    preview = await rig.preview(TOM)
    confirm = data_of(preview, "Confirm")
    await rig.press(TOM, preview, "Back")
    await rig.until(lambda: rig.world.find(preview.key) is None, "the preview is gone")

    toast = await rig.forge(TOM, TOM, confirm, shown_id(preview))

    assert toast.startswith("Refreshed")
    assert not await rig.trades_of(TOM)


async def test_confirm_becomes_an_order_that_is_filled_and_protected_in_the_same_message(flat_desk: ChatRig) -> None:
    rig = flat_desk
    mission = await rig.mission()
    shared = await rig.card(mission, OLGA, GROUP)
    own = await rig.card(mission, ANN)
    await rig.press(ANN, own, "Fire")
    preview = await rig.message(ANN, "good until", after=shown_id(own))
    toast = await rig.press(ANN, preview, "Confirm")
    card = await rig.reads(preview, "TP1, TP2 at the venue")

    assert toast.startswith("Approved as trade #")
    assert "filled at 64,000.01" in text_of(card)
    assert labels_of(card)[:2] == ["Close", "Half"]
    assert not MONEY.search(text_of(await rig.reads(shared, "Ann fired, filled")))


async def test_an_expired_confirm_refreshes_the_preview_in_place(flat_desk: ChatRig) -> None:
    rig = flat_desk
    preview = await rig.preview(ANN)
    before = data_of(preview, "Confirm")
    await rig.forward(seconds=61)

    toast = await rig.press(ANN, preview, "Confirm")
    fresh = await rig.reads(preview, "this preview was too old")

    assert toast == "Refreshed: this preview was too old. Look again, then confirm."
    assert data_of(fresh, "Confirm") != before
    await rig.press(ANN, fresh, "Confirm")
    await rig.reads(fresh, "at the venue")


async def test_a_price_beyond_the_bound_asks_again_and_a_better_one_does_not(flat_desk: ChatRig) -> None:
    rig = flat_desk
    preview = await rig.preview(ANN)
    bound = (await stored_preview(rig, ANN)).worst_price
    rig.price("64400.00", "64400.02")
    await rig.until(lambda: ask_now(rig) > bound, "the price has moved")

    toast = await rig.press(ANN, preview, "Confirm")
    moved = await rig.reads(preview, "the price moved")
    assert toast == "Refreshed: the price moved. Look again, then confirm."
    assert (await stored_preview(rig, ANN)).worst_price > bound

    rig.price("63999.99", "64000.01")
    await rig.until(lambda: ask_now(rig) < bound, "the price is better")
    await rig.press(ANN, moved, "Confirm")
    await rig.reads(moved, "filled at 64,000.01")


def ask_now(rig: ChatRig) -> Decimal:
    quote = rig.graph.trading.quotes.latest("BTC/USDT")
    assert quote is not None
    return quote.ask


async def stored_preview(rig: ChatRig, person: int) -> Preview:
    """Return the newest stored preview of a person."""

    def body(unit: Unit) -> Preview | None:
        rows = unit.all(select(tables.previews).where(tables.previews.c.person_id == person))
        return previews.find(unit, max(rows, key=lambda row: row.good_until).mission_id, person)

    found: Preview = await rig.read(body)
    return found


async def test_the_largest_size_passes_and_one_step_more_does_not(flat_desk: ChatRig) -> None:
    rig = flat_desk
    preview = await rig.preview(ANN)
    await rig.press(ANN, preview, "2.0× max")
    preview = await rig.reads(preview, "risk 1.00 % of equity")
    stored = await stored_preview(rig, ANN)

    def one_step_more(unit: Unit) -> list[str]:
        mission, person = missions.find(unit, stored.mission_id), people.find(unit, ANN)
        assert mission is not None and person is not None
        desk, price, stop = rig.graph.trading.desk, stored.worst_price, mission.signal.stop
        more = stored.quantity + BTC.step
        verdict, _ = desk.judge(unit, desk.case(unit, mission, person), quantity=more, worst_price=price, stop=stop)
        return [check.code.value for check in verdict.denials]

    assert await rig.read(one_step_more) == ["RISK_PER_TRADE"]
    await rig.press(ANN, preview, "Confirm")
    await rig.reads(preview, "at the venue")


async def test_bare_fire_opens_the_newest_mission_and_a_number_any(flat_desk: ChatRig) -> None:
    rig = flat_desk
    older, newer = await rig.mission(), await rig.mission(symbol="ETH/USDT", stop="3100")

    assert "ETH/USDT" in text_of(await rig.ask(ANN, "/fire", "good until"))
    assert "BTC/USDT" in text_of(await rig.ask(ANN, f"/fire {older.number}", "good until"))
    await rig.ask(ANN, "/fire 4711", "there is no mission 4711")
    assert newer.number > older.number


async def test_fire_in_a_group_answers_in_private_and_points_there(flat_desk: ChatRig) -> None:
    rig = flat_desk
    mission = await rig.mission()
    card = await rig.card(mission, TOM, GROUP)
    mark, group = rig.mark(TOM), rig.mark(TOM, GROUP)

    toast = await rig.press(TOM, card, "Fire")
    await rig.message(TOM, "good until", after=mark)
    await rig.settled()

    whispered = rig.since(group, TOM, GROUP)
    assert toast == ""
    assert [(text_of(each), each.ephemeral_id > 0) for each in whispered] == [("The preview is in our private chat.", True)]
    assert buttons_of(whispered[0])[0][0]["url"] == f"https://t.me/{rig.world.bot.username}"
    assert not rig.since(group, ANN, GROUP)


async def test_skip_by_button_asks_why_and_the_card_tells_it(flat_desk: ChatRig) -> None:
    rig = flat_desk
    mission = await rig.mission()
    card = await rig.card(mission, CARL)
    toast = await rig.press(CARL, card, "Skip")
    question = await rig.message(CARL, f"Skipped #{mission.number} BTC/USDT. Why?")
    await rig.press(CARL, question, "news")
    await rig.reads(question, f"Skipped #{mission.number}: news.")

    assert toast == f"Skipped #{mission.number}."
    await rig.reads(card, "Carl skipped (news)")
    await rig.ask(TOM, f"/skip {mission.number} spread", f"Skipped #{mission.number}.")
    await rig.reads(card, "Tom skipped (spread)")
    await rig.ask(TOM, f"/skip {mission.number} the moon", "the moon is not a reason")


async def test_a_mission_that_is_over_loses_its_buttons_and_its_preview_ends(flat_desk: ChatRig) -> None:
    rig = flat_desk
    preview = await rig.preview(ANN, lasts=120)
    card = await rig.message(ANN, "score 70")
    confirm = data_of(preview, "Confirm")
    await rig.forward(seconds=121)

    await rig.reads(card, "expired")
    over = await rig.reads(preview, "expired")

    assert labels_of(rig.current(card)) == []
    assert labels_of(over) == []
    toast = await rig.forge(ANN, ANN, confirm, shown_id(preview))
    assert toast.startswith("Refreshed")
    assert not await rig.trades_of(ANN)
