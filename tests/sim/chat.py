"""The line between desk and chat: the sandbox's Telegram, called in the process, behind everything a network does."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, cast

import aiohttp
from aiogram import Bot
from aiogram.client.session.base import BaseSession
from aiogram.exceptions import TelegramNetworkError
from aiogram.methods import TelegramMethod
from aiogram.methods.base import Response, TelegramType
from aiogram.types import InputFile

from bot.polling import Ask, Line
from sandbox.telegram.api import BotApi
from sandbox.telegram.files import Upload
from sandbox.telegram.world import World
from tests.sim.faults import Weather
from tests.sim.trace import Trace

LATENCY_S = (0.01, 0.08)
CALL_LIMIT_S = 15.0
REPLAYED_AMONG = 30
BAD_GATEWAY = '{"ok":false,"error_code":502,"description":"Bad Gateway"}'
GARBLED = "<html><body><h1>502 Bad Gateway</h1></body></html>"
Reply = tuple[int, str]


class ChatServer:
    """The server with its people, and the network in front of it; ``delivered`` are the updates that it handed out."""

    def __init__(self, world: World, weather: Weather, trace: Trace) -> None:
        self._world = world
        self._api = BotApi(world)
        self._weather = weather
        self._trace = trace
        self._news = asyncio.Event()
        self.delivered: list[int] = []
        world.updates.on_added = self._news.set

    def session(self, _address: str) -> BaseSession:
        """Return the way for calls of the Bot API."""
        return _Session(self)

    def line(self, _address: str) -> Line:
        """Return the line on which updates are asked for."""

        @asynccontextmanager
        async def opened() -> AsyncIterator[Ask]:
            yield self._ask

        return opened

    async def call(self, method: str, parameters: Mapping[str, Any], uploads: Mapping[str, Upload], limit: float) -> Reply:
        """Carry a call over the network: status and body; raise ConnectionError or TimeoutError without an answer."""
        weather = self._weather
        await asyncio.sleep(weather.between(*LATENCY_S))
        if weather.lasts("chat.outage") or weather.strikes("chat.call.never_arrives"):
            raise ConnectionResetError("the connection broke")
        if weather.strikes("chat.call.timeout"):
            await asyncio.sleep(limit)
            raise TimeoutError
        if weather.strikes("chat.call.server_error"):
            return 502, BAD_GATEWAY
        if weather.strikes("chat.call.flood"):
            wait = {"retry_after": round(weather.between(1, 9))}
            return 429, json.dumps({"ok": False, "error_code": 429, "description": "Too Many Requests", "parameters": wait})
        answer = self._api.call(method, parameters, uploads)
        self._trace.note("chat", f"{method} {parameters.get('chat_id', '')} {answer.status}")
        return await self._bring_back((answer.status, answer.body), limit)

    async def _bring_back(self, reply: Reply, limit: float) -> Reply:
        weather = self._weather
        await asyncio.sleep(weather.between(*LATENCY_S))
        if weather.strikes("chat.call.reply_lost"):
            raise ConnectionResetError("the connection broke after the call")
        if weather.strikes("chat.call.half_reply"):
            return reply[0], reply[1][: len(reply[1]) // 2]
        if weather.strikes("chat.call.garbled"):
            return 502, GARBLED
        if weather.strikes("chat.call.late"):
            late = weather.between(1, 1.5 * limit)
            await asyncio.sleep(min(late, limit))
            if late > limit:
                raise TimeoutError
        return reply

    async def _ask(self, question: Mapping[str, Any], _seconds: float) -> object:
        weather, updates = self._weather, self._world.updates
        await asyncio.sleep(weather.between(*LATENCY_S))
        if weather.lasts("chat.outage") or weather.strikes("chat.poll.never_arrives"):
            raise aiohttp.ClientOSError("the connection broke")
        wait = self._api.prepare_poll(question)
        if not updates.waiting:
            await self._wait(wait)
        if weather.lasts("chat.outage"):
            raise aiohttp.ClientOSError("the connection broke")
        if weather.strikes("chat.poll.server_error"):
            return json.loads(BAD_GATEWAY)
        self._disturb()
        body = self._api.call("getUpdates", question).body
        if weather.strikes("chat.poll.reply_lost"):
            raise aiohttp.ServerDisconnectedError
        if weather.strikes("chat.poll.garbled"):
            raise ValueError("not JSON")
        if weather.strikes("chat.poll.late"):
            await asyncio.sleep(weather.between(0.5, 8))
        return self._handed_out(json.loads(body))

    def _handed_out(self, answer: dict[str, Any]) -> object:
        for update in answer.get("result", ()):
            self.delivered.append(int(update["update_id"]))
            self._trace.note("update", str(update["update_id"]))
        return answer

    def _disturb(self) -> None:
        updates = self._world.updates
        if len(updates) and self._weather.strikes("chat.updates.duplicated"):
            updates.duplicate_next()
        if len(updates) > 1 and self._weather.strikes("chat.updates.reordered"):
            updates.reorder_next()
        pending = {each.id for each in updates.first(1000)}
        old = [number for number in self.delivered[-REPLAYED_AMONG:] if number not in pending]
        if old and self._weather.strikes("chat.updates.replayed"):
            updates.replay(old[0])

    async def _wait(self, seconds: float) -> None:
        self._news.clear()
        try:
            async with asyncio.timeout(seconds):
                await self._news.wait()
        except TimeoutError:
            return


class _Session(BaseSession):
    """Calls of aiogram's bot, put into the form of a request and read from the form of an answer."""

    def __init__(self, server: ChatServer) -> None:
        super().__init__(timeout=CALL_LIMIT_S)
        self._server = server
        # As the desk's own: pydantic makes what nobody holds anew for each call.
        self._answers: dict[str, type[Response[Any]]] = {}

    async def make_request(
        self,
        bot: Bot,
        method: TelegramMethod[TelegramType],
        timeout: int | None = None,  # noqa: ASYNC109 - aiogram's signature
    ) -> TelegramType:
        parameters, uploads = self._form(bot, method)
        limit = float(self.timeout if timeout is None else timeout)
        try:
            status, body = await self._server.call(method.__api_method__, parameters, uploads, limit)
        except TimeoutError as error:
            raise TelegramNetworkError(method=method, message="Request timeout error") from error
        except ConnectionError as error:
            raise TelegramNetworkError(method=method, message=f"{type(error).__name__}: {error}") from error
        self._answers.setdefault(method.__api_method__, Response.__class_getitem__(method.__returning__))
        response = self.check_response(bot=bot, method=method, status_code=status, content=body)
        return cast(TelegramType, response.result)

    async def stream_content(
        self,
        url: str,
        headers: dict[str, Any] | None = None,
        timeout: int = 30,  # noqa: ASYNC109 - aiogram's signature
        chunk_size: int = 65536,
        raise_for_status: bool = True,
    ) -> AsyncGenerator[bytes, None]:
        raise NotImplementedError
        yield b""

    async def close(self) -> None:
        return

    def _form(self, bot: Bot, method: TelegramMethod[Any]) -> tuple[dict[str, str], dict[str, Upload]]:
        files: dict[str, InputFile] = {}
        given = method.model_dump(warnings=False).items()
        prepared = {name: self.prepare_value(value, bot=bot, files=files) for name, value in given}
        uploads = {
            name: Upload(filename=file.filename or name, mime="application/octet-stream", content=cast(Any, file).data)
            for name, file in files.items()
        }
        return {name: value for name, value in prepared.items() if value}, uploads
