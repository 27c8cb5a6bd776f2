"""A backtest's report as one HTML page that needs nothing else, on a phone too."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup

from services.charts.svg import render_svg
from services.market.history import moment
from services.research.chance import AtRandom, Redrawn
from services.research.figures import LEAST_IN_GROUP, LEAST_TRADES, Group, written_day
from services.research.layouts import Reason, Refusal
from services.research.report import Report, curve_of
from services.research.tiles import Tile, money, signed, tiles_of, tone_of

TEMPLATES = Path(__file__).parents[2] / "templates" / "research"
MOST_TRADES = 500
_REFUSED = {
    Refusal.HELD: "a position was open",
    Refusal.BEYOND_STOP: "the open lay beyond the stop",
    Refusal.FULL: "as many positions were open as may be",
    Refusal.COOLING: "too soon after an exit",
    Refusal.DAY_OVER: "the day had lost enough",
    Refusal.TOO_SMALL: "the order was below its minimum",
    Refusal.NOT_REACHED: "the limit was not reached, or withdrawn",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One row of a table of groups, written out."""

    label: str
    n: str
    won: str
    mean_r: str
    pnl: str
    tone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Groups under the name of what they share."""

    name: str
    rows: tuple[Line, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TradeLine:
    """One trade, written out."""

    opened: str
    symbol: str
    side: str
    entry: str
    exit: str
    quantity: str
    r: str
    pnl: str
    reason: str
    tone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PlayedLine:
    """One instrument's candles, written out."""

    symbol: str
    timeframe: str
    candles: str
    missing: str
    calls: str
    first: str
    last: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Everything on the page, as text."""

    title: str
    subtitle: str
    chart: Markup
    tiles: tuple[Tile, ...]
    luck: tuple[str, ...]
    tables: tuple[Table, ...]
    trades_title: str
    trades: tuple[TradeLine, ...]
    played: tuple[PlayedLine, ...]
    rules: tuple[tuple[str, str], ...]
    least_in_group: int = LEAST_IN_GROUP


def render_page(report: Report) -> str:
    """Return the page."""
    return _template("backtest.html.j2").render(page=page_of(report))


def page_of(report: Report) -> Page:
    """Write a report out."""
    curve, count = curve_of(report), len(report.outcome.trades)
    newest = f"The newest {MOST_TRADES:,} of {count:,} trades" if count > MOST_TRADES else f"All {count:,} trades"
    return Page(
        title=curve.title,
        subtitle=curve.subtitle,
        # The drawing is our own template, which escapes what it is given.
        chart=Markup(render_svg(curve)),
        tiles=tuple(tiles_of(report)),
        luck=tuple(luck_of(report.redrawn, report.at_random)),
        tables=tuple(Table(name=name, rows=tuple(map(_line, groups))) for name, groups in report.groups.items() if groups),
        trades_title=newest if count else "No trades",
        trades=tuple(_trades(report)),
        played=tuple(
            PlayedLine(
                symbol=each.symbol,
                timeframe=each.timeframe,
                candles=f"{each.candles:,}",
                missing=f"{each.missing:,}",
                calls=f"{each.calls:,}",
                first=written_day(each.first),
                last=written_day(each.last),
            )
            for each in report.played
        ),
        rules=tuple(_rules(report)),
    )


def luck_of(redrawn: Redrawn | None, random: AtRandom | None) -> Iterator[str]:
    """Yield sentences on what chance makes of it."""
    if redrawn is None and random is None:
        yield f"Not asked for, or fewer than {LEAST_TRADES} trades: too few to say anything."
    if redrawn is not None:
        low, middle, high = (money(each) for each in redrawn.pnl)
        yield (
            f"The trades drawn again {redrawn.runs:,} times: result {middle}, in nine of ten runs between {low} and {high}; "
            f"{redrawn.losing:.0%} of the runs lost money."
        )
        yield f"The deepest fall was {redrawn.fall[1]:.0%}, in one run of twenty more than {redrawn.fall[2]:.0%}."
    if random is not None:
        low, middle, high = (signed(each, 2) for each in random.mean_r)
        yield (
            f"Entries at random moments with the same exits, {random.runs:,} times, {random.trades:,.0f} trades each: "
            f"mean {middle} R, in nine of ten runs between {low} and {high} R."
        )
        yield f"The strategy's entries did better than {random.beaten:.0%} of these runs{_verdict(random.beaten)}"


def _verdict(beaten: float) -> str:
    if beaten >= 0.95:
        return "."
    return ": its moments can't be told from random ones." if beaten > 0.05 else ": random moments were better."


def _line(group: Group) -> Line:
    return Line(
        label=group.label,
        n=f"{group.n:,}",
        won="" if group.win_rate is None else f"{group.win_rate:.0%}",
        mean_r="" if group.mean_r is None else signed(group.mean_r, 2),
        pnl=money(group.pnl),
        tone=tone_of(group.pnl),
    )


def _trades(report: Report) -> Iterator[TradeLine]:
    outcome = report.outcome
    for trade in outcome.trades[::-1][:MOST_TRADES]:
        yield TradeLine(
            opened=f"{moment(int(outcome.time[trade['opened']])):%Y-%m-%d %H:%M}",
            symbol=outcome.symbols[trade["instrument"]],
            side="long" if trade["side"] > 0 else "short",
            entry=f"{trade['entry']:.8g}",
            exit=f"{trade['exit']:.8g}",
            quantity=f"{trade['quantity']:.6g}",
            r=signed(trade["r"], 2),
            pnl=money(trade["pnl"]),
            reason=Reason(trade["reason"]).name.lower().replace("_", " "),
            tone=tone_of(trade["pnl"]),
        )


def _rules(report: Report) -> Iterator[tuple[str, str]]:
    yield "strategy", f"{report.strategy} {report.version}"
    for name, value in report.parameters.items():
        yield name, str(value)
    for name, value in dataclasses.asdict(report.outcome.rules).items():
        yield name.replace("_", " "), _written(value)
    for refusal, count in report.outcome.refused.items():
        if count:
            yield f"calls not taken: {_REFUSED[refusal]}", f"{count:,}"


def _written(value: object) -> str:
    if isinstance(value, Enum):
        return value.name.lower().replace("_", " ")
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(f"{each:g}" for each in value) or "the desk's own"
    return f"{value:,.10g}" if isinstance(value, float) else str(value)


@cache
def _template(name: str) -> Template:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.get_template(name)
