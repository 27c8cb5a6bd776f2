"""The settings of what waits for a second person."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field

from config.groups import Group, Names, PositiveSeconds

Wait = Annotated[float, Field(ge=0)]
Amount = Annotated[Decimal, Field(gt=0)]


class ApprovalSettings(Group):
    """Who answers before something takes effect, and how long a commander without a second one waits instead."""

    quorum: int = Field(default=1, ge=1, description="Yeses that are needed, of as many others as there are")
    lasts_s: PositiveSeconds = Field(default=3600, description="How long a question waits for its answer")
    grant_s: Wait = Field(default=0, description="Wait of a single commander who gives a role or grade; 0: at once, no phrase")
    commander_s: Wait = Field(default=600, description="The same who makes another commander")
    limit_s: Wait = Field(default=600, description="The same who raises a limit or lets a person or strategy do more")
    live_s: Wait = Field(default=86400, description="The same who opens a terminal for more than it may now")
    trade_loss: Amount | None = Field(
        default=None, description="Loss at the stop from which a trade waits, in the desk's currency; unset asks nothing"
    )
    trade_value: Amount | None = Field(
        default=None, description="Value from which a trade waits, in the desk's currency; unset asks nothing"
    )
    trade_terminals: Names = Field(default=(), description="Terminals at which every trade waits")
    trade_modes: tuple[Literal["paper", "testnet", "live"], ...] = Field(
        default=(), description="Modes of terminals in which every trade waits"
    )
    trade_strategies: Names = Field(default=(), description="Strategies of which every trade waits, without their version")
    trade_lasts_s: PositiveSeconds = Field(
        default=300, description="How long a trade waits for its answer, its mission's end at the latest"
    )
    trade_solo_wait_s: Wait = Field(
        default=0, description="From when on a commander without a second one may confirm a trade by its phrase"
    )
