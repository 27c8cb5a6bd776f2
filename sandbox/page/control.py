"""The page's way to what runs the desk: its status, and its stop and start, at an address given at the start."""

from __future__ import annotations

import aiohttp
from aiohttp import web

_SECONDS = aiohttp.ClientTimeout(total=10)


class Control:
    """Pass `/page/control/...` on to the control address; 404 when there is none."""

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")
        self._session: aiohttp.ClientSession | None = None

    @property
    def present(self) -> bool:
        return bool(self._url)

    async def close(self) -> None:
        if self._session:
            await self._session.close()

    async def forward(self, request: web.Request) -> web.StreamResponse:
        """Pass one request on and its answer back."""
        if not self._url:
            return web.json_response({"error": "no control"}, status=404)
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=_SECONDS)
        address = f"{self._url}/{request.match_info['what']}"
        try:
            async with self._session.request(request.method, address) as answer:
                body = await answer.read()
                return web.Response(status=answer.status, body=body, content_type=answer.content_type)
        except (TimeoutError, aiohttp.ClientError) as error:
            return web.json_response({"error": f"control does not answer: {type(error).__name__}"}, status=502)
