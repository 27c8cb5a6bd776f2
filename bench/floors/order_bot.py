"""The floor of a tap at an exchange: an aiogram bot that commits one row and sends one order through ccxt.

usage: python -m bench.floors.order_bot API_BASE DATABASE SYMBOL, token and keys in ECHO_TOKEN, ORDER_KEY and ORDER_SECRET
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
import sys

import ccxt.async_support as ccxt
from aiogram import Bot, Dispatcher
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.types import CallbackQuery, Message

from services.venues.ccxt_client import rebase

AMOUNT = 1.0
ABOVE = 1.01


async def main() -> None:
    """Answer until told to stop."""
    api_base, path, symbol = sys.argv[1:]
    database = sqlite3.connect(path, isolation_level=None)
    for statement in (
        "PRAGMA journal_mode=WAL",
        "PRAGMA synchronous=FULL",
        "CREATE TABLE taps (id TEXT PRIMARY KEY, person INTEGER NOT NULL, data TEXT NOT NULL)",
    ):
        database.execute(statement)
    exchange = ccxt.binance({"apiKey": os.environ["ORDER_KEY"], "secret": os.environ["ORDER_SECRET"], "enableRateLimit": False})
    exchange.options["fetchMarkets"] = {"types": ["spot"]}
    exchange.options |= {"fetchCurrencies": False, "fetchMargins": False}
    rebase(exchange, f"{api_base}/exchange")
    await exchange.load_markets()
    price = float((await exchange.fetch_ticker(symbol))["last"]) * ABOVE
    bot = Bot(os.environ["ECHO_TOKEN"], session=AiohttpSession(api=TelegramAPIServer.from_base(api_base)))
    dispatcher = Dispatcher()

    @dispatcher.callback_query()
    async def on_tap(tap: CallbackQuery) -> None:
        database.execute("INSERT INTO taps VALUES (?, ?, ?)", (tap.id, tap.from_user.id, tap.data))
        named = {"timeInForce": "IOC", "newClientOrderId": f"tap{tap.id}"}
        await exchange.create_order(symbol, "limit", "buy", AMOUNT, price, named)
        await tap.answer(tap.data)

    @dispatcher.message()
    async def on_message(message: Message) -> None:
        await message.answer(message.text or "")

    await dispatcher.start_polling(bot)
    await exchange.close()
    database.close()


if __name__ == "__main__":
    asyncio.run(main())
