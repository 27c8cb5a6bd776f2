"""Faults of the exchange that can be switched while it runs."""

from collections import Counter
from dataclasses import dataclass
from enum import StrEnum

from sandbox.exchange.errors import MarketError


class FaultRefused(MarketError):
    """Ask for a fault that exists; the message names what is wrong."""


class FaultKind(StrEnum):
    """What can go wrong."""

    DELAY = "delay"
    SERVER_ERROR = "5xx"
    ERROR = "error"
    RESET = "reset"
    LOST = "lost"
    GARBAGE = "garbage"
    HALF = "half"
    STALE = "stale"
    OUTAGE = "outage"
    SKEW = "skew"
    DROP = "drop"
    DUPLICATE = "duplicate"
    REORDER = "reorder"


class Family(StrEnum):
    """What a fault can be narrowed to: a kind of request, or what is told without being asked."""

    WRITES = "writes"
    READS = "reads"
    PUBLIC = "public"
    STREAMS = "streams"
    EVENTS = "events"


# What `amount` means by kind, and its default: seconds of delay, the HTTP status, seconds that the clock is ahead.
_AMOUNTS = {
    FaultKind.DELAY: 2.0,
    FaultKind.SERVER_ERROR: 502.0,
    FaultKind.ERROR: 503.0,
    FaultKind.SKEW: 30.0,
}
_LONGEST_DELAY = 300.0
_CANDLES = ("klines", "uiKlines")
_TOLD = (Family.STREAMS, Family.EVENTS)
_ONLY_TOLD = (FaultKind.DROP, FaultKind.DUPLICATE, FaultKind.REORDER)
_AFTER = (FaultKind.LOST, FaultKind.GARBAGE, FaultKind.HALF)
_UNKNOWN = "Unknown error, please check your request or try again later."


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What a fault may hit: a request by its path, or an event by its name, with the symbols that it names."""

    family: Family
    path: str
    method: str = "GET"
    symbols: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """How a request fails where its kind leaves that open.

    `after` lets it take effect first. The code and message are those of an error body, `body` is the text of garbage,
    and `retry_after` a header, in seconds.
    """

    after: bool
    code: int = -1000
    message: str = _UNKNOWN
    body: str | None = None
    retry_after: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A fault and what it hits.

    `path` is a part of the endpoint's path or the event's name, empty for all; `symbol` narrows to what names it. The
    fault ends after `count` hits and at `until`, and `since` is when it began (milliseconds).
    """

    number: int
    kind: FaultKind
    amount: float
    path: str
    symbol: str | None
    family: Family | None
    method: str | None
    failure: Failure
    count: int | None
    since: int
    until: int | None

    def hits(self, target: Target) -> bool:
        """Tell whether something is hit.

        Without a family, requests are hit, and by an outage everything; stale data without a path or a family means
        quotes and trades, neither candles nor accounts.
        """
        if self.symbol is not None and self.symbol not in target.symbols:
            return False
        if self.method is not None and self.method != target.method:
            return False
        return self._covers(target) and self.path in target.path

    def _covers(self, target: Target) -> bool:
        if self.family is not None:
            return self.family is target.family
        if self.kind in _ONLY_TOLD:
            return target.family in _TOLD
        if self.kind is FaultKind.STALE and not self.path:
            return target.family in (Family.PUBLIC, Family.STREAMS) and target.path not in _CANDLES
        return self.kind is FaultKind.OUTAGE or target.family not in _TOLD


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
        family: str | None = None,
        method: str | None = None,
        after: bool | None = None,
        code: int | None = None,
        message: str | None = None,
        body: str | None = None,
        retry_after: int | None = None,
        count: int | None = None,
        seconds: float | None = None,
    ) -> Fault:
        """Switch a fault on for `count` hits and for `seconds`, for ever where neither is given.

        Raises FaultRefused for an unknown kind or a number out of its limits.
        """
        if kind not in list(FaultKind):
            raise FaultRefused(f"unknown fault '{kind}'; there are {', '.join(FaultKind)}")
        known = FaultKind(kind)
        if count is not None and count < 1:
            raise FaultRefused(f"count is {count}, expected 1 or more")
        if seconds is not None and not seconds > 0:
            raise FaultRefused(f"seconds is {seconds}, expected more than 0")
        if family is not None and family not in list(Family):
            raise FaultRefused(f"unknown family '{family}'; there are {', '.join(Family)}")
        size = _amount(known, amount)
        failure = Failure(
            after=_usually_after(known, size) if after is None else after,
            code=-1000 if code is None else code,
            message=_UNKNOWN if message is None else message,
            body=body,
            retry_after=retry_after,
        )
        self._numbers += 1
        fault = Fault(
            number=self._numbers,
            kind=known,
            amount=size,
            path=path,
            symbol=symbol,
            family=None if family is None else Family(family),
            method=method,
            failure=failure,
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

    def on(self, kind: FaultKind, target: Target, now: int) -> bool:
        """Tell whether a fault of a kind is on for a target, without counting it as fired."""
        return any(fault.kind is kind and fault.hits(target) for fault in self.active(now))

    def strike(self, target: Target, now: int) -> dict[FaultKind, Fault]:
        """Take the faults that hit a target, the oldest of each kind, and count them as fired."""
        struck: dict[FaultKind, Fault] = {}
        for fault in self.active(now):
            if fault.kind not in struck and fault.hits(target):
                struck[fault.kind] = fault
                self._count(fault)
        return struck

    def _count(self, fault: Fault) -> None:
        self.fired[fault.kind] += 1
        if fault.number in self._left:
            self._left[fault.number] -= 1
            if self._left[fault.number] == 0:
                self.clear(fault.number)


def family_of(method: str) -> Family:
    """Tell whether a signed request reads or writes."""
    return Family.READS if method == "GET" else Family.WRITES


def _amount(kind: FaultKind, amount: float | None) -> float:
    if amount is None:
        return _AMOUNTS.get(kind, 0.0)
    if kind is FaultKind.DELAY and not 0 <= amount <= _LONGEST_DELAY:
        raise FaultRefused(f"a delay of {amount} s, expected 0 to {_LONGEST_DELAY:.0f}")
    if kind is FaultKind.SERVER_ERROR and (amount != int(amount) or not 500 <= amount <= 599):
        raise FaultRefused(f"status {amount}, expected 500 to 599")
    if kind is FaultKind.ERROR and (amount != int(amount) or not 400 <= amount <= 599):
        raise FaultRefused(f"status {amount}, expected 400 to 599")
    return amount


def _usually_after(kind: FaultKind, amount: float) -> bool:
    """An error body of a server's status says that nobody knows; the request has usually been accepted."""
    return kind in _AFTER or (kind is FaultKind.ERROR and amount >= 500)
