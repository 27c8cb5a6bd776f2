"""Accounts and what is in them as rows of JSON, and back."""

from dataclasses import asdict
from decimal import Decimal
from typing import Any

from sandbox.exchange.accounts import Account, Terms
from sandbox.exchange.orders import (
    Balance,
    Contingency,
    Execution,
    ListStatus,
    Order,
    OrderList,
    OrderType,
    Side,
    Status,
    Ticket,
    TimeInForce,
)

Row = dict[str, Any]
_TICKET_AMOUNTS = ("quantity", "quote_quantity", "price", "stop_price", "iceberg")
_EXECUTION_AMOUNTS = ("price", "quantity", "quote", "commission")


def account_row(account: Account) -> Row:
    """Write what an account is, without its orders, lists and executions."""
    return {
        "name": account.name,
        "number": account.number,
        "key": account.key,
        "secret": account.secret,
        "terms": asdict(account.terms),
        "balances": {asset: [held.free, held.locked] for asset, held in account.balances.items()},
        "holds": [[kind, number, asset, amount] for (kind, number), (asset, amount) in account.holds.items()],
        "hidden_orders": sorted(account.hidden_orders),
        "hidden_executions": sorted(account.hidden_executions),
        "updated_at": account.updated_at,
    }


def account_from(row: Row) -> Account:
    """Read an account that has no orders yet."""
    terms = row["terms"]
    return Account(
        name=row["name"],
        number=row["number"],
        key=row["key"],
        secret=row["secret"],
        terms=Terms(**(terms | {"maker": Decimal(terms["maker"]), "taker": Decimal(terms["taker"])})),
        balances={
            asset: Balance(free=Decimal(free), locked=Decimal(locked)) for asset, (free, locked) in row["balances"].items()
        },
        holds={(kind, number): (asset, Decimal(amount)) for kind, number, asset, amount in row["holds"]},
        hidden_orders=set(row["hidden_orders"]),
        hidden_executions=set(row["hidden_executions"]),
        updated_at=row["updated_at"],
    )


def order_from(row: Row) -> Order:
    """Read an order."""
    ticket = row["ticket"]
    amounts = {name: Decimal(ticket[name]) for name in _TICKET_AMOUNTS}
    words = {
        "side": Side(ticket["side"]),
        "type": OrderType(ticket["type"]),
        "time_in_force": TimeInForce(ticket["time_in_force"]),
    }
    own = {name: Decimal(row[name]) for name in ("quantity", "executed", "quote")}
    return Order(**(row | own | {"ticket": Ticket(**(ticket | amounts | words)), "status": Status(row["status"])}))


def list_from(row: Row) -> OrderList:
    """Read an order list."""
    words = {"contingency": Contingency(row["contingency"]), "status": ListStatus(row["status"])}
    return OrderList(**(row | words | {"order_ids": tuple(row["order_ids"])}))


def execution_from(row: Row) -> Execution:
    """Read an execution."""
    return Execution(**(row | {name: Decimal(row[name]) for name in _EXECUTION_AMOUNTS}))
