"""Canaries: no key of the desk is ever in a log, a message, a row or an error, whatever fails and whoever types it."""

from __future__ import annotations

import asyncio
import os
import secrets
import sqlite3
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from aiogram import Bot
from aiogram.client.session.middlewares.base import NextRequestMiddlewareType
from aiogram.exceptions import TelegramForbiddenError
from aiogram.methods import SendMessage, TelegramMethod
from aiogram.methods.base import Response, TelegramType

from bot.doctor_command import _json, _table
from bot.doctor_probes import desk_probes
from bot.logging import configure_logging
from bot.redaction import Redactor
from bot.system import SystemIds
from services.access.links import issue_claim
from services.operations.doctor import run_checks
from tests.chat.rig import ANN, CARL, SAM, TOM, ChatRig, Sandboxed, chat_desk, sandboxed, settings_for, text_of

ACCOUNT = ("api_key", "secret", "password")


@dataclass(frozen=True, slots=True, kw_only=True)
class Canaries:
    """What must not be found, by name."""

    values: Mapping[str, str]

    def found_in(self, text: str) -> list[str]:
        """Return which were found, each with the line where."""
        lines = text.splitlines()
        found = {name: next((line for line in lines if value in line), None) for name, value in self.values.items()}
        return [f"{name}: {line[:200]}" for name, line in found.items() if line is not None]


def written(folder: Path) -> str:
    """Return every file of a desk's folder as text, databases and their logs included."""
    return "\n".join(file.read_bytes().decode("utf-8", "replace") for file in folder.rglob("*") if file.is_file())


def rows(folder: Path) -> str:
    """Return every row of the desk's databases but the keys to its buttons, which have to stand somewhere."""
    lines: list[str] = []
    for file in folder.rglob("*.db"):
        with sqlite3.connect(file) as connection:
            lines += [line for line in connection.iterdump() if not line.startswith('INSERT INTO "tokens"')]
    return "\n".join(lines)


def said(box: Sandboxed) -> str:
    """Return all that the desk ever said: each message as it is now, each call with its parameters and its answer."""
    messages = [each for chat in box.world.messages.values() for each in chat.values()]
    mine = [text_of(each) + repr(each.keyboard) for each in messages if each.sender_id == box.world.bot.id]
    calls = [repr(each) for each in box.world.calls if each.method not in ("setWebhook", "getUpdates")]
    return "\n".join([*mine, *calls])


class Echo:
    """A chat server that repeats the address it was asked at in its refusals, as a proxy does."""

    def __init__(self, token: str) -> None:
        self._token = token
        self.left = 0

    async def __call__(
        self, make_request: NextRequestMiddlewareType[TelegramType], bot: Bot, method: TelegramMethod[TelegramType]
    ) -> Response[TelegramType]:
        if isinstance(method, SendMessage) and self.left:
            self.left -= 1
            raise TelegramForbiddenError(method=method, message=f"not served here: /bot{self._token}/sendMessage")
        return await make_request(bot, method)


