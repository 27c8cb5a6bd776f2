"""The Telegram side of the process: bot, dispatcher, answers, commands by scope, and what was cut off by a crash."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping, Sequence
from typing import Any

import structlog
from aiogram import Bot, Dispatcher
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.session.base import BaseSession
from aiogram.client.session.middlewares.base import NextRequestMiddlewareType
from aiogram.client.telegram import TelegramAPIServer
from aiogram.exceptions import (
    ClientDecodeError,
    TelegramAPIError,
    TelegramNetworkError,
    TelegramRetryAfter,
    TelegramServerError,
)
from aiogram.methods import (
    AnswerCallbackQuery,
    EditMessageText,
    Response,
    SendMessage,
    SetMyCommands,
    TelegramMethod,
)
from aiogram.methods.base import TelegramType
from aiogram.types import (
    BotCommand,
    BotCommandScopeAllGroupChats,
    BotCommandScopeAllPrivateChats,
    BotCommandScopeChat,
    BotCommandScopeDefault,
    BufferedInputFile,
    EphemeralMessageParameters,
    Update,
)

from bot.answering import Straight, one_update, spending
from bot.delivery import Envelope
from bot.redaction import process_redactor
from handlers.telegram.commands import CommandSpec, CommandTable, Kind
from handlers.telegram.request import Answered
from handlers.telegram.views.message import Rendered
from services.domain.grades import Grade
from services.domain.people import Person, Role
from services.domain.ports import Clock, Ids
from services.domain.states import UpdateState
from services.storage import grades, outbox, people, updates
from services.storage.database import Database, Unit

log = structlog.get_logger()
CALL_TIMEOUT_S = 15
SCOPE_CALLS_AT_ONCE = 4
# The server takes the answer to a tap for about this long; after it the person's client has given up.
TOAST_LASTS_S = 10.0
WHISPER_TIMEOUT_S = 3
TAKE_AWAY_PAUSES_S = (0.2, 1.0, 3.0)
TOAST_PAUSES_S = (0.2, 0.5, 1.0, 2.0, 4.0)


def http_session(api_base: str) -> BaseSession:
    """Return the way to a Bot API server; each call is bounded."""
    return _Session(api=TelegramAPIServer.from_base(api_base), timeout=CALL_TIMEOUT_S)


def make_bot(token: str, session: BaseSession) -> Bot:
    """Return a bot that makes its calls through a session."""
    session.middleware(_unread_is_lost)
    return Bot(token=token, session=session)


async def _unread_is_lost(
    make_request: NextRequestMiddlewareType[TelegramType], bot: Bot, method: TelegramMethod[TelegramType]
) -> Response[TelegramType]:
    """Take an answer that cannot be read, a proxy's page or half a body, for one that got lost: those are reckoned with."""
    try:
        return await make_request(bot, method)
    except ClientDecodeError as error:
        raise TelegramNetworkError(method=method, message="the answer cannot be read") from error


class _Session(AiohttpSession):
    """Holds the types that answers are read into.

    Pydantic keeps what it makes of a generic type by weak reference only, so without a holder many calls would make theirs
    anew, for milliseconds each.
    """

    def __init__(self, *, api: TelegramAPIServer, timeout: float) -> None:
        super().__init__(api=api, timeout=timeout)
        kinds: list[Any] = [method.__returning__ for method in (SendMessage, EditMessageText, AnswerCallbackQuery)]
        self._answers = [Response.__class_getitem__(kind) for kind in kinds]


