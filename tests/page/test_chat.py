"""People talk with the bot on the page."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from .desk import ANN, CARL, DESK, TOM, Bot, Sandbox
from .screen import OpenPage, bubble, button, pane, png, switch_to


def test_ann_and_carl_stand_side_by_side(sandbox: Sandbox, open_page: OpenPage) -> None:
    page = open_page(sandbox.url)

    expect(pane(page, "left").locator(".switcher")).to_contain_text("Ann")
    expect(pane(page, "right").locator(".switcher")).to_contain_text("Carl")


def test_switching_the_person_shows_their_own_chat(sandbox: Sandbox, bot: Bot, open_page: OpenPage) -> None:
    bot.say(ANN, "for Ann alone")
    bot.say(CARL, "for Carl alone")
    page = open_page(sandbox.url)
    side = pane(page)
    expect(bubble(side, "for Ann alone")).to_be_visible()

    switch_to(side, "Carl")

    expect(bubble(side, "for Carl alone")).to_be_visible()
    expect(bubble(side, "for Ann alone")).to_have_count(0)


def test_a_new_person_starts_the_bot(sandbox: Sandbox, bot: Bot, open_page: OpenPage) -> None:
    side = pane(open_page(sandbox.url))
    side.locator(".switcher").click()
    side.get_by_placeholder("Add a person").fill("Nina")
    side.get_by_placeholder("Add a person").press("Enter")
    expect(side.locator(".switcher")).to_contain_text("Nina")

    side.get_by_role("button", name="Start", exact=True).click()

    message = bot.update("message")
    assert message["text"] == "/start"
    assert message["from"]["first_name"] == "Nina"
    expect(side.get_by_label("Message", exact=True)).to_be_visible()


def test_enter_sends_and_the_bot_answers(sandbox: Sandbox, bot: Bot, open_page: OpenPage) -> None:
    bot.say(ANN, "hello")
    side = pane(open_page(sandbox.url))
    writing = side.get_by_label("Message", exact=True)
    writing.fill("what is open?")
    writing.press("Enter")

    message = bot.update("message")
    bot.call("sendChatAction", chat_id=ANN, action="typing")
    expect(side.locator(".chat-subtitle")).to_have_text("typing…")
    bot.say(ANN, "nothing yet", reply_parameters={"message_id": message["message_id"]})

    assert message["text"] == "what is open?"
    expect(writing).to_have_value("")
    expect(side.locator(".row.own", has_text="what is open?")).to_be_visible()
    expect(bubble(side, "nothing yet").locator(".quote")).to_contain_text("what is open?")
    expect(side.locator(".chat-subtitle")).to_have_text("bot")


def test_a_tapped_button_spins_until_it_is_answered(sandbox: Sandbox, bot: Bot, open_page: OpenPage) -> None:
    bot.say(ANN, "a mission", reply_markup={"inline_keyboard": [[button("Fire", "fire:1", style="success")]]})
    side = pane(open_page(sandbox.url))
    fire = side.get_by_role("button", name="Fire")
    fire.click()

    query = bot.update("callback_query")
    expect(fire).to_have_attribute("aria-busy", "true")
    bot.call("answerCallbackQuery", callback_query_id=query["id"], text="DAILY_LOSS 5.3 of 5.0 %")

    assert query["data"] == "fire:1"
    expect(side.locator(".toast")).to_have_text("DAILY_LOSS 5.3 of 5.0 %")
    expect(fire).not_to_have_attribute("aria-busy", "true")


def test_an_alert_waits_for_ok(sandbox: Sandbox, bot: Bot, open_page: OpenPage) -> None:
    bot.say(ANN, "a mission", reply_markup={"inline_keyboard": [[button("Why", "why")]]})
    page = open_page(sandbox.url)
    side = pane(page)
    side.get_by_role("button", name="Why").click()
    query = bot.update("callback_query")

    bot.call("answerCallbackQuery", callback_query_id=query["id"], text="trend 1.2", show_alert=True)

    alert = side.get_by_role("alertdialog")
    expect(alert).to_contain_text("trend 1.2")
    page.keyboard.press("Enter")
    expect(alert).to_have_count(0)


def test_an_edit_changes_the_message_where_it_stands(sandbox: Sandbox, bot: Bot, open_page: OpenPage) -> None:
    for number in range(30):
        bot.say(ANN, f"line {number}")
    card = bot.say(ANN, "sent", reply_markup={"inline_keyboard": [[button("Close", "c")]]})
    for number in range(30):
        bot.say(ANN, f"later {number}")
    side = pane(open_page(sandbox.url))
    row = side.locator(f'.row[data-mid="{card}"]')
    row.scroll_into_view_if_needed()
    row.get_by_role("button", name="Close").focus()
    before = row.bounding_box()

    bot.call(
        "editMessageText", chat_id=ANN, message_id=card, text="filled 64,212\nslip +0.5 bps\nfee 0.80 USDT",
        reply_markup={"inline_keyboard": [[button("Close", "c2"), button("Half", "h")]]},
    )  # fmt: skip

    expect(row).to_contain_text("filled 64,212")
    expect(row.locator(".edited")).to_be_visible()
    expect(row.get_by_role("button", name="Close")).to_be_focused()
    after = row.bounding_box()
    assert before is not None
    assert after is not None
    assert abs(before["y"] - after["y"]) < 2


def test_a_photo_opens_large_and_escape_closes_it(sandbox: Sandbox, bot: Bot, open_page: OpenPage) -> None:
    bot.photo(ANN, png(640, 360), "LONG BTC/USDT")
    page = open_page(sandbox.url)
    side = pane(page)
    picture = side.get_by_role("img", name="LONG BTC/USDT")
    expect(picture).to_have_js_property("naturalWidth", 640)

    picture.click()

    dialog = page.locator("dialog.lightbox")
    expect(dialog).to_be_visible()
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)


def test_the_reply_keyboard_says_what_its_buttons_say(sandbox: Sandbox, bot: Bot, open_page: OpenPage) -> None:
    side = pane(open_page(sandbox.url))
    rows = [[{"text": "Positions"}, {"text": "Risk"}, {"text": "Missions"}]]
    bot.say(
        ANN, "pick one",
        reply_markup={"keyboard": rows, "input_field_placeholder": "Ask the desk", "resize_keyboard": True},
    )  # fmt: skip
    expect(side.get_by_placeholder("Ask the desk")).to_be_visible()

    side.locator(".reply-keyboard").get_by_role("button", name="Risk").click()

    assert bot.update("message")["text"] == "Risk"
    bot.say(ANN, "gone", reply_markup={"remove_keyboard": True})
    expect(side.locator(".reply-keyboard")).to_have_count(0)


def test_the_command_list_narrows_and_sends(sandbox: Sandbox, bot: Bot, open_page: OpenPage) -> None:
    bot.say(ANN, "hello")
    commands = [("missions", "Open missions"), ("risk", "Limits and use"), ("resume", "Lift a halt")]
    bot.call("setMyCommands", commands=[{"command": name, "description": about} for name, about in commands])
    side = pane(open_page(sandbox.url))
    writing = side.get_by_label("Message", exact=True)
    writing.press_sequentially("/r")
    expect(side.get_by_role("option")).to_have_text(["/riskLimits and use", "/resumeLift a halt"])

    writing.press("ArrowDown")
    writing.press("Enter")

    assert bot.update("message")["text"] == "/resume"
    expect(side.get_by_role("listbox")).to_be_hidden()


def test_unread_messages_are_counted_per_topic(sandbox: Sandbox, bot: Bot, open_page: OpenPage) -> None:
    boot = sandbox.bootstrap()
    desk = next(chat for chat in boot["chats"] if chat["id"] == DESK)
    missions, fills = (
        next(topic["thread_id"] for topic in desk["topics"] if topic["name"] == name) for name in ("Missions", "Fills")
    )
    side = pane(open_page(sandbox.url))
    side.get_by_role("button", name="All chats").click()

    bot.say(DESK, "one", message_thread_id=missions)
    bot.say(DESK, "two", message_thread_id=missions)
    bot.say(DESK, "three", message_thread_id=fills)

    row = side.get_by_role("button", name="Missions")
    expect(row.locator(".badge")).to_have_text("2")
    row.click()
    expect(bubble(side, "two")).to_be_visible()
    side.get_by_role("button", name="All chats").click()
    expect(side.get_by_role("button", name="Missions").locator(".badge")).to_have_count(0)
    expect(side.get_by_role("button", name="Fills").locator(".badge")).to_have_text("1")
    side.page.reload()
    expect(side.get_by_role("button", name="Fills").locator(".badge")).to_have_text("1")
    expect(side.get_by_role("button", name="Missions").locator(".badge")).to_have_count(0)


def test_a_pinned_message_leads_back_to_itself(sandbox: Sandbox, bot: Bot, open_page: OpenPage) -> None:
    card = bot.say(ANN, "the pinned card")
    for number in range(90):
        bot.say(ANN, f"line {number}", disable_notification=True)
    side = pane(open_page(sandbox.url))
    bot.call("pinChatMessage", chat_id=ANN, message_id=card)

    side.get_by_role("button", name="Go to the pinned message").click()

    expect(side.locator(f'.row[data-mid="{card}"]')).to_be_in_viewport()


def test_a_deep_link_starts_the_private_chat(sandbox: Sandbox, bot: Bot, open_page: OpenPage) -> None:
    name = sandbox.bootstrap()["bot"]["username"]
    link = {"text": "Claim", "url": f"https://t.me/{name}?start=claim_42"}
    bot.say(DESK, "for whoever wants it", reply_markup={"inline_keyboard": [[link]]})
    side = pane(open_page(sandbox.url))
    side.get_by_role("button", name="All chats").click()
    side.get_by_role("button", name="General").click()

    side.get_by_role("button", name="Claim").click()

    message = bot.update("message")
    assert message["text"] == "/start claim_42"
    assert message["chat"]["id"] == ANN
    expect(side.locator(".chat-title")).to_have_text(sandbox.bootstrap()["bot"]["name"])


def test_what_one_person_says_in_the_group_the_other_sees(sandbox: Sandbox, open_page: OpenPage) -> None:
    page = open_page(sandbox.url)
    for slot in ("left", "right"):
        pane(page, slot).get_by_role("button", name="All chats").click()
        pane(page, slot).get_by_role("button", name="General").click()
    writing = pane(page, "left").get_by_label("Message", exact=True)
    writing.fill("careful, news at 15:00")
    writing.press("Enter")
    sandbox.page("say", {"person": TOM, "chat_id": DESK, "text": "seen"})

    expect(bubble(pane(page, "right"), "careful, news").locator(".from")).to_have_text("Ann")
    expect(bubble(pane(page, "left"), "seen").locator(".from")).to_have_text("Tom")


def test_a_forced_reply_answers_the_question(sandbox: Sandbox, bot: Bot, open_page: OpenPage) -> None:
    bot.say(ANN, "hello")
    side = pane(open_page(sandbox.url))
    expect(bubble(side, "hello")).to_be_visible()
    asked = bot.say(ANN, "why do you halt?", reply_markup={"force_reply": True, "input_field_placeholder": "Reason"})
    expect(side.locator(".reply-bar")).to_contain_text("why do you halt?")
    side.get_by_placeholder("Reason").fill("exchange lagging")
    side.get_by_placeholder("Reason").press("Enter")

    assert bot.update("message")["reply_to_message"]["message_id"] == asked


def test_a_blocked_bot_offers_to_be_unblocked(sandbox: Sandbox, bot: Bot, open_page: OpenPage) -> None:
    bot.say(ANN, "hello")
    side = pane(open_page(sandbox.url))
    side.get_by_role("button", name="More").click()
    side.get_by_role("menuitem", name="Block the bot").click()
    with pytest.raises(AssertionError, match="bot was blocked by the user"):
        bot.say(ANN, "are you there?")

    side.get_by_role("button", name="Unblock", exact=True).click()

    expect(side.get_by_label("Message", exact=True)).to_be_visible()
    bot.say(ANN, "welcome back")
    expect(bubble(side, "welcome back")).to_be_visible()


def test_an_ephemeral_message_replaces_the_pressed_one_for_one_person(sandbox: Sandbox, bot: Bot, open_page: OpenPage) -> None:
    bot.say(DESK, "a mission", reply_markup={"inline_keyboard": [[button("Why", "why")]]})
    page = open_page(sandbox.url)
    for slot in ("left", "right"):
        pane(page, slot).get_by_role("button", name="All chats").click()
        pane(page, slot).get_by_role("button", name="General").click()
    pane(page, "left").get_by_role("button", name="Why").click()
    query = bot.update("callback_query")
    for_ann = {"receiver_user_id": ANN, "callback_query_id": query["id"], "replace_callback_query_message": True}
    bot.call("sendMessage", chat_id=DESK, text="trend 1.2", ephemeral_message_parameters=for_ann)
    bot.say(DESK, "for everyone")

    side_of_ann = pane(page, "left")
    expect(bubble(side_of_ann, "trend 1.2").locator(".only-you")).to_have_text("only you can see this")
    expect(side_of_ann.locator(".row .body")).to_have_text(["trend 1.2", "for everyone"])
    expect(pane(page, "right").locator(".row .body")).to_have_text(["a mission", "for everyone"])


def test_a_group_made_here_can_be_talked_in(sandbox: Sandbox, bot: Bot, open_page: OpenPage) -> None:
    side = pane(open_page(sandbox.url))
    side.get_by_role("button", name="All chats").click()
    side.get_by_label("Name of the new group").fill("Night watch")
    side.get_by_role("button", name="Create").click()
    expect(side.locator(".chat-title")).to_have_text("Night watch")

    chat_id = bot.update("my_chat_member")["chat"]["id"]
    bot.say(chat_id, "hello, Night watch")

    expect(bubble(side, "hello, Night watch")).to_be_visible()
