"""``sortie candles`` as a person meets it: what it says, what it keeps, and its exit codes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from bot.__main__ import app
from handlers.cli import candles
from services.domain.errors import Unavailable
from services.market.history import Gap, moment
from services.market.store.candle_store import CandleStore
from services.market.store.importing import ImportCandles, find_clash
from services.market.store.places import Series, candle_folder, folder_of
from tests.history.made import NOW, SERIES, made, time_of, values
from tests.history.venue import HandedClock, PastVenue

HOUR = Series(venue="binance", symbol="BTC/USDT", timeframe="1h")


def written(folder: Path, rows: dict[int, int], *, ahead: timedelta = timedelta(0), more: str = "") -> Path:
    history = made(rows)
    lines = [
        f"{(each.time + ahead).isoformat()},{each.open},{each.high},{each.low},{each.close},{each.volume}"
        for each in history.candles()
    ]
    file = folder / "candles.csv"
    file.write_text("\n".join(["time,open,high,low,close,volume", *lines, more]))
    return file


@pytest.fixture
def store(tmp_path: Path) -> CandleStore:
    return CandleStore(tmp_path / "candles")


def bring(store: CandleStore, file: Path, *, skip_bad: bool = False, replace: bool = False) -> int:
    return candles.import_candles(store, HandedClock(), file, SERIES, skip_bad=skip_bad, replace=replace)


def test_an_import_says_what_it_did_and_again_that_all_is_known(
    store: CandleStore, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = written(tmp_path, dict.fromkeys(range(10), 1))

    assert bring(store, file) == candles.DONE
    assert capsys.readouterr().out == "binance BTC/USDT 5m: 10 new, 0 known, 0 corrected\n"
    assert bring(store, file) == candles.DONE
    assert "0 new, 10 known" in capsys.readouterr().out


def test_a_bad_file_leaves_the_store_as_it_was_unless_its_sound_rows_are_asked_for(
    store: CandleStore, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = written(tmp_path, dict.fromkeys(range(3), 1), more="2024-03-01T01:00:00Z,nan,1,1,1,1\n")

    assert bring(store, file) == candles.FAILED
    said = capsys.readouterr().err
    assert "refused  a price or the volume is NaN or infinite: 1 × at line 5" in said
    assert "--skip-bad" in said
    assert store.series() == ()

    assert bring(store, file, skip_bad=True) == candles.DONE
    assert "3 new, 0 known, 0 corrected, 1 left out" in capsys.readouterr().out


def test_a_file_of_another_market_is_not_mixed_in_and_can_win_on_demand(
    store: CandleStore, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bring(store, written(tmp_path, dict.fromkeys(range(30), 1)))
    other = written(tmp_path, dict.fromkeys(range(30), 7))

    assert bring(store, other) == candles.FAILED
    assert "30 of the 30 candles that are there already differ; is it the same market?" in capsys.readouterr().err
    assert set(values(store.read(SERIES).history).values()) == {1}

    assert bring(store, other, replace=True) == candles.DONE
    assert "30 corrected" in (said := capsys.readouterr().out)
    assert "close 102 -> 108" in said


@pytest.mark.parametrize(("hours", "said"), [(2, "2 h ahead of"), (-5, "5 h behind")])
def test_a_file_in_another_time_zone_is_told_as_that(
    store: CandleStore, tmp_path: Path, capsys: pytest.CaptureFixture[str], hours: int, said: str
) -> None:
    rows = {row: row * 7919 % 101 for row in range(200)}
    bring(store, written(tmp_path, rows))

    assert bring(store, written(tmp_path, rows, ahead=timedelta(hours=hours))) == candles.FAILED
    assert said in capsys.readouterr().err


def test_a_few_corrected_candles_are_no_clash(store: CandleStore, tmp_path: Path) -> None:
    rows = dict.fromkeys(range(40), 1)
    ImportCandles(store, HandedClock())(written(tmp_path, rows), SERIES)

    imported = ImportCandles(store, HandedClock())(written(tmp_path, rows | {3: 2, 4: 2}), SERIES)

    assert imported.stored is not None
    assert imported.stored.corrected == 2
    assert find_clash(made({1: 1}), made({1: 2})) is None


def test_the_list_shows_series_with_what_is_missing_and_damage_makes_it_fail(
    store: CandleStore, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert candles.list_candles(store, as_json=False) == candles.DONE
    assert "there are no candles" in capsys.readouterr().out
    store.put(SERIES, made({0: 1, 1: 1, 5: 1, 20: 1}), now=NOW)

    assert candles.list_candles(store, as_json=False) == candles.DONE
    assert capsys.readouterr().out.splitlines()[1].split() == (
        ["binance", "BTC/USDT", "5m", "4", "2024-02-29", "23:30", "2024-03-01", "01:10", "17", "0"]
    )
    (folder_of(tmp_path / "candles", SERIES) / "2024-03.parquet").write_bytes(b"PAR1")
    assert candles.list_candles(store, as_json=True) == candles.FAILED
    out = capsys.readouterr()
    assert json.loads(out.out)[0]["damaged"] == ["2024-03.parquet"]
    assert "DAMAGED" in out.err


def test_gaps_name_what_may_be_had_and_what_the_venue_has_not(store: CandleStore, capsys: pytest.CaptureFixture[str]) -> None:
    store.put(SERIES, made({0: 1, 3: 1, 5: 1}), now=NOW)
    store.note_holes(SERIES, (Gap(first=time_of(4), last=time_of(4), count=1),))

    assert candles.show_gaps(store, SERIES, as_json=False) == candles.DONE
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].split() == ["2024-02-29", "23:35", "2024-02-29", "23:40", "2", "missing"]
    assert "the venue has none" in lines[2]
    assert lines[3] == "binance BTC/USDT 5m: 2 missing of 3 there"
    assert candles.show_gaps(store, HOUR, as_json=False) == candles.FAILED


def test_a_check_names_damage_and_sets_it_aside_on_demand(
    store: CandleStore, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store.put(SERIES, made(dict.fromkeys(range(12), 1)), now=NOW)
    assert candles.check_candles(store, set_aside=False) == candles.DONE
    part = folder_of(tmp_path / "candles", SERIES) / "2024-02.parquet"
    part.write_bytes(part.read_bytes()[:-9])

    assert candles.check_candles(store, set_aside=False) == candles.FAILED
    assert candles.check_candles(store, set_aside=True) == candles.FAILED
    assert "2024-02.damaged-1" in capsys.readouterr().err
    assert candles.check_candles(store, set_aside=False) == candles.DONE


def opened(venue: PastVenue) -> Callable[[], AbstractAsyncContextManager[PastVenue]]:
    @asynccontextmanager
    async def source() -> AsyncIterator[PastVenue]:
        yield venue

    return source


def filled(store: CandleStore, venue: PastVenue, until: datetime | None = None) -> int:
    end = until or moment(time_of(40))
    return candles.fill_candles(store, HandedClock(), opened(venue), SERIES, moment(time_of(0)), end, anew=False)


def test_a_fill_says_what_came_and_a_failing_venue_that_it_goes_on(
    store: CandleStore, capsys: pytest.CaptureFixture[str]
) -> None:
    venue = PastVenue(dict.fromkeys(range(38), 1))
    venue.failing = {1: Unavailable("MARKET_REFUSED", venue="binance")}

    assert filled(store, venue) == candles.FAILED
    assert "the same command goes on from there" in capsys.readouterr().err
    assert filled(store, venue) == candles.DONE
    out = capsys.readouterr()
    assert "38 new in " in out.out
    assert "2 are still missing" in out.err


def test_a_fill_that_is_interrupted_keeps_what_came(store: CandleStore, capsys: pytest.CaptureFixture[str]) -> None:
    venue = PastVenue(dict.fromkeys(range(38), 1), most=10)
    venue.failing = {3: KeyboardInterrupt()}

    assert filled(store, venue) == candles.STOPPED
    assert "stopped; what came is stored" in capsys.readouterr().err
    assert len(store.read(SERIES).history) == 20
    assert filled(store, venue) == candles.DONE


def test_the_shell_command_keeps_candles_in_the_desks_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SORTIE_DESK__STATE_DIR", str(tmp_path / "state"))
    file = written(tmp_path, dict.fromkeys(range(3), 1))
    named = ["--venue", "binance", "--symbol", "BTC/USDT", "--timeframe", "5m"]

    def run(*words: str) -> Any:
        return CliRunner().invoke(app, ["candles", *words])

    assert run("import", str(file), *named).exit_code == 0
    assert run("list").exit_code == run("check").exit_code == run("gaps", "binance", "BTC/USDT", "5m").exit_code == 0
    assert len(CandleStore(candle_folder(tmp_path / "state")).read(SERIES).history) == 3
    assert run("fill", "binance", "BTC/USDT", "5m", "--since", "soon").exit_code == 2
    assert run("gaps", "binance", "BTC/USDT", "5 minutes").exit_code == 1


async def test_a_venue_of_no_name_is_refused_before_anything_is_asked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from bot.candle_wiring import past_candles
    from bot.system import SystemClock
    from config.settings import Settings

    clock = SystemClock()
    settings = Settings(desk={"state_dir": tmp_path})  # type: ignore[arg-type]
    code = await asyncio.to_thread(
        candles.fill_candles,
        CandleStore(tmp_path),
        clock,
        lambda: past_candles(settings, "nowhere", clock),
        Series(venue="nowhere", symbol="BTC/USDT", timeframe="1h"),
        NOW,
        None,
        anew=False,
    )

    assert code == candles.FAILED
    assert "UNKNOWN_EXCHANGE" in capsys.readouterr().err
