"""Keys of venues are sealed in one file and opened by another; what is damaged, swapped or readable by others opens nothing."""

from __future__ import annotations

import json
import secrets
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bot.__main__ import app
from bot.redaction import secrets_in
from config.keys import MASTER, SEALED, KeyFileError, KeySettings, KeyStore
from config.settings import Settings, SettingsError, load_settings

TWO = '[desk]\nstate_dir = "{}"\n[venues.binance]\n[venues.other]\nexchange = "kraken"\n[terminals.main]\nvenue = "other"\n'


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A state folder whose settings name two venues, and a terminal at the second."""
    file = tmp_path / "sortie.toml"
    file.write_text(TWO.format(tmp_path / "state"), encoding="utf-8")
    monkeypatch.setenv("SORTIE_CONFIG", str(file))
    yield tmp_path / "state"


def drawn() -> dict[str, str]:
    return {"api_key": secrets.token_hex(32), "secret": secrets.token_hex(32)}


def typed(keys: dict[str, str]) -> str:
    return f"{keys['api_key']}\n{keys['secret']}\n\n\n"


def test_keys_are_typed_sealed_used_listed_and_forgotten(folder: Path) -> None:
    keys, shell = drawn(), CliRunner()
    with pytest.raises(SettingsError, match="sortie keys set other"):
        load_settings()
    said = shell.invoke(app, ["keys", "set", "other"], input=typed(keys))
    settings = load_settings()
    listed = shell.invoke(app, ["keys", "list"])
    stored = "".join(file.read_text(encoding="utf-8") for file in folder.iterdir() if file.is_file())
    forgotten = shell.invoke(app, ["keys", "forget", "other"])

    assert (said.exit_code, listed.exit_code, forgotten.exit_code) == (0, 0, 0)
    assert settings.venues["other"].credentials() == keys
    assert not settings.venues["binance"].has_keys
    assert set(keys.values()) <= secrets_in(settings)
    assert "other: sealed" in listed.output
    assert not any(value in said.output + listed.output + stored + repr(settings) for value in keys.values())
    assert not load_settings(keys_needed=False).venues["other"].has_keys


def test_nothing_is_kept_without_a_secret_or_for_a_venue_that_is_not_there(folder: Path) -> None:
    shell = CliRunner()
    empty = shell.invoke(app, ["keys", "set", "other"], input=f"{secrets.token_hex(8)}\n\n\n\n")
    unknown = shell.invoke(app, ["keys", "set", "elsewhere"], input=typed(drawn()))

    assert (empty.exit_code, unknown.exit_code) == (1, 1)
    assert not (folder / SEALED).exists()


def test_what_the_settings_say_wins_over_what_is_sealed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = drawn()
    KeyStore(KeySettings(), folder).write("other", drawn())
    for name, value in keys.items():
        monkeypatch.setenv(f"SORTIE_VENUES__OTHER__{name.upper()}", value)

    assert load_settings().venues["other"].credentials() == keys


def swap(folder: Path) -> None:
    held = json.loads((folder / SEALED).read_text(encoding="utf-8"))
    held["venues"]["other"], held["venues"]["binance"] = held["venues"]["binance"], held["venues"]["other"]
    (folder / SEALED).write_text(json.dumps(held), encoding="utf-8")


def flip(folder: Path) -> None:
    held = json.loads((folder / SEALED).read_text(encoding="utf-8"))
    entry = held["venues"]["other"]
    held["venues"]["other"] = ("B" if entry[30] == "A" else "A").join([entry[:30], entry[31:]])
    (folder / SEALED).write_text(json.dumps(held), encoding="utf-8")


BAD_DAYS = {
    "swapped": swap,
    "changed": flip,
    "torn": lambda folder: (folder / SEALED).write_bytes((folder / SEALED).read_bytes()[:-20]),
    "no-master": lambda folder: (folder / MASTER).unlink(),
    "other-master": lambda folder: (folder / MASTER).write_text(secrets.token_hex(22), encoding="utf-8"),
    "empty-master": lambda folder: (folder / MASTER).write_bytes(b""),
    "read-by-others": lambda folder: (folder / SEALED).chmod(0o640),
    "master-read-by-others": lambda folder: (folder / MASTER).chmod(0o604),
}


@pytest.mark.skipif(sys.platform == "win32", reason="files have no mode there")
@pytest.mark.parametrize("day", BAD_DAYS)
def test_on_a_bad_day_the_start_stops_and_says_what_to_do(folder: Path, day: str) -> None:
    store = KeyStore(KeySettings(), folder)
    for venue in ("binance", "other"):
        store.write(venue, drawn())
    BAD_DAYS[day](folder)

    with pytest.raises(SettingsError) as raised:
        load_settings()

    (problem,) = raised.value.problems
    assert problem.key == "keys"
    assert problem.fix


def test_the_master_key_may_live_elsewhere_and_is_never_made_anew(tmp_path: Path) -> None:
    settings = KeySettings(master_file=tmp_path / "elsewhere" / "master")
    store, keys = KeyStore(settings, tmp_path), drawn()
    store.write("other", keys)

    assert store.read("other") == keys
    assert not (tmp_path / MASTER).exists()
    (tmp_path / "elsewhere" / "master").unlink()
    with pytest.raises(KeyFileError):
        store.write("other", drawn())


@pytest.mark.skipif(sys.platform == "win32", reason="files have no mode there")
def test_a_credential_of_the_service_manager_is_taken_as_it_is_handed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = KeySettings(master_file=tmp_path / "handed" / "master")
    KeyStore(settings, tmp_path).write("other", keys := drawn())
    (tmp_path / "handed" / "master").chmod(0o440)
    with pytest.raises(KeyFileError, match="chmod 600"):
        KeyStore(settings, tmp_path).read("other")

    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path / "handed"))

    assert KeyStore(settings, tmp_path).read("other") == keys


def test_settings_without_sealed_keys_read_no_key_file(tmp_path: Path) -> None:
    assert not Settings(desk={"state_dir": tmp_path}).venues["binance"].has_keys
