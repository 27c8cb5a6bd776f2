"""Senders outside on a phone: each with its record, and no rate of too few."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from handlers.telegram.callbacks import ChoiceButton, ListButton, ListName
from handlers.telegram.views.edge import mean_words
from handlers.telegram.views.message import Button, Rendered, act
from handlers.telegram.views.paging import cut, in_rows, turning
from handlers.telegram.views.templating import render
from handlers.telegram.views.words import badge, plural, win_words
from services.domain.sources import SourceState
from services.reporting.source_list import SourceRecord, SourcesList
from services.signals.sources import LetIn

SOURCE = "source"
ADDRESS = "/v1/signals"
MUTE, HEAR = "mute", "hear"
SOURCES_A_PAGE, MOST_NAMED = 3, 2


def sources_page(data: SourcesList, page: int) -> Rendered:
    """Return a page of sources; each opens its card."""
    part = cut(data.rows, page, SOURCES_A_PAGE)
    text = render(
        "list_sources",
        badge=badge(data.modes),
        days=data.days,
        rows=part.rows,
        received=[plural(each.received, "alert") for each in part.rows],
        hits=[win_words(each.rate) for each in part.rows],
        at=data.at,
        page=part.page,
        pages=part.pages,
    )
    cards = [act(each.source.name, ListButton(name=ListName.SOURCES, arg=each.source.name)) for each in part.rows]
    return Rendered(text=text, rows=in_rows(cards, turning(ListName.SOURCES, part)))


def source_card(data: SourcesList, found: SourceRecord) -> Rendered:
    """Return everything about one source; a commander gets its switch."""
    text = render(
        "source",
        badge=badge(data.modes),
        days=data.days,
        s=found,
        muted=found.source.state is SourceState.MUTED,
        received=plural(found.received, "alert"),
        dropped=_named(found.drops),
        turned=_named(found.turned),
        hits=win_words(found.rate),
        mean=mean_words(found.r),
        made=plural(found.trades.n, "trade"),
        calls=plural(found.calls, "call"),
        at=data.at,
    )
    switch = (_switch(found),) if data.may_switch else ()
    every = act("All sources", ListButton(name=ListName.SOURCES))
    again = act("Refresh", ListButton(name=ListName.SOURCES, arg=found.source.name))
    return Rendered(text=text, rows=tuple(row for row in (switch, (every, again)) if row))


def source_added(made: LetIn) -> Rendered:
    """Show a new source's secret, once; a copy of it is a key."""
    name, secret = made.source.name, escape(made.secret)
    shown = f"Send it as <code>secret</code> in the body, or post to\n<code>{ADDRESS}/{name}/{secret}</code>"
    lines = (
        f"<b>{name}</b> is let in. Its secret, shown this once:",
        f"<code>{secret}</code>",
        shown if made.source.plain else f"Sign each request to <code>{ADDRESS}</code> with it.",
        "Delete this message when you have it.",
    )
    return Rendered(text="\n".join(lines), rows=((Button(text="Copy the secret", copy=made.secret),),), storable=False)


def _named(counts: Sequence[tuple[str, int]]) -> str:
    """Write the two most frequent codes with their numbers, and how many were for others."""
    left = sum(n for _, n in counts[MOST_NAMED:])
    return ", ".join([*(f"{code} {n:,}" for code, n in counts[:MOST_NAMED]), *([f"+{left:,}"] if left else [])])


def _switch(found: SourceRecord) -> Button:
    label, value = ("Hear again", HEAR) if found.source.state is SourceState.MUTED else ("Mute", MUTE)
    return act(label, ChoiceButton(name=SOURCE, key=found.source.name, value=value))
