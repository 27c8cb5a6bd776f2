"""How entries go on each instrument, and the suggestions that a commander may apply."""

from __future__ import annotations

from decimal import Decimal

from handlers.telegram.callbacks import ChoiceButton
from handlers.telegram.views.format import MISSING, bps, clip, fixed, percent
from handlers.telegram.views.message import Button, Rendered, act
from handlers.telegram.views.templating import render
from services.domain.money import canonical
from services.execution.quality import RoutesShown
from services.storage.routes import RouteRow

MOST = 4
ROUTE = "route"


def render_routes(shown: RoutesShown) -> Rendered:
    """Return the routes, the worst first, each with its sample; and a button for every suggestion."""
    first = shown.rows[:MOST]
    text = render("routes", rows=[_lines(row) for row in first], more=len(shown.rows) - len(first), days=shown.days)
    if not shown.may_apply:
        return Rendered(text=text)
    return Rendered(text=text, rows=tuple((_apply(row, row.suggested_bps),) for row in first if row.suggested_bps is not None))


def _lines(row: RouteRow) -> tuple[str, str, str, str]:
    facts = row.facts
    slip = bps(facts.slippage_bps) if facts.slippage_bps is not None else MISSING
    maker = percent(facts.maker * 100, 0) if facts.maker is not None else MISSING
    return (
        f"{clip(row.symbol, 12)} {clip(row.venue, 8)}",
        row.quality.value,
        f" slip {slip} n {facts.fills}",
        f"maker {maker}",
    )


def _apply(row: RouteRow, suggested: Decimal) -> Button:
    label = f"{clip(row.symbol, 10)} {fixed(row.offset_bps, 1)}→{fixed(suggested, 1)} bps"
    return act(label, ChoiceButton(name=ROUTE, key=f"{row.venue}|{row.symbol}", value=canonical(suggested)))
