"""Faults of the exchange that can be switched while it runs."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from sandbox.exchange.errors import MarketError


class FaultRefused(MarketError):
    """Ask for a fault that exists; the message names what is wrong."""


class FaultKind(StrEnum):
    """What can go wrong."""

    DELAY = "delay"
    SERVER_ERROR = "5xx"
    RESET = "reset"
    GARBAGE = "garbage"
    HALF = "half"
    STALE = "stale"
    OUTAGE = "outage"
    SKEW = "skew"


# What `amount` means by kind, and its default: seconds of delay, the HTTP status, seconds that the clock is ahead.
_AMOUNTS = {FaultKind.DELAY: 2.0, FaultKind.SERVER_ERROR: 502.0, FaultKind.SKEW: 30.0}
_LONGEST_DELAY = 300.0
_CANDLES = ("klines", "uiKlines")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A fault and which requests it hits.

    `path` is a part of the endpoint's path, empty for all; `symbol` narrows to requests that name it. The fault ends
    after `count` hits and at `until`, and `since` is when it began (milliseconds).
    """

    number: int
    kind: FaultKind
    amount: float
    path: str
    symbol: str | None
    count: int | None
    since: int
    until: int | None

    def hits(self, path: str, symbols: Iterable[str]) -> bool:
        """Tell whether a request is hit; stale data without a path means quotes and trades, not candles."""
        if self.symbol is not None and self.symbol not in symbols:
            return False
        if self.kind is FaultKind.STALE and not self.path:
            return path not in _CANDLES
        return self.path in path


class FaultBoard:
    """Hold the active faults and count how often each kind has fired."""

    def __init__(self) -> None:
        self._faults: dict[int, Fault] = {}
        self._numbers = 0
        self._left: dict[int, int] = {}
        self.fired: Counter[FaultKind] = Counter()

    def add(
        self,
        kind: str,
        *,
        now: int,
        amount: float | None = None,
        path: str = "",
        symbol: str | None = None,
        count: int | None = None,
        seconds: float | None = None,
    ) -> Fault:
        """Switch a fault on for `count` requests and for `seconds`, for ever where neither is given.

        Raises FaultRefused for an unknown kind or a number out of its limits.
        """
        if kind not in list(FaultKind):
            raise FaultRefused(f"unknown fault '{kind}'; there are {', '.join(FaultKind)}")
        known = FaultKind(kind)
        if count is not None and count < 1:
            raise FaultRefused(f"count is {count}, expected 1 or more")
        if seconds is not None and not seconds > 0:
            raise FaultRefused(f"seconds is {seconds}, expected more than 0")
        self._numbers += 1
        fault = Fault(
            number=self._numbers,
            kind=known,
            amount=_amount(known, amount),
            path=path,
            symbol=symbol,
            count=count,
            since=now,
            until=None if seconds is None else now + round(seconds * 1000),
        )
        self._faults[fault.number] = fault
        if count is not None:
            self._left[fault.number] = count
        return fault

    def clear(self, number: int | None = None) -> None:
        """Switch one fault off, or all of them."""
        for each in [number] if number is not None else list(self._faults):
            self._faults.pop(each, None)
            self._left.pop(each, None)

    def active(self, now: int) -> list[Fault]:
        """List the faults that are on, oldest first."""
        for number in [each.number for each in self._faults.values() if each.until is not None and each.until <= now]:
            self.clear(number)
        return list(self._faults.values())

    def strike(self, path: str, symbols: Iterable[str], now: int) -> dict[FaultKind, Fault]:
        """Take the faults that hit a request, the oldest of each kind, and count them as fired."""
        struck: dict[FaultKind, Fault] = {}
        for fault in self.active(now):
            if fault.kind not in struck and fault.hits(path, symbols):
                struck[fault.kind] = fault
                self._count(fault)
        return struck

    def _count(self, fault: Fault) -> None:
        self.fired[fault.kind] += 1
        if fault.number in self._left:
            self._left[fault.number] -= 1
            if self._left[fault.number] == 0:
                self.clear(fault.number)


def _amount(kind: FaultKind, amount: float | None) -> float:
    if amount is None:
        return _AMOUNTS.get(kind, 0.0)
    if kind is FaultKind.DELAY and not 0 <= amount <= _LONGEST_DELAY:
        raise FaultRefused(f"a delay of {amount} s, expected 0 to {_LONGEST_DELAY:.0f}")
    if kind is FaultKind.SERVER_ERROR and (amount != int(amount) or not 500 <= amount <= 599):
        raise FaultRefused(f"status {amount}, expected 500 to 599")
    return amount
