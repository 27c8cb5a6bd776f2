"""Which of the watched instruments the desk trades: bounds of the filters, and the volumes that make the tiers."""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise

from pydantic import Field, model_validator

from config.groups import Group, Names, PositiveSeconds, Share


class ScreeningSettings(Group):
    """The filters of the universe; one without a bound is off. What cannot be measured does not pass a bound."""

    every_s: PositiveSeconds = Field(default=3600, description="How often the watched instruments are screened")
    volume_min: Decimal | None = Field(default=None, gt=0, description="Least turnover a day, in the quote currency")
    spread_max_bps: Decimal | None = Field(default=None, gt=0, description="Widest spread, of the middle price")
    depth_min: Decimal | None = Field(
        default=None, gt=0, description="Least value at the best bid and at the best ask, in the quote currency"
    )
    volatility_min: Decimal | None = Field(default=None, ge=0, description="Least standard deviation of a day's return")
    volatility_max: Decimal | None = Field(default=None, gt=0, description="Largest standard deviation of a day's return")
    age_min_days: int | None = Field(default=None, ge=1, description="Least days since the venue listed it")
    correlation_max: Share | None = Field(
        default=None, description="Largest correlation of returns with an instrument of more turnover that is kept"
    )
    allow: Names = Field(default=(), description="Symbols that no filter but `deny` leaves out")
    deny: Names = Field(default=(), description="Symbols that are watched and never traded")
    tier_volumes: tuple[Decimal, ...] = Field(
        default=(),
        max_length=3,
        description="Least turnovers a day of tiers A, B and C; without them an instrument that `market.tiers` leaves out is A",
    )

    @model_validator(mode="after")
    def _agree(self) -> ScreeningSettings:
        both = sorted(set(self.allow) & set(self.deny))
        if both:
            raise ValueError(f"`allow` and `deny` both name {', '.join(both)}")
        if any(high <= low for high, low in pairwise(self.tier_volumes)) or any(each <= 0 for each in self.tier_volumes):
            raise ValueError("`tier_volumes` are above zero and fall from tier to tier")
        if self.volatility_min is not None and self.volatility_max is not None and self.volatility_max <= self.volatility_min:
            raise ValueError("`volatility_max` must be above `volatility_min`")
        return self
