"""What a fee comes to in its trade's quote currency: exactly, by the fill's own price, or by a quote that is named."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from services.domain.errors import Unavailable
from services.domain.market import Instrument, Universe
from services.domain.money import Money
from services.domain.orders import VenueFill
from services.domain.ports import QuoteSource
from services.market.conversion import convert

MAX_AGE = timedelta(seconds=60)
# Finer than any currency counts, and kept exactly by both databases.
PLACES = Decimal("1e-12")


@dataclass(frozen=True, slots=True, kw_only=True)
class CountedFee:
    """A fee in the quote currency; ``rate`` names the quote that gave it, empty when none was needed, ``age_s`` its age."""

    amount: Decimal
    rate: str
    age_s: float


class FeeBook:
    """Counts fees; None means that there is no rate now."""

    def __init__(self, quotes: QuoteSource) -> None:
        self._quotes = quotes

    def of_fill(self, fill: VenueFill, instrument: Instrument, universe: Universe, now: datetime) -> CountedFee | None:
        """Return what a fill's fee comes to in the instrument's quote currency."""
        if fill.fee == 0 or fill.fee_currency == instrument.quote:
            return CountedFee(amount=fill.fee, rate="", age_s=0.0)
        if fill.fee_currency == instrument.base:
            return CountedFee(amount=fill.fee * fill.price, rate="", age_s=0.0)
        return self._converted(Money(fill.fee, fill.fee_currency), instrument.quote, universe.instruments, now)

    def of_row(self, row: Any, universe: Universe, now: datetime) -> CountedFee | None:
        """Return what a stored fill's fee in a third currency comes to."""
        quote = row.symbol.partition("/")[2]
        return self._converted(Money(row.fee, row.fee_currency), quote, universe.instruments, now)

    def _converted(self, fee: Money, quote: str, instruments: Iterable[Instrument], now: datetime) -> CountedFee | None:
        try:
            found = convert(fee, quote, self._quotes, instruments, now, MAX_AGE)
        except Unavailable:
            return None
        age = found.age.total_seconds() if found.age is not None else 0.0
        return CountedFee(amount=found.money.amount.quantize(PLACES), rate=found.symbol or "", age_s=age)
