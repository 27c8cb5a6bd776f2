"""A digest's picture as geometry: the equity curve as steps, with a mark for each closed trade."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from services.charts.axes import labelled_ticks, time_texts, value_texts
from services.charts.layout import (
    BOTTOM,
    LEVEL_SIZE,
    MARGIN,
    TICK_SIZE,
    TOP,
    WIDTH,
    Box,
    Header,
    Pill,
    Text,
    Tone,
    header,
    text_width,
)
from services.charts.scales import ValueScale, clock_words, decimals_format, time_ticks, value_scale
from services.charts.spec import EquityPoint, EquitySpec

SAMPLES = 240


@dataclass(frozen=True, slots=True, kw_only=True)
class TradeMark:
    """A closed trade on the curve."""

    x: float
    y: float
    tone: Tone


@dataclass(frozen=True, slots=True, kw_only=True)
class EquityModel:
    """Everything that the template draws, in pixels; ``line`` is empty when there is nothing to show but ``note``."""

    description: str
    header: Header
    plot: Box
    lines_end: float
    grid: tuple[float, ...]
    ticks: tuple[Text, ...]
    times: tuple[Text, ...]
    line: tuple[tuple[float, float], ...]
    start: float | None
    tone: Tone
    marks: tuple[TradeMark, ...]
    last: Pill | None
    note: Text | None


def equity_model(spec: EquitySpec) -> EquityModel:
    """Lay out a digest's picture of 900 by 600 pixels; without a closed trade it says so instead of drawing a curve."""
    trades = sum(point.result is not None for point in spec.points)
    words = f"{trades} trade{'' if trades == 1 else 's'}"
    head = header(
        f"{spec.title} · {words}" if trades else spec.title,
        f"as of {clock_words(spec.as_of, ZoneInfo(spec.zone))}",
        spec.mode,
        Tone.INK,
    )
    if not trades:
        return _empty(spec, head)
    values = [float(point.value) for point in spec.points]
    scale = value_scale(values, TOP, BOTTOM)
    write = decimals_format(spec.decimals, spec.unit)
    ticks = labelled_ticks(scale, 10.0**-spec.decimals, write)
    last = write(values[-1])
    widths = [text_width(last, LEVEL_SIZE, bold=True) + 20, *(text_width(text, TICK_SIZE) + 10 for _, text in ticks)]
    width = max(widths)
    plot = Box(left=MARGIN, top=TOP, width=WIDTH - 2 * MARGIN - 12 - width, height=BOTTOM - TOP)
    tone = Tone.GOOD if values[-1] >= values[0] else Tone.BAD
    pill = _last(last, scale.y(values[-1]), plot, width, tone)
    clock = _Clock(spec.points, plot)
    return EquityModel(
        description=f"{spec.title}: {words}, from {write(values[0])} to {last}.",
        header=head,
        plot=plot,
        lines_end=plot.right,
        grid=tuple(scale.y(value) for value, _ in ticks),
        ticks=value_texts(ticks, scale, [pill.box]),
        times=_time_texts(clock, spec),
        line=_steps(spec.points, clock, scale, plot),
        start=scale.y(values[0]),
        tone=tone,
        marks=tuple(
            TradeMark(
                x=clock.x(point.time),
                y=scale.y(float(point.value)),
                tone=Tone.MUTED if point.result == 0 else Tone.GOOD if point.result > 0 else Tone.BAD,
            )
            for point in spec.points
            if point.result is not None
        ),
        last=pill,
        note=None,
    )


def _empty(spec: EquitySpec, head: Header) -> EquityModel:
    plot = Box(left=MARGIN, top=TOP, width=WIDTH - 2 * MARGIN, height=BOTTOM - TOP)
    middle = Text(x=WIDTH / 2, y=(TOP + BOTTOM) / 2, text="no trades yet", size=34, anchor="middle", tone=Tone.MUTED)
    return EquityModel(
        description=f"{spec.title}: no trades yet.",
        header=head,
        plot=plot,
        lines_end=plot.right,
        grid=(),
        ticks=(),
        times=(),
        line=(),
        start=None,
        tone=Tone.MUTED,
        marks=(),
        last=None,
        note=middle,
    )


class _Clock:
    """A straight scale from an instant to x, a little away from the plot's edges."""

    def __init__(self, points: Sequence[EquityPoint], plot: Box) -> None:
        self.begin, self.end = points[0].time, max(points[-1].time, points[0].time + timedelta(seconds=1))
        self.left, self.right = plot.left + 10, plot.right - 10

    def x(self, instant: datetime) -> float:
        """Return the x of an instant."""
        return self.left + (instant - self.begin) / (self.end - self.begin) * (self.right - self.left)

    def samples(self) -> list[datetime]:
        """Return evenly spaced instants from begin to end."""
        return [self.begin + (self.end - self.begin) * index / SAMPLES for index in range(SAMPLES + 1)]


def _steps(points: Sequence[EquityPoint], clock: _Clock, scale: ValueScale, plot: Box) -> tuple[tuple[float, float], ...]:
    """Return the curve's corners: a value holds until the next point."""
    corners = [(clock.x(points[0].time), scale.y(float(points[0].value)))]
    for point in points[1:]:
        x, y = clock.x(point.time), scale.y(float(point.value))
        corners += [(x, corners[-1][1]), (x, y)]
    return (*corners, (plot.right, corners[-1][1]))


def _last(text: str, y: float, plot: Box, width: float, tone: Tone) -> Pill:
    middle = min(max(y, plot.top + 17), plot.bottom - 17)
    box = Box(left=plot.right + 12, top=middle - 17, width=width, height=34)
    label = Text(x=box.right - 10, y=middle, text=text, size=LEVEL_SIZE, anchor="end", bold=True)
    return Pill(box=box, label=label, tone=tone)


def _time_texts(clock: _Clock, spec: EquitySpec) -> tuple[Text, ...]:
    samples = clock.samples()
    ticks = time_ticks(
        samples,
        ZoneInfo(spec.zone),
        pixels=(clock.right - clock.left) / SAMPLES,
        gap=text_width("00 Mon", TICK_SIZE) + 20,
        slack=(clock.end - clock.begin) / SAMPLES,
    )
    return time_texts((clock.x(samples[tick.index]), tick.label) for tick in ticks)
