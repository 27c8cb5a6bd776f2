"""The contributing guide's strategy works as it stands there, and what the guide names is there."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from config.settings import Settings
from services.domain.ports import StrategySignal
from services.domain.signals import Side
from services.strategies.calls import CallsAll
from services.strategies.indicators import columns
from services.strategies.new import EXAMPLE
from services.strategies.registry import Registry, load_strategies
from tests.strategies.samples import series, walk

ROOT = Path(__file__).resolve().parents[2]
GUIDE = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")


def block(language: str) -> str:
    (found,) = re.findall(rf"```{language}\n(.*?)```", GUIDE, re.DOTALL)
    return str(found)


@pytest.fixture
def loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Registry:
    """Do what the guide says: the file into the folder, the folder into the settings, load."""
    monkeypatch.chdir(tmp_path)
    file = tmp_path / re.findall(r"`(strategies/\w+\.py)`", GUIDE)[0]
    file.parent.mkdir()
    file.write_text(block("python"), encoding="utf-8")
    settings = Settings(**tomllib.loads(block("toml")))
    return load_strategies(settings.strategies.folders, "sortie.tests.none", settings.strategies.parameters)


def test_the_guide_shows_the_strategy_that_new_ones_begin_from() -> None:
    assert block("python") == EXAMPLE.read_text(encoding="utf-8")


def test_the_example_is_loaded_with_its_parameters(loaded: Registry) -> None:
    strategy = loaded.get("three_closes")

    assert strategy is not None
    assert strategy.parameters.stop_atr_min == 2.0  # type: ignore[attr-defined]


def test_the_example_calls_both_sides_with_sound_exits(loaded: Registry) -> None:
    found = _calls(loaded)

    assert {signal.side for signal in found} == set(Side)
    for signal in found:
        assert (signal.entry - signal.stop) * signal.side.sign > 0
        assert all((target - signal.entry) * signal.side.sign > 0 for target in signal.targets)
        assert 0 <= signal.setup <= 40


def test_a_longer_history_does_not_change_the_example(loaded: Registry) -> None:
    strategy = loaded.get("three_closes")
    assert strategy is not None
    candles = walk(5, 900)

    assert isinstance(strategy, CallsAll)
    whole = strategy.calls(columns(candles))
    for end in range(700, 900):
        longer, shorter = series(candles[:end]), series(candles[end - strategy.warm_up : end])
        assert strategy.signals(longer) == strategy.signals(shorter)
        assert [each.side for each in strategy.signals(shorter)] == [each.side for each in [whole.at(end - 1)] if each]


def test_every_folder_of_tests_is_in_the_guide() -> None:
    folders = {f"tests/{each.parent.name}/" for each in ROOT.glob("tests/*/__init__.py")}

    assert folders - set(re.findall(r"`(tests/\w+/)`", GUIDE)) <= {"tests/bench/"}


def test_every_make_target_of_the_guide_exists() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE))

    assert set(re.findall(r"\bmake ([a-z]+)\b", GUIDE + readme)) <= targets


def _calls(loaded: Registry) -> list[StrategySignal]:
    strategy = loaded.get("three_closes")
    assert strategy is not None
    candles = walk(3, 1200)
    ends = range(strategy.warm_up, len(candles) + 1)
    return [signal for end in ends for signal in strategy.signals(series(candles[end - strategy.warm_up : end]))]
