"""Where the exchange is mounted: REST, streams and WebSocket API under /exchange and at the root, /market beside them."""

from functools import partial

from aiohttp import web

from sandbox.exchange.control import control_app
from sandbox.exchange.control_accounts import add_account_routes
from sandbox.exchange.door import Door
from sandbox.exchange.exchange import Exchange
from sandbox.exchange.private_api import PRIVATE_ENDPOINTS
from sandbox.exchange.public_api import ENDPOINTS
from sandbox.exchange.pump import add_pump
from sandbox.exchange.wallet_api import WALLET_ENDPOINTS
from sandbox.exchange.ws_api import WebSocketApi
from sandbox.exchange.ws_market import MarketStreams
from sandbox.exchange.ws_wire import Wire

_ROOTS = ("/exchange", "")


def setup(app: web.Application, exchange: Exchange) -> None:
    """Serve an exchange in an application; call it before the application starts."""
    wires: set[Wire] = set()
    streams, websocket_api = MarketStreams(exchange, wires), WebSocketApi(exchange, wires)
    doors = {"/api/v3": Door(exchange, ENDPOINTS, PRIVATE_ENDPOINTS), "/sapi/v1": Door(exchange, (), WALLET_ENDPOINTS)}
    for root in _ROOTS:
        for path, door in doors.items():
            rest = web.Application()
            rest.router.add_route("*", "/{path:.*}", door.handle)
            rest.on_shutdown.append(partial(_close, door))
            app.add_subapp(f"{root}{path}", rest)
        app.router.add_get(f"{root}/ws-api/v3", websocket_api.handle)
        for path in ("/ws", "/stream"):
            app.router.add_get(f"{root}{path}", streams.handle)
            app.router.add_get(f"{root}{path}/{{tail:.*}}", streams.handle)
    control = control_app(exchange)
    add_account_routes(control, exchange)
    control.router.add_post("/disconnect", partial(_disconnect, wires))
    app.add_subapp("/market", control)
    add_pump(app, (exchange.engine.advance, streams.tick, websocket_api.tick, exchange.keep), wires)


async def _close(door: Door, _: web.Application) -> None:
    door.close()


async def _disconnect(wires: set[Wire], request: web.Request) -> web.Response:
    """Cut every WebSocket connection, as a broken line does."""
    connected = list(wires)
    for wire in connected:
        wire.cut()
    return web.json_response({"connections": len(connected)})
