"""The rolling day: what the 24-hour ticker says about an instrument, and its average price of the last minutes."""

from dataclasses import dataclass

from sandbox.exchange.instruments import Bar
from sandbox.exchange.snapshot import Snapshot
from sandbox.exchange.tape import latest_prints, prints_from

DAY = 24 * 3_600_000
AVERAGE_MINUTES = 5

# Bars of a few seconds would make a day of tens of thousands of them: the ticker then speaks of the last 1,440 bars.
_BARS_AT_MOST = 1_440

_NO_TRADE = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class DaySummary:
    """Prices in ticks, volumes in units, quote amounts in ticks times units, times in milliseconds."""

    open_time: int
    close_time: int
    previous_close: int
    open: int
    high: int
    low: int
    last: int
    last_quantity: int
    volume: int
    quote: int
    first_id: int
    last_id: int
    trades: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Traded:
    """An amount in ticks times units and the volume in units that it was paid for."""

    quote: int
    volume: int


def summarise_day(snapshot: Snapshot, symbol: str) -> DaySummary:
    """Sum the bars that opened within the last 24 hours; after the end of a recording, within its last 24 hours."""
    newest, close_time = snapshot.position(symbol).bar, _close_time(snapshot, symbol)
    bars = _bars_since(snapshot, symbol, close_time - DAY)
    totals = [snapshot.totals(symbol, bar) for bar in bars]
    open_time = snapshot.grid.open_time(bars[0].index)
    shortened = len(bars) == _BARS_AT_MOST and open_time - snapshot.grid.bar > close_time - DAY
    before = snapshot.source.bars(symbol, 0, bars[0].index - 1, limit=1, newest=True)
    first_print = prints_from(snapshot, symbol, 1, start=open_time)
    last_print = latest_prints(snapshot, symbol, 1)
    return DaySummary(
        open_time=open_time if shortened else close_time - DAY,
        close_time=close_time,
        previous_close=before[0].close if before else bars[0].open,
        open=bars[0].open,
        high=max(total.high for total in totals),
        low=min(total.low for total in totals),
        last=snapshot.totals(symbol, newest).close,
        last_quantity=last_print[0].quantity if last_print else 0,
        volume=sum(total.volume for total in totals),
        quote=sum(total.quote for total in totals),
        first_id=first_print[0].id if first_print else _NO_TRADE,
        last_id=last_print[0].id if last_print else _NO_TRADE,
        trades=sum(total.trades for total in totals),
    )


def average_price(snapshot: Snapshot, symbol: str) -> Traded:
    """Sum what the bars of the last minutes traded; without a trade, one unit at the last price."""
    bars = _bars_since(snapshot, symbol, _close_time(snapshot, symbol) - AVERAGE_MINUTES * 60_000)
    totals = [snapshot.totals(symbol, bar) for bar in bars]
    volume = sum(total.volume for total in totals)
    if not volume:
        return Traded(quote=totals[-1].close, volume=1)
    return Traded(quote=sum(total.quote for total in totals), volume=volume)


def _close_time(snapshot: Snapshot, symbol: str) -> int:
    newest, grid = snapshot.position(symbol).bar, snapshot.grid
    ended = snapshot.ended(symbol)
    return grid.open_time(newest.index) + grid.bar - 1 if ended else snapshot.at


def _bars_since(snapshot: Snapshot, symbol: str, after: int) -> list[Bar]:
    """List the bars that opened after a time, or the newest one where none did."""
    newest = snapshot.position(symbol).bar
    first = snapshot.grid.first_from(after + 1)
    bars = snapshot.source.bars(symbol, first, newest.index, limit=_BARS_AT_MOST, newest=True)
    return bars or [newest]
