"""The Bot API over HTTP: forms of a request, tokens, polls, files, and faults on the connection."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import pytest

from sandbox.telegram.world import ANN

from .pictures import png
from .running import Running, new_token, running

TERMINATED = "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running"


async def until(condition: Callable[[], Any], seconds: float = 5.0) -> None:
    """Wait until a condition holds."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "not so in time"
        await asyncio.sleep(0.005)


async def test_every_wire_form_says_the_same() -> None:
    async with running() as server:
        url = f"{server.url}/bot{server.token}/sendMessage"
        keys = json.dumps({"inline_keyboard": [[{"text": "Go", "callback_data": "go"}]]})
        form = {"chat_id": str(ANN), "text": "hé", "reply_markup": keys, "disable_notification": "true"}
        parts = aiohttp.FormData(form, default_to_multipart=True)
        as_json = {"chat_id": ANN, "text": "hé", "reply_markup": json.loads(keys), "disable_notification": True}
        requests: list[Callable[[], Awaitable[aiohttp.ClientResponse]]] = [
            lambda: server.http.get(url, params=form),
            lambda: server.http.post(url, data=form),
            lambda: server.http.post(url, data=parts),
            lambda: server.http.post(url, json=as_json),
            lambda: server.http.post(url, json=form),
            lambda: server.http.post(url.replace("sendMessage", "SENDmessage"), json=as_json),
        ]
        for request in requests:
            answer = await request()
            assert answer.status == 200, await answer.text()
        messages = list(server.world.messages[ANN].values())

    assert len(messages) == len(requests)
    assert {(one.body.text, one.silent, one.keyboard[0][0]["callback_data"]) for one in messages} == {
        ("hé", True, "go")
    }  # fmt: skip


@pytest.mark.parametrize(
    ("body", "kind", "words"),
    [
        (b"chat_id=1&chat_id=2", "application/x-www-form-urlencoded", 'Bad Request: duplicated parameter "chat_id"'),
        (b"text=%ff", "application/x-www-form-urlencoded", "Bad Request: strings must be encoded in UTF-8"),
        (b"\xff", "application/json", "Bad Request: strings must be encoded in UTF-8"),
        (b'{"text":"\\ud800"}', "application/json", "Bad Request: strings must be encoded in UTF-8"),
        (b"[1]", "application/json", "Bad Request: can't parse request: object expected"),
        (b'{"a":1,"a":2}', "application/json", "Bad Request: can't parse request: an object names a field twice"),
        (b"x", "text/plain", "Bad Request: unsupported content type text/plain"),
    ],
)
async def test_unreadable_request_is_refused(body: bytes, kind: str, words: str) -> None:
    async with running() as server:
        url = f"{server.url}/bot{server.token}/sendMessage"
        async with server.http.post(url, data=body, headers={"Content-Type": kind}) as answer:
            assert (answer.status, (await answer.json())["description"]) == (400, words)


async def test_part_named_twice_is_refused() -> None:
    async with running() as server:
        form = aiohttp.FormData({"chat_id": str(ANN)})
        form.add_field("photo", png(), filename="a.png")
        form.add_field("photo", png(), filename="b.png")
        async with server.http.post(f"{server.url}/bot{server.token}/sendPhoto", data=form) as answer:
            assert (await answer.json())["description"] == 'Bad Request: duplicated part "photo"'


async def test_foreign_token_is_unauthorized_and_unknown_method_not_found() -> None:
    async with running() as server:
        for path, status, words in (
            (f"bot{new_token()}/getMe", 401, "Unauthorized"),
            ("bot1:x/getMe", 401, "Unauthorized"),
            (f"file/bot{new_token()}/photos/file_1.png", 401, "Unauthorized"),
            (f"bot{server.token}/getNonsense", 404, "Not Found"),
        ):
            async with server.http.get(f"{server.url}/{path}") as answer:
                body = await answer.json()
                assert (answer.status, body["error_code"], body["description"]) == (status, status, words)
        async with server.http.put(f"{server.url}/bot{server.token}/getMe") as answer:
            assert answer.status == 405


async def test_uploaded_photo_is_downloaded_again() -> None:
    async with running() as server:
        form = aiohttp.FormData({"chat_id": str(ANN), "caption": "chart"})
        form.add_field("photo", png(40, 30), filename="chart.png", content_type="image/png")
        async with server.http.post(f"{server.url}/bot{server.token}/sendPhoto", data=form) as answer:
            photo = (await answer.json())["result"]["photo"][-1]
        stored = (await server.call("getFile", file_id=photo["file_id"]))["result"]
        async with server.http.get(f"{server.url}/file/bot{server.token}/{stored['file_path']}") as answer:
            content = await answer.read()
        async with server.http.get(f"{server.url}/file/bot{server.token}/photos/none.png") as answer:
            missing = answer.status

    assert (photo["width"], photo["height"], content) == (40, 30, png(40, 30))
    assert missing == 404


async def test_poll_is_held_until_something_happens() -> None:
    async with running() as server:
        poll = asyncio.create_task(server.call("getUpdates", timeout=30))
        await until(lambda: server.world.updates.held)
        server.world.say(ANN, "now")
        answer = await asyncio.wait_for(poll, 5)
        empty = await server.call("getUpdates", offset=answer["result"][0]["update_id"] + 1, timeout=0)

    assert answer["result"][0]["message"]["text"] == "now"
    assert empty["result"] == []