class ChatAnswers:
    """Answers straight to the chat (the Answers port of the handlers)."""

    def __init__(self, bot: Bot, straight: Straight, clock: Clock) -> None:
        self._bot = bot
        self._straight = straight
        self._clock = clock
        self._whispers = True

    async def send(self, chat_id: int, thread_id: int | None, rendered: Rendered, reply_to: int | None) -> Answered:
        """Send a message."""
        return await self._straight.send(Envelope(chat_id=chat_id, thread_id=thread_id, reply_to=reply_to), rendered)

    async def edit(self, chat_id: int, message_id: int, rendered: Rendered, has_photo: bool, *, reading: bool) -> Answered:
        """Change a message in place."""
        envelope = Envelope(chat_id=chat_id)
        return await self._straight.edit(envelope, message_id, rendered, has_photo=has_photo, reading=reading)

    async def delete(self, chat_id: int, message_id: int | None) -> None:
        """Take a message of the bot away, where the server still lets it."""
        if message_id is None:
            return
        try:
            with spending(self._clock) as seconds:
                async with asyncio.timeout(seconds):
                    await self._bot.delete_message(chat_id=chat_id, message_id=message_id)
        except (TelegramAPIError, TimeoutError, OSError) as error:
            log.info("message.not_deleted", chat=chat_id, error=type(error).__name__)

    async def take_away(self, chat_id: int, message_id: int) -> bool:
        """Delete what a person wrote and tell whether the chat let the bot; a call that got lost is made again."""
        try:
            with spending(self._clock) as seconds:
                async with asyncio.timeout(seconds):
                    return await self._take_away(chat_id, message_id)
        except TimeoutError:
            log.warning("message.left_in_chat", chat=chat_id, error="TimeoutError")
            return False

    async def _take_away(self, chat_id: int, message_id: int) -> bool:
        for pause in TAKE_AWAY_PAUSES_S:
            try:
                return await self._bot.delete_message(chat_id=chat_id, message_id=message_id)
            except (TelegramRetryAfter, TelegramNetworkError, TelegramServerError, TimeoutError, OSError) as error:
                log.info("message.not_taken_away", chat=chat_id, error=type(error).__name__)
                await asyncio.sleep(pause)
            except TelegramAPIError as error:
                if "not found" in str(error):
                    return True
                log.warning("message.left_in_chat", chat=chat_id, error=type(error).__name__)
                return False
        return False

    async def send_file(self, chat_id: int, name: str, content: bytes, caption: str) -> bool:
        """Send a file once and tell whether the chat took it: who gets none asks again."""
        if not self._straight.take_turn(chat_id):
            return False
        try:
            with spending(self._clock) as seconds:
                async with asyncio.timeout(seconds):
                    await self._bot.send_document(chat_id, BufferedInputFile(content, filename=name), caption=caption)
        except (TelegramAPIError, TimeoutError, OSError) as error:
            log.warning("file.not_sent", chat=chat_id, error=type(error).__name__)
            return False
        return True

    async def whisper(self, chat_id: int, thread_id: int | None, person_id: int, callback_id: str, rendered: Rendered) -> bool:
        """Show an ephemeral message (Bot API 10.3); its right comes from the tap, which must not have been answered yet."""
        if not self._whispers or not self._straight.take_turn(chat_id):
            return False
        try:
            with spending(self._clock) as seconds:
                async with asyncio.timeout(min(seconds, WHISPER_TIMEOUT_S)):
                    sent = await self._bot.send_message(
                        chat_id=chat_id,
                        message_thread_id=thread_id,
                        text=process_redactor.hide_known(rendered.text),
                        parse_mode="HTML",
                        reply_markup=rendered.keyboard(),
                        ephemeral_message_parameters=EphemeralMessageParameters(
                            receiver_user_id=person_id, callback_query_id=callback_id
                        ),
                    )
        except (TelegramAPIError, TimeoutError, OSError) as error:
            log.info("whisper.refused", chat=chat_id, error=type(error).__name__)
            return False
        if sent.ephemeral_message_id is None:
            # A server that does not know the parameter ignores it and shows the message to everybody.
            self._whispers = False
            log.warning("whisper.unknown", chat=chat_id)
            await self.delete(chat_id, sent.message_id)
            return False
        return True

    async def toast(self, callback_id: str, text: str, alert: bool, url: str | None) -> bool:
        """Answer a tap and tell whether the person can have seen it; an answer that got lost on its way is sent again."""
        call = AnswerCallbackQuery(callback_query_id=callback_id, text=text or None, show_alert=alert or None, url=url)
        try:
            with spending(self._clock) as seconds:
                async with asyncio.timeout(seconds):
                    return await self._answer_tap(call)
        except TimeoutError:
            log.warning("tap.unanswered")
            return False

    async def _answer_tap(self, call: AnswerCallbackQuery) -> bool:
        lost = False
        for pause in TOAST_PAUSES_S:
            try:
                await self._bot(call)
                return True
            except TelegramRetryAfter as error:
                pause = max(pause, float(error.retry_after))
            except (TelegramNetworkError, TelegramServerError, TimeoutError, OSError) as error:
                lost = True
                log.info("tap.answer_lost", error=type(error).__name__)
            except TelegramAPIError as error:
                # Too old; or answered, when it was a try before this one whose answer got lost.
                log.info("tap.not_answered", error=type(error).__name__)
                return lost
            if pause > TOAST_LASTS_S:
                break
            await asyncio.sleep(pause)
        log.warning("tap.unanswered")
        return False


