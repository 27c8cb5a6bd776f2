"""Recorded candles: a good file becomes bars without losing a digit, a bad row stops the start with file and line."""

import gzip
from pathlib import Path

import pytest

from sandbox.exchange.candle_files import read_candle_file
from sandbox.exchange.errors import CandleFileError
from sandbox.exchange.recorded import RecordedSource
from tests.sandbox_exchange.stand import candle_file, candle_rows

GOOD = "2026-03-02T12:00:00Z,100,102,99,101,5"


@pytest.mark.parametrize(
    ("row", "complaint"),
    [
        ("2026-03-02T13:00:00Z,100,102,99,101", "5 columns, expected 6"),
        ("2026-03-02T13:00:00Z,100,102,99,101,5,6", "7 columns, expected 6"),
        ("", "1 columns, expected 6"),
        ("2026-03-02T13:00:00Z,100,98,99,98,5", "high 98 is below low 99"),
        ("2026-03-02T13:00:00Z,103,102,99,101,5", "open 103 or close 101 is outside 99 to 102"),
        ("2026-03-02T13:00:00Z,100,102,99,98,5", "open 100 or close 98 is outside 99 to 102"),
        ("2026-03-02T13:00:00Z,0,102,0,101,5", "a price is not positive"),
        ("2026-03-02T13:00:00Z,100,102,-1,101,5", "a price is not positive"),
        ("2026-03-02T13:00:00Z,nan,102,99,101,5", "a value is not finite"),
        ("2026-03-02T13:00:00Z,100,inf,99,101,5", "a value is not finite"),
        ("2026-03-02T13:00:00Z,100,102,99,101,nan", "a value is not finite"),
        ("2026-03-02T13:00:00Z,100,102,99,101,-5", "volume -5 is negative"),
        ("2026-03-02T13:00:00Z,100,102,99,high,5", "not a number"),
        ("2026-03-02T13:00:00Z,100,102,99,101,1e16", "a value is 1e+16, too large to be exact"),
        ("2026-03-02T12:00:00Z,100,102,99,101,5", "repeats the row before"),
        ("2026-03-02T11:00:00Z,100,102,99,101,5", "is before the row above it"),
        ("yesterday,100,102,99,101,5", "is neither ISO 8601 nor epoch seconds"),
    ],
)
def test_a_bad_row_is_refused_with_file_and_line(tmp_path: Path, row: str, complaint: str) -> None:
    path = candle_file(tmp_path, [GOOD, row, "2026-03-02T14:00:00Z,100,102,99,101,5"])

    with pytest.raises(CandleFileError) as refused:
        read_candle_file(path)

    assert f"{path}, line 3: " in str(refused.value)
    assert complaint in str(refused.value)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "line 1: the header is ''"),
        (b"time,open,high,low,close,volume\n", "the header is 'time,open,high,low,close,volume'"),
        (b"timestamp,open,high,low,close,volume\n", "has a header and no candles"),
        (b"timestamp,open\xff", "is not text in UTF-8"),
    ],
)
def test_a_file_without_candles_is_refused(tmp_path: Path, content: bytes, complaint: str) -> None:
    path = tmp_path / "BTCUSDT-1h.csv"
    path.write_bytes(content)

    with pytest.raises(CandleFileError, match=complaint):
        read_candle_file(path)


