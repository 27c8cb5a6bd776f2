"""What the demo tells its desk, as the desk reads it."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from bot.demo.desk_settings import DeskTerms, desk_terms, watched_of
from bot.demo.sandbox_client import Cast, MarketInfo, Member
from config.groups import TerminalSettings
from config.settings import Settings, load_settings

CAST = Cast(
    members=(
        Member(id=1001, name="Ann", role="trader", started=True),
        Member(id=1002, name="Tom", role="trader", started=True),
        Member(id=2001, name="Carl", role="commander", started=True),
        Member(id=3001, name="Olga", role="observer", started=True),
        Member(id=9001, name="Sam", role="stranger", started=False),
    ),
    group_id=-1001000000001,
    topics={"missions": 2, "fills": 3, "risk": 4, "digest": 5},
)


def terms(*symbols: str, bar_seconds: int = 60) -> DeskTerms:
    info = MarketInfo(
        playing="a test",
        symbols=symbols or ("BTCUSDT", "ETHUSDT"),
        timeframe="1m" if bar_seconds == 60 else f"{bar_seconds}s",
        bar_seconds=bar_seconds,
        started=False,
        index=None,
        minimum_start=500,
        last_index=None,
    )
    now = datetime(2026, 3, 2, 23, 58, 10, tzinfo=UTC)
    return desk_terms(
        cast=CAST,
        market=info,
        address="http://127.0.0.1:1",
        token="7:abc",
        keys=Path("/demo/keys.json"),
        state=Path("/demo/desk"),
        now=now,
    )


def as_read(told: DeskTerms, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Settings:
    """Read the settings as a process with that environment would, in a folder that has another desk's settings."""
    (tmp_path / "sortie.toml").write_text('[telegram]\nmode = "webhook"\n')
    monkeypatch.chdir(tmp_path)
    environment = told.environment({"PATH": "/bin", "SORTIE_TELEGRAM__TOKEN_FILE": "other", "sortie_desk__name": "Other"})
    for name in list(os.environ):
        monkeypatch.delenv(name)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return load_settings()


def test_the_desk_reads_what_it_was_told_and_nothing_else(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    settings = as_read(terms(), monkeypatch, tmp_path)

    assert (settings.people.commanders, settings.people.traders, settings.people.observers) == ((2001,), (1001, 1002), (3001,))
    assert settings.chats.missions == "-1001000000001/2"
    assert settings.chats.digest == "-1001000000001/5"
    assert settings.market.instruments == ("BTC/USDT", "ETH/USDT")
    assert settings.venues[settings.market.venue].base_url == "http://127.0.0.1:1/exchange"
    assert settings.telegram.read_token() == "7:abc"
    assert settings.telegram.api_base == "http://127.0.0.1:1"
    assert settings.telegram.mode == "polling"
    assert settings.desk.name == "Sortie"
    assert settings.terminals["ann-exchange"] == TerminalSettings(venue=settings.market.venue, owner=1001)
    assert settings.venues[settings.market.venue].secret_file == Path("/demo/keys.json")
    assert settings.desk.state_dir == Path("/demo/desk")
    assert settings.risk == Settings.model_fields["risk"].get_default(call_default_factory=True)


def test_the_digest_is_due_about_three_minutes_in_over_midnight_too(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    settings = as_read(terms(), monkeypatch, tmp_path)

    assert (settings.digest.at, settings.desk.zone) == ("00:01", "UTC")


@pytest.mark.parametrize(("bar_seconds", "least_s"), [(60, 300), (20, 90), (5, 90), (3, 90), (1, 90)])
def test_a_mission_lives_long_enough_to_be_read(
    bar_seconds: int, least_s: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    settings = as_read(terms(bar_seconds=bar_seconds), monkeypatch, tmp_path)

    assert settings.signals.expiry_bars * bar_seconds >= least_s


@pytest.mark.parametrize(
    ("names", "currency", "symbols", "left_out"),
    [
        (("BTCUSDT", "ETHBTC", "LTCUSDT"), "USDT", ("BTC/USDT", "LTC/USDT"), ("ETH/BTC",)),
        (("ETHBTC", "ADABTC", "XRPETH"), "BTC", ("ETH/BTC", "ADA/BTC"), ("XRP/ETH",)),
        (("XRPETH",), "ETH", ("XRP/ETH",), ()),
        (("ETHBTC", "BTCUSDT"), "BTC", ("ETH/BTC",), ("BTC/USDT",)),
    ],
)
def test_the_commonest_quote_currency_is_the_accounts_and_the_rest_is_left_out(
    names: tuple[str, ...], currency: str, symbols: tuple[str, ...], left_out: tuple[str, ...]
) -> None:
    watched = watched_of(names)

    assert (watched.currency, watched.symbols, watched.left_out) == (currency, symbols, left_out)


def test_accounts_in_bitcoin_hold_a_sum_like_the_others(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    settings = as_read(terms("ETHBTC"), monkeypatch, tmp_path)

    assert (settings.desk.currency, settings.paper.start_balance) == ("BTC", Decimal("0.25"))
