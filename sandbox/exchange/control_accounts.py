"""The operator's side of the accounts, under /market/accounts: open them, pay in, trade by hand, and read the truth."""

from dataclasses import replace
from decimal import Decimal, InvalidOperation
from typing import Any

from aiohttp import web

from sandbox.exchange.accounts import Account, AccountRefused, Terms
from sandbox.exchange.amounts import ZERO, text
from sandbox.exchange.books import made_up_id
from sandbox.exchange.control import RequestRefused, read_body
from sandbox.exchange.errors import ApiRefusal
from sandbox.exchange.exchange import Exchange
from sandbox.exchange.keys import DEFAULT_BALANCES, new_key
from sandbox.exchange.liquidity import Part
from sandbox.exchange.order_payloads import account_payload, list_payload, order_payload, trade_row
from sandbox.exchange.orders import Order, OrderType, Side, Ticket, TimeInForce

_TERMS = {"maker", "taker", "discounted", "can_trade", "revoked"}


def add_account_routes(app: web.Application, exchange: Exchange) -> None:
    """Add the calls about accounts to the operator's application."""
    desk = AccountDesk(exchange)
    app.router.add_get("/accounts", desk.list_accounts)
    app.router.add_post("/accounts", desk.open_account)
    app.router.add_get("/accounts/{name}", desk.show)
    app.router.add_post("/accounts/{name}/terms", desk.change_terms)
    app.router.add_post("/accounts/{name}/transfer", desk.transfer)
    app.router.add_post("/accounts/{name}/order", desk.place)
    app.router.add_post("/accounts/{name}/cancel", desk.cancel)
    app.router.add_post("/accounts/{name}/fill", desk.fill)
    app.router.add_post("/accounts/{name}/hide", desk.hide)
    app.router.add_get("/writes", desk.list_writes)
    app.router.add_post("/liquidity", desk.limit_liquidity)
    app.router.add_post("/limits", desk.switch_limits)


class AccountDesk:
    """Answer the operator about accounts."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    async def list_accounts(self, request: web.Request) -> web.Response:
        """List the accounts by name, without their secrets."""
        self._exchange.engine.advance()
        return web.json_response({"accounts": [_summary(each) for each in self._exchange.engine.accounts.values()]})

    async def open_account(self, request: web.Request) -> web.Response:
        """Open an account: `{"name", "balances", "maker", ...}`; the answer is the only one that gives the secret."""
        body = await read_body(request)
        terms = {key: value for key, value in body.items() if key in _TERMS}
        _known(body, {"name", "balances", *_TERMS})
        balances = body.get("balances")
        if balances is not None and not isinstance(balances, dict):
            raise RequestRefused('balances is an object like {"USDT": "10000"}')
        account = self._exchange.engine.open_account(
            name=_text(body, "name"),
            key=new_key(),
            secret=new_key(),
            balances=DEFAULT_BALANCES if balances is None else {asset: _amount(balances, asset) for asset in balances},
            terms=_terms(Terms(), terms),
        )
        return web.json_response(_summary(account) | {"secret": account.secret})

    async def show(self, request: web.Request) -> web.Response:
        """Give the truth about an account: balances, orders, lists and trades, also those that reads do not show."""
        account = self._account(request)
        self._exchange.engine.advance()
        return web.json_response(_truth(account))

    async def change_terms(self, request: web.Request) -> web.Response:
        """Change what trading costs and what the key may do."""
        account, body = self._account(request), await read_body(request)
        _known(body, _TERMS)
        account.terms = _terms(account.terms, body)
        return web.json_response(_summary(account))

    async def transfer(self, request: web.Request) -> web.Response:
        """Pay in or, with a negative amount, out: `{"asset": "BTC", "amount": "0.5"}`."""
        account, body = self._account(request), await read_body(request)
        _known(body, {"asset", "amount"})
        self._exchange.engine.advance()
        at = self._exchange.market.now()
        self._exchange.engine.books.transfer(account, _text(body, "asset"), _amount(body, "amount"), at)
        return web.json_response(_summary(account))

    async def place(self, request: web.Request) -> web.Response:
        """Place an order as the owner would by hand, elsewhere: `{"symbol", "side", "quantity"}`, with a price a limit."""
        account, body = self._account(request), await read_body(request)
        _known(body, {"symbol", "side", "quantity", "price", "client_id"})
        price = _amount(body, "price") if "price" in body else ZERO
        if body.get("side") not in list(Side):
            raise RequestRefused("side is BUY or SELL")
        ticket = Ticket(
            symbol=_text(body, "symbol"),
            side=Side(body["side"]),
            type=OrderType.LIMIT if price else OrderType.MARKET,
            client_id=_text(body, "client_id") if "client_id" in body else self._own_id(),
            time_in_force=TimeInForce.GTC,
            quantity=_amount(body, "quantity"),
            price=price,
        )
        try:
            placed = self._exchange.engine.place(account, ticket)
        except ApiRefusal as refusal:
            raise RequestRefused(f"the exchange refused: {refusal.message} ({refusal.code})") from refusal
        return web.json_response(order_payload(placed.order))

    async def cancel(self, request: web.Request) -> web.Response:
        """Cancel an order as the owner would by hand: `{"order": id}`."""
        account, body = self._account(request), await read_body(request)
        _known(body, {"order"})
        try:
            order = self._exchange.engine.cancel(account, _order(account, body), self._own_id())
        except ApiRefusal as refusal:
            raise RequestRefused(f"the exchange refused: {refusal.message} ({refusal.code})") from refusal
        return web.json_response(order_payload(order))

    async def fill(self, request: web.Request) -> web.Response:
        """Let somebody trade with an order: `{"order": id, "quantity": "0.1", "price": "..."}`, the rest at its price."""
        account, body = self._account(request), await read_body(request)
        _known(body, {"order", "quantity", "price"})
        order = _order(account, body)
        price = _amount(body, "price") if "price" in body else order.ticket.price or order.ticket.stop_price
        quantity = _amount(body, "quantity") if "quantity" in body else order.remaining
        filled = self._exchange.engine.fill_by_hand(account, order, Part(price=price, quantity=quantity))
        return web.json_response(order_payload(filled))

    async def hide(self, request: web.Request) -> web.Response:
        """Leave orders and trades out of what the owner reads: `{"orders": [id], "trades": [id]}`, empty for none."""
        account, body = self._account(request), await read_body(request)
        _known(body, {"orders", "trades"})
        orders, trades = (_numbers(body, key) for key in ("orders", "trades"))
        account.hidden_orders, account.hidden_executions = orders, trades
        return web.json_response({"orders": sorted(orders), "trades": sorted(trades)})

    async def list_writes(self, request: web.Request) -> web.Response:
        """List every write that has arrived, and count them by client id."""
        log = self._exchange.writes
        rows = [
            {"at": each.at, "method": each.method, "path": each.path, "client_ids": list(each.client_ids)}
            for each in log.writes
        ]
        return web.json_response({"writes": rows, "by_client_id": dict(log.by_client_id())})

    async def limit_liquidity(self, request: web.Request) -> web.Response:
        """Let all accounts together take at most so much of a symbol in one step: `{"symbol", "most"}`, null for no limit."""
        body = await read_body(request)
        _known(body, {"symbol", "most"})
        symbol, most = _text(body, "symbol"), self._exchange.engine.liquidity.most
        if symbol not in self._exchange.engine.instruments:
            raise RequestRefused(f"{symbol} is not traded here")
        if body.get("most") is None:
            most.pop(symbol, None)
        else:
            most[symbol] = _amount(body, "most")
        return web.json_response({"most": {name: text(amount) for name, amount in most.items()}})

    async def switch_limits(self, request: web.Request) -> web.Response:
        """Enforce the limits on weight and on orders, or only count: `{"enforced": false}`."""
        body = await read_body(request)
        _known(body, {"enforced"})
        enforced = body.get("enforced")
        if not isinstance(enforced, bool):
            raise RequestRefused("enforced is true or false")
        self._exchange.weights.enforced = self._exchange.counts.enforced = enforced
        return web.json_response({"enforced": enforced})

    def _own_id(self) -> str:
        """Make up a client id as the exchange's own pages do."""
        return f"web_{made_up_id(f'{self._exchange.engine.books.counters.order} {self._exchange.market.now()}')}"

    def _account(self, request: web.Request) -> Account:
        name = request.match_info["name"]
        account = self._exchange.engine.accounts.get(name)
        if account is None:
            known = ", ".join(self._exchange.engine.accounts) or "none"
            raise AccountRefused(f"there is no account '{name}'; there are: {known}")
        return account


