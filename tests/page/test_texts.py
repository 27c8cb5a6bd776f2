"""What the bot writes is shown as written: formatting where it formatted, text everywhere else."""

from __future__ import annotations

from playwright.sync_api import expect

from .desk import ANN, Bot, Sandbox
from .screen import OpenPage, bubble, button, pane

HOSTILE = '<img src=x onerror="document.title=1"><script>document.title=2</script>&amp;'


def test_hostile_text_stays_text(sandbox: Sandbox, bot: Bot, open_page: OpenPage) -> None:
    page = open_page(sandbox.url)
    title = page.title()
    sandbox.page("say", {"person": ANN, "chat_id": ANN, "text": HOSTILE})
    answered = bot.update("message")["message_id"]
    bot.say(ANN, HOSTILE, reply_parameters={"message_id": answered}, reply_markup={"inline_keyboard": [[button(HOSTILE, "x")]]})
    side = pane(page)

    expect(side.locator(".row.own .body")).to_have_text(HOSTILE)
    expect(side.locator(".row:not(.own) .body")).to_have_text(HOSTILE)
    expect(side.locator(".quote span")).to_have_text(HOSTILE)
    expect(side.locator(".key")).to_have_text(HOSTILE)
    assert side.locator("script, img").count() == 0
    assert page.title() == title


def test_hostile_names_stay_text(sandbox: Sandbox, open_page: OpenPage) -> None:
    side = pane(open_page(sandbox.url))
    name = "<b onclick=alert(1)>Eve</b>"
    side.locator(".switcher").click()
    side.get_by_placeholder("Add a person").fill(name)
    side.get_by_placeholder("Add a person").press("Enter")

    expect(side.locator(".switcher strong")).to_have_text(name)


def test_markup_that_no_message_has_is_dropped(sandbox: Sandbox, open_page: OpenPage) -> None:
    page = open_page(sandbox.url)

    shown = page.evaluate(
        """async () => {
            const { safeNodes } = await import('/static/js/safehtml.js');
            const box = document.createElement('div');
            box.append(safeNodes(
                '<b id="app" class="alert-shade" title="t">bold</b><script>x()</script><a href="javascript:x()">a</a>' +
                '<svg><a href="javascript:x()">s</a></svg><pre><code class="language-py">c</code></pre>' +
                '<form><u>u</u></form><a href="https://example.org/">ok</a>', () => {}));
            return box.innerHTML;
        }"""
    )

    assert shown == (
        "<b>bold</b>a<pre><code>c</code></pre><u>u</u>"
        '<a href="https://example.org/" target="_blank" rel="noopener noreferrer">ok</a>'
    )


def test_formatting_is_shown(sandbox: Sandbox, bot: Bot, open_page: OpenPage) -> None:
    bot.say(
        ANN,
        "<b>bold</b> <i>italic</i> <u>under</u> <s>struck</s> <code>code</code> <tg-spoiler>secret</tg-spoiler>"
        '<blockquote>quoted</blockquote><pre>two  spaces</pre><a href="https://example.org/">link</a>',
        parse_mode="HTML",
    )
    side = pane(open_page(sandbox.url))
    body = bubble(side, "bold").locator(".body")

    for tag, text in (
        ("b", "bold"), ("i", "italic"), ("u", "under"), ("s", "struck"), ("code", "code"), ("blockquote", "quoted"),
        ("a", "link"),
    ):  # fmt: skip
        expect(body.locator(tag)).to_have_text(text)
    assert body.locator("pre").text_content() == "two  spaces"
    body.get_by_role("button", name="Hidden text").click()
    expect(body.locator("tg-spoiler.revealed")).to_have_text("secret")


def test_a_time_is_shown_where_the_viewer_is(sandbox: Sandbox, bot: Bot, open_page: OpenPage) -> None:
    bot.say(ANN, 'frees <tg-time unix="1763733600" format="t">at two</tg-time>', parse_mode="HTML")
    page = open_page(sandbox.url)

    expected = page.evaluate(
        "new Intl.DateTimeFormat(undefined, {hour: '2-digit', minute: '2-digit', hourCycle: 'h23'}).format(1763733600000)"
    )
    expect(bubble(pane(page), "frees").locator(".body")).to_have_text(f"frees {expected}")


def test_a_command_in_a_text_can_be_pressed(sandbox: Sandbox, bot: Bot, open_page: OpenPage) -> None:
    bot.say(ANN, "see /missions for what is open")
    side = pane(open_page(sandbox.url))

    side.get_by_role("button", name="/missions").click()

    assert bot.update("message")["text"] == "/missions"


def test_a_copy_button_copies(sandbox: Sandbox, bot: Bot, open_page: OpenPage) -> None:
    copy = {"text": "Copy id", "copy_text": {"text": "9f3c-e1"}}
    bot.say(ANN, "order", reply_markup={"inline_keyboard": [[copy]]})
    page = open_page(sandbox.url)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])

    pane(page).get_by_role("button", name="Copy id").click()

    expect(pane(page).locator(".toast")).to_have_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == "9f3c-e1"


def test_a_document_can_be_saved(sandbox: Sandbox, bot: Bot, open_page: OpenPage) -> None:
    bot.upload("sendDocument", ANN, "document", "journal.csv", b"a,b\n1,2\n", "the journal")
    page = open_page(sandbox.url)

    with page.expect_download() as download:
        pane(page).locator("a.document").click()

    assert download.value.suggested_filename == "journal.csv"
    assert download.value.path().read_bytes() == b"a,b\n1,2\n"
