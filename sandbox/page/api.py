"""The page's API: what people do, over HTTP, on loopback only."""

from __future__ import annotations

import ipaddress
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit

from aiohttp import web

from sandbox.page import view
from sandbox.page.control import Control
from sandbox.page.events import EventHub
from sandbox.telegram.failures import Misuse, Refused
from sandbox.telegram.messages import shown_id
from sandbox.telegram.wire import JsonObject, dumps
from sandbox.telegram.world import World

Act = Callable[[web.Request], Awaitable[Any]]
_MOST_MESSAGES = 500


class PageApi:
    """Serve `/page/...` over one world; `flush` keeps what an act changed before it is answered."""

    def __init__(
        self,
        world: World,
        hub: EventHub,
        control: Control,
        *,
        flush: Callable[[], None],
        playing: Callable[[], tuple[str, JsonObject | None]],
    ) -> None:
        self._world = world
        self._hub = hub
        self._control = control
        self._flush = flush
        self._playing = playing

    def add_routes(self, router: web.UrlDispatcher) -> None:
        """Add the page's routes."""
        for path, act in {
            "/page/bootstrap": self.bootstrap,
            "/page/chats/{chat_id}/messages": self.messages,
            "/page/unread": self.unread,
            "/page/calls": self.calls,
            "/page/faults": self.faults,
        }.items():
            router.add_get(path, self._guarded(act))
        for path, act in {
            "/page/say": self.say,
            "/page/tap": self.tap,
            "/page/press": self.press,
            "/page/start": self.start,
            "/page/block": self.block,
            "/page/read": self.read,
            "/page/edit": self.edit,
            "/page/forward": self.forward,
            "/page/person": self.person,
            "/page/group": self.group,
            "/page/bot": self.bot,
            "/page/migrate": self.migrate,
            "/page/faults": self.switch_faults,
            "/page/limits": self.limits,
            "/page/updates": self.updates,
        }.items():
            router.add_post(path, self._guarded(act))
        router.add_get("/page/events", only_loopback(self._hub.stream))
        router.add_get("/page/transcript", only_loopback(self.transcript))
        router.add_get("/page/files/{file_id}", only_loopback(self.file))
        router.add_get("/page/control/{what:status|venue|verify}", only_loopback(self._control.forward))
        router.add_post("/page/control/{what:kill|start}", only_loopback(self._control.forward))

    async def bootstrap(self, request: web.Request) -> JsonObject:
        world = self._world
        playing, market = self._playing()
        people = [person for person in world.people.values() if not person.is_bot]
        return {
            "bot": {"id": world.bot.id, "name": world.bot.name, "username": world.bot.username},
            "people": [
                {"id": one.id, "name": one.name, "username": one.username, "note": one.note} for one in people
            ],
            "chats": [view.chat(world, chat) for chat in world.chats.values() if not chat.migrated_to],
            "playing": playing,
            "market": market,
            "control": self._control.present,
            "limits": world.limits.on,
        }

    async def messages(self, request: web.Request) -> JsonObject:
        chat_id, person = _number(request.match_info["chat_id"]), _number(request.query.get("person", ""))
        thread = request.query.get("thread")
        before = float(request.query["before"]) if "before" in request.query else None
        limit = min(_number(request.query.get("limit", "100")), _MOST_MESSAGES)
        found = self._world.seen(person, chat_id)
        if thread is not None:
            found = [message for message in found if message.thread_id == _number(thread)]
        if before is not None:
            found = [message for message in found if shown_id(message) < before]
        shown = found[-limit:] if limit > 0 else []
        return {
            "messages": [view.message(self._world, message) for message in shown],
            "pinned": list(self._world.chats[chat_id].pinned),
            "reply_keyboard": view.keyboard(self._world, chat_id, person),
            "commands": view.menu(self._world, chat_id, person),
        }

    async def unread(self, request: web.Request) -> JsonObject:
        counts = self._world.unread(_number(request.query.get("person", "")))
        return {str(chat_id): count for chat_id, count in counts.items()}

    async def calls(self, request: web.Request) -> JsonObject:
        since = _number(request.query.get("since", "0"))
        return {
            "calls": [
                {name: getattr(call, name) for name in call.__slots__}
                for call in self._world.calls
                if call.number > since
            ]
        }

    async def transcript(self, request: web.Request) -> web.Response:
        person = request.query.get("person")
        chat_id = _number(request.query.get("chat_id", ""))
        if chat_id not in self._world.chats:
            raise web.HTTPNotFound
        text = self._world.transcript(chat_id, _number(person) if person else None)
        return web.Response(text=text + "\n")

    async def file(self, request: web.Request) -> web.Response:
        stored = self._world.stored_files.get(request.match_info["file_id"])
        if stored is None:
            raise web.HTTPNotFound
        headers = {"X-Content-Type-Options": "nosniff", "Cache-Control": "max-age=86400, immutable"}
        if not stored.width:
            headers["Content-Disposition"] = "attachment"
        kind = stored.mime if stored.width and stored.mime.startswith("image/") else "application/octet-stream"
        return web.Response(body=self._world.contents[stored.file_id], content_type=kind, headers=headers)

    async def say(self, request: web.Request) -> JsonObject:
        body = await _body(request, {"person": int, "chat_id": int, "text": str})
        message = self._world.say(
            body["person"],
            body["text"],
            chat_id=body["chat_id"],
            thread_id=body.get("thread_id") or 0,
            reply_to=body.get("reply_to") or 0,
            via_bot=bool(body.get("via_bot")),
            date=body.get("date"),
        )
        return {"message_id": shown_id(message)}

    async def tap(self, request: web.Request) -> JsonObject:
        body = await _body(request, {"person": int, "chat_id": int, "message_id": (int, float), "data": str})
        query = self._world.tap(body["person"], body["chat_id"], body["message_id"], body["data"])
        return {"callback_query_id": query.id}

    async def press(self, request: web.Request) -> JsonObject:
        """Send a callback query nobody's button carries; without `message_id` it has no message."""
        body = await _body(request, {"person": int, "chat_id": int, "data": str})
        query = self._world.press(body["person"], body["chat_id"], body["data"], body.get("message_id"))
        return {"callback_query_id": query.id}

    async def start(self, request: web.Request) -> JsonObject:
        body = await _body(request, {"person": int})
        return {"message_id": shown_id(self._world.start(body["person"], body.get("payload") or ""))}

    async def block(self, request: web.Request) -> JsonObject:
        body = await _body(request, {"person": int, "blocked": bool})
        self._world.block(body["person"], blocked=body["blocked"])
        return {}

    async def read(self, request: web.Request) -> JsonObject:
        body = await _body(request, {"person": int, "chat_id": int, "message_id": (int, float)})
        self._world.mark_read(body["person"], body["chat_id"], body["message_id"])
        return {}

    async def edit(self, request: web.Request) -> JsonObject:
        body = await _body(request, {"person": int, "chat_id": int, "message_id": int, "text": str})
        edited = self._world.edit_own(body["person"], body["chat_id"], body["message_id"], body["text"])
        return {"message_id": shown_id(edited)}

    async def forward(self, request: web.Request) -> JsonObject:
        body = await _body(
            request, {"person": int, "from_chat_id": int, "message_id": (int, float), "chat_id": int}
        )  # fmt: skip
        message = self._world.forward(
            body["person"], body["from_chat_id"], body["message_id"],
            chat_id=body["chat_id"], thread_id=body.get("thread_id") or 0,
        )  # fmt: skip
        return {"message_id": shown_id(message)}

    async def person(self, request: web.Request) -> JsonObject:
        body = await _body(request, {"name": str})
        person = self._world.add_person(body["name"])
        return {"id": person.id, "name": person.name, "username": person.username, "note": person.note}

    async def group(self, request: web.Request) -> JsonObject:
        body = await _body(request, {"title": str, "by": int})
        return view.chat(self._world, self._world.create_group(body["title"], body["by"]))

    async def bot(self, request: web.Request) -> JsonObject:
        """Add the bot to a group, remove it, or make it an administrator or a plain member."""
        body = await _body(request, {"chat_id": int, "by": int, "act": str})
        chat_id, by = body["chat_id"], body["by"]
        match body["act"]:
            case "add":
                self._world.add_bot(chat_id, by)
            case "remove":
                self._world.remove_bot(chat_id, by)
            case "promote" | "demote":
                self._world.promote_bot(chat_id, by, admin=body["act"] == "promote")
            case other:
                raise Misuse(f"act must be add, remove, promote or demote, got {other!r}")
        return view.chat(self._world, self._world.chats[chat_id])

    async def migrate(self, request: web.Request) -> JsonObject:
        body = await _body(request, {"chat_id": int, "by": int})
        return view.chat(self._world, self._world.migrate(body["chat_id"], body["by"]))

    async def faults(self, request: web.Request) -> JsonObject:
        return self._hub.faults()

    async def switch_faults(self, request: web.Request) -> JsonObject:
        """Switch a fault on, one off (`remove`), or all off (`clear`)."""
        body = await _body(request, {})
        if body.get("clear"):
            self._world.faults.switch_off()
        elif "remove" in body:
            self._world.faults.switch_off(str(body["remove"]))
        else:
            known = {key: value for key, value in body.items() if value is not None}
            try:
                self._world.faults.switch_on(**known)
            except (TypeError, ValueError) as error:
                raise Misuse(str(error)) from None
        return self._hub.faults()

    async def limits(self, request: web.Request) -> JsonObject:
        body = await _body(request, {"on": bool})
        self._world.limits.on = body["on"]
        return {"on": body["on"]}

    async def updates(self, request: web.Request) -> JsonObject:
        """Duplicate or reorder the next batches, or deliver a confirmed update again (`replay`)."""
        body = await _body(request, {})
        self._world.updates.duplicate_next(int(body.get("duplicate", 0)))
        self._world.updates.reorder_next(int(body.get("reorder", 0)))
        if "replay" in body:
            try:
                self._world.updates.replay(int(body["replay"]))
            except KeyError:
                raise Misuse(f"update {body['replay']} is not among the last confirmed") from None
        return {"pending": len(self._world.updates), "last_id": self._world.updates.last_id}

    def _guarded(self, act: Act) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def handle(request: web.Request) -> web.StreamResponse:
            try:
                answer = await act(request)
            except Misuse as error:
                return web.json_response({"error": str(error)}, status=400)
            except Refused as error:
                return web.json_response({"error": error.description}, status=400)
            self._flush()
            return web.json_response(answer, dumps=dumps)

        return only_loopback(handle)


