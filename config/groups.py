"""The groups of the settings tree. Fractions are shares of one (0.01 is one percent); ``bps`` is a hundredth of a percent."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, model_validator
from pydantic_settings import NoDecode

_HEADER = re.compile(r"[A-Za-z0-9_-]{1,256}")


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ValueError(f"{name!r} is not an IANA time zone such as Europe/Berlin") from error
    return name


def _clock_time(text: str) -> str:
    hours, _, minutes = text.partition(":")
    if not (len(hours) == len(minutes) == 2 and hours.isdigit() and minutes.isdigit() and hours < "24" and minutes < "60"):
        raise ValueError(f"{text!r} is not a time of day such as 17:30")
    return text


def _split(value: object) -> object:
    """Accept ``1, 2``, ``[1, 2]`` and a single value where a list is meant, as environment variables are usually written."""
    if isinstance(value, str):
        return tuple(part.strip().strip("\"'") for part in value.strip().strip("[]").split(",") if part.strip())
    return (value,) if isinstance(value, int) else value


Zone = Annotated[str, AfterValidator(_known_zone)]
PersonIds = Annotated[tuple[int, ...], BeforeValidator(_split), NoDecode]
Names = Annotated[tuple[str, ...], BeforeValidator(_split), NoDecode]
ClockTime = Annotated[str, AfterValidator(_clock_time)]
Share = Annotated[Decimal, Field(gt=0, le=1)]
Bps = Annotated[Decimal, Field(ge=0, le=10_000)]
PositiveSeconds = Annotated[float, Field(gt=0)]
CREDENTIALS = ("api_key", "secret", "password", "uid")


class Group(BaseModel):
    """A group of settings: frozen, unknown keys are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)


class DeskSettings(Group):
    """The desk itself."""

    name: str = Field(default="Sortie", min_length=1, max_length=40, description="Name in messages")
    currency: str = Field(default="USDT", pattern=r"^[A-Z0-9]{2,10}$", description="Currency of account")
    least_sample: int = Field(default=10, ge=3, le=1000, description="Fewest results that a rate, mean or quality is named by")
    zone: Zone = Field(default="UTC", description="Zone of the trading day and of people who set none")
    state_dir: Path = Field(default=Path("var"), description="Folder of database, paper book, logs and the halt file")


class TelegramSettings(Group):
    """The way to the chat."""

    token: SecretStr | None = Field(default=None, description="Bot token from @BotFather")
    token_file: Path | None = Field(default=None, description="File that holds the token, instead of `token`")
    api_base: str = Field(default="https://api.telegram.org", pattern=r"^https?://", description="Bot API server")
    mode: Literal["polling", "webhook"] = Field(default="polling", description="How updates arrive")
    webhook_url: str | None = Field(default=None, pattern=r"^https?://", description="Public address of the webhook")
    webhook_secret: SecretStr | None = Field(default=None, description="Secret header of the webhook, 1-256 of A-Za-z0-9_-")
    webhook_host: str = Field(default="127.0.0.1", description="Address the webhook listens on")
    webhook_port: int = Field(default=8443, ge=1, le=65535, description="Port the webhook listens on")
    poll_timeout_s: int = Field(default=25, ge=1, le=50, description="How long one getUpdates call may wait")
    command_max_age_s: PositiveSeconds = Field(default=120, description="Older commands that act are not carried out")
    messages_per_second: float = Field(default=29, gt=0, le=1000, description="All messages together")
    chat_per_minute: int = Field(default=60, ge=1, description="Messages a minute in a private chat")
    group_per_minute: int = Field(default=20, ge=1, description="Messages a minute in a group")

    @model_validator(mode="after")
    def _agree(self) -> TelegramSettings:
        if self.token is not None and self.token_file is not None:
            raise ValueError("set either `token` or `token_file`, not both")
        if self.mode == "webhook" and (self.webhook_url is None or self.webhook_secret is None):
            raise ValueError("mode = webhook needs `webhook_url` and `webhook_secret`")
        if self.webhook_secret is not None and not _HEADER.fullmatch(self.webhook_secret.get_secret_value()):
            raise ValueError("`webhook_secret` takes 1 to 256 of A-Z, a-z, 0-9, _ and -, as Telegram's setWebhook does")
        return self

    def read_token(self) -> str | None:
        """Return the token from the setting or its file, or None when neither is set."""
        if self.token_file is not None:
            return self.token_file.read_text(encoding="utf-8").strip()
        return self.token.get_secret_value() if self.token is not None else None


class DatabaseSettings(Group):
    """Where the desk keeps its state."""

    url: str | None = Field(
        default=None,
        pattern=r"^(sqlite|postgresql)(\+\w+)?://",
        description="SQLAlchemy URL; unset: SQLite in `desk.state_dir`",
    )
    busy_timeout_s: PositiveSeconds = Field(default=5, description="How long a statement waits for another process's lock")


