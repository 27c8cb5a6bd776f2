"""The page fits a phone and a desktop, by day and by night."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from .desk import ANN, Bot, Sandbox
from .screen import OpenPage, button, pane, png

COLUMNS = "1234567890123456789012345678901234"
LUMINANCE = """(selector) => {
    const rgb = getComputedStyle(document.querySelector(selector)).backgroundColor.match(/[\\d.]+/g).map(Number);
    return (0.2126 * rgb[0] + 0.7152 * rgb[1] + 0.0722 * rgb[2]) / 255;
}"""
OVERFLOWING = """() => [document.documentElement, ...document.querySelectorAll('.pane, .scroller, .panel-body, .chats')]
    .filter((node) => node.getClientRects().length && node.scrollWidth > node.clientWidth)
    .map((node) => node.className || node.tagName)"""


def fill(bot: Bot) -> None:
    """Send everything that is wide."""
    bot.say(ANN, f"<pre>{COLUMNS}</pre>", parse_mode="HTML")
    bot.say(ANN, "x" * 300)
    bot.photo(ANN, png(1280, 720), "a caption with " + "y" * 80)
    rows = [[button(name, name) for name in ("Close", "Half", "Stop→BE")], [button("Move the stop somewhere else", "m")]]
    bot.say(ANN, "card", reply_markup={"inline_keyboard": rows})
    keys = [[{"text": name} for name in ("Missions", "Positions", "Performance")]]
    bot.say(ANN, "keys", reply_markup={"keyboard": keys, "resize_keyboard": True})


def overflowing(page: Page) -> list[str]:
    return list(page.evaluate(OVERFLOWING))


def test_nothing_is_wider_than_a_phone(sandbox: Sandbox, bot: Bot, open_page: OpenPage) -> None:
    fill(bot)
    page = open_page(sandbox.url, width=360, height=740)
    side = pane(page)
    expect(side.locator(".reply-keyboard")).to_be_visible()
    expect(pane(page, "right")).to_be_hidden()
    assert overflowing(page) == []

    side.get_by_role("button", name="All chats").click()
    expect(side.locator(".chat-row").first).to_be_visible()
    assert overflowing(page) == []

    side.get_by_role("button", name="Behind the scenes").click()
    expect(page.locator(".panel")).to_be_visible()
    assert overflowing(page) == []


def test_34_columns_fit_a_bubble_on_a_phone(sandbox: Sandbox, bot: Bot, open_page: OpenPage) -> None:
    fill(bot)
    page = open_page(sandbox.url, width=360, height=740)
    block = pane(page).locator("pre")

    expect(block).to_have_text(COLUMNS)
    assert block.evaluate("(node) => node.scrollWidth <= node.clientWidth")
    assert block.evaluate("(node) => node.getClientRects().length") == 1


@pytest.mark.parametrize("width", [800, 1024, 1440])
def test_two_panes_stand_side_by_side_on_a_desktop(sandbox: Sandbox, bot: Bot, open_page: OpenPage, width: int) -> None:
    fill(bot)
    page = open_page(sandbox.url, width=width)
    left, right = pane(page, "left").bounding_box(), pane(page, "right").bounding_box()

    assert left is not None
    assert right is not None
    assert left["x"] + left["width"] <= right["x"]
    assert right["x"] + right["width"] <= width
    assert overflowing(page) == []


def test_the_system_chooses_dark_and_the_button_overrules_it(sandbox: Sandbox, open_page: OpenPage) -> None:
    page = open_page(sandbox.url, dark=True)
    assert page.evaluate(LUMINANCE, "body") < 0.2

    page.get_by_role("button", name="Light or dark").locator("visible=true").click()
    assert page.evaluate(LUMINANCE, "body") > 0.8

    page.reload()
    page.locator("#app:not([aria-busy])").wait_for()
    assert page.evaluate(LUMINANCE, "body") > 0.8


def test_the_keyboard_alone_is_enough(sandbox: Sandbox, bot: Bot, open_page: OpenPage) -> None:
    bot.say(ANN, "card", reply_markup={"inline_keyboard": [[button("Fire", "f")]]})
    page = open_page(sandbox.url)
    side = pane(page)
    expect(side.get_by_role("button", name="Fire")).to_be_visible()
    side.get_by_label("Message", exact=True).focus()

    page.keyboard.press("ArrowUp")
    expect(side.locator(".reply-bar")).to_contain_text("card")
    page.keyboard.type("why?")
    page.keyboard.press("Enter")
    assert bot.update("message")["reply_to_message"]["text"] == "card"

    page.keyboard.press("Escape")
    expect(side.locator(".chat-row").first).to_be_focused()
    page.keyboard.press("Enter")
    expect(side.get_by_label("Message", exact=True)).to_be_focused()
