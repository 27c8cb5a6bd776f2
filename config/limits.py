"""The gate's limits; the only place where their values stand: the desk's, and tighter ones for a part of it."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter, ValidationError, model_validator

from config.groups import Bps, Group, PositiveSeconds, Share

ScopeName = Literal["terminal", "person", "strategy", "tier", "instrument"]
ANYWHERE: tuple[ScopeName, ...] = ("terminal", "person", "strategy", "tier", "instrument")
ACCOUNT: tuple[ScopeName, ...] = ("terminal", "person")


def _limit(default: object, description: str, narrower: tuple[ScopeName, ...] = (), **bounds: Any) -> Any:
    """Declare a limit of the gate; ``narrower`` are the scopes below the desk that may have a value of their own."""
    return Field(default=default, description=description, json_schema_extra={"narrower": list(narrower)}, **bounds)


class ScopedLimit(Group):
    """One limit's value for one terminal (by name), person (by id), strategy, tier or instrument."""

    scope: ScopeName = Field(description="What it is set for")
    subject: str = Field(min_length=1, max_length=64, description="Which one: a terminal's name, a person's id, BTC/USDT ...")
    limit: str = Field(description="Key of the limit in `[risk]`")
    value: Decimal = Field(allow_inf_nan=False, description="Its value there")


class RiskSettings(Group):
    """The gate's limits. What `scoped` sets for a part of the desk holds where it is tighter than what is set here."""

    per_trade: Share = _limit(Decimal("0.01"), "Largest loss at the stop, share of equity", ANYWHERE)
    default_per_trade: Share = Field(default=Decimal("0.005"), description="Loss at the stop of the offered full size")
    max_notional: Annotated[Decimal, Field(gt=0, le=10)] = _limit(
        Decimal("1.0"), "Largest value of one trade, share of equity", ANYWHERE
    )
    cash_reserve: Decimal | None = _limit(None, "Free funds that an entry must leave, share of equity", ANYWHERE, gt=0, le=1)
    margin_left: Decimal | None = _limit(
        None, "Free funds left if every live stop were hit and nothing came back, share of equity", ANYWHERE, gt=0, le=1
    )
    leverage: Decimal = _limit(
        Decimal("1.5"), "Value of an account's live trades, multiple of its equity", ANYWHERE, gt=0, le=100
    )
    instrument_share: Decimal | None = _limit(
        None, "Value of an account's live trades on one instrument, share of its equity; by tier, say", ANYWHERE, gt=0, le=100
    )
    tier_share: Decimal | None = _limit(
        None,
        "Value of an account's live trades on instruments of the entry's tier, share of its equity",
        ANYWHERE,
        gt=0,
        le=100,
    )
    group_share: Decimal | None = _limit(
        None,
        "Value of an account's live trades on instruments that move with the entry's, share of its equity",
        ANYWHERE,
        gt=0,
        le=100,
    )
    gross_exposure: Decimal | None = _limit(
        None, "Value of all live trades of the desk, share of the equity of their accounts", ANYWHERE, gt=0, le=100
    )
    net_exposure: Decimal | None = _limit(None, "The same, long less short, in either direction", ANYWHERE, gt=0, le=100)
    usual_multiple: Decimal | None = _limit(
        None,
        "Value of a trade, multiple of the median of the person's last 50; below 10 of them it is not measured",
        ANYWHERE,
        gt=1,
        le=1000,
    )
    open_positions: int = _limit(4, "Open and working trades per terminal", ACCOUNT, ge=1)
    weekend_positions: int | None = _limit(
        None, "The same on a Saturday or Sunday in the desk's zone; 0 for no entries then", ANYWHERE, ge=0
    )
    desk_positions: int | None = _limit(None, "Open and working trades of the whole desk", ANYWHERE, ge=1)
    person_positions: int | None = _limit(None, "Open and working trades of one person", ANYWHERE, ge=1)
    strategy_positions: int | None = _limit(None, "Open and working trades of one strategy", ANYWHERE, ge=1)
    instrument_positions: int | None = _limit(None, "Open and working trades of the desk on one instrument", ANYWHERE, ge=1)
    writes_per_minute: int = _limit(
        120,
        "Writes to a terminal's venue within a minute, those that wait counted; a storm that reaches it is a breaker's",
        ("terminal",),
        ge=1,
    )
    trades_per_hour: int | None = _limit(None, "Entries that one person confirms within an hour", ANYWHERE, ge=1)
    instrument_cooldown_s: float | None = _limit(
        None, "Time from the close of a trade to the next entry on its instrument, at one terminal", ANYWHERE, gt=0
    )
    min_score: int | None = _limit(None, "Lowest score that is traded", ANYWHERE, ge=0, le=100)
    weekly_loss: Decimal | None = _limit(
        None, "Loss since Monday's first reading at which entries stop, share of the equity then", ACCOUNT, gt=0, le=1
    )
    daily_loss: Share = _limit(Decimal("0.05"), "Loss of the day at which entries stop, share of equity", ACCOUNT)
    max_spread_bps: Bps = _limit(Decimal(15), "Widest spread", ANYWHERE)
    quote_age_s: PositiveSeconds = _limit(5, "Oldest quote")
    equity_age_s: PositiveSeconds = _limit(90, "Oldest account reading")
    collar_share: Share = Field(default=Decimal("0.25"), description="Worst entry beyond the quote, share of the stop distance")
    collar_cap_bps: Bps = Field(default=Decimal(30), description="Worst entry beyond the quote at most")
    confirm_s: PositiveSeconds = Field(default=60, description="Life of a preview's Confirm button")
    entry_deadline_s: PositiveSeconds = Field(default=15, description="From confirm to the venue at most")
    scoped: tuple[ScopedLimit, ...] = Field(
        default=(), description="Tighter values for a part of the desk: `[[risk.scoped]]` with scope, subject, limit and value"
    )

    @model_validator(mode="after")
    def _agree(self) -> RiskSettings:
        if self.default_per_trade > self.per_trade:
            raise ValueError("`default_per_trade` is above `per_trade`: the offered size would never pass")
        for number, each in enumerate(self.scoped, 1):
            wrong = _wrong(each)
            if wrong is not None:
                raise ValueError(f"`scoped` {number}, {each.limit} of {each.scope} {each.subject}: {wrong}")
        return self


