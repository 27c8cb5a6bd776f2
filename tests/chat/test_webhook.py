"""Updates by webhook: only with the secret, each once, and taken only when it is kept."""

from __future__ import annotations

import io
import json
import secrets
import socket
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bot.webhook import MAX_BODY
from services.domain.errors import Misconfigured
from services.storage import tables
from tests.chat.rig import ANN, CARL, TOM, ChatRig, Sandboxed, chat_desk, data_of, sandboxed, text_of
from tests.chat.state import changed, state

HEADER = "X-Telegram-Bot-Api-Secret-Token"


@dataclass
class Hooked:
    """A desk that is posted to."""

    rig: ChatRig
    box: Sandboxed
    url: str
    secret: str

    async def post(self, body: bytes, secret: str | bytes | None) -> int:
        """Post to the desk as anybody on its network could, and return the status."""
        given = secret.decode(errors="surrogateescape") if isinstance(secret, bytes) else secret
        headers = {"Content-Type": "application/json"} | ({HEADER: given} if given is not None else {})
        async with aiohttp.ClientSession() as session, session.post(self.url, data=io.BytesIO(body), headers=headers) as answer:
            return answer.status


def telegram_by_webhook(secret: str) -> dict[str, Any]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}/telegram"
    return {"mode": "webhook", "webhook_url": url, "webhook_secret": secret, "webhook_port": port}


@asynccontextmanager
async def hooked(folder: Path, **groups: Any) -> AsyncIterator[Hooked]:
    secret = secrets.token_urlsafe(24)
    telegram = telegram_by_webhook(secret)
    async with sandboxed() as box, chat_desk(folder, box, telegram=telegram, **groups) as rig:
        yield Hooked(rig=rig, box=box, url=telegram["webhook_url"], secret=secret)


def said(number: int, person: int, text: str, rig: ChatRig) -> bytes:
    name = rig.world.people[person].name
    sender = {"id": person, "is_bot": False, "first_name": name}
    chat = {"id": person, "type": "private", "first_name": name}
    message = {"message_id": 1, "date": int(rig.clock.now().timestamp()), "from": sender, "chat": chat, "text": text}
    return json.dumps({"update_id": number, "message": message}).encode()


async def test_a_whole_trade_by_webhook(tmp_path: Path) -> None:
    async with hooked(tmp_path) as hook:
        rig = hook.rig
        card = await rig.trade(ANN)
        await rig.press(ANN, card, "Close")
        await rig.press(ANN, await rig.reads(card, "at market?"), "Close")
        await rig.reads(card, "closed at market")
        await rig.ask(CARL, "/halt drill", "🛑 HALTED by Carl")
        await rig.settled()

        assert rig.world.webhook.url == hook.url
        assert not rig.world.webhook.last_error
        assert "intake" not in rig.graph.stages.not_ready()


async def test_a_desk_that_changes_its_way_finds_what_was_said_meanwhile(tmp_path: Path) -> None:
    async with sandboxed() as box:
        async with chat_desk(tmp_path, box, telegram=telegram_by_webhook(secrets.token_urlsafe(24))) as rig:
            preview = await rig.preview(ANN)
        rig.world.say(TOM, "/whoami")
        async with chat_desk(tmp_path, box) as rig:
            await rig.message(TOM, "tom-paper")
            assert (await rig.press(ANN, preview, "Confirm")).startswith("Approved")
            assert not rig.world.webhook.url


@pytest.mark.parametrize("kind", ["none", "empty", "wrong", "longer", "not_text"])
async def test_without_the_secret_nothing_is_taken(tmp_path: Path, kind: str) -> None:
    async with hooked(tmp_path) as hook:
        await hook.rig.settled()
        before, stored = await state(hook.rig), await hook.rig.count(tables.updates)
        given = {
            "none": None,
            "empty": "",
            "wrong": secrets.token_urlsafe(24),
            "longer": f"{hook.secret}x",
            "not_text": b"\xff\xfe\xe9",
        }[kind]

        status = await hook.post(said(9_000_000, CARL, "/halt forged", hook.rig), given)

        assert status == 401
        assert await hook.rig.count(tables.updates) == stored
        assert await changed(hook.rig, before) == []
        assert await hook.post(said(9_000_001, CARL, "/halt real", hook.rig), hook.secret) == 200
        await hook.rig.message(CARL, "🛑 HALTED by Carl")


async def test_a_taken_port_stops_the_start_and_names_the_setting(tmp_path: Path) -> None:
    async with hooked(tmp_path / "first") as first:
        port = int(first.url.split(":")[2].split("/")[0])
        second = {**telegram_by_webhook(secrets.token_urlsafe(24)), "webhook_port": port}
        with pytest.raises(Misconfigured) as stopped:
            async with chat_desk(tmp_path / "second", first.box, telegram=second):
                raise AssertionError("it started")

    assert stopped.value.code == "WEBHOOK_PORT"
    assert stopped.value.values["key"] == "telegram.webhook_port"


