"""The settings of cancel on silence."""

from __future__ import annotations

from pydantic import Field, model_validator

from config.groups import Group, PositiveSeconds


class DeadmanSettings(Group):
    """Cancel on silence: a venue that can takes resting entries away when this desk is not heard of; protection stays."""

    enabled: bool = Field(default=True, description="Whether venues are asked to; those that cannot are listed in the docs")
    timeout_s: int = Field(default=60, ge=10, le=120, description="Silence after which a venue cancels, in whole seconds")
    every_s: PositiveSeconds = Field(default=15, description="How often a venue is told that the desk lives")

    @model_validator(mode="after")
    def _agree(self) -> DeadmanSettings:
        if self.every_s * 3 > self.timeout_s:
            raise ValueError("`every_s` is above a third of `timeout_s`: one lost call would cancel entries of a living desk")
        return self
