"""Which inputs of the gate an entry cannot do without, of those that other parts of the desk bring."""

from __future__ import annotations

from pydantic import Field

from config.groups import Group


class InputSettings(Group):
    """Inputs that another part brings: one that is required and has no data denies, another shows that it has none."""

    news: bool = Field(default=False, description="Whether the calendar of news is required")
    vitality: bool = Field(default=False, description="Whether the vitality of the call is required")
    vitality_least: int = Field(default=20, ge=0, le=100, description="Points of vitality below which a call is spent")
    calibration: bool = Field(default=False, description="Whether the score's calibration is required")
