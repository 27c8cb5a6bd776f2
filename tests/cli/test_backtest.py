"""``sortie backtest`` as a person types it: a report in a folder and a table, or one clear line on what is wrong."""

from __future__ import annotations

import gzip
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.research.test_known_answer import walk

ROOT = Path(__file__).parents[2]
PLUGIN = ROOT / "bench" / "strategies" / "ema_cross.py"
WITHIN_S = 240

Sortie = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def candles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a file of 3,000 hourly candles."""
    history = walk(4, 3_000, 0.01)
    file = tmp_path_factory.mktemp("candles") / "BTCUSDT-1h.csv"
    lines = ["timestamp,open,high,low,close,volume"]
    for row in range(len(history)):
        at = datetime.fromtimestamp(history.time[row] / 1000 + 1_704_067_200, UTC)
        values = ",".join(repr(float(column[row])) for _, column in history.columns())
        lines.append(f"{at:%Y-%m-%dT%H:%M:%SZ},{values}")
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return file


@pytest.fixture
def sortie(tmp_path: Path) -> Sortie:
    def run(*arguments: object) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command(tmp_path, *arguments),
            cwd=tmp_path,
            env=environment(tmp_path),
            capture_output=True,
            text=True,
            timeout=WITHIN_S,
            check=False,
        )

    return run


def command(folder: Path, *arguments: object) -> Sequence[str]:
    quick = ("--no-idle", "--runs", "2", "--draws", "10")
    return [sys.executable, "-m", "bot", "backtest", *map(str, arguments), *quick, "--out", str(folder / "report")]


def environment(folder: Path) -> dict[str, str]:
    plain = {name: value for name, value in os.environ.items() if not name.startswith("SORTIE_")}
    return plain | {"SORTIE_DESK__STATE_DIR": str(folder / "state"), "PYTHONPATH": str(ROOT)}


def test_a_file_is_played_and_leaves_a_table_a_page_and_a_document(sortie: Sortie, candles: Path, tmp_path: Path) -> None:
    done = sortie(
        PLUGIN,
        "--file",
        candles,
        "--set",
        "fast=10",
        "--rule",
        "taker=0.0005",
        "--rule",
        "sizing=notional",
        "--rule",
        "size=500",
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert "Win rate" in done.stdout
    document = json.loads((tmp_path / "report" / "report.json").read_text(encoding="utf-8"))
    assert document["parameters"]["fast"] == 10
    assert (document["rules"]["taker"], document["rules"]["sizing"]) == (0.0005, "notional")
    assert document["figures"]["trades"] == len(document["trades"]) > 30
    assert document["at_random"]["runs"] == 2
    assert (tmp_path / "report" / "report.html").read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert sorted(each.name for each in (tmp_path / "report").iterdir()) == ["report.html", "report.json"]


def test_stored_candles_are_played_over_a_span_for_several_instruments(sortie: Sortie, candles: Path, tmp_path: Path) -> None:
    for symbol in ("BTC/USDT", "ETH/USDT"):
        arguments = ("candles", "import", str(candles), "--venue", "binance", "--symbol", symbol, "--timeframe", "1h")
        brought = subprocess.run(
            [sys.executable, "-m", "bot", *arguments], env=environment(tmp_path), cwd=tmp_path, capture_output=True, check=False
        )
        assert brought.returncode == 0, brought.stderr

    symbols = ("--symbol", "BTC/USDT", "--symbol", "ETH/USDT")
    done = sortie("trend", *symbols, "--timeframe", "1h", "--since", "2024-01-15", "--until", "2024-04-01", "--json")

    assert (done.returncode, done.stderr) == (0, "")
    document = json.loads((tmp_path / "report" / "report.json").read_text(encoding="utf-8"))
    first, second = document["instruments"]
    assert (first["symbol"], second["symbol"]) == ("BTC/USDT", "ETH/USDT")
    assert first["candles"] == (datetime(2024, 4, 1) - datetime(2024, 1, 15)).days * 24  # noqa: DTZ001


WRONG: dict[str, tuple[Sequence[str], str]] = {
    "an unknown strategy": (("astrology", "--file", "{candles}"), "NO_STRATEGY"),
    "no candles named": (("trend",), "BACKTEST_CANDLES"),
    "nothing stored": (("trend", "--symbol", "BTC/USDT", "--timeframe", "1h"), "NO_CANDLES"),
    "a span without candles": (("trend", "--file", "{candles}", "--since", "2031-01-01"), "NO_CANDLES"),
    "too few candles": (("trend", "--file", "{candles}", "--until", "2024-01-02"), "TOO_FEW_CANDLES"),
    "an unknown rule": (("trend", "--file", "{candles}", "--rule", "luck=1"), "RULE"),
    "a rule out of range": (("trend", "--file", "{candles}", "--rule", "taker=7"), "RULE"),
    "an unknown parameter": (("trend", "--file", "{candles}", "--set", "luck=1"), "STRATEGY_PARAMETER_UNKNOWN"),
    "a file that is none": (("trend", "--file", "{garbage}"), "CANDLE_FILE"),
    "funding that is none": (("trend", "--file", "{candles}", "--funding", "{garbage}"), "FUNDING_FILE"),
    "a plug-in that is broken": (("{broken}", "--file", "{candles}"), "STRATEGY_FAILED"),
}


@pytest.mark.parametrize(("arguments", "code"), WRONG.values(), ids=list(WRONG))
def test_what_is_wrong_is_said_in_one_line(
    arguments: Sequence[str], code: str, sortie: Sortie, candles: Path, tmp_path: Path
) -> None:
    garbage = tmp_path / "garbage.csv.gz"
    garbage.write_bytes(gzip.compress(b"\0\x01 nothing of use")[:-4])
    broken = tmp_path / "broken.py"
    broken.write_text(
        PLUGIN.read_text(encoding="utf-8").replace("rules = self.parameters\n", "rules = None\n", 1), encoding="utf-8"
    )

    done = sortie(*(each.format(candles=candles, garbage=garbage, broken=broken) for each in arguments))

    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith(f"no backtest: {code}")
    assert not (tmp_path / "report" / "report.json").exists()


def test_ctrl_c_ends_both_processes_and_leaves_no_report(candles: Path, tmp_path: Path) -> None:
    slow = tmp_path / "slow.py"
    text = PLUGIN.read_text(encoding="utf-8")
    slow.write_text(
        text.replace(
            "        rules = self.parameters\n",
            '        import time\n        print("here", flush=True)\n        time.sleep(600)\n',
            1,
        ),
        encoding="utf-8",
    )
    process = subprocess.Popen(
        command(tmp_path, slow, "--file", candles),
        cwd=tmp_path,
        env=environment(tmp_path),
        stderr=subprocess.PIPE,
        text=True,
        # Where the tests run in the background of a shell, it is not heard otherwise.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    log = tmp_path / "report" / "worker.log"
    end = time.monotonic() + WITHIN_S
    while not (log.exists() and "here" in log.read_text(encoding="utf-8")):
        assert process.poll() is None
        assert time.monotonic() < end
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=WITHIN_S)

    assert process.returncode == 130
    assert "stopped; there is no report" in said
    assert not (tmp_path / "report" / "report.json").exists()


def test_a_run_that_wants_more_memory_than_it_may_says_so(tmp_path: Path, sortie: Sortie, candles: Path) -> None:
    greedy = tmp_path / "greedy.py"
    text = PLUGIN.read_text(encoding="utf-8")
    greedy.write_text(
        text.replace("        rules = self.parameters\n", "        import numpy\n        numpy.ones(1 << 30)\n", 1),
        encoding="utf-8",
    )

    done = sortie(greedy, "--file", candles, "--memory", "1024")

    assert done.returncode == 1
    assert "OUT_OF_MEMORY" in done.stderr
