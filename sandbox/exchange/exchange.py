"""One exchange: the market, the accounts that trade on it, its limits, its faults, and who is told what happens."""

from collections.abc import Callable

from sandbox.exchange.accounts import Account
from sandbox.exchange.engine import Engine
from sandbox.exchange.faults import FaultBoard
from sandbox.exchange.market import Market
from sandbox.exchange.order_counts import OrderCounts
from sandbox.exchange.user_events import UserEvent
from sandbox.exchange.weights import WeightLimit
from sandbox.exchange.write_log import WriteLog

Listener = Callable[[Account, UserEvent], None]


class Exchange:
    """Hold the parts of an exchange together; the HTTP and WebSocket skins work on it."""

    def __init__(self, market: Market) -> None:
        self.market = market
        self.faults = FaultBoard()
        self.weights = WeightLimit()
        self.counts = OrderCounts()
        self.writes = WriteLog()
        self.listeners: list[Listener] = []
        self.engine = Engine(market, self._tell)

    def _tell(self, account: Account, event: UserEvent) -> None:
        for listener in list(self.listeners):
            listener(account, event)
