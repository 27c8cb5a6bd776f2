"""The store: what was put comes back, whatever the order, and what is missing or damaged is said."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.domain.errors import Refused, Unavailable
from services.market.history import Gap, History, from_rows, milliseconds, moment
from services.market.store import candle_store
from services.market.store.atomic import alone
from services.market.store.candle_store import CandleStore, Stored
from services.market.store.parts import Part
from services.market.store.places import Series, folder_of, series_in
from tests.history.made import NOW, SERIES, START, STEP, made, time_of, values

ROWS = st.dictionaries(st.integers(0, 20), st.integers(0, 3), max_size=12)


@settings(max_examples=60, deadline=None)
@given(st.lists(ROWS, min_size=1, max_size=6))
def test_puts_in_any_order_end_as_a_dictionary_would(
    tmp_path_factory: pytest.TempPathFactory, puts: list[dict[int, int]]
) -> None:
    store = CandleStore(tmp_path_factory.mktemp("store"))
    model: dict[int, int] = {}
    for rows in puts:
        stored = store.put(SERIES, made(rows), now=NOW)

        shared = [row for row in rows if row in model]
        corrected = sorted(row for row in shared if model[row] != rows[row])
        assert (stored.added, stored.corrected) == (len(rows) - len(shared), len(corrected))
        assert stored.equal == len(shared) - len(corrected)
        assert [(each.time, each.old[0], each.new[0]) for each in stored.corrections] == [
            (time_of(row), 100.0 + model[row], 100.0 + rows[row]) for row in corrected
        ]
        model |= rows

    span = store.read(SERIES)
    overview = store.overview(SERIES)
    assert values(span.history) == dict(sorted(model.items()))
    assert (overview.rows, overview.missing) == (len(model), sum(gap.count for gap in span.gaps))
    assert not span.damaged


def test_a_span_reads_the_parts_that_it_needs_and_cuts_them(tmp_path: Path) -> None:
    store = CandleStore(tmp_path)
    store.put(SERIES, made(dict.fromkeys(range(20), 1)), now=NOW)

    span = store.read(SERIES, moment(time_of(4)), moment(time_of(9)))

    assert sorted(file.stem for file in folder_of(tmp_path, SERIES).glob("*.parquet")) == ["2024-02", "2024-03"]
    assert list(values(span.history)) == [4, 5, 6, 7, 8]
    assert len(store.read(SERIES, moment(time_of(50))).history) == 0
    assert len(store.read(replace(SERIES, symbol="ETH/USDT")).history) == 0


def test_hours_are_kept_by_the_year(tmp_path: Path) -> None:
    series = replace(SERIES, timeframe="1h")
    hours = np.arange(9000, dtype=np.int64) * 3_600_000 + milliseconds(datetime(2022, 6, 1, tzinfo=UTC))
    one = made(dict.fromkeys(range(9000), 1))
    history = replace(one, timeframe="1h", time=hours)

    CandleStore(tmp_path).put(series, history, now=NOW)

    assert sorted(file.stem for file in folder_of(tmp_path, series).glob("*.parquet")) == ["2022", "2023"]
    assert CandleStore(tmp_path).read(series).history.equals(history)


def test_a_candle_that_is_still_open_is_never_stored(tmp_path: Path) -> None:
    store = CandleStore(tmp_path)

    stored = store.put(SERIES, made({0: 1, 1: 1, 2: 1}), now=moment(time_of(2)) + timedelta(milliseconds=1))
    closed = store.put(SERIES, made({2: 2}), now=moment(time_of(3)))

    assert (stored.added, stored.not_closed, closed.added) == (2, 1, 1)
    assert values(store.read(SERIES).history) == {0: 1, 1: 1, 2: 2}


def test_corrections_stay_noted_with_old_and_new_and_their_time(tmp_path: Path) -> None:
    store = CandleStore(tmp_path)
    store.put(SERIES, made({0: 1, 1: 1}), now=NOW)
    store.put(SERIES, made({1: 2}), now=NOW)
    store.put(SERIES, made({1: 3}), now=NOW + timedelta(days=1))

    noted = CandleStore(tmp_path).corrections(SERIES)

    assert [(each.time, each.old[0], each.new[0]) for each in noted] == [(time_of(1), 101, 102), (time_of(1), 102, 103)]
    assert [moment(each.at) for each in noted] == [NOW, NOW + timedelta(days=1)]
    assert CandleStore(tmp_path).overview(SERIES).corrected == 2


def test_holes_of_the_venue_are_no_gaps_until_candles_turn_up(tmp_path: Path) -> None:
    store = CandleStore(tmp_path)
    store.put(SERIES, made(dict.fromkeys([0, 1, 5, 6, 9], 1)), now=NOW)
    store.note_holes(SERIES, (Gap(first=time_of(2), last=time_of(3), count=2),))
    store.note_holes(SERIES, (Gap(first=time_of(3), last=time_of(4), count=2),))

    span = store.read(SERIES)
    missing = store.missing(SERIES, moment(time_of(-2)), moment(time_of(11)))

    assert span.holes == (Gap(first=time_of(2), last=time_of(4), count=3),)
    assert span.gaps == (Gap(first=time_of(7), last=time_of(8), count=2),)
    assert [(each.first, each.count) for each in missing] == [(time_of(-2), 2), (time_of(7), 2), (time_of(10), 1)]
    assert store.missing(SERIES, moment(time_of(5)), moment(time_of(7))) == ()


def test_a_hole_that_was_filled_from_elsewhere_is_none_any_more(tmp_path: Path) -> None:
    store = CandleStore(tmp_path)
    store.put(SERIES, made({0: 1, 9: 1}), now=NOW)
    store.note_holes(SERIES, (Gap(first=time_of(1), last=time_of(8), count=8),))
    store.put(SERIES, made({4: 1, 5: 1}), now=NOW)

    def rows(holes: tuple[Gap, ...]) -> list[tuple[int, int, int]]:
        return [((each.first - START) // STEP, (each.last - START) // STEP, each.count) for each in holes]

    assert rows(store.read(SERIES).holes) == [(1, 3, 3), (6, 8, 3)]
    assert rows(store.read(SERIES, moment(time_of(2) - 1)).holes) == [(2, 3, 2), (6, 8, 3)]
    assert rows(store.read(SERIES, moment(time_of(2)), moment(time_of(7))).holes) == [(2, 3, 2), (6, 6, 1)]
    assert store.read(SERIES, moment(time_of(20))).holes == ()
    assert store.read(SERIES).gaps == ()


@pytest.mark.parametrize("fault", ["flipped", "cut", "empty", "other", "text"])
def test_a_damaged_part_is_said_and_the_rest_stays_readable_and_is_filled_anew(tmp_path: Path, fault: str) -> None:
    store = CandleStore(tmp_path)
    store.put(SERIES, made(dict.fromkeys(range(12), 1)), now=NOW)
    part = folder_of(tmp_path, SERIES) / "2024-03.parquet"
    content = part.read_bytes()
    part.write_bytes(
        {
            "flipped": content[:90] + bytes([content[90] ^ 1]) + content[91:],
            "cut": content[: len(content) // 2],
            "empty": b"",
            "other": (folder_of(tmp_path, SERIES) / "2024-02.parquet").read_bytes()[::-1],
            "text": b"time,open\n",
        }[fault]
    )

    span = store.read(SERIES)
    stored = store.put(SERIES, made({6: 2}), now=NOW)

    assert list(values(span.history)) == [0, 1, 2, 3, 4, 5]
    assert [each.part for each in span.damaged] == ["2024-03.parquet"]
    assert [each.part for each in stored.set_aside] == ["2024-03.damaged-1"]
    assert (store.read(SERIES).damaged, values(store.read(SERIES).history)[6]) == ((), 2)


def test_a_part_of_another_series_is_not_taken_for_ones_own(tmp_path: Path) -> None:
    store, other = CandleStore(tmp_path), replace(SERIES, symbol="ETH/USDT")
    store.put(SERIES, made({0: 1}), now=NOW)
    store.put(other, made({0: 1}, other), now=NOW)
    stray = folder_of(tmp_path, other) / "2024-02.parquet"
    stray.write_bytes((folder_of(tmp_path, SERIES) / "2024-02.parquet").read_bytes())

    assert [each.why for each in store.read(other).damaged] == ["holds binance BTC/USDT 5m"]
    assert [each.part for each in store.set_aside(other)] == ["2024-02.damaged-1"]
    assert store.overview(other).parts == 0


def test_a_lost_or_broken_record_is_found_out_anew(tmp_path: Path) -> None:
    store = CandleStore(tmp_path)
    store.put(SERIES, made({0: 1}), now=NOW)
    for broken in (b"{", b"[]", b'{"phase": null}'):
        (folder_of(tmp_path, SERIES) / "series.json").write_bytes(broken)

        assert store.put(SERIES, made({1: 1}), now=NOW).added in (0, 1)
        assert store.phase(SERIES) == 0


def test_candles_of_another_grid_series_or_shape_are_refused_and_nothing_is_written(tmp_path: Path) -> None:
    store = CandleStore(tmp_path)
    store.put(SERIES, made({0: 1}), now=NOW)
    good = made({1: 1})
    refused = {
        "OFF_GRID": replace(good, time=good.time + 1000),
        "OTHER_CANDLES": replace(good, symbol="ETH/USDT"),
        "UNSOUND_CANDLES": replace(good, high=good.low - 1),
    }

    for code, history in refused.items():
        with pytest.raises(Refused) as error:
            store.put(SERIES, history, now=NOW)
        assert error.value.code == code
    assert values(store.read(SERIES).history) == {0: 1}


def test_a_market_whose_bars_lie_beside_the_clock_keeps_its_own_grid(tmp_path: Path) -> None:
    store, beside = CandleStore(tmp_path), made({0: 1, 1: 1})
    store.put(SERIES, replace(beside, time=beside.time + 7000), now=NOW)

    assert store.phase(SERIES) == 7000
    assert [each.first for each in store.missing(SERIES, moment(START), moment(START + 4 * STEP))] == [time_of(2) + 7000]


NAMES = st.text(min_size=1, max_size=20).filter(str.isprintable)


@settings(max_examples=150, deadline=None)
@given(NAMES, NAMES)
def test_any_name_is_a_folder_inside_and_leads_back(venue: str, symbol: str) -> None:
    series = Series(venue=venue, symbol=symbol, timeframe="1h")
    folder = folder_of(Path("root"), series)

    assert len(folder.parts) == 4
    assert not {"", ".", ".."} & set(folder.parts)
    assert all(letter.isascii() and (letter.isalnum() or letter in "%_-") for part in folder.parts for letter in part)


def test_the_list_leads_back_to_what_was_put_and_passes_strangers_over(tmp_path: Path) -> None:
    store = CandleStore(tmp_path)
    put = [replace(SERIES, symbol=name) for name in ("..", "BTC/USDT:USDT", "a%2Fb", "ÄÖ")]
    for series in put:
        store.put(series, made({0: 1}, series), now=NOW)
    (tmp_path / "notes" / "of mine" / "1h").mkdir(parents=True)
    (tmp_path / "binance" / "X" / "soon").mkdir(parents=True)

    assert store.series() == series_in(tmp_path) == tuple(sorted(put))


@pytest.mark.parametrize("name", ["", "x" * 121, "a\nb", "\x00"], ids=["none", "long", "two lines", "zero"])
def test_what_can_be_no_name_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(Refused):
        CandleStore(tmp_path).put(replace(SERIES, venue=name), made({0: 1}), now=NOW)
    with pytest.raises(Refused):
        CandleStore(tmp_path).read(replace(SERIES, timeframe=name or "../1h"))


def test_writers_at_the_same_time_lose_nothing(tmp_path: Path) -> None:
    """Twelve writers, each of its own rows and with a store of its own, as processes have."""
    put: list[Stored] = []

    def write(number: int) -> None:
        rows = dict.fromkeys(range(number, 60, 12), number)
        put.append(CandleStore(tmp_path).put(SERIES, made(rows), now=NOW))

    writers = [threading.Thread(target=write, args=(number,)) for number in range(12)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()

    assert values(CandleStore(tmp_path).read(SERIES).history) == {row: row % 12 for row in range(60)}
    assert sum(each.added for each in put) == 60


def test_writers_without_the_lock_lose_candles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The broken twin: both read the part before either writes it."""
    both, honest = threading.Barrier(2, timeout=40), candle_store.merged

    def together(part: Part | None, rows: History, at: int) -> Part:
        both.wait()
        return honest(part, rows, at)

    @contextmanager
    def nobody(_folder: Path, *, wait_s: float) -> Iterator[None]:
        yield

    store = CandleStore(tmp_path)
    store.put(SERIES, made({0: 0}), now=NOW)
    monkeypatch.setattr(candle_store, "alone", nobody)
    monkeypatch.setattr(candle_store, "sweep", lambda _folder: 0)
    monkeypatch.setattr(candle_store, "merged", together)
    writers = [threading.Thread(target=store.put, args=(SERIES, made({row: row})), kwargs={"now": NOW}) for row in (1, 2)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()

    assert len(values(store.read(SERIES).history)) == 2


def test_a_writer_that_waits_too_long_gives_up_and_says_so(tmp_path: Path) -> None:
    store = CandleStore(tmp_path, wait_s=0.05)
    store.put(SERIES, made({0: 1}), now=NOW)

    with alone(folder_of(tmp_path, SERIES), wait_s=1), pytest.raises(Unavailable) as error:
        store.put(SERIES, made({1: 1}), now=NOW)

    assert error.value.code == "CANDLES_BUSY"
    assert store.put(SERIES, made({1: 1}), now=NOW).added == 1


def test_an_empty_put_writes_nothing(tmp_path: Path) -> None:
    CandleStore(tmp_path).put(SERIES, from_rows("BTC/USDT", "5m", ()), now=NOW)

    assert list(tmp_path.rglob("*")) == []


def test_a_part_is_parquet_that_anybody_can_read(tmp_path: Path) -> None:
    CandleStore(tmp_path).put(SERIES, made({0: 1}), now=NOW)

    frame = pl.read_parquet(folder_of(tmp_path, SERIES) / "2024-02.parquet")
    assert frame.columns == ["time", "open", "high", "low", "close", "volume"]
    assert frame.row(0) == (START, 101.0, 103.0, 98.0, 102.0, 1010.0)
