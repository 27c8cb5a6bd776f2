"""The doctor's questions, put to the real things: settings, database, Telegram, venues, disk and clocks."""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
import stat
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import Connection, make_url, text
from sqlalchemy.exc import SQLAlchemyError

from bot.identity import NoIdentity, ask_identity, ask_time
from bot.limits_probe import ask_limits
from bot.live_probe import ask_live, may_be_live
from bot.rights_probe import rights_of_key
from bot.second_channel import channel
from bot.web_probe import ask_port
from config.groups import VenueSettings
from config.settings import Settings, settings_file
from migrations import api
from migrations.engines import run_on
from services.domain.errors import Misconfigured, SortieError, Unavailable
from services.domain.orders import OrderType
from services.domain.ports import Clock
from services.market.quotes import QuoteBoard
from services.operations.doctor import Probe, Sick
from services.storage.database import sqlite_engine
from services.venues.ccxt_market import CcxtMarketData
from services.venues.ccxt_spot import CcxtVenue

LEAST_FREE_MB = 500
SLOW_S = 8.0
MOST_SKEW = timedelta(seconds=1)
# An HTTP date is cut to the second, so it can be compared to half a second either way.
HALF_SECOND = timedelta(seconds=0.5)
WANTED_PRAGMAS = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}
CLOCK_FIX = "set this machine's clock, by NTP for good (timedatectl set-ntp true)"

Ask = Callable[[], Awaitable[str | Sick]]


def desk_probes(settings: Settings, clock: Clock) -> list[Probe]:
    """Return a probe for every dependency that the settings name."""
    url = settings.database_url
    on_sqlite = make_url(url).get_backend_name() == "sqlite"
    probes: dict[str, Ask] = {
        "config": _in_thread(lambda: _config(settings)),
        "database": _in_thread(lambda: _sqlite(settings) if on_sqlite else _postgresql(url)),
        "schema": _in_thread(lambda: _schema(url)),
        "disk": _in_thread(lambda: _disk(settings.desk.state_dir)),
        "telegram": lambda: _telegram(settings),
        "clock": lambda: _clock(settings.telegram.api_base, clock),
    }
    probes["alerts"] = _in_thread(lambda: _second_channel(settings))
    if on_sqlite:
        probes["integrity"] = _in_thread(lambda: _integrity(settings))
    if settings.risk.scoped:
        probes["limits"] = lambda: ask_limits(settings, clock)
    if settings.web.port is not None:
        probes["web"] = lambda: ask_port(settings, clock)
    for name, venue in settings.venues.items():
        probes[f"venue {name}"] = _venue_probe(name, venue, clock)
        if venue.has_keys:
            probes[f"account {name}"] = _account_probe(name, venue, clock, settings.desk.currency)
            probes[f"rights {name}"] = rights_of_key(name, venue, clock)
    probes |= {f"live {name}": ask_live(settings, name, clock) for name in settings.terminals if may_be_live(settings, name)}
    return [Probe(name=name, ask=ask) for name, ask in probes.items()]


def _in_thread(ask: Callable[[], str | Sick]) -> Ask:
    async def asked() -> str | Sick:
        return await asyncio.to_thread(ask)

    return asked


def _config(settings: Settings) -> str | Sick:
    secret = {"telegram.token_file": (settings.telegram.token_file, "run `sortie init`, or correct the path")}
    for name, venue in settings.venues.items():
        secret[f"venues.{name}.secret_file"] = (venue.secret_file, "write the account's keys into it, or correct the path")
    for key, (file, fix) in secret.items():
        if file is not None and not file.is_file():
            return Sick(cause=f"{key}: there is no file {file}", fix=fix)
        if file is not None and sys.platform != "win32" and stat.S_IMODE(file.stat().st_mode) & 0o077:
            return Sick(cause=f"{file} can be read by others on this machine", fix=f"chmod 600 {file}")
    return f"{settings_file() or 'defaults and environment'}, fingerprint {settings.fingerprint[:12]}"


