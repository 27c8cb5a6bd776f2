"""The request weight limit: 6,000 a minute, counted by the minute of the clock as Binance counts it."""

from http import HTTPStatus

from sandbox.exchange.errors import ApiRefusal

WEIGHT_PER_MINUTE = 6_000
_MINUTE = 60_000


class WeightLimit:
    """Count the weight of every request; all of loopback is one address."""

    def __init__(self) -> None:
        self._minute = 0
        self.used = 0

    def charge(self, weight: int, now: int) -> int | None:
        """Count a request at a time in milliseconds; give the seconds to wait when it is over the limit."""
        minute = now // _MINUTE
        if minute != self._minute:
            self._minute, self.used = minute, 0
        self.used += weight
        over = self.used > WEIGHT_PER_MINUTE
        return -(-((minute + 1) * _MINUTE - now) // 1000) if over else None


def too_much_weight(retry_after: int) -> ApiRefusal:
    """Refuse a request over the limit."""
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