def test_a_missing_and_a_torn_file_are_refused(tmp_path: Path) -> None:
    whole = gzip.compress(candle_file(tmp_path, candle_rows(600)).read_bytes())
    torn = tmp_path / "ETHUSDT-1h.csv.gz"
    torn.write_bytes(whole[: len(whole) // 2])

    with pytest.raises(CandleFileError, match="there is no such file"):
        read_candle_file(tmp_path / "LTCUSDT-1h.csv")
    with pytest.raises(CandleFileError, match="cannot be read"):
        read_candle_file(torn)


def test_times_may_be_iso_or_epoch_and_all_mean_utc(tmp_path: Path) -> None:
    times = ["2026-03-02T12:00:00Z", "2026-03-02T14:00:00+01:00", "2026-03-02 14:00:00", "1772463600", "1772467200000"]
    file = read_candle_file(candle_file(tmp_path, [f"{at},100,102,99,101,5" for at in times]))

    assert [time - file.times[0] for time in file.times] == [0, 3600, 7200, 10800, 14400]


def test_prices_and_volumes_keep_every_digit_and_float_noise_goes(tmp_path: Path) -> None:
    rows = [
        "2018-01-10T04:55:00Z,5.330000000000001e-05,5.330000000000001e-05,5.288e-05,5.29e-05,431401.97869504",
        "2018-01-10T05:00:00Z,0.00005290,0.0000530,0.00005289,0.0000529,0.5",
    ]
    file = read_candle_file(candle_file(tmp_path, rows, "ADABTC-5m.csv"))

    assert (file.price_decimals, file.volume_decimals) == (8, 8)
    assert tuple(map(list, file.prices)) == ([5330, 5290], [5330, 5300], [5288, 5289], [5290, 5290])
    assert list(file.volumes) == [43140197869504, 50000000]


@pytest.mark.parametrize(
    ("name", "symbol", "quote"),
    [
        ("BTCUSDT-1h.csv", "BTCUSDT", "USDT"),
        ("ethbtc.csv", "ETHBTC", "BTC"),
        ("XRPETH-1m.csv", "XRPETH", "ETH"),
        ("XRPUSDTUSDT-5m-futures.csv", "XRPUSDT", "USDT"),
    ],
)
def test_the_file_name_gives_the_instrument(tmp_path: Path, name: str, symbol: str, quote: str) -> None:
    source = RecordedSource([candle_file(tmp_path, candle_rows(510), name)])
    instrument = source.instruments[0]

    assert (instrument.symbol, instrument.quote_asset) == (symbol, quote)
    assert instrument.traded_asset + quote == symbol


def test_the_grid_comes_from_the_decimals_of_nearly_all_rows(tmp_path: Path) -> None:
    rows = candle_rows(510)
    rows[100] = rows[100].rpartition(",")[0] + ",3.1234567"
    instrument = RecordedSource([candle_file(tmp_path, rows)]).instruments[0]

    assert (instrument.tick, instrument.step) == ("0.01000000", "0.00100000")
    assert instrument.volume_decimals == 7


@pytest.mark.parametrize(
    ("names_and_rows", "complaint"),
    [
        ([("BTCUSDT-1h.csv", candle_rows(500))], "500 candles, expected more than 500"),
        ([("BTCEUR-1h.csv", candle_rows(510))], "the name gives no symbol"),
        ([("USDT-1h.csv", candle_rows(510))], "the name gives no symbol"),
        ([("BTCUSDT-1h.csv", candle_rows(510)), ("ETHUSDT-5m.csv", candle_rows(510, minutes=5))], "one timeframe"),
        ([("BTCUSDT-1h.csv", candle_rows(510)), ("BTCUSDT-b.csv", candle_rows(510))], "is already played from"),
    ],
)
def test_files_that_cannot_be_played_are_refused(
    tmp_path: Path, names_and_rows: list[tuple[str, list[str]]], complaint: str
) -> None:
    with pytest.raises(CandleFileError, match=complaint):
        RecordedSource([candle_file(tmp_path, rows, name) for name, rows in names_and_rows])


def test_a_row_off_the_grid_is_refused_with_its_line(tmp_path: Path) -> None:
    rows = candle_rows(510)
    rows[7] = rows[7].replace(":00:00Z", ":30:00Z")

    with pytest.raises(CandleFileError, match=r"line 9: the timestamp is not a whole number of"):
        RecordedSource([candle_file(tmp_path, rows)])


def test_files_that_do_not_overlap_are_refused(tmp_path: Path) -> None:
    rows = candle_rows(2_000)
    early = candle_file(tmp_path, rows[:600])
    late = candle_file(tmp_path, rows[1_000:], "ETHUSDT-1h.csv")

    with pytest.raises(CandleFileError, match="give files that overlap"):
        RecordedSource([early, late])