class ChatDispatcher:
    """Turns a stored update into a handled one."""

    def __init__(self, bot: Bot, dispatcher: Dispatcher, ids: Ids) -> None:
        self._bot = bot
        self._dispatcher = dispatcher
        self._ids = ids

    async def handle(self, raw: Mapping[str, Any]) -> None:
        """Handle one raw update under its own correlation id."""
        with structlog.contextvars.bound_contextvars(correlation=self._ids.row(), update=raw.get("update_id")), one_update():
            try:
                update = Update.model_validate(raw, context={"bot": self._bot})
            except ValueError:
                log.warning("update.malformed")
                return
            started = time.monotonic()
            await self._dispatcher.feed_update(self._bot, update)
            log.info("update.handled", kind=update.event_type, ms=round((time.monotonic() - started) * 1000))


def _command_in(raw: Mapping[str, Any], table: CommandTable) -> CommandSpec | None:
    message = raw.get("message")
    words = str(message.get("text") or "").split() if isinstance(message, Mapping) else []
    return table.find(words[0].lstrip("/").split("@")[0].lower()) if words else None


def cannot_wait(raw: Mapping[str, Any], table: CommandTable) -> bool:
    """Tell taps, and commands that stop something, from what may wait for its turn."""
    spec = _command_in(raw, table)
    return "callback_query" in raw or (spec is not None and spec.kind is Kind.SAFETY)


class Recovery:
    """At start, what was received and has no end: reads and halts run again, the rest is told as interrupted."""

    def __init__(self, database: Database, table: CommandTable) -> None:
        self._database = database
        self._table = table

    async def unfinished(self) -> list[tuple[int, str]]:
        """Return the updates that a crash cut off, oldest first."""
        return await self._database.read(updates.received)

    def stops(self, raw: Mapping[str, Any]) -> bool:
        """Tell whether an update stops something."""
        spec, tap = _command_in(raw, self._table), raw.get("callback_query")
        halting = isinstance(tap, Mapping) and str(tap.get("data", "")).startswith("d:halt")
        return halting or (spec is not None and spec.kind is Kind.SAFETY)

    def runs_again(self, raw: Mapping[str, Any]) -> bool:
        """Tell whether an update is a read, or stops something."""
        if isinstance(raw.get("message"), Mapping):
            spec = _command_in(raw, self._table)
            return spec is None or spec.kind is not Kind.ACT
        tap = raw.get("callback_query")
        if isinstance(tap, Mapping):
            data = str(tap.get("data", ""))
            return data.startswith(("l:", "d:halt"))
        return "my_chat_member" in raw

    async def interrupt(self, cut_off: Sequence[Mapping[str, Any]]) -> None:
        """End updates that must not run now and tell each person once."""

        def body(unit: Unit) -> None:
            updates.finish(unit, [int(raw["update_id"]) for raw in cut_off], UpdateState.INTERRUPTED)
            _tell_each_chat(unit, "interrupted", cut_off)

        if cut_off:
            await self._database.write(body)

    async def own_up(self) -> None:
        """Tell what was carried out when the answer may have been cut off; what a card is about to show is told by it."""

        def body(unit: Unit) -> None:
            rows = updates.acted(unit)
            updates.finish(unit, [number for number, _ in rows], UpdateState.DONE)
            raws = [json.loads(payload) for _, payload in rows if payload]
            _tell_each_chat(unit, "answer_lost", [raw for raw in raws if not _will_be_shown(unit, raw)])

        if await self._database.read(updates.acted):
            await self._database.write(body)


