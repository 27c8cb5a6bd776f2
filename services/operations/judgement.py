"""How a check answers: kept, broken, or without anything to look at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class Status(StrEnum):
    """What a check found."""

    OK = "OK"
    FAIL = "FAIL"
    NO_DATA = "NO DATA"


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """One invariant's answer; ``detail`` counts what was looked at and names the first offender."""

    number: int
    name: str
    status: Status
    detail: str


NAMES = {
    1: "one write per instruction",
    2: "the venue's fills, once each",
    3: "positions are their fills",
    4: "committed before written",
    5: "only listed moves",
    6: "no exposure while blocked",
    7: "every command answered",
    8: "halted, protected",
    9: "journal unbroken",
    10: "no secret anywhere",
}


def judge(number: int, *, looked_at: str, offenders: Sequence[str], nothing: str | None = None) -> CheckResult:
    """Return the answer: offenders fail, ``nothing`` to look at is no data, else it holds."""
    if offenders:
        more = f" and {len(offenders) - 1} more" if len(offenders) > 1 else ""
        return CheckResult(number=number, name=NAMES[number], status=Status.FAIL, detail=f"{offenders[0]}{more}; {looked_at}")
    if nothing is not None:
        return CheckResult(number=number, name=NAMES[number], status=Status.NO_DATA, detail=nothing)
    return CheckResult(number=number, name=NAMES[number], status=Status.OK, detail=looked_at)


def counted(number: int, noun: str, plural: str | None = None) -> str:
    """Write a count with its noun."""
    return f"{number} {noun if number == 1 else plural or noun + 's'}"
