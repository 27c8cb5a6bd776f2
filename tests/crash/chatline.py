"""The chat server outlives the desk: it stands in the parent process, and the desk in its child calls it over a pipe."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from aiogram import Bot
from aiogram.client.session.base import BaseSession
from aiogram.methods import TelegramMethod
from aiogram.methods.base import TelegramType

from bot.polling import Ask, Line
from sandbox.telegram.api import BotApi
from sandbox.telegram.messages import Message
from sandbox.telegram.world import World
from services.domain.crashpoints import reach
from tests.chat.rig import ANN, BOT_ID, CARL, CORA, GROUP, OLGA, TOM

SEEN_BY_PEOPLE = ("sendMessage", "sendPhoto", "editMessageText", "editMessageCaption", "answerCallbackQuery")
LOOK_EVERY_S = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """Something a person did in a chat, and how many calls the server had seen by then."""

    person: int
    chat: int
    what: str
    query: str
    calls: int


@dataclass
class _Time:
    seconds: float = 0.0

    def now(self) -> float:
        return self.seconds


@dataclass
class ChatServer:
    """Telegram's state machine with the people in it; ``handle`` answers one request, in the desk's time."""

    time: _Time = field(default_factory=_Time)
    acts: list[Act] = field(default_factory=list)
    calls: list[tuple[str, Mapping[str, Any], bool]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.world = World(clock=self.time, bot_id=BOT_ID, seed=1, started=(ANN, TOM, CARL, CORA, OLGA), limits_on=False)
        self._api = BotApi(self.world)

    def handle(self, request: tuple[Any, ...]) -> Any:
        """Answer ``(verb, seconds since the epoch, arguments)``."""
        verb, self.time.seconds, *rest = request
        return getattr(self, verb)(*rest)

    def call(self, method: str, parameters: Mapping[str, Any]) -> tuple[int, str]:
        answer = self._api.call(method, parameters)
        if method != "getUpdates":
            self.calls.append((method, parameters, answer.status == 200))
        return answer.status, answer.body

    def say(self, person: int, text: str, chat: int) -> None:
        self.world.say(person, text, chat_id=chat)
        self.acts.append(Act(person=person, chat=chat, what=text, query="", calls=len(self.calls)))

    def press(self, person: int, label: str, chat: int) -> bool:
        """Press the newest button with the label; tell whether there is one."""
        for message in reversed(self.world.seen(person, chat)):
            if any(button["text"].startswith(label) for row in message.keyboard for button in row):
                query = self.world.tap_label(person, chat, label)
                name = query.id if not isinstance(query, Message) else ""
                self.acts.append(Act(person=person, chat=chat, what=f"[{label}]", query=name, calls=len(self.calls)))
                return True
        return False

    def found_group(self, title: str, by: int, other: int) -> None:
        """Let somebody open a group with the bot in it, and somebody else join."""
        self.world.join(other, self.world.create_group(title, by).id)

    def texts(self, person: int, chat: int) -> list[str]:
        """Return what a person reads in a chat, oldest first."""
        return [message.body.text for message in self.world.seen(person, chat)]

    def pending(self) -> int:
        """Return how many updates the desk has not confirmed."""
        return len(self.world.updates)

    def transcript(self) -> str:
        """Return every chat as text."""
        return "\n".join(self.world.transcript(chat) for chat in (GROUP, *sorted(self.world.people)) if chat != BOT_ID)

    def unanswered(self) -> list[str]:
        """Return what people did without anything visible coming of it."""
        found = []
        for act in self.acts:
            later = self.calls[act.calls :]
            shown = any(
                done
                and method in SEEN_BY_PEOPLE
                and (
                    parameters.get("callback_query_id") == act.query
                    if method == "answerCallbackQuery"
                    else int(parameters["chat_id"]) in (act.chat, act.person)
                )
                for method, parameters, done in later
            )
            if not shown:
                found.append(f"{act.what} of {act.person} was never answered")
        return found

    def count(self, person: int, words: str) -> int:
        """Count the messages to a person that hold the words."""
        return sum(words in text for text in self.texts(person, person))

    def state(self) -> str:
        """Return everything of the chat that the desk could meet again."""
        queries = sorted((query.id, query.answered) for query in self.world.queries.values())
        return f"{self.transcript()} {self.pending()} {queries} {len(self.calls)}"


class DeskLine:
    """The desk's end: it asks the server through ``ask`` and marks the moments before and after each call."""

    def __init__(self, ask: Callable[[tuple[Any, ...]], Any], now: Callable[[], datetime]) -> None:
        self._ask = ask
        self._now = now
        self._stirred = asyncio.Event()

    def request(self, verb: str, *arguments: Any) -> Any:
        return self._ask((verb, self._now().timestamp(), *arguments))

    def say(self, person: int, text: str, chat: int | None = None) -> None:
        self.request("say", person, text, chat or person)
        self._stirred.set()

    def press(self, person: int, label: str, chat: int | None = None) -> bool:
        pressed: bool = self.request("press", person, label, chat or person)
        self._stirred.set()
        return pressed

    def texts(self, person: int, chat: int | None = None) -> list[str]:
        found: list[str] = self.request("texts", person, chat or person)
        return found

    def session(self, _address: str) -> BaseSession:
        """Return what the bot calls the server with."""
        return _Session(self)

    def polling(self, _url: str) -> Line:
        """Return what the intake asks for updates on; a question waits until somebody does something."""

        async def ask(question: Mapping[str, Any], _seconds: float) -> object:
            reach("telegram.poll.before")
            answer = self._updates(question)
            if not answer["result"]:
                self._stirred.clear()
                try:
                    await asyncio.wait_for(self._stirred.wait(), question["timeout"])
                    answer = self._updates(question)
                except TimeoutError:
                    return answer
            reach("telegram.poll.after")
            return answer

        @asynccontextmanager
        async def opened() -> AsyncIterator[Ask]:
            yield ask

        def line() -> AbstractAsyncContextManager[Ask]:
            return opened()

        return line

    def _updates(self, question: Mapping[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.request("call", "getUpdates", dict(question))[1])
        return found


class _Session(BaseSession):
    def __init__(self, line: DeskLine) -> None:
        super().__init__()
        self._line = line

    async def close(self) -> None:
        return

    async def stream_content(
        self,
        url: str,
        headers: dict[str, Any] | None = None,
        timeout: int = 30,  # noqa: ASYNC109 - the library's signature
        chunk_size: int = 65536,
        raise_for_status: bool = True,
    ) -> AsyncGenerator[bytes, None]:
        raise NotImplementedError("the desk loads no files")
        yield b""

    async def make_request(
        self,
        bot: Bot,
        method: TelegramMethod[TelegramType],
        timeout: int | None = None,  # noqa: ASYNC109 - as above
    ) -> TelegramType:
        values = {
            name: self.prepare_value(value, bot=bot, files={}) for name, value in method.model_dump(warnings=False).items()
        }
        reach("telegram.call.before")
        status, body = self._line.request("call", method.__api_method__, {k: v for k, v in values.items() if v})
        reach("telegram.call.after")
        answer = self.check_response(bot=bot, method=method, status_code=status, content=body)
        result: TelegramType = answer.result  # type: ignore[assignment]
        return result
