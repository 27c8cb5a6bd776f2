"""Money in another currency, by one quote that is named together with its age."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.domain.errors import Unavailable
from services.domain.market import Instrument
from services.domain.money import Money
from services.domain.ports import QuoteSource


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversion:
    """An amount in the wanted currency; ``symbol`` and ``age`` name the quote, None when none was needed."""

    money: Money
    symbol: str | None
    age: timedelta | None


def convert(
    money: Money,
    currency: str,
    quotes: QuoteSource,
    instruments: Iterable[Instrument],
    now: datetime,
    max_age: timedelta,
) -> Conversion:
    """Convert at the middle of a direct quote, or of an inverse one; raise Unavailable without one that is young enough."""
    if money.currency == currency:
        return Conversion(money=money, symbol=None, age=None)
    oldest: timedelta | None = None
    for instrument in instruments:
        pair = (instrument.base, instrument.quote)
        if pair not in ((money.currency, currency), (currency, money.currency)):
            continue
        quote = quotes.latest(instrument.symbol)
        if quote is None:
            continue
        age = quote.age(now)
        if age <= max_age:
            direct = instrument.base == money.currency
            amount = money.amount * quote.mid if direct else money.amount / quote.mid
            return Conversion(money=Money(amount, currency), symbol=instrument.symbol, age=age)
        oldest = age
    reason = "no quote" if oldest is None else f"quote is {oldest.total_seconds():.1f} s old"
    raise Unavailable("NO_CONVERSION", source=money.currency, wanted=currency, reason=reason, limit_s=max_age.total_seconds())
