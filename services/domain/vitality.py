"""How much of a call is left: it decays as the price drifts off its entry, as the spread widens, and as it ages."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from services.domain.market import Quote
from services.domain.money import ZERO
from services.domain.signals import Signal

ONE = Decimal(1)
# Half of the way to the stop, or as far beyond the entry, is another trade than the one that was called.
LOST_AT_R = Decimal("0.5")
# A spread of a twentieth of the risk is paid every day; three tenths of it leave nothing to win.
USUAL_SPREAD, WIDEST_SPREAD = Decimal("0.05"), Decimal("0.30")
# Age alone never ends a call: its expiry does.
OLDEST = Decimal("0.5")


class Freshness(StrEnum):
    """The bands of vitality, in words."""

    FRESH = "fresh"
    VALID = "valid"
    AGING = "aging"
    SPENT = "spent"


BANDS = ((80, Freshness.FRESH), (50, Freshness.VALID), (20, Freshness.AGING))


@dataclass(frozen=True, slots=True, kw_only=True)
class Vitality:
    """What is left of a call, 0 to 100, and what it was reckoned from.

    ``drift`` is how far the middle price is off the entry band and ``spread`` how wide the market is, both as shares of the
    risk (entry to stop); ``age`` is the share of the call's time that is over.
    """

    drift: Decimal
    spread: Decimal
    age: Decimal

    @property
    def left(self) -> int:
        """Return the product of what drift, spread and age leave, in whole points."""
        near = max(ZERO, ONE - self.drift / LOST_AT_R)
        narrow = min(ONE, max(ZERO, (WIDEST_SPREAD - self.spread) / (WIDEST_SPREAD - USUAL_SPREAD)))
        young = ONE - min(ONE, max(ZERO, self.age)) * (ONE - OLDEST)
        return int(near * narrow * young * 100)

    @property
    def freshness(self) -> Freshness:
        """Return the band that it is in."""
        return next((word for least, word in BANDS if self.left >= least), Freshness.SPENT)


def vitality_of(signal: Signal, quote: Quote, now: datetime) -> Vitality:
    """Return what is left of a call at a quote; a call without risk or without time is spent."""
    life = (signal.expires_at - signal.created_at).total_seconds()
    if signal.risk <= 0 or life <= 0:
        return Vitality(drift=ONE, spread=ONE, age=ONE)
    off = max(signal.entry_low - quote.mid, quote.mid - signal.entry_high, ZERO)
    return Vitality(
        drift=off / signal.risk,
        spread=max(ZERO, quote.ask - quote.bid) / signal.risk,
        age=Decimal(str((now - signal.created_at).total_seconds())) / Decimal(str(life)),
    )
