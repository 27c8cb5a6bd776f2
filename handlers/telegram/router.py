"""Routing: which messages and taps may act at all, and which handler gets them."""

from __future__ import annotations

import re
from collections.abc import Mapping

import structlog
from aiogram import Router
from aiogram.types import CallbackQuery, ChatMemberUpdated, Message

from config.grades import WITHHOLDABLE
from handlers.telegram.app import App
from handlers.telegram.callbacks import read_button
from handlers.telegram.commands import CommandSpec, CommandTable, Kind, Where
from handlers.telegram.request import Answers, Request, answered_in_time
from handlers.telegram.taps import Taps
from handlers.telegram.views.errors import render_error, toast
from handlers.telegram.views.message import Rendered
from services.access.authority import require
from services.domain.errors import AlreadyDone, SortieError
from services.domain.key_shapes import WITHHELD
from services.domain.people import Actor, Role
from services.storage import chats, people

log = structlog.get_logger()
_COMMAND = re.compile(r"^/([A-Za-z0-9_]{1,32})(?:@(\w+))?(?:\s+(.*))?$", re.DOTALL)
ANONYMOUS_ADMIN = 1087968824
START = "start"
_GONE, _LEFT = "deleted and not kept", "not kept, but you must delete it"
ALERTS = frozenset({"ROLE", "NO_ROLE", "NOT_YOURS"})


