"""``sortie init``: the token is checked and kept to its owner, and one link makes one commander."""

from __future__ import annotations

import asyncio
import os
import re
import select
import sqlite3
import stat
import sys
import tomllib
from collections.abc import AsyncIterator
from contextlib import closing
from datetime import datetime
from pathlib import Path

import pytest

from bot.first_run import InitOptions, initialise
from bot.identity import NoIdentity
from bot.logging import close_logging
from config.settings import load_settings
from migrations import api
from services.domain.errors import Misconfigured

from .canaries import random_bot_token
from .servers import bot_api, serving

LINK = re.compile(r"https://t\.me/a_desk_bot\?start=(claim_[A-Za-z0-9_-]+)")


@pytest.fixture
def token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    made = random_bot_token()
    Path("given").write_text(f"{made}\n")
    return made


@pytest.fixture
async def telegram(token: str) -> AsyncIterator[str]:
    async with serving(bot_api(token)) as address:
        yield address
    close_logging()


def _options(telegram: str, *, force: bool = False) -> InitOptions:
    return InitOptions(token_file=Path("given"), api_base=telegram, yes=True, force=force)


def _claims() -> list[tuple[str, str, str | None]]:
    with closing(sqlite3.connect("var/sortie.db")) as connection:
        return list(connection.execute("SELECT id, expires_at, used_at FROM tokens WHERE act = 'claim'"))


