"""What the buttons carry: open buttons with typed fields, act buttons with a token alone."""

from __future__ import annotations

from enum import StrEnum

from aiogram.filters.callback_data import CallbackData

from services.domain.buttons import Act


class MissionVerb(StrEnum):
    """What an open button does with a mission."""

    FIRE = "fire"
    SIZE = "size"
    TERMINAL = "term"
    HOW = "how"
    CHECKS = "checks"
    BACK = "back"
    WHY = "why"
    CARD = "card"
    SKIP = "skip"
    SKIP_REASON = "skipr"
    REMIND = "remind"
    ASK = "ask"


class TradeVerb(StrEnum):
    """What an open button does with a trade."""

    CARD = "card"
    CLOSE = "close"
    HALF = "half"
    BREAK_EVEN = "be"
    STOP_MENU = "stop"
    STOP_R = "stopr"
    TRAIL = "trail"
    PROOF = "proof"
    AMEND_MENU = "amendm"
    AMEND = "amend"
    CANCEL = "cancel"
    REASON = "why"


class DeskVerb(StrEnum):
    """What an open button does with the desk."""

    HALT = "halt"
    HALT_REASON = "haltr"
    HALT_DETAILS = "haltd"
    RESUME = "resume"
    FLATTEN = "flatten"
    BREAKER = "brk"
    BREAKER_REASON = "brkr"
    MENU = "menu"


class ListName(StrEnum):
    """The lists that page and refresh in place."""

    MISSIONS = "missions"
    POSITIONS = "positions"
    ORDERS = "orders"
    HISTORY = "history"
    PEOPLE = "people"
    DESK = "desk"
    STATUS = "status"
    RISK = "risk"
    BALANCE = "balance"
    PNL = "pnl"
    STRATEGIES = "strategies"
    UNIVERSE = "universe"
    TERMINALS = "terminals"
    CHATS = "chats"
    NOTIFY = "notify"
    SETTINGS = "settings"
    DIGEST = "digest"
    HELP = "help"
    DOCTOR = "doctor"
    SLO = "slo"
    INCIDENTS = "incidents"
    BREAKERS = "breakers"
    COOLDOWN = "cooldown"
    LIMITS = "limits"
    SOURCES = "sources"
    NEWS = "news"


class MissionButton(CallbackData, prefix="m"):
    """An open button of a mission; ``arg`` is a size, a way to enter, the place of a terminal or the index of a reason."""

    verb: MissionVerb
    mission: str
    arg: str = ""


class TradeButton(CallbackData, prefix="t"):
    """An open button of a trade; ``arg`` is a distance in R, a price, what a stop follows, or the index of a reason."""

    verb: TradeVerb
    trade: str
    arg: str = ""


class DeskButton(CallbackData, prefix="d"):
    """An open button of the desk; ``arg`` is the index of a reason or the name of a menu."""

    verb: DeskVerb
    arg: str = ""


class ListButton(CallbackData, prefix="l"):
    """Shows a page of a list in place; ``arg`` narrows the list."""

    name: ListName
    page: int = 1
    arg: str = ""


class ChoiceButton(CallbackData, prefix="c"):
    """Sets a person's own choice: an event's loudness, quiet hours, a strategy's switch."""

    name: str
    key: str
    value: str = ""


class QuestionVerb(StrEnum):
    """What an open button does with an open question."""

    LIST = "list"
    SHOW = "show"
    ANSWER = "answer"
    REASON = "reason"


class QuestionButton(CallbackData, prefix="q"):
    """An open button of what is unknown or differs; ``arg`` is an answer or the index of a reason."""

    verb: QuestionVerb
    item: str
    arg: str = ""


class HandoverVerb(StrEnum):
    """What an open button does with trades that somebody left behind."""

    KEEP = "keep"
    TIGHTEN = "tight"
    CLOSE = "close"


class HandoverButton(CallbackData, prefix="h"):
    """An open button of passed-on trades: whose they were, and the number of one, 0 for all that wait for a word."""

    verb: HandoverVerb
    person: int
    trade: int = 0


class IncidentVerb(StrEnum):
    """What an open button does with something that is wrong."""

    TAKE = "take"
    RUNBOOK = "book"


class IncidentButton(CallbackData, prefix="i"):
    """An open button of an alert; ``item`` is an incident's id, or the code whose page is asked for."""

    verb: IncidentVerb
    item: str


class ApprovalVerb(StrEnum):
    """What an open button does with a question that waits, or with a change."""

    NO = "no"
    REASON = "why"
    BACK = "back"
    WITHDRAW = "off"
    UNDO = "undo"
    SET = "set"
    DO = "do"


class ApprovalButton(CallbackData, prefix="p"):
    """An open button of a question or a change.

    ``item`` is a question's id, the token of its No, a change's number, or a limit; ``arg`` a reason's index, or a value.
    """

    verb: ApprovalVerb
    item: str
    arg: str = ""


class ActButton(CallbackData, prefix="a"):
    """Carries a stored, single-use token and nothing else."""

    act: Act
    token: str


_KINDS: tuple[type[CallbackData], ...] = (
    MissionButton,
    TradeButton,
    DeskButton,
    ListButton,
    ChoiceButton,
    QuestionButton,
    IncidentButton,
    ApprovalButton,
    HandoverButton,
    ActButton,
)


def read_button(data: str) -> CallbackData:
    """Return what a button carries; raise ValueError for what none of ours could."""
    for kind in _KINDS:
        if data.startswith(f"{kind.__prefix__}{kind.__separator__}"):
            try:
                return kind.unpack(data)
            except TypeError as error:
                raise ValueError(f"not one of ours: {data!r}") from error
    raise ValueError(f"not one of ours: {data!r}")
