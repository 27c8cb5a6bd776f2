"""The REST skin: every request to the exchange, public or signed, with the faults that were asked for."""

import asyncio
import json
import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import web
from multidict import MultiDict

from sandbox.exchange.errors import ApiRefusal
from sandbox.exchange.exchange import Exchange
from sandbox.exchange.failing import Plan, fail, page, plan
from sandbox.exchange.faults import Family, Target, family_of
from sandbox.exchange.private_api import answer
from sandbox.exchange.private_call import PrivateEndpoint
from sandbox.exchange.public_api import Call, Endpoint
from sandbox.exchange.query import Query
from sandbox.exchange.signing import SIGNED, SIGNED_OPTIONAL, check_signature, check_time, find_account

log = logging.getLogger(__name__)

_SYMBOL = re.compile(r"[A-Z0-9]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request as it was sent: the raw query and body are what a signature is made over."""

    method: str
    path: str
    raw_query: str
    raw_body: str
    key: str | None

    @property
    def sent(self) -> MultiDict[str]:
        """Read the parameters of query and body."""
        pairs = [*parse_qsl(self.raw_query, keep_blank_values=True), *parse_qsl(self.raw_body, keep_blank_values=True)]
        return MultiDict(pairs)


class Door:
    """Take every request to the endpoints of a table: faults first, then the limits, then the answer."""

    def __init__(self, exchange: Exchange, public: Sequence[Endpoint], private: Sequence[PrivateEndpoint]) -> None:
        self._exchange = exchange
        self._public = {endpoint.path: endpoint for endpoint in public}
        self._private = {(endpoint.method, endpoint.path): endpoint for endpoint in private}
        self._private_paths = {endpoint.path for endpoint in private}
        self._late: set[asyncio.Task[web.StreamResponse]] = set()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer a request, or fail it in the way that was asked for."""
        asked = Asked(
            method=request.method,
            path=request.match_info["path"],
            raw_query=request.raw_path.partition("?")[2],
            raw_body=(await request.read()).decode("utf-8", "replace"),
            key=request.headers.get("X-MBX-APIKEY"),
        )
        exchange = self._exchange
        if asked.path in self._private_paths:
            exchange.writes.note(asked.method, asked.path, asked.sent, exchange.market.now())
        doom = plan(exchange.faults.strike(self._target(asked), exchange.market.now()))
        if not doom.late_by:
            return await self._carry_out(request, asked, doom)
        # Whoever hangs up while the exchange is slow does not call the request back.
        late = asyncio.create_task(self._carry_out_late(request, asked, doom))
        self._late.add(late)
        late.add_done_callback(self._late.discard)
        return await asyncio.shield(late)

    def close(self) -> None:
        """Drop the requests that are still to take effect."""
        for late in self._late:
            late.cancel()

    async def _carry_out_late(self, request: web.Request, asked: Asked, doom: Plan) -> web.StreamResponse:
        await asyncio.sleep(doom.late_by)
        return await self._carry_out(request, asked, doom)

    async def _carry_out(self, request: web.Request, asked: Asked, doom: Plan) -> web.StreamResponse:
        if doom.before is not None:
            return await fail(request, doom.before, None)
        response = self._respond(asked, doom)
        self._exchange.keep()
        await asyncio.sleep(doom.told_late_by)
        return response if doom.after is None else await fail(request, doom.after, response)

    def _respond(self, asked: Asked, doom: Plan) -> web.Response:
        headers: dict[str, str] = {}
        try:
            return _json(self._answer(asked, doom, headers), HTTPStatus.OK, headers)
        except ApiRefusal as refusal:
            if refusal.retry_after is not None:
                headers["Retry-After"] = str(refusal.retry_after)
            return _json(refusal.body, refusal.status, headers)
        except web.HTTPException as error:
            return page(HTTPStatus(error.status))
        except Exception:
            log.exception("exchange.request_failed method=%s path=%s", asked.method, asked.path)
            body = {"code": -1000, "msg": "An unknown error occurred while processing the request."}
            return _json(body, HTTPStatus.INTERNAL_SERVER_ERROR, headers)

    def _answer(self, asked: Asked, doom: Plan, headers: dict[str, str]) -> Any:
        private = self._private.get((asked.method, asked.path))
        if private is not None:
            return self._answer_signed(private, asked, doom, headers)
        endpoint = self._public.get(asked.path)
        if endpoint is None and asked.path not in self._private_paths:
            raise web.HTTPNotFound
        if endpoint is None or asked.method != "GET":
            raise web.HTTPMethodNotAllowed(asked.method, [])
        query = Query(asked.sent, mandatory=endpoint.mandatory, optional=endpoint.optional)
        self._charge(endpoint.weight(query), headers)
        return endpoint.answer(
            Call(
                market=self._exchange.market,
                query=query,
                seen_at=None if doom.stale is None else doom.stale.since,
                skew=doom.skew,
            )
        )

    def _answer_signed(self, endpoint: PrivateEndpoint, asked: Asked, doom: Plan, headers: dict[str, str]) -> Any:
        exchange = self._exchange
        account = find_account(asked.key, exchange.engine.accounts.values())
        mandatory = (*endpoint.mandatory, *SIGNED)
        query = Query(asked.sent, mandatory=mandatory, optional=(*endpoint.optional, *SIGNED_OPTIONAL))
        self._charge(endpoint.weight(query), headers)
        check_time(query, exchange.market.now() + doom.skew)
        check_signature(account.secret, (asked.raw_query, asked.raw_body))
        try:
            return answer(exchange, endpoint, account, query, exchange.seen(account, doom.stale))
        finally:
            if endpoint.orders:
                headers.update(exchange.counts.headers(account.name, exchange.market.now()))

    def _target(self, asked: Asked) -> Target:
        sent = asked.sent
        family = family_of(asked.method) if asked.path in self._private_paths else Family.PUBLIC
        named = _SYMBOL.findall(sent.get("symbol", "") + " " + sent.get("symbols", ""))
        return Target(family=family, path=asked.path, method=asked.method, symbols=tuple(named))

    def _charge(self, weight: int, headers: dict[str, str]) -> None:
        """Count the weight and note it in the headers; raises the refusal of a client that is over its limit."""
        weights = self._exchange.weights
        try:
            weights.charge(weight, self._exchange.market.now())
        finally:
            headers["X-MBX-USED-WEIGHT"] = headers["X-MBX-USED-WEIGHT-1M"] = str(weights.used)


def _json(body: Any, status: HTTPStatus, headers: dict[str, str]) -> web.Response:
    text = json.dumps(body, separators=(",", ":"))
    return web.Response(text=text, status=status, headers=headers, content_type="application/json")
