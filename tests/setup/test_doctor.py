"""The doctor asks real things, all at once and within its time, and says what to do."""

from __future__ import annotations

import asyncio
import json
import secrets
import sqlite3
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, closing
from datetime import timedelta
from pathlib import Path

import pytest
from aiohttp import web
from structlog.testing import CapturingLogger

from bot.doctor_command import run_doctor
from bot.doctor_probes import desk_probes
from bot.logging import close_logging
from bot.system import SystemClock
from config.settings import Settings
from services.operations import doctor
from services.operations.doctor import CheckResult, Probe, Sick, run_checks
from tests.blank import migrate

from .canaries import random_bot_token, random_text
from .servers import Answer, binance, bot_api, serving

CLOCK = SystemClock()


@pytest.fixture
def token() -> str:
    return random_bot_token()


@pytest.fixture
async def servers() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as stack:
        yield stack


def _settings(folder: Path, token: str, telegram: str = "http://127.0.0.1:9", venue: str = "http://127.0.0.1:9") -> Settings:
    file = folder / "token"
    file.write_text(token)
    file.chmod(0o600)
    return Settings.model_validate(
        {
            "desk": {"state_dir": folder / "var"},
            "telegram": {"api_base": telegram, "token_file": file},
            "venues": {"binance": {"base_url": venue, "timeout_s": 2}},
        }
    )


async def _checks(settings: Settings, *names: str) -> dict[str, CheckResult]:
    probes = [probe for probe in desk_probes(settings, CLOCK) if not names or probe.name in names]
    return {each.name: each for each in await run_checks(probes, CLOCK)}


async def test_healthy_desk_passes_every_check(tmp_path: Path, token: str, servers: AsyncExitStack) -> None:
    telegram = await servers.enter_async_context(serving(bot_api(token)))
    venue = await servers.enter_async_context(serving(binance()))
    settings = _settings(tmp_path, token, telegram, venue)
    await asyncio.to_thread(migrate, settings.database_url)

    results = await _checks(settings)

    assert {name: each.cause for name, each in results.items() if not each.ok} == {}
    named = {"config", "database", "integrity", "schema", "telegram", "clock", "disk", "alerts", "venue binance"}
    assert set(results) == named
    assert "@a_desk_bot" in results["telegram"].fact
    assert token not in repr(results)


async def test_empty_machine_says_what_to_do_first(tmp_path: Path, token: str) -> None:
    results = await _checks(_settings(tmp_path, token))

    failed = {name for name, each in results.items() if not each.ok}
    assert failed == {"database", "schema", "disk", "telegram", "clock", "venue binance"}
    assert all(results[name].cause and results[name].fix for name in failed)
    assert results["database"].fix == "sortie db upgrade"
    assert not (tmp_path / "var").exists()
    assert token not in repr(results)


async def _broken_body(_request: web.Request) -> web.Response:
    return web.Response(text="{", content_type="application/json")


async def _web_page(_request: web.Request) -> web.Response:
    return web.Response(text="<h1>Welcome</h1>", content_type="text/html")


async def _flood(_request: web.Request) -> web.Response:
    return web.json_response({"ok": False, "error_code": 429}, status=429)


async def _redirect(_request: web.Request) -> web.Response:
    raise web.HTTPFound("http://127.0.0.1:9/elsewhere")


@pytest.mark.parametrize(
    ("answer", "cause"),
    [
        (bot_api("1:other"), "does not know this token"),
        (_broken_body, "not JSON"),
        (_web_page, "does not answer as a Bot API server"),
        (_flood, "answered 429"),
        (_redirect, "answered 302"),
    ],
)
async def test_each_way_telegram_fails_is_told_apart(
    tmp_path: Path, token: str, servers: AsyncExitStack, answer: Answer, cause: str
) -> None:
    telegram = await servers.enter_async_context(serving(answer))

    result = (await _checks(_settings(tmp_path, token, telegram), "telegram"))["telegram"]

    assert not result.ok
    assert cause in result.cause
    assert token not in repr(result)


@pytest.mark.parametrize(("seconds", "fine"), [(0, True), (-0.5, True), (3, False), (-3, False)])
async def test_venue_clock_skew_over_a_second_fails(
    tmp_path: Path, token: str, servers: AsyncExitStack, seconds: float, fine: bool
) -> None:
    venue = await servers.enter_async_context(serving(binance(ahead=timedelta(seconds=seconds))))

    result = (await _checks(_settings(tmp_path, token, venue=venue), "venue binance"))["venue binance"]

    assert result.ok is fine
    assert fine or ("behind" if seconds > 0 else "ahead of") in result.cause


@pytest.mark.parametrize(("seconds", "fine"), [(0, True), (5, False), (-5, False)])
async def test_clock_is_compared_with_telegrams(
    tmp_path: Path, token: str, servers: AsyncExitStack, seconds: float, fine: bool
) -> None:
    telegram = await servers.enter_async_context(serving(bot_api(token, ahead=timedelta(seconds=seconds))))

    result = (await _checks(_settings(tmp_path, token, telegram), "clock"))["clock"]

    assert result.ok is fine


async def test_damaged_database_is_found(tmp_path: Path, token: str) -> None:
    settings = _settings(tmp_path, token)
    migrate(settings.database_url)
    file = tmp_path / "var" / "sortie.db"
    content = bytearray(file.read_bytes())
    content[4096 * 3 : 4096 * 6] = b"\xff" * 4096 * 3
    file.write_bytes(content)

    result = (await _checks(settings, "integrity"))["integrity"]

    assert not result.ok
    assert "damaged" in result.cause


