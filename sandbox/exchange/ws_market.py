"""The market streams on the wire: raw and combined connections, and subscriptions that come and go."""

import json
from functools import partial
from typing import Any

from aiohttp import web

from sandbox.exchange.delivery import Delivery
from sandbox.exchange.exchange import Exchange
from sandbox.exchange.faults import Family
from sandbox.exchange.streams import Said, Stream, begin, find_stream, say
from sandbox.exchange.ws_wire import Wire

_MOST_STREAMS = 1_024
_METHODS = ("SUBSCRIBE", "UNSUBSCRIBE", "LIST_SUBSCRIPTIONS", "SET_PROPERTY", "GET_PROPERTY")


class StreamRefused(ValueError):
    """A request on a stream connection that is not understood; the code and the text are Binance's."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class Listener:
    """One connection, the streams it hears, and how far each has told it."""

    def __init__(self, wire: Wire, *, combined: bool) -> None:
        self.wire = wire
        self.combined = combined
        self.told: dict[Stream, int | None] = {}

    def tell(self, stream: Stream, said: Said) -> None:
        """Send what a stream says, wrapped in its name on a combined connection."""
        for event in said.events:
            self.wire.send({"stream": stream.name, "data": event} if self.combined else event)


class MarketStreams:
    """Serve the stream connections; `tick` tells what is new, as often as it is called."""

    def __init__(self, exchange: Exchange, wires: set[Wire]) -> None:
        self._exchange = exchange
        self._wires = wires
        self._listeners: set[Listener] = set()
        self._delivery = Delivery(exchange, Family.STREAMS, self.cut)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Serve one connection; streams may be named in the path, in `streams`, or subscribed to."""
        tail = request.match_info.get("tail", "")
        raw = "ws" in request.path.split("/")[1:]
        wire = Wire(request)
        listener = Listener(wire, combined=not raw)
        for name in [*tail.split("/"), *request.query.get("streams", "").split("/")]:
            stream = find_stream(name, self._exchange.market)
            if stream is not None:
                listener.told[stream] = begin(stream, self._exchange.market)
        if self._delivery.is_out():
            wire.cut()
            return web.Response()
        socket = await wire.open()
        self._wires.add(wire)
        self._listeners.add(listener)
        try:
            async for text in wire.texts():
                wire.send(self._answer(listener, text))
        finally:
            self._listeners.discard(listener)
            self._wires.discard(wire)
        return socket

    def tick(self) -> None:
        """Tell every connection what its streams have to say now."""
        self._delivery.enforce()
        if not self._listeners or not self._exchange.market.started:
            return
        snapshot, at = self._exchange.market.snapshot(), self._exchange.market.now()
        said: dict[tuple[Stream, int | None], Said] = {}
        for listener in self._listeners:
            for stream, told in list(listener.told.items()):
                key = (stream, told)
                if key not in said:
                    said[key] = say(stream, self._exchange.market, snapshot, told, at)
                listener.told[stream] = said[key].step
                if said[key].events:
                    symbol = stream.instruments[0].symbol
                    self._delivery.pass_on(stream.name, symbol, partial(listener.tell, stream, said[key]))

    def cut(self) -> None:
        """Cut every connection."""
        for listener in self._listeners:
            listener.wire.cut()

    def _answer(self, listener: Listener, text: str) -> dict[str, Any]:
        number: Any = None
        try:
            asked = json.loads(text)
            if not isinstance(asked, dict):
                raise StreamRefused(2, "Invalid request: expected an object")
            number = asked.get("id")
            return {"result": self._result(listener, asked), "id": number}
        except StreamRefused as refusal:
            return {"error": {"code": refusal.code, "msg": str(refusal)}, "id": number}
        except ValueError:
            return {"error": {"code": 3, "msg": "Invalid JSON: expected value at line 1 column 1"}, "id": number}

    def _result(self, listener: Listener, asked: dict[str, Any]) -> Any:
        method, params = asked.get("method"), asked.get("params", [])
        if method not in _METHODS:
            expected = ", ".join(f"`{each}`" for each in _METHODS)
            raise StreamRefused(2, f"Invalid request: unknown variant `{method}`, expected one of {expected}")
        if not isinstance(params, list):
            raise StreamRefused(2, "Invalid request: params must be a list")
        if method == "LIST_SUBSCRIPTIONS":
            return [stream.name for stream in listener.told]
        if method == "SUBSCRIBE":
            self._subscribe(listener, params)
            return None
        if method == "UNSUBSCRIBE":
            for stream in [stream for stream in listener.told if stream.name in params]:
                del listener.told[stream]
            return None
        return _property(listener, method, params)

    def _subscribe(self, listener: Listener, names: list[Any]) -> None:
        if len(listener.told) + len(names) > _MOST_STREAMS:
            raise StreamRefused(2, f"Invalid request: more than {_MOST_STREAMS} streams")
        for name in names:
            if not isinstance(name, str):
                raise StreamRefused(2, "Invalid request: stream name must be a string")
            stream = find_stream(name, self._exchange.market)
            if stream is not None:
                listener.told.setdefault(stream, begin(stream, self._exchange.market))


def _property(listener: Listener, method: str, params: list[Any]) -> Any:
    if not params or params[0] != "combined":
        raise StreamRefused(0, "Unknown property")
    if method == "GET_PROPERTY":
        return listener.combined
    if len(params) != 2 or not isinstance(params[1], bool):
        raise StreamRefused(1, "Invalid value type: expected Boolean")
    listener.combined = params[1]
    return None
