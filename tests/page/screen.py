"""Where things are on the screen, and what a bot puts there."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable

from playwright.sync_api import Locator, Page

OpenPage = Callable[..., Page]


def pane(page: Page, slot: str = "left") -> Locator:
    return page.locator(f".pane[data-slot={slot}]")


def switch_to(side: Locator, name: str) -> None:
    side.locator(".switcher").click()
    side.get_by_role("menuitemradio").filter(has_text=name).click()


def bubble(side: Locator, text: str) -> Locator:
    return side.locator(".row", has_text=text)


def button(text: str, data: str, **more: str) -> dict[str, str]:
    return {"text": text, "callback_data": data, **more}


def png(width: int, height: int) -> bytes:
    """Draw a picture of one colour."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    rows = b"".join(b"\0" + b"\x20\x80\x60" * width for _ in range(height))
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
