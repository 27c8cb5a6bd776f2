"""The written-out settings say what the code says."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from bot.settings_text import entries, reference_page, toml_text
from config.settings import Settings, load_settings


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_file_with_nothing_set_is_the_defaults() -> None:
    Path("sortie.toml").write_text(toml_text({}), encoding="utf-8")

    assert load_settings() == Settings()


def test_every_commented_default_is_what_it_says() -> None:
    lines = toml_text({}).splitlines()
    uncommented = [line[1:] if re.match(r"#[a-z_]+ = ", line) and not line.endswith("# unset") else line for line in lines]
    Path("sortie.toml").write_text("\n".join(uncommented), encoding="utf-8")

    assert load_settings() == Settings()
    assert sum(len(group) for group in tomllib.loads("\n".join(uncommented)).values()) > 30


def test_values_given_are_set_and_nothing_else() -> None:
    text = toml_text({"telegram.token_file": Path("var/telegram-token"), "desk.name": 'Ann\'s "desk" \\ №1'})

    assert tomllib.loads(text)["telegram"] == {"token_file": "var/telegram-token"}
    assert tomllib.loads(text)["desk"] == {"name": 'Ann\'s "desk" \\ №1'}


def test_every_setting_is_described() -> None:
    for about, settings in entries().values():
        assert about
        for entry in settings:
            assert entry.meaning != entry.key.replace("_", " "), f"{entry.group}.{entry.key} has no description"


def test_reference_page_lists_every_key_once() -> None:
    page = reference_page()

    for group, (_, settings) in entries().items():
        assert page.count(f"## `[{group}]`") == 1
        section = page.split(f"## `[{group}]`")[1].split("\n## ")[0]
        for entry in settings:
            assert section.count(f"| `{entry.key}` |") == 1


def test_variable_names_are_the_ones_that_work(monkeypatch: pytest.MonkeyPatch) -> None:
    names = {entry.variable for _, settings in entries().values() for entry in settings}
    assert {"SORTIE_TELEGRAM__API_BASE", "SORTIE_VENUES__BINANCE__BASE_URL", "SORTIE_PEOPLE__COMMANDERS"} <= names
    monkeypatch.setenv("SORTIE_VENUES__BINANCE__BASE_URL", "http://127.0.0.1:1/exchange")
    monkeypatch.setenv("SORTIE_PEOPLE__COMMANDERS", "1, 2")

    settings = load_settings()

    assert settings.venues["binance"].base_url == "http://127.0.0.1:1/exchange"
    assert settings.people.commanders == (1, 2)
