"""Where the chat is timed: every call to the Bot API, and how long a person waits for the first visible answer."""

from __future__ import annotations

import time
from collections.abc import Callable

from aiogram import Bot
from aiogram.client.session.middlewares.base import BaseRequestMiddleware, NextRequestMiddlewareType
from aiogram.exceptions import TelegramAPIError, TelegramNetworkError, TelegramRetryAfter, TelegramServerError
from aiogram.methods import Response, TelegramMethod
from aiogram.methods.base import TelegramType

from handlers.telegram.request import Answered, Answers
from handlers.telegram.views.message import Rendered
from services.domain.measures import Counted, Meter, Timed
from services.domain.ports import Clock
from services.storage.database import current_update


class MeasureCalls(BaseRequestMiddleware):
    """Times every call to the Bot API by its method, and counts floods and failures."""

    def __init__(self, meter: Meter) -> None:
        self._meter = meter

    async def __call__(
        self, make_request: NextRequestMiddlewareType[TelegramType], bot: Bot, method: TelegramMethod[TelegramType]
    ) -> Response[TelegramType]:
        """Make the call and pass on what it brings."""
        began = time.perf_counter()
        try:
            return await make_request(bot, method)
        except TelegramRetryAfter:
            self._meter.count(Counted.TELEGRAM_FLOOD)
            raise
        except (TelegramAPIError, TimeoutError, OSError) as error:
            lost = isinstance(error, TelegramNetworkError | TelegramServerError | TimeoutError | OSError)
            self._meter.count(Counted.TELEGRAM_ERROR, "unreachable" if lost else "refused")
            raise
        finally:
            self._meter.time(Timed.TELEGRAM_CALL, time.perf_counter() - began, method.__api_method__)


class TimedAnswers:
    """Passes answers on, and measures from the update's receipt to the first of them that the chat took."""

    def __init__(self, answers: Answers, clock: Clock, meter: Meter) -> None:
        self._answers = answers
        self._clock = clock
        self._meter = meter

    async def send(self, chat_id: int, thread_id: int | None, rendered: Rendered, reply_to: int | None) -> Answered:
        """Send a message."""
        return self._measured(await self._answers.send(chat_id, thread_id, rendered, reply_to))

    async def edit(self, chat_id: int, message_id: int, rendered: Rendered, has_photo: bool, *, reading: bool) -> Answered:
        """Change a message in place."""
        return self._measured(await self._answers.edit(chat_id, message_id, rendered, has_photo, reading=reading))

    async def delete(self, chat_id: int, message_id: int | None) -> None:
        """Take a message of the bot away."""
        await self._answers.delete(chat_id, message_id)

    async def take_away(self, chat_id: int, message_id: int) -> bool:
        """Delete what a person wrote; tell whether the chat let the bot."""
        return await self._answers.take_away(chat_id, message_id)

    async def send_file(self, chat_id: int, name: str, content: bytes, caption: str) -> bool:
        """Send a file; tell whether the chat took it."""
        taken = await self._answers.send_file(chat_id, name, content, caption)
        if taken:
            self._seen()
        return taken

    async def whisper(self, chat_id: int, thread_id: int | None, person_id: int, callback_id: str, rendered: Rendered) -> bool:
        """Show a message in a group to the one who tapped; tell whether the server took it."""
        shown = await self._answers.whisper(chat_id, thread_id, person_id, callback_id, rendered)
        if shown:
            self._seen()
        return shown

    async def toast(self, callback_id: str, text: str, alert: bool, url: str | None) -> bool:
        """Answer a tap; tell whether the person can have seen it."""
        seen = await self._answers.toast(callback_id, text, alert, url)
        if seen:
            self._seen()
        return seen

    def _measured(self, answered: Answered) -> Answered:
        if answered is Answered.SEEN:
            self._seen()
        return answered

    def _seen(self) -> None:
        ticket = current_update.get()
        if ticket is None or ticket.received_at is None or ticket.answered:
            return
        ticket.answered = True
        self._meter.time(Timed.ANSWER, (self._clock.now() - ticket.received_at).total_seconds())


def crash_counter(meter: Meter) -> Callable[[str, BaseException, str], None]:
    """Return what the nursery calls with a crashed task's name: of it only the first word is kind and not name."""

    def count(name: str, _error: BaseException, _error_id: str) -> None:
        meter.count(Counted.TASK_CRASH, name.split(" ", 1)[0])

    return count
