"""What looks like a key and what does not."""

from __future__ import annotations

import base64
import secrets
import string
from collections.abc import Callable

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot.reference.commands import chat_commands
from bot.system import SystemIds
from services.domain.key_shapes import looks_like_key, names_key_file

ALPHANUMERIC = string.ascii_letters + string.digits
DRAWN = 100
# Of random text a little reads like words; what opens an account is long enough to be told from them.
MISSED_MOST = 0.03


def letters(length: int) -> Callable[[], str]:
    return lambda: "".join(secrets.choice(ALPHANUMERIC) for _ in range(length))


def in_base64(count: int) -> Callable[[], str]:
    return lambda: base64.b64encode(secrets.token_bytes(count)).decode()


KEYS: dict[str, Callable[[], str]] = {
    "binance": letters(64),
    "bybit-secret": letters(36),
    "okx-secret": lambda: secrets.token_hex(16).upper(),
    "gate": lambda: secrets.token_hex(32),
    "kraken": in_base64(42),
    "kraken-secret": in_base64(64),
    "bitmex-secret": lambda: secrets.token_urlsafe(36),
    "bitfinex": letters(43),
    "bitget": lambda: f"bg_{secrets.token_hex(16)}",
    "wallet": lambda: f"0x{secrets.token_hex(32)}",
    "bot-token": lambda: f"{secrets.randbelow(10**9) + 10**8}:{secrets.token_urlsafe(27)[:35]}",
    "labelled": lambda: f"api_key = {secrets.token_hex(4)}1",
    "labelled-passphrase": lambda: f'"passphrase": "{secrets.token_hex(4)}1"',
    "in-a-bot-address": lambda: f"https://api.telegram.org/bot{secrets.randbelow(10**9) + 10**8}:{secrets.token_hex(18)}/getMe",
}


@pytest.mark.parametrize("kind", KEYS)
@pytest.mark.parametrize(
    "around", ["{}", "my key is {}, thanks", "/settings {}", "API\n{}\nok"], ids=["bare", "said", "typed", "lines"]
)
def test_a_key_looks_like_one(kind: str, around: str) -> None:
    missed = sum(not looks_like_key(around.format(KEYS[kind]())) for _ in range(DRAWN))

    assert missed <= MISSED_MOST * DRAWN


@pytest.mark.parametrize("kind", ["PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY", "CERTIFICATE"])
def test_what_is_armoured_is_one_whatever_it_holds(kind: str) -> None:
    assert looks_like_key(f"-----BEGIN {kind}-----\nMII\n-----END {kind}-----")


@pytest.mark.parametrize(
    ("name", "is_key"), [("desk.PEM", True), ("binance.key", True), ("chart.png", False), ("keys.txt", False)]
)
def test_a_file_is_told_by_its_name(name: str, is_key: bool) -> None:
    assert names_key_file(name) is is_key


ids = SystemIds()
PLAIN = st.one_of(
    st.builds(ids.row),
    st.builds(ids.instruction),
    st.uuids().map(str),
    st.binary(min_size=20, max_size=20).map(bytes.hex),
    st.binary(min_size=20, max_size=20).map(lambda found: f"0x{found.hex()}"),
    st.integers(min_value=-(10**15), max_value=10**40).map(str),
    st.decimals(allow_nan=False, allow_infinity=False).map(lambda found: format(found, "f")[:40]),
    st.text(ALPHANUMERIC + "_-", min_size=1, max_size=64).map(lambda tail: f"https://t.me/{tail}"),
    st.text(ALPHANUMERIC + "_-", min_size=20, max_size=40).map(lambda tail: f"claim_{tail}"),
    st.sampled_from(
        ["BTC/USDT", "ETHUSDT", "breakout_v2", "long", "sl", "63200.5", "@ann_trades_2026", "half", "MeanReversion2"]
    ),
    st.builds(
        lambda words, version: "".join([*words, version]),
        st.lists(st.sampled_from(["Mean", "Reversion", "Breakout", "BTCUSDT", "Perp"]), min_size=1, max_size=8),
        st.sampled_from(["", "2026", "V2", "15m"]),
    ),
)


@settings(max_examples=50)
@given(command=st.sampled_from([spec.name for spec in chat_commands().all()]), words=st.lists(PLAIN, max_size=6))
@example(command="call", words=["BTCUSDT", "long", "sl", "63200", "tp", "65300", "66400"])
def test_commands_ids_and_links_do_not(command: str, words: list[str]) -> None:
    assert not looks_like_key(" ".join([f"/{command}", *words]))


@settings(max_examples=50)
@given(st.text(max_size=200))
def test_any_text_can_be_looked_at(text: str) -> None:
    assert looks_like_key(text) in (True, False)
