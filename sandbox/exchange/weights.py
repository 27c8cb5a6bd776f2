"""The request weight limit: 6,000 a minute, counted by the minute of the clock as Binance counts it, and its bans."""

from http import HTTPStatus

from sandbox.exchange.errors import ApiRefusal

WEIGHT_PER_MINUTE = 6_000
_MINUTE = 60_000

# How many requests over the limit are told to wait before the address is banned, and for how long, in milliseconds.
_PATIENCE = 20
_FIRST_BAN = 120_000
_LONGEST_BAN = 3 * 86_400_000


class WeightLimit:
    """Count the weight of every request; all of loopback is one address.

    Whoever goes on after being told to stop is banned, for two minutes the first time and longer each time after.
    """

    def __init__(self) -> None:
        self._minute = 0
        self._refused = 0
        self._bans = 0
        self._banned_until = 0
        self.used = 0
        self.enforced = True

    def charge(self, weight: int, now: int) -> None:
        """Count a request at a time in milliseconds; raises ApiRefusal for one over the limit or within a ban."""
        if now < self._banned_until:
            raise self._banned(now)
        minute = now // _MINUTE
        if minute != self._minute:
            self._minute, self.used, self._refused = minute, 0, 0
        self.used += weight
        if self.used <= WEIGHT_PER_MINUTE or not self.enforced:
            return
        self._refused += 1
        if self._refused > _PATIENCE:
            self._bans += 1
            self._banned_until = now + min(_LONGEST_BAN, _FIRST_BAN * self._bans**2)
            raise self._banned(now)
        raise _too_much_weight(_seconds((minute + 1) * _MINUTE - now))

    def _banned(self, now: int) -> ApiRefusal:
        return ApiRefusal(
            -1003,
            f"Way too much request weight used; IP banned until {self._banned_until}. "
            "Please use WebSocket Streams for live updates to avoid bans.",
            HTTPStatus.IM_A_TEAPOT,
            retry_after=_seconds(self._banned_until - now),
        )


def _seconds(milliseconds: int) -> int:
    return -(-milliseconds // 1000)


def _too_much_weight(retry_after: int) -> ApiRefusal:
    return ApiRefusal(
        -1003,
        f"Too much request weight used; current limit is {WEIGHT_PER_MINUTE} request weight per 1 MINUTE. "
        "Please use WebSocket Streams for live updates to avoid polling the API.",
        HTTPStatus.TOO_MANY_REQUESTS,
        retry_after=retry_after,
    )


def depth_weight(limit: int) -> int:
    """Weigh an order book by the levels asked for."""
    return next(weight for most, weight in ((100, 5), (500, 25), (1000, 50), (limit, 250)) if limit <= most)


def day_ticker_weight(symbols: int | None) -> int:
    """Weigh 24-hour tickers by the number of symbols, None for all."""
    if symbols is None or symbols > 100:
        return 80
    return 2 if symbols <= 20 else 40


def price_ticker_weight(single: bool) -> int:
    """Weigh price and book tickers."""
    return 2 if single else 4
