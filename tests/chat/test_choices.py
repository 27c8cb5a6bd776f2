"""What people set for themselves: how loud, when quiet, in which zone; and what a commander switches for all."""

from __future__ import annotations

import pytest

from sandbox.telegram.messages import shown_id
from tests.chat.rig import ANN, CARL, GROUP, OLGA, TOM, ChatRig, labels_of, text_of

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_missions_are_as_loud_as_one_likes(flat_desk: ChatRig) -> None:
    rig = flat_desk
    page = await rig.ask(ANN, "/notify", "What you hear")
    await rig.press(ANN, page, "mission: silent")
    await rig.reads(page, "mission                     silent")
    card = await rig.card(await rig.mission(), ANN)
    assert card.silent
    assert not (await rig.card(await rig.mission(), TOM)).silent

    await rig.ask(ANN, "/notify mission off", "mission                        off")
    mission = await rig.mission()
    await rig.card(mission, TOM)
    await rig.settled()
    assert rig.newest(ANN, f"· #{mission.number} ·") is None
    await rig.ask(ANN, "/notify mission loud", "mission                       loud")


async def test_quiet_hours_silence_missions_and_results_but_no_halt(flat_desk: ChatRig) -> None:
    rig = flat_desk
    # A span ends before its last minute: Tom lives where midnight is not near.
    zone = "Asia/Tokyo" if rig.graph.clock.now().hour < 12 else "America/New_York"
    await rig.ask(TOM, f"/settings zone {zone}", zone)
    await rig.ask(TOM, "/notify quiet 00:00-23:59", "quiet hours            00:00–23:59")
    assert (await rig.card(await rig.mission(), TOM)).silent

    await rig.ask(CARL, "/halt drill", "🛑 HALTED by Carl")
    halt = await rig.message(TOM, "🛑 HALTED by Carl")
    assert not halt.silent
    await rig.resume()

    page = await rig.ask(TOM, "/notify", "What you hear")
    await rig.press(TOM, page, "No quiet hours")
    await rig.reads(page, "quiet hours                   none")
    await rig.press(TOM, page, "Quiet 22:00-07:00")
    await rig.reads(page, "quiet hours            22:00–07:00")
    await rig.ask(TOM, "/notify quiet off", "quiet hours                   none")


@pytest.mark.parametrize(
    ("typed", "answer"),
    [
        ("/notify halt off", "halt events are always loud"),
        ("/notify fill sometimes", "not a choice: fill sometimes"),
        ("/notify everything off", "not a choice: everything off"),
        ("/notify quiet 25:00-07:00", "25:00-07:00 are no quiet hours"),
        ("/notify quiet 22:00", "are no quiet hours"),
        ("/settings zone Mars/Olympus", "Mars/Olympus is not a zone"),
        ("/settings zone ../../etc/passwd", "is not a zone"),
        ("/settings colour blue", "not a setting: colour blue"),
        ("/enable moonshot", "no strategy is called moonshot"),
    ],
)
async def test_a_choice_that_is_none_is_explained(flat_desk: ChatRig, typed: str, answer: str) -> None:
    rig = flat_desk
    before = len(await rig.journal("choice.")) + len(await rig.journal("strategy."))

    await rig.ask(CARL, typed, answer)

    assert len(await rig.journal("choice.")) + len(await rig.journal("strategy.")) == before


async def test_times_follow_a_person_s_zone_where_they_stand_in_columns(flat_desk: ChatRig) -> None:
    rig = flat_desk
    await rig.ask(OLGA, "/settings zone Asia/Tokyo", "Asia/Tokyo")
    mission = await rig.mission()
    listed = await rig.ask(OLGA, "/missions", f"#{mission.number} ")

    expected = mission.signal.expires_at.hour + 9
    assert f"till {expected % 24:02}:" in text_of(listed)


async def test_strategies_are_switched_by_button_and_by_word_by_commanders_alone(flat_desk: ChatRig) -> None:
    rig = flat_desk
    page = await rig.ask(CARL, "/strategies", "trend 1.0                       on")
    toast = await rig.press(CARL, page, "trend off")
    await rig.reads(page, "trend 1.0                      off")
    assert toast == "trend is off now."
    assert "trend on" in labels_of(rig.current(page))
    await rig.ask(CARL, "/enable trend", "trend is on now.")
    assert "trend off" not in labels_of(await rig.ask(ANN, "/strategies", "Strategies"))
    assert [row["strategy"] for row in await rig.journal("strategy.", f"person:{CARL}")] == ["trend", "trend"]
    shown = await rig.ask(CARL, "/disable", "Strategies")
    assert "trend off" in labels_of(shown)


