"""ccxt with the exchange's real host names, which here lead to loopback: its errors depend on the names."""

import asyncio
import datetime
import ipaddress
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import ccxt.pro as ccxtpro
import pytest
from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.test_utils import TestServer
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from sandbox.exchange.accounts import Account
from sandbox.exchange.exchange import Exchange
from sandbox.exchange.web import setup
from tests.sandbox_exchange.stand import HandClock, running
from tests.sandbox_exchange.traders import open_account

PAIR = "BTC/USDT"
HOSTS = ("api.binance.com", "stream.binance.com", "ws-api.binance.com")


class OnlyLoopback(AbstractResolver):
    """Lead the exchange's hosts to a port of loopback, and no other host anywhere."""

    def __init__(self, port: int) -> None:
        self._port = port

    async def resolve(self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET) -> list[ResolveResult]:
        assert host in HOSTS, f"{host} was asked for"
        return [ResolveResult(hostname=host, host="127.0.0.1", port=self._port, family=socket.AF_INET, proto=0, flags=0)]

    async def close(self) -> None:
        """Hold nothing."""


def certificate(folder: Path) -> tuple[Path, Path]:
    """Make a certificate for the hosts, signed by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "loopback")])
    now = datetime.datetime.now(datetime.UTC)
    names = [*(x509.DNSName(host) for host in HOSTS), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    chain, secret = folder / "chain.pem", folder / "key.pem"
    chain.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    secret.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return chain, secret


@asynccontextmanager
async def real_hosts(folder: Path) -> AsyncIterator[tuple[Exchange, Account, ccxtpro.binance]]:
    """Serve an exchange behind TLS, and open a client that knows nothing of it."""
    clock = HandClock()
    clock.forward(5)
    exchange = Exchange(running(600, clock=clock))
    account = open_account(exchange)
    app = web.Application()
    setup(app, exchange)
    chain, secret = certificate(folder)
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(chain, secret)
    trusting = ssl.create_default_context(cafile=str(chain))
    server = TestServer(app, host="127.0.0.1", scheme="https")
    await server.start_server(ssl=serving)
    assert server.port is not None
    connector = aiohttp.TCPConnector(resolver=OnlyLoopback(server.port), ssl=trusting)
    session = aiohttp.ClientSession(connector=connector)
    client = ccxtpro.binance(
        {
            "apiKey": account.key,
            "secret": account.secret,
            "enableRateLimit": False,
            "session": session,
            "options": {"fetchMarkets": {"types": ["spot"]}, "createOrder": {"quoteOrderQty": False}, "fetchMargins": False},
        }
    )
    client.milliseconds = exchange.market.now
    try:
        yield exchange, account, client
    finally:
        await client.close()
        await session.close()
        await server.close()


async def test_errors_have_the_classes_of_the_real_exchange(tmp_path: Path) -> None:
    async with real_hosts(tmp_path) as (exchange, account, client):
        await client.load_markets()
        last = float(exchange.engine.moment("BTCUSDT").last)
        refused = [
            (ccxtpro.InsufficientFunds, client.create_order(PAIR, "market", "buy", 9)),
            (ccxtpro.OrderImmediatelyFillable, client.create_order(PAIR, "limit", "sell", 0.1, last * 0.9, {"postOnly": True})),
            (
                ccxtpro.OrderImmediatelyFillable,
                client.create_order(PAIR, "market", "buy", 0.1, None, {"stopLossPrice": last * 0.9}),
            ),
            (ccxtpro.OrderNotFound, client.cancel_order("77", PAIR)),
            (ccxtpro.OrderNotFound, client.fetch_order("77", PAIR)),
            (ccxtpro.BadRequest, client.create_order(PAIR, "limit", "buy", 0.00001, last)),
            (ccxtpro.InvalidOrder, client.create_order(PAIR, "limit", "buy", 0.1, last * 0.1)),
            (ccxtpro.BadSymbol, client.public_get_depth({"symbol": "NOPEUSDT"})),
        ]
        for error, asking in refused:
            with pytest.raises(error):
                await asking
        exchange.counts.add(account.name, 100, exchange.market.now())
        with pytest.raises(ccxtpro.DDoSProtection):
            await client.create_order(PAIR, "limit", "buy", 0.1, last * 0.9)


async def test_orders_and_events_pass_under_the_real_names(tmp_path: Path) -> None:
    async with real_hosts(tmp_path) as (_exchange, _account, client):
        markets = await client.load_markets()
        quote = (await asyncio.wait_for(client.watch_bids_asks([PAIR]), 40))[PAIR]
        told = asyncio.ensure_future(client.watch_orders())
        while not told.done():
            await client.create_order(PAIR, "market", "buy", 0.01)
            await asyncio.wait([told], timeout=0.1)
        fees = await client.fetch_trading_fees()

    assert set(markets) == {"BTC/USDT", "ETH/USDT", "BNB/USDT", "LTC/USDT"} and client.currencies["BTC"]["code"] == "BTC"
    assert 0 < quote["bid"] < quote["ask"]
    assert told.result()[-1]["side"] == "buy" and fees[PAIR]["taker"] == 0.001