class PeopleSettings(Group):
    """Who has a role from the start, by numeric Telegram id; the chat may change it afterwards."""

    commanders: PersonIds = Field(default=(), description="Ids that start as commanders")
    traders: PersonIds = Field(default=(), description="Ids that start as traders")
    observers: PersonIds = Field(default=(), description="Ids that start as observers")

    @model_validator(mode="after")
    def _distinct(self) -> PeopleSettings:
        ids = [*self.commanders, *self.traders, *self.observers]
        twice = sorted({each for each in ids if ids.count(each) > 1})
        if twice:
            raise ValueError(f"these ids stand in more than one role: {twice}")
        return self


class ChatSettings(Group):
    """Chats that are bound from the start: `chat` or `chat/topic`, for example -1001234567890/7."""

    missions: str | None = Field(default=None, pattern=r"^-?\d+(/\d+)?$", description="Where missions are offered")
    fills: str | None = Field(default=None, pattern=r"^-?\d+(/\d+)?$", description="Where fills are told")
    risk: str | None = Field(default=None, pattern=r"^-?\d+(/\d+)?$", description="Where halts and alerts are told")
    digest: str | None = Field(default=None, pattern=r"^-?\d+(/\d+)?$", description="Where the digest goes")


class VenueSettings(Group):
    """An exchange that is read, and with keys traded, through ccxt."""

    exchange: str = Field(default="binance", pattern=r"^[a-z0-9]+$", description="ccxt's id of the exchange")
    base_url: str | None = Field(default=None, pattern=r"^https?://", description="Another address of the same protocol")
    timeout_s: PositiveSeconds = Field(default=10, description="Longest wait for one answer")
    taker_bps: Bps = Field(default=Decimal(10), description="Fee of an order that takes, for sizes and previews")
    maker_bps: Bps = Field(default=Decimal(10), description="Fee of an order that rests, for sizes and previews")
    slippage_bps: Bps = Field(default=Decimal(2), description="How much worse than its price a stop is reckoned to fill")
    api_key: SecretStr | None = Field(default=None, description="Key of the account that is traded")
    secret: SecretStr | None = Field(default=None, description="The key's secret")
    password: SecretStr | None = Field(default=None, description="The key's passphrase, where the exchange has one")
    uid: SecretStr | None = Field(default=None, description="The account's number, where the exchange wants it")
    secret_file: Path | None = Field(
        default=None, description="JSON file that holds `api_key`, `secret`, `password`, `uid`, instead of these"
    )
    recv_window_ms: int = Field(default=5000, ge=100, le=60_000, description="How late a signed call may arrive")
    reserve: Share = Field(
        default=Decimal("0.2"), description="Share of the exchange's limits that is kept for exits and cancels"
    )
    stop_limit_bps: Bps = Field(
        default=Decimal(100),
        description="Limit of a stop beyond its trigger, where the exchange has no stop that sells at market",
    )
    streams: bool = Field(default=True, description="Whether the account's own stream is listened to")

    @model_validator(mode="after")
    def _agree(self) -> VenueSettings:
        given = [name for name in CREDENTIALS if getattr(self, name) is not None]
        if given and self.secret_file is not None:
            raise ValueError(f"set either `secret_file` or {', '.join(f'`{name}`' for name in given)}, not both")
        return self

    @property
    def has_keys(self) -> bool:
        """Tell whether keys are named, so that the venue may be traded."""
        return self.api_key is not None or self.secret_file is not None

    def credentials(self) -> dict[str, str]:
        """Return what is set of `api_key`, `secret`, `password` and `uid`, here or in the file.

        Raises OSError when the file cannot be read and ValueError when it does not hold such an object.
        """
        if self.secret_file is not None:
            held = json.loads(self.secret_file.read_text(encoding="utf-8"))
            if not isinstance(held, dict) or not all(isinstance(held.get(name, ""), str) for name in CREDENTIALS):
                raise ValueError(f"{self.secret_file} holds no JSON object of texts")
            return {name: held[name] for name in CREDENTIALS if held.get(name)}
        given = {name: getattr(self, name) for name in CREDENTIALS}
        return {name: value.get_secret_value() for name, value in given.items() if value is not None}


class TerminalSettings(Group):
    """An account at one of [venues] that is traded; paper terminals open by themselves."""

    venue: str = Field(description="Name of the venue under [venues]; its keys are the account's")
    mode: Literal["testnet", "live"] = Field(
        default="testnet", description="Whether money is real; live is one of three facts that must agree"
    )
    owner: int | None = Field(default=None, description="Id of the trader it belongs to; unset: every trader may use it")
    currency: str | None = Field(default=None, pattern=r"^[A-Z0-9]{2,10}$", description="Unset: the desk's currency")
    rank: int = Field(default=10, ge=0, le=1000, description="The lowest rank is a trader's default; paper has 100")


