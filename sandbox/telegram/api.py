"""The bot's side: a call is checked, disturbed by faults, limited, done, logged and answered."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from sandbox.telegram import (
    methods_bot,
    methods_chats,
    methods_editing,
    methods_forum,
    methods_sending,
    methods_updates,
    validation,
)
from sandbox.telegram.calls import Call, Handler, Raw
from sandbox.telegram.events import CallMade
from sandbox.telegram.failures import Refused, bad, not_found, too_many, unserved
from sandbox.telegram.faults import WITHOUT_EFFECT, Fault
from sandbox.telegram.files import Upload
from sandbox.telegram.table import published
from sandbox.telegram.wire import dumps
from sandbox.telegram.world import World

_LOGGED_CHARACTERS = 4_000
_SECRETS = frozenset({"secret_token"})
_STATUSES = frozenset(HTTPStatus)
# In the table, and of the real server only: a business account, paid posts, channels' direct messages.
UNSERVED_PARAMETERS = frozenset(
    {
        "business_connection_id", "direct_messages_topic_id", "suggested_post_parameters", "allow_paid_broadcast",
        "inline_message_id", "rich_message", "certificate", "video_start_timestamp",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Answer:
    """What a call is answered: an HTTP status, the body, and a fault of the connection to act out."""

    status: int
    body: str
    fault: Fault | None = None


class BotApi:
    """Every method of the Bot API over one world. `call` is synchronous and takes no time of its own."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._names = {name.lower(): name for name in (*_HANDLERS, *published().unserved)}
        self._made = 0

    def name_of(self, method: str) -> str:
        """Find the method as the table writes it; Telegram compares names without case."""
        return self._names.get(method.lower(), method)

    def call(
        self, method: str, parameters: Mapping[str, Any] | None = None, uploads: Mapping[str, Upload] | None = None
    ) -> Answer:
        """Make a call under the faults switched on and return its answer, refusals included.

        A fault without effect keeps the call from being done; acting out the others is the caller's part.
        """
        method, parameters, uploads = self.name_of(method), parameters or {}, uploads or {}
        began = self.world.clock.now()
        fault = self.world.faults.take(method, parameters)
        refusal: Refused | None = None
        try:
            if fault and fault.kind in WITHOUT_EFFECT:
                raise _refusal_of(fault)
            result = self._perform(method, parameters, uploads)
            body = f'{{"ok":true,"result":{result if isinstance(result, Raw) else dumps(result)}}}'
        except Refused as error:
            refusal = error
            body = dumps(error.body())
        self._log(method, parameters, uploads, body, refusal, began)
        return Answer(refusal.code if refusal else 200, body, fault)

    def result(
        self, method: str, parameters: Mapping[str, Any] | None = None, uploads: Mapping[str, Upload] | None = None
    ) -> Any:
        """Make a call without faults and return its result; raise Refused where the server would refuse."""
        result = self._perform(self.name_of(method), parameters or {}, uploads or {})
        return json.loads(result) if isinstance(result, Raw) else result

    def prepare_poll(self, parameters: Mapping[str, Any]) -> float:
        """Do what getUpdates does before it waits; return the seconds it may wait, 0 when it will be refused."""
        try:
            return methods_updates.prepare_poll(self._checked("getUpdates", parameters, {}))
        except Refused:
            return 0.0

    def _perform(self, method: str, parameters: Mapping[str, Any], uploads: Mapping[str, Upload]) -> Any:
        handler = _HANDLERS.get(method)
        if handler is None:
            if method in published().unserved:
                raise unserved(f"the method {method}")
            raise not_found()
        return handler(self._checked(method, parameters, uploads))

    def _checked(self, method: str, parameters: Mapping[str, Any], uploads: Mapping[str, Upload]) -> Call:
        if self.world.logged_out_until > self.world.clock.now():
            raise Refused(400, "Logged out")
        known = published().methods[method]
        direct = {name: upload for name, upload in uploads.items() if name in known}
        call = Call(self.world, method, validation.check(method, {**parameters, **direct}), uploads)
        for name in UNSERVED_PARAMETERS & call.arguments.keys():
            raise unserved(f'parameter "{name}"')
        if len(direct) < len(uploads):
            _check_attached(call.arguments, set(uploads) - set(direct))
        return call

    def _log(
        self, method: str, parameters: Mapping[str, Any], uploads: Mapping[str, Upload], body: str,
        refusal: Refused | None, began: float,
    ) -> None:  # fmt: skip
        if method == "getUpdates" and refusal is None:
            return
        self._made += 1
        hidden = dict.fromkeys(_SECRETS & parameters.keys(), "(hidden)")
        shown = {**parameters, **hidden, **{name: f"({len(upload.content)} bytes)" for name, upload in uploads.items()}}
        record = CallMade(
            number=self._made,
            at=began,
            method=method,
            parameters=dumps(shown)[:_LOGGED_CHARACTERS],
            ok=refusal is None,
            error_code=refusal.code if refusal else 0,
            description=refusal.description if refusal else "",
            answer=body[:_LOGGED_CHARACTERS],
            ms=round((self.world.clock.now() - began) * 1000, 3),
        )
        self.world.calls.append(record)
        if method != "getUpdates":
            self.world.tell(record)


_HANDLERS: dict[str, Handler] = {
    **methods_bot.METHODS,
    **methods_chats.METHODS,
    **methods_editing.METHODS,
    **methods_forum.METHODS,
    **methods_sending.METHODS,
    **methods_updates.METHODS,
}


def _refusal_of(fault: Fault) -> Refused:
    if fault.kind == "too_many":
        return too_many(fault.retry_after)
    phrase = HTTPStatus(fault.status).phrase if fault.status in _STATUSES else "Internal Server Error"
    return Refused(fault.status, phrase)


def _check_attached(arguments: Mapping[str, Any], parts: set[str]) -> None:
    """Refuse a part of the request that nothing refers to."""
    unused = parts - {text.removeprefix("attach://") for text in _texts(arguments) if text.startswith("attach://")}
    if unused:
        raise bad(f"the request has parts that nothing refers to: {', '.join(sorted(unused))}")


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for entry in value.values():
            yield from _texts(entry)
    elif isinstance(value, list):
        for entry in value:
            yield from _texts(entry)
