"""Texts and their entities: HTML, MarkdownV2, UTF-16, and what the page shows of them."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sandbox.page import view
from sandbox.telegram import html, markdown
from sandbox.telegram.api import BotApi
from sandbox.telegram.entities import Entity, FormattedText, clean, cut, plain, units
from sandbox.telegram.failures import Refused
from sandbox.telegram.world import ANN


def shape(formatted: FormattedText) -> list[tuple[str, str]]:
    """List the kind of each entity and the text it covers."""
    return [(entity.type, cut(formatted.text, entity.offset, entity.length)) for entity in formatted.entities]


def read(parse: Any, source: str) -> FormattedText:
    return clean(parse(source), lambda _: True)


@pytest.mark.parametrize(
    ("source", "text", "entities"),
    [
        ("a <b>bold</b> c", "a bold c", [("bold", "bold")]),
        ("<strong>1</strong><em>2</em><ins>3</ins><del>4</del>", "1234",
         [("bold", "1"), ("italic", "2"), ("underline", "3"), ("strikethrough", "4")]),
        ("<b>a</b><b>b</b>", "ab", [("bold", "ab")]),
        ("<b>a<i>b</i></b>", "ab", [("bold", "ab"), ("italic", "b")]),
        ("<tg-spoiler>x</tg-spoiler> <span class='tg-spoiler'>y</span>", "x y", [("spoiler", "x"), ("spoiler", "y")]),
        ("<code>a &lt; b &amp;&amp; c &quot;&#8722;&#x1F600;</code>", 'a < b && c "−😀', [("code", 'a < b && c "−😀')]),
        ("<pre><code class=\"language-python\">x</code></pre>", "x", [("pre", "x")]),
        ("<blockquote expandable>q</blockquote>", "q", [("expandable_blockquote", "q")]),
        ("&nbsp; &bogus; & <b>x</b>", "&nbsp; &bogus; & x", [("bold", "x")]),
        ("<a href='https://a.b/?x=1&amp;y=2'>l</a>", "l", [("text_link", "l")]),
        ("<a href='nonsense'>l</a>", "l", []),
        ("<b><code>x</code></b>", "x", [("code", "x")]),
        ("<tg-time unix=\"1647531900\" format=\"wDT\">22:45</tg-time>", "22:45", [("date_time", "22:45")]),
        ("<b>  spaced  </b>", "spaced", [("bold", "spaced")]),
    ],
)  # fmt: skip
def test_html(source: str, text: str, entities: list[tuple[str, str]]) -> None:
    formatted = read(html.parse, source)

    # An entity that begins with white space keeps it; the text is trimmed behind.
    assert formatted.text.strip() == text
    assert [(kind, covered.strip()) for kind, covered in shape(formatted)] == entities


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("</b>", "Unexpected end tag at byte offset 0"),
        ("é</b>", "Unexpected end tag at byte offset 2"),
        ("<b>x</i>", 'Unmatched end tag at byte offset 4, expected "</b>", found "</i>"'),
        ("<b", "Unclosed start tag at byte offset 0"),
        ("<b>x</b", "Unclosed end tag at byte offset 4"),
        ("<a href=http://a.b>x</a>", "Unexpected end of name token at byte offset 8"),
        ("<a href>x</a>", 'Expected equal sign in declaration of an attribute of the tag "a" at byte offset 0'),
        ("<a =x>x</a>", 'Empty attribute name in the tag "a" at byte offset 0'),
        ("<span>x</span>", 'Tag "span" must have class "tg-spoiler" at byte offset 0'),
        ("<tg-emoji emoji-id='x'>👍</tg-emoji>", "Invalid custom emoji identifier specified"),
        ("<tg-time unix='soon'>x</tg-time>", "Invalid date-time unix time specified"),
        ("<tg-time unix='1' format='tr'>x</tg-time>", "Invalid date-time format specified"),
        (
            "&#xd800;",
            "Text contains invalid Unicode characters after decoding HTML entities, check for unmatched surrogate code units",
        ),
    ],
)
def test_broken_html_is_refused_in_telegrams_words(source: str, words: str) -> None:
    with pytest.raises(Refused) as refusal:
        html.parse(source)

    assert refusal.value.description == f"Bad Request: can't parse entities: {words}"


@pytest.mark.parametrize(
    ("source", "text", "entities"),
    [
        ("*bold* _it_ __un__ ~st~ ||sp||", "bold it un st sp",
         [("bold", "bold"), ("italic", "it"), ("underline", "un"), ("strikethrough", "st"), ("spoiler", "sp")]),
        ("*bold _italic bold ~all~_ bold*", "bold italic bold all bold",
         [("bold", "bold italic bold all bold"), ("italic", "italic bold all"), ("strikethrough", "all")]),
        (r"1\.5 \- \!", "1.5 - !", []),
        ("`a*b` ```py\nx_y\n```", "a*b x_y", [("code", "a*b"), ("pre", "x_y")]),
        (r"[name](https://a.b/x\)y)", "name", [("text_link", "name")]),
        ("![soon](tg://time?unix=1647531900&format=r)", "soon", [("date_time", "soon")]),
        ("![👍](tg://emoji?id=5368324170671202286)", "👍", [("custom_emoji", "👍")]),
        (">one\n>two\nthree", "one\ntwo\nthree", [("blockquote", "one\ntwo")]),
        (">one\n>two||", "one\ntwo", [("expandable_blockquote", "one\ntwo")]),
        (">one\n**>two||", "one\ntwo", [("blockquote", "one"), ("expandable_blockquote", "two")]),
    ],
)  # fmt: skip
def test_markdown(source: str, text: str, entities: list[tuple[str, str]]) -> None:
    formatted = read(markdown.parse, source)

    assert formatted.text == text
    assert [(kind, covered.strip()) for kind, covered in shape(formatted)] == entities


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("a.b", "Character '.' is reserved and must be escaped with the preceding '\\'"),
        ("a | b", "Character '|' is reserved and must be escaped with the preceding '\\'"),
        ("*a", "Can't find end of Bold entity at byte offset 0"),
        ("é _a", "Can't find end of Italic entity at byte offset 3"),
        ("[a](b", "Can't find end of a URL at byte offset 4"),
        ("![a](https://a.b)", "Custom emoji entity must contain a tg://emoji URL"),
        (">*a\nb*", "Can't find end of Bold entity at byte offset 1"),
    ],
)
def test_broken_markdown_is_refused_in_telegrams_words(source: str, words: str) -> None:
    with pytest.raises(Refused) as refusal:
        markdown.parse(source)

    assert refusal.value.description == f"Bad Request: can't parse entities: {words}"


def test_offsets_count_utf16_units(api: BotApi) -> None:
    sent = api.result("sendMessage", {"chat_id": ANN, "text": "😀😀 <b>ж𝄞</b> /go", "parse_mode": "HTML"})

    assert sent["entities"] == [
        {"type": "bold", "offset": 5, "length": 3},
        {"type": "bot_command", "offset": 9, "length": 3},
    ]


def test_date_time_entity_keeps_its_time_and_format(api: BotApi) -> None:
    text = '<tg-time unix="1647531900" format="t">22:45</tg-time>'
    sent = api.result("sendMessage", {"chat_id": ANN, "text": text, "parse_mode": "HTML"})
    given_one = {"type": "date_time", "offset": 0, "length": 5, "unix_time": 1647531900, "date_time_format": "t"}
    same = api.result("sendMessage", {"chat_id": ANN, "text": "22:45", "entities": [given_one]})

    assert sent["entities"] == same["entities"] == [given_one]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("/start now", [("bot_command", "/start")]),
        ("see /fire@sortie_desk_bot.", [("bot_command", "/fire@sortie_desk_bot")]),
        ("a/b and/or 1/2", []),
        ("@ann_trades #btc $BTC", [("mention", "@ann_trades"), ("hashtag", "#btc"), ("cashtag", "$BTC")]),
        ("go to https://a.b/c?d=e. Now", [("url", "https://a.b/c?d=e")]),
        ("mail me@example.com", [("email", "me@example.com")]),
        ("#1 $5 @ab", []),
    ],
)
def test_typed_text_gets_the_entities_telegram_finds(text: str, found: list[tuple[str, str]]) -> None:
    assert shape(plain(text)) == found


def test_control_characters_and_outer_space_go() -> None:
    assert plain("\r\n  a\x00b\tc \n").text == "a b c"


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ("a < b & <b>c</b>", "a &lt; b &amp; <b>c</b>"),
        ("<b>a<i>b</i></b>c", "<b>a<i>b</i></b>c"),
        ("<a href='https://a.b/\"x'>l</a>", '<a href="https://a.b/&quot;x">l</a>'),
        ("<tg-time unix='7' format='r'>now</tg-time>", '<time datetime="7" data-format="r">now</time>'),
        ("😀 <tg-spoiler>ж</tg-spoiler>", "😀 <tg-spoiler>ж</tg-spoiler>"),
        ("<blockquote>q</blockquote>", "<blockquote>q</blockquote>"),
        ("<a href='tg://user?id=1001'>Ann</a>", "Ann"),
    ],
)
def test_page_shows_entities_as_its_few_tags(source: str, shown: str) -> None:
    source = source.replace("a < b & ", "a &lt; b &amp; ")

    assert view.html(read(html.parse, source)) == shown


def test_entities_that_cross_are_shown_as_tags_that_nest() -> None:
    crossing = FormattedText(
        text="abcdef",
        entities=(Entity(type="bold", offset=0, length=4), Entity(type="italic", offset=2, length=4)),
    )

    assert view.html(crossing) == "<b>ab<i>cd</i></b><i>ef</i>"


PIECES = st.lists(
    st.sampled_from(
        ["<b>", "</b>", "<i>", "</i>", "<code>", "</code>", "<pre>", "</pre>", "<a href='https://a.b'>", "</a>", "<",
         ">", "&lt;", "&#128512;", "&amp", "/x", "@ann", "😀", "ж", " ", "\n", "<blockquote>", "</blockquote>",
         "<tg-spoiler>", "</tg-spoiler>", "<u>", "</u>", "*", "_", "__", "||", "`", "```", "[", "](tg://time?unix=1)",
         "![", ")", "\\", ".", "~"]
    ),
    max_size=25,
).map("".join)  # fmt: skip


class _Balance(HTMLParser):
    """Check that the page's HTML holds only its tags, well nested, and collect its text."""

    allowed = frozenset({"b", "i", "u", "s", "code", "pre", "a", "blockquote", "tg-spoiler", "time"})

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in self.allowed
        assert {name for name, _ in attrs} <= {"href", "datetime", "data-format"}
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


@settings(max_examples=400, deadline=None)
@given(st.one_of(st.text(max_size=60), PIECES), st.sampled_from(["HTML", "MarkdownV2"]))
@example("<b>😀</b>", "HTML")
def test_no_text_breaks_the_server_and_all_shown_is_safe(source: str, mode: str) -> None:
    parse = html.parse if mode == "HTML" else markdown.parse
    try:
        formatted = read(parse, source)
    except Refused as refusal:
        assert refusal.code == 400
        assert re.match(r"Bad Request: can't parse entities: [A-Z]", refusal.description)
        return
    total = units(formatted.text)
    assert all(0 <= entity.offset < entity.end <= total for entity in formatted.entities)
    checker = _Balance()
    checker.feed(view.html(formatted))
    checker.close()

    assert checker.open == []
    assert checker.text == formatted.text
