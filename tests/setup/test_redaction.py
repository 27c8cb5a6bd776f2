"""No secret leaves the process, whatever it is wrapped in."""

from __future__ import annotations

import json
import unicodedata
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from bot.redaction import HIDDEN, Redactor, secrets_in, visible
from config.settings import Settings

from .canaries import random_bot_token, random_text


@dataclass(frozen=True)
class Login:
    name: str
    password: str


class Unprintable:
    def __repr__(self) -> str:
        raise RuntimeError("no")


WRAPPINGS = {
    "text": lambda secret: f"before {secret} after",
    "path of a call": lambda secret: f"https://example.org/bot{secret}/getMe",
    "quoted for a URL": lambda secret: f"https://example.org/?next={quote(secret, safe='')}",
    "JSON": lambda secret: json.dumps({"a": [secret]}),
    "mapping": lambda secret: {"deep": {"deeper": [{"deepest": secret}]}},
    "key of a mapping": lambda secret: {secret: 1},
    "tuple and set": lambda secret: ({secret}, (secret,)),
    "exception": lambda secret: ValueError("bad", secret),
    "bytes": lambda secret: secret.encode(),
    "ordered dict": lambda secret: OrderedDict(note=secret),
    "secret type": SecretStr,
    "path": lambda secret: Path("/somewhere") / secret,
}


@pytest.mark.parametrize("wrapping", WRAPPINGS)
def test_registered_secret_is_hidden_in(wrapping: str) -> None:
    secret = random_text(24)
    redactor = Redactor([secret])

    shown = json.dumps(redactor.plain({"field": WRAPPINGS[wrapping](secret)}))

    assert secret not in shown
    assert HIDDEN in shown


@pytest.mark.parametrize("wrapping", WRAPPINGS)
def test_bot_token_that_nobody_registered_is_hidden_in(wrapping: str) -> None:
    token = random_bot_token()

    shown = json.dumps(Redactor().plain({"field": WRAPPINGS[wrapping](token)}))

    assert token not in shown
    assert token.split(":")[1] not in shown


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("binance GET https://example.org/api?timestamp=1&signature=", "&x=1"),
        ("postgresql://desk:", "@db.example.org/sortie"),
        ('{"api_key": "', '", "symbol": "BTC"}'),
        ("{'venue_secret': '", "'}"),
        ("X-MBX-APIKEY: ", " and more"),
        ("Authorization: Bearer ", ""),
        ("t.me/desk?start=claim_", " opens the desk"),
        ("password = ", ""),
    ],
)
def test_value_that_its_surroundings_call_secret_is_hidden(before: str, after: str) -> None:
    secret = random_text(30)

    shown = Redactor().hide(f"{before}{secret}{after}")

    assert secret not in shown
    assert shown == f"{before}{HIDDEN}{after}"


def test_field_called_a_secret_is_hidden_whatever_it_looks_like() -> None:
    secret = "correct horse"  # pragma: allowlist secret
    facts = {"password": secret, "act_token": secret, "venue": {"api-key": secret}, "login": Login(name="ann", password=secret)}

    shown = json.dumps(Redactor().plain(facts))

    assert secret not in shown
    assert "ann" in shown


def test_ordinary_values_come_through() -> None:
    facts = {"order": "o-1", "n": 3, "ok": True, "none": None, "tokens": 12, "note": "Ваш ордер 🟢 +1.2 R", "p": 1.5}

    assert Redactor().plain(facts) == facts


def test_short_words_are_never_registered() -> None:
    assert Redactor(["order"]).hide("order.sent") == "order.sent"


def test_object_that_cannot_be_shown_says_so() -> None:
    assert Redactor().plain(Unprintable()) == "<Unprintable that cannot be shown: RuntimeError>"


def test_endless_nesting_ends() -> None:
    loop: list[object] = []
    loop.append(loop)

    assert "..." in json.dumps(Redactor().plain(loop))


def test_long_text_is_cut_after_hiding_not_before() -> None:
    secret = random_text(40)
    text = "x" * 19_990 + secret + "y" * 100

    shown = Redactor([secret]).clean(text)

    assert secret[:10] not in shown
    assert shown.endswith("more characters")


@given(st.text())
def test_visible_text_is_one_line_without_control_or_direction_marks(text: str) -> None:
    shown = visible(text)

    assert len(shown.splitlines()) <= 1
    assert not any(unicodedata.category(each) in {"Cc", "Zl", "Zp", "Cs"} for each in shown)
    assert not any(
        unicodedata.bidirectional(each) in {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"} for each in shown
    )
    shown.encode("utf-8")


def test_every_secret_of_the_settings_is_found(tmp_path: Path) -> None:
    hook, password, token = random_text(20), random_text(20), random_bot_token()
    file = tmp_path / "token"
    file.write_text(f"{token}\n")
    settings = Settings.model_validate(
        {
            "telegram": {"token_file": file, "mode": "webhook", "webhook_url": "https://example.org", "webhook_secret": hook},
            "database": {"url": f"postgresql://desk:{password}@db.example.org/sortie"},
        }
    )

    assert secrets_in(settings) == {hook, password, token}