def _sqlite(settings: Settings) -> str | Sick:
    file = _file(settings.database_url)
    if not file.exists():
        return Sick(cause=f"there is no database at {file}", fix="sortie db upgrade")
    engine = sqlite_engine(settings.database_url, settings.database.busy_timeout_s, begin="BEGIN IMMEDIATE", single=True)
    started = time.monotonic()
    try:
        with engine.connect() as connection:
            found = {name: connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in WANTED_PRAGMAS}
            _write_and_take_back(connection)
    except (SQLAlchemyError, sqlite3.Error) as error:
        return Sick(
            cause=f"{file} cannot be written: {error.__cause__ or error}",
            fix="look at its owner and mode, at the disk's free space, and at who else has it open",
        )
    finally:
        engine.dispose()
    wrong = {name: found[name] for name, wanted in WANTED_PRAGMAS.items() if found[name] != wanted}
    if wrong:
        return Sick(cause=f"{file} does not keep {wrong}", fix="move it to a local disk: WAL does not work on a network share")
    return f"SQLite at {file}, written and taken back in {(time.monotonic() - started) * 1000:.0f} ms"


def _postgresql(url: str) -> str | Sick:
    name = make_url(url).render_as_string(hide_password=True)
    try:
        run_on(url, _write_and_take_back)
    except Misconfigured as error:
        return Sick(cause=_words(error), fix=str(error.values["fix"]))
    except (SQLAlchemyError, OSError) as error:
        return Sick(cause=f"{name}: {type(error).__name__}", fix="look whether the server is up and `database.url` is right")
    return f"PostgreSQL at {name}, written and taken back"


def _write_and_take_back(connection: Connection) -> None:
    connection.execute(text("CREATE TABLE doctor_probe (answer INTEGER NOT NULL)"))
    connection.execute(text("INSERT INTO doctor_probe (answer) VALUES (42)"))
    connection.rollback()


def _integrity(settings: Settings) -> str | Sick:
    main = _file(settings.database_url)
    files = sorted(file for file in {main, *settings.desk.state_dir.absolute().glob("*.db")} if file.exists())
    for file in files:
        sick = _quick_check(file)
        if sick is not None:
            return sick
    return f"quick check passed: {', '.join(file.name for file in files)}" if files else "nothing stored yet"


def _quick_check(file: Path) -> Sick | None:
    deadline = time.monotonic() + SLOW_S
    fix = "stop the desk, keep a copy of the file and restore the last backup"
    try:
        with closing(sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True)) as connection:
            connection.set_progress_handler(lambda: int(time.monotonic() > deadline), 100_000)
            answer = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
            orphan = connection.execute("PRAGMA foreign_key_check").fetchone()
    except sqlite3.DatabaseError as error:
        if str(error) == "interrupted":
            return Sick(cause=f"{file}: not checked through within {SLOW_S:g} s", fix="check it with the desk stopped")
        return Sick(cause=f"{file} is damaged: {error}", fix=fix)
    if answer != "ok":
        return Sick(cause=f"{file} is damaged: {answer}", fix=fix)
    if orphan is not None:
        return Sick(cause=f"{file}: a row of {orphan[0]} refers to a missing row of {orphan[2]}", fix=fix)
    return None


def _schema(url: str) -> str | Sick:
    try:
        api.require_head(url)
    except Misconfigured as error:
        return Sick(cause=_words(error), fix=str(error.values["fix"]))
    except (SQLAlchemyError, OSError) as error:
        return Sick(cause=f"the schema cannot be read: {type(error).__name__}", fix="mend what the check of the database says")
    return f"revision {api.head()}"


def _disk(folder: Path) -> str | Sick:
    if not folder.is_dir():
        return Sick(
            cause=f"there is no folder {folder.absolute()}", fix="sortie db upgrade makes it, or correct `desk.state_dir`"
        )
    try:
        with tempfile.TemporaryFile(dir=folder) as probe:
            probe.write(b"sortie")
            probe.flush()
            os.fsync(probe.fileno())
    except OSError as error:
        return Sick(cause=f"{folder.absolute()} cannot be written: {error.strerror}", fix="look at its owner, mode and disk")
    free_mb = shutil.disk_usage(folder).free // 1_000_000
    if free_mb < LEAST_FREE_MB:
        return Sick(cause=f"{free_mb} MB free at {folder.absolute()}, {LEAST_FREE_MB} wanted", fix="make room on that disk")
    return f"{free_mb:,} MB free at {folder.absolute()}".replace(",", " ")


