"""The page's GETs: who is there, what they see, what the bot called."""

from __future__ import annotations

from collections.abc import Callable

from aiohttp import web

from sandbox.page import view
from sandbox.page.guard import Act, number
from sandbox.telegram.failures import Misuse
from sandbox.telegram.messages import shown_id
from sandbox.telegram.wire import JsonObject
from sandbox.telegram.world import World

Playing = Callable[[], tuple[str, JsonObject | None]]
_MOST_MESSAGES = 500


class Reading:
    """Answer what is asked of a world; `playing` says what market is played, in words and as data."""

    def __init__(self, world: World, playing: Playing, *, has_control: bool) -> None:
        self._world = world
        self._playing = playing
        self._has_control = has_control

    def routes(self) -> dict[str, Act]:
        return {
            "/page/bootstrap": self.bootstrap,
            "/page/chats/{chat_id}/messages": self.messages,
            "/page/unread": self.unread,
            "/page/calls": self.calls,
        }

    async def bootstrap(self, request: web.Request) -> JsonObject:
        world = self._world
        playing, market = self._playing()
        people = [person for person in world.people.values() if not person.is_bot]
        return {
            "bot": {"id": world.bot.id, "name": world.bot.name, "username": world.bot.username},
            "people": [{"id": one.id, "name": one.name, "username": one.username, "note": one.note} for one in people],
            "chats": [view.chat(world, chat) for chat in world.chats.values() if not chat.migrated_to],
            "playing": playing,
            "market": market,
            "control": self._has_control,
            "limits": world.limits.on,
        }

    async def messages(self, request: web.Request) -> JsonObject:
        chat_id, person = number(request.match_info["chat_id"]), number(request.query.get("person", ""))
        limit = min(number(request.query.get("limit", "100")), _MOST_MESSAGES)
        found = self._world.seen(person, chat_id)
        if "thread" in request.query:
            thread_id = number(request.query["thread"])
            found = [message for message in found if message.thread_id == thread_id]
        if "before" in request.query:
            before = _shown(request.query["before"])
            found = [message for message in found if shown_id(message) < before]
        shown = found[-limit:] if limit > 0 else []
        return {
            "messages": [view.message(self._world, message) for message in shown],
            "pinned": list(self._world.chats[chat_id].pinned),
            "reply_keyboard": view.keyboard(self._world, chat_id, person),
            "commands": view.menu(self._world, chat_id, person),
        }

    async def unread(self, request: web.Request) -> JsonObject:
        counts = self._world.unread(number(request.query.get("person", "")))
        return {str(chat_id): count for chat_id, count in counts.items()}

    async def calls(self, request: web.Request) -> JsonObject:
        since = number(request.query.get("since", "0"))
        calls = [call for call in self._world.calls if call.number > since]
        return {"calls": [{name: getattr(call, name) for name in call.__slots__} for call in calls]}

    async def transcript(self, request: web.Request) -> web.Response:
        """Answer a chat as text; with `person`, as that person sees it."""
        try:
            chat_id = number(request.query.get("chat_id", ""))
            person = number(request.query["person"]) if "person" in request.query else None
            if chat_id not in self._world.chats:
                raise Misuse(f"there is no chat {chat_id}")
            return web.Response(text=self._world.transcript(chat_id, person) + "\n")
        except Misuse as error:
            return web.json_response({"error": str(error)}, status=400)

    async def file(self, request: web.Request) -> web.Response:
        """Answer a file's content: a picture to show, anything else to save."""
        stored = self._world.stored_files.get(request.match_info["file_id"])
        if stored is None:
            return web.json_response({"error": "there is no such file"}, status=404)
        headers = {"X-Content-Type-Options": "nosniff", "Cache-Control": "max-age=86400, immutable"}
        shown = stored.width > 0 and stored.mime.startswith("image/") and "svg" not in stored.mime
        if not shown:
            headers["Content-Disposition"] = "attachment"
        kind = stored.mime if shown else "application/octet-stream"
        return web.Response(body=self._world.contents[stored.file_id], content_type=kind, headers=headers)


def _shown(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise Misuse(f"expected a message id, got {text!r}") from None
