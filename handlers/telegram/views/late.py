"""Answers that the chat did not take in time, as facts of a stored event and as the message that comes of them later."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import structlog

from handlers.telegram.callbacks import read_button
from handlers.telegram.views.message import Button, Rendered, Style

log = structlog.get_logger()
NOT_KEPT = "The answer could not be shown in time, and it is not kept: ask again."
Facts = Mapping[str, object]


def late_facts(rendered: Rendered, *, at: datetime, tapped: int | None, reply_to: int | None) -> dict[str, object]:
    """Return an answer as facts; without its picture, which would be old, and without what must not be stored.

    ``tapped`` is the message that it was to change, ``reply_to`` the one that it answers.
    """
    kept = rendered if rendered.storable else Rendered(text=NOT_KEPT)
    rows = [[_button_facts(button) for button in row] for row in kept.rows]
    return {"text": kept.text, "rows": rows, "at": at.isoformat(), "tapped": tapped, "reply_to": reply_to}


def render_late(facts: Facts) -> Rendered:
    """Return the message, with the hour that it is from; one whose facts are odd says that it has to be asked for again."""
    try:
        at = datetime.fromisoformat(str(facts["at"])).astimezone(UTC)
        rows = tuple(tuple(_button(button) for button in _list(row)) for row in _list(facts["rows"]))
        return Rendered(text=f"{facts['text']}\n⏳ late: this is from {at:%H:%M:%S} UTC", rows=rows)
    except (LookupError, ValueError, TypeError) as error:
        log.warning("notice.odd_facts", template="answer", error=str(error))
        return Rendered(text=NOT_KEPT)


def late_reply_to(facts: Facts) -> int | None:
    """Return the id of the message that a late answer belongs to."""
    found = facts.get("reply_to")
    return found if isinstance(found, int) else None


def _button_facts(button: Button) -> dict[str, str]:
    data = button.data.pack() if button.data is not None else ""
    return {"text": button.text, "data": data, "url": button.url or "", "copy": button.copy or "", "style": button.style.value}


def _button(facts: object) -> Button:
    if not isinstance(facts, Mapping):
        raise TypeError(f"not a button: {facts!r}")
    return Button(
        text=str(facts["text"]),
        data=read_button(facts["data"]) if facts["data"] else None,
        url=facts["url"] or None,
        copy=facts["copy"] or None,
        style=Style(facts["style"]),
    )


def _list(found: object) -> Sequence[object]:
    if not isinstance(found, list):
        raise TypeError(f"not a list: {found!r}")
    return found
