"""What the screen found of an instrument, and whether the desk trades it."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from services.domain.market import Instrument


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What one filter measured beside its bound: at least that, or at ``most`` that; ``value`` is None where it is not known.

    ``about`` names another instrument that it is about.
    """

    name: str
    passed: bool
    value: Decimal | None
    bound: Decimal | None
    most: bool = False
    about: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Screened:
    """One watched instrument with its tier: whether it is traded, and by what."""

    instrument: Instrument
    listed: bool
    findings: tuple[Finding, ...]
