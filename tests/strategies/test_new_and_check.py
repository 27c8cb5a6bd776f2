"""``sortie strategy``: what it writes runs green, and what it finds is told with the candle."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from services.domain.errors import Misconfigured
from services.strategies.new import write_strategy

from .samples import SHARED

ROOT = Path(__file__).parents[2]
PEEKS = """
import numpy as np

from services.strategies.calls import Calls, FromCalls


class Peeks(FromCalls):
    name, version, warm_up = "peeks", "1.0", 3

    def calls(self, bars):
        rises = np.append(bars.close[1:] > bars.close[:-1], False)
        rises[:3] = False
        return Calls(
            side=rises.astype(np.int8),
            entry=bars.close,
            stop=bars.close * 0.99,
            targets=bars.close[:, None] * 1.02,
            setup=np.full(len(bars), 20.0),
            leave=np.zeros(len(bars), dtype=np.int8),
            explain=lambda row: ("it will rise", {}),
        )


STRATEGY = Peeks
"""


def sortie(*arguments: str, at: Path) -> subprocess.CompletedProcess[str]:
    return run("-m", "bot", *arguments, at=at)


def run(*arguments: str, at: Path) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("SORTIE_", "PYTEST_", "COV_"))}
    environment = {**clean, "PYTHONPATH": str(ROOT)}
    return subprocess.run([sys.executable, *arguments], cwd=at, env=environment, capture_output=True, text=True, timeout=120)


def test_a_new_strategy_and_its_test_are_green_as_written(tmp_path: Path) -> None:
    made = sortie("strategy", "new", "quick_turn", at=tmp_path)
    tested = run("-m", "pytest", "-q", "-p", "no:cacheprovider", "strategies/test_quick_turn.py", at=tmp_path)
    checked = sortie("strategy", "check", "strategies/quick_turn.py", at=tmp_path)

    assert (made.returncode, made.stderr) == (0, "")
    assert "/enable quick_turn" in made.stdout
    assert tested.returncode == 0, tested.stdout
    assert "3 passed" in tested.stdout
    assert (checked.returncode, checked.stderr) == (0, "")
    assert checked.stdout.startswith("quick_turn 1.0: no fault found on ")
    assert "three_closes" not in (tmp_path / "strategies" / "test_quick_turn.py").read_text()


def test_a_strategy_that_peeks_fails_the_check_with_candle_and_meaning(tmp_path: Path) -> None:
    (tmp_path / "peeks.py").write_text(PEEKS, encoding="utf-8")

    told = sortie("strategy", "check", "peeks.py", at=tmp_path)
    asked = sortie("strategy", "check", "peeks.py", "--json", at=tmp_path)

    assert told.returncode == asked.returncode == 1
    assert "LOOK_AHEAD: peeks says something else once later candles are cut off" in told.stdout
    (first, *_) = json.loads(asked.stdout)
    assert first["fault"] == "LOOK_AHEAD"
    assert first["candle"].startswith("2025-")
    assert {first["said"], first["expected"]} > {"nothing"}


@pytest.mark.skipif(not SHARED.exists(), reason=f"no recorded candles at {SHARED}")
def test_a_loaded_strategy_is_tried_on_a_file_of_candles(tmp_path: Path) -> None:
    told = sortie("strategy", "check", "liquidity_sweep", "--data", str(SHARED / "BTCUSDT-1h.csv.gz"), at=tmp_path)

    assert told.returncode == 0, told.stderr
    assert told.stdout == "liquidity_sweep 1.0: no fault found on 20000 candles.\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("astrology",), "STRATEGY, reference astrology"),
        (("nowhere.py",), "STRATEGY_FILE"),
        (("trend", "--data", "nowhere.csv"), "CANDLES_REFUSED"),
    ],
    ids=["unknown name", "no such file", "no such candles"],
)
def test_what_is_not_there_is_said_in_one_line(tmp_path: Path, arguments: tuple[str, ...], said: str) -> None:
    told = sortie("strategy", "check", *arguments, at=tmp_path)

    assert told.returncode == 1
    assert told.stderr.startswith(said)
    assert len(told.stderr.splitlines()) == 1


@pytest.mark.parametrize("name", ["", "Trend", "two words", "../up", "x" * 33, "9lives", "trend"])
def test_a_name_that_no_strategy_may_have_writes_nothing(tmp_path: Path, name: str) -> None:
    with pytest.raises(Misconfigured, match="STRATEGY_"):
        write_strategy(name, tmp_path / "mine")

    assert list(tmp_path.iterdir()) == []


def test_files_that_are_there_are_not_overwritten(tmp_path: Path) -> None:
    written = write_strategy("mine", tmp_path)
    written.strategy.unlink()
    written.test.write_text("precious", encoding="utf-8")

    with pytest.raises(Misconfigured, match="FILE_EXISTS"):
        write_strategy("mine", tmp_path)

    assert written.test.read_text() == "precious"
    assert not written.strategy.exists()


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(Misconfigured, match="STRATEGY_FOLDER"):
        write_strategy("mine", tmp_path / "file")