class MarketSettings(Group):
    """What is watched."""

    venue: str = Field(default="binance", description="Name of the venue under [venues] whose prices are read")
    instruments: Names = Field(
        default=("BTC/USDT", "ETH/USDT", "BNB/USDT", "LTC/USDT"), min_length=1, description="Symbols to trade"
    )
    tiers: dict[str, Literal["A", "B", "C", "D"]] = Field(
        default_factory=dict, description="How far instruments are trusted, A the most; one that is not named is A"
    )
    timeframe: str = Field(default="1m", pattern=r"^[1-9]\d*[smhd]$", description="Candles that strategies see")
    history: int = Field(default=500, ge=50, le=1000, description="Closed candles kept and warmed up with")
    quote_every_s: PositiveSeconds = Field(default=1, description="How often quotes are read")

    @model_validator(mode="after")
    def _known_tiers(self) -> MarketSettings:
        unknown = sorted(self.tiers.keys() - set(self.instruments))
        if unknown:
            raise ValueError(f"`tiers` names {', '.join(unknown)}, which `instruments` does not")
        return self


class PaperSettings(Group):
    """The built-in paper venue."""

    start_balance: Decimal = Field(default=Decimal(10_000), gt=0, description="Opening balance in the desk's currency")
    taker_bps: Bps = Field(default=Decimal(10), description="Fee of an order that takes")
    maker_bps: Bps = Field(default=Decimal(10), description="Fee of an order that rests")
    slippage_bps: Bps = Field(default=Decimal("0.5"), description="Worse fill than the quote, for takers and stops")
    latency_ms: int = Field(default=120, ge=0, le=10_000, description="Time from order to book")
    borrow_bps_per_day: Bps = Field(default=Decimal(3), description="Cost of holding a short, by notional and day")
    can_short: bool = Field(default=True, description="Whether short trades are taken")


UNPROVEN = ("contraction_breakout", "fair_value_gap", "liquidity_sweep", "momentum", "order_block")


class StrategySettings(Group):
    """Which strategies are loaded."""

    folders: tuple[Path, ...] = Field(default=(), description="Further folders of strategy files")
    disabled: Names = Field(default=(), description="Strategies that start disabled")
    sandboxed: Names = Field(default=UNPROVEN, description="Strategies that start sandboxed: recorded, not offered")
    parameters: dict[str, dict[str, float | int | str | bool]] = Field(
        default_factory=dict, description="Parameters by strategy name"
    )


class SignalSettings(Group):
    """From signal to mission."""

    min_score: int = Field(default=50, ge=0, le=100, description="Lowest score that is offered")
    cooldown_s: PositiveSeconds = Field(default=300, description="Pause after a mission on the same instrument")
    strategy_missions: int = Field(default=10, ge=1, description="Most open missions of one strategy")
    strategy_missions_of: dict[str, Annotated[int, Field(ge=1)]] = Field(
        default_factory=dict, description="The same by strategy name, where it differs"
    )
    conflict_margin: int = Field(
        default=15, ge=1, le=100, description="Points by which a call must exceed one of the other side on its candle"
    )
    expiry_bars: int = Field(default=5, ge=1, le=200, description="Life of a mission in candles")
    max_expiry_s: PositiveSeconds = Field(default=7200, description="Longest life of a mission")
    offers_per_hour: int = Field(default=8, ge=1, description="Single offers an hour and chat; the rest is grouped")
    offers_per_day: int = Field(default=25, ge=1, description="Single offers a day and chat; the rest is grouped")


class ProtectionSettings(Group):
    """Stops and targets: what is done where they fail, and how stops are kept. A trade's card may choose another trail."""

    on_failure: Literal["close", "watch", "alert"] = Field(
        default="close", description="A stop that cannot stand at the venue: close at market, watch it here, or only alarm"
    )
    bare_alert_s: PositiveSeconds = Field(default=10, description="Longest time without a stop at the venue before an alarm")
    stop_late_s: PositiveSeconds = Field(
        default=5, description="Longest time that the market may stand beyond a stop that does not execute"
    )
    stale_alert_s: PositiveSeconds = Field(default=30, description="Longest time without a fresh quote of what is watched here")
    break_even_r: Decimal | None = Field(default=None, gt=0, description="Profit in R at which the stop moves to the entry")
    trail: Literal["off", "r", "atr", "percent", "structure"] = Field(default="off", description="How new trades' stops trail")
    trail_r: Decimal = Field(default=Decimal(1), gt=0, description="Distance of a stop that trails by R")
    trail_percent: Decimal = Field(default=Decimal(1), gt=0, lt=50, description="Distance of a stop that trails by percent")
    trail_atr: Decimal = Field(default=Decimal(3), gt=0, description="Distance in average true ranges")
    atr_period: int = Field(default=14, ge=2, le=200, description="Closed candles of the average true range")
    structure_candles: int = Field(default=10, ge=2, le=200, description="Closed candles whose low or high holds the stop")
    time_stop_min: int | None = Field(default=None, ge=1, description="Minutes after which an open trade is closed")
    min_move_bps: Bps = Field(default=Decimal(5), description="Smallest move of a kept stop, of the price")
    move_every_s: PositiveSeconds = Field(default=5, description="Shortest time between two moves of a kept stop")


