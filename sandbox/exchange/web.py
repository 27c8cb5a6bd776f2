"""Where the exchange is mounted: REST, streams and WebSocket API under /exchange and at the root, /market beside them."""

from functools import partial

from aiohttp import web

from sandbox.exchange.control import control_app
from sandbox.exchange.control_accounts import add_account_routes
from sandbox.exchange.door import Door
from sandbox.exchange.exchange import Exchange
from sandbox.exchange.pump import add_pump
from sandbox.exchange.ws_api import WebSocketApi
from sandbox.exchange.ws_market import MarketStreams
from sandbox.exchange.ws_wire import Wire

_ROOTS = ("/exchange", "")


def setup(app: web.Application, exchange: Exchange) -> None:
    """Serve an exchange in an application; call it before the application starts."""
    wires: set[Wire] = set()
    door, streams, websocket_api = Door(exchange), MarketStreams(exchange, wires), WebSocketApi(exchange, wires)
    for root in _ROOTS:
        api = web.Application()
        api.router.add_route("*", "/{path:.*}", door.handle)
        app.add_subapp(f"{root}/api/v3", api)
        app.router.add_get(f"{root}/ws-api/v3", websocket_api.handle)
        for path in ("/ws", "/stream"):
            app.router.add_get(f"{root}{path}", streams.handle)
            app.router.add_get(f"{root}{path}/{{tail:.*}}", streams.handle)
    control = control_app(exchange)
    add_account_routes(control, exchange)
    control.router.add_post("/disconnect", partial(_disconnect, wires))
    app.add_subapp("/market", control)
    add_pump(app, (exchange.engine.advance, streams.tick, websocket_api.tick, exchange.keep), wires)


async def _disconnect(wires: set[Wire], request: web.Request) -> web.Response:
    """Cut every WebSocket connection, as a broken line does."""
    connected = list(wires)
    for wire in connected:
        wire.cut()
    return web.json_response({"connections": len(connected)})
