"""Files of others: what is sound becomes candles, and each thing that is not is said with its line."""

from __future__ import annotations

import gzip
import os
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from services.market.history import milliseconds
from services.market.store.files import read_candles
from services.market.store.findings import NAMED, SHOWN, Finding, Kind, Reading, Verdict

SHARED = Path(os.environ.get("SORTIE_SHARED", Path(__file__).parents[2].parent / "shared")) / "data"
NOW = datetime(2024, 6, 1, tzinfo=UTC)
HEADER = "timestamp,open,high,low,close,volume"
START = datetime(2024, 1, 1, tzinfo=UTC)


def line(hour: int, *, close: float | str = 11.0, volume: float = 5.0, time: str = "") -> str:
    return f"{time or (START + timedelta(hours=hour)).strftime('%Y-%m-%dT%H:%M:%SZ')},10,12,9,{close},{volume}"


def read(folder: Path, content: str | bytes, *, timeframe: str | None = "1h", name: str = "candles.csv") -> Reading:
    file = folder / name
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    return read_candles(file, symbol="BTC/USDT", timeframe=timeframe, now=NOW)


def text(*lines: str) -> str:
    return "\n".join((HEADER, *lines)) + "\n"


def found(reading: Reading, kind: Kind) -> Finding:
    return next(each for each in reading.findings if each.kind is kind)


def test_sound_rows_become_a_history_without_a_word(tmp_path: Path) -> None:
    reading = read(tmp_path, text(line(0), line(1), line(2)))

    assert (reading.rows, reading.findings, reading.refused) == (3, (), False)
    assert reading.history.time.tolist() == [milliseconds(START + timedelta(hours=each)) for each in range(3)]
    assert reading.history.columns()[3][1].tolist() == [11.0] * 3


@pytest.mark.parametrize(
    ("bad", "kind"),
    [
        (line(1, close="nan"), Kind.NOT_FINITE),
        (line(1, close="inf"), Kind.NOT_FINITE),
        (line(1, close="eleven"), Kind.BAD_NUMBER),
        (line(1, close=""), Kind.BAD_NUMBER),
        (line(1, close=0), Kind.NOT_POSITIVE),
        (line(1, close=-11), Kind.NOT_POSITIVE),
        (line(1, close=13), Kind.CONTRADICTING_PRICES),
        (line(1).replace(",12,9,", ",9,12,"), Kind.CONTRADICTING_PRICES),
        (line(1, volume=-1), Kind.NEGATIVE_VOLUME),
        (line(1, time="2024-01-01T01:30:00Z"), Kind.OFF_GRID),
        (line(1, time="2024-01-01T01:00:00+05:30"), Kind.OFF_GRID),
        (line(1, time="2033-01-01T01:00:00Z"), Kind.IMPOSSIBLE_TIME),
        (line(1, time="20240101"), Kind.IMPOSSIBLE_TIME),
        (line(1, time="01/02/2024 01:00"), Kind.BAD_TIME),
        (line(1, time="yesterday"), Kind.BAD_TIME),
        ("2024-01-01T01:00:00Z,10,12", Kind.MISSING_FIELD),
        ('"', Kind.MISSING_FIELD),
        (line(0, close=10.5), Kind.CONTRADICTING_ROWS),
    ],
    ids=lambda each: each.value if isinstance(each, Kind) else "",
)
def test_a_row_that_cannot_be_a_candle_refuses_the_file_and_is_named(tmp_path: Path, bad: str, kind: Kind) -> None:
    reading = read(tmp_path, text(line(0), bad, line(2)))

    assert reading.refused
    assert (found(reading, kind).verdict, 3 in found(reading, kind).lines) == (Verdict.REFUSED, True)
    assert (
        "line 2, 3" in str(found(reading, kind)) if kind is Kind.CONTRADICTING_ROWS else "line 3" in str(found(reading, kind))
    )
    good = [2] if kind is Kind.CONTRADICTING_ROWS else [0, 2]
    assert reading.history.time.tolist() == [milliseconds(START + timedelta(hours=each)) for each in good]


def test_equal_rows_are_dropped_and_rows_out_of_order_sorted_and_both_counted(tmp_path: Path) -> None:
    reading = read(tmp_path, text(line(3), line(1), line(2), line(1), "", line(0)))

    assert not reading.refused
    assert len(reading.history) == 4
    assert (found(reading, Kind.DUPLICATES).count, found(reading, Kind.DUPLICATES).lines) == (1, (5,))
    assert found(reading, Kind.UNSORTED).lines == (3, 5, 7)


def test_what_is_strange_but_possible_is_kept_and_said(tmp_path: Path) -> None:
    rows = [line(each, volume=0 if each == 7 else 5) for each in range(30) if each not in (20, 21)]
    rows[12] = rows[12].replace(",12,9,", ",400,9,")

    reading = read(tmp_path, text(*rows))

    assert (len(reading.history), reading.refused) == (28, False)
    assert found(reading, Kind.ZERO_VOLUME).lines == (9,)
    assert found(reading, Kind.SPIKES).lines == (14,)
    assert found(reading, Kind.GAPS).count == 2