def narrower_scopes(limit: str) -> tuple[str, ...] | None:
    """Return the scopes below the desk that may set a limit, or None when no limit has this key."""
    field = RiskSettings.model_fields.get(limit)
    extra = field.json_schema_extra if field is not None else None
    found = extra.get("narrower") if isinstance(extra, Mapping) else None
    return tuple(str(each) for each in found) if isinstance(found, list) else None


def limit_keys() -> tuple[str, ...]:
    """Return the keys of all limits, in the settings' order."""
    return tuple(key for key in RiskSettings.model_fields if narrower_scopes(key) is not None)


def problem_with(limit: str, scope: str, subject: str, value: Decimal) -> str | None:
    """Say what is wrong with a value of a limit at a scope, ``desk`` among them, with its bounds; None for a good one."""
    if scope == "desk":
        return _wrong_value(limit, value)
    try:
        each = ScopedLimit.model_validate({"scope": scope, "subject": subject, "limit": limit, "value": value})
    except ValidationError as error:
        return str(error.errors()[0]["msg"])
    return _wrong(each)


def _wrong(each: ScopedLimit) -> str | None:
    """Say what is wrong with a scoped value, or None; it must be one that the desk could have."""
    scopes = narrower_scopes(each.limit)
    if scopes is None:
        return f"there is no such limit; known are {', '.join(limit_keys())}"
    if each.scope not in scopes:
        return f"it is set for {' or '.join(('the desk', *scopes))} only"
    if each.scope == "tier" and each.subject not in ("A", "B", "C", "D"):
        return "a tier is A, B, C or D"
    if each.scope == "person" and not each.subject.isdigit():
        return "a person is named by their Telegram number"
    return _wrong_value(each.limit, each.value)


def _wrong_value(limit: str, value: Decimal) -> str | None:
    field = RiskSettings.model_fields[limit]
    try:
        TypeAdapter(Annotated[field.annotation, *field.metadata]).validate_python(value)
    except ValidationError as error:
        return f"`value` {value}: {error.errors()[0]['msg']}"
    return None
