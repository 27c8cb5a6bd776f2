"""A trade's card: the venue's truth about entry, protection and result, and what can be done now."""

from __future__ import annotations

from datetime import timedelta

from handlers.telegram.callbacks import TradeButton, TradeVerb
from handlers.telegram.views.message import Button, Rendered, Rows, act
from handlers.telegram.views.templating import render
from handlers.telegram.views.words import badge, close_words, trail_words
from services.reporting.trade_view import TradeView, TradeWord

STALE = timedelta(seconds=10)
_MARKS = {
    TradeWord.FILLED: "✅",
    TradeWord.CLOSED: "🏁",
    TradeWord.UNKNOWN: "❔",
    TradeWord.REJECTED: "⛔",
    TradeWord.NOT_SENT: "⛔",
    TradeWord.NOT_FILLED: "⛔",
    TradeWord.DENIED: "⛔",
    TradeWord.CANCELED: "⛔",
}


def render_trade(view: TradeView) -> Rendered:
    """Return the card of a trade."""
    text = render(
        "trade",
        v=view,
        mark=_MARKS.get(view.word, "⏳"),
        badge=badge([view.mode]),
        state=view.word.value,
        kept=trail_words(view.keep),
        by=close_words(view.code) if view.word is TradeWord.CLOSED else "",
        stale=view.price is not None and view.price.age > STALE,
    )
    return Rendered(text=text, rows=_rows(view) if view.private else ())


def _rows(view: TradeView) -> Rows:
    def verb(text: str, what: TradeVerb) -> Button:
        return act(text, TradeButton(verb=what, trade=view.id))

    proof = verb("Proof", TradeVerb.PROOF)
    entry = [verb("Cancel rest" if view.can_close else "Cancel", TradeVerb.CANCEL)] if view.can_cancel else []
    if view.can_amend:
        entry.append(verb("Move entry", TradeVerb.AMEND_MENU))
    if not view.can_close:
        return ((*entry, proof),)
    first = [verb("Close", TradeVerb.CLOSE), verb("Half", TradeVerb.HALF)]
    if view.can_break_even:
        first.append(verb("Stop→BE", TradeVerb.BREAK_EVEN))
    return (first, (verb("Move stop", TradeVerb.STOP_MENU), proof), *((entry,) if entry else ()))
