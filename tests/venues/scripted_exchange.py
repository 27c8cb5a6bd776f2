"""A Binance spot server of a few lines on loopback whose answers, and ways of failing, the test writes down."""

from __future__ import annotations

import asyncio
import json
import secrets
import ssl
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from urllib.parse import parse_qsl, urlsplit

FILTERS = [
    {"filterType": "PRICE_FILTER", "minPrice": "0.01", "maxPrice": "1000000.00", "tickSize": "0.01"},
    {"filterType": "LOT_SIZE", "minQty": "0.00100000", "maxQty": "9000.0", "stepSize": "0.00100000"},
    {"filterType": "NOTIONAL", "minNotional": "5.00000000"},
]
TYPES = ["LIMIT", "LIMIT_MAKER", "MARKET", "STOP_LOSS", "STOP_LOSS_LIMIT", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT"]
NOT_FOUND = {"code": -2013, "msg": "Order does not exist."}


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One request: its path under the API, and its parameters from query and form together."""

    method: str
    path: str
    params: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A reply; ``promise`` is a length that the body does not keep, after which the connection ends."""

    status: int = 200
    body: str = "{}"
    headers: Mapping[str, str] = field(default_factory=dict)
    promise: int | None = None


class Reset:
    """No reply at all: the connection is reset."""


class Silence:
    """No reply at all: the connection stays open."""


Reply = Answer | Reset | Silence
Script = Callable[[Asked], Reply]


def answer(payload: object, status: int = 200, **headers: str) -> Answer:
    return Answer(status=status, body=json.dumps(payload), headers={k.replace("_", "-"): v for k, v in headers.items()})


def taken(asked: Asked, **changes: object) -> dict[str, object]:
    """Write the order that a request puts, as the exchange acknowledges it."""
    order: dict[str, object] = {
        "symbol": asked.params["symbol"],
        "orderId": 4711,
        "orderListId": -1,
        "clientOrderId": asked.params.get("newClientOrderId") or asked.params.get("origClientOrderId"),
        "transactTime": 1772443800000,
        "price": asked.params.get("price", "0.00000000"),
        "origQty": asked.params.get("quantity", "1.00000000"),
        "executedQty": "0.00000000",
        "cummulativeQuoteQty": "0.00000000",
        "status": "NEW",
        "timeInForce": "GTC",
        "type": asked.params.get("type", "LIMIT"),
        "side": asked.params.get("side", "BUY"),
        "stopPrice": asked.params.get("stopPrice", "0.00000000"),
        "time": 1772443800000,
        "updateTime": 1772443800000,
    }
    return order | changes


class ScriptedExchange:
    """Answers time and exchangeInfo itself, and everything else as ``script`` says; keeps what it was asked."""

    def __init__(self, script: Script, types: Sequence[str] = TYPES) -> None:
        self.script = script
        self.types = types
        self.tick = "0.01"
        self.asked: list[Asked] = []
        self.port = 0
        self._waiting: list[asyncio.Task[None]] = []

    @property
    def writes(self) -> list[Asked]:
        return [each for each in self.asked if each.method != "GET"]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await self._serve_one(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
            pass
        finally:
            writer.close()

    async def _serve_one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        method, target, _ = head[0].split(" ")
        lengths = [int(line.split(":")[1]) for line in head if line.lower().startswith("content-length:")]
        form = (await reader.readexactly(lengths[0])).decode() if lengths else ""
        parts = urlsplit(target)
        params = dict(parse_qsl(parts.query) + parse_qsl(form))
        asked = Asked(method=method, path=parts.path.partition("/api/v3/")[2], params=params)
        reply = self._reply(asked)
        if isinstance(reply, Silence):
            await asyncio.Event().wait()
        if not isinstance(reply, Answer):
            writer.transport.abort()
            return False
        body = reply.body.encode()
        lines = [f"HTTP/1.1 {reply.status} {HTTPStatus(reply.status).phrase if reply.status in _KNOWN else 'Odd'}"]
        lines += ["content-type: application/json", f"content-length: {reply.promise or len(body)}"]
        lines += [f"{name}: {value}" for name, value in reply.headers.items()]
        writer.write("\r\n".join([*lines, "", ""]).encode() + body)
        await writer.drain()
        return reply.promise is None

    def _reply(self, asked: Asked) -> Reply:
        if asked.path == "time":
            return answer({"serverTime": int(datetime.now(UTC).timestamp() * 1000)})
        if asked.path == "exchangeInfo":
            return answer({"timezone": "UTC", "rateLimits": [], "symbols": [_listed("BTC", self.types, self.tick)]})
        self.asked.append(asked)
        return self.script(asked)


_KNOWN = {status.value for status in HTTPStatus}


def _listed(base: str, types: Sequence[str], tick: str) -> dict[str, object]:
    return {
        "symbol": f"{base}USDT",
        "status": "TRADING",
        "baseAsset": base,
        "quoteAsset": "USDT",
        "orderTypes": list(types),
        "isSpotTradingAllowed": True,
        "permissions": ["SPOT"],
        "filters": [FILTERS[0] | {"tickSize": tick}, *FILTERS[1:]],
    }


@asynccontextmanager
async def scripted(
    script: Script, context: ssl.SSLContext | None = None, types: Sequence[str] = TYPES
) -> AsyncIterator[ScriptedExchange]:
    """Serve on a free port of loopback, with TLS where a context is given."""
    exchange = ScriptedExchange(script, types)
    tasks: set[asyncio.Task[None]] = set()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            await exchange.serve(reader, writer)
        except asyncio.CancelledError:
            writer.transport.abort()
        finally:
            tasks.discard(task)

    server = await asyncio.start_server(accept, "127.0.0.1", 0, ssl=context)
    exchange.port = server.sockets[0].getsockname()[1]
    try:
        yield exchange
    finally:
        server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def certificate_for(host: str) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Make a certificate of a host up; return the server's context and a client's that trusts it alone."""
    import tempfile
    from pathlib import Path

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, host)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    public = certificate.public_bytes(serialization.Encoding.PEM)
    form = serialization.PrivateFormat.PKCS8
    private = key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / secrets.token_hex(4)
        file.write_bytes(private + public)
        server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        server.load_cert_chain(file)
    return server, ssl.create_default_context(cadata=public.decode())
