"""Settings from TOML, ``SORTIE_`` environment variables and secret files; anything unknown or contradictory stops the start."""

from __future__ import annotations

import hashlib
import json
import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict
from pydantic_settings.sources import TomlConfigSettingsSource

from config.alerting import AlertSettings
from config.approvals import ApprovalSettings
from config.breakers import BreakerSettings, DisciplineSettings
from config.correlation import CorrelationSettings
from config.deadman import DeadmanSettings
from config.grades import BUILT_IN, GradeSettings, with_built_in
from config.groups import (
    BackupSettings,
    ChatSettings,
    DatabaseSettings,
    DeskSettings,
    DigestSettings,
    LogSettings,
    MarketSettings,
    PaperSettings,
    PeopleSettings,
    ProtectionSettings,
    RouteSettings,
    SignalSettings,
    StrategySettings,
    TelegramSettings,
    TerminalSettings,
    VenueSettings,
)
from config.inputs import InputSettings
from config.intake import IntakeSettings
from config.keys import KeyFileError, KeySettings, KeyStore, StoredKeys
from config.killing import KillingSettings
from config.limits import RiskSettings
from config.news import CalendarSettings, NewsSettings
from config.recording import RecordSettings
from config.screening import ScreeningSettings
from config.session import SessionSettings
from config.sizing import SizingSettings
from config.web import HeartbeatSettings, WebSettings

PREFIX = "SORTIE_"
FILE_VARIABLE = "SORTIE_CONFIG"
DEFAULT_FILE = Path("sortie.toml")
TERMINAL_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")
# Named like settings, but read elsewhere: the second says where the tests find recorded candles.
NOT_SETTINGS = (FILE_VARIABLE, "SORTIE_SHARED")


