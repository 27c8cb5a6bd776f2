"""A market out of a seed: four instruments, deterministic by seed and bar index, without an end.

Bars are generated in blocks. A block is a function of the seed, the symbol, its number and the close before it, so
only those closes are kept for ever and any block can be generated again.
"""

from collections import OrderedDict
from random import Random

from sandbox.exchange.instruments import Bar, Instrument
from sandbox.exchange.source import WARM_UP_BARS
from sandbox.exchange.walk import Profile, walk_block

BLOCK_BARS = 256
_BLOCKS_IN_MEMORY = 64


def _usdt(asset: str, *, volume_decimals: int) -> Instrument:
    return Instrument(
        symbol=f"{asset}USDT",
        traded_asset=asset,
        quote_asset="USDT",
        price_decimals=2,
        volume_decimals=volume_decimals,
        step_decimals=volume_decimals,
        min_notional="5.00000000",
    )


_PROFILES = (
    Profile(instrument=_usdt("BTC", volume_decimals=5), price=64_000.0, deviation=0.0034, volume=900.0),
    Profile(instrument=_usdt("ETH", volume_decimals=4), price=3_150.0, deviation=0.0042, volume=14_000.0),
    Profile(instrument=_usdt("BNB", volume_decimals=3), price=610.0, deviation=0.0040, volume=9_000.0),
    Profile(instrument=_usdt("LTC", volume_decimals=3), price=84.0, deviation=0.0048, volume=22_000.0),
)


class SeededSource:
    """Generate the bars of a seeded market on demand."""

    kind = "seeded"

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.name = f"seed-{seed}"
        self.instruments = tuple(profile.instrument for profile in _PROFILES)
        self.minimum_start = WARM_UP_BARS
        self._profiles = {profile.instrument.symbol: profile for profile in _PROFILES}
        self._closes = {symbol: [self._first_close(profile)] for symbol, profile in self._profiles.items()}
        self._blocks: OrderedDict[tuple[str, int], list[Bar]] = OrderedDict()

    def last_index(self, symbol: str) -> int | None:
        """Give None: a seeded market has no last bar."""
        return None

    def bar(self, symbol: str, index: int) -> Bar | None:
        """Give the bar at an index, None before the first."""
        return None if index < 0 else self.latest_bar(symbol, index)

    def latest_bar(self, symbol: str, index: int) -> Bar:
        """Give the bar at an index from 0 up."""
        number, offset = divmod(index, BLOCK_BARS)
        return self._block(symbol, number)[offset]

    def bars(self, symbol: str, first: int, last: int, *, limit: int | None = None, newest: bool = False) -> list[Bar]:
        """List the bars from `first` to `last`, oldest first, cut to `limit` at the old or the new end."""
        first = max(0, first)
        if limit is not None:
            first, last = (max(first, last - limit + 1), last) if newest else (first, min(last, first + limit - 1))
        return [self.latest_bar(symbol, index) for index in range(first, last + 1)]

    def describe(self, bar_seconds: int) -> str:
        """Say in one sentence what is being played."""
        pace = "one bar a minute" if bar_seconds == 60 else f"one bar every {bar_seconds} s"
        return f"Seeded market, seed {self.seed}, {pace}"

    def recorded_at(self, index: int) -> str | None:
        """Give None: nothing here was recorded."""
        return None

    def _first_close(self, profile: Profile) -> int:
        rng = Random(f"{self.name}/{profile.instrument.symbol}")
        return round(profile.price * rng.uniform(0.85, 1.15) * profile.instrument.ticks_per_quote)

    def _block(self, symbol: str, number: int) -> list[Bar]:
        key = (symbol, number)
        if key in self._blocks:
            self._blocks.move_to_end(key)
            return self._blocks[key]
        closes = self._closes[symbol]
        for missing in range(len(closes) - 1, number):
            closes.append(self._generate(symbol, missing)[-1].close)
        self._blocks[key] = block = self._generate(symbol, number)
        if len(closes) == number + 1:
            closes.append(block[-1].close)
        if len(self._blocks) > _BLOCKS_IN_MEMORY:
            self._blocks.popitem(last=False)
        return block

    def _generate(self, symbol: str, number: int) -> list[Bar]:
        return walk_block(
            rng=Random(f"{self.name}/{symbol}/{number}"),
            shared=Random(f"{self.name}/market/{number}"),
            profile=self._profiles[symbol],
            close=self._closes[symbol][number],
            first_index=number * BLOCK_BARS,
            length=BLOCK_BARS,
        )
