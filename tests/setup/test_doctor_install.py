"""The doctor on a new machine: what is not at home there, and what nobody would notice."""

from __future__ import annotations

import json
import os
import socket
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from bot.doctor_command import run_doctor
from bot.doctor_probes import desk_probes
from bot.install_probes import (
    BACKUP_AGE,
    SHIPPED_UNIT,
    check_backups,
    check_folder,
    check_second_channel,
    check_unit,
    check_versions,
    install_probes,
)
from bot.logging import close_logging
from bot.system import SystemClock
from config.alerting import AlertSettings
from config.settings import Settings
from services.operations.backup_file import file_name
from services.operations.doctor import CheckResult, Sick, run_checks
from tests.venues.ccxt_bench import keys
from tests.venues.scripted_exchange import Asked, Reply, answer, scripted

from .canaries import random_bot_token
from .servers import serving

CLOCK = SystemClock()


def settings_for(folder: Path, **groups: Any) -> Settings:
    return Settings.model_validate({"desk": {"state_dir": folder}, **groups})


async def checked(settings: Settings, name: str) -> CheckResult:
    (result,) = await run_checks([each for each in install_probes(settings, CLOCK) if each.name == name], CLOCK)
    return result


@pytest.mark.parametrize(
    ("python", "sqlite", "well"),
    [((3, 11), (3, 35, 0), True), ((3, 10), (3, 45, 0), False), ((3, 12), (3, 34, 1), False)],
    ids=["oldest", "python", "sqlite"],
)
def test_old_versions_are_named(python: tuple[int, ...], sqlite: tuple[int, ...], well: bool) -> None:
    assert isinstance(check_versions(python, sqlite), str) is well


