"""The WebSocket API: orders and reads as on REST, each request signed, and the events of an account that subscribes."""

import asyncio
import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import Any

from aiohttp import web
from multidict import MultiDict

from sandbox.exchange.accounts import Account
from sandbox.exchange.delivery import Delivery
from sandbox.exchange.errors import ApiRefusal, missing_parameter
from sandbox.exchange.exchange import Exchange
from sandbox.exchange.failing import GARBAGE, Plan, cuts, error_body, plan
from sandbox.exchange.faults import Family, Fault, FaultKind, Target, family_of
from sandbox.exchange.limits import ORDER_LIMITS
from sandbox.exchange.payloads import Payload
from sandbox.exchange.private_api import PRIVATE_ENDPOINTS, answer
from sandbox.exchange.private_call import PrivateEndpoint
from sandbox.exchange.public_api import ENDPOINTS, Call, Endpoint
from sandbox.exchange.query import Query
from sandbox.exchange.signing import SIGNED, SIGNED_OPTIONAL, check_time, find_account, sign, wrong_signature
from sandbox.exchange.user_events import UserEvent
from sandbox.exchange.user_payloads import event_payload
from sandbox.exchange.weights import WEIGHT_PER_MINUTE
from sandbox.exchange.ws_wire import Wire

log = logging.getLogger(__name__)

_PUBLIC_NAMES = {
    "ping": "ping",
    "time": "time",
    "exchangeInfo": "exchangeInfo",
    "depth": "depth",
    "trades.recent": "trades",
    "trades.aggregate": "aggTrades",
    "klines": "klines",
    "uiKlines": "uiKlines",
    "avgPrice": "avgPrice",
    "ticker.24hr": "ticker/24hr",
    "ticker.price": "ticker/price",
    "ticker.book": "ticker/bookTicker",
}
_PATHS = {endpoint.path: endpoint for endpoint in ENDPOINTS}
_PUBLIC: Mapping[str, Endpoint] = {name: _PATHS[path] for name, path in _PUBLIC_NAMES.items()}
_PRIVATE: Mapping[str, PrivateEndpoint] = {each.name: each for each in PRIVATE_ENDPOINTS if each.name is not None}
_OWN = ("apiKey", "returnRateLimits")
_SUBSCRIBE = "userDataStream.subscribe.signature"
_UNSUBSCRIBE = "userDataStream.unsubscribe"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request: its number, which may be anything, its method and its parameters."""

    number: Any
    method: str
    sent: MultiDict[str]


class Session:
    """One connection and the accounts whose events it hears."""

    def __init__(self, wire: Wire, since: int) -> None:
        self.wire = wire
        self.since = since
        self.subscriptions: dict[int, str] = {}
        self._numbers = 0

    def subscribe(self, account: Account) -> int:
        """Begin to hear an account's events; give the number of the subscription."""
        number = self._numbers
        self._numbers += 1
        self.subscriptions[number] = account.name
        return number