async def test_row_without_its_parent_is_found(tmp_path: Path, token: str) -> None:
    settings = _settings(tmp_path, token)
    migrate(settings.database_url)
    with closing(sqlite3.connect(tmp_path / "var" / "sortie.db")) as connection, connection:
        connection.execute("INSERT INTO preferences (person_id, event, loudness) VALUES (1, 'fill', 'loud')")

    result = (await _checks(settings, "integrity"))["integrity"]

    assert "a row of preferences refers to a missing row of people" in result.cause


async def test_database_that_another_process_holds_is_found(tmp_path: Path, token: str) -> None:
    settings = _settings(tmp_path, token)
    migrate(settings.database_url)
    with closing(sqlite3.connect(tmp_path / "var" / "sortie.db", isolation_level=None)) as holder:
        holder.execute("PRAGMA journal_mode=WAL")
        holder.execute("BEGIN IMMEDIATE")
        locked = settings.model_copy(update={"database": settings.database.model_copy(update={"busy_timeout_s": 0.05})})

        result = (await _checks(locked, "database"))["database"]

    assert "cannot be written: database is locked" in result.cause


async def test_checking_leaves_the_database_as_it_was(tmp_path: Path, token: str) -> None:
    settings = _settings(tmp_path, token)
    migrate(settings.database_url)

    result = (await _checks(settings, "database"))["database"]

    assert result.ok, result.cause
    with closing(sqlite3.connect(tmp_path / "var" / "sortie.db")) as connection:
        assert connection.execute("SELECT count(*) FROM sqlite_master WHERE name = 'doctor_probe'").fetchone() == (0,)


async def test_newer_schema_is_named(tmp_path: Path, token: str) -> None:
    settings = _settings(tmp_path, token)
    migrate(settings.database_url)
    with closing(sqlite3.connect(tmp_path / "var" / "sortie.db")) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")

    result = (await _checks(settings, "schema"))["schema"]

    assert "SCHEMA_NEWER" in result.cause
    assert "newer version" in result.fix


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no file modes")
async def test_token_file_that_others_can_read_fails(tmp_path: Path, token: str) -> None:
    settings = _settings(tmp_path, token)
    (tmp_path / "token").chmod(0o644)

    result = (await _checks(settings, "config"))["config"]

    assert result.fix == f"chmod 600 {tmp_path / 'token'}"


async def test_checks_run_side_by_side_and_a_hanging_one_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    said = CapturingLogger()
    monkeypatch.setattr(doctor, "log", said)
    both = asyncio.Barrier(2)

    async def meets() -> str:
        await both.wait()
        return "met"

    async def hangs() -> str:
        return await asyncio.get_running_loop().create_future()

    async def breaks() -> str:
        raise RuntimeError("no")

    probes = [Probe(name="a", ask=meets), Probe(name="b", ask=hangs), Probe(name="c", ask=breaks), Probe(name="d", ask=meets)]
    a, b, c, d = await run_checks(probes, CLOCK, limit_s=0.2)

    assert (a.ok, d.ok, a.fact) == (True, True, "met")
    assert (b.ok, b.cause) == (False, "no answer within 0.2 s")
    assert (c.ok, c.cause) == (False, "the check itself broke: RuntimeError")
    assert [call.args for call in said.calls] == [("doctor.check_broke",)]


async def test_sick_answer_carries_cause_and_fix() -> None:
    async def ask() -> str | Sick:
        return Sick(cause="it is off", fix="switch it on")

    (result,) = await run_checks([Probe(name="x", ask=ask)], CLOCK)

    assert (result.ok, result.fact, result.cause, result.fix) == (False, "", "it is off", "switch it on")
    assert result.duration_ms >= 0


@pytest.fixture
def _own_logging() -> Iterator[None]:
    yield
    close_logging()


@pytest.mark.usefixtures("_own_logging")
def test_command_prints_json_without_secrets_and_fails(
    tmp_path: Path, token: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    password = random_text(20)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SORTIE_TELEGRAM__TOKEN", token)
    monkeypatch.setenv("SORTIE_TELEGRAM__API_BASE", f"http://user:{password}@127.0.0.1:9")
    monkeypatch.setenv("SORTIE_VENUES__BINANCE__BASE_URL", "http://127.0.0.1:9")

    code = run_doctor(as_json=True)

    shown = capsys.readouterr()
    report = json.loads(shown.out)
    assert code == 1
    assert report["ok"] is False
    assert set(report["checks"][0]) == {"name", "ok", "fact", "cause", "fix", "duration_ms"}
    for secret in (token, password):
        assert secret not in shown.out + shown.err


def test_broken_settings_are_findings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sortie.toml").write_text("[risk]\nper_trade = 7\nnonsense = 1\n")

    code = run_doctor(as_json=False)

    shown = capsys.readouterr().out
    assert code == 1
    assert "risk.per_trade (sortie.toml)" in shown
    assert "risk.nonsense (sortie.toml) is not a setting" in shown
    assert "2 of 2 checks failed" in shown


@pytest.mark.filterwarnings("ignore:'imghdr':DeprecationWarning")
async def test_second_channel_is_understood_or_named_by_its_number_alone(tmp_path: Path) -> None:
    pytest.importorskip("apprise")
    odd = f"teapot://{secrets.token_hex(12)}"
    for urls, said in (
        ((), "no second channel"),
        (("json://127.0.0.1:9",), "1 address beside"),
        (("json://127.0.0.1", odd), "address 2 of 2"),
    ):
        settings = Settings(desk={"state_dir": tmp_path}, alerts={"urls": urls})
        (result,) = await run_checks([probe for probe in desk_probes(settings, CLOCK) if probe.name == "alerts"], CLOCK)
        assert said in result.fact + result.cause
        assert odd not in result.cause