@pytest.mark.skipif(sys.platform == "win32", reason="folders have no owners there")
def test_a_state_folder_of_somebody_else_or_open_to_others_is_a_finding(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    mine, theirs, none = (
        check_folder(tmp_path, os.getuid()),
        check_folder(tmp_path, os.getuid() + 1),
        check_folder(tmp_path / "none", os.getuid()),
    )
    tmp_path.chmod(0o750)
    open_to_others = check_folder(tmp_path, os.getuid())

    assert isinstance(mine, str)
    assert all(isinstance(each, Sick) for each in (theirs, none, open_to_others))
    assert "chmod 700" in str(open_to_others)


def test_backups_are_fresh_or_not_due_yet(tmp_path: Path) -> None:
    settings, now = settings_for(tmp_path), CLOCK.now()
    (tmp_path / "sortie.db").touch()
    young = check_backups(settings, now)
    missed = check_backups(settings, now + BACKUP_AGE * 2)
    (tmp_path / "backups").mkdir()
    (tmp_path / "backups" / file_name(now)).touch()
    fresh = check_backups(settings, now)
    stale = check_backups(settings, now + BACKUP_AGE + timedelta(hours=1))
    off = check_backups(settings_for(tmp_path / "other", backup={"enabled": False}), now)

    assert isinstance(young, str)
    assert isinstance(fresh, str)
    assert all(isinstance(each, Sick) for each in (missed, stale, off))


def test_a_unit_that_lost_a_restriction_is_named_and_a_moved_one_is_not(tmp_path: Path) -> None:
    shipped = SHIPPED_UNIT.read_text(encoding="utf-8")
    installed = tmp_path / "sortie.service"
    none = check_unit(installed, SHIPPED_UNIT)
    installed.write_text(shipped.replace("/opt/sortie", "/srv/desk"), encoding="utf-8")
    moved = check_unit(installed, SHIPPED_UNIT)
    installed.write_text(shipped.replace("NoNewPrivileges=yes\n", ""), encoding="utf-8")
    weaker = check_unit(installed, SHIPPED_UNIT)

    assert isinstance(none, str)
    assert isinstance(moved, str)
    assert "NoNewPrivileges" in str(weaker)
    assert isinstance(weaker, Sick)


def test_a_second_channel_has_an_address_and_what_speaks_to_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    listed = tmp_path / "addresses"
    listed.write_text("json://127.0.0.1:9/a\n# another\njson://127.0.0.1:9/b\n")
    found = check_second_channel(AlertSettings(urls_file=listed))
    monkeypatch.setattr("bot.install_probes.find_spec", lambda name: None)
    mute = check_second_channel(AlertSettings(urls_file=listed))
    none, lost = check_second_channel(AlertSettings()), check_second_channel(AlertSettings(urls_file=tmp_path / "gone"))

    assert found == "2 addresses"
    assert all(isinstance(each, Sick) for each in (mute, none, lost))


@pytest.mark.parametrize(
    ("mode", "url", "well"),
    [("polling", "", True), ("polling", "https://else.example/", False), ("webhook", "", False), ("webhook", "ours", True)],
    ids=["asked", "taken", "unset", "posted"],
)
async def test_updates_must_come_in_the_way_that_the_settings_expect(tmp_path: Path, mode: str, url: str, well: bool) -> None:
    ours = "https://desk.example/telegram"

    async def hook(_: web.Request) -> web.Response:
        return web.json_response({"ok": True, "result": {"url": ours if url == "ours" else url}})

    async with serving(hook) as address:
        telegram = {"token": random_bot_token(), "api_base": address, "mode": mode}
        if mode == "webhook":
            telegram |= {"webhook_url": ours, "webhook_secret": "x" * 20}
        result = await checked(settings_for(tmp_path, telegram=telegram), "updates")

    assert result.ok is well
    assert bool(result.fix) is not well


async def test_a_port_is_free_taken_or_not_of_this_machine(tmp_path: Path) -> None:
    hook = {"mode": "webhook", "webhook_url": "https://desk.example/telegram", "webhook_secret": "x" * 20}
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        busy = await checked(settings_for(tmp_path, telegram=hook | {"webhook_port": port}), "webhook port")
    free = await checked(settings_for(tmp_path, telegram=hook | {"webhook_port": port}), "webhook port")
    foreign = await checked(settings_for(tmp_path, telegram=hook | {"webhook_host": "192.0.2.1"}), "webhook port")

    assert "somebody listens" in busy.fact
    assert "is free" in free.fact
    assert not foreign.ok


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (answer({"enableWithdrawals": True, "enableSpotAndMarginTrading": True}), "may withdraw"),
        (answer({"enableWithdrawals": False}), "cannot withdraw"),
        (answer({"enableWithdrawals": "?"}), "cannot withdraw"),
        (answer({"code": -1, "msg": "no such path"}, 404), "does not say"),
    ],
    ids=["may", "may-not", "unclear", "untold"],
)
async def test_a_key_that_may_withdraw_is_a_finding(tmp_path: Path, reply: Reply, said: str) -> None:
    asked: list[Asked] = []

    def script(each: Asked) -> Reply:
        asked.append(each)
        return reply

    async with scripted(script) as exchange:
        venue = {"base_url": f"http://127.0.0.1:{exchange.port}", "timeout_s": 2, **keys()}
        probes = desk_probes(settings_for(tmp_path, venues={"binance": venue}), CLOCK)
        (result,) = await run_checks([each for each in probes if each.name == "rights binance"], CLOCK)

    assert said in f"{result.fact}{result.cause}"
    assert result.ok is (said != "may withdraw")


def test_the_command_asks_about_the_machine_only_when_it_is_told_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SORTIE_TELEGRAM__API_BASE", "http://127.0.0.1:9")
    monkeypatch.setenv("SORTIE_VENUES__BINANCE__BASE_URL", "http://127.0.0.1:9")
    try:
        codes = [run_doctor(as_json=True), run_doctor(as_json=True, install=True)]
    finally:
        close_logging()
    said = capsys.readouterr().out
    plain, install = (json.loads(each) for each in said.replace("}\n{", "}\0{").split("\0"))

    assert codes == [1, 1]
    more = {each["name"] for each in install["checks"]} - {each["name"] for each in plain["checks"]}
    assert more == {"python", "folder", "backups", "watched", "second channel", "unit", "updates"}
    watched = next(each for each in install["checks"] if each["name"] == "watched")
    assert "heartbeat.url" in watched["fix"]
