"""Grades: what people may do within their role. Three are built in; `[grades.NAME]` changes one or adds another."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field, field_validator

from config.groups import Group, Names, Share

ModeName = Literal["alert", "select", "auto"]
NAME = re.compile(r"[a-z][a-z-]{1,15}")
# What opens or loosens. Reads, exits and everything that stops stay with whoever has the role.
WITHHOLDABLE = ("fire", "call", "amend", "enable", "invite", "grant", "bind")
_ROLES = frozenset({"stranger", "observer", "trader", "commander"})


class GradeSettings(Group):
    """One grade. Its amounts hold for its people where they are tighter than the limits in force."""

    without: Names = Field(default=(), description=f"Commands taken away, of {', '.join(WITHHOLDABLE)}")
    terminals: Names = Field(default=(), description="Terminals for entries, by name or mode; empty: all")
    per_trade: Share | None = Field(default=None, description="Largest loss at the stop, share of equity")
    max_notional: Annotated[Decimal, Field(gt=0, le=10)] | None = Field(
        default=None, description="Largest value of one trade, share of equity"
    )
    slots: int | None = Field(default=None, ge=1, description="Live trades of the person")
    shots: int | None = Field(default=None, ge=1, description="Entries of the person in a trading day")
    modes: tuple[ModeName, ...] = Field(
        default=("alert", "select"), min_length=1, description="How entries may come about: alert, select, auto"
    )
    approves: bool = Field(default=False, description="Whether its traders may approve trades of others; commanders always may")

    @field_validator("without")
    @classmethod
    def _withholdable(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        stays = sorted(set(names) - set(WITHHOLDABLE))
        if stays:
            raise ValueError(f"{', '.join(stays)} cannot be taken away; {', '.join(WITHHOLDABLE)} can")
        return names


BUILT_IN: Mapping[str, GradeSettings] = {
    "cadet": GradeSettings(
        without=("call", "enable", "invite", "grant", "bind"),
        terminals=("paper", "testnet"),
        per_trade=Decimal("0.0025"),
        max_notional=Decimal("0.25"),
        slots=2,
        shots=10,
    ),
    "regular": GradeSettings(),
    "veteran": GradeSettings(modes=("alert", "select", "auto"), approves=True),
}


def with_built_in(given: object) -> object:
    """Put what the settings say of grades over the built-in ones; refuse a name that could be read as something else."""
    if not isinstance(given, Mapping):
        return given
    wrong = sorted(str(name) for name in given if not NAME.fullmatch(str(name)) or name in _ROLES)
    if wrong:
        raise ValueError(f"{', '.join(wrong)}: a grade's name has 2 to 16 of a-z and -, and is no role's")
    return {**BUILT_IN, **{name: _over(BUILT_IN.get(name), each) for name, each in given.items()}}


def _over(built_in: GradeSettings | None, given: object) -> object:
    """What the settings leave out of a built-in grade stays as it is built in, not as a grade's defaults are."""
    if built_in is None or not isinstance(given, Mapping):
        return given
    return {**built_in.model_dump(exclude_unset=True), **given}