class WebSocketApi:
    """Serve the connections of the WebSocket API."""

    def __init__(self, exchange: Exchange, wires: set[Wire]) -> None:
        self._exchange = exchange
        self._wires = wires
        self._sessions: set[Session] = set()
        self._delivery = Delivery(exchange, Family.EVENTS, self.cut)
        exchange.listeners.append(self.tell)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Serve one connection."""
        wire = Wire(request)
        session = Session(wire, self._exchange.market.now())
        if self._delivery.is_out():
            wire.cut()
            return web.Response()
        socket = await wire.open()
        self._wires.add(wire)
        self._sessions.add(session)
        try:
            async for text in wire.texts():
                await self._serve(session, text)
        finally:
            self._sessions.discard(session)
            self._wires.discard(wire)
        return socket

    def tell(self, account: Account, event: UserEvent) -> None:
        """Send an event to everyone who hears the account."""
        payload = event_payload(event, self._exchange.market.now())
        self._delivery.pass_on(payload["e"], payload.get("s", ""), partial(self._send, account.name, payload))

    def tick(self) -> None:
        """Cut the connections while there is an outage."""
        self._delivery.enforce()

    def cut(self) -> None:
        """Cut every connection."""
        for session in self._sessions:
            session.wire.cut()

    def _send(self, account: str, payload: Payload) -> None:
        for session in self._sessions:
            for number, name in session.subscriptions.items():
                if name == account:
                    session.wire.send({"subscriptionId": number, "event": payload})

    async def _serve(self, session: Session, text: str) -> None:
        """Answer a request, or fail it in the way that was asked for."""
        asked = _read(text)
        if asked is None:
            session.wire.send(_failure(None, ApiRefusal(-1135, "Invalid JSON Request")))
            return
        doom = plan(self._exchange.faults.strike(_target(asked), self._exchange.market.now()))
        if asked.method in _PRIVATE:
            endpoint = _PRIVATE[asked.method]
            self._exchange.writes.note(endpoint.method, endpoint.path, asked.sent, self._exchange.market.now())
        await asyncio.sleep(doom.late_by)
        response = None if doom.before else self._respond(session, asked, doom)
        self._exchange.keep()
        await asyncio.sleep(doom.told_late_by)
        failing = doom.before or doom.after
        if failing is None:
            session.wire.send(response)
        elif cuts(failing):
            session.wire.cut()
        else:
            session.wire.send_text(_failed(asked, failing, response))

    def _respond(self, session: Session, asked: Asked, doom: Plan) -> Payload:
        number, method, sent = asked.number, asked.method, asked.sent
        try:
            result = self._result(session, asked, doom)
            response: Payload = {"id": number, "status": HTTPStatus.OK.value, "result": result}
        except ApiRefusal as refusal:
            response = _failure(number, refusal)
        except Exception:
            log.exception("exchange.websocket_request_failed method=%s", method)
            broken = ApiRefusal(-1000, "An unknown error occurred.", HTTPStatus.INTERNAL_SERVER_ERROR)
            response = _failure(number, broken)
        if sent.get("returnRateLimits") != "false":
            response["rateLimits"] = self._rate_limits(method, sent)
        return response

    def _result(self, session: Session, asked: Asked, doom: Plan) -> Any:
        method, sent = asked.method, asked.sent
        if method in _PUBLIC:
            return self._answer_public(_PUBLIC[method], sent, doom)
        if method in _PRIVATE:
            return self._answer_signed(_PRIVATE[method], sent, doom)
        if method == _SUBSCRIBE:
            account = self._sender(Query(sent, mandatory=(*SIGNED, "apiKey"), optional=(*SIGNED_OPTIONAL, *_OWN)), sent)
            return {"subscriptionId": session.subscribe(account)}
        if method == _UNSUBSCRIBE:
            number = sent.get("subscriptionId")
            for each in [each for each in session.subscriptions if number in (None, str(each))]:
                del session.subscriptions[each]
            return {}
        if method == "session.status":
            return self._session(session)
        if method in ("session.logon", "session.logout", "userDataStream.subscribe"):
            raise ApiRefusal(-4056, "HMAC_SHA256 API key is not supported.")
        raise ApiRefusal(-1020, "This operation is not supported.")

    def _answer_public(self, endpoint: Endpoint, sent: MultiDict[str], doom: Plan) -> Any:
        query = Query(sent, mandatory=endpoint.mandatory, optional=(*endpoint.optional, *_OWN))
        self._exchange.weights.charge(endpoint.weight(query), self._exchange.market.now())
        seen_at = None if doom.stale is None else doom.stale.since
        return endpoint.answer(Call(market=self._exchange.market, query=query, seen_at=seen_at, skew=doom.skew))

    def _answer_signed(self, endpoint: PrivateEndpoint, sent: MultiDict[str], doom: Plan) -> Any:
        mandatory = (*endpoint.mandatory, *SIGNED, "apiKey")
        query = Query(sent, mandatory=mandatory, optional=(*endpoint.optional, *SIGNED_OPTIONAL, *_OWN))
        self._exchange.weights.charge(endpoint.weight(query), self._exchange.market.now())
        account = self._sender(query, sent, doom.skew)
        return answer(self._exchange, endpoint, account, query, self._exchange.seen(account, doom.stale))

    def _sender(self, query: Query, sent: MultiDict[str], skew: int = 0) -> Account:
        """Find whose request it is; the signature is over all other parameters in the order of their names."""
        account = find_account(query.text("apiKey"), self._exchange.engine.accounts.values())
        check_time(query, self._exchange.market.now() + skew)
        signature = query.text("signature")
        if signature is None:
            raise missing_parameter("signature")
        payload = "&".join(f"{name}={value}" for name, value in sorted(sent.items()) if name != "signature")
        if sign(account.secret, payload) != signature.lower():
            raise wrong_signature()
        return account

    def _session(self, session: Session) -> Payload:
        return {
            "apiKey": None,
            "authorizedSince": None,
            "connectedSince": session.since,
            "returnRateLimits": True,
            "serverTime": self._exchange.market.now(),
            "userDataStream": bool(session.subscriptions),
        }

    def _rate_limits(self, method: str, sent: MultiDict[str]) -> list[Payload]:
        now = self._exchange.market.now()
        rows: list[Payload] = []
        endpoint = _PRIVATE.get(method)
        for account in self._exchange.engine.accounts.values():
            if endpoint is not None and endpoint.orders and account.key == sent.get("apiKey"):
                rows += [
                    _limit(
                        "ORDERS", limit.interval, limit.number, limit.most, self._exchange.counts.used(account.name, limit, now)
                    )
                    for limit in ORDER_LIMITS
                ]
        return [*rows, _limit("REQUEST_WEIGHT", "MINUTE", 1, WEIGHT_PER_MINUTE, self._exchange.weights.used)]


def _read(text: str) -> Asked | None:
    """Read a request, None for what is not one."""
    try:
        asked = json.loads(text)
    except ValueError:
        return None
    if not isinstance(asked, dict) or not isinstance(asked.get("params", {}), dict):
        return None
    method = str(asked.get("method", "")).removeprefix("v3/")
    return Asked(number=asked.get("id"), method=method, sent=_parameters(asked.get("params", {})))


def _target(asked: Asked) -> Target:
    private, public = _PRIVATE.get(asked.method), _PUBLIC_NAMES.get(asked.method)
    symbols = (asked.sent.get("symbol", ""),)
    if private is None:
        return Target(family=Family.PUBLIC, path=public or asked.method, symbols=symbols)
    return Target(family=family_of(private.method), path=private.path, method=private.method, symbols=symbols)


def _failed(asked: Asked, fault: Fault, response: Payload | None) -> str:
    """Write what a fault answers in place of the response."""
    if fault.kind is FaultKind.GARBAGE:
        return GARBAGE if fault.failure.body is None else fault.failure.body
    if fault.kind is FaultKind.HALF:
        text = json.dumps(response or {})
        return text[: len(text) // 2]
    return json.dumps({"id": asked.number, "status": int(fault.amount), "error": error_body(fault)})


def _limit(kind: str, interval: str, number: int, most: int, used: int) -> Payload:
    return {"rateLimitType": kind, "interval": interval, "intervalNum": number, "limit": most, "count": used}


def _parameters(params: dict[str, Any]) -> MultiDict[str]:
    """Write parameters as the texts that REST would have carried."""
    return MultiDict((name, value if isinstance(value, str) else json.dumps(value)) for name, value in params.items())


def _failure(number: Any, refusal: ApiRefusal) -> Payload:
    return {"id": number, "status": int(refusal.status), "error": refusal.body}