async def test_leaves_settings_database_and_one_claim(token: str, telegram: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert await asyncio.to_thread(initialise, _options(telegram)) == 0

    shown = capsys.readouterr()
    settings = load_settings()
    assert settings.telegram.read_token() == token
    assert settings.telegram.api_base == telegram
    assert token not in Path("sortie.toml").read_text() + shown.out + shown.err
    assert api.current(settings.database_url) == api.head()
    found = LINK.search(shown.out)
    assert found is not None
    ((claim, expires_at, used_at),) = _claims()
    assert found.group(1) == f"claim_{claim}"
    assert len(found.group(1)) <= 64
    assert used_at is None
    assert f"{datetime.fromisoformat(expires_at):%H:%M UTC on %d %B}" in shown.out


async def test_claim_is_journaled_without_being_told(token: str, telegram: str) -> None:
    await asyncio.to_thread(initialise, _options(telegram))

    ((claim, _, _),) = _claims()
    with closing(sqlite3.connect("var/sortie.db")) as connection:
        ((kind, actor, facts),) = connection.execute("SELECT kind, actor, facts FROM journal").fetchall()
    assert (kind, actor) == ("link.claim", "system:init")
    assert claim not in facts


async def test_link_is_drawn_as_a_code(telegram: str, capsys: pytest.CaptureFixture[str]) -> None:
    await asyncio.to_thread(initialise, _options(telegram))

    drawn = [line for line in capsys.readouterr().out.splitlines() if set(line) & set("█▀▄")]
    assert len(drawn) > 10
    assert max(map(len, drawn)) < 80


async def test_desk_that_has_a_commander_gives_no_second_link(telegram: str, capsys: pytest.CaptureFixture[str]) -> None:
    await asyncio.to_thread(initialise, _options(telegram))
    with closing(sqlite3.connect("var/sortie.db")) as connection, connection:
        connection.execute(
            "INSERT INTO people (id, name, role, zone, locale, reachable, created_at) "
            "VALUES (7, 'Carl', 'commander', 'UTC', 'en', 1, '2026-01-01T00:00:00.000000+00:00')"
        )
    capsys.readouterr()

    assert await asyncio.to_thread(initialise, _options(telegram, force=True)) == 0

    shown = capsys.readouterr().out
    assert "Carl is commander already" in shown
    assert LINK.search(shown) is None


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no file modes")
async def test_token_is_readable_by_its_owner_alone(telegram: str) -> None:
    os.umask(0)
    try:
        await asyncio.to_thread(initialise, _options(telegram))
    finally:
        os.umask(0o022)

    assert stat.S_IMODE(Path("var/telegram-token").stat().st_mode) == 0o600
    assert stat.S_IMODE(Path("var").stat().st_mode) == 0o700


async def test_configuration_that_is_there_stays_unless_forced(telegram: str) -> None:
    Path("sortie.toml").write_text("# mine\n")

    with pytest.raises(Misconfigured, match="ALREADY_CONFIGURED"):
        await asyncio.to_thread(initialise, _options(telegram))
    assert Path("sortie.toml").read_text() == "# mine\n"
    assert not Path("var").exists()

    assert await asyncio.to_thread(initialise, _options(telegram, force=True)) == 0
    assert Path("sortie.toml.bak").read_text() == "# mine\n"
    assert "token_file" in tomllib.loads(Path("sortie.toml").read_text())["telegram"]


async def test_failure_half_way_puts_the_settings_back(telegram: str) -> None:
    await asyncio.to_thread(initialise, _options(telegram))
    Path("sortie.toml").write_text("# mine\n")
    with closing(sqlite3.connect("var/sortie.db")) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")

    with pytest.raises(Misconfigured, match="SCHEMA_NEWER"):
        await asyncio.to_thread(initialise, _options(telegram, force=True))

    assert Path("sortie.toml").read_text() == "# mine\n"
    assert not Path("sortie.toml.bak").exists()


async def test_wrong_token_writes_nothing(telegram: str) -> None:
    Path("given").write_text(random_bot_token())

    with pytest.raises(NoIdentity, match="does not know this token"):
        await asyncio.to_thread(initialise, _options(telegram))

    assert [each.name for each in Path().iterdir()] == ["given"]


async def test_token_from_the_environment_stays_there(telegram: str, token: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SORTIE_TELEGRAM__TOKEN", token)
    with pytest.raises(Misconfigured, match="TWO_TOKENS"):
        await asyncio.to_thread(initialise, _options(telegram))

    assert await asyncio.to_thread(initialise, InitOptions(api_base=telegram, yes=True)) == 0

    assert not Path("var/telegram-token").exists()
    assert load_settings().telegram.read_token() == token


async def test_without_a_token_or_a_terminal_it_says_how_to_give_one(telegram: str) -> None:
    with pytest.raises(Misconfigured, match="NO_TOKEN"):
        await asyncio.to_thread(initialise, InitOptions(api_base=telegram, yes=True))


# Newer Pythons warn of forking beside threads; the child only executes the command.
@pytest.mark.filterwarnings("ignore:.*forkpty:DeprecationWarning")
@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
async def test_asking_hides_the_token_and_allows_a_second_try(telegram: str, token: str) -> None:
    wrong = random_bot_token()

    code, shown = await asyncio.to_thread(_type, ["--api-base", telegram], [wrong, token, "y"])

    assert code == 0, shown
    assert "does not know this token. Try again." in shown
    assert LINK.search(shown)
    assert token not in shown
    assert wrong not in shown
    assert load_settings().telegram.read_token() == token


def _type(arguments: list[str], answers: list[str]) -> tuple[int, str]:
    """Run ``sortie init`` on a terminal, answering each prompt when it waits; a minute at most."""
    import pty

    child, terminal = pty.fork()
    if child == 0:
        os.execv(sys.executable, [sys.executable, "-P", "-m", "bot", "init", *arguments])
    shown, left = "", list(answers)
    while select.select([terminal], [], [], 60)[0]:
        try:
            part = os.read(terminal, 1024)
        except OSError:  # Linux's way of saying that the other end is closed
            part = b""
        if not part:
            break
        shown += part.decode(errors="replace")
        # The space after the colon comes when the echo is off and the terminal listens.
        if left and re.search(r"(Bot token|\[Y/n\]): $", shown):
            os.write(terminal, f"{left.pop(0)}\n".encode())
            shown += "\n"
    os.close(terminal)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), shown
