"""The market as a program: its arguments, its state over a restart, and a real process that is started and stopped."""

import argparse
import asyncio
import json
import signal
import sys
from pathlib import Path

import aiohttp
import pytest

from sandbox.exchange.arguments import add_arguments, build_market
from sandbox.exchange.errors import CandleFileError, MarketError, StartRefused, StateError
from sandbox.exchange.market import Market
from tests.sandbox_exchange.stand import NOON_MS, HandClock, candle_file, candle_rows

ROOT = Path(__file__).parents[2]


def market_of(*words: str, clock: HandClock | None = None) -> Market:
    parser = argparse.ArgumentParser(exit_on_error=False)
    parser.add_argument("--state")
    add_arguments(parser)
    return build_market(parser.parse_args(list(words)), clock or HandClock())


def test_without_arguments_a_seeded_market_is_held() -> None:
    info = market_of().info()

    assert (info.source, info.seed, info.bar_seconds, info.started) == ("seeded", 7, 60, False)


def test_a_numbered_start_runs_at_once_on_the_wall_clock_grid() -> None:
    clock = HandClock()
    clock.forward(7)
    market = market_of("--seed", "3", "--bar", "10", "--start", "650", clock=clock)

    assert market.info().index == 650
    assert market.snapshot().grid.opens_at == NOON_MS


@pytest.mark.parametrize(
    "words",
    [
        ("--bar", "0"),
        ("--bar", "1.5"),
        ("--bar", "90000"),
        ("--start", "soon"),
        ("--start", "-1"),
        ("--seed", "x"),
    ],
)
def test_bad_arguments_are_refused_by_the_parser(words: tuple[str, ...]) -> None:
    with pytest.raises((argparse.ArgumentError, SystemExit)):
        market_of(*words)


def test_bad_markets_are_refused_with_a_market_error(tmp_path: Path) -> None:
    candles = str(candle_file(tmp_path, candle_rows(510)))

    with pytest.raises(StartRefused, match="start at 500 or later"):
        market_of("--start", "499")
    with pytest.raises(StartRefused, match="ends at bar 509"):
        market_of("--candles", candles, "--start", "510")
    with pytest.raises(MarketError, match="give one of them"):
        market_of("--candles", candles, "--seed", "1")
    with pytest.raises(CandleFileError):
        market_of("--candles", str(tmp_path / "BTCUSDT-none.csv"))


def test_a_restarted_market_goes_on_at_wall_time(tmp_path: Path) -> None:
    clock = HandClock()
    state = ("--state", str(tmp_path / "state"))
    first = market_of("--seed", "5", "--bar", "10", *state, clock=clock)
    first.start(600, 4)
    clock.forward(100)
    waiting = market_of(*state, clock=clock)
    waiting.look()
    grid = waiting.snapshot().grid
    clock.forward(1_234)
    again = market_of("--seed", "5", "--bar", "10", "--start", "900", *state, clock=clock)

    assert waiting.info().seed == 5
    assert again.snapshot().grid == grid
    assert again.snapshot().index == 600 + (6_000 + 1_234_000) // 10_000
    assert again.snapshot().position("BTCUSDT") == waiting.snapshot().position("BTCUSDT")


def test_a_held_market_stays_held_and_may_be_started_by_number_later(tmp_path: Path) -> None:
    state = ("--state", str(tmp_path))

    assert not market_of(*state).info().started
    assert not market_of(*state).info().started
    assert market_of("--start", "700", *state).info().index == 700


@pytest.mark.parametrize("words", [("--seed", "6"), ("--bar", "30")])
def test_another_market_in_the_same_folder_begins_anew(tmp_path: Path, words: tuple[str, ...]) -> None:
    state = ("--state", str(tmp_path))
    market_of("--seed", "5", "--start", "600", *state)

    assert not market_of(*words, *state).info().started
    assert not market_of(*state).info().started


