"""The second channel through apprise itself, against servers that take, refuse, break, hang and are not there."""

from __future__ import annotations

import json
import secrets
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from bot.redaction import Redactor, secrets_in
from bot.second_channel import channel, say_through_apprise
from config.settings import Settings

pytest.importorskip("apprise")
# One of its plug-ins still imports what Python 3.13 takes away.
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr':DeprecationWarning")


@contextmanager
def serving(status: int, heard: list[dict[str, str]]) -> Iterator[int]:
    """Serve one answer on loopback, and keep what was said."""

    class Answer(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            heard.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)


@pytest.mark.parametrize(("status", "taken"), [(200, True), (403, False), (500, False)], ids=["takes", "refuses", "breaks"])
def test_a_server_is_told_and_its_answer_counts(status: int, taken: bool) -> None:
    heard: list[dict[str, str]] = []
    with serving(status, heard) as port:
        assert say_through_apprise(f"json://127.0.0.1:{port}", "Sortie: STOP_LATE", "1 urgent", 4) is taken

    assert [(each["title"], each["message"]) for each in heard] == [("Sortie: STOP_LATE", "1 urgent")]


def test_a_server_that_hangs_and_one_that_is_not_there_are_failures() -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        assert say_through_apprise(f"json://127.0.0.1:{mute.getsockname()[1]}", "t", "b", 0.6) is False
        port = mute.getsockname()[1]
    assert say_through_apprise(f"json://127.0.0.1:{port}", "t", "b", 0.6) is False


@pytest.mark.parametrize("address", ["nonsense", "teapot://x", "json://"])
def test_an_address_that_means_nothing_is_known_as_such(address: str) -> None:
    assert channel(address) is None
    with pytest.raises(ValueError, match="not an address"):
        say_through_apprise(address, "t", "b", 1)


def test_what_in_an_address_is_a_key_appears_in_no_log(tmp_path: Path) -> None:
    key, password = secrets.token_hex(12), secrets.token_hex(12)
    file = tmp_path / "urls"
    file.write_text(f"# mail\nmailtos://ann:{password}@mail.example?to=x\nslack://{key}/b\n", encoding="utf-8")
    redactor = Redactor(secrets_in(Settings(alerts={"urls_file": file})))

    said = redactor.clean(f"POST /services/{key} by ann with {password} at mail.example")
    assert key not in said and password not in said
    assert "mail.example" in said
