"""The labels of both axes: values at the right of the plot, times under it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from services.charts.layout import BOTTOM, MARGIN, TICK_SIZE, TOP, WIDTH, Box, Text, Tone, apart
from services.charts.scales import ValueScale, value_ticks

VALUE_GAP = 64.0

ValueTick = tuple[float, str]


def labelled_ticks(scale: ValueScale, least: float, write: Callable[[float], str]) -> list[ValueTick]:
    """Return the round values of a scale with their words; ``least`` is the grid of the values."""
    return [(value, write(value)) for value in value_ticks(scale, least, VALUE_GAP)]


def value_texts(ticks: Sequence[ValueTick], scale: ValueScale, taken: Sequence[Box]) -> tuple[Text, ...]:
    """Place value labels at the right edge, without those that would leave the plot's height or meet a taken box."""
    texts = [
        Text(x=WIDTH - MARGIN - 10, y=scale.y(value), text=words, size=TICK_SIZE, anchor="end", tone=Tone.MUTED)
        for value, words in ticks
    ]
    return tuple(
        text
        for text in texts
        if text.box.top >= TOP and text.box.bottom <= BOTTOM and not any(text.box.meets(box) for box in taken)
    )


def time_texts(places: Iterable[tuple[float, str]]) -> tuple[Text, ...]:
    """Place time labels under the plot, by x, without those that would leave the picture or meet one another."""
    texts = [Text(x=x, y=BOTTOM + 26, text=words, size=TICK_SIZE, anchor="middle", tone=Tone.MUTED) for x, words in places]
    return apart(text for text in texts if text.box.left >= 4 and text.box.right <= WIDTH - 4)
