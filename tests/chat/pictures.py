"""Pictures for conversations: each is laid out in full, and an empty one is sent."""

from __future__ import annotations

from functools import cache
from xml.etree import ElementTree

from services.charts.spec import PictureSpec
from services.charts.svg import render_svg
from services.charts.worker import draw, font_files


class LaidOut:
    """Lays pictures out and answers with an empty one: drawing takes ten times as long, and other tests look at it."""

    async def png(self, spec: PictureSpec) -> bytes:
        svg = render_svg(spec)
        ElementTree.fromstring(svg)
        # Bytes behind a picture's end belong to nobody; with them each picture is another file, as drawn ones are.
        return empty() + hash(spec).to_bytes(8, "big", signed=True)

    async def close(self) -> None:
        return


@cache
def empty() -> bytes:
    """Return a picture of the right size with nothing on it."""
    return draw('<svg xmlns="http://www.w3.org/2000/svg" width="900" height="600"/>', font_files())
