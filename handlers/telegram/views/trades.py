"""A trade's card: the venue's truth about entry, protection and result, and what can be done now."""

from __future__ import annotations

from datetime import timedelta
from html import escape

from handlers.telegram.callbacks import TradeButton, TradeVerb
from handlers.telegram.views.format import clip
from handlers.telegram.views.message import Button, Rendered, Rows, act
from handlers.telegram.views.templating import render
from handlers.telegram.views.words import badge, close_words, trail_words
from services.domain.decisions import FIRE_REASONS
from services.domain.trades import Trade
from services.reporting.trade_view import TradeView, TradeWord

STALE = timedelta(seconds=10)
NAMED = 2
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
_OVER = frozenset(
    {TradeWord.CLOSED, TradeWord.REJECTED, TradeWord.NOT_SENT, TradeWord.NOT_FILLED, TradeWord.DENIED, TradeWord.CANCELED}
)


def render_trade(view: TradeView) -> Rendered:
    """Return the card of a trade."""
    text = render(
        "trade",
        v=view,
        mark=_MARKS.get(view.word, "⏳"),
        badge=badge([view.mode]),
        state=view.word.value,
        kept=trail_words(view.keep),
        asked=_asked(view),
        by=close_words(view.code) if view.word is TradeWord.CLOSED else "",
        stale=view.price is not None and view.price.age > STALE,
    )
    return Rendered(text=text, rows=_rows(view) if view.private else ())


def reason_menu(trade: Trade) -> Rendered:
    """Offer the reasons that a trade may have been fired for."""
    text = f"#{trade.number} {trade.side.value.upper()} {escape(trade.symbol)}\nWhy did you fire it?"
    back = act("Back", TradeButton(verb=TradeVerb.CARD, trade=trade.id))
    first, rest = _reasons(trade.id)
    return Rendered(text=text, rows=(first, (*rest, back)))


def _reasons(trade_id: str) -> tuple[tuple[Button, ...], tuple[Button, ...]]:
    buttons = tuple(
        act(reason, TradeButton(verb=TradeVerb.REASON, trade=trade_id, arg=str(index)))
        for index, reason in enumerate(FIRE_REASONS)
    )
    return buttons[:3], buttons[3:]


def _asked(view: TradeView) -> str:
    """Name those who are asked about a trade that waits, and count the rest."""
    names = view.asking.asked if view.asking is not None else ()
    more = [f"+{len(names) - NAMED}"] if len(names) > NAMED else []
    return ", ".join([*(clip(each, 12) for each in names[:NAMED]), *more])


def _rows(view: TradeView) -> Rows:
    """Return what can be done, and below it why it was fired: to be said in one tap while it lives, later by a menu."""
    rows = _acts(view)
    if not view.may_explain:
        return rows
    if view.fired_for is None and view.word not in _OVER:
        return (*rows, *_reasons(view.id))
    label = f"Reason: {view.fired_for}" if view.fired_for is not None else "Reason"
    return (*rows, (act(label, TradeButton(verb=TradeVerb.REASON, trade=view.id)),))


def _acts(view: TradeView) -> Rows:
    def verb(text: str, what: TradeVerb) -> Button:
        return act(text, TradeButton(verb=what, trade=view.id))

    proof = verb("Proof", TradeVerb.PROOF)
    cancel = "Withdraw" if view.word is TradeWord.AWAITING else "Cancel rest" if view.can_close else "Cancel"
    entry = [verb(cancel, TradeVerb.CANCEL)] if view.can_cancel else []
    if view.can_amend:
        entry.append(verb("Move entry", TradeVerb.AMEND_MENU))
    if not view.can_close:
        return ((*entry, proof),)
    first = [verb("Close", TradeVerb.CLOSE), verb("Half", TradeVerb.HALF)]
    if view.can_break_even:
        first.append(verb("Stop→BE", TradeVerb.BREAK_EVEN))
    return (first, (verb("Move stop", TradeVerb.STOP_MENU), proof), *((entry,) if entry else ()))
