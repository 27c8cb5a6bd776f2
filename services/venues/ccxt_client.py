"""What reading an exchange and trading at it have in common: ccxt's class, its addresses and a market's grid."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from config.groups import VenueSettings
from services.domain.errors import Misconfigured
from services.domain.market import Instrument
from services.domain.money import ZERO, canonical, exact

if TYPE_CHECKING:
    from ccxt.async_support.base.exchange import Exchange


def exchange_class(name: str, settings: VenueSettings, *, streams: bool = False) -> Any:
    """Return ccxt's class of the exchange; raise Misconfigured when there is none."""
    import ccxt.async_support as ccxt

    if settings.exchange not in ccxt.exchanges:
        raise Misconfigured(
            "UNKNOWN_EXCHANGE",
            key=f"venues.{name}.exchange",
            value=settings.exchange,
            fix="use ccxt's id of an exchange, such as binance or kraken",
        )
    if streams:
        import ccxt.pro

        if settings.exchange in ccxt.pro.exchanges:
            return getattr(ccxt.pro, settings.exchange)
    return getattr(ccxt, settings.exchange)


def has_real_money(name: str, settings: VenueSettings) -> bool:
    """Tell whether the venue's address is the exchange's own, where money is real."""
    exchange = exchange_class(name, settings)()
    own = {host.replace("{hostname}", str(exchange.hostname)) for host in _hosts(exchange.urls.get("api", {}))}
    host = urlsplit(settings.base_url).hostname if settings.base_url is not None else None
    return host is None or host in own


def share_trust(exchange: Exchange) -> ssl.SSLContext:
    """Give an exchange the process's certificates instead of reading the file once for each client; return them."""
    context = exchange.ssl_context = _trust(exchange.cafile)
    return context


@cache
def _trust(cafile: str | None) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=cafile)


def _hosts(urls: object) -> set[str]:
    if isinstance(urls, dict):
        return {host for each in urls.values() for host in _hosts(each)}
    # Not by its parts: a host that ccxt fills in has braces.
    return {str(urls).partition("://")[2].partition("/")[0].partition(":")[0]} if isinstance(urls, str) else set()


def rebase(exchange: Exchange, base_url: str | None) -> None:
    """Let all addresses of an exchange lead to ``base_url``; nothing leaves for the exchange's own hosts any more.

    Where that is the exchange's test network, its own addresses are used: its streams have other hosts than its orders.
    """
    if base_url is None:
        return
    if urlsplit(base_url).hostname in _hosts(exchange.urls.get("test", {})):
        exchange.urls["api"] = exchange.urls["test"]
        return
    # The test addresses too, whatever ccxt switches to.
    for tree in ("api", "test"):
        exchange.urls[tree] = _rebased(exchange.urls.get(tree, {}), base_url.rstrip("/"))


def _rebased(urls: object, base: str) -> object:
    if isinstance(urls, dict):
        return {key: _rebased(value, base) for key, value in urls.items()}
    if not isinstance(urls, str):
        return urls
    parts = urlsplit(urls)
    if not parts.scheme.startswith("ws"):
        return base + parts.path
    # ccxt tells a spot stream by this word in its address, which on the exchange's own hosts stands in the host's name.
    path = f"/stream{parts.path}" if (parts.hostname or "").startswith("stream.") else parts.path
    return base.replace("http", "ws", 1) + path


def grid_instrument(exchange: Exchange, symbol: str) -> Instrument:
    """Return a listed market's grid and bounds; raise ValueError when the exchange gives no grid, or counts in contracts.

    What an order may have at most is what one at market may too: an exit has to fit in one.
    """
    market = exchange.markets[symbol]
    if number(market.get("contractSize") or 1) != 1:
        raise ValueError(f"{symbol} is counted in contracts of {market['contractSize']}, the desk counts in {market['base']}")
    limits = market["limits"]
    step = _grid(exchange, market["precision"]["amount"])
    return Instrument(
        symbol=symbol,
        base=market["base"],
        quote=market["quote"],
        tick=_grid(exchange, market["precision"]["price"]),
        step=step,
        min_quantity=max(step, _least(limits["amount"])),
        min_notional=_least(limits["cost"]),
        max_quantity=_most(limits["amount"], limits.get("market") or {}),
        listed_at=_moment(market.get("created")),
    )


def _grid(exchange: Exchange, precision: object) -> Decimal:
    """Return ccxt's precision as a grid; it is one already, or a number of decimals, depending on the exchange."""
    from ccxt import DECIMAL_PLACES, SIGNIFICANT_DIGITS

    if precision is None or exchange.precisionMode == SIGNIFICANT_DIGITS:
        raise ValueError("the exchange gives no grid")
    grid = number(precision)
    return Decimal(1).scaleb(-int(grid)) if exchange.precisionMode == DECIMAL_PLACES else grid


def number(value: object) -> Decimal:
    """Return an exact amount from ccxt's text or number; raise ValueError for anything else."""
    return exact(canonical(exact(str(value))))


def _moment(stamp: object) -> datetime | None:
    """Return ccxt's milliseconds as a time; what is no such number is not known."""
    return datetime.fromtimestamp(stamp / 1000, UTC) if isinstance(stamp, int) and stamp > 0 else None


def _most(*limits: Mapping[str, Any]) -> Decimal | None:
    """Return the smallest maximum that is named; an exchange that has none leaves it out, or says zero."""
    named = [number(each["max"]) for each in limits if each.get("max") is not None]
    return min((each for each in named if each > 0), default=None)


def _least(limit: Mapping[str, Any]) -> Decimal:
    return ZERO if limit["min"] is None else number(limit["min"])
