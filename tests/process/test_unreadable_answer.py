"""What a proxy puts in the chat server's place is taken for an answer that got lost."""

from __future__ import annotations

import secrets
from collections.abc import AsyncGenerator
from typing import Any, cast

import pytest
from aiogram import Bot
from aiogram.client.session.base import BaseSession
from aiogram.exceptions import TelegramNetworkError
from aiogram.methods import TelegramMethod
from aiogram.methods.base import TelegramType

from bot.telegram import make_bot

PAGE = "<html><body><h1>502 Bad Gateway</h1></body></html>"


class _Proxied(BaseSession):
    """Gets every answer from a proxy."""

    def __init__(self, content: str) -> None:
        super().__init__()
        self._content = content

    async def make_request(
        self,
        bot: Bot,
        method: TelegramMethod[TelegramType],
        timeout: int | None = None,  # noqa: ASYNC109 - aiogram's signature
    ) -> TelegramType:
        answer = self.check_response(bot=bot, method=method, status_code=502, content=self._content)
        return cast(TelegramType, answer.result)

    def stream_content(self, *_: Any, **__: Any) -> AsyncGenerator[bytes, None]:
        raise NotImplementedError

    async def close(self) -> None:
        return


@pytest.mark.parametrize("content", [PAGE, '{"ok":true,"res', "[]"], ids=["page", "half", "other"])
async def test_answer_that_cannot_be_read_counts_as_lost(content: str) -> None:
    bot = make_bot(f"{secrets.randbelow(10**9)}:{secrets.token_hex(18)}", _Proxied(content))

    with pytest.raises(TelegramNetworkError):
        await bot.get_me()
