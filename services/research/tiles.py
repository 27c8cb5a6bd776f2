"""A backtest's figures as they are written out, for a page, a shell and a chat."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from services.research.figures import Drawdown, Stat, written_day
from services.research.report import Report

DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """A figure as it is shown; ``tone`` is good, bad or nothing."""

    name: str
    value: str
    note: str = ""
    tone: str = ""


def tiles_of(report: Report) -> Iterator[Tile]:
    """Yield the figures, the most telling first."""
    figures = report.figures
    yield Tile(
        name="Result",
        value=money(figures.pnl),
        note=f"{signed(figures.returned * 100, 1)} % of {figures.first_equity:,.0f}",
        tone=tone_of(figures.pnl),
    )
    yield _stat("Expectancy", figures.expectancy_r, "{:+.2f} R", toned=True)
    yield _stat("Win rate", figures.win_rate, "{:.1%}")
    yield Tile(name="Trades", value=f"{figures.trades:,}", note=f"{figures.won:,} won, {figures.lost:,} lost")
    yield Tile(name="Deepest fall", value=f"{figures.drawdown.depth:.1%}", note=_fall(figures.drawdown))
    yield Tile(name="Longest below a peak", value=f"{figures.drawdown.longest_ms / DAY_MS:,.0f} days")
    yield _stat("Profit factor", figures.profit_factor, "{:.2f}")
    yield _stat("Sharpe", figures.sharpe, "{:.2f}", of="days")
    yield _stat("Sortino", figures.sortino, "{:.2f}", of="days")
    yield _stat("Calmar", figures.calmar, "{:.2f}", of="days")
    yield Tile(name="Exposure", value=f"{figures.exposure:.1%}", note="of candles with a position")
    paid = money(-figures.fees)
    yield Tile(name="Fees", value=paid, note=f"funding {money(-figures.funding)}" if figures.funding else "")


def money(value: float) -> str:
    """Write an amount with its sign."""
    return signed(value, 0 if abs(value) >= 10_000 else 2)


def signed(value: float, decimals: int) -> str:
    """Write a number with its sign, a real minus."""
    return f"{value:+,.{decimals}f}".replace("-", "−")


def stat_text(stat: Stat, form: str, of: str = "trades") -> tuple[str, str]:
    """Return a figure and what stands under it: its interval and sample, or that the sample is too small."""
    if not stat.enough:
        return "too few", f"{stat.n:,} of {stat.least} {of}"
    if stat.value is None:
        return "none", f"nothing to divide by, {stat.n:,} {of}"
    bounds = "" if stat.low is None or stat.high is None else f"{form.format(stat.low)} to {form.format(stat.high)}, "
    return form.format(stat.value).replace("-", "−"), f"{bounds.replace('-', '−')}n = {stat.n:,}"


def _stat(name: str, stat: Stat, form: str, of: str = "trades", *, toned: bool = False) -> Tile:
    value, note = stat_text(stat, form, of)
    return Tile(name=name, value=value, note=note, tone=tone_of(stat.value) if toned and stat.value is not None else "")


def _fall(fall: Drawdown) -> str:
    if fall.depth == 0:
        return ""
    end = f"recovered {written_day(fall.recovered)}" if fall.recovered is not None else "not recovered"
    return f"from {written_day(fall.peak)} to {written_day(fall.bottom)}, {end}"


def tone_of(value: float) -> str:
    """Return good, bad or nothing."""
    return "good" if value > 0 else "bad" if value < 0 else ""
