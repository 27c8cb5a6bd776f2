"""Stored events as messages, rendered from the facts in their row and nothing else; no fact can make it fail."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

import structlog
from jinja2 import UndefinedError

from handlers.telegram.callbacks import (
    ActButton,
    ApprovalButton,
    ApprovalVerb,
    MissionButton,
    MissionVerb,
    TradeButton,
    TradeVerb,
)
from handlers.telegram.views.approvals import change_told_words
from handlers.telegram.views.checks import MEANINGS, UNITS, decimal_of, written
from handlers.telegram.views.digest import render_digest
from handlers.telegram.views.message import Button, Rendered, Style, act
from handlers.telegram.views.templating import render
from handlers.telegram.views.words import SIDE_MARK, close_words
from services.domain.buttons import Act
from services.domain.grades import DEFAULT_GRADE
from services.domain.money import Money
from services.domain.routes import TAKEN_BACK
from services.domain.signals import Side
from services.domain.verdicts import CheckCode, Unit

log = structlog.get_logger()
DIGEST = "digest"
HELD_SHOWN = 6
Facts = Mapping[str, object]
Words = Mapping[str, object]
_SHOWN = ("code", "trade", "mission", "symbol", "person", "detail")
_ROLES = {"target": "target", "stop": "stop", "close": "close", "entry": "entry"}


def render_notice(template: str, facts: Facts) -> Rendered:
    """Return the message of a stored event; one that nobody knows, or whose facts are odd, is told in plain words."""
    if template not in NOTICES:
        return _plain(template, facts)
    try:
        if template == DIGEST:
            return render_digest(facts)
        kind = _KINDS[template]
        words = kind.words(facts) if kind.words else {}
        buttons = kind.buttons(facts) if kind.buttons else ()
        text = render(f"notice_{template}", f=facts, mode=_mode(facts), **words)
    except (UndefinedError, LookupError, ValueError, TypeError, ArithmeticError, OSError) as error:
        log.warning("notice.odd_facts", template=template, error=str(error))
        return _plain(template, facts)
    return Rendered(text=text, rows=(tuple(button for button in buttons if _fits(button)),))


class _Kind:
    """How one template is filled: further words from its facts, and its buttons."""

    def __init__(
        self,
        words: Callable[[Facts], Words] | None = None,
        buttons: Callable[[Facts], tuple[Button, ...]] | None = None,
    ) -> None:
        self.words = words
        self.buttons = buttons


def _plain(template: str, facts: Facts) -> Rendered:
    lines = [f"{name}: {facts[name]}" for name in _SHOWN if isinstance(facts.get(name), str | int)]
    return Rendered(text=render("notice_plain", name=template.replace("_", " "), lines=lines))


def _fits(button: Button) -> bool:
    """Tell whether the server takes the button: facts are stored, and a button is at most 64 bytes."""
    try:
        return button.data is None or bool(button.data.pack())
    except ValueError as error:
        log.warning("notice.button", error=str(error))
        return False


def _mode(facts: Facts) -> str:
    mode = facts.get("mode")
    return f" · {mode.upper()}" if isinstance(mode, str) and mode else ""


def _money(facts: Facts, name: str) -> Money | None:
    value = decimal_of(facts[name])
    return Money(value, str(facts["currency"])) if value is not None else None


def _by(facts: Facts) -> str:
    reason = facts.get("reason")
    return f" {close_words(str(reason))}" if reason else ""


def _fill(facts: Facts) -> Words:
    return {"role": _ROLES.get(str(facts["role"]), "an order"), "base": str(facts["symbol"]).partition("/")[0]}


def _closed(facts: Facts) -> Words:
    return {"by": _by(facts), "realized": _money(facts, "realized"), "fees": _money(facts, "fees")}


def _opened(facts: Facts) -> Words:
    return {"mark": SIDE_MARK[Side(str(facts["side"]))]}


def _not_sent(facts: Facts) -> Words:
    code = str(facts["code"])
    said = {"NOT_FILLED": "not filled", **{each: f"canceled: {each}" for each in TAKEN_BACK}}
    return {"said": said.get(code, f"not sent: {code[:32]}")}


def _undo(facts: Facts) -> tuple[Button, ...]:
    if facts["what"] != "in_force":
        return ()
    return (act("Roll back", ApprovalButton(verb=ApprovalVerb.UNDO, item=str(facts["number"]))),)


def _refused(facts: Facts) -> Words:
    return {"meaning": _meaning(facts)}


def _meaning(facts: Facts) -> str:
    code = str(facts["code"])
    return f"rule: {MEANINGS[CheckCode(code)][0]}" if code in set(CheckCode) else ""


def _asked(facts: Facts) -> Words:
    code, value = str(facts["code"]), facts.get("value")
    unit = UNITS[CheckCode(code)] if code in set(CheckCode) else Unit.STATE
    return {
        "meaning": _meaning(facts),
        "compared": written(None if value is None else str(value), str(facts.get("limit")), unit)[:40],
    }


def _changed(facts: Facts) -> Words:
    def word(role: object) -> str:
        return "without a role" if role == "stranger" else str(role)

    return {"role": word(facts["role"]), "was": word(facts["was"]), **_leased(facts)}


def _leased(facts: Facts) -> Words:
    """Name what is not as usual: another grade than the default one, and an end."""
    grade, until = facts.get("grade"), facts.get("until")
    return {
        "grade": grade if isinstance(grade, str) and grade != DEFAULT_GRADE else "",
        "until": datetime.fromisoformat(until) if isinstance(until, str) else None,
    }


def _trade(facts: Facts) -> tuple[Button, ...]:
    number = str(facts["trade"])
    return (
        act("Show", TradeButton(verb=TradeVerb.CARD, trade=number)),
        act("Proof", TradeButton(verb=TradeVerb.PROOF, trade=number)),
    )


def _trade_answered(facts: Facts) -> Words:
    code, by = str(facts["code"]), str(facts.get("by") or "the desk")
    said = {
        "APPROVED": f"approved by {by}",
        "REJECTED": f"rejected by {by}",
        "NO_ANSWER": "not approved: nobody answered in time",
        "CANCELED": f"taken back by {by}",
        "DEADLINE": "not approved: the mission is over",
    }
    return {"said": said.get(code, f"approved, then denied: {code}"), "fine": code == "APPROVED", "meaning": _meaning(facts)}


def _trade_or_mission(facts: Facts) -> tuple[Button, ...]:
    """Offer the trade where it goes on, else a fresh preview of its mission while there is one."""
    if facts["code"] == "APPROVED" or facts.get("mission") is None:
        return _trade(facts)
    return _mission(facts)


def _listed(value: object) -> list[object]:
    if not isinstance(value, list):
        raise TypeError(f"not a list: {value!r}")
    return value


def _holdings(facts: Facts) -> Words:
    pairs = [_listed(each) for each in _listed(facts["held"])]
    held = [(str(symbol), decimal_of(str(size))) for symbol, size in pairs[:HELD_SHOWN]]
    return {"held": held, "more": max(0, len(pairs) - HELD_SHOWN)}


def _mission(facts: Facts) -> tuple[Button, ...]:
    return (act("Fire", MissionButton(verb=MissionVerb.FIRE, mission=str(facts["mission"]))),)


def _why(facts: Facts) -> tuple[Button, ...]:
    return (act("Why", MissionButton(verb=MissionVerb.WHY, mission=str(facts["mission"]))),)


def _answer(yes: str, yes_label: str, no: str, no_label: str, what: Act) -> Callable[[Facts], tuple[Button, ...]]:
    def buttons(facts: Facts) -> tuple[Button, ...]:
        accept = act(yes_label, ActButton(act=what, token=str(facts[yes])), Style.SUCCESS)
        return act(no_label, ActButton(act=what, token=str(facts[no]))), accept

    return buttons


_KINDS: Mapping[str, _Kind] = {
    "access_request": _Kind(None, _answer("grant", "Grant", "ignore", "Ignore", Act.GRANT)),
    "answer_lost": _Kind(),
    "asked": _Kind(_asked, _why),
    "auto_fired": _Kind(None, _trade),
    "awaited": _Kind(),
    "benched": _Kind(lambda facts: {"until": datetime.fromisoformat(str(facts["until"]))}),
    "bound": _Kind(),
    "breaker_closed": _Kind(lambda facts: {"kind": str(facts["kind"]).replace("_", " ")}),
    "change_told": _Kind(change_told_words, _undo),
    "chat_answered": _Kind(),
    "chat_question": _Kind(None, _answer("approve", "Approve", "leave", "Leave", Act.APPROVE_CHAT)),
    "checklist_done": _Kind(),
    "closed": _Kind(_closed, _trade),
    "closed_group": _Kind(lambda facts: {"by": _by(facts)}),
    "fill": _Kind(_fill, _trade),
    "goodbye": _Kind(),
    "granted": _Kind(_leased),
    "holdings": _Kind(_holdings),
    "interrupted": _Kind(),
    "lease_ended": _Kind(),
    "lease_ending": _Kind(lambda facts: {"until": datetime.fromisoformat(str(facts["until"]))}),
    "live": _Kind(),
    "mode_set": _Kind(),
    "not_sent": _Kind(_not_sent),
    "opened_group": _Kind(_opened),
    "people_changed": _Kind(_changed),
    "refused_group": _Kind(_refused),
    "reminder": _Kind(None, _mission),
    "rearm_off": _Kind(lambda facts: {"at": datetime.fromisoformat(str(facts["at"]))}),
    "resumed": _Kind(lambda facts: {"at": datetime.fromisoformat(str(facts["at"]))}),
    "revoked": _Kind(),
    "stranger": _Kind(),
    "streak": _Kind(),
    "trade_answered": _Kind(_trade_answered, _trade_or_mission),
    "unbound": _Kind(),
    "welcome": _Kind(),
    "writable_again": _Kind(),
}
NOTICES = frozenset({*_KINDS, DIGEST})
