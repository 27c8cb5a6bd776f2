"""The ccxt clients of one account: one that writes, one that reads, one for streams; all on one budget.

ccxt stays as it is; its throttle and its look at each reply are overridden, which is what they are there for. Amounts go in and
come out as text: ccxt writes a Decimal as a float, and overlooks a Decimal among the parameters, so that a stop would leave
as a market order.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import aiohttp

from config.groups import VenueSettings
from services.domain.errors import Misconfigured
from services.domain.ports import Clock
from services.venues.ccxt_client import exchange_class, rebase, share_trust
from services.venues.ccxt_spot.budget import Budget
from services.venues.ccxt_spot.profiles import PROFILES, Profile
from services.venues.ccxt_spot.replies import Lane, current_call, send_once

if TYPE_CHECKING:
    from ccxt.async_support.base.exchange import Exchange

Connect = Callable[[ssl.SSLContext], aiohttp.BaseConnector]
WINDOW_S = 10.0
STREAM_KEEPS = 100
# ccxt's names of what the settings hold.
_CREDENTIALS = (("apiKey", "api_key"), ("secret", "secret"), ("password", "password"), ("uid", "uid"))


class Clients:
    """Open and close the clients of one venue entry; ``connect`` makes the connections, which tests direct elsewhere."""

    def __init__(self, name: str, settings: VenueSettings, clock: Clock, connect: Connect | None = None) -> None:
        self._name = name
        self._settings = settings
        self._clock = clock
        self._connect = connect or (lambda context: aiohttp.TCPConnector(ssl=context))
        self._sessions: list[aiohttp.ClientSession] = []
        self._made: dict[str, Exchange] = {}
        self._connector: aiohttp.BaseConnector | None = None
        self._budget: Budget | None = None
        self.profile = profile_of(name, settings)

    @property
    def writer(self) -> Exchange:
        """Return the client of writes; call it inside a running loop."""
        return self._client("writer", streams=False)

    @property
    def reader(self) -> Exchange:
        """Return the client of readings."""
        return self._client("reader", streams=False)

    @property
    def listener(self) -> Exchange:
        """Return the client of streams."""
        return self._client("listener", streams=True)

    @property
    def units_per_s(self) -> float:
        """Return how many of ccxt's units the exchange allows in a second."""
        return 1000 / float(self.reader.rateLimit)

    def set_skew(self, milliseconds: int) -> None:
        """Let all clients sign with the exchange's time: this clock's less ``milliseconds``."""
        for exchange in self._made.values():
            exchange.options["timeDifference"] = milliseconds

    def share_markets(self) -> None:
        """Give the other clients the markets that the reader has read."""
        for exchange in [self.writer, self.listener] if self._settings.streams else [self.writer]:
            exchange.set_markets(self.reader.markets)

    async def close(self) -> None:
        """Release all connections."""
        made, self._made = self._made, {}
        sessions, self._sessions = self._sessions, []
        for exchange in made.values():
            exchange.timeout_on_exit = 0
            await exchange.close()
        for session in sessions:
            await session.close()
        if self._connector is not None:
            connector, self._connector = self._connector, None
            await connector.close()

    def _client(self, name: str, *, streams: bool) -> Exchange:
        if name not in self._made:
            self._made[name] = self._build(streams=streams)
        return self._made[name]

    def _build(self, *, streams: bool) -> Exchange:
        made: Exchange = _recorded(exchange_class(self._name, self._settings, streams=streams), self._budget_of)(
            {
                **self._credentials(),
                "timeout": int(self._settings.timeout_s * 1000),
                "enableRateLimit": True,
                "options": {
                    "fetchMarkets": {"types": ["spot"]},
                    "defaultType": "spot",
                    "fetchCurrencies": False,
                    "fetchMargins": False,
                    "maxRetriesOnFailure": 0,
                    "recvWindow": self._settings.recv_window_ms,
                    "createMarketBuyOrderRequiresPrice": False,
                    # What a stream told is not read again; the usual thousand orders and fills would be memory for nothing.
                    "ordersLimit": STREAM_KEEPS,
                    "tradesLimit": STREAM_KEEPS,
                    **self.profile.options,
                },
            }
        )
        made.has["fetchCurrencies"] = False
        made.number = str
        # A signed time that is not the exchange's is refused; the difference is measured before the first signed call.
        made.options["adjustForTimeDifference"] = False
        rebase(made, self._settings.base_url)
        trusted = share_trust(made)
        if self._connector is None:
            # One for all clients: the connections that readings keep open serve a write without a new handshake.
            self._connector = self._connect(trusted)
        session = aiohttp.ClientSession(connector=self._connector, connector_owner=False, middlewares=(send_once,))
        self._sessions.append(session)
        made.session, made.own_session = session, False
        return made

    def _credentials(self) -> dict[str, str]:
        try:
            held = self._settings.credentials()
        except (OSError, ValueError) as error:
            raise Misconfigured(
                "VENUE_KEYS",
                key=f"venues.{self._name}.secret_file",
                value=self._settings.secret_file,
                missing="a JSON object of texts that can be read",
                fix='write {"api_key": "...", "secret": "..."} into it, readable by the desk alone',
            ) from error
        return {theirs: held[ours] for theirs, ours in _CREDENTIALS if ours in held}

    def _budget_of(self, exchange: Exchange) -> Budget:
        if self._budget is None:
            window_s = float(exchange.rollingWindowSize or 0) / 1000 or WINDOW_S
            self._budget = Budget(
                self._clock,
                capacity=window_s * 1000 / float(exchange.rateLimit),
                window_s=window_s,
                reserve=float(self._settings.reserve),
                counters=self.profile.counters,
            )
        return self._budget


def profile_of(name: str, settings: VenueSettings) -> Profile:
    """Return what is known of the exchange; raise Misconfigured when that is not enough to trade there."""
    profile = PROFILES.get(settings.exchange)
    if profile is None:
        raise Misconfigured(
            "VENUE_NOT_TRADABLE",
            key=f"venues.{name}.exchange",
            value=settings.exchange,
            missing="its codes that prove a refusal, and a look-up by client id that was tried",
            fix=f"trade at one of {', '.join(sorted(PROFILES))}; prices may be read from any exchange",
        )
    return profile


def _recorded(base: Any, budget_of: Callable[[Any], Budget]) -> Any:
    """Derive a client whose calls spend the common budget and whose raw replies are kept."""

    async def throttle(self: Any, cost: float | None = None) -> None:
        call = current_call()
        await budget_of(self).take(1.0 if cost is None else float(cost), call.lane if call else Lane.READ)

    def on_rest_response(
        self: Any,
        code: int,
        reason: str,
        url: str,
        method: str,
        headers: Mapping[str, str],
        body: str,
        request_headers: object,
        request_body: object,
    ) -> Any:
        budget_of(self).note(code, headers)
        call = current_call()
        if call is not None and not (call.once and method == "GET"):
            call.status, call.headers, call.body = code, headers, body
        return base.on_rest_response(self, code, reason, url, method, headers, body, request_headers, request_body)

    return type(f"Recorded{base.__name__}", (base,), {"throttle": throttle, "on_rest_response": on_rest_response})
