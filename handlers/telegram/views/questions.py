"""The questions between a tap and its effect: close what, stop where, skip why, halt why, resume how."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from html import escape

from handlers.telegram.callbacks import ActButton, DeskButton, DeskVerb, MissionButton, MissionVerb, TradeButton, TradeVerb
from handlers.telegram.views.format import clock, price, quantity, round_money, span
from handlers.telegram.views.message import Button, Rendered, Style
from handlers.telegram.views.words import trail_words
from services.domain.buttons import Act
from services.domain.keeping import Trail
from services.domain.signals import Mission
from services.domain.states import HaltState
from services.domain.trades import Trade
from services.execution.flattening import FlattenAsked
from services.execution.manage import CloseAsked
from services.execution.rearming import RESUME_WORD, ResumeAsked, Resumed
from services.missions.skip import REASONS

HALT_REASONS = ("exchange trouble", "news", "strategy misfires", "handover", "other")
TRAILS = (
    ("Trail 1R", Trail.R),
    ("Trail ATR", Trail.ATR),
    ("Trail %", Trail.PERCENT),
    ("Structure", Trail.STRUCTURE),
    ("Off", Trail.OFF),
)
STOP_STEPS = (("−0.5 R", "-0.5"), ("BE", "be"), ("+0.5 R", "0.5"), ("+1 R", "1"), ("+2 R", "2"))


def close_question(asked: CloseAsked) -> Rendered:
    """Ask for the second tap of a close."""
    if asked.token is None:
        return Rendered(text="Nothing of yours is open.")
    part = "half of " if asked.share < 1 else ""
    lines = [
        f"Close {part}#{trade.number} {trade.side.value.upper()} {escape(trade.symbol)} at market?\n"
        f"open {quantity(trade.open_quantity)} {escape(trade.symbol.split('/')[0])}"
        for trade in asked.trades[:6]
    ]
    if len(asked.trades) > 6:
        lines.append(f"and {len(asked.trades) - 6} more")
    act = Act.CLOSE if len(asked.trades) == 1 and "trade" in asked.token.terms else Act.CLOSE_ALL
    label = "Close half" if asked.share < 1 else ("Close" if act is Act.CLOSE else f"Close all {len(asked.trades)}")
    confirm = Button(text=label, data=ActButton(act=act, token=asked.token.id), style=Style.DANGER)
    if act is Act.CLOSE:
        back = Button(text="Back", data=TradeButton(verb=TradeVerb.CARD, trade=asked.trades[0].id))
        return Rendered(text="\n".join(lines), rows=((back, confirm),))
    return Rendered(text="\n".join([*lines, "The button works for one minute."]), rows=((confirm,),))


def stop_menu(trade: Trade) -> Rendered:
    """Offer the places for a tighter stop, in R from the entry, and what it may follow."""
    kept = trail_words(trade.keep)
    text = (
        f"#{trade.number} {trade.side.value.upper()} {escape(trade.symbol)}\n"
        f"stop at {price(trade.stop)}{f' · {kept}' if kept else ''}\n"
        "Move it to, in R from the entry, or let it follow the market; it only ever comes closer."
    )
    steps = []
    for label, value in STOP_STEPS:
        verb = TradeVerb.BREAK_EVEN if value == "be" else TradeVerb.STOP_R
        arg = "" if value == "be" else value
        steps.append(Button(text=label, data=TradeButton(verb=verb, trade=trade.id, arg=arg)))
    back = Button(text="Back", data=TradeButton(verb=TradeVerb.CARD, trade=trade.id))
    trails = [
        Button(text=label, data=TradeButton(verb=TradeVerb.TRAIL, trade=trade.id, arg=trail.value)) for label, trail in TRAILS
    ]
    return Rendered(text=text, rows=(steps, trails[:3], [*trails[3:], back]))


def skip_reasons(mission: Mission) -> Rendered:
    """Ask why a mission was skipped; the skip already stands."""
    buttons = [
        Button(text=reason, data=MissionButton(verb=MissionVerb.SKIP_REASON, mission=mission.id, arg=str(index)))
        for index, reason in enumerate(REASONS)
    ]
    return Rendered(text=f"Skipped #{mission.number} {escape(mission.signal.symbol)}. Why?", rows=(buttons[:3], buttons[3:]))


def halt_reasons(state: HaltState) -> Rendered:
    """Ask why the desk was halted; the halt already stands."""
    buttons = [
        Button(text=reason, data=DeskButton(verb=DeskVerb.HALT_REASON, arg=str(index)))
        for index, reason in enumerate(HALT_REASONS)
    ]
    word, command = ("Exits only now", "/reduce") if state is HaltState.REDUCING else ("Halted", "/halt")
    return Rendered(text=f"{word}. Why? One tap, or {command} and the reason.", rows=(buttons[:2], buttons[2:4], buttons[4:]))


def flatten_question(asked: FlattenAsked, percent: Decimal | None, *, private: bool) -> Rendered:
    """Name what flattening would sell, and ask for the second tap; money is named in private only."""
    count = "1 position" if asked.positions == 1 else f"{asked.positions} positions"
    if not asked.positions:
        worth = "nothing is open now; what an entry still fills would be sold"
    elif private:
        worth = "worth " + " and ".join(round_money(each) for each in asked.notional)
        worth += "" if asked.priced_at is not None else ", partly at their entry: no fresh price"
    else:
        worth = f"{percent:.0f} % of equity" if percent is not None else "share of equity: no data"
    lines = [
        f"🛑 Sell all {count} of the desk at market?",
        worth,
        "The halt stands and entries are taken back either way.",
        "The button works for one minute, once.",
    ]
    confirm = Button(text=f"Flatten {count}", data=ActButton(act=Act.FLATTEN, token=asked.token.id), style=Style.DANGER)
    return Rendered(text="\n".join(lines), rows=((confirm,),))


def resume_question(asked: ResumeAsked, since: str, risk_percent: Decimal | None) -> Rendered:
    """Show who halted, why, since when and what is open, and how it is lifted."""
    halt = asked.halt
    state = "HALTED" if halt.state is HaltState.HALTED else "REDUCING"
    risk = f"{risk_percent:.1f} % of equity" if risk_percent is not None else "no data"
    lines = [
        f"🛑 {state} by {escape(halt.by_name)} {since}",
        f"“{escape(halt.reason)}”" if halt.reason else "no reason given",
        f"{asked.open_trades} open trade{'' if asked.open_trades == 1 else 's'}, open risk {risk}",
    ]
    if asked.token is None:
        return Rendered(text="\n".join([*lines, "A commander can lift it."]))
    if halt.state is HaltState.HALTED:
        lines.append(f"To lift it, type within two minutes:\n<code>/resume {RESUME_WORD}</code>")
        lines.append(f"Entries pass {span(timedelta(seconds=asked.wait_s))} after that; any halt meanwhile stops it.")
        return Rendered(text="\n".join(lines))
    confirm = Button(text="Resume", data=ActButton(act=Act.RESUME, token=asked.token.id), style=Style.SUCCESS)
    return Rendered(text="\n".join(lines), rows=((confirm,),))


def resumed(done: Resumed) -> Rendered:
    """Say that the desk is active, or when it will be."""
    if done.due_at is None:
        return Rendered(text="The desk is active again.")
    wait = f"⏳ The halt is lifted at {clock(done.due_at)}."
    return Rendered(text=f"{wait}\nUntil then entries stay stopped, and any new halt ends the wait.")
