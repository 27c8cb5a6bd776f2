"""Ask the gate again with the inputs that stand beside a verdict, and compare rule by rule."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from services.domain.verdicts import Check, CheckCode
from services.risk.gate import decide
from services.risk.recorded import load


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One rule that answers otherwise now; None where one of both does not know the rule."""

    code: CheckCode
    recorded: Check | None
    now: Check | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """How the gate of this build answers: with the same word, and rule by rule."""

    allowed_then: bool
    allowed_now: bool
    compared: int
    differences: tuple[Difference, ...]

    @property
    def equal(self) -> bool:
        """Tell whether every rule answers as it did."""
        return not self.differences and self.allowed_then == self.allowed_now


def replay(checks: tuple[Check, ...], context: Mapping[str, object]) -> Replay:
    """Decide again on recorded inputs, with the limits that were in force then.

    Raise NotRecorded when an input of today's gate was not kept then, ValueError when one cannot be read.
    """
    again = decide(load(context))
    then, now = {check.code: check for check in checks}, {check.code: check for check in again.checks}
    codes = [code for code in CheckCode if code in then or code in now]
    return Replay(
        allowed_then=bool(checks) and all(check.passed for check in checks),
        allowed_now=again.allowed,
        compared=len(codes),
        differences=tuple(
            Difference(code=code, recorded=then.get(code), now=now.get(code))
            for code in codes
            if then.get(code) != now.get(code)
        ),
    )