async def test_the_digest_comes_on_demand_and_at_its_hour_in_each_chat(flat_desk: ChatRig) -> None:
    rig = flat_desk
    await rig.trade(ANN)
    await rig.close_all(ANN)
    mine = await rig.ask(ANN, "/digest", "journal")
    shared = await rig.ask(ANN, "/digest", "journal", GROUP)
    assert text_of(mine).startswith("Your trades") and "USDT" in text_of(mine)
    assert "USDT" not in text_of(shared) and "1 trade" in text_of(shared)

    await rig.ask(TOM, "/notify digest off", "digest                         off")
    marks = {chat: rig.mark(ANN, chat) for chat in (ANN, GROUP)}
    tom = rig.mark(TOM)
    await rig.forward(days=1)
    for chat, mark in marks.items():
        await rig.message(ANN, "missions ", chat, after=mark)
    await rig.settled()
    assert not [message for message in rig.since(tom, TOM) if "journal" in text_of(message)]
    sent = await rig.journal("digest.sent")
    assert {row["chat"] for row in sent} >= {ANN, GROUP} and TOM not in {row["chat"] for row in sent}
    assert len({(row["chat"], row["since"]) for row in sent}) == len(sent)


async def test_lists_turn_pages_and_refresh_in_place(flat_desk: ChatRig) -> None:
    rig = flat_desk
    for _ in range(6):
        mission = await rig.mission()
    page = await rig.ask(ANN, "/missions", f"#{mission.number} ")
    assert "page 1 of " in text_of(page)

    await rig.press(ANN, page, "▶")
    second = await rig.reads(page, "page 2 of ")
    await rig.press(ANN, second, "◀")
    await rig.reads(page, "page 1 of ")
    newest = await rig.mission(symbol="ETH/USDT", stop="3100")
    await rig.press(ANN, page, "Refresh")
    await rig.reads(page, f"#{newest.number} ")

    assert rig.current(page).message_id == page.message_id
    unchanged = await rig.press(ANN, page, "Refresh")
    assert unchanged == ""
    fire = next(label for label in labels_of(rig.current(page)) if label == f"Fire #{newest.number}")
    await rig.press(ANN, page, fire)
    await rig.message(ANN, "LONG ETH/USDT", after=shown_id(page))


async def test_help_and_menu_offer_what_a_role_may(flat_desk: ChatRig) -> None:
    rig = flat_desk
    observer = text_of(await rig.ask(OLGA, "/help", "You are observer"))
    trader = text_of(await rig.ask(ANN, "/help", "You are trader"))
    commander = text_of(await rig.ask(CARL, "/help", "You are commander"))

    assert "/fire" not in observer and "/fire" in trader and "/grant" not in trader and "/grant" in commander
    one = text_of(await rig.ask(ANN, "/help call", "Call a trade of your own"))
    assert one.startswith("/call BTCUSDT long sl 63200 tp 65300 66400")
    assert "Halt the desk" not in labels_of(await rig.ask(OLGA, "/menu", "What would you"))
    menu = await rig.ask(ANN, "/menu", "What would you")
    await rig.press(ANN, menu, "Risk")
    await rig.reads(menu, "daily loss")


async def test_words_that_are_no_command_get_a_short_hint_in_private_and_silence_in_groups(flat_desk: ChatRig) -> None:
    rig = flat_desk
    hint = await rig.ask(ANN, "what do you think of gold?", "/help lists what I can do")
    assert len(text_of(hint)) < 120
    await rig.ask(ANN, "/moonshot", "I do not know /moonshot")
    await rig.ask(ANN, "Status", "up ")

    await rig.settled()
    mark = rig.mark(ANN, GROUP)
    for text in ("halt", "stop", "what now?", "/moonshot", "/halt@another_bot", "@sortie_desk_bot hello"):
        await rig.say(ANN, text, GROUP)
    await rig.settled()
    assert not rig.since(mark, ANN, GROUP)
    assert not await rig.journal("halt.halted", f"person:{ANN}")
