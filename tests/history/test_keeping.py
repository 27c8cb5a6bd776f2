"""The feed's candles go into the store behind the desk's back: nothing waits for it, and what was lost is counted."""

from __future__ import annotations

import threading
from datetime import datetime
from pathlib import Path

import pytest

from services.domain.errors import Unavailable
from services.market.candles import CandleBook
from services.market.history import History, moment
from services.market.store.behind import Behind
from services.market.store.candle_store import CandleStore, Stored
from services.market.store.keeping import KeepCandles
from services.market.store.places import Series
from tests.history.made import NOW, SERIES, made, time_of, values

PATIENCE_S = 40


class Disk(CandleStore):
    """A store on a disk that hangs while ``open`` is not set, and is full while ``full``."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.open = threading.Event()
        self.open.set()
        self.reached = threading.Event()
        self.full = False

    def put(self, series: Series, history: History, *, now: datetime) -> Stored:
        self.reached.set()
        assert self.open.wait(PATIENCE_S)
        if self.full:
            raise Unavailable("CANDLES_NOT_WRITTEN", folder="here", cause="No space left on device")
        return super().put(series, history, now=now)


def close(book: CandleBook, rows: dict[int, int]) -> None:
    """Let these candles close, and the one after them open."""
    book.put("BTC/USDT", made(rows).candles(), moment(time_of(max(rows) + 2)))


def worked_off(keep: KeepCandles) -> None:
    keep.behind.start()
    assert keep.behind.stop(PATIENCE_S)


def test_candles_are_kept_as_they_close_and_corrections_with_them(tmp_path: Path) -> None:
    store, book = CandleStore(tmp_path), CandleBook("5m", 50)
    close(book, dict.fromkeys(range(10), 1))
    keep = KeepCandles(store, "binance", book, ["BTC/USDT", "ETH/USDT"])
    keep.closed()
    worked_off(keep)
    close(book, {9: 2, 10: 1})
    again = KeepCandles(store, "binance", book, ["BTC/USDT"])
    again.closed()
    worked_off(again)

    assert values(store.read(SERIES).history) == dict.fromkeys(range(11), 1) | {9: 2}
    assert store.overview(SERIES).corrected == 1


def test_a_disk_that_hangs_holds_nobody_up_and_all_is_kept_afterwards(tmp_path: Path) -> None:
    store, book = Disk(tmp_path), CandleBook("5m", 50)
    keep = KeepCandles(store, "binance", book, ["BTC/USDT"])
    store.open.clear()
    keep.behind.start()
    close(book, {0: 1})
    keep.closed()
    assert store.reached.wait(PATIENCE_S)

    for row in range(1, 8):
        close(book, {row: 1})
        keep.closed()
    store.open.set()
    assert keep.behind.stop(PATIENCE_S)

    assert list(values(store.read(SERIES).history)) == list(range(8))
    assert keep.lost == 0


def test_what_a_full_disk_refused_is_kept_later_unless_the_book_forgot_it_which_is_counted(tmp_path: Path) -> None:
    store, book = Disk(tmp_path), CandleBook("5m", 4)
    keep = KeepCandles(store, "binance", book, ["BTC/USDT"])
    close(book, {0: 1, 1: 1})
    keep._work(["BTC/USDT"])
    store.full = True
    for row in range(2, 9):
        close(book, {row: 1})
        keep._work(["BTC/USDT"])
    store.full = False
    keep._work(["BTC/USDT"])

    assert list(values(store.read(SERIES).history)) == [0, 1, 5, 6, 7, 8]
    assert keep.lost == 3


def test_a_thing_that_breaks_the_work_does_not_end_the_thread() -> None:
    done: list[int] = []
    broke = threading.Event()

    def work(batch: list[int]) -> None:
        if 1 in batch:
            broke.set()
            raise ZeroDivisionError
        done.extend(batch)

    behind = Behind("test", work, most=10)
    behind.start()
    behind.offer(1)
    assert broke.wait(PATIENCE_S)
    behind.offer(2)

    assert behind.stop(PATIENCE_S)
    assert done == [2]
    assert not behind.offer(3)


@pytest.mark.parametrize("most", [1, 3])
def test_a_full_queue_takes_nothing_more_and_says_so(most: int) -> None:
    behind = Behind[int]("test", lambda batch: None, most=most)

    assert [behind.offer(each) for each in range(5)] == [True] * most + [False] * (5 - most)


def test_a_thread_that_hangs_is_not_waited_for_longer_than_said() -> None:
    hangs = threading.Event()

    def work(_batch: list[int]) -> None:
        hangs.wait(PATIENCE_S)

    behind = Behind("test", work, most=1)
    behind.start()
    behind.offer(1)

    assert not behind.stop(0.05)
    hangs.set()


def test_the_moment_of_a_put_is_that_of_the_last_candles_end(tmp_path: Path) -> None:
    """Our clock may be behind the exchange's: a candle that the feed calls closed is one."""
    store, book = CandleStore(tmp_path), CandleBook("5m", 50)
    close(book, {0: 1})
    assert moment(time_of(0)) < NOW

    keep = KeepCandles(store, "binance", book, ["BTC/USDT"])
    keep._work(["BTC/USDT"])

    assert list(values(store.read(SERIES).history)) == [0]