async def test_second_poll_ends_the_first_with_a_conflict() -> None:
    async with running() as server:
        first = asyncio.create_task(server.call("getUpdates", timeout=30))
        await until(lambda: server.world.updates.held)
        second = asyncio.create_task(server.call("getUpdates", timeout=30))
        ended = await asyncio.wait_for(first, 5)
        server.world.say(ANN, "for the second")
        served = await asyncio.wait_for(second, 5)

    assert (ended["error_code"], ended["description"]) == (409, TERMINATED)
    assert served["result"][0]["message"]["text"] == "for the second"


async def test_poll_whose_bot_is_gone_ends() -> None:
    async with running() as server:
        poll = asyncio.create_task(server.call("getUpdates", timeout=30))
        await until(lambda: server.world.updates.held)
        poll.cancel()
        await until(lambda: not server.world.updates.held)
        server.world.say(ANN, "kept for the next")

        assert len((await server.call("getUpdates"))["result"]) == 1


async def test_setting_a_webhook_ends_a_held_poll() -> None:
    async with running() as server:
        poll = asyncio.create_task(server.call("getUpdates", timeout=30))
        await until(lambda: server.world.updates.held)
        await server.call("setWebhook", url="http://127.0.0.1:9/")
        ended = await asyncio.wait_for(poll, 5)

    assert ended["error_code"] == 409


async def test_kinds_are_remembered_while_the_poll_waits() -> None:
    async with running() as server:
        poll = asyncio.create_task(server.call("getUpdates", timeout=30, allowed_updates=["my_chat_member"]))
        await until(lambda: server.world.updates.held)
        server.world.say(ANN, "not wanted")
        server.world.block(ANN, blocked=True)
        answer = await asyncio.wait_for(poll, 5)

    assert [set(update) - {"update_id"} for update in answer["result"]] == [{"my_chat_member"}]


async def sent_under(server: Running, **fault: Any) -> Any:
    """Switch a fault on and send; return the answer, or the error of the connection."""
    server.world.faults.switch_on(**fault)
    try:
        return await server.call("sendMessage", chat_id=ANN, text="x")
    except (aiohttp.ClientError, ValueError) as error:
        return error


@pytest.mark.parametrize(
    ("kind", "error", "arrives"),
    [
        ("lost_reply", aiohttp.ServerDisconnectedError, True),
        ("reset_before", (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError), False),
        ("reset_after", (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError), True),
        ("half_body", aiohttp.ClientPayloadError, True),
        ("outage", (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError), False),
    ],
)
async def test_broken_connection(kind: str, error: type[Exception] | tuple[type[Exception], ...], arrives: bool) -> None:
    async with running() as server:
        outcome = await sent_under(server, kind=kind, count=1)
        again = await server.call("sendMessage", chat_id=ANN, text="again")

        assert isinstance(outcome, error)
        assert again["ok"]
        assert len(server.world.messages[ANN]) == (2 if arrives else 1)
        assert server.world.faults.fired == {kind: 1}


async def test_delayed_answer_comes_after_its_effect() -> None:
    async with running() as server:
        began = time.monotonic()
        sending = asyncio.create_task(sent_under(server, kind="delay", delay=0.2, count=1))
        await until(lambda: server.world.messages.get(ANN))
        arrived = time.monotonic() - began
        answer = await sending

        assert answer["ok"]
        assert arrived < 0.2 <= time.monotonic() - began


async def test_server_error_and_storm_are_told_as_telegram_does() -> None:
    async with running() as server:
        broken = await sent_under(server, kind="server_error", count=1)
        stormy = await sent_under(server, kind="too_many", retry_after=3, count=1)

    assert broken == {"ok": False, "error_code": 502, "description": "Bad Gateway"}
    assert stormy == {
        "ok": False, "error_code": 429, "description": "Too Many Requests: retry after 3",
        "parameters": {"retry_after": 3},
    }  # fmt: skip


async def test_outage_cuts_a_held_poll_and_refuses_new_ones_until_it_is_over() -> None:
    async with running() as server:
        poll = asyncio.create_task(server.call("getUpdates", timeout=30))
        await until(lambda: server.world.updates.held)
        server.world.faults.switch_on("outage")
        with pytest.raises(aiohttp.ClientError):
            await asyncio.wait_for(poll, 5)
        with pytest.raises(aiohttp.ClientError):
            await server.call("getUpdates")
        server.world.faults.switch_off()

        assert (await server.call("getMe"))["ok"]


async def test_server_stops_at_once_with_a_poll_held_and_a_page_open() -> None:
    async with running() as server:
        poll = asyncio.create_task(server.call("getUpdates", timeout=30))
        events = await server.http.get(f"{server.url}/page/events")
        await until(lambda: server.world.updates.held)
        began = time.monotonic()
    stopped = time.monotonic() - began
    events.close()
    with pytest.raises((aiohttp.ClientError, RuntimeError)):
        await poll

    assert stopped < 1.5


async def test_fault_of_the_server_itself_is_a_500_that_is_logged() -> None:
    said = io.StringIO()
    handler = logging.StreamHandler(said)

    def broken() -> None:
        raise OSError("disk full")

    logging.getLogger().addHandler(handler)
    try:
        async with running(flush=broken) as server:
            answer = await server.call("sendMessage", chat_id=ANN, text="x")
    finally:
        logging.getLogger().removeHandler(handler)

    assert answer == {"ok": False, "error_code": 500, "description": "Internal Server Error"}
    assert "telegram.call_failed method=sendMessage" in said.getvalue()
    assert server.token not in said.getvalue()