async def _telegram(settings: Settings) -> str | Sick:
    try:
        token = settings.telegram.read_token()
    except OSError as error:
        return Sick(cause=f"telegram.token_file cannot be read: {error.strerror}", fix="look at its owner and mode")
    if token is None:
        return Sick(cause="there is no bot token", fix="run `sortie init`, or set telegram.token_file")
    try:
        bot = await ask_identity(settings.telegram.api_base, token, limit_s=SLOW_S)
    except NoIdentity as error:
        return Sick(cause=error.cause, fix=error.fix)
    return f"@{bot.username} ({bot.id})"


async def _clock(api_base: str, clock: Clock) -> str | Sick:
    before = clock.now()
    try:
        server = await ask_time(api_base, limit_s=SLOW_S)
    except NoIdentity as error:
        return Sick(cause=f"nothing to compare the clock with: {error.cause}", fix=error.fix)
    after = clock.now()
    ahead, blur = _ahead(before, server + HALF_SECOND, after)
    if abs(ahead) > MOST_SKEW + blur + HALF_SECOND:
        return Sick(cause=f"this machine's clock is {_off(ahead)} Telegram's", fix=CLOCK_FIX)
    return f"{after:%Y-%m-%d %H:%M:%S} UTC, as Telegram's"


def _second_channel(settings: Settings) -> str | Sick:
    """Say where alerts go that nobody answers, never naming an address: it is a key."""
    try:
        urls = settings.alerts.read_urls()
    except OSError as error:
        return Sick(cause=f"alerts.urls_file cannot be read: {error.strerror}", fix="look at its owner and mode")
    if not urls:
        return "no second channel: alerts.urls names none"
    try:
        odd = [str(number) for number, url in enumerate(urls, 1) if channel(url) is None]
    except ImportError:
        return Sick(cause="apprise is not installed", fix="run `python deploy/environment.py alerts`")
    if odd:
        return Sick(
            cause=f"address {', '.join(odd)} of {len(urls)} means nothing to apprise",
            fix="correct it in alerts.urls or its file; apprise's pages list the forms",
        )
    return f"{len(urls)} address{'es' if len(urls) > 1 else ''} beside Telegram"


def _venue_probe(name: str, venue: VenueSettings, clock: Clock) -> Ask:
    async def ask() -> str | Sick:
        market = CcxtMarketData(name, venue, clock)
        try:
            before = clock.now()
            server = await market.server_time()
            after = clock.now()
        except Misconfigured as error:
            return Sick(cause=_words(error), fix=str(error.values.get("fix", f"correct [venues.{name}]")))
        except Unavailable as error:
            return Sick(cause=_words(error), fix=f"look at this machine's network, and at [venues.{name}] base_url")
        finally:
            await market.close()
        ahead, blur = _ahead(before, server, after)
        if abs(ahead) > MOST_SKEW + blur:
            return Sick(cause=f"this machine's clock is {_off(ahead)} {venue.exchange}'s", fix=CLOCK_FIX)
        return f"{venue.exchange}, clock {_off(ahead)} its own"

    return ask


def _account_probe(name: str, venue: VenueSettings, clock: Clock, currency: str) -> Ask:
    async def ask() -> str | Sick:
        try:
            account = CcxtVenue(name, venue, clock, list, QuoteBoard(), lambda account: None)
            try:
                await account.open_account("doctor", currency)
                await account.balance("doctor")
            finally:
                await account.close()
        except Misconfigured as error:
            return Sick(cause=_words(error), fix=str(error.values.get("fix", f"correct [venues.{name}]")))
        except SortieError as error:
            return Sick(cause=_words(error), fix=f"look at the key's rights and addresses at {venue.exchange}")
        offered = account.capabilities
        exits = "order lists" if offered.order_lists else "lone stops" if OrderType.STOP in offered.order_types else "no stops"
        return f"the key of {venue.exchange} is good; the exchange has {exits}"

    return ask


def _ahead(before: datetime, server: datetime, after: datetime) -> tuple[timedelta, timedelta]:
    """Return how far this clock is ahead of the server's, and how far that may be wrong: half of the round trip."""
    half = (after - before) / 2
    return before + half - server, half


def _off(ahead: timedelta) -> str:
    seconds = ahead.total_seconds()
    return f"{abs(seconds):.1f} s {'ahead of' if seconds > 0 else 'behind'}"


def _words(error: SortieError) -> str:
    values = ", ".join(f"{name} {value}" for name, value in error.values.items() if name != "fix")
    return f"{error.code}: {values}" if values else error.code


def _file(url: str) -> Path:
    return Path(make_url(url).database or "").absolute()
