"""The settings of what waits for a second person."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from config.groups import Group, PositiveSeconds

Wait = Annotated[float, Field(ge=0)]


class ApprovalSettings(Group):
    """Who answers before something takes effect, and how long a commander without a second one waits instead."""

    quorum: int = Field(default=1, ge=1, description="Yeses that are needed, of as many others as there are")
    lasts_s: PositiveSeconds = Field(default=3600, description="How long a question waits for its answer")
    grant_s: Wait = Field(default=0, description="Wait of a single commander who gives a role or grade; 0: at once, no phrase")
    limit_s: Wait = Field(default=600, description="The same who raises a limit or lets a person or strategy do more")
    live_s: Wait = Field(default=86400, description="The same who opens a terminal for more than it may now")
