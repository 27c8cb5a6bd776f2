"""The page's API: what it shows, what it lets people do, and whom it answers."""

from __future__ import annotations

import asyncio
import base64
import json
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from sandbox.telegram.world import ANN, CARL, DESK, OLGA, SAM, TOM

from .pictures import picture, png
from .running import Running, running, serving

KEYS = {"inline_keyboard": [[{"text": "Go", "callback_data": "go", "style": "success"}], [
    {"text": "Copy", "copy_text": {"text": "64,180"}}, {"text": "Site", "url": "https://a.b/"},
]]}  # fmt: skip


class Events:
    """Read a stream of server-sent events."""

    def __init__(self, answer: aiohttp.ClientResponse) -> None:
        self._answer = answer

    async def next(self) -> tuple[int, str, dict[str, Any]]:
        """Wait for the next event: its id, its name, its data."""
        fields: dict[str, str] = {}
        while True:
            line = (await asyncio.wait_for(self._answer.content.readline(), 5)).decode().rstrip("\n")
            if line:
                name, _, value = line.partition(": ")
                fields[name] = value
            elif "data" in fields:
                return int(fields["id"]), fields["event"], json.loads(fields["data"])
            else:
                fields = {}


@asynccontextmanager
async def following(server: Running, last_id: int | None = None) -> AsyncIterator[Events]:
    headers = {} if last_id is None else {"Last-Event-ID": str(last_id)}
    async with server.http.get(f"{server.url}/page/events", headers=headers) as answer:
        assert answer.content_type == "text/event-stream"
        yield Events(answer)


async def test_bootstrap_names_everything_there_is() -> None:
    async with running() as server:
        boot = await server.page("bootstrap")

    assert boot["bot"]["username"] == "sortie_desk_bot"
    assert [person["name"] for person in boot["people"]] == ["Ann", "Tom", "Carl", "Cora", "Olga", "Sam"]
    chats = {chat["id"]: chat for chat in boot["chats"]}
    assert chats[ANN]["type"] == "private"
    assert [topic["name"] for topic in chats[DESK]["topics"]] == ["Missions", "Fills", "Risk", "Digest"]
    assert SAM not in chats[DESK]["members"]
    assert (boot["control"], boot["market"], boot["playing"]) == (False, None, "no market is played")


async def test_messages_as_the_page_knows_them() -> None:
    async with running() as server:
        await server.call("sendMessage", chat_id=ANN, text="<b>a</b> < b", parse_mode="MarkdownV2")
        await server.call("sendMessage", chat_id=ANN, text="<b>a</b> &lt; b", parse_mode="HTML", reply_markup=KEYS)
        photo = server.world.say(ANN, "look", photo=picture(40, 30), reply_to=1)
        shown = (await server.page(f"chats/{ANN}/messages?person={ANN}"))["messages"]
        newest = (await server.page(f"chats/{ANN}/messages?person={ANN}&limit=1"))["messages"]
        older = (await server.page(f"chats/{ANN}/messages?person={ANN}&before={photo.message_id}"))["messages"]
        async with server.http.get(server.url + shown[-1]["photo"]["url"]) as answer:
            content = await answer.read()
            assert answer.content_type == "image/png"

    card, picture_shown = shown
    assert card["html"] == "<b>a</b> &lt; b"
    assert card["from"] == {"id": server.world.bot.id, "name": "Sortie", "is_bot": True}
    assert card["buttons"] == [
        [{"text": "Go", "kind": "callback", "data": "go", "style": "success"}],
        [{"text": "Copy", "kind": "copy", "data": "64,180"}, {"text": "Site", "kind": "url", "url": "https://a.b/"}],
    ]
    assert picture_shown["reply_to"] == {"message_id": 1, "from_name": "Sortie", "text": "a < b"}
    assert (picture_shown["caption"], picture_shown["photo"]["width"]) == ("look", 40)
    assert content == png(40, 30)
    assert (newest, older) == ([picture_shown], [card])


