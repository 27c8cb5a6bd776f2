"""Pages of others over HTTP: bounded in time, in size and in where they may lead."""

from __future__ import annotations

import zlib
from urllib.parse import urljoin, urlsplit

import aiohttp

from services.domain.news import SourceTrouble, Trouble
from services.market.news.fetching import Page

MOST_HOPS = 3
LONGEST_MARK = 200
_GZIP = 16 + zlib.MAX_WBITS
_HEADERS = {"User-Agent": "sortie", "Accept-Encoding": "gzip"}


class HttpFetch:
    """Gets pages of at most ``max_bytes``, unpacked, within ``timeout_s`` altogether."""

    def __init__(self, timeout_s: float, max_bytes: int) -> None:
        self._limit = aiohttp.ClientTimeout(total=timeout_s)
        self._max_bytes = max_bytes

    async def __call__(self, url: str, *, etag: str = "", modified: str = "") -> Page | None:
        """Return the page, or None when it is as these marks say; raise SourceTrouble when there is none to be had."""
        marks = {name: mark for name, mark in (("If-None-Match", etag), ("If-Modified-Since", modified)) if mark}
        try:
            # What is packed is unpacked here, where its size is bounded.
            async with aiohttp.ClientSession(
                timeout=self._limit, headers=_HEADERS | marks, cookie_jar=aiohttp.DummyCookieJar(), auto_decompress=False
            ) as session:
                return await self._follow(session, url)
        except TimeoutError as error:
            raise SourceTrouble(Trouble.HANGS, f"no whole answer within {self._limit.total:g} s") from error
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise SourceTrouble(Trouble.UNREACHABLE, type(error).__name__) from error

    async def _follow(self, session: aiohttp.ClientSession, url: str) -> Page | None:
        """Ask, and follow redirects within the same host; what leads elsewhere is somebody else's page."""
        for _ in range(MOST_HOPS + 1):
            async with session.get(url, allow_redirects=False) as answer:
                if answer.status == 304:
                    return None
                if answer.status in (301, 302, 303, 307, 308):
                    url = _same_host(url, answer.headers.get("Location", ""))
                    continue
                if answer.status != 200:
                    raise SourceTrouble(Trouble.STATUS, f"HTTP {answer.status}")
                body = self._unpacked(await self._read(answer), answer.headers.get("Content-Encoding", "identity"))
                return Page(body=body, etag=_mark(answer, "ETag"), modified=_mark(answer, "Last-Modified"))
        raise SourceTrouble(Trouble.REDIRECTED, f"more than {MOST_HOPS} redirects")

    async def _read(self, answer: aiohttp.ClientResponse) -> bytes:
        found = bytearray()
        async for part in answer.content.iter_any():
            found += part
            if len(found) > self._max_bytes:
                raise SourceTrouble(Trouble.TOO_LARGE, f"more than {self._max_bytes} bytes")
        return bytes(found)

    def _unpacked(self, body: bytes, encoding: str) -> bytes:
        if encoding == "identity":
            return body
        if encoding != "gzip":
            raise SourceTrouble(Trouble.ENCODED, f"packed as {encoding[:20]!r}")
        unpacking = zlib.decompressobj(_GZIP)
        try:
            found = unpacking.decompress(body, self._max_bytes + 1)
        except zlib.error as error:
            raise SourceTrouble(Trouble.ENCODED, "not what its gzip says") from error
        if len(found) > self._max_bytes:
            raise SourceTrouble(Trouble.TOO_LARGE, f"more than {self._max_bytes} bytes unpacked")
        return found


def _same_host(url: str, location: str) -> str:
    target = urljoin(url, location)
    old, new = urlsplit(url), urlsplit(target)
    upgraded = (old.scheme, new.scheme) == ("http", "https") and old.port is None and new.port is None
    if old.hostname != new.hostname or not (upgraded or (old.scheme, old.port) == (new.scheme, new.port)):
        raise SourceTrouble(Trouble.REDIRECTED, f"leads to {(new.hostname or 'nowhere')[:60]}")
    return target


def _mark(answer: aiohttp.ClientResponse, name: str) -> str:
    mark = answer.headers.get(name, "")
    return mark if len(mark) <= LONGEST_MARK and mark.isascii() and mark.isprintable() else ""
