"""Calling an exchange: a write leaves once and its outcome is read from the raw reply; a reading is believed or it failed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from decimal import localcontext
from typing import TYPE_CHECKING, Any

import structlog

from services.domain.errors import Misconfigured, SortieError, Unavailable, VenueDoubt, VenueRejected
from services.domain.ports import Clock
from services.venues.ccxt_spot.clients import Clients
from services.venues.ccxt_spot.outcomes import SUCCESS, refusal
from services.venues.ccxt_spot.profiles import Answer
from services.venues.ccxt_spot.replies import Call, Lane, recording

if TYPE_CHECKING:
    from ccxt.async_support.base.exchange import Exchange

log = structlog.get_logger()
MEASURE_EVERY_S = 600.0
Send = Callable[["Exchange"], Awaitable[Any]]

# What ccxt refuses before it sends anything; the first that fits counts.
_LOCAL = (
    ("BadSymbol", "UNKNOWN_SYMBOL"),
    ("InsufficientFunds", "INSUFFICIENT_BALANCE"),
    ("InvalidOrder", "BAD_ORDER"),
    ("NotSupported", "NOT_OFFERED"),
    ("ArgumentsRequired", "BAD_ORDER"),
    ("BadRequest", "BAD_ORDER"),
)
# An order that was put on the grid and is refused by it: the exchange has changed its grid since it was read.
_BY_THE_GRID = frozenset({"PRICE_FILTER", "LOT_SIZE", "UNKNOWN_SYMBOL"})
# What ccxt's parsers let through when an answer is not what they expect.
_MALFORMED = (TypeError, ValueError, LookupError, AttributeError, ArithmeticError)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What a question brought: ccxt's result when the reply can be believed, else the refusal's code or a reason."""

    result: Any
    believed: bool
    refusal: str | None
    reason: str
    call: Call


