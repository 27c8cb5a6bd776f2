"""One exchange: the market, the accounts that trade on it, its limits, its faults, and who is told what happens."""

from collections.abc import Callable

from sandbox.exchange.accounts import Account
from sandbox.exchange.engine import Engine
from sandbox.exchange.faults import Fault, FaultBoard, FaultKind
from sandbox.exchange.market import Market
from sandbox.exchange.order_counts import OrderCounts
from sandbox.exchange.user_events import UserEvent
from sandbox.exchange.weights import WeightLimit
from sandbox.exchange.write_log import WriteLog

Listener = Callable[[Account, UserEvent], None]


class Exchange:
    """Hold the parts of an exchange together; the HTTP and WebSocket skins work on it.

    `keep` writes what changed, before anything that may have changed it is answered.
    """

    def __init__(self, market: Market) -> None:
        self.market = market
        self.faults = FaultBoard()
        self.weights = WeightLimit()
        self.counts = OrderCounts()
        self.writes = WriteLog()
        self.keep: Callable[[], None] = _keep_nothing
        self.listeners: list[Listener] = []
        self._past: dict[int, dict[str, Account]] = {}
        self.engine = Engine(market, self._tell)

    def remember(self, fault: Fault) -> None:
        """Keep what the accounts look like now, for the reads of a fault that shows the past."""
        active = {each.number for each in self.faults.active(self.market.now())}
        self._past = {number: books for number, books in self._past.items() if number in active}
        if fault.kind is FaultKind.STALE:
            self.engine.advance()
            self._past[fault.number] = {name: account.copy() for name, account in self.engine.accounts.items()}

    def seen(self, account: Account, stale: Fault | None) -> Account:
        """Give the books that a read sees: those of now, or those of the beginning of a fault."""
        return account if stale is None else self._past.get(stale.number, {}).get(account.name, account)

    def _tell(self, account: Account, event: UserEvent) -> None:
        for listener in list(self.listeners):
            listener(account, event)


def _keep_nothing() -> None:
    """Without a state folder the accounts live as long as the program."""