class Settings(BaseSettings):
    """The whole tree."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_nested_delimiter="__", frozen=True, extra="forbid", validate_default=True
    )

    desk: DeskSettings = Field(default_factory=DeskSettings)
    telegram: TelegramSettings = Field(default_factory=TelegramSettings)
    database: DatabaseSettings = Field(default_factory=DatabaseSettings)
    people: PeopleSettings = Field(default_factory=PeopleSettings)
    chats: ChatSettings = Field(default_factory=ChatSettings)
    venues: dict[str, VenueSettings] = Field(default_factory=lambda: {"binance": VenueSettings()})
    keys: KeySettings = Field(default_factory=KeySettings)
    terminals: dict[str, TerminalSettings] = Field(default_factory=dict)
    market: MarketSettings = Field(default_factory=MarketSettings)
    screening: ScreeningSettings = Field(default_factory=ScreeningSettings)
    paper: PaperSettings = Field(default_factory=PaperSettings)
    strategies: StrategySettings = Field(default_factory=StrategySettings)
    signals: SignalSettings = Field(default_factory=SignalSettings)
    intake: IntakeSettings = Field(default_factory=IntakeSettings)
    risk: RiskSettings = Field(default_factory=RiskSettings)
    breakers: BreakerSettings = Field(default_factory=BreakerSettings)
    discipline: DisciplineSettings = Field(default_factory=DisciplineSettings)
    sizing: SizingSettings = Field(default_factory=SizingSettings)
    correlation: CorrelationSettings = Field(default_factory=CorrelationSettings)
    inputs: InputSettings = Field(default_factory=InputSettings)
    news: NewsSettings = Field(default_factory=NewsSettings)
    calendar: CalendarSettings = Field(default_factory=CalendarSettings)
    sessions: dict[str, SessionSettings] = Field(default_factory=dict)
    approvals: ApprovalSettings = Field(default_factory=ApprovalSettings)
    grades: dict[str, GradeSettings] = Field(default_factory=lambda: dict(BUILT_IN))
    protection: ProtectionSettings = Field(default_factory=ProtectionSettings)
    routes: RouteSettings = Field(default_factory=RouteSettings)
    killing: KillingSettings = Field(default_factory=KillingSettings)
    deadman: DeadmanSettings = Field(default_factory=DeadmanSettings)
    digest: DigestSettings = Field(default_factory=DigestSettings)
    alerts: AlertSettings = Field(default_factory=AlertSettings)
    backup: BackupSettings = Field(default_factory=BackupSettings)
    record: RecordSettings = Field(default_factory=RecordSettings)
    web: WebSettings = Field(default_factory=WebSettings)
    heartbeat: HeartbeatSettings = Field(default_factory=HeartbeatSettings)
    logs: LogSettings = Field(default_factory=LogSettings)

    _grades_built_in = field_validator("grades", mode="before")(with_built_in)

    @model_validator(mode="after")
    def _cross_check(self) -> Settings:
        if self.market.venue not in self.venues:
            raise ValueError(f"market.venue is {self.market.venue!r}, but [venues] has only {sorted(self.venues)}")
        for name, terminal in self.terminals.items():
            if not TERMINAL_NAME.fullmatch(name):
                raise ValueError(f"terminals.{name}: a terminal's name has at most 32 of a-z, 0-9 and -")
            if terminal.venue not in self.venues:
                raise ValueError(f"terminals.{name}.venue is {terminal.venue!r}, but [venues] has only {sorted(self.venues)}")
        self._check_scoped_limits()
        taken = [terminal.venue for terminal in self.terminals.values()]
        twice = sorted({venue for venue in taken if taken.count(venue) > 1})
        if twice:
            raise ValueError(f"one account has one terminal: two name the venue {', '.join(twice)}")
        return self

    def _check_scoped_limits(self) -> None:
        """Refuse a limit or hours of an instrument that is not traded: it would bind nothing, and nobody would notice."""
        for each in self.risk.scoped:
            if each.scope == "instrument" and each.subject not in self.market.instruments:
                raise ValueError(f"risk.scoped names {each.subject!r}, but market.instruments has no such instrument")
        for name, hours in self.sessions.items():
            unknown = sorted(set(hours.instruments) - set(self.market.instruments))
            if unknown:
                raise ValueError(f"sessions.{name} names {', '.join(unknown)}, which market.instruments does not")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Let the environment win over the file, and both over sealed keys; nothing else is read."""
        path = settings_file()
        sources: list[PydanticBaseSettingsSource] = [init_settings, env_settings]
        if path is not None:
            sources.append(TomlConfigSettingsSource(settings_cls, path))
        return (*sources, StoredKeys(settings_cls))

    @property
    def database_url(self) -> str:
        """Return the database's URL, by default SQLite in the state folder."""
        return self.database.url or f"sqlite:///{(self.desk.state_dir / 'sortie.db').absolute()}"

    @property
    def key_store(self) -> KeyStore:
        """Return where `sortie keys` keeps the keys of venues."""
        return KeyStore(self.keys, self.desk.state_dir)

    @property
    def fingerprint(self) -> str:
        """Return a hash of the settings that bear on decisions; secrets and addresses are left out."""
        trading = {"market", "paper", "terminals", "strategies", "signals", "routes", "protection", "desk", "intake"}
        judging = {"sessions", "inputs", "correlation", "sizing", "risk", "breakers", "discipline", "grades", "approvals"}
        groups = trading | judging | {"calendar", "screening"}
        tree = self.model_dump(
            mode="json", include=groups, exclude={"desk": {"state_dir"}, "calendar": {"file", "url", "every_s"}}
        )
        return hashlib.sha256(json.dumps(tree, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing wrong with the settings: the key, where it stands, what is wrong and how to mend it."""

    key: str
    where: str
    message: str
    fix: str


class SettingsError(Exception):
    """The start must stop: ``problems`` say why."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = problems
        super().__init__("; ".join(f"{each.key} ({each.where}): {each.message}. Fix: {each.fix}" for each in problems))


def settings_file() -> Path | None:
    """Return the TOML file in force: the one named by SORTIE_CONFIG, else ./sortie.toml when it exists."""
    named = os.environ.get(FILE_VARIABLE)
    if named:
        return Path(named)
    return DEFAULT_FILE if DEFAULT_FILE.exists() else None


def load_settings(*, keys_needed: bool = True) -> Settings:
    """Read and check the whole tree; raise SettingsError naming key, place and fix for everything that is wrong.

    Without ``keys_needed`` a terminal's venue may still be without keys, for whoever is about to set them.
    """
    path = settings_file()
    _check_file(path)
    _check_variables(os.environ)
    try:
        settings = Settings()
    except KeyFileError as error:
        raise SettingsError([Problem(key="keys", where="state folder", message=error.cause, fix=error.fix)]) from error
    except ValidationError as error:
        raise SettingsError([_problem(dict(each), path) for each in error.errors()]) from error
    bare = [name for name, terminal in settings.terminals.items() if not settings.venues[terminal.venue].has_keys]
    if bare and keys_needed:
        raise SettingsError([_without_keys(name, settings.terminals[name].venue, path) for name in bare])
    return settings


def _without_keys(terminal: str, venue: str, path: Path | None) -> Problem:
    return Problem(
        key=f"terminals.{terminal}",
        where=str(path or "environment"),
        message=f"needs keys for [venues.{venue}]",
        fix=f"run `sortie keys set {venue}`, or set its `secret_file`",
    )


def _check_file(path: Path | None) -> None:
    if path is None:
        return
    where = str(path)
    try:
        tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(
            [
                Problem(
                    key="-",
                    where=where,
                    message=f"cannot be read: {error.strerror}",
                    fix="correct the path in SORTIE_CONFIG, or run `sortie init`",
                )
            ]
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(
            [Problem(key="-", where=where, message=f"is not TOML: {error}", fix="correct the named line")]
        ) from error


def _check_variables(environment: Mapping[str, str]) -> None:
    known = {name.upper() for name in Settings.model_fields}
    problems = [
        Problem(
            key=name,
            where="environment",
            message="is not a setting",
            fix=f"unset it, or use one of {', '.join(sorted(known))} followed by __ and a key",
        )
        for name in environment
        if name.upper().startswith(PREFIX)
        and name.upper() not in NOT_SETTINGS
        and name.upper().removeprefix(PREFIX).split("__")[0] not in known
    ]
    if problems:
        raise SettingsError(problems)


def _problem(error: Mapping[str, Any], path: Path | None) -> Problem:
    keys = [str(part) for part in error["loc"]]
    key = ".".join(keys) or "settings"
    variable = PREFIX + "__".join(keys).upper()
    where = "environment" if any(name.upper() == variable for name in os.environ) else str(path or "defaults")
    unknown = error["type"] == "extra_forbidden"
    message = "is not a setting" if unknown else str(error["msg"])
    return Problem(
        key=key,
        where=f"{where}, {variable}" if where == "environment" else where,
        message=message,
        fix="remove it or correct its spelling; docs/reference/settings.md lists all"
        if unknown
        else f"correct `{key}`; docs/reference/settings.md says what it takes",
    )
