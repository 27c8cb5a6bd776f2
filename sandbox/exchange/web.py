"""Where the exchange is mounted: its API under /exchange and at the root, and what plays it under /market."""

from aiohttp import web

from sandbox.exchange.control import control_app
from sandbox.exchange.control_accounts import add_account_routes
from sandbox.exchange.door import Door
from sandbox.exchange.exchange import Exchange

_REST = ("/exchange/api/v3", "/api/v3")


def setup(app: web.Application, exchange: Exchange) -> None:
    """Serve an exchange in an application; call it before the application starts."""
    door = Door(exchange)
    for path in _REST:
        api = web.Application()
        api.router.add_route("*", "/{path:.*}", door.handle)
        app.add_subapp(path, api)
    control = control_app(exchange.market, exchange.faults)
    add_account_routes(control, exchange)
    app.add_subapp("/market", control)
