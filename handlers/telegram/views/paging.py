"""Pages of a list, and the buttons that turn and refresh them in place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from handlers.telegram.callbacks import ListButton, ListName
from handlers.telegram.views.message import Button, Rows, act

T = TypeVar("T")
A_ROW = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut(Generic[T]):
    """The rows of one page, and where it lies."""

    rows: Sequence[T]
    page: int
    pages: int


def cut(rows: Sequence[T], page: int, size: int) -> Cut[T]:
    """Return the page nearest to the one asked for."""
    pages = max(1, -(-len(rows) // size))
    page = min(max(1, page), pages)
    return Cut(rows=rows[(page - 1) * size : page * size], page=page, pages=pages)


def turning(name: ListName, part: Cut[T], arg: str = "") -> tuple[Button, ...]:
    """Return the last row of a list's keyboard: back, refresh, on."""
    back = act("◀", ListButton(name=name, page=part.page - 1, arg=arg)) if part.page > 1 else None
    on = act("▶", ListButton(name=name, page=part.page + 1, arg=arg)) if part.page < part.pages else None
    refresh = act("Refresh", ListButton(name=name, page=part.page, arg=arg))
    return tuple(button for button in (back, refresh, on) if button is not None)


def in_rows(buttons: Sequence[Button], last: Sequence[Button]) -> Rows:
    """Set buttons three to a row, with a row of their own for the last ones."""
    return (*(tuple(buttons[at : at + A_ROW]) for at in range(0, len(buttons), A_ROW)), tuple(last))
