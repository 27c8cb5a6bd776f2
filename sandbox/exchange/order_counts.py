"""How many orders an account has placed: the second kind of limit, counted for each account and not for the address."""

from collections import Counter
from http import HTTPStatus

from sandbox.exchange.errors import ApiRefusal
from sandbox.exchange.limits import ORDER_LIMITS, OrderLimit


class OrderCounts:
    """Count new orders by account and interval of the clock."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, str, int]] = Counter()
        self.enforced = True

    def used(self, account: str, limit: OrderLimit, now: int) -> int:
        """Tell how many orders of the present interval count."""
        return self._counts[account, limit.suffix, now // limit.span]

    def check(self, account: str, orders: int, now: int) -> None:
        """Refuse orders over a limit; raises ApiRefusal (-1015)."""
        for limit in ORDER_LIMITS if self.enforced else ():
            if self.used(account, limit, now) + orders > limit.most:
                wait = -(-((now // limit.span + 1) * limit.span - now) // 1000)
                raise ApiRefusal(
                    -1015,
                    f"Too many new orders; current limit is {limit.most} orders per {limit.number} {limit.interval}.",
                    HTTPStatus.TOO_MANY_REQUESTS,
                    retry_after=wait,
                )

    def add(self, account: str, orders: int, now: int) -> None:
        """Count orders that were accepted."""
        for key in [key for key in self._counts if key[0] == account and not self._current(key, now)]:
            del self._counts[key]
        for limit in ORDER_LIMITS:
            self._counts[account, limit.suffix, now // limit.span] += orders

    def headers(self, account: str, now: int) -> dict[str, str]:
        """Write the counts as the headers of an answer."""
        return {f"X-MBX-ORDER-COUNT-{limit.suffix}": str(self.used(account, limit, now)) for limit in ORDER_LIMITS}

    @staticmethod
    def _current(key: tuple[str, str, int], now: int) -> bool:
        return any(key[1] == limit.suffix and key[2] == now // limit.span for limit in ORDER_LIMITS)
