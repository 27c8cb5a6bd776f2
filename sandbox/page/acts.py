"""The page's POSTs: what people do to the bot, and what is done to the server."""

from __future__ import annotations

import base64
import binascii

from aiohttp import web

from sandbox.page import view
from sandbox.page.events import EventHub
from sandbox.page.guard import Act, Kind, body_of
from sandbox.telegram.failures import Misuse
from sandbox.telegram.files import Upload
from sandbox.telegram.messages import Message, shown_id
from sandbox.telegram.state import Query
from sandbox.telegram.wire import JsonObject
from sandbox.telegram.world import World

_ID = (int, float)
_FAULT: dict[str, Kind] = {
    "kind": str, "method": str, "chat_id": int, "contains": str, "count": int, "seconds": _ID, "delay": _ID,
    "retry_after": int, "status": int, "clear": bool, "remove": str,
}  # fmt: skip


class Acts:
    """Do what is posted. A message's id is the one people see, a fraction for an ephemeral message."""

    def __init__(self, world: World, hub: EventHub) -> None:
        self._world = world
        self._hub = hub

    def routes(self) -> dict[str, Act]:
        return {
            "/page/say": self.say,
            "/page/tap": self.tap,
            "/page/press": self.press,
            "/page/start": self.start,
            "/page/edit": self.edit,
            "/page/delete": self.delete,
            "/page/forward": self.forward,
            "/page/block": self.block,
            "/page/read": self.read,
            "/page/person": self.person,
            "/page/group": self.group,
            "/page/member": self.member,
            "/page/bot": self.bot,
            "/page/migrate": self.migrate,
            "/page/faults": self.faults,
            "/page/limits": self.limits,
            "/page/updates": self.updates,
        }

    async def say(self, request: web.Request) -> JsonObject:
        """Send a message; `photo` is a picture in base64, `as` is anonymous or channel for those senders."""
        optional: dict[str, Kind] = {
            "text": str, "thread_id": int, "reply_to": _ID, "via_bot": bool, "date": int, "photo": str, "as": str,
        }  # fmt: skip
        body = await body_of(request, {"person": int, "chat_id": int}, optional)
        person, chat_id = body["person"], body["chat_id"]
        text, thread_id = body.get("text", ""), body.get("thread_id", 0)
        match body.get("as", "person"):
            case "anonymous":
                message = self._world.post_anonymous(person, chat_id, text, thread_id=thread_id)
            case "channel":
                message = self._world.post_as_channel(chat_id, text, thread_id=thread_id)
            case "person":
                message = self._world.say(
                    person, text, chat_id=chat_id, thread_id=thread_id, reply_to=body.get("reply_to", 0),
                    via_bot=body.get("via_bot", False), date=body.get("date"),
                    photo=_picture(body["photo"]) if "photo" in body else None,
                )  # fmt: skip
            case other:
                raise Misuse(f"as must be person, anonymous or channel, got {other!r}")
        return {"message_id": shown_id(message)}

    async def tap(self, request: web.Request) -> JsonObject:
        """Press a button: by message and data, or the newest one with a `label`."""
        optional: dict[str, Kind] = {"message_id": _ID, "data": str, "label": str}
        body = await body_of(request, {"person": int, "chat_id": int}, optional)
        if "label" in body:
            return _outcome(self._world.tap_label(body["person"], body["chat_id"], body["label"]))
        if "message_id" not in body or "data" not in body:
            raise Misuse("a tap needs message_id and data, or a label")
        return _outcome(self._world.tap(body["person"], body["chat_id"], body["message_id"], body["data"]))

    async def press(self, request: web.Request) -> JsonObject:
        """Send a callback query that no button need carry; without `message_id` it has no message."""
        body = await body_of(request, {"person": int, "chat_id": int, "data": str}, {"message_id": _ID})
        return _outcome(self._world.press(body["person"], body["chat_id"], body["data"], body.get("message_id")))

    async def start(self, request: web.Request) -> JsonObject:
        body = await body_of(request, {"person": int}, {"payload": str})
        return _outcome(self._world.start(body["person"], body.get("payload", "")))

    async def edit(self, request: web.Request) -> JsonObject:
        body = await body_of(request, {"person": int, "chat_id": int, "message_id": _ID, "text": str})
        return _outcome(self._world.edit_own(body["person"], body["chat_id"], body["message_id"], body["text"]))

    async def delete(self, request: web.Request) -> JsonObject:
        body = await body_of(request, {"person": int, "chat_id": int, "message_id": _ID})
        self._world.delete_own(body["person"], body["chat_id"], body["message_id"])
        return {}

    async def forward(self, request: web.Request) -> JsonObject:
        body = await body_of(
            request, {"person": int, "from_chat_id": int, "message_id": _ID, "chat_id": int}, {"thread_id": int}
        )
        return _outcome(
            self._world.forward(
                body["person"], body["from_chat_id"], body["message_id"],
                chat_id=body["chat_id"], thread_id=body.get("thread_id", 0),
            )
        )  # fmt: skip

    async def block(self, request: web.Request) -> JsonObject:
        body = await body_of(request, {"person": int, "blocked": bool})
        self._world.block(body["person"], blocked=body["blocked"])
        return {}

    async def read(self, request: web.Request) -> JsonObject:
        body = await body_of(request, {"person": int, "chat_id": int, "message_id": _ID}, {"thread_id": int})
        self._world.mark_read(body["person"], body["chat_id"], body["message_id"])
        return {}

    async def person(self, request: web.Request) -> JsonObject:
        body = await body_of(request, {"name": str}, {"note": str})
        person = self._world.add_person(body["name"], body.get("note", "newcomer"))
        return {"id": person.id, "name": person.name, "username": person.username, "note": person.note}

    async def group(self, request: web.Request) -> JsonObject:
        body = await body_of(request, {"title": str, "by": int})
        return view.chat(self._world, self._world.create_group(body["title"], body["by"]))

    async def member(self, request: web.Request) -> JsonObject:
        """Let a person join or leave a group."""
        body = await body_of(request, {"person": int, "chat_id": int, "joined": bool})
        act = self._world.join if body["joined"] else self._world.leave
        return _outcome(act(body["person"], body["chat_id"]))

    async def bot(self, request: web.Request) -> JsonObject:
        """Add the bot to a group, remove it, or make it an administrator or a plain member."""
        body = await body_of(request, {"chat_id": int, "by": int, "act": str})
        chat_id, by = body["chat_id"], body["by"]
        match body["act"]:
            case "add":
                self._world.add_bot(chat_id, by)
            case "remove":
                self._world.remove_bot(chat_id, by)
            case "promote" | "demote" as act:
                self._world.promote_bot(chat_id, by, admin=act == "promote")
            case other:
                raise Misuse(f"act must be add, remove, promote or demote, got {other!r}")
        return view.chat(self._world, self._world.chats[chat_id])

    async def migrate(self, request: web.Request) -> JsonObject:
        body = await body_of(request, {"chat_id": int, "by": int})
        return view.chat(self._world, self._world.migrate(body["chat_id"], body["by"]))

    async def faults(self, request: web.Request) -> JsonObject:
        """Switch a fault on by its `kind`, one off (`remove`: its id), or all off (`clear`)."""
        body = await body_of(request, {}, _FAULT)
        if body.pop("clear", False):
            self._world.faults.switch_off()
        elif "remove" in body:
            self._world.faults.switch_off(body["remove"])
        else:
            try:
                self._world.faults.switch_on(body.pop("kind", ""), **body)
            except ValueError as error:
                raise Misuse(str(error)) from None
        return self._hub.faults()

    async def limits(self, request: web.Request) -> JsonObject:
        body = await body_of(request, {"on": bool})
        self._world.limits.on = body["on"]
        return {"on": body["on"]}

    async def updates(self, request: web.Request) -> JsonObject:
        """Duplicate or reorder the next batches, or deliver a confirmed update once more (`replay`: its id)."""
        body = await body_of(request, {}, {"duplicate": int, "reorder": int, "replay": int})
        updates = self._world.updates
        updates.duplicate_next(body.get("duplicate", 0))
        updates.reorder_next(body.get("reorder", 0))
        if "replay" in body:
            try:
                updates.replay(body["replay"])
            except KeyError:
                raise Misuse(f"update {body['replay']} is not among the last confirmed") from None
        return await self.updates_asked(request)

    async def updates_asked(self, request: web.Request) -> JsonObject:
        """Tell how many updates are pending, the last id, and whether a poll waits for more."""
        updates = self._world.updates
        return {"pending": len(updates), "last_id": updates.last_id, "held": updates.held}


def _outcome(done: Query | Message) -> JsonObject:
    if isinstance(done, Query):
        return {"callback_query_id": done.id}
    return {"message_id": shown_id(done)}


def _picture(text: str) -> Upload:
    try:
        content = base64.b64decode(text, validate=True)
    except binascii.Error:
        raise Misuse("photo must be base64") from None
    return Upload(filename="photo.png", mime="image/png", content=content)
