"""One event is one line of JSON, without secrets, wherever it came from."""

from __future__ import annotations

import errno
import io
import json
import logging
import stat
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import structlog

from bot.logging import PrivateRotatingFile, close_logging, configure_logging
from config.settings import Settings

from .canaries import random_bot_token, random_text

HOSTILE = [
    "a\r\nb",
    "a\x00b",
    "\x1b[31mred",
    "\u202egnp.exe",
    "\u2028",
    "\u2066x\u2069",
    '"},{"event":"forged',
    "\ud800",
    "\x85",
]


@pytest.fixture
def secrets() -> dict[str, str]:
    return {"token": random_bot_token(), "webhook": random_text(24)}


@pytest.fixture
def log_file(tmp_path: Path, secrets: dict[str, str]) -> Iterator[Path]:
    yield configure_logging(_settings(tmp_path, secrets), console=False)
    close_logging()


@contextmanager
def _kept_from_the_runner() -> Iterator[None]:
    """Keep log texts out of the test runner's report, which cannot carry every text that is tried here."""
    kept = [each for each in logging.root.handlers if type(each).__module__ == "_pytest.logging"]
    for handler in kept:
        logging.root.removeHandler(handler)
    yield
    for handler in kept:
        logging.root.addHandler(handler)


def _settings(folder: Path, secrets: dict[str, str], **logs: object) -> Settings:
    telegram = {"token": secrets["token"], "webhook_secret": secrets["webhook"]}
    return Settings.model_validate({"desk": {"state_dir": folder}, "telegram": telegram, "logs": logs})


