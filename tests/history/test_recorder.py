"""Recordings: whole lines in files of a day, nothing waits for the disk, and what was lost is said."""

from __future__ import annotations

import asyncio
import errno
import gzip
import json
import os
import threading
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from services.domain.market import Quote
from services.domain.money import Price, Quantity
from services.domain.people import Actor
from services.operations import day_files
from services.operations.day_files import DayFiles, NoRoom, read_lines
from services.operations.recorder import JOURNAL, QUOTES, Recorder, RecordJournal
from services.storage import desk
from tests.trading.rig import Rig, desk_at

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
TODAY = NOON.date()
PATIENCE_S = 40


class Now:
    """The recorder's clock, set by the test."""

    def __init__(self) -> None:
        self.at = NOON

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return 0.0

    async def sleep(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


class Disk(DayFiles):
    """Files on a disk that hangs while ``open`` is not set, and is full while ``full``."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, keep_days=3, most_bytes=1 << 20)
        self.open = threading.Event()
        self.open.set()
        self.reached = threading.Event()
        self.full = False

    def append(self, name: str, day: date, lines: Sequence[str]) -> None:
        self.reached.set()
        assert self.open.wait(PATIENCE_S)
        if self.full:
            raise OSError(errno.ENOSPC, "No space left on device")
        super().append(name, day, lines)


def quote(second: int) -> Quote:
    at = NOON + timedelta(seconds=second)
    price, size = Price(Decimal("64000.10")), Quantity(Decimal(1))
    return Quote(symbol="BTC/USDT", bid=price, ask=price, bid_size=size, ask_size=size, feed_time=at, received_at=at)


def lines(folder: Path, name: str) -> list[Any]:
    return [json.loads(line) for day in sorted(folder.iterdir()) for line in read_lines(day, name)]


def test_a_quote_comes_back_as_it_was(tmp_path: Path) -> None:
    recorder = Recorder(DayFiles(tmp_path, keep_days=3, most_bytes=1 << 20), Now())
    recorder.behind.start()
    recorder.quote(quote(1))

    assert recorder.behind.stop(PATIENCE_S)
    assert lines(tmp_path, QUOTES) == [
        {
            "symbol": "BTC/USDT",
            "bid": "64000.10",
            "ask": "64000.10",
            "bid_size": "1",
            "ask_size": "1",
            "feed_time": "2026-11-20 12:00:01+00:00",
            "received_at": "2026-11-20 12:00:01+00:00",
        }
    ]


def test_a_disk_that_hangs_holds_nobody_up_and_the_file_says_what_was_lost(tmp_path: Path) -> None:
    disk = Disk(tmp_path)
    recorder = Recorder(disk, Now(), waiting=10)
    recorder.behind.start()
    disk.open.clear()
    recorder.quote(quote(0))
    assert disk.reached.wait(PATIENCE_S)

    for second in range(1, 31):
        recorder.quote(quote(second))
    disk.open.set()
    assert recorder.behind.stop(PATIENCE_S)

    found = lines(tmp_path, QUOTES)
    lost = next(each for each in found if "lost" in each)
    assert lost == {"lost": 20, "since": "2026-11-20T12:00:11+00:00", "until": "2026-11-20T12:00:30+00:00"}
    assert len(found) == 1 + 31 - 20


def test_quotes_that_a_full_disk_refused_are_counted_with_those_lost_before(tmp_path: Path) -> None:
    disk = Disk(tmp_path)
    recorder = Recorder(disk, Now())
    disk.full = True
    recorder._work([quote(1), quote(2)])
    recorder._work([quote(3)])
    disk.full = False
    recorder._work([quote(4)])

    assert [each.get("lost") for each in lines(tmp_path, QUOTES)] == [3, None]


def note(rig: Rig, number: int) -> None:
    rig.trading.database.write_now(lambda unit: unit.record(Actor.job("test", f"test-{number}"), "test.noted", number=number))


async def test_rows_that_a_full_disk_refused_come_again_in_order_and_once(tmp_path: Path) -> None:
    async with desk_at(tmp_path / "desk") as rig:
        disk = Disk(tmp_path / "record")
        recorder = Recorder(disk, Now())
        journal = RecordJournal(rig.trading.database, recorder)
        recorder.behind.start()
        await journal()
        for number in range(9):
            disk.full = number in (1, 2, 5)
            note(rig, number)
            await journal()
        disk.full = False
        end = asyncio.get_running_loop().time() + PATIENCE_S
        newest = rig.trading.database.read_now(desk.journal_head)
        while newest is not None and recorder.written != newest.sequence and asyncio.get_running_loop().time() < end:
            await journal()
            await asyncio.sleep(0.01)
        recorder.behind.stop(PATIENCE_S)

        assert [each["facts"]["number"] for each in lines(tmp_path / "record", JOURNAL)] == list(range(9))


async def test_a_desk_that_died_goes_on_behind_the_last_whole_line(tmp_path: Path) -> None:
    async with desk_at(tmp_path / "desk") as rig:
        folder = tmp_path / "record"

        async def run_and_die(number: int) -> None:
            recorder = Recorder(DayFiles(folder, keep_days=3, most_bytes=1 << 20), Now())
            journal = RecordJournal(rig.trading.database, recorder)
            recorder.behind.start()
            await journal()
            note(rig, number)
            await journal()
            assert recorder.behind.stop(PATIENCE_S)

        await run_and_die(0)
        with next(folder.glob("*/journal.jsonl")).open("a") as out:
            out.write('{"sequence": 99999, "at"')
        note(rig, 1)
        await run_and_die(2)
        await run_and_die(3)

        found = [line for day in folder.iterdir() for line in read_lines(day, JOURNAL)]
        whole = [json.loads(line) for line in found if "99999" not in line]
        assert [each["facts"]["number"] for each in whole] == [0, 1, 2, 3]
        assert len(found) == 5


def test_days_that_are_over_are_packed_and_read_the_same(tmp_path: Path) -> None:
    files = DayFiles(tmp_path, keep_days=3, most_bytes=1 << 20)
    files.append(QUOTES, TODAY - timedelta(days=1), ['{"a":1}', '{"a":2}'])
    files.append(QUOTES, TODAY, ['{"a":3}'])

    midnight = datetime.combine(TODAY, datetime.min.time(), UTC)
    assert files.tidy(midnight + timedelta(minutes=9)) == []
    assert sorted(file.name for file in tmp_path.glob("*/*")) == ["quotes.jsonl", "quotes.jsonl"]
    assert files.tidy(NOON) == []
    assert sorted(file.name for file in tmp_path.glob("*/*")) == ["quotes.jsonl", "quotes.jsonl.gz"]
    assert [each["a"] for each in lines(tmp_path, QUOTES)] == [1, 2, 3]

    files.append(QUOTES, TODAY - timedelta(days=1), ['{"late":1}'])
    assert lines(tmp_path, QUOTES)[-1] == {"late": 1}


@pytest.mark.parametrize("step", ["replace", "unlink"])
def test_a_death_while_packing_loses_no_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    files = DayFiles(tmp_path, keep_days=3, most_bytes=1 << 20)
    files.append(QUOTES, TODAY - timedelta(days=1), ['{"a":1}'])

    def dies(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as context:
        context.setattr(*((os, "replace", dies) if step == "replace" else (Path, "unlink", dies)))
        with pytest.raises(KeyboardInterrupt):
            files.tidy(NOON)

    assert lines(tmp_path, QUOTES) == [{"a": 1}]
    files.tidy(NOON)
    assert lines(tmp_path, QUOTES) == [{"a": 1}]
    assert [file.name for file in tmp_path.glob("*/*.jsonl*")] == ["quotes.jsonl.gz"]


def test_old_days_go_by_age_and_by_room_and_today_is_never_removed(tmp_path: Path) -> None:
    files = DayFiles(tmp_path, keep_days=3, most_bytes=1000)
    for ago in (4, 3, 2, 1, 0):
        (tmp_path / (TODAY - timedelta(days=ago)).isoformat()).mkdir()
        files.append(QUOTES, TODAY - timedelta(days=ago), [os.urandom(60).hex()])
    (tmp_path / "notes of mine").mkdir()

    assert files.tidy(NOON) == ["2026-11-16", "2026-11-17"]
    files.append(QUOTES, TODAY, ["x" * 700])

    assert [day.name for day in files.days()] == ["2026-11-19", "2026-11-20"]
    with pytest.raises(NoRoom):
        files.append(QUOTES, TODAY, ["x" * 300])
    assert [day.name for day in files.days()] == ["2026-11-20"]
    assert (tmp_path / "notes of mine").is_dir()


def test_half_a_line_that_the_disk_took_before_it_was_full_is_taken_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = DayFiles(tmp_path, keep_days=3, most_bytes=1 << 20)
    files.append(QUOTES, TODAY, ['{"a":1}'])

    def half(out: Any, content: bytes) -> None:
        out.write(content[: len(content) // 2])
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as context:
        context.setattr(day_files, "_write_all", half)
        with pytest.raises(OSError):
            files.append(QUOTES, TODAY, ['{"a":2}'])
    files.append(QUOTES, TODAY, ['{"a":2}'])

    assert lines(tmp_path, QUOTES) == [{"a": 1}, {"a": 2}]


def test_a_recording_is_packed_to_the_same_bytes_each_time(tmp_path: Path) -> None:
    packed = []
    for name in ("one", "two"):
        files = DayFiles(tmp_path / name, keep_days=3, most_bytes=1 << 20)
        files.append(QUOTES, TODAY - timedelta(days=1), ['{"a":1}'])
        files.tidy(NOON)
        packed.append(next((tmp_path / name).glob("*/*.gz")).read_bytes())

    assert packed[0] == packed[1]
    assert gzip.decompress(packed[0]) == b'{"a":1}\n'