async def test_people_act_over_http() -> None:
    async with running() as server:
        await server.page("start", {"person": TOM, "payload": "abc"})
        card = (await server.call("sendMessage", chat_id=TOM, text="card", reply_markup=KEYS))["result"]
        said = await server.page("say", {"person": TOM, "chat_id": TOM, "text": "hi", "reply_to": card["message_id"]})
        await server.page("edit", {"person": TOM, "chat_id": TOM, "message_id": said["message_id"], "text": "ho"})
        tapped = await server.page("tap", {"person": TOM, "chat_id": TOM, "message_id": card["message_id"], "data": "go"})
        labelled = await server.page("tap", {"person": TOM, "chat_id": TOM, "label": "Go"})
        await server.page("press", {"person": TOM, "chat_id": TOM, "data": "forged"})
        encoded = base64.b64encode(png()).decode()
        await server.page("say", {"person": TOM, "chat_id": TOM, "text": "pic", "photo": encoded})
        await server.page("forward", {"person": TOM, "from_chat_id": TOM, "message_id": said["message_id"], "chat_id": DESK})
        await server.page("say", {"person": CARL, "chat_id": DESK, "text": "anon", "as": "anonymous"})
        await server.page("say", {"person": CARL, "chat_id": DESK, "text": "chan", "as": "channel"})
        await server.page("block", {"person": TOM, "blocked": True})
        updates = (await server.call("getUpdates"))["result"]
        unread = await server.page(f"unread?person={CARL}")
        transcript = await (await server.http.get(f"{server.url}/page/transcript?chat_id={TOM}")).text()

    kinds = [next(key for key in update if key != "update_id") for update in updates]
    assert kinds == [
        "message", "message", "edited_message", "callback_query", "callback_query", "callback_query", "message",
        "message", "message", "message", "my_chat_member",
    ]  # fmt: skip
    assert tapped["callback_query_id"] != labelled["callback_query_id"]
    assert unread == {str(DESK): 3}
    assert transcript == "1 Tom: /start abc\n2 Sortie: card [Go] [Copy | Site]\n3 Tom: ho\n4 Tom: [photo] pic\n"


async def test_groups_and_newcomers_over_http() -> None:
    async with running() as server:
        nina = await server.page("person", {"name": "Nina"})
        await server.page("member", {"person": nina["id"], "chat_id": DESK, "joined": True})
        team = await server.page("group", {"title": "Team", "by": OLGA})
        await server.page("bot", {"chat_id": team["id"], "by": OLGA, "act": "promote"})
        moved = await server.page("migrate", {"chat_id": team["id"], "by": OLGA})
        await server.page("bot", {"chat_id": moved["id"], "by": OLGA, "act": "remove"})
        boot = await server.page("bootstrap")

    chats = {chat["id"]: chat for chat in boot["chats"]}
    assert nina["id"] in chats[DESK]["members"]
    assert chats[nina["id"]]["type"] == "private"
    assert moved["id"] in chats and team["id"] not in chats
    assert server.world.bot.id not in chats[moved["id"]]["members"]


async def test_events_follow_the_chat() -> None:
    async with running() as server, following(server) as events:
        sent = (await server.call("sendMessage", chat_id=ANN, text="card", reply_markup=KEYS))["result"]
        where = {"chat_id": ANN, "message_id": sent["message_id"]}
        tapped = await server.page("tap", {"person": ANN, **where, "data": "go"})
        await server.call("answerCallbackQuery", callback_query_id=tapped["callback_query_id"], text="Sent")
        await server.call("editMessageText", **where, text="filled")
        await server.call("pinChatMessage", **where)
        await server.call("sendMessage", chat_id=ANN, text="?", reply_markup={"force_reply": True})
        await server.call("sendChatAction", chat_id=ANN, action="typing")
        await server.call("setMyCommands", commands=[{"command": "go", "description": "Go"}])
        await server.page("faults", {"kind": "delay", "count": 1})
        await server.call("deleteMessage", **where)
        got: list[tuple[str, dict[str, Any]]] = []
        ids = []
        while not got or got[-1][0] != "delete":
            number, name, data = await events.next()
            ids.append(number)
            got.append((name, data))

    assert ids == sorted(set(ids))
    by_name = dict(got)
    assert [name for name, _ in got if name not in ("call", "chat")] == [
        "message", "toast", "edit", "message", "pin", "message", "keyboard", "typing", "commands", "faults",
        "faults", "delete",
    ]  # fmt: skip
    assert by_name["toast"]["text"] == "Sent"
    assert by_name["edit"]["text"] == "filled"
    assert by_name["pin"] == {"chat_id": ANN, "pinned": [sent["message_id"]]}
    assert by_name["keyboard"]["reply_keyboard"]["force_reply"] is True
    assert by_name["delete"] == where
    assert by_name["call"]["method"] == "setMyCommands"


async def test_stream_resumes_where_the_reader_was_or_tells_it_to_start_anew() -> None:
    async with running() as server:
        async with following(server) as events:
            await server.page("say", {"person": ANN, "chat_id": ANN, "text": "one"})
            first, *_ = await events.next()
        await server.page("say", {"person": ANN, "chat_id": ANN, "text": "two"})
        await server.page("say", {"person": ANN, "chat_id": ANN, "text": "three"})
        async with following(server, first) as events:
            resumed = [(await events.next())[2]["text"] for _ in range(2)]
        async with following(server, 5) as events:
            _, lost, _ = await events.next()

    assert resumed == ["two", "three"]
    assert lost == "reset"


