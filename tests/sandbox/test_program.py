"""The program: its flags, its end, and what survives `kill -9`."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from sandbox.telegram.world import ANN, DESK

from .conftest import BOT_ID
from .pictures import png
from .running import new_token

REPOSITORY = Path(__file__).resolve().parents[2]


class Program:
    """The sandbox as a process of its own over one state folder."""

    def __init__(self, folder: Path) -> None:
        self.token = new_token()
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self.url = ""

    def start(self, *flags: str) -> None:
        ready = self._folder / "ready.json"
        ready.unlink(missing_ok=True)
        command = [
            sys.executable, "-m", "sandbox", "--port", "0", "--state", str(self._folder / "state"),
            "--started", f"{ANN}", "--ready-file", str(ready), *flags,
        ]  # fmt: skip
        environment = os.environ | {"SANDBOX_TOKEN": self.token}
        self._process = subprocess.Popen(
            command, cwd=REPOSITORY, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        end = time.monotonic() + 20
        while not ready.exists():
            assert self._process.poll() is None, self._process.communicate()[0].decode()
            assert time.monotonic() < end
            time.sleep(0.01)
        said = json.loads(ready.read_text())
        assert said["pid"] == self._process.pid
        self.url = f"http://127.0.0.1:{said['port']}"

    def end(self, how: signal.Signals) -> tuple[int, bytes, float]:
        """Send a signal; return exit code, output and the seconds it took."""
        assert self._process
        began = time.monotonic()
        self._process.send_signal(how)
        output, _ = self._process.communicate(timeout=10)
        return self._process.returncode, output, time.monotonic() - began

    def close(self) -> None:
        if self._process and self._process.poll() is None:
            self._process.kill()
            self._process.communicate()

    def post(self, path: str, body: dict[str, Any]) -> Any:
        request = urllib.request.Request(self.url + path, json.dumps(body).encode(), {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)

    def get(self, path: str) -> bytes:
        with urllib.request.urlopen(self.url + path, timeout=10) as answer:
            content: bytes = answer.read()
            return content

    def call(self, method: str, **parameters: Any) -> Any:
        return self.post(f"/bot{self.token}/{method}", parameters)["result"]


@contextmanager
def program(folder: Path) -> Iterator[Program]:
    one = Program(folder)
    try:
        yield one
    finally:
        one.close()


def everything(one: Program) -> dict[str, Any]:
    """Read all that a person or a bot can see of the server's state, twice read the same."""
    boot = json.loads(one.get("/page/bootstrap"))
    return {
        "people": boot["people"],
        "chats": sorted(boot["chats"], key=lambda chat: int(chat["id"])),
        "ann": json.loads(one.get(f"/page/chats/{ANN}/messages?person={ANN}")),
        "desk": json.loads(one.get(f"/page/chats/{DESK}/messages?person={ANN}")),
        "unread": json.loads(one.get(f"/page/unread?person={ANN}")),
        "updates": one.call("getUpdates"),
        "commands": one.call("getMyCommands"),
    }


def test_killed_program_comes_back_with_all_it_answered(tmp_path: Path) -> None:
    keys = {"inline_keyboard": [[{"text": "Go", "callback_data": "go"}]]}
    with program(tmp_path) as one:
        one.start("--limits", "off")
        confirmed = one.post("/page/say", {"person": ANN, "chat_id": ANN, "text": "confirmed 😀"})
        one.call("getUpdates", offset=one.call("getUpdates")[-1]["update_id"] + 1)
        card = one.call("sendMessage", chat_id=ANN, text="<b>card</b>", parse_mode="HTML", reply_markup=keys)
        where = {"chat_id": ANN, "message_id": card["message_id"]}
        one.call("editMessageText", **where, text="edited", reply_markup=keys)
        one.call("pinChatMessage", **where)
        one.call("deleteMessage", chat_id=ANN, message_id=confirmed["message_id"])
        tapped = one.post("/page/tap", {"person": ANN, **where, "data": "go"})
        nina = one.post("/page/person", {"name": "Nina"})
        one.post("/page/start", {"person": nina["id"]})
        one.post("/page/read", {"person": ANN, "chat_id": ANN, "message_id": card["message_id"]})
        whisper = {"receiver_user_id": ANN}
        one.call("sendMessage", chat_id=DESK, text="psst", ephemeral_message_parameters=whisper)
        one.call("setMyCommands", commands=[{"command": "go", "description": "Go"}])
        one.call("sendMessage", chat_id=ANN, text="?", reply_markup={"keyboard": [[{"text": "Yes"}]]})
        stored = one.post("/page/say", {"person": ANN, "chat_id": ANN, "text": "pic", "photo": _base64(png())})
        before = everything(one)
        picture_url = before["ann"]["messages"][-1]["photo"]["url"]
        one.end(signal.SIGKILL)
        one.start("--limits", "off")
        after = everything(one)
        picture = one.get(picture_url)
        answered = one.call("answerCallbackQuery", callback_query_id=tapped["callback_query_id"])
        one.post("/page/say", {"person": ANN, "chat_id": ANN, "text": "next"})
        last = one.call("getUpdates", offset=-1)[0]

    assert after == before
    assert picture == png()
    assert answered is True
    assert last["message"]["message_id"] == stored["message_id"] + 1
    assert last["update_id"] == before["updates"][-1]["update_id"] + 1


def test_webhook_and_counters_survive(tmp_path: Path) -> None:
    with program(tmp_path) as one:
        one.start()
        one.call("setWebhook", url="http://127.0.0.1:9/", allowed_updates=["message"])
        one.post("/page/say", {"person": ANN, "chat_id": ANN, "text": "x"})
        before = one.call("getWebhookInfo")
        ids = [one.post("/page/press", {"person": ANN, "chat_id": ANN, "data": "x"})["callback_query_id"]]
        one.end(signal.SIGKILL)
        one.start()
        after = one.call("getWebhookInfo")
        ids.append(one.post("/page/press", {"person": ANN, "chat_id": ANN, "data": "x"})["callback_query_id"])

    kept = ("url", "pending_update_count", "allowed_updates")
    assert [after[name] for name in kept] == [before[name] for name in kept]
    assert len(set(ids)) == 2


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_program_stops_cleanly_and_silently(tmp_path: Path, how: signal.Signals) -> None:
    with program(tmp_path) as one:
        one.start()
        request = urllib.request.Request(f"{one.url}/page/events")
        with urllib.request.urlopen(request, timeout=10) as events:
            code, output, seconds = one.end(how)
            events.read()

    assert (code, output) == (0, b"")
    assert seconds < 2


def test_only_its_token_opens_the_bot(tmp_path: Path) -> None:
    with program(tmp_path) as one:
        one.start()
        me = one.call("getMe")
        with pytest.raises(urllib.error.HTTPError) as refusal:
            one.get(f"/bot{new_token()}/getMe")
        refusal.value.close()

    assert (me["id"], refusal.value.code) == (BOT_ID, 401)


@pytest.mark.parametrize("flags", [["--token", "nonsense"], ["--started", "ann"], ["--host", "0.0.0.0"]])
def test_wrong_flags_end_with_what_to_change(flags: list[str]) -> None:
    command = [sys.executable, "-m", "sandbox", "--token", new_token(), *flags]
    ended = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=20, check=False)

    assert ended.returncode == 2
    assert "error:" in ended.stderr


def _base64(content: bytes) -> str:
    import base64

    return base64.b64encode(content).decode()