def test_a_candle_that_has_not_closed_is_left_out(tmp_path: Path) -> None:
    hour = int((NOW - START) / timedelta(hours=1))

    reading = read(tmp_path, text(line(hour - 2), line(hour - 1), line(hour)))

    assert (len(reading.history), found(reading, Kind.NOT_CLOSED).lines) == (2, (4,))


@pytest.mark.parametrize(
    ("written", "zoned"),
    [
        ("2024-01-01T02:00:00Z", True),
        ("2024-01-01 02:00:00+00:00", True),
        ("2024-01-01T04:00:00.000+0200", True),
        ("2023-12-31 21:00:00-05:00", True),
        ("2024-01-01 02:00:00 UTC", True),
        ("2024-01-01 02:00", False),
        ("2024.01.01 02:00:00", False),
        ("01.01.2024 02:00:00.000", False),
        ("1704074400", True),
        ("1704074400.0", True),
        ("1704074400000", True),
        ("1704074400000000", True),
        ("1704074400000000000", True),
    ],
)
def test_a_time_in_any_usual_spelling_is_the_same_instant(tmp_path: Path, written: str, zoned: bool) -> None:
    reading = read(tmp_path, text(line(0, time=written)))

    assert reading.history.time.tolist() == [milliseconds(START + timedelta(hours=2))]
    assert [each.kind for each in reading.findings] == ([] if zoned else [Kind.NO_ZONE])


@pytest.mark.parametrize(
    "content",
    [
        "Open time;Open;High;Low;Close;Volume\n1704067200000;10;12;9;11;5\n",
        "\ufeffdate\topen\thigh\tlow\tclose\tvol\r\n2024-01-01T00:00:00Z\t10\t12\t9\t11\t5\r\n",
        "<DATE>,<TIME>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<TICKVOL>\n2024.01.01,00:00:00,10,12,9,11,5\n",
        "https://data.example\nunix,date,symbol,open,high,low,close,Volume BTC,Volume USDT\n1704067200,x,B,10,12,9,11,5,50\n",
        "1704067200000,10,12,9,11,5,1704070799999,50,3,2,20,0\n",
        "close,low,volume,timestamp,high,open\n11,9,5,1704067200,12,10\n",
        '"timestamp","open","high","low","close","volume"\n"2024-01-01T00:00:00Z","10","12","9","11","5"\n',
    ],
    ids=["semicolons", "tabs", "terminal", "with-title", "no-header", "any-order", "quoted"],
)
def test_columns_are_found_by_their_usual_names(tmp_path: Path, content: str) -> None:
    history = read(tmp_path, content).history

    assert history.time.tolist() == [milliseconds(START)]
    assert [column.tolist() for _, column in history.columns()] == [[10.0], [12.0], [9.0], [11.0], [5.0]]


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"", Kind.EMPTY),
        (b" \n\n", Kind.EMPTY),
        (gzip.compress(b""), Kind.EMPTY),
        (HEADER.encode(), Kind.NO_ROWS),
        (b"\x7fELF\0\0\0" * 50, Kind.BINARY),
        (b"PAR1 and no more", Kind.DAMAGED),
        (gzip.compress(b"x" * 99)[:10] + b"garbage" * 20, Kind.DAMAGED),
        (b"<html><body>404</body></html>", Kind.NO_HEADER),
        (b"name;surname\nAnn;Lee\n", Kind.NO_HEADER),
        ("héhé\n".encode("latin-1") * 30, Kind.NO_HEADER),
    ],
    ids=["empty", "blank", "empty-gz", "header-alone", "binary", "no-parquet", "no-gzip", "page", "other", "latin"],
)
def test_what_is_no_candle_file_is_refused_for_what_it_is(tmp_path: Path, content: bytes, kind: Kind) -> None:
    reading = read(tmp_path, content)

    assert reading.refused
    assert [each.kind for each in reading.findings] == [kind]


def test_a_missing_file_and_a_folder_are_findings_too(tmp_path: Path) -> None:
    for file in (tmp_path / "none.csv", tmp_path):
        reading = read_candles(file, symbol="BTC/USDT", timeframe="1h", now=NOW)

        assert [each.kind for each in reading.findings] == [Kind.UNREADABLE]


@pytest.mark.parametrize("share", [0.3, 0.6, 0.99])
def test_half_a_packed_file_gives_what_came_and_is_refused(tmp_path: Path, share: float) -> None:
    noise = random.Random(1)
    packed = gzip.compress(text(*(line(each, volume=noise.random()) for each in range(3000))).encode())

    reading = read(tmp_path, packed[: int(len(packed) * share)])

    assert reading.refused
    assert found(reading, Kind.TRUNCATED).count == 1
    assert 500 < len(reading.history) < 3000


