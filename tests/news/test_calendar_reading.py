"""The calendar's file and address: what is wrong with them leaves the last good one, and says so."""

from __future__ import annotations

import os
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from bot.news_fetching import HttpFetch
from bot.system import SystemIds
from config.news import CalendarSettings
from services.market.news.blackouts import CalendarBoard
from services.market.news.calendar_reading import ReadCalendar
from services.operations.calendar_watch import WatchCalendar
from services.storage import incidents
from tests.news.documents import document, signal_on
from tests.news.sites import site, text
from tests.trading.rig import START, Rig, desk_at

MOST = 50_000


def reader(rig: Rig, **settings: object) -> tuple[CalendarBoard, ReadCalendar]:
    board = CalendarBoard(CalendarSettings.model_validate(settings))
    return board, ReadCalendar(rig.trading.database, board, HttpFetch(5, MOST), rig.clock, MOST)


@asynccontextmanager
async def standing(folder: Path) -> AsyncIterator[tuple[Rig, Path, CalendarBoard, ReadCalendar]]:
    """Have a desk that took a calendar with two events from a file."""
    async with desk_at(folder) as rig:
        file = folder / "calendar.json"
        file.write_bytes(document(START, {"at": 5}, {"at": 600}))
        board, read = reader(rig, file=file)
        await read()
        assert board.calendar is not None and not board.problem
        yield rig, file, board, read


def _gone(file: Path) -> None:
    file.unlink()


def _half(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-30])


def _huge(file: Path) -> None:
    file.write_bytes(b" " * (MOST + 1))


def _pipe(file: Path) -> None:
    file.unlink()
    os.mkfifo(file)


def _folder(file: Path) -> None:
    file.unlink()
    file.mkdir()


def _older(file: Path) -> None:
    file.write_bytes(document(START, old=timedelta(hours=9)))


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (_gone, "UNREACHABLE: calendar.json: No such file"),
        (_half, "NOT_A_CALENDAR: the document: not JSON"),
        (_huge, "TOO_LARGE: calendar.json has more than 50000 bytes"),
        (_pipe, "UNREACHABLE: calendar.json is no file"),
        (_folder, "UNREACHABLE: calendar.json is no file"),
        (_older, "NOT_A_CALENDAR: as_of: .* is older than what stands"),
    ],
    ids=["gone", "half", "huge", "pipe", "folder", "older"],
)
async def test_a_spoiled_file_leaves_the_last_good_calendar_and_says_so(
    tmp_path: Path, spoil: Callable[[Path], None], said: str
) -> None:
    async with standing(tmp_path) as (rig, file, board, read):
        before = board.calendar
        spoil(file)
        await read()
        again, restored = reader(rig, file=file)
        await restored.restore()

        assert board.calendar is before and re.match(said, board.problem), board.problem
        assert again.calendar == before


async def test_a_mended_file_is_taken_and_the_problem_is_over(tmp_path: Path) -> None:
    async with standing(tmp_path) as (rig, file, board, read):
        whole = file.read_bytes()
        _half(file)
        await read()
        file.write_bytes(whole)
        await read()
        assert not board.problem

        file.write_bytes(document(START, {"at": 900, "title": "FOMC"}, old=timedelta(0)))
        await read()
        again, restored = reader(rig, file=file)
        await restored.restore()

        assert [each.title for each in board.ahead(START, 5)] == ["FOMC"]
        assert again.calendar == board.calendar


async def test_the_calendar_of_another_source_is_not_gone_by(tmp_path: Path) -> None:
    async with standing(tmp_path) as (rig, _file, _board, _read):
        other, restored = reader(rig, file=tmp_path / "other.json")
        nothing, idle = reader(rig)
        await restored.restore()
        await idle.restore()
        await idle()

        assert other.calendar is None and nothing.calendar is None


async def test_what_was_kept_too_long_is_no_data_when_it_comes_back(tmp_path: Path) -> None:
    async with standing(tmp_path) as (rig, file, board, _read):
        rig.clock.advance(8 * 86_400)
        again, restored = reader(rig, file=file)
        await restored.restore()

        answer = again.about(signal_on("BTC/USDT", rig.clock.now()), rig.clock.now())
        assert answer is not None and answer.until <= rig.clock.now()
        assert board.outdated(rig.clock.now())


async def test_an_address_gives_the_same_and_what_it_gives_wrong_is_refused(tmp_path: Path) -> None:
    good = document(START, {"at": 5})
    async with desk_at(tmp_path) as rig, site({"/good": text(good), "/page": text("<html>Sign in</html>")}) as address:
        board, read = reader(rig, url=f"{address}/good")
        page, read_page = reader(rig, url=f"{address}/page")
        missing, read_missing = reader(rig, url=f"{address}/missing")
        for each in (read, read_page, read_missing, read):
            await each()

        assert [each.title for each in board.ahead(START, 5)] == ["CPI"] and not board.problem
        assert page.calendar is None and page.problem.startswith("NOT_A_CALENDAR: the document: not JSON")
        assert missing.problem == "STATUS: HTTP 404"


async def test_a_calendar_that_stays_spoiled_is_told_and_a_good_one_ends_it(tmp_path: Path) -> None:
    async def open_ones(rig: Rig) -> list[str]:
        return [f"{each.code} {each.facts['reason']}" for each in await rig.read(incidents.open_incidents)]

    async with standing(tmp_path) as (rig, file, board, read):
        watch, whole = WatchCalendar(rig.trading.database, read, board, rig.clock, SystemIds()), file.read_bytes()
        await watch()
        _half(file)
        await watch()
        once = await open_ones(rig)
        await watch()
        twice = await open_ones(rig)
        file.write_bytes(whole)
        await watch()
        mended = await open_ones(rig)
        rig.clock.advance(8 * 86_400)
        await watch()
        old = await open_ones(rig)
        file.write_bytes(document(rig.clock.now()))
        await watch()

        assert (once, mended, await open_ones(rig)) == ([], [], [])
        assert twice[0].startswith("CALENDAR_STALE the last good one stands: NOT_A_CALENDAR: the document: not JSON")
        assert old == ["CALENDAR_STALE no data"]
