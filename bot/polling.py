"""The line on which updates are asked for: one connection that is kept, questions and answers as JSON."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import aiohttp

Ask = Callable[[Mapping[str, Any], float], Awaitable[object]]
"""A question and the seconds that it may take; raises aiohttp.ClientError, TimeoutError or ValueError without an answer."""
Line = Callable[[], AbstractAsyncContextManager[Ask]]


def http_line(url: str) -> Line:
    """Return what opens a line to a method of the Bot API."""

    @asynccontextmanager
    async def opened() -> AsyncIterator[Ask]:
        async with aiohttp.ClientSession(auto_decompress=True) as session:

            async def ask(question: Mapping[str, Any], seconds: float) -> object:
                limit = aiohttp.ClientTimeout(total=seconds)
                async with session.post(url, json=question, timeout=limit) as response:
                    answer: object = await response.json(content_type=None)
                return answer

            yield ask

    return opened
