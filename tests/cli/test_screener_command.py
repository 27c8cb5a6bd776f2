"""``sortie screener probe``: what would be traded now and why, read from the market once, with nothing stored."""

from __future__ import annotations

import asyncio
import json
from functools import partial
from pathlib import Path

import pytest

from bot import screener_commands, wiring
from bot.screener_commands import _screened
from bot.system import SystemClock
from config.settings import Settings
from handlers.cli.screener import show_screen
from services.domain.errors import Unavailable
from tests.chat.market import HandMarket


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setattr(wiring, "build_market", lambda _settings, clock: HandMarket(clock))
    return Settings(
        desk={"state_dir": tmp_path / "desk"},
        market={"instruments": ["BTC/USDT", "ETH/USDT"]},
        screening={"deny": ["ETH/USDT"], "spread_max_bps": "5", "age_min_days": 30, "allow": ["BTC/USDT"]},
    )


def test_each_instrument_and_each_filter_has_a_line(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    assert show_screen(partial(_screened, settings), as_json=False) == 0

    said = capsys.readouterr().out
    assert "BTC/USDT  tier A  traded" in said and "ETH/USDT  tier A  LEFT OUT" in said
    assert "age" in said and "no data" in said and "at least 30" in said
    assert "1 of 2 would be traded; nothing was stored" in said
    assert not settings.desk.state_dir.exists()


def test_a_program_gets_json(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    assert show_screen(partial(_screened, settings), as_json=True) == 0

    btc, eth = json.loads(capsys.readouterr().out)
    assert (btc["symbol"], btc["traded"], eth["traded"]) == ("BTC/USDT", True, False)
    assert [each["filter"] for each in btc["filters"]] == ["allowed", "spread", "age"]
    assert btc["filters"][2] == {"filter": "age", "passed": False, "value": None, "bound": "30", "about": ""}


def test_a_market_that_does_not_answer_is_said_and_is_no_success(capsys: pytest.CaptureFixture[str]) -> None:
    async def silent() -> None:
        raise Unavailable("MARKET_UNREACHABLE", venue="binance")

    assert show_screen(silent, as_json=False) == 2  # type: ignore[arg-type]
    assert "MARKET_UNREACHABLE" in capsys.readouterr().err


def test_the_market_is_let_go_even_when_it_fails(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    market = HandMarket(SystemClock())
    closed: list[bool] = []

    async def close() -> None:
        closed.append(True)

    async def refuse(_symbols: object) -> None:
        raise Unavailable("MARKET_UNREACHABLE", venue="binance")

    monkeypatch.setattr(market, "close", close)
    monkeypatch.setattr(market, "instruments", refuse)
    monkeypatch.setattr(wiring, "build_market", lambda _settings, _clock: market)

    with pytest.raises(Unavailable):
        asyncio.run(screener_commands._screened(settings))

    assert closed == [True]
