"""The newest quote of each instrument, in memory only."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from services.domain.market import Quote

Subscriber = Callable[[Quote], None]


class QuoteBoard:
    """Keep the newest quote of each symbol and tell subscribers; how old it is, the reader works out from its stamps."""

    def __init__(self) -> None:
        self._latest: dict[str, Quote] = {}
        self._subscribers: list[Subscriber] = []

    def latest(self, symbol: str) -> Quote | None:
        """Return the newest quote, or None when there was never one."""
        return self._latest.get(symbol)

    def all(self) -> Sequence[Quote]:
        """Return the newest quotes by symbol."""
        return [self._latest[symbol] for symbol in sorted(self._latest)]

    def subscribe(self, on_quote: Subscriber) -> None:
        """Call ``on_quote`` with every quote that becomes the newest of its symbol; it must return at once and not raise."""
        self._subscribers.append(on_quote)

    def put(self, quote: Quote) -> bool:
        """Keep a quote unless a later one has been received; return whether it was kept.

        The venue's stamp does not decide: after a correction of its clock every quote would be late for as long.
        """
        known = self._latest.get(quote.symbol)
        if known is not None and quote.received_at < known.received_at:
            return False
        self._latest[quote.symbol] = quote
        for on_quote in self._subscribers:
            on_quote(quote)
        return True
