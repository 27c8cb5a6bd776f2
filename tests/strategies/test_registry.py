"""Loading: built-ins, a user's folder, entry points, and every mistake with file, key and fix."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from config.groups import StrategySettings
from services.domain.errors import Misconfigured
from services.domain.signals import Side
from services.strategies import registry
from services.strategies.registry import BUILTIN, load_strategies

from .samples import series, walk

NONE = "sortie.tests.none"
NAMES = (
    "breakout",
    "contraction_breakout",
    "fair_value_gap",
    "liquidity_sweep",
    "mean_reversion",
    "momentum",
    "order_block",
    "trend",
)

USERS_FILE = '''
"""Buy when the last close is above the one before; a strategy as a user writes it."""

from __future__ import annotations

from dataclasses import dataclass

from services.domain.ports import StrategySignal
from services.domain.signals import Side


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    share: float = 0.01
    candles: int = 3
    loud: bool = False
    note: str = ""

    def __post_init__(self) -> None:
        if self.share <= 0:
            raise ValueError(f"share is {self.share}, but must be above 0")


class Riser:
    name = "riser"
    version = "0.1"
    Parameters = Rules

    def __init__(self, rules):
        self.rules = rules

    @property
    def warm_up(self):
        return self.rules.candles

    def signals(self, series):
        if len(series.candles) < self.warm_up or series.candles[-1].close <= series.candles[-2].close:
            return ()
        entry = series.candles[-1].close
        risk = entry * self.rules.share
        return [
            StrategySignal(
                side=Side.LONG,
                entry=entry,
                stop=entry - risk,
                targets=(entry + 2 * risk,),
                setup=20,
                reason="it rose",
                facts={},
            )
        ]


STRATEGY = Riser
'''


def write(folder: Path, text: str, name: str = "riser.py") -> Path:
    file = folder / name
    file.write_text(text, encoding="utf-8")
    return file


def failure(folder: Path, **parameters: dict[str, object]) -> Misconfigured:
    with pytest.raises(Misconfigured) as caught:
        load_strategies((folder,), NONE, parameters)
    assert {"file", "key", "fix"} <= caught.value.values.keys()
    return caught.value


def test_the_built_in_strategies_are_there_without_any_setting() -> None:
    loaded = load_strategies((), NONE)

    assert loaded.names() == NAMES
    assert [each.name for each in loaded.all()] == list(loaded.names())
    assert loaded.get("trend") is loaded.all()[-1]
    assert set(StrategySettings().sandboxed) == set(NAMES) - {"breakout", "mean_reversion", "trend"}
    assert loaded.get("astrology") is None
    assert loaded.origin("trend") == str(BUILTIN / "trend.py")


def test_a_users_file_in_a_folder_is_a_strategy_like_the_others(tmp_path: Path) -> None:
    file = write(tmp_path, USERS_FILE)
    write(tmp_path, "raise RuntimeError", "_notes.py")
    rising = sorted(walk(31, 5), key=lambda each: each.close)

    loaded = load_strategies((tmp_path,), NONE, {"riser": {"share": 1, "candles": 4}})
    strategy = loaded.get("riser")

    assert loaded.names() == tuple(sorted((*NAMES, "riser")))
    assert loaded.origin("riser") == str(file)
    assert strategy is not None
    assert strategy.warm_up == 4
    (signal,) = strategy.signals(series(rising))
    assert (signal.side, signal.stop) == (Side.LONG, 0.0)


def test_loading_does_not_import_the_indicator_library() -> None:
    code = "import sys; from services.strategies.registry import load_strategies as load; load(()); "
    code += "import services.signals.score; sys.exit('talib' in sys.modules)"

    done = subprocess.run([sys.executable, "-c", code], cwd=BUILTIN.parents[2], timeout=30, check=False)

    assert done.returncode == 0


def test_a_strategy_without_parameters_is_built_with_nothing(tmp_path: Path) -> None:
    write(
        tmp_path,
        "class Quiet:\n    name, version, warm_up = 'quiet', '2', 1\n    def signals(self, series): return ()\n"
        "STRATEGY = Quiet\n",
    )

    assert "quiet" in load_strategies((tmp_path,), NONE).names()
    assert failure(tmp_path, quiet={"volume": 1}).code == "STRATEGY_PARAMETER_UNKNOWN"


def test_built_in_parameters_come_from_the_settings() -> None:
    strategy = load_strategies((), NONE, {"trend": {"fast": 5, "slow": 50}}).get("trend")

    assert strategy is not None
    assert strategy.warm_up > 386


def test_installed_entry_points_are_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, USERS_FILE, "sortie_riser_plugin.py")
    monkeypatch.syspath_prepend(str(tmp_path))
    point = EntryPoint(name="riser", value="sortie_riser_plugin:STRATEGY", group="sortie.strategies")
    asked: list[str] = []

    def installed(*, group: str) -> list[EntryPoint]:
        asked.append(group)
        return [point]

    monkeypatch.setattr(registry, "entry_points", installed)

    loaded = load_strategies(())

    assert asked == ["sortie.strategies"]
    assert loaded.origin("riser") == "entry point riser = sortie_riser_plugin:STRATEGY"
    monkeypatch.delitem(sys.modules, "sortie_riser_plugin")


def test_an_entry_point_that_cannot_be_imported_stops_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    point = EntryPoint(name="gone", value="sortie_no_such_module:STRATEGY", group=NONE)
    monkeypatch.setattr(registry, "entry_points", lambda *, group: [point])

    with pytest.raises(Misconfigured) as caught:
        load_strategies((), NONE)

    assert caught.value.code == "STRATEGY_BROKEN"
    assert caught.value.values["file"] == "entry point gone = sortie_no_such_module:STRATEGY"


class TestMistakes:
    @pytest.mark.parametrize(
        "text",
        ["def broken(:", "import sortie_no_such_module", "1 / 0", "raise SystemExit(3)"],
        ids=["syntax", "import", "error", "exit"],
    )
    def test_a_file_that_does_not_run_is_named(self, tmp_path: Path, text: str) -> None:
        file = write(tmp_path, text)
        before = set(sys.modules)

        error = failure(tmp_path)

        assert error.code == "STRATEGY_BROKEN"
        assert error.values["file"] == str(file)
        assert not [name for name in set(sys.modules) - before if "riser" in name]

    def test_a_folder_that_is_not_there(self, tmp_path: Path) -> None:
        assert failure(tmp_path / "nowhere").code == "STRATEGY_FOLDER"

    def test_a_file_without_a_strategy(self, tmp_path: Path) -> None:
        write(tmp_path, "X = 1")

        assert failure(tmp_path).code == "STRATEGY_MISSING"

    def test_two_strategies_of_one_name(self, tmp_path: Path) -> None:
        first = write(tmp_path, USERS_FILE, "a.py")
        second = write(tmp_path, USERS_FILE, "b.py")

        error = failure(tmp_path)

        assert error.code == "STRATEGY_TWICE"
        assert (error.values["first"], error.values["file"]) == (str(first), str(second))

    def test_a_users_file_cannot_replace_a_built_in_unseen(self, tmp_path: Path) -> None:
        write(tmp_path, USERS_FILE.replace('name = "riser"', 'name = "trend"'))

        assert failure(tmp_path).code == "STRATEGY_TWICE"

    @pytest.mark.parametrize("name", ['""', '"Two Words"', '"x:y"', "7", "None"])
    def test_a_name_that_cannot_stand_in_a_message(self, tmp_path: Path, name: str) -> None:
        write(tmp_path, USERS_FILE.replace('name = "riser"', f"name = {name}"))

        assert failure(tmp_path).code == "STRATEGY_NAME"

    @pytest.mark.parametrize(
        ("old", "new", "key"),
        [
            ('version = "0.1"', "version = 1", "version"),
            ("return self.rules.candles", "return 0", "warm_up"),
            ("return self.rules.candles", 'return "10"', "warm_up"),
            ("def signals", "def signal", "signals"),
            ("self.rules = rules", 'self.rules, self.name = rules, "other"', "name"),
        ],
    )
    def test_an_incomplete_strategy(self, tmp_path: Path, old: str, new: str, key: str) -> None:
        assert old in USERS_FILE
        write(tmp_path, USERS_FILE.replace(old, new))

        error = failure(tmp_path)

        assert (error.code, error.values["key"]) == ("STRATEGY_INCOMPLETE", key)

    @pytest.mark.parametrize("new", ["1 / 0", "raise ValueError('no')"])
    def test_a_strategy_that_cannot_be_built(self, tmp_path: Path, new: str) -> None:
        write(tmp_path, USERS_FILE.replace("self.rules = rules", new))

        assert failure(tmp_path).code == "STRATEGY_BROKEN"

    @pytest.mark.parametrize(
        ("key", "value", "code"),
        [
            ("shares", 0.02, "STRATEGY_PARAMETER_UNKNOWN"),
            ("share", "0.02", "STRATEGY_PARAMETER_TYPE"),
            ("share", True, "STRATEGY_PARAMETER_TYPE"),
            ("candles", 2.5, "STRATEGY_PARAMETER_TYPE"),
            ("candles", True, "STRATEGY_PARAMETER_TYPE"),
            ("loud", 1, "STRATEGY_PARAMETER_TYPE"),
            ("note", 5, "STRATEGY_PARAMETER_TYPE"),
            ("share", -1.0, "STRATEGY_PARAMETER_VALUE"),
        ],
    )
    def test_a_wrong_parameter(self, tmp_path: Path, key: str, value: object, code: str) -> None:
        file = write(tmp_path, USERS_FILE)

        error = failure(tmp_path, riser={key: value})

        assert error.code == code
        assert error.values["file"] == str(file)
        assert str(error.values["key"]).startswith("strategies.parameters.riser")

    def test_parameters_for_a_strategy_that_is_not_there(self, tmp_path: Path) -> None:
        error = failure(tmp_path, trent={"fast": 5})

        assert (error.code, error.values["key"]) == ("STRATEGY_UNKNOWN", "strategies.parameters.trent")
        assert "trend" in str(error.values["fix"])

    @pytest.mark.parametrize(
        ("old", "new"),
        [
            ("share: float = 0.01", "share: list[int] = ()"),
            ("share: float = 0.01", "share: NoSuchType = 0"),
            ("Parameters = Rules", "Parameters = dict"),
        ],
    )
    def test_parameters_that_settings_cannot_fill(self, tmp_path: Path, old: str, new: str) -> None:
        write(tmp_path, USERS_FILE.replace(old, new))

        assert failure(tmp_path).code == "STRATEGY_PARAMETERS"

    @pytest.mark.parametrize(
        ("strategy", "values"),
        [
            ("trend", {"fast": 30}),
            ("trend", {"fast": 1}),
            ("trend", {"chase_atr": 0}),
            ("trend", {"stop_atr_max": 0.5}),
            ("breakout", {"channel": 1000}),
            ("breakout", {"volume_ratio": -1}),
            ("mean_reversion", {"oversold": 60}),
            ("mean_reversion", {"target_1_r": 4.0}),
            ("liquidity_sweep", {"age": 30}),
            ("order_block", {"close_share": 1.1}),
            ("fair_value_gap", {"fill": 1.0}),
            ("contraction_breakout", {"box": 60}),
            ("momentum", {"times": 1}),
            ("momentum", {"crossing": 45}),
        ],
    )
    def test_built_in_parameters_out_of_range(self, strategy: str, values: dict[str, object]) -> None:
        with pytest.raises(Misconfigured) as caught:
            load_strategies((), NONE, {strategy: values})

        assert caught.value.code == "STRATEGY_PARAMETER_VALUE"
        assert next(iter(values)) in str(caught.value.values["problem"])
