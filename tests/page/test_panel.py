"""Behind the scenes: the venue's orders, the invariants, the desk's process and ways to break things."""

from __future__ import annotations

import urllib.error

import pytest
from playwright.sync_api import expect

from .desk import ANN, Bot, Control, Sandbox, wait_for
from .screen import OpenPage, bubble, pane

ORDER = {
    "id": "17", "client_id": "s-ab12-1", "instrument": "BTC/USDT", "side": "sell", "type": "stop",
    "quantity": "0.0125", "filled": "0", "price": None, "stop_price": "63420.00", "status": "open",
    "time": "2025-11-21T14:30:41Z",
}  # fmt: skip


def test_without_a_control_its_parts_are_hidden(sandbox: Sandbox, open_page: OpenPage) -> None:
    panel = open_page(sandbox.url).locator(".panel")

    expect(panel.get_by_role("button", name="Outage 20 s")).to_be_visible()
    expect(panel.get_by_role("button", name="kill -9 the desk")).to_be_hidden()
    expect(panel.get_by_role("heading", name="Verify")).to_be_hidden()


def test_the_venues_orders_and_the_invariants_are_live(controlled: tuple[Sandbox, Control], open_page: OpenPage) -> None:
    sandbox, control = controlled
    control.terminals = [{"name": "ann-paper", "equity": "10081.22", "currency": "USDT", "positions": [], "orders": [ORDER]}]
    panel = open_page(sandbox.url).locator(".panel")
    expect(panel.get_by_role("table", name="Orders")).to_contain_text("63,420.00")
    expect(panel).to_contain_text("10,081.22 USDT")
    expect(panel.locator(".check.ok")).to_contain_text("Every order traces to one tap")

    control.checks = [{**control.checks[0], "status": "FAIL", "detail": "order 17 has no tap"}]

    expect(panel.locator(".check.fail")).to_contain_text("order 17 has no tap")


def test_the_desk_is_killed_and_started_again(controlled: tuple[Sandbox, Control], open_page: OpenPage) -> None:
    sandbox, control = controlled
    panel = open_page(sandbox.url).locator(".panel")
    expect(panel.locator(".desk-status")).to_have_text("running · pid 4242 · up 1 m 1 s")

    panel.get_by_role("button", name="kill -9 the desk").click()
    expect(panel.locator(".desk-status")).to_have_text("stopped")
    assert control.desk == "stopped"

    panel.get_by_role("button", name="Start it again").click()
    expect(panel.locator(".desk-status")).to_contain_text("running")


def test_the_next_reply_is_lost_and_the_panel_shows_it(sandbox: Sandbox, bot: Bot, open_page: OpenPage) -> None:
    page = open_page(sandbox.url)
    panel = page.locator(".panel")
    panel.get_by_role("button", name="Lose the next reply").click()
    expect(panel.locator(".fault")).to_contain_text("lost reply")

    with pytest.raises((urllib.error.URLError, ConnectionError, OSError)):
        bot.say(ANN, "did it arrive?")

    expect(bubble(pane(page), "did it arrive?")).to_be_visible()
    expect(panel.locator(".fault")).to_have_count(0)
    expect(panel).to_contain_text("fired so far: lost reply 1")


def test_faults_can_be_cleared(sandbox: Sandbox, bot: Bot, open_page: OpenPage) -> None:
    panel = open_page(sandbox.url).locator(".panel")
    panel.get_by_role("button", name="429 storm").click()
    expect(panel.locator(".fault")).to_contain_text("429 storm")
    with pytest.raises(AssertionError, match="Too Many Requests"):
        bot.say(ANN, "refused")
    expect(panel.locator(".fault")).to_contain_text("fired 1")
    expect(panel.locator(".call.failed")).to_contain_text("Too Many Requests")

    panel.get_by_role("button", name="Clear faults").click()

    expect(panel.locator(".fault")).to_have_count(0)
    wait_for(lambda: bot.say(ANN, "accepted"))