async def test_an_update_that_comes_twice_has_one_effect(tmp_path: Path) -> None:
    async with hooked(tmp_path) as hook:
        rig = hook.rig
        rig.world.faults.switch_on("duplicate_updates")
        preview = await rig.preview(ANN)
        await rig.press(ANN, preview, "Confirm")
        await rig.reads(preview, "at the venue")
        mark = rig.mark(TOM)
        await rig.say(TOM, "/whoami")
        await rig.message(TOM, "tom-paper", after=mark)
        again = said(9_000_000, TOM, "/positions", rig)
        assert [await hook.post(again, hook.secret) for _ in range(3)] == [200, 200, 200]
        await rig.message(TOM, "Positions", after=mark)
        await rig.settled()

        assert rig.world.faults.fired["duplicate_updates"] >= 3
        assert len(await rig.trades_of(ANN)) == 1
        assert sum("tom-paper" in text_of(message) for message in rig.since(mark, TOM)) == 1
        assert sum("Positions" in text_of(message) for message in rig.since(mark, TOM)) == 1


GARBAGE = {
    "nothing": b"",
    "no_json": b"\x00\xff not json",
    "list": b"[]",
    "null": b"null",
    "no_id": b'{"message": {"text": "/halt"}}',
    "text_id": b'{"update_id": "7"}',
    "true_id": b'{"update_id": true}',
    "negative_id": b'{"update_id": -1}',
    "huge_id": b'{"update_id": 9223372036854775808}',
    "endless_id": b'{"update_id": ' + b"9" * 5000 + b"}",
    "deep": b"[" * 200_000,
}


async def test_garbage_is_refused_and_stores_nothing(tmp_path: Path) -> None:
    async with hooked(tmp_path) as hook:
        await hook.rig.settled()
        stored = await hook.rig.count(tables.updates)

        found = {name: await hook.post(body, hook.secret) for name, body in GARBAGE.items()}
        too_big = await hook.post(b'{"update_id": 1, "text": "' + b"x" * MAX_BODY + b'"}', hook.secret)

        assert found == dict.fromkeys(GARBAGE, 400)
        assert too_big == 413
        assert await hook.rig.count(tables.updates) == stored


ODD = {
    "unknown_kind": b'{"update_id": %d, "poll": {}}',
    "no_sender": b'{"update_id": %d, "message": {"text": "/halt"}}',
    "sender_without_number": b'{"update_id": %d, "message": {"from": {"id": "x"}, "text": "/halt"}}',
    "half_a_pair": b'{"update_id": %d, "message": {"from": {"id": 1001}, "text": "\\ud83d"}}',
    "message_is_a_list": b'{"update_id": %d, "message": []}',
}


async def test_updates_of_an_odd_shape_are_taken_and_hold_nothing_up(tmp_path: Path) -> None:
    async with hooked(tmp_path) as hook:
        found = {name: await hook.post(body % (9_000_000 + at), hook.secret) for at, (name, body) in enumerate(ODD.items())}
        await hook.rig.ask(ANN, "/whoami", "ann-paper")
        await hook.rig.settled()

        assert found == dict.fromkeys(ODD, 200)

        async def everything_ended() -> bool:
            rows = await hook.rig.read(lambda unit: unit.all(tables.updates.select()))
            return all(row.state == "done" for row in rows)

        await hook.rig.until(everything_ended, "every update has an end")


async def test_what_cannot_be_kept_is_not_taken_and_comes_again(tmp_path: Path) -> None:
    async with hooked(tmp_path, database={"busy_timeout_s": 0.1}) as hook:
        rig = hook.rig
        await rig.settled()
        mark = rig.mark(TOM)
        update = said(9_000_000, TOM, "/whoami", rig)
        other = sqlite3.connect(tmp_path / "sortie.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")

        refused = await hook.post(update, hook.secret)
        other.execute("ROLLBACK")
        taken = await hook.post(update, hook.secret)
        # Read by another connection, at the moment of the answer: what was answered 200 is committed.
        row = other.execute("SELECT state FROM updates WHERE update_id = 9000000").fetchone()
        other.close()
        await rig.message(TOM, "tom-paper", after=mark)
        await rig.settled()

        assert (refused, taken) == (503, 200)
        assert row is not None
        assert sum("tom-paper" in text_of(message) for message in rig.since(mark, TOM)) == 1


async def test_a_server_that_forgot_the_address_is_told_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.webhook.LOOK_EVERY_S", 0.05)
    async with hooked(tmp_path) as hook:
        await hook.rig.ask(ANN, "/whoami", "ann-paper")
        hook.rig.world.webhook.url = ""

        await hook.rig.ask(ANN, "/menu", "What would you like")

        assert hook.rig.world.webhook.url == hook.url


async def test_a_press_of_another_webhook_s_button_is_refused(tmp_path: Path) -> None:
    async with hooked(tmp_path) as hook:
        preview = await hook.rig.preview(ANN)
        assert await hook.rig.forge(TOM, TOM, data_of(preview, "Confirm")) != ""
        assert not await hook.rig.trades_of(TOM)
