"""Questions that wait for a second person, and changes, as cards: what differs, who asks, who may answer, until when."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

from handlers.telegram.callbacks import ActButton, ApprovalButton, ApprovalVerb
from handlers.telegram.views.checks import decimal_of
from handlers.telegram.views.format import bps, clip, fixed, percent, quantity, r_units
from handlers.telegram.views.going_live import real_lines
from handlers.telegram.views.message import Button, Rendered, Style, act
from handlers.telegram.views.templating import render
from handlers.telegram.views.words import standing_words
from services.domain.approvals import Answer, Approval, ApprovalState, ApprovalSubject
from services.domain.buttons import Act
from services.domain.changes import Change, ChangeKind, ChangeState
from services.domain.limits import RULES, Limit
from services.domain.standing import Standing
from services.domain.verdicts import Unit
from services.reporting.approval_view import ChangeQuestionView

REJECT_REASONS: Mapping[ApprovalSubject, tuple[str, ...]] = {
    ApprovalSubject.TRADE: ("too large", "bad moment", "news", "not the plan", "other"),
    ApprovalSubject.CHANGE: ("too much", "not now", "explain it first", "other"),
}
OFF = "off"
KINDS: Mapping[ChangeKind, str] = {
    ChangeKind.LIMIT: "limit",
    ChangeKind.GRANT: "role",
    ChangeKind.PERSON_MODE: "mode of a person",
    ChangeKind.STRATEGY_MODE: "mode of a strategy",
    ChangeKind.TERMINAL_MODE: "mode of a terminal",
}
_MARKS: Mapping[ApprovalState, str] = {
    ApprovalState.WAITING: "⏳",
    ApprovalState.APPROVED: "✅",
    ApprovalState.REJECTED: "⛔",
    ApprovalState.EXPIRED: "⌛",
    ApprovalState.WITHDRAWN: "↩️",
}


def render_change_question(view: ChangeQuestionView) -> Rendered:
    """Return the card of a change's question, with the buttons that its reader has."""
    approval, change = view.approval, view.change
    waiting = approval.state is ApprovalState.WAITING
    text = render(
        "change_question",
        mark=_MARKS[approval.state],
        **_what(change.kind, change.subject, change.before, change.after, view.named),
        change=change,
        approval=approval,
        asker=view.asker,
        waiting=waiting,
        others=", ".join(view.others),
        counted=f"{sum(given.yes for _, given in view.answers)} of {approval.needed}",
        evidence=evidence_words(change),
        real=real_lines(view.real) if view.real is not None else [],
        ends=_ends(view),
        undo=change.state is ChangeState.IN_FORCE,
    )
    return Rendered(text=text, rows=_buttons(view))


def _ends(view: ChangeQuestionView) -> list[str]:
    """Say what became of the question and of its change."""
    approval, change = view.approval, view.change
    if approval.state is ApprovalState.WAITING:
        return []
    said = [_answer_words(name, given) for name, given in view.answers]
    if approval.state is ApprovalState.APPROVED and approval.solo:
        said = ["confirmed alone by its phrase"]
    if approval.state is ApprovalState.EXPIRED:
        said = [*said, "nobody answered in time"]
    return [*said, state_words(change)]


def _answer_words(name: str, given: Answer) -> str:
    return f"{'yes' if given.yes else 'no'} by {clip(name, 20)}{f': {clip(given.reason, 24)}' if given.reason else ''}"


def state_words(change: Change) -> str:
    """Say how a change stands."""
    words: Mapping[ChangeState, str] = {
        ChangeState.WAITING: "waits for a second person",
        ChangeState.SCHEDULED: "let through, not in force yet",
        ChangeState.IN_FORCE: "in force",
        ChangeState.ROLLED_BACK: "rolled back",
        ChangeState.SUPERSEDED: "replaced by a newer one",
        ChangeState.REJECTED: "nothing was changed",
        ChangeState.EXPIRED: "nothing was changed",
        ChangeState.CANCELED: f"not in force: {clip(change.reason or 'taken back', 32)}",
    }
    return words[change.state]


def _buttons(view: ChangeQuestionView) -> Sequence[Sequence[Button]]:
    yes, no = view.buttons.get(Act.APPROVE), view.buttons.get(Act.REJECT)
    if yes is not None and no is not None:
        return (answer_buttons(yes, no),)
    if view.mine:
        return ((act("Take back", ApprovalButton(verb=ApprovalVerb.WITHDRAW, item=view.approval.id)),),)
    return ((undo_button(view.change),),) if view.may_undo else ()


def answer_buttons(yes: str, no: str) -> tuple[Button, ...]:
    """Return the two buttons of whoever is asked; No asks for its reason."""
    reject = act("Reject", ApprovalButton(verb=ApprovalVerb.NO, item=no))
    return (reject, act("Approve", ActButton(act=Act.APPROVE, token=yes), Style.PRIMARY))


def undo_button(change: Change) -> Button:
    """Return the button that leads back from a change."""
    return act("Roll back", ApprovalButton(verb=ApprovalVerb.UNDO, item=str(change.number)))


