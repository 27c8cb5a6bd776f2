"""How to enter: the words for it in a preview, and the menu to choose from."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from html import escape

from handlers.telegram.callbacks import MissionButton, MissionVerb, TradeButton, TradeVerb
from handlers.telegram.views.format import price
from handlers.telegram.views.message import Button, Rendered, act
from handlers.telegram.views.templating import render
from handlers.telegram.views.words import badge
from services.domain.entries import EntryKind
from services.domain.money import Price, canonical
from services.domain.routes import load_route
from services.domain.trades import Trade
from services.reporting.preview_view import PreviewView

CHOSEN = " •"
LABELS: Mapping[EntryKind, str] = {
    EntryKind.TAKE: "Take now",
    EntryKind.WHOLE: "All or nothing",
    EntryKind.LIMIT: "Rest at entry",
    EntryKind.POST: "Rest, never take",
    EntryKind.MAKER: "Maker first",
    EntryKind.STOP: "Stop entry",
}
_MEANS: Mapping[EntryKind, str] = {
    EntryKind.TAKE: "what is there, at the bound or better",
    EntryKind.WHOLE: "the whole size at once, or none of it",
    EntryKind.LIMIT: "wait for the mission's price",
    EntryKind.POST: "the same, and only as a maker",
    EntryKind.MAKER: "rest near the price, take the rest late",
    EntryKind.STOP: "wait here until the price breaks out",
}


def how_button(view: PreviewView) -> tuple[Button, ...]:
    """Offer the other ways to enter, where the terminal takes more than one."""
    if len(view.kinds) < 2:
        return ()
    return (act(f"How: {LABELS[view.kind].lower()}", MissionButton(verb=MissionVerb.HOW, mission=view.mission.id)),)


def render_how(view: PreviewView) -> Rendered:
    """Return the ways to enter that the terminal takes, the chosen one with a dot."""
    text = render(
        "how",
        v=view,
        side=view.mission.signal.side.value.upper(),
        badge=badge([view.mode]),
        ways=[(LABELS[kind].lower(), _MEANS[kind]) for kind in view.kinds],
    )
    buttons = [
        act(
            LABELS[kind] + (CHOSEN if kind is view.kind else ""),
            MissionButton(verb=MissionVerb.HOW, mission=view.mission.id, arg=kind.value),
        )
        for kind in view.kinds
    ]
    rows = [tuple(buttons[start : start + 2]) for start in range(0, len(buttons), 2)]
    back = act("Back", MissionButton(verb=MissionVerb.CARD, mission=view.mission.id))
    return Rendered(text=text, rows=(*rows, (back,)))


AMEND_STEPS = ((Decimal("-0.001"), "−0.1 %"), (Decimal("0.001"), "+0.1 %"))


def amend_menu(trade: Trade, near: Price | None) -> Rendered:
    """Offer other prices for a resting entry: beside the one it rests at, and that of its own side of the market."""
    route = load_route(trade.route)
    rests_at = route.price if route is not None else trade.worst_price
    text = (
        f"#{trade.number} {trade.side.value.upper()} {escape(trade.symbol)}\n"
        f"rests at {price(rests_at)}\n"
        f"Move it, or send /amend {trade.number} and a price:"
    )
    steps = [_amend(trade, label, rests_at * (1 + share)) for share, label in AMEND_STEPS]
    join = [_amend(trade, f"to {price(near)}", near)] if near is not None and near != rests_at else []
    back = act("Back", TradeButton(verb=TradeVerb.CARD, trade=trade.id))
    return Rendered(text=text, rows=((*steps, *join), (back,)))


def _amend(trade: Trade, label: str, wanted: Decimal) -> Button:
    return act(label, TradeButton(verb=TradeVerb.AMEND, trade=trade.id, arg=canonical(round(wanted, 8))))