class Caller:
    """Makes the calls of one venue entry."""

    def __init__(self, name: str, clients: Clients, clock: Clock, timeout_s: float) -> None:
        self._name = name
        self._clients = clients
        self._clock = clock
        self._timeout_s = timeout_s
        self._loading = asyncio.Lock()
        self._skewed = True
        self._measured_at = 0.0
        self._outdated = False

    async def ready(self) -> None:
        """Make sure that keys, markets and the exchange's time are there; raise Misconfigured or Unavailable when not."""
        if self._outdated or not self._clients.reader.markets:
            async with self._loading:
                if self._outdated or not self._clients.reader.markets:
                    self._require_keys()
                    await self._load_markets()
        if self._skewed:
            await self._measure_skew()

    async def write(self, lane: Lane, send: Send, took: Callable[[Any], bool]) -> Any:
        """Send once and return ccxt's result; ``took`` tells whether it names what was asked for.

        Raises VenueRejected when nothing was sent for a reason that stays, or the reply proves a refusal; Unavailable when
        nothing was sent for now; VenueDoubt for everything else.
        """
        await self.ready()
        call = Call(lane=lane, once=True)
        result, error = await self._make(self._clients.writer, call, send)
        if not call.requests:
            raise _unsent(error, self._name)
        if not call.connected:
            raise Unavailable("VENUE_UNREACHABLE", venue=self._name)
        code = refusal(self._clients.profile.rules, self._clients.profile.complaint, call)
        if code is not None:
            self._skewed |= code == "CLOCK_SKEW"
            self._outdated |= code in _BY_THE_GRID
            raise VenueRejected(code, venue=self._name, status=call.status)
        if error is None and self._believes(call, Answer.RECORD) and took(result):
            return result
        reason = type(error).__name__ if error is not None else "UNCLEAR"
        raise VenueDoubt("NO_ANSWER" if call.status is None else "UNCLEAR_ANSWER", status=call.status, reason=reason)

    async def ask(self, ask: Send, wanted: Answer) -> Reading:
        """Read once, and once more with the exchange's time when ours was too far off."""
        self._skewed |= self._clock.monotonic() - self._measured_at > MEASURE_EVERY_S
        await self.ready()
        reading = await self._ask(ask, wanted)
        if reading.refusal == "CLOCK_SKEW":
            await self._measure_skew()
            reading = await self._ask(ask, wanted)
        return reading

    async def read(self, what: str, ask: Send, wanted: Answer) -> Any:
        """Return ccxt's result of a reading; raise Unavailable unless the reply can be believed."""
        reading = await self.ask(ask, wanted)
        if not reading.believed:
            raise self.failed(what, reading)
        return reading.result

    def failed(self, what: str, reading: Reading) -> Unavailable:
        """Return the error that says that a reading failed."""
        code = reading.refusal or ("VENUE_UNREACHABLE" if reading.call.status is None else "VENUE_MALFORMED")
        return Unavailable(code, venue=self._name, call=what, status=reading.call.status, reason=reading.reason)

    async def _ask(self, ask: Send, wanted: Answer) -> Reading:
        call = Call(lane=Lane.READ)
        result, error = await self._make(self._clients.reader, call, ask)
        return Reading(
            result=result,
            believed=error is None and self._believes(call, wanted),
            refusal=refusal(self._clients.profile.rules, self._clients.profile.complaint, call),
            reason=type(error).__name__ if error is not None else "UNCLEAR",
            call=call,
        )

    def _believes(self, call: Call, wanted: Answer) -> bool:
        return call.status in SUCCESS and self._clients.profile.answered(call.json(), wanted)

    async def _make(self, exchange: Exchange, call: Call, send: Send) -> tuple[Any, Exception | None]:
        import ccxt.async_support as ccxt

        # ccxt changes how the thread's decimals round, and leaves it so.
        with recording(call), localcontext():
            try:
                async with asyncio.timeout(2 * self._timeout_s):
                    return await send(exchange), None
            except SortieError:
                raise
            except (ccxt.BaseError, OSError, TimeoutError, *_MALFORMED) as error:
                return None, error

    def _require_keys(self) -> None:
        exchange = self._clients.reader
        missing = [
            name for name, needed in exchange.requiredCredentials.items() if needed and not getattr(exchange, name, None)
        ]
        if missing:
            raise Misconfigured(
                "VENUE_KEYS",
                key=f"venues.{self._name}",
                missing=", ".join(missing),
                fix=f"put the account's keys into venues.{self._name}.secret_file",
            )

    async def _load_markets(self) -> None:
        reader = self._clients.reader
        before = reader.markets
        _, error = await self._make(reader, Call(lane=Lane.READ), lambda exchange: exchange.load_markets(True))
        if error is not None or not reader.markets:
            # A garbled answer looks like an empty list to ccxt, which would keep it.
            if before:
                reader.set_markets(before)
            else:
                reader.markets = None
            reason = type(error).__name__ if error is not None else "no market listed"
            raise Unavailable("VENUE_UNREACHABLE", venue=self._name, call="markets", reason=reason)
        self._outdated = False
        self._clients.share_markets()

    async def _measure_skew(self) -> None:
        """Learn how far this clock is from the exchange's, so that signed calls carry its time."""
        exchange = self._clients.reader
        if exchange.has.get("fetchTime"):
            before = exchange.milliseconds()
            server, error = await self._make(exchange, Call(lane=Lane.READ), lambda client: client.fetch_time())
            if error is not None or not isinstance(server, int):
                raise Unavailable("VENUE_UNREACHABLE", venue=self._name, call="time", reason=type(error).__name__)
            skew = round((before + exchange.milliseconds()) / 2 - server)
            self._clients.set_skew(skew)
            log.info("venue.clock", venue=self._name, ahead_ms=skew)
        self._skewed, self._measured_at = False, self._clock.monotonic()


def _unsent(error: Exception | None, venue: str) -> SortieError:
    """Return what to raise when a write did not leave: refused here for good, or not sent for now."""
    import ccxt.async_support as ccxt

    reason = type(error).__name__
    for name, code in _LOCAL:
        if isinstance(error, getattr(ccxt, name)):
            return VenueRejected(code, venue=venue, reason=reason)
    return Unavailable("VENUE_NOT_SENT", venue=venue, reason=reason)
