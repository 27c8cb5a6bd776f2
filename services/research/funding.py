"""A perpetual's funding rates from a file: CSV, packed with gzip or not, a time and a rate in each line."""

from __future__ import annotations

import csv
import gzip
import math
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from services.domain.errors import Refused
from services.market.history import milliseconds
from services.research.simulation import Funding

LARGEST_RATE = 0.2
MOST_LINES = 1_000_000
_GZIP = b"\x1f\x8b"


def read_funding(file: Path) -> Funding:
    """Read rates; the second column is the rate as a share of the value, 0.0001 for 0.01 %, whatever it is called.

    Raise Refused, naming the line, for what is no time, no rate, a rate beyond 20 %, or times that do not ascend.
    """
    times: list[int] = []
    rates: list[float] = []
    try:
        packed = file.open("rb").read(2) == _GZIP
        with gzip.open(file, "rt", encoding="utf-8") if packed else file.open(encoding="utf-8") as lines:
            for number, row in enumerate(csv.reader(lines), start=1):
                if number > MOST_LINES:
                    raise Refused("FUNDING_FILE", file=file, limit=f"{MOST_LINES:,} lines")
                if row and not (number == 1 and row[0][:1].isalpha()):
                    time, rate = _line(file, number, row)
                    if times and time <= times[-1]:
                        raise Refused("FUNDING_FILE", file=file, line=number, problem="the time is not after the one before")
                    times.append(time)
                    rates.append(rate)
    except (OSError, EOFError, UnicodeDecodeError, csv.Error) as error:
        raise Refused("FUNDING_FILE", file=file, problem=f"cannot be read: {type(error).__name__}") from error
    if not times:
        raise Refused("FUNDING_FILE", file=file, problem="there is no rate in it")
    return Funding(time=np.array(times, dtype=np.int64), rate=np.array(rates))


def _line(file: Path, number: int, row: list[str]) -> tuple[int, float]:
    try:
        at, rate = _instant(row[0].strip()), float(row[1])
    except (ValueError, IndexError, OverflowError) as error:
        raise Refused("FUNDING_FILE", file=file, line=number, problem="is not a time and a rate") from error
    if not (math.isfinite(rate) and abs(rate) <= LARGEST_RATE):
        raise Refused("FUNDING_FILE", file=file, line=number, value=rate, limit=f"a rate of at most {LARGEST_RATE}")
    return at, rate


def _instant(text: str) -> int:
    if text.isdigit():
        return int(text) * (1 if len(text) > 11 else 1_000)
    at = datetime.fromisoformat(text)
    return milliseconds(at if at.tzinfo is not None else at.replace(tzinfo=UTC))