def test_a_last_line_that_is_cut_off_is_told_from_one_that_is_wrong(tmp_path: Path) -> None:
    reading = read(tmp_path, text(line(0), line(1)) + "2024-01-01T02:00:00Z,10,1")

    assert (found(reading, Kind.HALF_LINE).lines, len(reading.history)) == ((4,), 2)


def test_another_timeframe_than_was_named_is_said_as_that(tmp_path: Path) -> None:
    reading = read(tmp_path, text(*(line(each) for each in range(20))), timeframe="15m")

    assert reading.refused
    assert "they lie 1h apart, not 15m" in str(found(reading, Kind.WRONG_TIMEFRAME))
    assert read(tmp_path, text(*(line(each) for each in range(20))), timeframe=None).history.timeframe == "1h"


def test_a_packed_file_that_is_huge_unpacked_is_not_unpacked(tmp_path: Path) -> None:
    file = tmp_path / "bomb.csv.gz"
    file.write_bytes(gzip.compress(b"0" * 3_000_000))

    reading = read_candles(file, symbol="BTC/USDT", timeframe="1h", now=NOW, largest=1 << 20)

    assert [each.kind for each in reading.findings] == [Kind.TOO_LARGE]


def test_a_million_rows_of_garbage_are_counted_and_a_few_named(tmp_path: Path) -> None:
    reading = read(tmp_path, HEADER + "\n" + "2024-01-01T00:00:00Z,nonsense\x07,-1,x,0,5,\n" * 1_000_000)

    only = found(reading, Kind.BAD_NUMBER)
    assert (reading.rows, len(reading.findings), only.count, only.lines) == (1_000_000, 1, 1_000_000, (2, 3, 4, 5, 6))
    assert "\x07" not in str(only)


@pytest.mark.parametrize("unit", ["ms", "us", "ns"])
def test_a_parquet_file_reads_like_the_text(tmp_path: Path, unit: str) -> None:
    times = pl.Series([START + timedelta(hours=each) for each in range(3)]).cast(pl.Datetime(unit, "UTC"))  # type: ignore[arg-type]
    frame = pl.DataFrame({"Date": times, "Open": 10, "High": [12.0, 12.0, None], "Low": 9, "Close": 11, "Volume": 5})
    frame.write_parquet(tmp_path / "candles.parquet")

    reading = read_candles(tmp_path / "candles.parquet", symbol="BTC/USDT", timeframe="1h", now=NOW)

    assert (len(reading.history), found(reading, Kind.BAD_NUMBER).lines) == (2, (3,))


@pytest.mark.skipif(not SHARED.is_dir(), reason="the recorded candles are not beside this checkout")
def test_every_recorded_file_is_read_and_the_funding_rates_are_told_from_candles() -> None:
    readings = {
        file.name: read_candles(file, symbol="X", timeframe=None, now=datetime.now(UTC)) for file in SHARED.glob("*.csv.gz")
    }

    funding = readings.pop("XRPUSDTUSDT-8h-fundingrate.csv.gz")
    assert [each.kind for each in funding.findings] == [Kind.FUNDING]
    assert not any(each.refused for each in readings.values())
    assert {name: (len(each.history), each.history.timeframe) for name, each in readings.items()} == {
        "ADABTC-5m.csv.gz": (5720, "5m"),
        "BNBUSDT-1h.csv.gz": (31143, "1h"),
        "BTCUSDT-1h.csv.gz": (31143, "1h"),
        "ETHBTC-5m.csv.gz": (5760, "5m"),
        "ETHUSDT-1h.csv.gz": (31143, "1h"),
        "LTCUSDT-1h.csv.gz": (31143, "1h"),
        "XRPETH-1m.csv.gz": (2469, "1m"),
        "XRPUSDTUSDT-5m-futures.csv.gz": (1999, "5m"),
    }
    assert sum(each.count for each in readings["XRPETH-1m.csv.gz"].history.gaps()) == 1091


FIELD = st.sampled_from(["", "1", "-1", "nan", "1e999", "2024-01-01", "1704067200", '"', "\x00", "9" * 40, "٣", "+05:30", "Z"])


@settings(max_examples=150, deadline=None)
@given(st.lists(st.lists(FIELD, max_size=8).map(",".join), max_size=12), st.booleans())
@example(["9" * 40 + ",1,1,1,1,1"], True)
def test_no_file_raises_and_what_is_said_is_bounded(
    tmp_path_factory: pytest.TempPathFactory, rows: list[str], header: bool
) -> None:
    content = "\n".join([HEADER] * header + rows).encode()

    reading = read(tmp_path_factory.getbasetemp(), content, name="any.csv")

    assert len(reading.history) <= reading.rows <= len(rows)
    assert bool((np.diff(reading.history.time) > 0).all())
    assert all(len(each.lines) <= NAMED and len(each.example) <= SHOWN + 3 for each in reading.findings)
    assert len({each.kind for each in reading.findings}) == len(reading.findings)
