"""The port to pages of others: what is asked for, and what comes back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A page as it came, with the marks by which it can be asked for again only when it changed."""

    body: bytes
    etag: str = ""
    modified: str = ""


class Fetch(Protocol):
    """Gets a page of others, within bounds of time and size."""

    async def __call__(self, url: str, *, etag: str = "", modified: str = "") -> Page | None:
        """Return the page, or None when it is as these marks say; raise SourceTrouble when there is none to be had."""
        ...
