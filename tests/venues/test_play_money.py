"""Real money needs three facts that agree: every combination of only some of them stops the start."""

from __future__ import annotations

import json
import secrets
from itertools import product
from pathlib import Path

import pytest
from pydantic import SecretStr

from bot.live_grounds import ground_at, live_grounds
from config.groups import VenueSettings
from config.settings import Settings
from services.domain.errors import Misconfigured
from services.domain.live_facts import LiveFacts
from services.venues.ccxt_client import has_real_money

OWN, TEST = "https://api.binance.com", "https://testnet.binance.vision"
WORDS = {"setting": "mode", "host": "base_url", "confirmed": "--live"}


@pytest.mark.parametrize(
    ("exchange", "address", "real"),
    [
        ("binance", None, True),
        ("binance", OWN, True),
        ("binance", "https://API.binance.com:443/", True),
        ("kraken", "https://api.kraken.com", True),
        ("bybit", "https://api.bybit.com", True),
        ("okx", None, True),
        ("binance", TEST, False),
        ("binance", "http://127.0.0.1:8080/exchange", False),
    ],
)
def test_the_exchanges_own_address_is_real_money(exchange: str, address: str | None, real: bool) -> None:
    assert has_real_money("mine", VenueSettings(exchange=exchange, base_url=address)) is real


FACTS = [LiveFacts(setting=a, host=b, confirmed=c) for a, b, c in product([False, True], repeat=3)]


@pytest.mark.parametrize("facts", FACTS, ids=lambda f: "".join("01"[each] for each in (f.setting, f.host, f.confirmed)))
def test_a_start_needs_all_facts_or_none(facts: LiveFacts, tmp_path: Path) -> None:
    held = {name: getattr(facts, name) for name in WORDS}
    keys = {"api_key": secrets.token_hex(8), "secret": secrets.token_hex(8)}
    settings = Settings(
        desk={"state_dir": tmp_path},
        venues={"binance": {"base_url": OWN if facts.host else TEST, **keys}},
        terminals={"main": {"venue": "binance", "mode": "live" if facts.setting else "testnet"}},
    )
    confirmed = frozenset({"main"}) if facts.confirmed else frozenset()

    if len(set(held.values())) == 1:
        found = live_grounds(settings, confirmed)
        assert {name: each.host for name, each in found.items()} == ({"main": "api.binance.com"} if facts.setting else {})
        assert keys["api_key"] not in str(found)
        return
    with pytest.raises(Misconfigured) as raised:
        live_grounds(settings, confirmed)
    assert raised.value.code == "REAL_MONEY"
    missing = str(raised.value.values.get("missing", ""))
    assert {name for name, word in WORDS.items() if word in missing} == {name for name, holds in held.items() if not holds}


def test_a_confirmation_of_no_terminal_stops_the_start() -> None:
    with pytest.raises(Misconfigured, match="LIVE_UNKNOWN"):
        live_grounds(Settings(), frozenset({"mian"}))


def test_another_key_or_address_is_another_ground(tmp_path: Path) -> None:
    file, secret = tmp_path / "keys.json", secrets.token_hex(8)
    keys = (secrets.token_hex(4), secrets.token_hex(4))
    held = [VenueSettings(api_key=SecretStr(key), secret=SecretStr(secret)) for key in keys]
    file.write_text(json.dumps({"api_key": keys[0], "secret": secret}))
    same, elsewhere = VenueSettings(secret_file=file), held[0].model_copy(update={"base_url": OWN})

    assert ground_at("mine", held[0]).written == ground_at("mine", same).written
    assert len({ground_at("mine", each).written for each in (*held, elsewhere)} | {ground_at("its", same).written}) == 4
    file.write_text("[]")
    with pytest.raises(Misconfigured, match="VENUE_KEYS"):
        ground_at("mine", same)
