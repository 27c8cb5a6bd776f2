"""The page survives the sandbox going away and coming back."""

from __future__ import annotations

import signal

from playwright.sync_api import expect

from .desk import ANN, DESK, Bot, Sandbox
from .screen import OpenPage, bubble, pane


def test_after_a_restart_the_chat_is_whole_and_nothing_is_doubled(sandbox: Sandbox, bot: Bot, open_page: OpenPage) -> None:
    bot.say(ANN, "before")
    changed = bot.say(ANN, "old words")
    removed = bot.say(ANN, "to be deleted")
    page = open_page(sandbox.url)
    side = pane(page)
    expect(bubble(side, "to be deleted")).to_be_visible()

    sandbox.stop(signal.SIGKILL)
    expect(page.get_by_text("reconnecting…")).to_be_visible()
    sandbox.start()
    bot.call("editMessageText", chat_id=ANN, message_id=changed, text="new words")
    bot.call("deleteMessage", chat_id=ANN, message_id=removed)
    bot.say(ANN, "after")

    expect(page.get_by_text("reconnecting…")).to_be_hidden()
    expect(side.locator(".row .body")).to_have_text(["before", "new words", "after"])


def test_what_is_written_while_the_sandbox_is_away_is_kept(sandbox: Sandbox, bot: Bot, open_page: OpenPage) -> None:
    bot.say(ANN, "hello")
    page = open_page(sandbox.url)
    writing = pane(page).get_by_label("Message", exact=True)
    expect(bubble(pane(page), "hello")).to_be_visible()
    sandbox.stop()
    writing.fill("do not lose this")
    writing.press("Enter")

    expect(pane(page).locator(".toast")).to_have_text("The sandbox does not answer.")
    expect(writing).to_have_value("do not lose this")


def test_reading_starts_at_the_first_unread_and_is_not_moved_by_new_messages(
    sandbox: Sandbox, bot: Bot, open_page: OpenPage
) -> None:
    for number in range(50):
        bot.say(ANN, f"line {number}")
    side = pane(open_page(sandbox.url))
    expect(bubble(side, "line 0")).to_be_in_viewport()
    newest = side.get_by_role("button", name="Go to the newest message")
    newest.click()
    expect(bubble(side, "line 49")).to_be_in_viewport()
    middle = bubble(side, "line 25")
    middle.scroll_into_view_if_needed()
    expect(newest).to_be_visible()
    before = middle.bounding_box()

    bot.say(ANN, "something new")
    expect(side.locator(".to-bottom .badge")).to_have_text("1")

    assert middle.bounding_box() == before
    newest.click()
    expect(bubble(side, "something new")).to_be_in_viewport()


def test_scrolling_up_loads_what_was_before(sandbox: Sandbox, bot: Bot, open_page: OpenPage) -> None:
    for number in range(150):
        bot.say(DESK, f"line {number}")
    side = pane(open_page(sandbox.url))
    side.get_by_role("button", name="All chats").click()
    side.get_by_role("button", name="General").click()
    expect(side.locator(".row", has_text="line 149")).to_be_attached()
    assert side.locator(".row").count() < 150

    for _ in range(3):
        shown = side.locator(".row").count()
        side.locator(".scroller").evaluate("(node) => { node.scrollTop = 0; }")
        expect(side.locator(".row").nth(shown)).to_be_attached()
        if side.get_by_text("line 0", exact=True).count():
            break

    texts = side.locator(".row .body").all_text_contents()
    assert texts == [f"line {number}" for number in range(150)]