class ChatRoutes:
    """Takes aiogram's messages, taps and memberships to the handlers of the command table."""

    def __init__(self, app: App, table: CommandTable, taps: Taps, answers: Answers) -> None:
        self._app = app
        self._table = table
        self._taps = taps
        self._answers = answers
        self._labels: Mapping[str, str] = {spec.name: spec.name for spec in table.all()}

    def router(self) -> Router:
        """Return the one router of the bot."""
        router = Router(name="desk")
        router.message.register(self.on_message)
        router.callback_query.register(self.on_tap)
        router.my_chat_member.register(self.on_membership)
        return router

    async def on_message(self, message: Message) -> None:
        """Carry out a typed command, or explain in private what cannot be one."""
        if message.migrate_to_chat_id is not None:
            await self._app.migrate_chat(self._job("migrate"), message.chat.id, message.migrate_to_chat_id)
            return
        request = self._request(message)
        text = (message.text or "").strip()
        if text == WITHHELD:
            await self._refuse_key(message, request)
            return
        if request is None:
            return
        await self._take(message, request, text)
        # Of a command that stops something, which did not wait for this, the rest was a key.
        if text.endswith(WITHHELD):
            await self._answers.take_away(message.chat.id, message.message_id)

    async def _take(self, message: Message, request: Request, text: str) -> None:
        found = _COMMAND.match(text)
        # In a group people talk; only what begins with a slash is meant for the desk there.
        bare = "" if request.is_group else self._labels.get(text.lower().strip("/ "), "")
        name = found.group(1).lower() if found else bare
        if found and found.group(2) and found.group(2).lower() != self._app.username().lower():
            return
        spec = self._table.find(name)
        if spec is None:
            if not request.is_group:
                await self._unknown(request, self._app.conceal(text))
            return
        args = (found.group(3) or "").strip() if found else ""
        # A key that somebody pastes goes no further than this; a link's key is what /start is for.
        request.args = args if spec.name == START else self._app.conceal(args)
        if request.is_group and not await self._approved(request):
            return
        if not _acts(message) and spec.kind is not Kind.READ:
            await self._refuse(request, "NOT_DIRECT", {})
            return
        age = (self._app.live().now - message.date).total_seconds()
        if spec.kind is Kind.ACT and age > self._app.command_max_age_s:
            await self._refuse(request, "COMMAND_OLD", {"age_s": int(age), "limit_s": int(self._app.command_max_age_s)})
            return
        await self._carry_out(request, spec)

    async def on_tap(self, tap: CallbackQuery) -> None:
        """Carry out a tap; every tap gets an answer."""
        message = tap.message if isinstance(tap.message, Message) else None
        chat = tap.message.chat if tap.message is not None else None
        if chat is None or tap.data is None or tap.from_user.is_bot:
            await self._answers.toast(tap.id, "This button is no longer known.", False, None)
            return
        request = Request(
            actor=self._actor(tap.from_user.id, tap.from_user.full_name, chat.id),
            username=tap.from_user.username,
            chat_id=chat.id,
            thread_id=message.message_thread_id if message and message.is_topic_message else None,
            is_group=chat.type != "private",
            chat_title=chat.title or "",
            args="",
            message_id=tap.message.message_id if tap.message else None,
            has_photo=bool(message and message.photo),
            callback_id=tap.id,
            answers=self._answers,
            bot_username=self._app.username(),
        )
        try:
            await self._app.people.rename(request.actor, request.actor.name, request.username)
            async with answered_in_time(request):
                await self._carry_out_tap(request, tap.data)
            await request.toast("")
        except AlreadyDone:
            await request.toast("Already done.")
            raise
        except SortieError as error:
            await request.toast(toast(error.code, error.values), alert=error.code in ALERTS)
        except Exception as error:  # noqa: BLE001 - the edge of an update: logged, counted, answered with an id
            await request.toast(self._defect("tap", error))

    async def on_membership(self, change: ChatMemberUpdated) -> None:
        """Note where the bot was added or removed, and who blocked it."""
        status = change.new_chat_member.status
        actor = self._actor(change.from_user.id, change.from_user.full_name, change.chat.id)
        await self._app.membership(
            actor, change.chat.id, change.chat.type, change.chat.title or "", present=status not in ("left", "kicked")
        )

    async def _carry_out(self, request: Request, spec: CommandSpec) -> None:
        try:
            await self._app.people.rename(request.actor, request.actor.name, request.username)
            if spec.where is Where.PRIVATE and request.is_group:
                await self._refuse(request, "PRIVATE_ONLY", {"command": f"/{spec.name}"})
                return
            if spec.name != START:
                role = await self._role(request)
                if role is Role.STRANGER and not request.is_group:
                    await self._app.stranger(request)
                    return
                if role < spec.permission:
                    code = "NO_ROLE" if role is Role.STRANGER else "ROLE"
                    await self._refuse(request, code, {"have": role.value, "need": spec.permission.value})
                    return
                if spec.name in WITHHOLDABLE:
                    await self._app.database.glance(lambda unit: require(unit, request.actor, spec.permission, spec.name))
            request.private_only = spec.where is Where.MONEY
            await spec.handler(request)
        except AlreadyDone:
            raise
        except SortieError as error:
            await self._refuse(request, error.code, dict(error.values))
        except Exception as error:  # noqa: BLE001 - the edge of an update: logged, counted, answered with an id
            await request.reply(Rendered(text=self._defect(spec.name, error)))

    async def _carry_out_tap(self, request: Request, data: str) -> None:
        if request.is_group and not await self._approved(request):
            return
        try:
            button = read_button(data)
        except ValueError:
            await request.toast("This button is not one of mine.")
        else:
            await self._taps.carry_out(request, button)

    async def _unknown(self, request: Request, text: str) -> None:
        role = await self._role(request)
        if role is Role.STRANGER:
            await self._app.stranger(request)
        elif text:
            await self._refuse(request, "UNKNOWN_COMMAND", {"value": text.split()[0][:32]})
        else:
            await self._refuse(request, "NOT_DIRECT", {})

    async def _refuse_key(self, message: Message, request: Request | None) -> None:
        """Take what was pasted out of the chat, whoever sent it, and say where keys are typed."""
        gone = await self._answers.take_away(message.chat.id, message.message_id)
        log.warning("chat.key_withheld", chat=message.chat.id, deleted=gone)
        if request is None or (request.is_group and not await self._approved(request)):
            return
        if not request.is_group and await self._role(request) is Role.STRANGER:
            await self._app.stranger(request)
            return
        # There is no message left that could be answered.
        request.message_id = None if gone else request.message_id
        await self._refuse(request, "KEY_IN_CHAT", {"value": _GONE if gone else _LEFT})

    async def _role(self, request: Request) -> Role:
        return await self._app.database.glance(lambda unit: people.role_of(unit, request.actor.id))

    async def _approved(self, request: Request) -> bool:
        chat = await self._app.database.glance(lambda unit: chats.find(unit, request.chat_id))
        return chat is not None and chat.state == "approved"

    async def _refuse(self, request: Request, code: str, values: Mapping[str, object]) -> None:
        await request.reply(render_error(code, values))

    def _defect(self, what: str, error: Exception) -> str:
        error_id = self._app.ids.instruction()[-8:]
        log.error("handler.failed", handler=what, error_id=error_id, exc_info=error)
        return f"Something went wrong here, nothing was done twice. Error {error_id}"

    def _request(self, message: Message) -> Request | None:
        sender = message.from_user
        if sender is None or sender.is_bot or message.sender_chat is not None or sender.id == ANONYMOUS_ADMIN:
            return None
        return Request(
            actor=self._actor(sender.id, sender.full_name, message.chat.id),
            username=sender.username,
            chat_id=message.chat.id,
            thread_id=message.message_thread_id if message.is_topic_message else None,
            is_group=message.chat.type != "private",
            chat_title=message.chat.title or "",
            args="",
            message_id=message.message_id,
            has_photo=False,
            callback_id=None,
            answers=self._answers,
            bot_username=self._app.username(),
        )

    def _actor(self, person_id: int, name: str, chat_id: int) -> Actor:
        correlation = structlog.contextvars.get_contextvars().get("correlation") or self._app.ids.row()
        return Actor(kind="person", id=person_id, name=name, channel="telegram", correlation=str(correlation), chat_id=chat_id)

    def _job(self, name: str) -> Actor:
        return Actor.job(name, self._app.ids.row())


def _acts(message: Message) -> bool:
    """Tell whether a message may act: typed directly, not forwarded, captioned, via a bot or edited."""
    return (
        message.text is not None
        and message.forward_origin is None
        and message.via_bot is None
        and message.edit_date is None
        and not message.is_automatic_forward
    )
