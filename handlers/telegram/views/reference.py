"""The reference of denial and alert codes, written from the tables that the messages use."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from handlers.telegram.views.checks import LABELS, MEANINGS, UNITS
from handlers.telegram.views.refusals import REFUSALS
from services.access.alerts import ADVICE, AlertCode
from services.domain.signals import DropCode
from services.domain.verdicts import CheckCode, Unit

_UNITS: Mapping[Unit, str] = {
    Unit.STATE: "words",
    Unit.SECONDS: "seconds",
    Unit.BPS: "bps",
    Unit.FRACTION: "share of equity, shown in percent",
    Unit.PRICE: "price",
    Unit.COUNT: "count",
    Unit.QUANTITY: "base units",
    Unit.MONEY: "quote currency",
}
# The setting that bounds a check, where one does.
_SETTINGS: Mapping[CheckCode, str] = {
    CheckCode.DATA_AGE: "risk.quote_age_s",
    CheckCode.EQUITY_AGE: "risk.equity_age_s",
    CheckCode.UNIVERSE: "market.instruments",
    CheckCode.TERMINAL_SIDE: "paper.can_short",
    CheckCode.SPREAD: "risk.max_spread_bps",
    CheckCode.PRICE_COLLAR: "risk.collar_share, risk.collar_cap_bps",
    CheckCode.RISK_PER_TRADE: "risk.per_trade",
    CheckCode.NOTIONAL: "risk.max_notional",
    CheckCode.OPEN_POSITIONS: "risk.open_positions",
    CheckCode.DAILY_LOSS: "risk.daily_loss",
}
_DROPS: Mapping[DropCode, str] = {
    DropCode.SCORE_LOW: "its score is below `signals.min_score`",
    DropCode.COOLDOWN: "the instrument had a mission less than `signals.cooldown_s` ago",
    DropCode.DUPLICATE: "an open mission or a better call of the same scan has this instrument",
    DropCode.NOT_IN_UNIVERSE: "the instrument is not traded here",
    DropCode.NO_TERMINAL_FOR_SIDE: "no terminal takes this side",
    DropCode.STALE: "its candle closed too long ago, or it expired before it was offered",
    DropCode.HALTED: "the desk or the instrument is halted",
    DropCode.MALFORMED: "stop, targets or entry band lie on the wrong side",
    DropCode.STRATEGY_DISABLED: "its strategy is switched off",
}
# What may stand on a trade's card after ``not sent`` or ``not filled``, beside the codes of the gate.
_ENDS: Mapping[str, str] = {
    "NOT_FILLED": "the venue took the order and nothing traded at its price or better",
    "CANCELED": "the trader, a halt or a revocation took the entry back",
    "NO_TRADE": "the entry's trade or mission is gone",
    "NOT_FOUND": "the answer was lost, and the venue proved that it never saw the order",
}
_ALERTS: Mapping[AlertCode, str] = {
    AlertCode.STAGE_SILENT: "a part of the desk showed no sign of life for twice its period",
    AlertCode.STOP_NOT_PLACED: "an open trade has no stop at the venue and the venue refused one",
    AlertCode.OUTCOME_UNKNOWN: "nobody knows whether the venue took a write",
    AlertCode.POSITION_MISMATCH: "the desk and a venue disagree about a position, twice in a row",
    AlertCode.FOREIGN_ORDER: "an order or fill at the venue is none of the desk's",
    AlertCode.ORDER_LOST: "the venue does not know an order any more that it had taken",
    AlertCode.VENUE_UNREACHABLE: "a venue cannot be asked",
    AlertCode.CLOSE_REJECTED: "the venue refused a close, or never got it, again and again",
    AlertCode.CANCEL_REJECTED: "the venue refused again and again to take exits away",
    AlertCode.POSITION_BARE: "a position stands without a stop at the venue for longer than `protection.bare_alert_s`",
    AlertCode.STOP_LATE: "the market is beyond a stop for longer than `protection.stop_late_s` and it did not execute",
    AlertCode.STOP_WATCHED: "the venue takes no stop for a trade: the desk itself watches it",
    AlertCode.WATCH_STALE: "there is no fresh quote of what the desk itself watches",
    AlertCode.LATE_FILL: "a fill came for a trade that was over",
    AlertCode.BACKUP_FAILED: "the daily backup could not be made",
}


def denial_reference() -> str:
    """Return the reference page of everything that can be refused, as Markdown."""
    checks = [
        (f"`{code.value}`", LABELS[code], MEANINGS[code][0], _UNITS[UNITS[code]], _setting(code), MEANINGS[code][1])
        for code in CheckCode
    ]
    refusals = [(f"`{code}`", _plain(said), _plain(hint)) for code, (said, hint) in sorted(REFUSALS.items())]
    parts = [
        "# Denial codes",
        "",
        "The gate's checks run in this order before every trade, and again when it is confirmed. The first that fails",
        "decides; all others are reported with it. A value that is missing fails its check.",
        "",
        _table(("code", "label", "passes when", "value and limit in", "limit set by", "what helps"), checks),
        "",
        "## Refusals of a command or a button",
        "",
        "Nothing was changed when one of these is answered. Words in braces are the refusal's own values.",
        "",
        _table(("code", "what happened", "what to do next"), refusals),
        "",
        "## Signals that are not offered",
        "",
        _table(("code", "why"), [(f"`{code.value}`", why) for code, why in _DROPS.items()]),
        "",
        "## Entries that end without a fill",
        "",
        "Beside the gate's codes, which apply until the order is sent, and the venue's own codes when it rejects one.",
        "",
        _table(("code", "why"), [(f"`{code}`", why) for code, why in _ENDS.items()]),
    ]
    return "\n".join(parts) + "\n"


def alert_reference() -> str:
    """Return the reference page of alerts, as Markdown."""
    rows = [(f"`{code.value}`", _ALERTS[code], done, f"`{command}`") for code, (done, command) in ADVICE.items()]
    parts = [
        "# Alert codes",
        "",
        "One incident is one message, however often it repeats; it goes to every commander, to the trader concerned and to",
        "the chats that `/bind risk` named. Quiet hours do not apply.",
        "",
        _table(("code", "what is wrong", "what the desk does", "look at"), rows),
    ]
    return "\n".join(parts) + "\n"


def _setting(code: CheckCode) -> str:
    return ", ".join(f"`{name}`" for name in _SETTINGS[code].split(", ")) if code in _SETTINGS else ""


def _plain(text: str) -> str:
    return text.replace("|", "\\|")


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
