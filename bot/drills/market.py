"""The market of a drill: two instruments whose prices tremble within a few ticks, so that nothing happens by itself."""

from __future__ import annotations

import random
from decimal import Decimal

from services.domain.market import Instrument, Quote
from services.domain.money import Price, Quantity
from services.domain.ports import Clock
from services.market.quotes import QuoteBoard

SEED = 20_261_121
EVERY_S = 0.25
TREMBLE_TICKS = 40
SIZE = Quantity(Decimal(100))
MIDDLES = {"BTC/USDT": Decimal(64_000), "ETH/USDT": Decimal(3_200)}


def instruments() -> tuple[Instrument, ...]:
    """Return what can be traded in a drill."""
    return tuple(
        Instrument(
            symbol=symbol,
            base=symbol.partition("/")[0],
            quote=symbol.partition("/")[2],
            tick=Decimal("0.01"),
            step=Decimal("0.00001"),
            min_quantity=Decimal("0.00001"),
            min_notional=Decimal(5),
        )
        for symbol in MIDDLES
    )


class DrillMarket:
    """Shows the next quotes to whoever listens to a board."""

    def __init__(self, board: QuoteBoard, clock: Clock) -> None:
        self._board = board
        self._clock = clock
        self._random = random.Random(SEED)

    async def run(self) -> None:
        """Quote for ever."""
        while True:
            self.show()
            await self._clock.sleep(EVERY_S)

    def show(self) -> None:
        """Put one quote for each instrument on the board."""
        now = self._clock.now()
        for symbol, middle in MIDDLES.items():
            bid = middle + Decimal(self._random.randint(-TREMBLE_TICKS, TREMBLE_TICKS)) / 100
            self._board.put(
                Quote(
                    symbol=symbol,
                    bid=Price(bid),
                    ask=Price(bid + Decimal("0.02")),
                    bid_size=SIZE,
                    ask_size=SIZE,
                    feed_time=now,
                    received_at=now,
                )
            )
