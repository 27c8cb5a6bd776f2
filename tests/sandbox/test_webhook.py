"""Webhook delivery: the secret, order, retries, and methods in the answer."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from sandbox.telegram import webhook
from sandbox.telegram.world import ANN, CARL

from .running import Running, running, serving
from .test_http import until


@dataclass(slots=True)
class Hook:
    """A bot's end of the webhook that remembers what it got and answers as it is told."""

    url: str = ""
    got: list[dict[str, Any]] = field(default_factory=list)
    secrets: list[str | None] = field(default_factory=list)
    answers: list[web.Response] = field(default_factory=list)

    async def take(self, request: web.Request) -> web.Response:
        self.secrets.append(request.headers.get(webhook.PROOF_HEADER))
        self.got.append(await request.json())
        return self.answers.pop(0) if self.answers else web.Response()

    def texts(self) -> list[str]:
        return [update["message"]["text"] for update in self.got]


@asynccontextmanager
async def hooked(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[Running, Hook]]:
    monkeypatch.setattr(webhook, "_FIRST_PAUSE", 0.02)
    hook = Hook()
    app = web.Application()
    app.router.add_post("/hook", hook.take)
    async with serving(app) as url, running() as server:
        hook.url = f"{url}/hook"
        yield server, hook


async def test_updates_arrive_in_order_with_the_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    async with hooked(monkeypatch) as (server, hook):
        secret = secrets.token_urlsafe(16)
        server.world.say(ANN, "0")
        await server.call("setWebhook", url=hook.url, secret_token=secret)
        for number in range(1, 20):
            server.world.say(ANN, str(number))
        await until(lambda: len(hook.got) == 20)

        assert hook.texts() == [str(number) for number in range(20)]
        assert set(hook.secrets) == {secret}
        await until(lambda: not len(server.world.updates))
        assert (await server.call("getWebhookInfo"))["result"]["pending_update_count"] == 0


async def test_refused_update_comes_again_before_the_next_of_its_chat(monkeypatch: pytest.MonkeyPatch) -> None:
    async with hooked(monkeypatch) as (server, hook):
        hook.answers = [web.Response(status=500), web.Response(status=302)]
        await server.call("setWebhook", url=hook.url)
        server.world.say(ANN, "a")
        server.world.say(ANN, "b")
        await until(lambda: len(hook.got) == 4)
        info = (await server.call("getWebhookInfo"))["result"]

    assert hook.texts() == ["a", "a", "a", "b"]
    assert info["last_error_message"] == "Wrong response from the webhook: 302 Found"
    assert info["last_error_date"]


async def test_other_chats_do_not_wait_for_a_failing_one(monkeypatch: pytest.MonkeyPatch) -> None:
    async with hooked(monkeypatch) as (server, hook):
        monkeypatch.setattr(webhook, "_FIRST_PAUSE", 5.0)
        hook.answers = [web.Response(status=500)]
        await server.call("setWebhook", url=hook.url)
        server.world.say(ANN, "fails")
        await until(lambda: hook.got)
        server.world.say(CARL, "passes")
        await until(lambda: len(hook.got) == 2)

    assert hook.texts() == ["fails", "passes"]


async def test_duplicated_update_is_posted_twice_and_an_outage_delivers_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    async with hooked(monkeypatch) as (server, hook):
        await server.call("setWebhook", url=hook.url)
        server.world.faults.switch_on("duplicate_updates", count=1)
        server.world.say(ANN, "twice")
        await until(lambda: len(hook.got) == 2)
        outage = server.world.faults.switch_on("outage")
        server.world.say(ANN, "later")
        with pytest.raises(aiohttp.ClientError):
            await server.call("getMe")
        during = hook.texts()
        server.world.faults.switch_off(outage.id)
        await until(lambda: len(hook.got) == 3)

    assert during == ["twice", "twice"]
    assert hook.texts() == ["twice", "twice", "later"]


async def test_method_in_the_answer_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    async with hooked(monkeypatch) as (server, hook):
        hook.answers = [
            web.json_response({"method": "sendMessage", "chat_id": ANN, "text": "from the answer"}),
            web.Response(text="not JSON"),
            web.json_response({"method": "sendMessage", "chat_id": ANN, "text": ""}),
        ]
        await server.call("setWebhook", url=hook.url)
        for text in "abc":
            server.world.say(ANN, text)
        await until(lambda: not len(server.world.updates))

        assert "Sortie: from the answer" in server.world.transcript(ANN)
        assert server.world.calls[-1].description == "Bad Request: message text is empty"


async def test_unreachable_webhook_keeps_the_updates(monkeypatch: pytest.MonkeyPatch) -> None:
    async with hooked(monkeypatch) as (server, hook):
        await server.call("setWebhook", url="http://127.0.0.1:9/hook")
        server.world.say(ANN, "kept")
        await until(lambda: server.world.webhook.last_error)
        failure = server.world.webhook.last_error
        await server.call("setWebhook", url=hook.url)
        await until(lambda: hook.got)

    assert failure == "Connection refused"
    assert hook.texts() == ["kept"]


async def test_deleted_webhook_gives_the_updates_back_to_polling(monkeypatch: pytest.MonkeyPatch) -> None:
    async with hooked(monkeypatch) as (server, _):
        await server.call("setWebhook", url="http://127.0.0.1:9/hook")
        server.world.say(ANN, "kept")
        await server.call("deleteWebhook")

        assert len((await server.call("getUpdates"))["result"]) == 1
