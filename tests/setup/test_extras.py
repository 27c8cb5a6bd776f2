"""What only some desks need comes when it is first used, and only into an environment of the checkout's own."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from bot import extras
from services.domain.errors import Misconfigured
from services.storage.postgresql import postgresql_engine

URL = "postgresql://desk@db.example/sortie"


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout without the driver, whose set-up notes what it was asked for."""
    (tmp_path / "deploy").mkdir()
    (tmp_path / ".venv").mkdir()
    script = "import sys; from pathlib import Path; Path(__file__).with_name('asked').write_text(' '.join(sys.argv[1:]))\n"
    (tmp_path / "deploy" / "environment.py").write_text(script, encoding="utf-8")
    monkeypatch.setattr(extras, "find_spec", lambda _: None)
    return tmp_path


def asked(checkout: Path) -> str | None:
    note = checkout / "deploy" / "asked"
    return note.read_text(encoding="utf-8") if note.exists() else None


@pytest.mark.parametrize(
    ("extra", "word"),
    [
        (extras.DRIVER, "PostgreSQL"),
        (extras.CHANNELS, "second channel"),
        (extras.RESEARCH, "backtests"),
        (extras.NEWS, "feeds"),
    ],
    ids=["postgres", "alerts", "research", "news"],
)
def test_the_first_use_installs_the_locked_set(
    checkout: Path, capsys: pytest.CaptureFixture[str], extra: extras.Extra, word: str
) -> None:
    assert extras.ensure(extra, root=checkout, prefix=checkout / ".venv")

    assert asked(checkout) == extra.name
    assert word in capsys.readouterr().err


def test_nothing_is_installed_where_it_is_not_needed_or_not_ours(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not extras.ensure(extras.DRIVER, root=checkout, prefix=checkout / "elsewhere")
    monkeypatch.setattr(extras, "find_spec", lambda _: object())
    assert not extras.ensure(extras.DRIVER, root=checkout, prefix=checkout / ".venv")

    assert asked(checkout) is None


def test_without_the_driver_an_engine_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "asyncpg", None)

    with pytest.raises(Misconfigured, match="NO_DRIVER") as caught:
        postgresql_engine(URL, 5, pooled=True)

    assert "asyncpg" in str(caught.value.values["fix"])
