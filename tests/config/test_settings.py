"""Settings: safe by default, three sources in order, and every mistake named with its key, place and fix."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from pydantic import ValidationError

from config.grades import BUILT_IN
from config.settings import Problem, Settings, SettingsError, load_settings

from ..setup.canaries import random_bot_token, random_text

TWO_WORDS = "two words"


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def _problems() -> list[Problem]:
    with pytest.raises(SettingsError) as caught:
        load_settings()
    return caught.value.problems


def test_nothing_set_is_a_safe_desk_on_paper() -> None:
    settings = load_settings()

    assert settings.telegram.read_token() is None
    assert settings.telegram.webhook_host == "127.0.0.1"
    assert settings.risk.default_per_trade < settings.risk.per_trade <= Decimal("0.01")
    assert settings.people.commanders == ()
    assert settings.database_url == f"sqlite:///{Path('var/sortie.db').absolute()}"


def test_environment_wins_over_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("sortie.toml").write_text('[desk]\nname = "From the file"\ncurrency = "USDC"\n')
    monkeypatch.setenv("SORTIE_DESK__NAME", "From the environment")

    settings = load_settings()

    assert (settings.desk.name, settings.desk.currency) == ("From the environment", "USDC")


def test_file_is_the_one_that_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("other.toml").write_text('[desk]\nname = "Other"\n')
    monkeypatch.setenv("SORTIE_CONFIG", "other.toml")

    assert load_settings().desk.name == "Other"


def test_named_file_that_is_missing_stops_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SORTIE_CONFIG", "nowhere.toml")

    (problem,) = _problems()

    assert (problem.where, problem.message) == ("nowhere.toml", "cannot be read: No such file or directory")


@pytest.mark.parametrize(
    ("text", "key", "says"),
    [
        ("[risk]\nper_trad = 0.01", "risk.per_trad", "is not a setting"),
        ("[riks]\nper_trade = 0.01", "riks", "is not a setting"),
        ("[risk]\nper_trade = 2", "risk.per_trade", "less than or equal to 1"),
        ("[desk]\nzone = 'Mars/Olympus'", "desk.zone", "not an IANA time zone"),
        ("[digest]\nat = '25:00'", "digest.at", "not a time of day"),
        ("[risk]\ndefault_per_trade = 0.05", "risk", "above `per_trade`"),
        (f"[telegram]\nwebhook_secret = '{TWO_WORDS}'", "telegram", "`webhook_secret` takes 1 to 256 of"),
        ("[telegram]\nmode = 'webhook'", "telegram", "needs `webhook_url` and `webhook_secret`"),
        ("[telegram]\ntoken = 'a'\ntoken_file = 'b'", "telegram", "not both"),
        ("[people]\ncommanders = [1]\ntraders = [1]", "people", "more than one role: [1]"),
        (
            "[[risk.scoped]]\nscope = 'instrument'\nsubject = 'XRP/USDT'\nlimit = 'max_notional'\nvalue = 0.1",
            "settings",
            "has no such instrument",
        ),
        ("[[risk.scoped]]\nscope = 'person'\nsubject = '7'\nlimit = 'nothing'\nvalue = 1", "risk", "no such limit"),
        ("[grades.cadet]\nwithout = ['halt']", "grades.cadet.without", "halt cannot be taken away"),
        ("[grades.trader]", "grades", "is no role's"),
        ("[grades.x]\nslots = 0", "grades", "2 to 16 of a-z"),
        ("[market]\nvenue = 'kraken'", "settings", "[venues] has only ['binance']"),
        ("[risk", "-", "is not TOML"),
    ],
)
def test_mistake_in_the_file_is_named(text: str, key: str, says: str) -> None:
    Path("sortie.toml").write_text(f"{text}\n")

    (problem,) = _problems()

    assert problem.key == key
    assert problem.where == "sortie.toml"
    assert says in problem.message
    assert problem.fix


@pytest.mark.parametrize("name", ["SORTIE_RISKS__PER_TRADE", "SORTIE_TOKEN", "SORTIE_RISK__PER_TRAD"])
def test_variable_that_is_no_setting_stops_the_start(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "0.01")

    (problem,) = _problems()

    assert "environment" in problem.where
    assert "is not a setting" in problem.message


def test_variable_out_of_range_names_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SORTIE_RISK__PER_TRADE", "-1")

    (problem,) = _problems()

    assert (problem.key, problem.where) == ("risk.per_trade", "environment, SORTIE_RISK__PER_TRADE")


def test_all_mistakes_are_told_at_once() -> None:
    Path("sortie.toml").write_text("[risk]\nper_trade = 7\nnonsense = 1\n[desk]\nname = ''\n")

    assert {problem.key for problem in _problems()} == {"risk.per_trade", "risk.nonsense", "desk.name"}


def test_where_the_tests_find_candles_is_no_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SORTIE_SHARED", "../shared")

    assert load_settings() == Settings()


def test_tree_is_frozen() -> None:
    settings = load_settings()

    with pytest.raises(ValidationError, match="frozen"):
        settings.risk.per_trade = Decimal(1)


def test_token_comes_from_a_file_and_shows_in_no_text(monkeypatch: pytest.MonkeyPatch) -> None:
    token, hook = random_bot_token(), random_text(24)
    Path("token").write_text(f"{token}\n")
    monkeypatch.setenv("SORTIE_TELEGRAM__TOKEN_FILE", "token")
    monkeypatch.setenv("SORTIE_TELEGRAM__WEBHOOK_SECRET", hook)

    settings = load_settings()

    assert settings.telegram.read_token() == token
    for text in (repr(settings), str(settings), settings.model_dump_json(), repr(settings.model_dump())):
        assert token not in text
        assert hook not in text


def test_mistake_beside_a_secret_does_not_repeat_it(monkeypatch: pytest.MonkeyPatch) -> None:
    token = random_bot_token()
    monkeypatch.setenv("SORTIE_TELEGRAM__TOKEN", token)
    monkeypatch.setenv("SORTIE_TELEGRAM__MODE", "carrier pigeon")

    assert token not in repr(_problems())


def test_fingerprint_follows_decisions_and_not_places(tmp_path: Path) -> None:
    same = Settings.model_validate({"desk": {"state_dir": tmp_path}, "telegram": {"api_base": "http://127.0.0.1:1"}})
    other = Settings.model_validate({"risk": {"per_trade": "0.02"}})

    assert Settings().fingerprint == same.fingerprint != other.fingerprint


def test_a_built_in_grade_that_the_file_changes_keeps_the_rest_of_what_it_is() -> None:
    Path("sortie.toml").write_text("[grades.cadet]\nslots = 5\n[grades.intern]\nmodes = ['alert']\n")

    found = load_settings().grades

    assert set(found) == {"cadet", "regular", "veteran", "intern"}
    assert found["cadet"] == BUILT_IN["cadet"].model_copy(update={"slots": 5})
    assert (found["intern"].modes, found["intern"].slots) == (("alert",), None)
