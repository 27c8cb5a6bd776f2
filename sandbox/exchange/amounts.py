"""Money on the private side: exact decimals of at most eight places, and their text on the wire."""

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from sandbox.exchange.instruments import WIRE_DECIMALS, Instrument

ZERO = Decimal(0)
_SMALLEST = Decimal(1).scaleb(-WIRE_DECIMALS)


def floored(amount: Decimal) -> Decimal:
    """Cut an amount down to eight decimals."""
    return amount.quantize(_SMALLEST, ROUND_FLOOR)


def ceiled(amount: Decimal) -> Decimal:
    """Raise an amount to eight decimals."""
    return amount.quantize(_SMALLEST, ROUND_CEILING)


def text(amount: Decimal) -> str:
    """Write an amount as the exchange does, with eight decimals."""
    return f"{amount:.{WIRE_DECIMALS}f}"


def price_of(instrument: Instrument, ticks: int) -> Decimal:
    """Give a price in the quote asset."""
    return Decimal(ticks).scaleb(-instrument.price_decimals)


def quantity_of(instrument: Instrument, units: int) -> Decimal:
    """Give a quantity in the traded asset."""
    return Decimal(units).scaleb(-instrument.volume_decimals)