def only_loopback(
    handle: Callable[[web.Request], Awaitable[web.StreamResponse]],
) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """Refuse a request that is not for this machine, or that another site's page makes."""

    async def checked(request: web.Request) -> web.StreamResponse:
        origin = request.headers.get("Origin")
        if not _is_loopback(urlsplit(f"//{request.host}").hostname) or (
            origin is not None and not _is_loopback(urlsplit(origin).hostname)
        ):
            return web.json_response({"error": "the page is served to this machine only"}, status=403)
        return await handle(request)

    return checked


def _is_loopback(host: str | None) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host or "").is_loopback
    except ValueError:
        return False


def _number(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise Misuse(f"expected a whole number, got {text!r}") from None


async def _body(request: web.Request, fields: dict[str, type | tuple[type, ...]]) -> JsonObject:
    """Read a JSON object and check the fields it must have. Only JSON: another site's form cannot post it."""
    if request.content_type != "application/json":
        raise Misuse("the body must be application/json")
    try:
        body = await request.json()
    except ValueError:
        raise Misuse("the body is not JSON") from None
    if not isinstance(body, dict):
        raise Misuse("the body must be a JSON object")
    for name, kind in fields.items():
        value = body.get(name)
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            raise Misuse(f"field {name!r} is missing or of the wrong type")
    return body