class RouteSettings(Group):
    """Entries that wait: how long they rest, how maker first gives way, and how quality is graded."""

    rest_s: PositiveSeconds = Field(
        default=900, description="Longest time that an entry rests or waits, within its mission's life"
    )
    offset_bps: Bps = Field(default=Decimal("0.5"), description="Maker first rests this far behind its own side's best price")
    offset_low_bps: Bps = Field(default=Decimal(0), description="Nearest offset that is suggested")
    offset_high_bps: Bps = Field(default=Decimal(8), description="Furthest offset that is suggested")
    offset_step_bps: Bps = Field(default=Decimal("0.5"), description="How far a suggestion goes at once")
    wait_s: PositiveSeconds = Field(default=8, description="How long maker first waits before it rests elsewhere or takes")
    reprices: int = Field(default=2, ge=0, le=20, description="How often maker first rests elsewhere before it takes")
    refusals: int = Field(default=2, ge=1, le=20, description="Refused post-only orders after which maker first takes")
    trigger_share: Share = Field(
        default=Decimal("0.1"), description="Trigger of a stop entry beyond the quote, share of the stop distance"
    )
    reach_bps: Bps = Field(default=Decimal(500), description="Furthest price from the quote that an entry may wait for")
    sample_days: int = Field(default=30, ge=1, le=366, description="How far back entries count")
    good_bps: Bps = Field(default=Decimal(4), description="Median slippage up to which quality is good")
    degraded_bps: Bps = Field(default=Decimal(8), description="Median slippage from which quality is degraded")
    broken_bps: Bps = Field(default=Decimal(20), description="Median slippage from which quality is broken")
    degraded_refused: Share = Field(default=Decimal("0.25"), description="Share of refused entries that makes quality degraded")
    broken_refused: Share = Field(default=Decimal("0.5"), description="Share of refused entries that makes quality broken")
    degraded_fallback: Share = Field(
        default=Decimal("0.6"), description="Share of maker-first entries that took in the end that makes quality degraded"
    )

    @model_validator(mode="after")
    def _agree(self) -> RouteSettings:
        if not self.offset_low_bps <= self.offset_bps <= self.offset_high_bps:
            raise ValueError("`offset_bps` must lie between `offset_low_bps` and `offset_high_bps`")
        if not self.good_bps <= self.degraded_bps <= self.broken_bps:
            raise ValueError("`good_bps`, `degraded_bps` and `broken_bps` must not fall")
        if self.degraded_refused > self.broken_refused:
            raise ValueError("`degraded_refused` is above `broken_refused`")
        return self


class DigestSettings(Group):
    """The scheduled summary."""

    at: ClockTime = Field(default="17:00", description="Time of day, in the chat's zone")
    enabled: bool = Field(default=True, description="Whether digests are sent on schedule")


class BackupSettings(Group):
    """Copies of the desk's state: one file a day, by `sortie backup`, before each `sortie upgrade`; and one that rolls."""

    enabled: bool = Field(default=True, description="Whether a running desk makes one every day")
    at: ClockTime = Field(default="03:30", description="Time of day, in the desk's zone")
    dir: Path | None = Field(default=None, description="Folder of the files; unset: `backups` in `desk.state_dir`")
    keep: int = Field(default=14, ge=1, le=10_000, description="Files kept; older ones are removed")
    rolling_s: float = Field(
        default=30.0,
        ge=0,
        le=3600,
        description="Least seconds between two rolling copies, made when the journal grew; 0 for none, SQLite only",
    )


class LogSettings(Group):
    """Where events are written."""

    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(default="INFO", description="Least level")
    max_bytes: int = Field(default=10_000_000, ge=100_000, description="Size at which a file is rotated")
    backups: int = Field(default=5, ge=1, le=100, description="Rotated files kept")
    stdout: bool = Field(default=False, description="The same lines on standard output too, for whoever collects them there")
