"""Boxes and texts of a picture: how wide a text is, and how rows make room for each other. All lengths are pixels."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from services.domain.trades import TerminalMode

WIDTH, HEIGHT = 900, 600
MARGIN = 22
TOP, BOTTOM = 104.0, HEIGHT - 50.0
LEVEL_SIZE, TICK_SIZE = 25, 21

Anchor = Literal["start", "middle", "end"]


class Tone(StrEnum):
    """What a mark means; the template knows the colours."""

    INK = "ink"
    MUTED = "muted"
    GOOD = "good"
    BAD = "bad"
    ENTRY = "entry"
    NOW = "now"
    CAUTION = "caution"


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """A rectangle; y grows downwards."""

    left: float
    top: float
    width: float
    height: float

    @property
    def right(self) -> float:
        """Return the right edge."""
        return self.left + self.width

    @property
    def bottom(self) -> float:
        """Return the lower edge."""
        return self.top + self.height

    def meets(self, other: Box) -> bool:
        """Tell whether the two share any area."""
        across = self.left < other.right and other.left < self.right
        return across and self.top < other.bottom and other.top < self.bottom


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """A line of text; ``y`` is its middle."""

    x: float
    y: float
    text: str
    size: int
    anchor: Anchor = "start"
    tone: Tone = Tone.INK
    bold: bool = False

    @property
    def baseline(self) -> float:
        """Return the y on which the letters stand."""
        return self.y + 0.355 * self.size

    @property
    def box(self) -> Box:
        """Return the area that the text may take."""
        width = text_width(self.text, self.size, bold=self.bold)
        left = self.x - {"start": 0.0, "middle": width / 2, "end": width}[self.anchor]
        return Box(left=left, top=self.y - self.size / 2, width=width, height=self.size)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pill:
    """A text on a filled box."""

    box: Box
    label: Text
    tone: Tone


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """The two lines and the badge above a plot."""

    title: Text
    subtitle: Text
    badge: Pill


# Widths in hundredths of the letter size; letters that stand in no row count as the widest of their kind.
_WIDTHS = {
    " ": 26,
    ".,:;|'!il": 29,
    "·/-()fjrtI[]": 41,
    "0123456789−+ £$€": 58,
    "%": 76,
    "mMwW@": 92,
}
_BY_LETTER = {letter: width for letters, width in _WIDTHS.items() for letter in letters}


def text_width(text: str, size: float, *, bold: bool = False) -> float:
    """Return a width that the text in Roboto does not exceed."""
    hundredths = sum(_BY_LETTER.get(letter, 60 if letter.islower() else 72) for letter in text)
    return hundredths * size / 100 * (1.03 if bold else 1.0)


def shortened(text: str, size: float, room: float, *, bold: bool = False) -> str:
    """Return the text, cut and ended with an ellipsis when it is wider than ``room``."""
    if text_width(text, size, bold=bold) <= room:
        return text
    kept = len(text)
    while kept and text_width(text[:kept] + "…", size, bold=bold) > room:
        kept -= 1
    return text[:kept].rstrip() + "…"


def apart(texts: Iterable[Text]) -> tuple[Text, ...]:
    """Return the texts of a line, from left to right, without those that come too near to the one before."""
    kept: list[Text] = []
    for text in texts:
        if not kept or text.box.left >= kept[-1].box.right + 8:
            kept.append(text)
    return tuple(kept)


def header(title: str, subtitle: str, mode: TerminalMode, tone: Tone) -> Header:
    """Lay out title, subtitle and the badge that says whose money it is."""
    tones = {TerminalMode.PAPER: Tone.MUTED, TerminalMode.TESTNET: Tone.CAUTION, TerminalMode.LIVE: Tone.BAD}
    return headed(title, subtitle, mode.value.upper(), tones[mode], tone)


def headed(title: str, subtitle: str, word: str, badge: Tone, tone: Tone) -> Header:
    """Lay out title, subtitle and a badge with a word."""
    width = text_width(word, 26, bold=True) + 32
    box = Box(left=WIDTH - MARGIN - width, top=20, width=width, height=44)
    middle = box.left + width / 2
    room = box.left - MARGIN - 24
    return Header(
        title=Text(x=MARGIN, y=38, text=shortened(title, 36, room, bold=True), size=36, tone=tone, bold=True),
        subtitle=Text(x=MARGIN, y=76, text=shortened(subtitle, 22, WIDTH - 2 * MARGIN), size=22, tone=Tone.MUTED),
        badge=Pill(
            box=box,
            label=Text(x=middle, y=42, text=word, size=26, anchor="middle", bold=True),
            tone=badge,
        ),
    )


def spread_rows(wanted: Sequence[float], height: float, top: float, bottom: float) -> list[float]:
    """Return middles for rows of ``height`` as near to the wanted ones as they can be without overlap, in their order.

    ``wanted`` ascends. Rows that would overlap form a block around the mean of what they want; all blocks stay between
    ``top`` and ``bottom``. Rows that do not fit at all shrink their distance.
    """
    height = min(height, (bottom - top) / max(1, len(wanted)))
    blocks: list[tuple[float, int]] = []
    for middle in wanted:
        blocks.append(_kept_inside(middle, 1, height, top, bottom))
        while len(blocks) > 1 and _touch(blocks[-2], blocks[-1], height):
            (last, many), (before, few) = blocks.pop(), blocks.pop()
            mean = (last * many + before * few) / (many + few)
            blocks.append(_kept_inside(mean, many + few, height, top, bottom))
    return [middle + (index - (count - 1) / 2) * height for middle, count in blocks for index in range(count)]


def _kept_inside(middle: float, count: int, height: float, top: float, bottom: float) -> tuple[float, int]:
    half = count * height / 2
    return min(max(middle, top + half), bottom - half), count


def _touch(above: tuple[float, int], below: tuple[float, int], height: float) -> bool:
    return below[0] - above[0] < (above[1] + below[1]) * height / 2 - 1e-9
