"""The reference of denial and alert codes, written from the tables that the messages use."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from handlers.telegram.views.checks import LABELS, MEANINGS, UNITS
from handlers.telegram.views.refusals import REFUSALS
from services.access.runbooks import RUNBOOKS
from services.domain.incidents import AlertCode
from services.domain.limits import RULES
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
    CheckCode.SESSION: "sessions",
    CheckCode.UNIVERSE: "market.instruments",
    CheckCode.TERMINAL_SIDE: "paper.can_short",
    CheckCode.PRICE_COLLAR: "risk.collar_share, risk.collar_cap_bps",
    CheckCode.NEWS: "inputs.news",
    CheckCode.VITALITY: "inputs.vitality",
    CheckCode.CALIBRATION: "inputs.calibration",
    CheckCode.COOLDOWN: "discipline.cooldown_s",
    CheckCode.TILT: "discipline.tilt_losses, discipline.tilt_window_s, discipline.tilt_lock_s",
    CheckCode.SHOTS: "discipline.shots_per_day",
    CheckCode.MEDIC_POSITIONS: "discipline.medic_from, discipline.medic_before, discipline.medic_positions",
    CheckCode.MEDIC_RISK: "discipline.medic_from, discipline.medic_before, discipline.medic_risk",
    **{rule.code: f"risk.{limit.value}" for limit, rule in RULES.items()},
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
    DropCode.SANDBOXED: "its strategy is sandboxed: what it calls is recorded and not offered",
    DropCode.CONFLICT: "strategies call both sides of the instrument, and this one is not ahead by `signals.conflict_margin`",
    DropCode.CAPACITY: "its strategy has `signals.strategy_missions` open missions already",
    DropCode.NO_DATA: "an alert came while the desk had no fresh price of the instrument",
    DropCode.PRICE_FAR: "an alert's entry is further from the market than `intake.away_bps`, or the market is beyond its stop",
    DropCode.SOURCE_MUTED: "its sender is muted, by a commander or by its record",
}
# What may stand on a trade's card after ``not sent`` or ``not filled``, beside the codes of the gate.
_ENDS: Mapping[str, str] = {
    "NOT_FILLED": "the venue took the order and nothing traded at its price or better",
    "CANCELED": "the trader, a halt or a revocation took the entry back",
    "SILENCE": "the venue had not heard of the desk for `deadman.timeout_s` and took the entry back",
    "NO_ROLE": "the trader's role was taken, or ended, before the entry was sent",
    "NO_TRADE": "the entry's trade or mission is gone",
    "NO_VERDICT": "no stored verdict of the gate allows these very terms: size, worst price, stop, terminal and instrument",
    "NOT_A_REDUCTION": "a close or an exit would have added to the position, and nothing but an entry may",
    "NOT_FOUND": "the answer was lost, and the venue proved that it never saw the order",
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
    rows = [
        (f"`{code.value}`", page.severity.value, page.happened, page.done, f"`{page.next}`")
        for code, page in ((code, RUNBOOKS[code]) for code in AlertCode)
    ]
    parts = [
        "# Alert codes",
        "",
        "One incident is one message, however often it repeats; it goes to every commander, to the trader concerned and to",
        "the chats that `/bind risk` named. Quiet hours do not apply. `/runbook CODE` and `sortie runbook CODE` show a code's",
        "page of [the runbook](../runbooks.md).",
        "",
        _table(("code", "severity", "what is wrong", "what the desk does", "look at"), rows),
    ]
    return "\n".join(parts) + "\n"


def runbook_pages() -> str:
    """Return the runbook, a section for each alert code, as Markdown."""
    parts = [
        "# Runbook",
        "",
        "What to do when the desk raises an alert: one section for each code, the same that `/runbook CODE` and",
        "`sortie runbook CODE` show. An *urgent* one wants somebody's answer at any hour; a *routine* one can wait for the",
        "morning. Written from `services/access/runbooks/`.",
    ]
    for code in AlertCode:
        page = RUNBOOKS[code]
        parts += [
            "",
            f"## {code.value}",
            "",
            f"*{page.severity.value}*",
            "",
            f"- **What happened.** {page.happened}",
            f"- **What the desk did.** {page.done[:1].upper()}{page.done[1:]}.",
            f"- **What is exposed.** {page.exposed}",
            f"- **Send** `{page.next}`. {page.press}",
            "- **If that does not help.**",
            *(f"  {number}. {step}" for number, step in enumerate(page.steps, 1)),
            f"- **It is over** {page.closes[:1].lower()}{page.closes[1:]}",
        ]
    return "\n".join(parts) + "\n"


def _setting(code: CheckCode) -> str:
    return ", ".join(f"`{name}`" for name in _SETTINGS[code].split(", ")) if code in _SETTINGS else ""


def _plain(text: str) -> str:
    return text.replace("|", "\\|")


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
