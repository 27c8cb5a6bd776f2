"""The demo's folder: what goes on, what starts fresh, and what is left alone."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from bot.demo.console import CannotStart
from bot.demo.folder import DEFAULT_SEED, DemoFolder, Kept, settle
from bot.demo_options import DemoOptions


def candles(folder: Path, name: str = "BTCUSDT-1h.csv", first: int = 0) -> Path:
    file = folder / name
    file.write_text(f"timestamp,open,high,low,close,volume\n{first},1,1,1,1,1\n")
    return file


def settled(path: Path, **options: object) -> tuple[Kept, str | None]:
    folder = DemoFolder(path)
    folder.take()
    try:
        return settle(folder, DemoOptions(**options))
    finally:
        folder.release()


def test_a_new_folder_gets_the_usual_market_and_an_identity_of_its_own(tmp_path: Path) -> None:
    first, said = settled(tmp_path / "one")
    second, _ = settled(tmp_path / "two")

    assert (first.played.seed, first.played.bar_s, first.played.candles) == (DEFAULT_SEED, 60, ())
    assert said is None
    assert re.fullmatch(r"7\d{9}:[A-Za-z0-9_-]{35}", first.token)
    assert first.token != second.token


@pytest.mark.skipif(sys.platform == "win32", reason="Windows keeps no mode bits")
def test_only_the_owner_reads_the_identity(tmp_path: Path) -> None:
    settled(tmp_path / "demo")

    assert (tmp_path / "demo" / "demo.json").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "demo" / "desk").stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("again", [{}, {"seed": 3}, {"bar_s": 5.0}, {"seed": 3, "bar_s": 5.0}])
def test_the_same_market_or_no_word_of_one_goes_on(tmp_path: Path, again: dict[str, object]) -> None:
    first, _ = settled(tmp_path, seed=3, bar_s=5.0)
    (tmp_path / "desk" / "sortie.db").write_text("kept")

    second, said = settled(tmp_path, **again)

    assert (second, said) == (first, None)
    assert (tmp_path / "desk" / "sortie.db").exists()


@pytest.mark.parametrize("other", [{"seed": 4}, {"bar_s": 6.0}, {"seed": 3, "bar_s": 7.0}])
def test_another_market_starts_fresh_and_says_so(tmp_path: Path, other: dict[str, object]) -> None:
    first, _ = settled(tmp_path, seed=3, bar_s=5.0)
    (tmp_path / "desk" / "sortie.db").write_text("old")

    second, said = settled(tmp_path, **other)

    assert said is not None and "starting fresh" in said
    assert second.token != first.token
    assert not (tmp_path / "desk" / "sortie.db").exists()


def test_recordings_are_known_by_their_content(tmp_path: Path) -> None:
    home = tmp_path / "demo"
    first, _ = settled(home, candles=(candles(tmp_path),))
    moved = candles(tmp_path, "ETHUSDT-1h.csv")
    same, said = settled(home, candles=(moved,))
    left_open, _ = settled(home)
    candles(tmp_path, "ETHUSDT-1h.csv", first=1)
    changed, said_then = settled(home)

    assert said is None and same.token == first.token
    assert left_open.played.candles[0].path == moved
    assert said_then is not None and changed.token != first.token


def test_a_seed_after_a_recording_is_the_seeded_market(tmp_path: Path) -> None:
    settled(tmp_path / "demo", candles=(candles(tmp_path),))
    kept, said = settled(tmp_path / "demo", seed=5)

    assert said is not None
    assert (kept.played.candles, kept.played.seed) == ((), 5)


def test_fresh_forgets_but_takes_nothing_that_is_not_the_demos(tmp_path: Path) -> None:
    first, _ = settled(tmp_path, seed=3)
    (tmp_path / "sandbox" / "telegram.sqlite").write_text("old")
    (tmp_path / "notes.txt").write_text("mine")

    second, said = settled(tmp_path, fresh=True)

    assert said is None and second.token != first.token
    assert second.played.seed == DEFAULT_SEED
    assert not (tmp_path / "sandbox" / "telegram.sqlite").exists()
    assert (tmp_path / "notes.txt").read_text() == "mine"


@pytest.mark.parametrize("fresh", [False, True])
def test_a_folder_of_other_things_is_refused_and_left_alone(tmp_path: Path, fresh: bool) -> None:
    (tmp_path / "desk").mkdir()
    (tmp_path / "desk" / "thesis.txt").write_text("mine")

    with pytest.raises(CannotStart, match="not a demo's"):
        settled(tmp_path, fresh=fresh)

    assert (tmp_path / "desk" / "thesis.txt").read_text() == "mine"
    assert sorted(each.name for each in tmp_path.iterdir()) == ["desk"]


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"version": 99}', '{"version": 1, "played": null}'])
def test_a_broken_state_is_named_and_fresh_mends_it(tmp_path: Path, text: str) -> None:
    settled(tmp_path)
    (tmp_path / "demo.json").write_text(text)

    with pytest.raises(CannotStart, match=r"demo\.json cannot be read") as refused:
        settled(tmp_path)

    assert "--fresh" in refused.value.fix
    assert settled(tmp_path, fresh=True)[0].played.seed == DEFAULT_SEED


@pytest.mark.parametrize("bar_s", [0.5, 1.5])
def test_parts_of_a_second_are_no_bar(tmp_path: Path, bar_s: float) -> None:
    with pytest.raises(CannotStart, match="whole seconds"):
        settled(tmp_path, bar_s=bar_s)


def test_a_second_demo_on_the_folder_is_refused_and_told_of_the_first(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from bot.demo.folder import DemoFolder;"
        "folder = DemoFolder(Path(sys.argv[1])); folder.take(); print('taken', flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=dict(os.environ)) as first:
        assert first.stdout is not None and first.stdin is not None
        assert first.stdout.readline() == b"taken\n"
        with pytest.raises(CannotStart, match=f"already: .*{first.pid}"):
            DemoFolder(tmp_path).take()
        first.stdin.close()

    again = DemoFolder(tmp_path)
    again.take()
    again.release()