async def test_faults_and_limits_are_switched_from_the_page() -> None:
    async with running() as server:
        on = await server.page("faults", {"kind": "too_many", "retry_after": 4, "seconds": 60})
        refused = await server.call("sendMessage", chat_id=ANN, text="x")
        listed = await server.page("faults")
        cleared = await server.page("faults", {"clear": True})
        limits = await server.page("limits", {"on": True})

    assert on["faults"][0]["kind"] == "too_many"
    assert refused["parameters"] == {"retry_after": 4}
    assert (listed["faults"][0]["fired"], listed["fired"]) == (1, {"too_many": 1})
    assert cleared["faults"] == []
    assert (limits, server.world.limits.on) == ({"on": True}, True)


async def test_calls_are_listed_with_their_answers_and_without_secrets() -> None:
    secret = secrets.token_urlsafe(16)
    async with running() as server:
        await server.call("sendMessage", chat_id=ANN, text="x")
        await server.call("sendMessage", chat_id=5, text="x")
        await server.call("setWebhook", url="http://127.0.0.1:9/", secret_token=secret)
        calls = (await server.page("calls"))["calls"]
        later = (await server.page(f"calls?since={calls[0]['number']}"))["calls"]
        everything = json.dumps(calls) + json.dumps(await server.page("bootstrap"))

    assert [(call["method"], call["ok"], call["error_code"]) for call in calls] == [
        ("sendMessage", True, 0), ("sendMessage", False, 400), ("setWebhook", True, 0),
    ]  # fmt: skip
    assert json.loads(calls[0]["answer"])["result"]["text"] == "x"
    assert later == calls[1:]
    assert server.token not in everything
    assert secret not in everything


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("say", {"person": ANN, "chat_id": ANN}),
        ("say", {"person": ANN, "chat_id": TOM, "text": "x"}),
        ("say", {"person": ANN, "chat_id": ANN, "text": 5}),
        ("say", {"person": ANN, "chat_id": ANN, "text": "x", "colour": "red"}),
        ("say", {"person": ANN, "chat_id": ANN, "text": "x", "photo": "!"}),
        ("tap", {"person": ANN, "chat_id": ANN, "message_id": 1, "data": "go"}),
        ("tap", {"person": ANN, "chat_id": ANN}),
        ("start", {"person": True}),
        ("faults", {"kind": "flood"}),
        ("bot", {"chat_id": DESK, "by": CARL, "act": "dance"}),
        ("updates", {"replay": 1}),
    ],
)
async def test_what_nobody_can_do_is_a_400_with_the_reason(path: str, body: dict[str, Any]) -> None:
    async with running() as server, server.http.post(f"{server.url}/page/{path}", json=body) as answer:
        assert answer.status == 400
        assert (await answer.json())["error"]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Origin": "http://127.0.0.1:1"}, 200),
        ({"Host": "localhost:80"}, 200),
        ({"Host": "[::1]:80"}, 200),
        ({"Host": "example.com"}, 403),
        ({"Host": "127.0.0.1.example.com"}, 403),
        ({"Origin": "https://example.com"}, 403),
        ({"Origin": "null"}, 403),
    ],
)
async def test_page_answers_this_machine_only(headers: dict[str, str], status: int) -> None:
    async with running() as server:
        for path in ("/page/bootstrap", "/", f"/page/transcript?chat_id={ANN}"):
            async with server.http.get(server.url + path, headers=headers) as answer:
                assert answer.status == status


async def test_form_of_another_site_cannot_act() -> None:
    async with running() as server:
        form = {"person": str(ANN), "chat_id": str(ANN), "text": "x"}
        async with server.http.post(f"{server.url}/page/say", data=form) as answer:
            assert answer.status == 400
        assert server.world.transcript(ANN) == ""


async def test_page_itself_is_served_with_a_policy() -> None:
    async with running() as server, server.http.get(f"{server.url}/") as answer:
        assert answer.content_type == "text/html"
        assert answer.headers["Content-Security-Policy"].startswith("default-src 'self'")


async def test_control_is_passed_on_or_absent() -> None:
    asked: list[tuple[str, str]] = []

    async def control(request: web.Request) -> web.Response:
        asked.append((request.method, request.path))
        return web.json_response({"desk": "running"}, status=202)

    app = web.Application()
    app.router.add_route("*", "/{any:.*}", control)
    async with serving(app) as url, running(control_url=url + "/") as server:
        async with server.http.get(f"{server.url}/page/control/status") as answer:
            passed = answer.status, await answer.json()
        await server.http.post(f"{server.url}/page/control/kill")
        boot = await server.page("bootstrap")
    async with running() as server, server.http.get(f"{server.url}/page/control/verify") as answer:
        absent = answer.status, await answer.json()
    async with running(control_url="http://127.0.0.1:9") as server:
        answer = await server.http.get(f"{server.url}/page/control/status")
        down = answer.status

    assert passed == (202, {"desk": "running"})
    assert asked == [("GET", "/status"), ("POST", "/kill")]
    assert boot["control"] is True
    assert absent == (404, {"error": "no control"})
    assert down == 502