def reject_reasons(approval: Approval, token: str) -> Rendered:
    """Ask why; the reason goes to whoever asked."""
    buttons = [
        act(reason.capitalize(), ApprovalButton(verb=ApprovalVerb.REASON, item=token, arg=str(index)))
        for index, reason in enumerate(REJECT_REASONS[approval.subject])
    ]
    back = act("Back", ApprovalButton(verb=ApprovalVerb.BACK, item=approval.id))
    text = f"Why not? Question #{approval.number}\nIt goes to whoever asked, and is journalled."
    return Rendered(text=text, rows=(buttons[:2], buttons[2:], (back,)))


def answered_words(approval: Approval, denied: str | None = None) -> str:
    """Say in a toast what an answer came to; ``denied`` is the code of what stood in the way of a yes."""
    if denied is not None:
        return f"Question #{approval.number}: approved, then denied: {denied}. Nothing was sent."
    words: Mapping[ApprovalState, str] = {
        ApprovalState.WAITING: "it waits for another person",
        ApprovalState.APPROVED: "approved",
        ApprovalState.REJECTED: "rejected",
        ApprovalState.EXPIRED: "too late",
        ApprovalState.WITHDRAWN: "taken back",
    }
    return f"Question #{approval.number}: {words[approval.state]}."


def subject_words(kind: ChangeKind, subject: str, named: str | None = None) -> str:
    """Name what is changed: a limit with its scope, a person by ``named``, else the subject as its kind writes it."""
    if kind is not ChangeKind.LIMIT:
        return clip(subject if named is None else f"{clip(named, 24)} ({subject})", 44)
    name, _, where = subject.partition(" ")
    return f"{limit_name(name)} · {where.replace(':', ' ') or 'desk'}"


def limit_name(key: str) -> str:
    """Write a limit's key as words."""
    return key.removesuffix("_s").removesuffix("_bps").replace("_", " ")


def value_words(kind: ChangeKind, subject: str, value: str) -> str:
    """Write one of a change's two values with its unit."""
    if kind is ChangeKind.GRANT:
        return standing_words(Standing.read(value))
    if kind is ChangeKind.TERMINAL_MODE:
        return clip(value.partition(",")[0], 40)
    key = subject.partition(" ")[0]
    if kind is not ChangeKind.LIMIT or key not in set(Limit):
        return clip(value, 40)
    return limit_words(Limit(key), decimal_of(value) if value != OFF else None)


def limit_words(limit: Limit, value: Decimal | None) -> str:
    """Write a limit's value with its unit; one that is off says so."""
    if value is None:
        return OFF
    unit = RULES[limit].unit
    if unit is Unit.FRACTION:
        return percent(value * 100, 2 if abs(value) < Decimal("0.1") else 0)
    if unit is Unit.BPS:
        return bps(value, sign=False)
    return f"{fixed(value, 0)} s" if unit is Unit.SECONDS else quantity(value)


def evidence_words(change: Change) -> list[str]:
    """Say what stored verdicts say of a change; too few of them say nothing."""
    found = change.evidence
    if found is None:
        return []
    if not found.enough:
        return [f"evidence: too few fires ({found.fires})"]
    did = "denied" if change.tightens else "let through"
    said = [f"would have {did} {found.turned} of {found.fires} ({found.days} days)"]
    if found.avoided is not None and found.forgone is not None:
        said.append(f"avoids {r_units(-found.avoided)}, forgoes {r_units(found.forgone)} of {found.with_result}")
    return said + ([f"{found.unread} could not be asked about"] if found.unread else [])


def proposed_words(change: Change) -> Rendered:
    """Answer who proposed a change: in force, scheduled, or waiting for somebody."""
    text = render(
        "change_done",
        change=change,
        **_what(change.kind, change.subject, change.before, change.after),
        state=state_words(change),
        evidence=evidence_words(change),
    )
    return Rendered(text=text, rows=((undo_button(change),),) if change.state is ChangeState.IN_FORCE else ())


def change_told_words(facts: Mapping[str, object]) -> Mapping[str, object]:
    """Return the words of the event that tells of a change: what differs, and what became of it."""
    said = {
        "solo": "asked without a second person",
        "scheduled": "let through, not in force yet",
        "in_force": "in force",
        "canceled": "not in force",
        "rejected": "rejected",
        "expired": "nobody answered in time",
    }
    kind, what, reason = ChangeKind(str(facts["kind"])), str(facts["what"]), facts["reason"]
    return {
        **_what(kind, str(facts["subject"]), str(facts["before"]), str(facts["after"]), _text(facts.get("named"))),
        "mark": "✅" if what == "in_force" else "⏳" if what in ("solo", "scheduled") else "⛔",
        "said": f"{said[what]}: {clip(reason, 32)}" if reason and what == "canceled" else said[what],
    }


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _what(kind: ChangeKind, subject: str, before: str, after: str, named: str | None = None) -> Mapping[str, object]:
    return {
        "kind": KINDS[kind],
        "what": subject_words(kind, subject, named),
        "before": value_words(kind, subject, before),
        "after": value_words(kind, subject, after),
    }
