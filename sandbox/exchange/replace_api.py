"""Cancel an order and place another in one request, either of which may fail."""

from http import HTTPStatus
from typing import Any

from sandbox.exchange.errors import ApiRefusal
from sandbox.exchange.order_api import ORDER_FIELDS, check_restriction, placed_payload
from sandbox.exchange.order_payloads import cancelled_payload
from sandbox.exchange.payloads import Payload
from sandbox.exchange.private_call import PrivateCall, PrivateEndpoint, weigh
from sandbox.exchange.tickets import SINGLE, read_ticket

_STOP, _GO_ON = "STOP_ON_FAILURE", "ALLOW_FAILURE"


def cancel_replace(call: PrivateCall) -> Any:
    """Cancel and place; half a success is 409 with code -2021, none is 400 with code -2022."""
    mode = call.query.choice("cancelReplaceMode", (_STOP, _GO_ON), "")
    ticket = read_ticket(call.query, call.symbol)
    call.engine.check_form(ticket)
    cancelled, cancel_response = _attempt_cancel(call)
    if not cancelled and mode == _STOP:
        raise _failed(cancelled=False, placed=None, cancel_response=cancel_response, new_response=None)
    try:
        new_response = placed_payload(call.query, ticket, call.engine.place(call.account, ticket))
    except ApiRefusal as refusal:
        raise _failed(
            cancelled=cancelled, placed=False, cancel_response=cancel_response, new_response=refusal.body
        ) from refusal
    if not cancelled:
        raise _failed(cancelled=False, placed=True, cancel_response=cancel_response, new_response=new_response)
    return _report(cancelled=True, placed=True, cancel_response=cancel_response, new_response=new_response)


def _attempt_cancel(call: PrivateCall) -> tuple[bool, Payload]:
    cancel_id = call.cancel_id("cancelNewClientOrderId")
    try:
        order = call.named_order(call.account, "cancelOrderId", "cancelOrigClientOrderId")
        if order is None:
            raise ApiRefusal(-2011, "Unknown order sent.")
        check_restriction(call, order)
        return True, cancelled_payload(call.engine.cancel(call.account, order, cancel_id), cancel_id)
    except ApiRefusal as refusal:
        return False, refusal.body


def _report(*, cancelled: bool, placed: bool | None, cancel_response: Payload, new_response: Payload | None) -> Payload:
    results = {True: "SUCCESS", False: "FAILURE", None: "NOT_ATTEMPTED"}
    return {
        "cancelResult": results[cancelled],
        "newOrderResult": results[placed],
        "cancelResponse": cancel_response,
        "newOrderResponse": new_response,
    }


def _failed(*, cancelled: bool, placed: bool | None, cancel_response: Payload, new_response: Payload | None) -> ApiRefusal:
    data = _report(cancelled=cancelled, placed=placed, cancel_response=cancel_response, new_response=new_response)
    if cancelled or placed:
        return ApiRefusal(-2021, "Order cancel-replace partially failed.", HTTPStatus.CONFLICT, data=data)
    return ApiRefusal(-2022, "Order cancel-replace failed.", data=data)


REPLACE_ENDPOINTS = (
    PrivateEndpoint(
        method="POST",
        path="order/cancelReplace",
        answer=cancel_replace,
        weight=weigh(1),
        mandatory=("symbol", "side", "type", "cancelReplaceMode"),
        optional=(
            SINGLE.client_id,
            "cancelOrderId",
            "cancelOrigClientOrderId",
            "cancelNewClientOrderId",
            "cancelRestrictions",
            *ORDER_FIELDS,
        ),
        orders=1,
        trades=True,
        name="order.cancelReplace",
    ),
)
