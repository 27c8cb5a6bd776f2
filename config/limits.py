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


def _limit(default: object, description: str, narrower: tuple[ScopeName, ...] = ()) -> Any:
    """Declare a limit of the gate; ``narrower`` are the scopes below the desk that may have a value of their own."""
    return Field(default=default, description=description, json_schema_extra={"narrower": list(narrower)})


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
    open_positions: Annotated[int, Field(ge=1)] = _limit(4, "Open and working trades per terminal", ACCOUNT)
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
    field = RiskSettings.model_fields[each.limit]
    try:
        TypeAdapter(Annotated[field.annotation, *field.metadata]).validate_python(each.value)
    except ValidationError as error:
        return f"`value` {each.value}: {error.errors()[0]['msg']}"
    return None
