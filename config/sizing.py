"""How the size that a preview offers is found; every limit holds beside it."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field, model_validator

from config.groups import Group, Share

RuleName = Literal["risk", "notional", "volatility"]
Money = Annotated[Decimal, Field(gt=0, allow_inf_nan=False)]


class SizeRule(Group):
    """One way to find a size, with the number that it needs."""

    rule: RuleName = Field(default="risk", description="By the loss at the stop, a fixed value, or the market's volatility")
    risk: Share | None = Field(default=None, description="Loss at the stop, share of equity; unset: `risk.default_per_trade`")
    notional: Money | None = Field(default=None, description="Value in the desk's currency")
    volatility: Share = Field(default=Decimal("0.002"), description="Move in one average true range, share of equity")

    @model_validator(mode="after")
    def _complete(self) -> SizeRule:
        if self.rule == "notional" and self.notional is None:
            raise ValueError("rule = notional needs `notional`")
        return self


class ScopedSizing(SizeRule):
    """The rule of one person (by Telegram number) or strategy (by name); a strategy's comes before a person's."""

    scope: Literal["person", "strategy"] = Field(description="What it is set for")
    subject: str = Field(min_length=1, max_length=64, description="Which one")


class SizingSettings(SizeRule):
    """How the offered full size is found, for the desk and for some people and strategies."""

    atr_period: int = Field(default=14, ge=2, le=200, description="Closed candles of the average true range")
    scoped: tuple[ScopedSizing, ...] = Field(
        default=(), description="Rules for a part of the desk: `[[sizing.scoped]]` with scope, subject and what a rule takes"
    )

    @model_validator(mode="after")
    def _once(self) -> SizingSettings:
        named = [(each.scope, each.subject) for each in self.scoped]
        twice = sorted({f"{scope} {subject}" for scope, subject in named if named.count((scope, subject)) > 1})
        if twice:
            raise ValueError(f"`scoped` has two rules for {', '.join(twice)}")
        return self
