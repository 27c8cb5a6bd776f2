"""What is found in candles that somebody hands over: a bounded list, however much of it there is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from services.market.history import History

NAMED = 5
SHOWN = 60


class Verdict(StrEnum):
    """What comes of candles with a finding."""

    REFUSED = "refused"
    DROPPED = "dropped"
    MENDED = "mended"
    KEPT = "kept"


class Kind(StrEnum):
    """What can be found; the first that fits a row is the one that is told."""

    UNREADABLE = "UNREADABLE"
    TOO_LARGE = "TOO_LARGE"
    EMPTY = "EMPTY"
    BINARY = "BINARY"
    DAMAGED = "DAMAGED"
    TRUNCATED = "TRUNCATED"
    NO_HEADER = "NO_HEADER"
    NO_COLUMN = "NO_COLUMN"
    NO_ROWS = "NO_ROWS"
    FUNDING = "FUNDING"
    WRONG_TIMEFRAME = "WRONG_TIMEFRAME"
    HALF_LINE = "HALF_LINE"
    MISSING_FIELD = "MISSING_FIELD"
    BAD_TIME = "BAD_TIME"
    BAD_NUMBER = "BAD_NUMBER"
    NOT_FINITE = "NOT_FINITE"
    NOT_POSITIVE = "NOT_POSITIVE"
    CONTRADICTING_PRICES = "CONTRADICTING_PRICES"
    NEGATIVE_VOLUME = "NEGATIVE_VOLUME"
    IMPOSSIBLE_TIME = "IMPOSSIBLE_TIME"
    OFF_GRID = "OFF_GRID"
    CONTRADICTING_ROWS = "CONTRADICTING_ROWS"
    NOT_CLOSED = "NOT_CLOSED"
    DUPLICATES = "DUPLICATES"
    UNSORTED = "UNSORTED"
    NO_ZONE = "NO_ZONE"
    NO_VOLUME = "NO_VOLUME"
    ZERO_VOLUME = "ZERO_VOLUME"
    SPIKES = "SPIKES"
    GAPS = "GAPS"


_SAID: dict[Kind, tuple[Verdict, str]] = {
    Kind.UNREADABLE: (Verdict.REFUSED, "the file cannot be opened"),
    Kind.TOO_LARGE: (Verdict.REFUSED, "the file is too large; split it"),
    Kind.EMPTY: (Verdict.REFUSED, "the file is empty"),
    Kind.BINARY: (Verdict.REFUSED, "the file is neither text nor gzip nor Parquet"),
    Kind.DAMAGED: (Verdict.REFUSED, "the file is damaged and cannot be unpacked; fetch it again"),
    Kind.TRUNCATED: (Verdict.REFUSED, "the file ends in the middle; fetch it again"),
    Kind.NO_HEADER: (Verdict.REFUSED, "no line names the columns time, open, high, low, close"),
    Kind.NO_COLUMN: (Verdict.REFUSED, "a column is missing or holds no numbers"),
    Kind.NO_ROWS: (Verdict.REFUSED, "there is no candle in it"),
    Kind.FUNDING: (Verdict.REFUSED, "these are funding rates, no candles"),
    Kind.WRONG_TIMEFRAME: (Verdict.REFUSED, "the timeframe does not fit"),
    Kind.HALF_LINE: (Verdict.REFUSED, "the last line is cut off"),
    Kind.MISSING_FIELD: (Verdict.REFUSED, "fewer fields than columns"),
    Kind.BAD_TIME: (Verdict.REFUSED, "the time is neither ISO 8601 nor an epoch in s, ms, us or ns"),
    Kind.BAD_NUMBER: (Verdict.REFUSED, "a price or the volume is no number"),
    Kind.NOT_FINITE: (Verdict.REFUSED, "a price or the volume is NaN or infinite"),
    Kind.NOT_POSITIVE: (Verdict.REFUSED, "a price is zero or below"),
    Kind.CONTRADICTING_PRICES: (Verdict.REFUSED, "high is below low, or open or close lies outside both"),
    Kind.NEGATIVE_VOLUME: (Verdict.REFUSED, "the volume is negative"),
    Kind.IMPOSSIBLE_TIME: (Verdict.REFUSED, "the time is before 1990 or ahead of now"),
    Kind.OFF_GRID: (Verdict.REFUSED, "the time is no multiple of the timeframe; look at the time zone"),
    Kind.CONTRADICTING_ROWS: (Verdict.REFUSED, "a time stands there twice with different values"),
    Kind.NOT_CLOSED: (Verdict.DROPPED, "the candle has not closed yet"),
    Kind.DUPLICATES: (Verdict.DROPPED, "the same row again"),
    Kind.UNSORTED: (Verdict.MENDED, "rows that go back in time, sorted"),
    Kind.NO_ZONE: (Verdict.KEPT, "times without a zone, read as UTC"),
    Kind.NO_VOLUME: (Verdict.KEPT, "there is no volume; it counts as zero"),
    Kind.ZERO_VOLUME: (Verdict.KEPT, "nobody traded"),
    Kind.SPIKES: (Verdict.KEPT, "a price far off its neighbours"),
    Kind.GAPS: (Verdict.KEPT, "candles are missing in between"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One kind of thing with how often it was seen, the first few lines of it, and what the first of them looks like."""

    kind: Kind
    count: int = 1
    lines: tuple[int, ...] = ()
    example: str = ""

    @property
    def verdict(self) -> Verdict:
        """Return what comes of it."""
        return _SAID[self.kind][0]

    def __str__(self) -> str:
        """Say it in one line: what, how often, where first, and what stands there."""
        told = _SAID[self.kind][1]
        if self.lines:
            more = ", ..." if self.count > len(self.lines) else ""
            told += f": {self.count:,} × at line {', '.join(map(str, self.lines))}{more}"
        elif self.count > 1:
            told += f": {self.count:,}"
        return f"{told} ({self.example})" if self.example else told


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What a file holds: its sound candles, how many rows stood there, and what was found, the worst first.

    A file with a finding that is refused is not taken as it is; its sound candles are here all the same.
    """

    history: History
    rows: int
    findings: tuple[Finding, ...]

    @property
    def refused(self) -> bool:
        """Tell whether something in it forbids to take the file as it is."""
        return any(each.verdict is Verdict.REFUSED for each in self.findings)


def finding(kind: Kind, lines: Sequence[int] = (), *, count: int | None = None, example: str = "") -> Finding:
    """Put a finding together; of the lines the first few are kept, of the example its beginning."""
    shown = "".join(letter if letter.isprintable() else "·" for letter in example[: SHOWN + 1])
    return Finding(
        kind=kind,
        count=len(lines) if count is None else count,
        lines=tuple(int(each) for each in lines[:NAMED]),
        example=f"{shown[:SHOWN]}..." if len(shown) > SHOWN else shown,
    )


def in_order(found: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return findings with the worst first."""
    worst = list(Kind)
    return tuple(sorted(found, key=lambda each: worst.index(each.kind)))
