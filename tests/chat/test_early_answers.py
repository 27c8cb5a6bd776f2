"""A tap whose work takes long: it is answered without words in time, and what there is to say comes as a message."""

from __future__ import annotations

import asyncio

import pytest

from handlers.telegram import request
from handlers.telegram.request import Answered, Request, answered_in_time
from handlers.telegram.views.message import Rendered
from services.domain.people import Actor
from tests.chat.rig import ANN


class Heard:
    """Takes every answer and keeps what was said, toasts by themselves."""

    def __init__(self) -> None:
        self.toasts: list[str] = []
        self.messages: list[str] = []
        self.toasted = asyncio.Event()

    async def send(self, chat_id: int, thread_id: int | None, rendered: Rendered, reply_to: int | None) -> Answered:
        self.messages.append(rendered.text)
        return Answered.SEEN

    async def toast(self, callback_id: str, text: str, alert: bool, url: str | None) -> bool:
        self.toasts.append(text)
        self.toasted.set()
        return True


def tap(heard: Heard) -> Request:
    return Request(
        actor=Actor.job("tap", "tap"),
        username=None,
        chat_id=ANN,
        thread_id=None,
        is_group=False,
        chat_title="",
        args="",
        message_id=7,
        has_photo=False,
        callback_id="tap",
        answers=heard,  # type: ignore[arg-type]
        bot_username="desk",
    )


async def test_slow_work_is_answered_without_words_and_speaks_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request, "TAP_ANSWERED_S", 0.0)
    heard = Heard()
    one = tap(heard)

    async with answered_in_time(one):
        await heard.toasted.wait()
        await one.toast("Fired.")

    assert (heard.toasts, heard.messages) == ([""], ["Fired."])


async def test_quick_work_is_answered_once_with_its_words() -> None:
    heard = Heard()
    one = tap(heard)

    async with answered_in_time(one):
        await one.toast("Fired.")

    assert (heard.toasts, heard.messages) == (["Fired."], [])
