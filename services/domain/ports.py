"""The ports: what the desk needs from the outside, as protocols."""

from __future__ import annotations

from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from services.domain.market import Candle, CandleSeries, Instrument, Quote
from services.domain.orders import Balance, OrderRequest, OrderType, TimeInForce, VenueFill, VenueOrder, VenuePosition
from services.domain.signals import Side


class Clock(Protocol):
    """Wall time and monotonic time."""

    def now(self) -> datetime:
        """Return the wall time, aware, UTC."""
        ...

    def monotonic(self) -> float:
        """Return seconds that never go backwards."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait in this clock's time."""
        ...


class Ids(Protocol):
    """Fresh identifiers."""

    def row(self) -> str:
        """Return a time-ordered id for a row, 26 characters."""
        ...

    def instruction(self) -> str:
        """Return 16 lower-case letters and digits, unique for ever."""
        ...

    def secret(self) -> str:
        """Return 128 random bits in 22 URL-safe characters."""
        ...


class QuoteSource(Protocol):
    """The newest quote of each instrument, as the feeds keep it."""

    def latest(self, symbol: str) -> Quote | None:
        """Return the newest quote, or None when there was never one."""
        ...


class MarketData(Protocol):
    """An exchange's public side."""

    async def instruments(self, symbols: Sequence[str]) -> Sequence[Instrument]:
        """Return the grids of the symbols; raise Misconfigured for one that is not listed."""
        ...

    async def quotes(self, symbols: Sequence[str]) -> Sequence[Quote]:
        """Return the newest quotes; raise Unavailable when the exchange does not answer usably."""
        ...

    async def candles(self, symbol: str, timeframe: str, limit: int) -> Sequence[Candle]:
        """Return the newest candles, oldest first, the open one last; raise Unavailable on failure."""
        ...

    async def server_time(self) -> datetime:
        """Return the exchange's clock."""
        ...

    async def close(self) -> None:
        """Release connections."""
        ...


class CancelOnSilence(StrEnum):
    """What a venue cancels by itself when nobody has spoken to it for a while.

    ENTRIES: the orders that add exposure, and nothing else. ALL: every order of the account, those that protect as well.
    """

    NONE = "none"
    ENTRIES = "entries"
    ALL = "all"


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What a venue can take.

    ``reduce_only``: the venue itself caps an exit at the position. ``order_lists``: linked exits, of which one stops the
    others, at most ``list_size`` orders each. ``replace_lists``: linked exits are exchanged for others in one step.
    ``exits_lock``: a resting exit holds what it would sell, so another sale waits until it is cancelled.
    """

    long: bool
    short: bool
    order_types: frozenset[OrderType]
    reduce_only: bool
    order_lists: bool
    replace_lists: bool
    list_size: int = 100
    exits_lock: bool = False
    times_in_force: frozenset[TimeInForce] = frozenset(TimeInForce)
    cancel_on_silence: CancelOnSilence = CancelOnSilence.NONE


class Venue(Protocol):
    """Where orders go.

    A write raises VenueRejected when the venue proved its refusal, Unavailable when it was held back and nothing was sent, and
    VenueDoubt otherwise.
    """

    @property
    def name(self) -> str:
        """Return the venue's name in the settings."""
        ...

    @property
    def capabilities(self) -> Capabilities:
        """Return what the venue can take."""
        ...

    async def place(self, account: str, order: OrderRequest) -> VenueOrder:
        """Put one order."""
        ...

    async def place_list(self, account: str, orders: Sequence[OrderRequest]) -> Sequence[VenueOrder]:
        """Put linked exits: what one executes is taken off the others."""
        ...

    async def replace_list(self, account: str, cancels: Sequence[str], orders: Sequence[OrderRequest]) -> Sequence[VenueOrder]:
        """Exchange linked exits for others in one step: either all of it happens or none."""
        ...

    async def cancel(self, account: str, symbol: str, client_ids: Sequence[str]) -> Sequence[VenueOrder]:
        """Cancel orders; one that is already final is reported as it stands."""
        ...

    async def find(self, account: str, symbol: str, client_id: str) -> VenueOrder | None:
        """Return the order of that client id in whatever state, or None when the venue never saw it; VenueDoubt if unsure."""
        ...

    async def open_orders(self, account: str) -> Sequence[VenueOrder]:
        """Return all orders that still work."""
        ...

    async def fills_since(self, account: str, sequence: int) -> Sequence[VenueFill]:
        """Return the fills after ``sequence``, oldest first."""
        ...

    async def positions(self, account: str) -> Sequence[VenuePosition]:
        """Return all positions that are not flat."""
        ...

    async def balance(self, account: str) -> Balance:
        """Return the account's equity and free funds."""
        ...

    async def open_account(self, account: str, currency: str, since: datetime | None = None) -> None:
        """Make sure that the account exists; harmless when it does.

        ``since`` is when the desk first sent something to it: fills from then on are the desk's to book, however long it was
        away. Without it they are told from this opening on.
        """
        ...

    async def keep_alive(self, account: str, seconds: float) -> None:
        """Let the venue cancel what ``cancel_on_silence`` names unless this is said again within ``seconds``.

        Raises as a write does, and VenueRejected with NOT_OFFERED where the venue has no such thing.
        """
        ...

    async def stand_down(self, account: str) -> None:
        """Let silence mean nothing again; harmless when it did not."""
        ...

    async def may_withdraw(self) -> bool | None:
        """Tell whether the desk's key may withdraw; None where the venue does not say. Raise Unavailable without an answer."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class StrategySignal:
    """What a strategy proposes on the last closed candle; prices are floats and are put on the grid by the desk.

    ``setup`` is the strategy's own part of the score, 0 to 40; ``facts`` are the numbers behind ``reason``.
    """

    side: Side
    entry: float
    stop: float
    targets: tuple[float, ...]
    setup: int
    reason: str
    facts: Mapping[str, float]


class Strategy(Protocol):
    """Candles in, signals out: deterministic, without state of its own between calls.

    ``warm_up`` is the number of closed candles it needs before its answers settle.
    """

    name: str
    version: str

    @property
    def warm_up(self) -> int:
        """Return how many closed candles are needed."""
        ...

    def signals(self, series: CandleSeries) -> Sequence[StrategySignal]:
        """Return what the last closed candle calls for, usually nothing."""
        ...


class StageBeat(Protocol):
    """A stage's sign of life."""

    def beat(self, stage: str, *, detail: str = "") -> None:
        """Say that the stage just succeeded."""
        ...


class Wakeups(Protocol):
    """Hints between the stages of one process; losing one costs a poll, never work."""

    def wake(self, stage: str, about: str = "") -> None:
        """Let a waiting stage look at once; ``about`` says at what, and nothing means at everything."""
        ...

    async def wait(self, stage: str, timeout_s: float) -> frozenset[str]:
        """Return what the stage was woken about, at the latest after ``timeout_s``; then it is empty."""
        ...


class Nursery(Protocol):
    """The one owner of background tasks: a crash is seen, and nothing outlives the stop."""

    def spawn(self, name: str, job: Coroutine[object, object, None]) -> None:
        """Run a job beside the others."""
        ...
