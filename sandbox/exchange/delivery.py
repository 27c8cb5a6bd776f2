"""Hand on what is told without being asked, dropped, doubled, late or out of order where that was asked for."""

import asyncio
from collections.abc import Callable

from sandbox.exchange.exchange import Exchange
from sandbox.exchange.faults import Family, FaultKind, Target

Send = Callable[[], None]


class Delivery:
    """Pass events of one family on; `cut` ends the connections that hear them."""

    def __init__(self, exchange: Exchange, family: Family, cut: Callable[[], None]) -> None:
        self._exchange = exchange
        self._family = family
        self._cut = cut
        self._held: list[Send] = []

    def pass_on(self, name: str, symbol: str, send: Send) -> None:
        """Send an event by its name, as the faults want it; one out of order waits for the next one."""
        struck = self._exchange.faults.strike(self._target(name, symbol), self._exchange.market.now())
        if FaultKind.RESET in struck:
            self._cut()
        if FaultKind.DROP in struck or FaultKind.STALE in struck:
            return
        if FaultKind.REORDER in struck:
            self._held.append(send)
            return
        if FaultKind.DELAY in struck:
            asyncio.get_running_loop().call_later(struck[FaultKind.DELAY].amount, send)
            return
        send()
        if FaultKind.DUPLICATE in struck:
            send()
        held, self._held = self._held, []
        for each in held:
            each()

    def is_out(self) -> bool:
        """Tell whether connections are refused and cut."""
        return self._exchange.faults.on(FaultKind.OUTAGE, self._target("", ""), self._exchange.market.now())

    def enforce(self) -> None:
        """Cut the connections while there is an outage."""
        if self.is_out():
            self._cut()

    def _target(self, name: str, symbol: str) -> Target:
        return Target(family=self._family, path=name, symbols=(symbol,))
