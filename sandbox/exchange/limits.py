"""The numbers of the symbol filters and of the order rate limits, as exchangeInfo publishes and the filters apply them."""

from dataclasses import dataclass
from decimal import Decimal

LARGEST_PRICE = Decimal(1_000_000)
LARGEST_QUANTITY = Decimal(9_000_000)
LARGEST_NOTIONAL = Decimal(9_000_000)
ICEBERG_PARTS = 10
MOST_OPEN_ORDERS = 200
MOST_ALGO_ORDERS = 5

# How far from the average price of the last minutes an order may be priced, as shares of it: from, to.
BID_RANGE = (Decimal("0.2"), Decimal(5))
ASK_RANGE = (Decimal("0.2"), Decimal(5))


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderLimit:
    """At most `most` new orders of an account within `number` times the interval, `span` milliseconds."""

    interval: str
    number: int
    span: int
    most: int

    @property
    def suffix(self) -> str:
        """Name the interval as the header does: 10S, 1D."""
        return f"{self.number}{self.interval[0]}"


ORDER_LIMITS = (
    OrderLimit(interval="SECOND", number=10, span=10_000, most=100),
    OrderLimit(interval="DAY", number=1, span=86_400_000, most=200_000),
)
