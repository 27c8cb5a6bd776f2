"""A backtest's picture as geometry: the account over time, and under it how far it stood below its highest."""

from __future__ import annotations

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
    headed,
    text_width,
)
from services.charts.scales import ValueScale, decimals_format, time_ticks, value_scale
from services.charts.spec import CurveSpec

SPLIT, APART = 400.0, 26.0
SAMPLES = 240
Line = tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CurveModel:
    """Everything that the template draws, in pixels; ``start`` is the height of the capital, ``zero`` that of no fall."""

    description: str
    header: Header
    plot: Box
    lines_end: float
    grid: tuple[float, ...]
    ticks: tuple[Text, ...]
    times: tuple[Text, ...]
    line: Line
    falls: Line
    start: float
    zero: float
    tone: Tone
    last: Pill
    note: None = None


def curve_model(spec: CurveSpec) -> CurveModel:
    """Lay out a backtest's picture of 900 by 600 pixels."""
    values = [point.value for point in spec.points]
    deepest = min(point.fall for point in spec.points)
    upper = value_scale([*values, spec.capital], TOP, SPLIT)
    lower = ValueScale(low=min(1.1 * deepest, -0.01) * 100, high=0.0, top=SPLIT + APART, bottom=BOTTOM)
    write = decimals_format(0 if max(map(abs, values)) >= 1_000 else 2)
    money = labelled_ticks(upper, 0.01, write)
    shares = labelled_ticks(lower, 1.0, decimals_format(0, "%"))
    last = write(values[-1])
    width = max(
        text_width(last, LEVEL_SIZE, bold=True) + 20, *(text_width(text, TICK_SIZE) + 10 for _, text in [*money, *shares])
    )
    plot = Box(left=MARGIN, top=TOP, width=WIDTH - 2 * MARGIN - 12 - width, height=BOTTOM - TOP)
    tone = Tone.GOOD if values[-1] >= spec.capital else Tone.BAD
    pill = _last(last, upper.y(values[-1]), plot, width, tone)
    x = _places(spec, plot)
    return CurveModel(
        description=f"{spec.title}: from {write(spec.capital)} to {last}, deepest fall {abs(deepest):.1%}.",
        header=headed(spec.title, spec.subtitle, "BACKTEST", Tone.MUTED, Tone.INK),
        plot=plot,
        lines_end=plot.right,
        grid=(*(upper.y(value) for value, _ in money), *(lower.y(value) for value, _ in shares)),
        ticks=(*value_texts(money, upper, [pill.box]), *value_texts(shares, lower, [pill.box])),
        times=_times(spec, plot),
        line=tuple((at, upper.y(value)) for at, value in zip(x, values, strict=True)),
        falls=tuple((at, lower.y(point.fall * 100)) for at, point in zip(x, spec.points, strict=True)),
        start=upper.y(spec.capital),
        zero=lower.y(0.0),
        tone=tone,
        last=pill,
    )


def _span(spec: CurveSpec) -> tuple[datetime, timedelta]:
    begin = spec.points[0].time
    return begin, max(spec.points[-1].time - begin, timedelta(seconds=1))


def _places(spec: CurveSpec, plot: Box) -> list[float]:
    begin, length = _span(spec)
    return [plot.left + (point.time - begin) / length * plot.width for point in spec.points]


def _last(text: str, y: float, plot: Box, width: float, tone: Tone) -> Pill:
    middle = min(max(y, TOP + 17), SPLIT - 17)
    box = Box(left=plot.right + 12, top=middle - 17, width=width, height=34)
    label = Text(x=box.right - 10, y=middle, text=text, size=LEVEL_SIZE, anchor="end", bold=True)
    return Pill(box=box, label=label, tone=tone)


def _times(spec: CurveSpec, plot: Box) -> tuple[Text, ...]:
    begin, length = _span(spec)
    samples = [begin + length * index / SAMPLES for index in range(SAMPLES + 1)]
    ticks = time_ticks(
        samples,
        ZoneInfo(spec.zone),
        pixels=plot.width / SAMPLES,
        gap=text_width("00 Mon 0000", TICK_SIZE) + 20,
        slack=length / SAMPLES,
    )
    return time_texts((plot.left + tick.index / SAMPLES * plot.width, tick.label) for tick in ticks)