def test_a_kept_recording_goes_on_without_arguments_until_its_file_changes(tmp_path: Path) -> None:
    candles = candle_file(tmp_path, candle_rows(600))
    state = ("--state", str(tmp_path / "state"))
    market_of("--candles", str(candles), "--start", "550", *state)
    same = market_of(*state)
    candle_file(tmp_path, candle_rows(601))
    changed = market_of(*state)

    assert same.info().index == 550
    assert changed.source.kind == "recorded"
    assert not changed.info().started


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"version": 2}', '{"version": 1, "played": 3, "placement": 4}'])
def test_a_damaged_state_is_told_with_its_file(tmp_path: Path, content: str) -> None:
    (tmp_path / "market.json").write_text(content, encoding="utf-8")

    with pytest.raises(StateError, match=r"market\.json: cannot be read .* remove it to begin a new market"):
        market_of("--state", str(tmp_path))


async def started(*words: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "sandbox.exchange", *words, cwd=ROOT, stderr=asyncio.subprocess.PIPE
    )


def read_announcement(ready: Path) -> dict[str, int] | None:
    return json.loads(ready.read_text(encoding="utf-8")) if ready.exists() else None


async def port_of(process: asyncio.subprocess.Process, ready: Path) -> int:
    async with asyncio.timeout(30):
        while (announced := read_announcement(ready)) is None:
            assert process.returncode is None, await process.communicate()
            await asyncio.sleep(0.02)
    assert announced["pid"] == process.pid
    return announced["port"]


async def test_the_program_serves_dies_and_goes_on(tmp_path: Path) -> None:
    ready = tmp_path / "ready.json"
    words = ("--ready-file", str(ready), "--state", str(tmp_path / "state"), "--seed", "9", "--start", "640")
    async with aiohttp.ClientSession() as session:
        process = await started(*words)
        address = f"http://127.0.0.1:{await port_of(process, ready)}"
        url = "/exchange/api/v3/klines?symbol=BTCUSDT&interval=1m&limit=5"
        async with session.get(address + url) as response:
            before = await response.json()
        process.kill()
        await process.communicate()
        ready.unlink()
        process = await started(*words)
        address = f"http://127.0.0.1:{await port_of(process, ready)}"
        async with session.get(address + url) as response:
            after = await response.json()
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(2):
            _, errors = await process.communicate()

    assert (process.returncode, errors) == (0, b"")
    closed = {row[0]: row for row in before[:-1]}
    assert [row for row in after if row[0] in closed] == [closed[row[0]] for row in after if row[0] in closed] != []


async def test_the_program_says_which_row_is_wrong(tmp_path: Path) -> None:
    rows = candle_rows(600)
    rows[41] = rows[41].replace(",", ";", 1)
    path = candle_file(tmp_path, rows)
    process = await started("--candles", str(path))
    _, errors = await process.communicate()

    assert process.returncode == 2
    assert f"{path}, line 43: 5 columns, expected 6" in errors.decode()


async def test_accounts_go_on_after_a_kill(tmp_path: Path) -> None:
    ready, accounts = tmp_path / "ready.json", tmp_path / "accounts.json"
    words = ("--ready-file", str(ready), "--state", str(tmp_path / "state"), "--accounts", str(accounts), "--start", "640")
    buy = {"symbol": "BTCUSDT", "side": "BUY", "quantity": "0.01"}
    async with aiohttp.ClientSession() as session:
        process = await started(*words)
        address = f"http://127.0.0.1:{await port_of(process, ready)}/market/accounts"
        async with session.post(f"{address}/main/order", json=buy) as response:
            order = await response.json()
        async with session.get(address) as response:
            before = await response.json()
        process.kill()
        await process.communicate()
        ready.unlink()
        process = await started(*words)
        address = f"http://127.0.0.1:{await port_of(process, ready)}/market/accounts"
        async with session.get(address) as response:
            after = await response.json()
        async with session.get(f"{address}/main") as response:
            truth = await response.json()
        process.terminate()
        _, errors = await process.communicate()

    assert (after, errors) == (before, b"")
    assert [each["orderId"] for each in truth["orders"]] == [order["orderId"]]
    assert json.loads(accounts.read_text("utf-8"))["accounts"][0]["key"] == before["accounts"][0]["key"]
