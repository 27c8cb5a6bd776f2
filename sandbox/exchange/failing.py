"""Fail a request in the way that was asked for."""

import json
import socket
import struct
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus

from aiohttp import web

from sandbox.exchange.faults import Fault, FaultKind

GARBAGE = "<html><body><h1>It works!</h1></body></html>"
_PAGE = "<html><body><h2>{status} {phrase}</h2></body></html>"

# An abort with lingering switched on for zero seconds resets the connection instead of closing it.
_RESET_ON_CLOSE = struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0)

_CUTS = (FaultKind.RESET, FaultKind.LOST, FaultKind.OUTAGE)
_FAILS = (*_CUTS, FaultKind.SERVER_ERROR, FaultKind.ERROR, FaultKind.GARBAGE, FaultKind.HALF)

Struck = Mapping[FaultKind, Fault]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What becomes of a request: the seconds it waits, the fault that keeps it from taking effect, and the answer's.

    `late_by` passes before it takes effect, `told_late_by` between that and the answer.
    """

    late_by: float
    told_late_by: float
    before: Fault | None
    after: Fault | None
    stale: Fault | None
    skew: int


def plan(struck: Struck) -> Plan:
    """Put the faults that hit a request in their order."""
    failing = [struck[kind] for kind in _FAILS if kind in struck]
    delay, skew = struck.get(FaultKind.DELAY), struck.get(FaultKind.SKEW)
    return Plan(
        late_by=0.0 if delay is None or delay.failure.after else delay.amount,
        told_late_by=delay.amount if delay is not None and delay.failure.after else 0.0,
        before=next((fault for fault in failing if not fault.failure.after), None),
        after=next((fault for fault in failing if fault.failure.after), None),
        stale=struck.get(FaultKind.STALE),
        skew=0 if skew is None else round(skew.amount * 1000),
    )


def cuts(fault: Fault) -> bool:
    """Tell whether a fault ends the connection without an answer."""
    return fault.kind in _CUTS


async def fail(request: web.Request, fault: Fault, whole: web.Response | None) -> web.StreamResponse:
    """Answer as the fault wants; `whole` is the true answer of a request that took effect."""
    if cuts(fault):
        _reset(request)
        return web.Response()
    if fault.kind is FaultKind.SERVER_ERROR:
        return page(HTTPStatus(int(fault.amount)))
    if fault.kind is FaultKind.ERROR:
        return _error(fault)
    if fault.kind is FaultKind.GARBAGE:
        body = fault.failure.body
        return web.Response(text=GARBAGE if body is None else body, content_type="text/html")
    return await _send_half(request, whole or web.Response(text="{}", content_type="application/json"))


def error_body(fault: Fault) -> dict[str, object]:
    """Write the error body that a fault answers with."""
    return {"code": fault.failure.code, "msg": fault.failure.message}


def page(status: HTTPStatus) -> web.Response:
    """Answer with a page that is no JSON."""
    text = _PAGE.format(status=status.value, phrase=status.phrase)
    return web.Response(text=text, status=status, content_type="text/html")


def _error(fault: Fault) -> web.Response:
    wait = fault.failure.retry_after
    headers = {} if wait is None else {"Retry-After": str(wait)}
    text = json.dumps(error_body(fault))
    return web.Response(text=text, status=int(fault.amount), headers=headers, content_type="application/json")


def _reset(request: web.Request) -> None:
    if request.transport is not None:
        connection = request.transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        request.transport.abort()


async def _send_half(request: web.Request, whole: web.Response) -> web.StreamResponse:
    """Promise the whole body, send half of it and hang up."""
    body = (whole.text or "").encode()
    half = web.StreamResponse(status=whole.status, headers=whole.headers)
    half.content_length = len(body)
    await half.prepare(request)
    await half.write(body[: len(body) // 2])
    if request.transport is not None:
        request.transport.close()
    return half
