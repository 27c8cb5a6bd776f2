"""Real money as messages: the terminals that trade it, and what stands on the card of a decision about one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

from handlers.telegram.views.format import clip, money, percent
from handlers.telegram.views.message import Rendered
from handlers.telegram.views.templating import render
from handlers.telegram.views.words import plural
from services.domain.limits import Limit
from services.domain.live_facts import KeyRight
from services.reporting.real_money import RealTerminalView

# What bounds a trade and a day, shares of equity all of them; the rest is in /limits.
SHOWN: Mapping[Limit, str] = {Limit.PER_TRADE: "trade", Limit.DAILY_LOSS: "day", Limit.MAX_NOTIONAL: "value"}
TERMINALS_SHOWN = 5


def real_lines(view: RealTerminalView) -> list[str]:
    """Return what somebody must know who decides: address, key, account, limits, and whether all of it agrees."""
    ground = view.ground
    limits = [f"{name} {percent(view.limits[limit].value * 100)}" for limit, name in SHOWN.items() if limit in view.limits]
    return [
        f"at {ground.host} · key {ground.account}" if ground is not None else "setting, host and start do not agree",
        f"{'⛔ ' if view.right in (KeyRight.MAY, KeyRight.UNASKED) else ''}key: {view.right.value}",
        f"equity {money(view.equity)} · {plural(view.open_trades, 'trade')} live",
        f"limits: {', '.join(limits)}" if limits else "limits: none",
    ]


def entries_words(view: RealTerminalView) -> str:
    """Say whether entries are taken, and why not."""
    if view.standing.holds:
        return "entries: decided"
    return "entries: not decided" if view.standing.decided is None else "entries: decided for elsewhere"


def render_real_money(views: Sequence[RealTerminalView]) -> Rendered:
    """Return every live terminal with what was decided about it."""
    shown = [
        (escape(clip(view.terminal.name, 24)), entries_words(view), [escape(clip(line, 44)) for line in real_lines(view)])
        for view in views[:TERMINALS_SHOWN]
    ]
    return Rendered(text=render("real_money", shown=shown, more=max(0, len(views) - TERMINALS_SHOWN)))
