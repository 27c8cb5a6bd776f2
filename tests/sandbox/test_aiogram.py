"""An ordinary aiogram bot against the sandbox: polling and webhook, pictures, keyboards, errors."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiogram import Bot, Dispatcher, F
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.exceptions import TelegramBadRequest, TelegramForbiddenError, TelegramRetryAfter
from aiogram.filters import Command, CommandStart
from aiogram.types import (
    BotCommand,
    BufferedInputFile,
    CallbackQuery,
    EphemeralMessageParameters,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    InputMediaPhoto,
    Message,
    ReplyParameters,
    TelegramObject,
)
from aiogram.webhook.aiohttp_server import SimpleRequestHandler
from aiohttp import web

from sandbox.telegram.state import Query
from sandbox.telegram.updates import KINDS
from sandbox.telegram.world import ANN, CARL, DESK, TOM, TOPICS

from .pictures import picture, png
from .running import Running, running, serving
from .test_http import until

KEYS = InlineKeyboardMarkup(
    inline_keyboard=[[InlineKeyboardButton(text="Go", callback_data="go", style="success")]]
)  # fmt: skip


@asynccontextmanager
async def connected(server: Running) -> AsyncIterator[Bot]:
    api = TelegramAPIServer.from_base(server.url)
    async with Bot(server.token, session=AiohttpSession(api=api)) as bot:
        yield bot


def desk() -> Dispatcher:
    """Build a bot that greets, offers a button, and edits its card when it is pressed."""
    dispatcher = Dispatcher()

    @dispatcher.message(CommandStart(deep_link=True))
    async def start(message: Message) -> None:
        await message.answer(f"<b>{message.text}</b>", parse_mode="HTML", reply_markup=KEYS)

    @dispatcher.message(Command("photo"))
    async def photo(message: Message) -> None:
        await message.reply_photo(BufferedInputFile(png(), "chart.png"), caption="chart")

    @dispatcher.callback_query(F.data == "go")
    async def go(query: CallbackQuery) -> None:
        assert isinstance(query.message, Message)
        await query.message.edit_text("filled")
        await query.answer("Sent")

    return dispatcher


@asynccontextmanager
async def polling(server: Running, dispatcher: Dispatcher) -> AsyncIterator[Bot]:
    async with connected(server) as bot:
        task = asyncio.create_task(dispatcher.start_polling(bot, handle_signals=False, polling_timeout=5))
        try:
            yield bot
        finally:
            await until(lambda: server.world.updates.held)
            await dispatcher.stop_polling()
            with contextlib.suppress(asyncio.CancelledError):
                await task


async def test_conversation_by_polling() -> None:
    async with running() as server:
        async with polling(server, desk()):
            server.world.start(ANN, "abc")
            await until(lambda: "/start abc [Go]" in server.world.transcript(ANN))
            query = server.world.tap_label(ANN, ANN, "Go")
            assert isinstance(query, Query)
            await until(lambda: server.world.queries[query.id].answered)
            server.world.say(ANN, "/photo")
            await until(lambda: "[photo] chart" in server.world.transcript(ANN))

        assert server.world.transcript(ANN).splitlines() == [
            "1 Ann: /start abc", "2 Sortie: filled", "3 Ann: /photo", "4 Sortie: [photo] chart",
        ]  # fmt: skip
        assert all(call.ok for call in server.world.calls)


async def test_conversation_by_webhook() -> None:
    secret = secrets.token_urlsafe(16)
    async with running() as server, connected(server) as bot:
        app = web.Application()
        handler = SimpleRequestHandler(desk(), bot, secret_token=secret, handle_in_background=False)
        handler.register(app, path="/hook")
        async with serving(app) as url:
            await bot.set_webhook(f"{url}/hook", secret_token=secret)
            server.world.start(ANN, "abc")
            await until(lambda: "/start abc [Go]" in server.world.transcript(ANN))
            query = server.world.tap_label(ANN, ANN, "Go")
            assert isinstance(query, Query)
            await until(lambda: server.world.queries[query.id].answered)

            assert "2 Sortie: filled" in server.world.transcript(ANN)


async def test_method_returned_by_a_webhook_handler_is_done_with_its_file() -> None:
    dispatcher = Dispatcher()

    @dispatcher.message()
    async def answer(message: Message) -> object:
        return message.answer_photo(BufferedInputFile(png(), "chart.png"), caption="returned", reply_markup=KEYS)

    async with running() as server, connected(server) as bot:
        app = web.Application()
        SimpleRequestHandler(dispatcher, bot, handle_in_background=False).register(app, path="/hook")
        async with serving(app) as url:
            await bot.set_webhook(f"{url}/hook")
            server.world.say(ANN, "picture, please")
            await until(lambda: "[photo] returned [Go]" in server.world.transcript(ANN))


async def test_every_kind_of_send_is_understood_by_aiogram() -> None:
    async with running() as server, connected(server) as bot:
        me = await bot.get_me()
        sent = await bot.send_message(DESK, "card", message_thread_id=TOPICS["Missions"], reply_markup=KEYS)
        whispered = await bot.send_message(
            DESK, "psst", ephemeral_message_parameters=EphemeralMessageParameters(receiver_user_id=ANN)
        )
        album = await bot.send_media_group(
            DESK, [InputMediaPhoto(media=BufferedInputFile(png(), f"{n}.png"), caption=str(n)) for n in range(2)]
        )
        document = await bot.send_document(ANN, BufferedInputFile(b"a,b\n1,2\n", "fills.csv"))
        quoted = await bot.send_message(DESK, "re", reply_parameters=ReplyParameters(message_id=sent.message_id, quote="card"))
        await bot.pin_chat_message(DESK, sent.message_id)
        await bot.set_my_commands([BotCommand(command="start", description="Begin")])
        topic = await bot.create_forum_topic(DESK, "Audit")
        chat = await bot.get_chat(DESK)
        members = await bot.get_chat_administrators(DESK)
        assert document.document
        content = await bot.download(document.document.file_id)

        assert me.username == "sortie_desk_bot"
        assert (sent.is_topic_message, sent.message_thread_id) == (True, TOPICS["Missions"])
        assert (whispered.message_id, whispered.ephemeral_message_id) == (0, 1)
        assert [message.caption for message in album] == ["0", "1"]
        assert content and content.read() == b"a,b\n1,2\n"
        assert quoted.quote and quoted.quote.text == "card"
        assert chat.pinned_message and chat.pinned_message.message_id == sent.message_id
        assert len(members) == 3
        assert topic.name == "Audit"
        assert [command.command for command in await bot.get_my_commands()] == ["start"]


def fields_unknown_to_aiogram(value: object) -> list[str]:
    """List the fields of an answer that no aiogram model knows, all the way down."""
    found: list[str] = []
    if isinstance(value, TelegramObject):
        found += [f"{type(value).__name__}.{name}" for name in value.model_extra or {}]
        found += [name for field in value.model_fields_set for name in fields_unknown_to_aiogram(getattr(value, field))]
    elif isinstance(value, (list, tuple)):
        found += [name for entry in value for name in fields_unknown_to_aiogram(entry)]
    return found


async def test_updates_and_answers_have_the_published_fields_only() -> None:
    async with running() as server, connected(server) as bot:
        server.world.updates.allow(KINDS)
        world = server.world
        sent = await bot.send_message(
            DESK, '<b>card</b> <tg-time unix="1" format="t">x</tg-time>', parse_mode="HTML", reply_markup=KEYS
        )
        world.tap(ANN, DESK, sent.message_id, "go")
        world.say(TOM, "look @ann_trades", chat_id=DESK, photo=picture(), reply_to=sent.message_id, via_bot=True)
        world.post_anonymous(CARL, DESK, "x")
        world.post_as_channel(DESK, "x")
        world.forward(ANN, DESK, sent.message_id, chat_id=ANN)
        world.press(ANN, DESK, "x", 999)
        world.block(ANN, blocked=True)
        team = world.create_group("Team", CARL)
        world.promote_bot(team.id, CARL, admin=True)
        world.join(TOM, team.id)
        world.leave(TOM, team.id)
        world.remove_bot(world.migrate(team.id, CARL).id, CARL)
        world.edit_own(CARL, CARL, world.say(CARL, "x").message_id, "y")
        whispered = await bot.send_message(
            DESK,
            "psst",
            ephemeral_message_parameters=EphemeralMessageParameters(receiver_user_id=TOM),
            reply_parameters=ReplyParameters(message_id=sent.message_id, quote="card", quote_position=0),
        )
        updates = await bot.get_updates()
        answers = [
            sent, whispered, await bot.get_me(), await bot.get_chat(DESK), await bot.get_chat(CARL),
            await bot.get_chat_administrators(DESK), await bot.get_chat_member(DESK, TOM),
            await bot.get_chat_member(DESK, 9001), await bot.get_webhook_info(), await bot.get_my_name(),
        ]  # fmt: skip

    assert len(updates) > 15
    assert {update.event_type for update in updates} == {
        "message", "edited_message", "callback_query", "my_chat_member", "chat_member",
    }  # fmt: skip
    assert fields_unknown_to_aiogram([updates, answers]) == []


async def test_refusals_arrive_as_aiograms_errors() -> None:
    async with running() as server, connected(server) as bot:
        with pytest.raises(TelegramBadRequest, match="can't parse entities"):
            await bot.send_message(ANN, "<b>", parse_mode="HTML")
        with pytest.raises(TelegramForbiddenError, match="bot can't initiate conversation with a user"):
            await bot.send_message(TOM, "x")
        server.world.faults.switch_on("too_many", retry_after=9, count=1)
        with pytest.raises(TelegramRetryAfter) as storm:
            await bot.send_message(ANN, "x")

        assert storm.value.retry_after == 9
