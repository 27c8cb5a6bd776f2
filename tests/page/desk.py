"""What the page tests stand on: the sandbox as a process, a bot that speaks its API, and a control server."""

from __future__ import annotations

import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[2]
ANN, TOM, CARL, SAM = 1001, 1002, 2001, 9001
DESK = -1001000000001
READY_SECONDS = 20.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def post(url: str, body: dict[str, Any]) -> Any:
    """Post JSON and return the JSON of the answer; an HTTP error's body is raised as text."""
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=10) as response:
            return json.loads(response.read())
    except urllib.error.HTTPError as error:
        with error:
            raise AssertionError(f"{url}: {error.code} {error.read().decode()}") from None


def get(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=10) as response:
        return json.loads(response.read())


@dataclass(slots=True, kw_only=True)
class Sandbox:
    """The sandbox program, started and stopped as a process of its own."""

    folder: Path
    token: str = field(default_factory=lambda: f"7000001:{secrets.token_urlsafe(26)[:35]}")
    control_url: str = ""
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self, started: str = f"{ANN},{CARL}") -> None:
        """Start the program and wait until it says that it listens."""
        ready = self.folder / "ready.json"
        ready.unlink(missing_ok=True)
        command = [
            sys.executable, "-m", "sandbox", "--port", str(self.port), "--host", "127.0.0.1",
            "--state", str(self.folder / "state"), "--token", self.token, "--limits", "off",
            "--started", started, "--ready-file", str(ready),
        ]  # fmt: skip
        if self.control_url:
            command += ["--control-url", self.control_url]
        with (self.folder / "sandbox.log").open("ab") as log:
            self.process = subprocess.Popen(command, cwd=REPOSITORY, stdout=log, stderr=log)
        wait_for(lambda: ready.exists() or self.process is None or self.process.poll() is not None)
        if not ready.exists():
            raise AssertionError(f"the sandbox did not start: {(self.folder / 'sandbox.log').read_text()}")

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """End the program and wait for its end."""
        if self.process and self.process.poll() is None:
            os.kill(self.process.pid, how)
            self.process.wait(10)

    def bot(self) -> Bot:
        return Bot(self.url, self.token)

    def bootstrap(self) -> Any:
        """Read who and what exists."""
        return get(f"{self.url}/page/bootstrap")

    def page(self, path: str, body: dict[str, Any]) -> Any:
        """Do something on the page's API, as another person's browser would."""
        return post(f"{self.url}/page/{path}", body)


def wait_for(condition: Any, seconds: float = READY_SECONDS) -> None:
    """Wait until a condition holds; fail after `seconds`."""
    until = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > until:
            raise AssertionError(f"not so after {seconds} s")
        threading.Event().wait(0.02)


class Bot:
    """A bot that does what a test tells it, call by call."""

    def __init__(self, url: str, token: str) -> None:
        self._base = f"{url}/bot{token}"
        self._offset = 0

    def call(self, method: str, **parameters: Any) -> Any:
        """Call a method and return its result."""
        return post(f"{self._base}/{method}", parameters)["result"]

    def say(self, chat_id: int, text: str, **parameters: Any) -> int:
        """Send a text and return its message id."""
        return int(self.call("sendMessage", chat_id=chat_id, text=text, **parameters)["message_id"])

    def photo(self, chat_id: int, content: bytes, caption: str) -> int:
        """Send a picture and return its message id."""
        return self.upload("sendPhoto", chat_id, "photo", "chart.png", content, caption)

    def upload(self, method: str, chat_id: int, part: str, filename: str, content: bytes, caption: str) -> int:
        """Send a file as a multipart upload and return its message id."""
        boundary = secrets.token_hex(16)
        fields = (("chat_id", chat_id), ("caption", caption))
        body = [
            f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
            for name, value in fields
        ]
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="{part}"; filename="{filename}"\r\n'
        body += [head.encode(), b"Content-Type: application/octet-stream\r\n\r\n", content]
        body.append(f"\r\n--{boundary}--\r\n".encode())
        headers = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
        request = urllib.request.Request(f"{self._base}/{method}", b"".join(body), headers)
        with urllib.request.urlopen(request, timeout=10) as response:
            return int(json.loads(response.read())["result"]["message_id"])

    def update(self, kind: str) -> dict[str, Any]:
        """Wait for the next update of a kind, passing over the others."""
        until = time.monotonic() + READY_SECONDS
        while time.monotonic() < until:
            for update in self.call("getUpdates", offset=self._offset, limit=1, timeout=2):
                self._offset = int(update["update_id"]) + 1
                if kind in update:
                    return dict(update[kind])
        raise AssertionError(f"no {kind} update came")


class Control:
    """What the desk's supervisor answers the side panel, as a test sets it."""

    def __init__(self) -> None:
        self.desk = "running"
        self.checks = [{"number": 1, "name": "Every order traces to one tap", "status": "OK", "detail": ""}]
        self.terminals: list[dict[str, Any]] = []

    def answer(self, method: str, name: str) -> dict[str, Any]:
        """Answer a request by its last path part; kill and start change the desk's state."""
        if method == "POST":
            self.desk = {"kill": "stopped", "start": "running"}[name]
            return {"ok": True}
        return {
            "status": {"desk": self.desk, "pid": 4242, "uptime_s": 61, "playing": "a test market"},
            "venue": {"terminals": self.terminals},
            "verify": {"at": "2025-11-21T14:30:41Z", "checks": self.checks},
        }[name]


@contextmanager
def serve_control(control: Control) -> Iterator[str]:
    """Serve a control on loopback and yield its address."""

    class Handler(BaseHTTPRequestHandler):
        def reply(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            body = json.dumps(control.answer(self.command, self.path.rsplit("/", 1)[-1])).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = reply

        def log_message(self, format: str, *arguments: Any) -> None:
            """Keep the test's output quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