def _summary(account: Account) -> dict[str, Any]:
    return {
        "name": account.name,
        "key": account.key,
        "balances": {
            asset: {"free": text(held.free), "locked": text(held.locked)} for asset, held in sorted(account.balances.items())
        },
        "open_orders": len(account.open_ids),
        "maker": str(account.terms.maker),
        "taker": str(account.terms.taker),
        "discounted": account.terms.discounted,
        "can_trade": account.terms.can_trade,
        "revoked": account.terms.revoked,
    }


def _truth(account: Account) -> dict[str, Any]:
    lists = [
        list_payload(each, [account.orders[number] for number in each.order_ids], each.created_at)
        for each in account.lists.values()
    ]
    return {
        "name": account.name,
        "account": account_payload(account, omit_zero=False),
        "orders": [order_payload(each) for each in account.orders.values()],
        "lists": lists,
        "trades": [trade_row(each) for each in account.executions],
        "hidden": {"orders": sorted(account.hidden_orders), "trades": sorted(account.hidden_executions)},
    }


def _terms(terms: Terms, changes: dict[str, Any]) -> Terms:
    found: dict[str, Any] = {}
    for key, value in changes.items():
        if key in ("maker", "taker"):
            found[key] = _amount(changes, key)
        elif isinstance(value, bool):
            found[key] = value
        else:
            raise RequestRefused(f"{key} is true or false")
    return replace(terms, **found)


def _order(account: Account, body: dict[str, Any]) -> Order:
    number = body.get("order")
    if not isinstance(number, int) or number not in account.orders:
        raise RequestRefused(f"{account.name} has no order {number}")
    return account.orders[number]


def _known(body: dict[str, Any], keys: set[str]) -> None:
    unknown = set(body) - keys
    if unknown:
        raise RequestRefused(f"unknown keys {', '.join(sorted(unknown))}; there are {', '.join(sorted(keys))}")


def _text(body: dict[str, Any], key: str) -> str:
    value = body.get(key)
    if not isinstance(value, str) or not value:
        raise RequestRefused(f"{key} is a text")
    return value


def _amount(body: dict[str, Any], key: str) -> Decimal:
    """Read an amount, best sent as text: a number has gone through binary floating point."""
    value = body.get(key)
    try:
        amount = None if isinstance(value, bool) or value is None else Decimal(str(value))
    except InvalidOperation:
        amount = None
    if amount is None or not amount.is_finite():
        raise RequestRefused(f"{key} is {value!r}, expected an amount")
    return amount


def _numbers(body: dict[str, Any], key: str) -> set[int]:
    value = body.get(key, [])
    if not isinstance(value, list) or not all(isinstance(each, int) for each in value):
        raise RequestRefused(f"{key} is a list of ids")
    return set(value)
