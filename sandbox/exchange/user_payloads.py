"""Write what an account's owner is told in the form of Binance's user data stream."""

from sandbox.exchange.amounts import ZERO, text
from sandbox.exchange.payloads import Payload
from sandbox.exchange.user_events import BalancesChanged, ListChanged, Report, Transferred, UserEvent


def event_payload(event: UserEvent, at: int) -> Payload:
    """Write an event that is sent at a time in milliseconds."""
    match event:
        case Report():
            return _report(event, at)
        case BalancesChanged(balances=balances):
            rows = [{"a": asset, "f": text(held.free), "l": text(held.locked)} for asset, held in balances]
            return {"e": "outboundAccountPosition", "E": at, "u": event.at, "B": rows}
        case Transferred():
            return {"e": "balanceUpdate", "E": at, "a": event.asset, "d": text(event.delta), "T": event.at}
        case ListChanged():
            return _list(event, at)


def _report(event: Report, at: int) -> Payload:
    order, ticket, execution = event.order, event.order.ticket, event.execution
    client_id = ticket.client_id if event.cancel_id is None else event.cancel_id
    payload: Payload = {
        "e": "executionReport",
        "E": at,
        "s": ticket.symbol,
        "c": client_id,
        "S": ticket.side.value,
        "o": ticket.type.value,
        "f": ticket.time_in_force.value,
        "q": text(order.quantity),
        "p": text(ticket.price),
        "P": text(ticket.stop_price),
        "F": text(ticket.iceberg),
        "g": order.list_id,
        "C": "" if event.cancel_id is None else ticket.client_id,
        "x": event.kind.value,
        "X": order.status.value,
        "r": "NONE",
        "i": order.id,
        "l": text(execution.quantity if execution else ZERO),
        "z": text(order.executed),
        "L": text(execution.price if execution else ZERO),
        "n": text(execution.commission) if execution else "0",
        "N": execution.commission_asset if execution else None,
        "T": event.at,
        "t": execution.id if execution else -1,
        "v": 0,
        "I": order.id,
        "w": order.working,
        "m": execution.maker if execution else False,
        "M": execution is not None,
        "O": order.created_at,
        "Z": text(order.quote),
        "Y": text(execution.quote if execution else ZERO),
        "Q": text(ticket.quote_quantity),
        "V": "NONE",
    }
    optional = {"W": order.working_at, "j": ticket.strategy_id, "J": ticket.strategy_type}
    return payload | {key: value for key, value in optional.items() if value is not None}


def _list(event: ListChanged, at: int) -> Payload:
    order_list = event.order_list
    return {
        "e": "listStatus",
        "E": at,
        "s": order_list.symbol,
        "g": order_list.id,
        "c": order_list.contingency.value,
        "l": order_list.status.value,
        "L": order_list.order_status,
        "r": "NONE",
        "C": order_list.client_id,
        "T": event.at,
        "O": [{"s": each.ticket.symbol, "i": each.id, "c": each.ticket.client_id} for each in event.orders],
    }
