"""Cancel on silence at an exchange: a countdown that is pushed back while the desk lives.

OKX counts for the orders of one tag, so entries carry a tag and exits none. Kraken counts for the whole account: it is never
left running over an exit that rests, because a desk that died would then lose its stops as well. What ccxt lists for Bybit is
none: it sets the length of a protection that Bybit grants on request and starts when a private stream breaks.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import structlog

from services.domain.errors import SortieError, Unavailable, VenueRejected
from services.domain.orders import OrderRequest, OrderRole, OrderType, TimeInForce
from services.domain.ports import CancelOnSilence, Clock
from services.venues.ccxt_spot.calls import Caller
from services.venues.ccxt_spot.profiles import Profile
from services.venues.ccxt_spot.replies import Lane

if TYPE_CHECKING:
    from ccxt.async_support.base.exchange import Exchange

log = structlog.get_logger()
# What an exit waits for the countdown to be stopped; then it is placed all the same, and the countdown is stopped after it.
BEFORE_EXIT_S = 2.0
# For so long after an exit was placed here nobody starts a countdown: by then whoever wants one has read of the exit.
AFTER_EXIT_S = 5.0


class Countdown:
    """Starts, pushes back and stops the exchange's countdown."""

    def __init__(self, caller: Caller, profile: Profile, clock: Clock) -> None:
        self._caller = caller
        self._profile = profile
        self._clock = clock
        # A process before this one may have left it running.
        self._stopped = False
        self._exit_at = float("-inf")

    async def keep_alive(self, seconds: float) -> None:
        """Let the exchange cancel unless this is said again in time; Unavailable right after an exit where it would be lost."""
        scope = self._profile.silence
        if scope is CancelOnSilence.NONE:
            raise VenueRejected("NOT_OFFERED", reason="the exchange cancels nothing on silence")
        if scope is CancelOnSilence.ALL and self._clock.monotonic() - self._exit_at < AFTER_EXIT_S:
            raise Unavailable("EXITS_REST", limit_s=AFTER_EXIT_S)
        self._stopped = False
        await self._count(seconds)

    async def stand_down(self) -> None:
        """Stop the countdown; harmless when none runs."""
        if self._profile.silence is CancelOnSilence.NONE:
            raise VenueRejected("NOT_OFFERED", reason="the exchange cancels nothing on silence")
        await self._count(0)
        self._stopped = True

    async def make_way(self, orders: tuple[OrderRequest, ...]) -> None:
        """Stop a countdown that would take these exits as well; what protects is not held up by a failure to do so."""
        if self._profile.silence is not CancelOnSilence.ALL or not any(_rests_to_reduce(order) for order in orders):
            return
        self._exit_at = self._clock.monotonic()
        if self._stopped:
            return
        try:
            async with asyncio.timeout(BEFORE_EXIT_S):
                await self.stand_down()
        except (SortieError, TimeoutError) as error:
            log.warning("venue.countdown.runs", error=str(error) or type(error).__name__)

    async def _count(self, seconds: float) -> None:
        async def send(exchange: Exchange) -> Mapping[str, Any]:
            told: Mapping[str, Any] = await exchange.cancel_all_orders_after(
                round(seconds * 1000), dict(self._profile.silence_params)
            )
            return told

        await self._caller.write(Lane.EXIT, send, lambda told: isinstance(told, dict))


def _rests_to_reduce(order: OrderRequest) -> bool:
    waits = order.type is OrderType.STOP or order.time_in_force in (TimeInForce.GTC, TimeInForce.POST)
    return order.role is not OrderRole.ENTRY and order.type is not OrderType.MARKET and waits
