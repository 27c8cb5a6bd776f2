"""A new strategy: the example under another name, with a test that is green as it is written."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from services.domain.errors import Misconfigured
from services.strategies.registry import BUILTIN, NAME

EXAMPLE = Path(__file__).parent / "example" / "three_closes.py"
_TEST = '''"""What three_closes calls, and that none of it depends on what comes later or on where the history begins."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from services.strategies.calls import CallsAll
from services.strategies.indicators import columns
from services.strategies.lint import lint
from services.strategies.made_up import rough_series
from services.strategies.registry import load_file

STRATEGY = load_file(Path(__file__).with_name("three_closes.py"), {})
MARKET = rough_series(seed=1, count=STRATEGY.warm_up + 2000)


def test_it_neither_looks_ahead_nor_needs_more_candles_than_it_says() -> None:
    assert lint(STRATEGY, MARKET) == ()


def test_it_calls_both_sides_with_stops_behind_the_entry() -> None:
    assert isinstance(STRATEGY, CallsAll)
    calls = STRATEGY.calls(columns(MARKET.candles, 3600))
    rows = np.flatnonzero(calls.side)

    assert {1, -1} <= set(calls.side[rows].tolist())
    assert ((calls.entry - calls.stop)[rows] * calls.side[rows] > 0).all()


def test_a_market_that_stands_still_calls_nothing() -> None:
    still = [candle._replace(open=100.0, high=100.0, low=100.0, close=100.0) for candle in MARKET.candles]

    assert isinstance(STRATEGY, CallsAll)
    assert not STRATEGY.calls(columns(still, 3600)).side.any()
'''


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """The two files of a new strategy."""

    strategy: Path
    test: Path


def write_strategy(name: str, folder: Path) -> Written:
    """Write a strategy and its test into a folder, which is made; nothing that is there is overwritten.

    Raise Misconfigured for a name that no strategy may have or that a built-in one has, for files that are there, and for a
    folder that cannot be written.
    """
    if not NAME.fullmatch(name):
        fix = "use 1 to 32 lower-case letters, digits and underscores, a letter first"
        raise Misconfigured("STRATEGY_NAME", value=repr(name[:40]), fix=fix)
    if (BUILTIN / f"{name}.py").exists():
        raise Misconfigured("STRATEGY_TWICE", key=name, first="the built-in strategy", fix="take another name")
    title = "".join(part.capitalize() for part in name.split("_"))
    written = Written(strategy=folder / f"{name}.py", test=folder / f"test_{name}.py")
    texts = {written.strategy: EXAMPLE.read_text(encoding="utf-8"), written.test: _TEST}
    for file in texts:
        if file.exists():
            raise Misconfigured("FILE_EXISTS", file=str(file), fix="take another name, or move the file away")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for file, text in texts.items():
            with file.open("x", encoding="utf-8") as out:
                out.write(text.replace("three_closes", name).replace("ThreeCloses", title))
    except OSError as error:
        problem = error.strerror or type(error).__name__
        raise Misconfigured("STRATEGY_FOLDER", file=str(folder), problem=problem, fix="name a folder to write to") from error
    return written
