"""A key that somebody pastes leaves the chat and is nowhere else: not in the inbox, a row, a log or an answer."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

import bot.intake
from bot.logging import close_logging, configure_logging
from sandbox.telegram.chats import Member
from services.domain.key_shapes import looks_like_key
from tests.chat.rig import ANN, CARL, GROUP, SAM, TOM, ChatRig, Sandboxed, chat_desk, sandboxed, settings_for, text_of


def a_key() -> str:
    while not looks_like_key(drawn := secrets.token_urlsafe(48)):
        continue
    return drawn


def written(folder: Path) -> str:
    return "\n".join(file.read_bytes().decode("utf-8", "replace") for file in folder.rglob("*") if file.is_file())


def said(box: Sandboxed) -> str:
    messages = [each for chat in box.world.messages.values() for each in chat.values()]
    return "\n".join([*map(text_of, messages), *(repr(each) for each in box.world.calls if each.method != "getUpdates")])


async def paste(rig: ChatRig, person: int, text: str, expected: str, chat: int | None = None, **extra: Any) -> None:
    """Say something and wait for its answer, and until it is gone."""
    mark = rig.mark(person, chat)
    message = rig.world.say(person, text, chat_id=chat, **extra)
    await rig.message(person, expected, chat, after=mark)
    await rig.until(lambda: rig.world.find(message.key) is None, f"{text[:12]} is deleted")


async def paste_everywhere(rig: ChatRig, keys: Mapping[str, str]) -> None:
    await paste(rig, TOM, keys["bare"], "deleted and not kept")
    await paste(rig, TOM, f"/call BTCUSDT long sl {keys['argument']}", "KEY_IN_CHAT")
    await paste(rig, TOM, f"/start {keys['start']}", "KEY_IN_CHAT")
    await paste(rig, ANN, f"my key is {keys['group']}", "sortie keys set", GROUP)
    await paste(rig, SAM, keys["stranger"], "your id is 9001")
    await paste(rig, CARL, f"/halt {keys['halt']}", "🛑 HALTED by Carl")
    await rig.resume()


async def test_a_pasted_key_is_deleted_refused_and_nowhere_kept(tmp_path: Path) -> None:
    keys = {name: a_key() for name in ("bare", "argument", "start", "group", "stranger", "halt")}
    async with sandboxed(started=(ANN, TOM, CARL, SAM)) as box:
        configure_logging(settings_for(tmp_path, box, logs={"level": "DEBUG"}), console=False)
        async with chat_desk(tmp_path, box) as rig:
            await paste_everywhere(rig, keys)
            await rig.settled()
        close_logging()

        found = [name for name, key in keys.items() if key in written(tmp_path) + said(box)]
    assert found == []
    assert "chat.key_withheld" in written(tmp_path / "logs")


async def test_a_key_that_the_bot_may_not_delete_is_told_as_one(desk: ChatRig) -> None:
    desk.world.chats[GROUP].members[desk.world.bot.id] = Member(status="administrator", rights=frozenset())

    await desk.ask(TOM, a_key(), "you must delete it", GROUP)


async def test_an_inbox_that_is_not_looked_at_keeps_the_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bot.intake, "withhold", lambda update, **_: update)
    key = a_key()
    async with sandboxed() as box, chat_desk(tmp_path, box) as rig:
        await rig.ask(TOM, key, "I do not know")

        assert key in written(tmp_path)
