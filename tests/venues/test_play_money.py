"""Real money needs three facts that agree, and today a decision that cannot be made: every combination stops the start."""

from __future__ import annotations

import secrets
from itertools import product
from pathlib import Path
from typing import Any, cast

import pytest

from bot.wiring import Outside, build_exchanges
from config.groups import VenueSettings
from config.settings import Settings
from services.domain.errors import Misconfigured
from services.domain.live_facts import LiveFacts
from services.market.quotes import QuoteBoard
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
def test_only_a_terminal_that_nothing_calls_live_starts(facts: LiveFacts, tmp_path: Path) -> None:
    held = {name: getattr(facts, name) for name in WORDS}
    keys = {"api_key": secrets.token_hex(8), "secret": secrets.token_hex(8)}
    settings = Settings(
        desk={"state_dir": tmp_path},
        venues={"binance": {"base_url": OWN if facts.host else TEST, **keys}},
        terminals={"main": {"venue": "binance", "mode": "live" if facts.setting else "testnet"}},
    )
    outside = cast(Any, Started(frozenset({"main"}) if facts.confirmed else frozenset()))

    if not any(held.values()):
        assert build_exchanges(settings, outside, {}, QuoteBoard()) == {"binance": "built"}
        return
    with pytest.raises(Misconfigured) as raised:
        build_exchanges(settings, outside, {}, QuoteBoard())
    assert raised.value.code == ("LIVE_UNDECIDED" if all(held.values()) else "REAL_MONEY")
    missing = str(raised.value.values.get("missing", ""))
    assert {name for name, word in WORDS.items() if word in missing} == {name for name, holds in held.items() if not holds}


class Started:
    """What a process brings along, as far as exchanges are built from it."""

    def __init__(self, confirmed_live: frozenset[str]) -> None:
        self.confirmed_live = confirmed_live
        self.exchange = lambda name, quotes: "built"


def test_a_confirmation_of_no_terminal_stops_the_start() -> None:
    with pytest.raises(Misconfigured, match="LIVE_UNKNOWN"):
        build_exchanges(Settings(), cast(Outside, Started(frozenset({"mian"}))), {}, QuoteBoard())
