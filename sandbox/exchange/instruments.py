"""What is traded and in which units: instruments, bars, and the exact text of their numbers.

Prices are whole ticks and volumes whole units, so nothing is rounded between the source and the wire.
"""

from dataclasses import dataclass

WIRE_DECIMALS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Instrument:
    """A tradable symbol and its grid.

    A tick is 10^-price_decimals of the quote asset; a volume unit is 10^-volume_decimals of the traded asset;
    an order's quantity is a multiple of 10^-step_decimals. `min_notional` is text in the quote asset.
    """

    symbol: str
    traded_asset: str
    quote_asset: str
    price_decimals: int
    volume_decimals: int
    step_decimals: int
    min_notional: str

    @property
    def tick(self) -> str:
        """Write one tick in the quote asset."""
        return decimal_text(1, self.price_decimals)

    @property
    def step(self) -> str:
        """Write one quantity step in the traded asset."""
        return decimal_text(1, self.step_decimals)

    @property
    def ticks_per_quote(self) -> int:
        """Count the ticks in one unit of the quote asset."""
        return int(10**self.price_decimals)

    @property
    def units_per_asset(self) -> int:
        """Count the volume units in one unit of the traded asset."""
        return int(10**self.volume_decimals)

    @property
    def units_per_step(self) -> int:
        """Count the volume units in one quantity step."""
        return int(10 ** (self.volume_decimals - self.step_decimals))

    def price_text(self, ticks: int) -> str:
        """Write a price as the exchange does, with eight decimals."""
        return decimal_text(ticks, self.price_decimals)

    def volume_text(self, units: int) -> str:
        """Write a volume as the exchange does, with eight decimals."""
        return decimal_text(units, self.volume_decimals)

    def quote_text(self, ticks_times_units: int) -> str:
        """Write a price times a volume in the quote asset, cut to eight decimals."""
        return decimal_text(ticks_times_units, self.price_decimals + self.volume_decimals)

    def mean_price_text(self, ticks_times_units: int, units: int) -> str:
        """Write the price of a volume from its quote amount, cut to eight decimals."""
        return decimal_text(ticks_times_units * 10 ** (WIRE_DECIMALS - self.price_decimals) // units, WIRE_DECIMALS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One candle of the source at its place on the source's timeline: prices in ticks, volume in units."""

    index: int
    open: int
    high: int
    low: int
    close: int
    volume: int


def decimal_text(value: int, decimals: int) -> str:
    """Write an integer count of 10^-decimals with eight decimals; digits beyond the eighth are cut toward zero."""
    magnitude = abs(value)
    if decimals <= WIRE_DECIMALS:
        magnitude *= 10 ** (WIRE_DECIMALS - decimals)
    else:
        magnitude //= 10 ** (decimals - WIRE_DECIMALS)
    whole, fraction = divmod(magnitude, 10**WIRE_DECIMALS)
    sign = "-" if value < 0 and magnitude else ""
    return f"{sign}{whole}.{fraction:08d}"