async def fail_in_every_way(rig: ChatRig, box: Sandboxed, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the way to the chat break with the token in the address, a refusal repeat it, and a handler trip over it."""
    for kind in ("reset_before", "half_body", "server_error", "lost_reply"):
        rig.world.faults.switch_on(kind, count=2)
        await rig.ask(TOM, "/whoami", "tom-paper")
    echo = Echo(box.token)
    rig.graph.bot.session.middleware(echo)
    echo.left = 1
    await rig.say(TOM, "/whoami")
    await rig.until(lambda: not echo.left, "the refusal was heard")

    async def trip(*_: object) -> None:
        raise RuntimeError(f"cannot connect to {box.address}/bot{box.token}/sendMessage")

    with monkeypatch.context() as patched:
        patched.setattr(rig.graph.app.trading.skip.__class__, "__call__", trip)
        await rig.ask(TOM, "/skip", "Something went wrong here")


async def type_them(rig: ChatRig, canaries: Canaries) -> None:
    """Let people paste the desk's own keys where they can type."""
    for value in canaries.values.values():
        for text in (f"/{value[:20]} {value}", f"/settings {value}", f"/call {value} long sl 1", value):
            await rig.ask(TOM, text, "KEY_IN_CHAT")
        await rig.ask(CARL, f"/halt {value}", "🛑 HALTED by Carl")
        await rig.resume()


async def a_day(rig: ChatRig, box: Sandboxed, canaries: Canaries, monkeypatch: pytest.MonkeyPatch) -> str:
    """Trade, fail, type and ask the doctor; return what the doctor said."""
    await rig.trade(ANN)
    await rig.close_all(ANN)
    await fail_in_every_way(rig, box, monkeypatch)
    await type_them(rig, canaries)
    await rig.ask(CARL, "/doctor", "well")
    settings = rig.graph.settings
    well = await run_checks(desk_probes(settings, rig.clock), rig.clock)
    outage = rig.world.faults.switch_on("outage")
    ill = await run_checks(desk_probes(settings, rig.clock), rig.clock)
    rig.world.faults.switch_off(outage.id)
    await rig.settled()
    return "\n".join([repr(well), repr(ill), _json(ill), _table(ill)])


async def test_no_key_is_anywhere_after_a_day_of_failures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    async with sandboxed() as box:
        keys = {name: secrets.token_hex(32) for name in ("api_key", "secret", "password", "webhook_secret")}
        groups = {"telegram": {"webhook_secret": keys["webhook_secret"]}, "binance": {name: keys[name] for name in ACCOUNT}}
        configure_logging(settings_for(tmp_path, box, **groups, logs={"level": "DEBUG"}), console=False)
        canaries = Canaries(values=keys | {"token": box.token, "token's half": box.token.split(":")[1]})
        async with chat_desk(tmp_path, box, **groups) as rig:
            doctor = await a_day(rig, box, canaries, monkeypatch)
            answers = "\n".join(toast.text for toast in rig.toasts.values())
        shell = await ask_the_shell(tmp_path, box)

        assert canaries.found_in(doctor + answers) == []
        assert canaries.found_in(said(box)) == []
        assert canaries.found_in(rows(tmp_path)) == []
        assert canaries.found_in(written(tmp_path)) == []
        assert canaries.found_in(shell) == []
        assert canaries.found_in("".join(capfd.readouterr())) == []
        assert "handler.failed" in written(tmp_path)


async def ask_the_shell(folder: Path, box: Sandboxed) -> str:
    """Run `sortie doctor` with the chat server gone, and return all that it printed."""
    environment = os.environ | {
        "SORTIE_TELEGRAM__TOKEN": box.token,
        "SORTIE_TELEGRAM__API_BASE": "http://127.0.0.1:9",
        "SORTIE_DESK__STATE_DIR": str(folder),
    }
    command = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "bot",
        "doctor",
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    printed, _ = await command.communicate()
    assert b"telegram" in printed
    return printed.decode()


async def test_a_claim_is_in_no_row_but_its_own_and_in_no_message(tmp_path: Path) -> None:
    async with sandboxed(started=()) as box:
        configure_logging(settings_for(tmp_path, box, logs={"level": "DEBUG"}), console=False)
        async with chat_desk(tmp_path, box, people={}, chats={}) as rig:
            link = await rig.write(lambda unit: issue_claim(unit, SystemIds()))
            canary = Canaries(values={"claim": link.payload.removeprefix("claim_")})
            rig.world.start(SAM, link.payload)
            await rig.message(SAM, "commander")
            for late in (SAM, CARL):
                rig.world.start(late, link.payload)
            await rig.message(CARL, "this desk has a commander")
            rig.world.say(SAM, link.payload)
            rig.world.say(SAM, f"/halt {link.payload}")
            await rig.message(SAM, "🛑 HALTED by Sam")
            await rig.settled()

        assert canary.found_in(said(box)) == []
        assert canary.found_in(rows(tmp_path)) == []
        assert canary.found_in((tmp_path / "logs" / "sortie.log").read_text(encoding="utf-8")) == []


async def test_without_the_redactor_the_canaries_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Redactor, "hide", lambda _self, text: text)
    async with sandboxed() as box:
        configure_logging(settings_for(tmp_path, box, logs={"level": "DEBUG"}), console=False)
        async with chat_desk(tmp_path, box) as rig:
            await fail_in_every_way(rig, box, monkeypatch)
            await rig.settled()

        assert Canaries(values={"token": box.token}).found_in(written(tmp_path / "logs"))
