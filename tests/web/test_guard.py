"""The port's manners: who is let in, how much a request may be, and what nobody gets to read."""

from __future__ import annotations

import asyncio
import secrets
from pathlib import Path

import pytest

from bot import web
from bot.redaction import Redactor, secrets_in
from config.settings import Settings
from handlers.web.guard import MOST_ADDRESSES, Guard
from services.domain.errors import Misconfigured
from tests.web.conftest import Watched, watched_at

NOSNIFF = {"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store", "Server": "sortie"}


class Seconds:
    """Monotonic time in a test's hand."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 404),
        ("GET", "/v1/health/", 404),
        ("GET", "/metrics/../v1/secrets", 404),
        ("POST", "/v1/health", 405),
        ("DELETE", "/metrics", 405),
        ("HEAD", "/v1/health", 200),
        ("GET", "/metrics", 200),
    ],
)
async def test_only_two_paths_and_two_methods_are_answered(watched: Watched, method: str, path: str, status: int) -> None:
    watched.live()

    found, headers, text = await watched.get(path, method=method)

    assert found == status
    assert NOSNIFF.items() <= dict(headers).items()
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert headers["Connection"] == "close"
    assert text == "" if method == "HEAD" else len(text) > 0


@pytest.mark.parametrize(
    "request_text",
    [
        b"GET /v1/health HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
        b"GET /v1/health HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        b"GET /" + b"a" * 5000 + b" HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 9000 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"".join(b"X%d: a\r\n" % n for n in range(90)) + b"\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        b"GET /v1/health HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ],
    ids=["body", "chunks", "url", "header", "headers", "tls", "smuggled"],
)
async def test_too_much_and_nonsense_are_refused_plainly(watched: Watched, request_text: bytes) -> None:
    watched.live()

    answer = await watched.raw(request_text)

    assert answer.split(b" ")[1] in (b"400", b"413", b"414", b"431")
    assert b"aiohttp" not in answer
    assert b"Python" not in answer
    assert (await watched.get("/v1/health"))[0] == 200


async def test_a_request_that_never_ends_is_given_up(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    watched.live()
    monkeypatch.setattr(web, "CONNECTION_S", 0.2)

    answer = await watched.raw(b"GET /v1/health HTTP/1.1\r\nHost: a\r\nX-Slow: ")

    assert answer == b""
    assert (await watched.get("/v1/health"))[0] == 200


async def test_no_more_than_so_many_connections_are_held(watched: Watched) -> None:
    watched.live()
    assert watched.monitoring.web is not None
    held = [await asyncio.open_connection("127.0.0.1", watched.monitoring.web.port) for _ in range(web.MOST_CONNECTIONS + 8)]

    ended = [asyncio.create_task(reader.read()) for reader, _ in held]
    done, _ = await asyncio.wait(ended, timeout=40, return_when=asyncio.FIRST_COMPLETED)

    assert done
    for task in ended:
        task.cancel()
    for _, writer in held:
        writer.close()


def test_an_address_has_so_many_requests_a_minute_and_the_others_keep_theirs() -> None:
    seconds = Seconds()
    guard = Guard(None, 3, seconds)

    assert [guard.lets_in("1.1.1.1") for _ in range(4)] == [True, True, True, False]
    assert guard.lets_in("2.2.2.2")
    seconds.now += 20
    assert [guard.lets_in("1.1.1.1") for _ in range(2)] == [True, False]


def test_all_together_have_a_limit_and_a_flood_of_addresses_is_refused() -> None:
    guard = Guard(None, 3, Seconds())
    by_ten = [guard.lets_in(f"10.0.0.{n}") for n in range(40)]

    crowd = Guard(None, 100_000, Seconds())
    by_many = [crowd.lets_in(f"address {n}") for n in range(MOST_ADDRESSES + 1)]

    assert by_ten == [True] * 30 + [False] * 10
    assert by_many == [True] * MOST_ADDRESSES + [False]
    assert not guard.lets_in(None)


async def test_too_many_requests_are_answered_with_429(tmp_path: Path) -> None:
    async with watched_at(tmp_path, web={"per_minute": 2}) as watched:
        watched.live()
        found = [(await watched.get("/v1/health", key=watched.key))[0] for _ in range(3)]

    assert found == [200, 200, 429]


def test_the_key_is_known_by_its_value_and_scheme_alone() -> None:
    key = secrets.token_hex(16)
    guard, without = Guard(key, 10, Seconds()), Guard(None, 10, Seconds())

    assert guard.knows(f"Bearer {key}")
    assert guard.knows(f"bearer  {key} ")
    for wrong in (None, "", key, f"Basic {key}", f"Bearer {key}x", f"Bearer {key[:-1]}", "Bearer ", "Bearer \udcff"):
        assert not guard.knows(wrong)
        assert not without.knows(wrong)
    assert not without.knows("Bearer ")


async def test_beyond_this_machine_metrics_want_the_key(tmp_path: Path) -> None:
    async with watched_at(tmp_path, web={"listen": "0.0.0.0"}) as watched:
        watched.live()
        refused, headers, text = await watched.get("/metrics")
        given, _, _ = await watched.get("/metrics", key=watched.key)

    assert (refused, headers["WWW-Authenticate"], given) == (401, "Bearer", 200)
    assert "sortie_" not in text


async def test_a_taken_port_stops_the_start_and_names_the_setting(watched: Watched, tmp_path: Path) -> None:
    with pytest.raises(Misconfigured) as stopped:
        async with watched_at(tmp_path / "other", web={"port": watched.settings.web.port}):
            raise AssertionError("it opened")

    assert stopped.value.code == "WEB_PORT"
    assert stopped.value.values["key"] == "web.port"
    assert "is taken" in str(stopped.value.values["cause"])


@pytest.mark.parametrize("text", [None, "", "short", "with a space in the key"], ids=["missing", "empty", "short", "space"])
async def test_a_key_file_that_is_none_stops_the_start(tmp_path: Path, text: str | None) -> None:
    file = tmp_path / "web-key"
    if text is not None:
        file.write_text(text)

    with pytest.raises(Misconfigured) as stopped:
        async with watched_at(tmp_path, web={"key": None, "key_file": file}):
            raise AssertionError("it opened")

    assert stopped.value.code == "WEB_KEY"


def test_keys_and_addresses_of_watches_are_secrets(tmp_path: Path) -> None:
    key, file_key, ping = secrets.token_hex(16), secrets.token_hex(16), f"https://watch.example/{secrets.token_hex(8)}"
    (tmp_path / "key").write_text(file_key)
    given = Settings(web={"key": key}, heartbeat={"url": ping})
    filed = Settings(web={"key_file": tmp_path / "key"})

    redactor = Redactor({*secrets_in(given), *secrets_in(filed)})

    assert redactor.hide(f"{key} {file_key} {ping}").split() == ["[hidden]"] * 3
    assert key not in repr(given)
    assert ping not in repr(given)