def _events(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def test_event_has_time_level_name_correlation_and_fields(log_file: Path) -> None:
    with structlog.contextvars.bound_contextvars(correlation="c-7"):
        structlog.get_logger("desk").info("order.sent", order="o-1", legs=2)

    (event,) = _events(log_file)
    assert list(event)[:4] == ["at", "level", "event", "correlation"]
    assert event["at"].endswith("Z")
    assert (event["event"], event["correlation"], event["order"], event["legs"]) == ("order.sent", "c-7", "o-1", 2)


@pytest.mark.parametrize("hostile", HOSTILE, ids=ascii)
def test_hostile_text_stays_one_line(log_file: Path, hostile: str) -> None:
    with _kept_from_the_runner():
        structlog.get_logger().info("chat.named", title=hostile, **{f"key{hostile}": hostile}, nested=[{"x": hostile}])
        logging.getLogger("aiogram").warning("name %s", hostile)
        try:
            raise ValueError(hostile)
        except ValueError:
            structlog.get_logger().exception("chat.failed")

    raw = log_file.read_bytes()
    assert raw.count(b"\n") == 3
    assert not set(raw) & (set(range(32)) - {10})
    assert [event["event"] for event in _events(log_file)] == ["chat.named", "library.aiogram", "chat.failed"]


def test_canary_secrets_reach_no_line(log_file: Path, secrets: dict[str, str]) -> None:
    log = structlog.get_logger()
    for secret in secrets.values():
        with structlog.contextvars.bound_contextvars(correlation=secret):
            log.info("a.b", plain=secret, url=f"https://example.org/bot{secret}/x", deep={"k": [{"v": (secret,)}]})
        log.info(secret)
        logging.getLogger("ccxt.base").warning("signed %s", secret)
        try:
            raise ConnectionError(f"GET https://example.org/?signature={secret}")
        except ConnectionError:
            log.exception("c.d")
            logging.getLogger("apscheduler.scheduler").exception("job failed")
        log.info("stack.shown", stack_info=True, secret=secret)

    text = log_file.read_text(encoding="utf-8")
    assert len(_events(log_file)) == 12
    for secret in secrets.values():
        assert secret not in text
        assert secret.rsplit(":", maxsplit=1)[-1] not in text


def test_library_line_keeps_its_logger_and_its_words(log_file: Path) -> None:
    logging.getLogger("aiogram.dispatcher").warning("polling %s", "stopped")

    (event,) = _events(log_file)
    assert (event["event"], event["logger"], event["message"]) == ("library.aiogram", "aiogram.dispatcher", "polling stopped")


def test_line_that_cannot_be_formatted_is_reported_without_its_text(
    log_file: Path, secrets: dict[str, str], capfd: pytest.CaptureFixture[str]
) -> None:
    record = logging.LogRecord("aiogram", logging.ERROR, "x.py", 1, "%d", (secrets["webhook"],), None)
    (handler,) = (each for each in logging.getLogger().handlers if isinstance(each, PrivateRotatingFile))
    handler.handle(record)

    shown = capfd.readouterr()
    assert "log.lost aiogram TypeError" in shown.err
    assert secrets["webhook"] not in shown.err + shown.out


def test_a_line_that_is_lost_where_standard_error_is_full_too_ends_nothing(
    log_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Full(io.StringIO):
        def write(self, text: str) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

    (handler,) = (each for each in logging.getLogger().handlers if isinstance(each, PrivateRotatingFile))
    monkeypatch.setattr(handler, "stream", Full())
    monkeypatch.setattr("sys.stderr", Full())

    logging.getLogger("sortie").error("said to nobody")

    monkeypatch.undo()
    logging.getLogger("sortie").error("said again")
    assert _events(log_file)[-1]["message"] == "said again"


def test_uncaught_errors_are_logged_in_any_thread(log_file: Path, secrets: dict[str, str]) -> None:
    def fail() -> None:
        raise ValueError(secrets["token"])

    thread = threading.Thread(target=fail)
    thread.start()
    thread.join()
    try:
        fail()
    except ValueError as error:
        sys.excepthook(ValueError, error, error.__traceback__)

    assert [event["event"] for event in _events(log_file)] == ["thread.crashed", "process.crashed"]
    assert secrets["token"] not in log_file.read_text(encoding="utf-8")


def test_console_shows_one_line_for_a_person(
    tmp_path: Path, secrets: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logging(_settings(tmp_path, secrets), console=True)
    try:
        raise ValueError(f"broken {secrets['token']}")
    except ValueError:
        structlog.get_logger().exception("order.failed", note="a\nb")
    close_logging()

    (line,) = capsys.readouterr().err.splitlines()
    assert "order.failed" in line
    assert "ValueError: broken [hidden]" in line


def test_files_are_private_and_rotate(tmp_path: Path, secrets: dict[str, str]) -> None:
    file = configure_logging(_settings(tmp_path, secrets, max_bytes=100_000, backups=2), console=False)
    for number in range(40):
        structlog.get_logger().info("filler.written", number=number, text="x" * 10_000)
    close_logging()

    files = sorted(each.name for each in file.parent.iterdir())
    assert files == ["sortie.log", "sortie.log.1", "sortie.log.2"]
    if sys.platform != "win32":
        assert {stat.S_IMODE(each.stat().st_mode) for each in file.parent.iterdir()} == {0o600}
    assert _events(file)[-1]["number"] == 39


def test_level_holds_and_libraries_are_quiet_below_warning(tmp_path: Path, secrets: dict[str, str]) -> None:
    file = configure_logging(_settings(tmp_path, secrets, level="INFO"), console=False)
    structlog.get_logger().debug("too.fine")
    logging.getLogger("sqlalchemy.engine").info("SELECT 1")
    structlog.get_logger().info("just.right")
    close_logging()

    assert [event["event"] for event in _events(file)] == ["just.right"]


def test_a_logger_used_under_a_higher_level_speaks_again_under_a_lower(tmp_path: Path, secrets: dict[str, str]) -> None:
    kept = structlog.get_logger("kept")
    configure_logging(_settings(tmp_path / "first", secrets, level="ERROR"), console=False)
    kept.info("too.fine")
    file = configure_logging(_settings(tmp_path / "second", secrets, level="INFO"), console=False)
    kept.info("just.right")
    close_logging()

    assert [event["event"] for event in _events(file)] == ["just.right"]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes")
def test_a_state_folder_that_the_log_makes_is_its_owners_alone(tmp_path: Path, secrets: dict[str, str]) -> None:
    folder = tmp_path / "desks" / "first"

    configure_logging(_settings(folder, secrets), console=False)
    close_logging()

    assert {stat.S_IMODE(each.stat().st_mode) for each in (folder, folder / "logs")} == {0o700}


def test_what_is_collected_on_standard_output_is_the_same_clean_lines(
    tmp_path: Path, secrets: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    file = configure_logging(_settings(tmp_path, secrets, stdout=True), console=False)
    try:
        structlog.get_logger("desk").info("order.sent", note=f"with {secrets['token']}")
    finally:
        close_logging()

    said = capsys.readouterr().out
    assert said.splitlines() == file.read_text(encoding="utf-8").splitlines()
    assert json.loads(said)["event"] == "order.sent"
    assert secrets["token"] not in said
