"""The doctor tries the keys of an exchange without showing them."""

from __future__ import annotations

import json
import secrets
import sys
from pathlib import Path

import pytest

from bot.doctor_probes import desk_probes
from bot.redaction import secrets_in
from bot.system import SystemClock
from config.settings import Settings
from services.operations.doctor import CheckResult, run_checks
from tests.venues.ccxt_bench import keys
from tests.venues.scripted_exchange import Asked, Reply, answer, scripted

CLOCK = SystemClock()
FUNDS = answer({"balances": [{"asset": "USDT", "free": "25", "locked": "0"}], "updateTime": 1})
REFUSED = answer({"code": -2015, "msg": "Invalid API-key, IP, or permissions for action."}, 401)


async def check(settings: Settings, name: str) -> CheckResult:
    (result,) = await run_checks([probe for probe in desk_probes(settings, CLOCK) if probe.name == name], CLOCK)
    return result


def settings_for(folder: Path, port: int, **changes: object) -> Settings:
    venue = {"base_url": f"http://127.0.0.1:{port}", "timeout_s": 2, **changes}
    return Settings.model_validate({"desk": {"state_dir": folder}, "venues": {"binance": venue}})


@pytest.mark.parametrize(("reply", "well"), [(FUNDS, True), (REFUSED, False)], ids=["good", "refused"])
async def test_keys_are_tried_with_a_signed_reading(tmp_path: Path, reply: Reply, well: bool) -> None:
    asked: list[Asked] = []

    def script(each: Asked) -> Reply:
        asked.append(each)
        return reply

    held = keys()
    async with scripted(script) as exchange:
        result = await check(settings_for(tmp_path, exchange.port, **held), "account binance")

    assert result.ok is well
    assert ("order lists" if well else "KEY_REFUSED") in str(result)
    assert not any(value in str(result) for value in held.values())
    assert [each.method for each in asked] == ["GET"]


@pytest.mark.skipif(sys.platform == "win32", reason="files have no mode there")
async def test_a_file_of_keys_that_others_can_read_is_a_finding(tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    file.write_text(json.dumps(keys()), encoding="utf-8")
    file.chmod(0o644)

    result = await check(settings_for(tmp_path, 1, secret_file=file), "config")

    assert not result.ok
    assert "chmod 600" in str(result)


def test_keys_in_a_file_are_known_as_secrets(tmp_path: Path) -> None:
    held = keys() | {"password": secrets.token_hex(8)}
    file = tmp_path / "keys.json"
    file.write_text(json.dumps(held), encoding="utf-8")

    assert set(held.values()) <= secrets_in(settings_for(tmp_path, 1, secret_file=file))
    assert secrets_in(settings_for(tmp_path, 1, secret_file=tmp_path / "none.json")) == set()
