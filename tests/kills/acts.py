"""What people do under load: commands with the words that answer them, and the buttons they press."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

from bot.demo.sandbox_client import Button, ChatMessage

REFUSED = "⛔"
INTERRUPTED = "interrupted by a restart"
STOP_SHARE, TARGET_SHARE = Decimal("0.006"), Decimal("0.012")
LOOKED_AT = 14

# How likely a button is pressed that a person sees; what is not here (the commanders' Flatten all, say) nobody presses.
BUTTONS: Mapping[str, float] = {
    "Confirm": 12,
    "Fire": 1.5,
    "Close half": 4,
    "Close": 1.2,
    "Half": 0.6,
    "Stop→BE": 0.6,
    "Stop": 0.5,
    "−0.5 R": 1.5,
    "BE": 0.5,
    "+0.5 R": 0.5,
    "Trail 1R": 0.4,
    "Cancel": 1,
    "Resume": 3,
    "Back": 0.3,
}
READS: Mapping[str, str] = {
    "/positions": "Positions",
    "/orders": "Orders at the venue",
    "/risk": "Risk",
    "/pnl": "Results",
    "/balance": "Accounts",
    "/status": "waiting:",
}


class Answer(StrEnum):
    """How a person learned what became of an act."""

    WORDS = "words"
    TOAST = "toast"
    INTERRUPTED = "interrupted"
    CARD = "card"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """Something to write, and how its answer is known again; ``overtaken`` knows a card that shows a later act instead."""

    text: str
    answers: Callable[[str], bool]
    overtaken: Callable[[str], bool] = lambda text: False


@dataclass(frozen=True, slots=True, kw_only=True)
class Press:
    """A button of a message to press."""

    message: ChatMessage
    button: Button


@dataclass(slots=True, kw_only=True)
class Act:
    """One act of a person and what came of it; ``at`` is monotonic."""

    person: str
    what: str
    at: float
    answer: Answer = Answer.NONE
    waited_s: float = 0.0
    seen: list[str] = field(default_factory=list)


def read(name: str) -> Command:
    """Return a command that only asks."""
    title = READS[name]
    return Command(text=name, answers=lambda text: title in text or text.startswith(REFUSED))


def call(symbol: str, price: Decimal, chance: random.Random) -> Command:
    """Return a call of one's own, whose preview opens by itself."""
    side = chance.choice(("long", "long", "short"))
    away = price * STOP_SHARE * (1 if side == "long" else -1)
    target = price * TARGET_SHARE * (1 if side == "long" else -1)
    text = f"/call {symbol} {side} sl {price - away:.6g} tp {price + target:.6g}"
    return Command(text=text, answers=lambda said: said.startswith(REFUSED) or "good until" in said or f"{symbol}" in said)


def halt(word: str, reason: str) -> Command:
    """Return a command that stops entries; one that stands already says so.

    The desk has one card for its halt: where somebody stops more, or lifts it, before it is shown, it names that person.
    """
    words = (reason, "already", "Your entries are stopped")
    return Command(
        text=f"/{word} {reason}",
        answers=lambda text: any(each in text for each in words),
        overtaken=lambda text: "resumed by" in text or (word == "reduce" and "HALTED by" in text),
    )


def resume(typed: str = "") -> Command:
    """Return the question how a halt is lifted, or with the typed word its answer."""
    words = ("active", "RESUME", "REDUCING by", "lifted", "can lift", "armed", "re-arm", REFUSED)
    return Command(text=f"/resume {typed}".strip(), answers=lambda text: any(word in text for word in words))


def presses(messages: Sequence[ChatMessage]) -> list[tuple[Press, float]]:
    """Return what could be pressed in the newest messages of the bot, each with its weight."""
    found = []
    for message in messages[-LOOKED_AT:]:
        for button in message.buttons:
            weight = _weight(button.text)
            if button.data and weight:
                found.append((Press(message=message, button=button), weight))
    return found


def _weight(label: str) -> float:
    exact = BUTTONS.get(label)
    if exact is not None:
        return exact
    return BUTTONS["Confirm"] if label.startswith("Confirm") else 0.0