def _will_be_shown(unit: Unit, raw: Mapping[str, Any]) -> bool:
    tap = raw.get("callback_query")
    message = tap.get("message") if isinstance(tap, Mapping) else None
    if not isinstance(message, Mapping):
        return False
    card = outbox.card_of_message(unit, int(message["chat"]["id"]), int(message["message_id"]))
    return card is not None and card.wanted > card.shown


def _tell_each_chat(unit: Unit, template: str, raws: Sequence[Mapping[str, Any]]) -> None:
    by_chat: dict[int, list[str]] = {}
    for raw in raws:
        chat, what = _where_and_what(raw)
        if chat is not None:
            by_chat.setdefault(chat, []).append(what)
    for chat, whats in by_chat.items():
        outbox.tell(unit, chat, template, {"what": whats[:5], "count": len(whats)})


def _where_and_what(raw: Mapping[str, Any]) -> tuple[int | None, str]:
    message = raw.get("message")
    if isinstance(message, Mapping):
        return message["chat"]["id"], str(message.get("text") or "a message")[:40]
    tap = raw.get("callback_query")
    if isinstance(tap, Mapping):
        return int(tap["from"]["id"]), "a button"
    return None, ""


async def publish_commands(bot: Bot, database: Database, table: CommandTable) -> None:
    """Set the command menus: strangers see /start, groups what groups may, each person what their role may."""
    known = await database.read(lambda unit: [(each, grades.find(unit, each.grade)) for each in people.everyone(unit)])
    start = [BotCommand(command="start", description="Begin")]
    menus = [
        SetMyCommands(commands=start, scope=BotCommandScopeDefault()),
        SetMyCommands(commands=start, scope=BotCommandScopeAllPrivateChats()),
        SetMyCommands(commands=_offered(table, Role.TRADER, group=True), scope=BotCommandScopeAllGroupChats()),
        *(_menu_of(person, grade, table) for person, grade in known if person.reachable),
    ]
    slots = asyncio.Semaphore(SCOPE_CALLS_AT_ONCE)

    async def one(menu: SetMyCommands) -> None:
        async with slots:
            try:
                await _when_allowed(bot, menu)
            except (TelegramAPIError, TimeoutError, OSError) as error:
                log.info("commands.not_set", error=type(error).__name__)

    await asyncio.gather(*(one(menu) for menu in menus))


async def publish_menu(bot: Bot, database: Database, table: CommandTable, person_id: int) -> None:
    """Set one person's command menu to what their role may now; without a role it is a stranger's again."""
    person, grade = await database.read(lambda unit: (people.find(unit, person_id), grades.of_person(unit, person_id)))
    if person is None or person.role is Role.STRANGER:
        await bot.delete_my_commands(scope=BotCommandScopeChat(chat_id=person_id))
    else:
        await bot(_menu_of(person, grade, table))


def _menu_of(person: Person, grade: Grade, table: CommandTable) -> SetMyCommands:
    return SetMyCommands(
        commands=_offered(table, person.role, group=False, grade=grade), scope=BotCommandScopeChat(chat_id=person.id)
    )


def _offered(table: CommandTable, role: Role, *, group: bool, grade: Grade | None = None) -> list[BotCommand]:
    return [BotCommand(command=s.name, description=s.description) for s in table.for_role(role, group=group, grade=grade)]


async def _when_allowed(bot: Bot, menu: SetMyCommands) -> None:
    while True:
        try:
            await bot(menu)
            return
        except TelegramRetryAfter as error:
            await asyncio.sleep(error.retry_after)
