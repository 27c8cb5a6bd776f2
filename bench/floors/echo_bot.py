"""The floor of a tap and of a read: a bare aiogram bot that says the same back; a tap costs one full commit first.

usage: python -m bench.floors.echo_bot API_BASE DATABASE, the token in ECHO_TOKEN
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
import sys

from aiogram import Bot, Dispatcher
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.types import CallbackQuery, Message


async def main() -> None:
    """Answer until told to stop."""
    api_base, path = sys.argv[1:]
    database = sqlite3.connect(path, isolation_level=None)
    for statement in (
        "PRAGMA journal_mode=WAL",
        "PRAGMA synchronous=FULL",
        "CREATE TABLE taps (id TEXT PRIMARY KEY, person INTEGER NOT NULL, data TEXT NOT NULL)",
    ):
        database.execute(statement)
    session = AiohttpSession(api=TelegramAPIServer.from_base(api_base))
    bot = Bot(os.environ["ECHO_TOKEN"], session=session)
    dispatcher = Dispatcher()

    @dispatcher.callback_query()
    async def on_tap(tap: CallbackQuery) -> None:
        database.execute("INSERT INTO taps VALUES (?, ?, ?)", (tap.id, tap.from_user.id, tap.data))
        await tap.answer(tap.data)

    @dispatcher.message()
    async def on_message(message: Message) -> None:
        await message.answer(message.text or "")

    await dispatcher.start_polling(bot)
    database.close()


if __name__ == "__main__":
    asyncio.run(main())
