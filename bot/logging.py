"""Structured logs: JSON lines in the state folder, a console for people, secrets taken out where the line is written.

Events are dotted constants with fields. The correlation id comes from ``structlog.contextvars``: bind it where work enters
(``bound_contextvars(correlation=...)``) and every line below carries it, those of libraries too.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path
from types import TracebackType
from typing import Any

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from bot.redaction import Redactor, process_redactor, secrets_in
from config.settings import Settings

FILE = Path("logs") / "sortie.log"
# Libraries that narrate every request; their warnings are enough unless everything is wanted.
TALKATIVE = ("aiohttp", "aiogram.event", "apscheduler", "asyncio", "ccxt", "sqlalchemy", "aiosqlite", "alembic")
LINES_KEPT = ("exception", "stack")
OURS = ("at", "level")


class PrivateRotatingFile(RotatingFileHandler):
    """A rotated file that only its owner may read, and whose failure to write never prints what it was to write."""

    def _open(self) -> TextIOWrapper:
        return TextIOWrapper(open(self.baseFilename, f"{self.mode}b", opener=_private), encoding="utf-8")

    def emit(self, record: logging.LogRecord) -> None:
        """Write the line, into a new file when this one is full; formatted once, which is what a line costs."""
        try:
            line = self.format(record) + self.terminator
            if self.stream is None:
                self.stream = self._open()
            if 0 < self.maxBytes <= os.fstat(self.stream.fileno()).st_size + len(line.encode(errors="replace")):
                self.doRollover()
            self.stream.write(line)
            self.flush()
        except Exception:  # noqa: BLE001 - a log line must not end what it tells of; that it was lost is said
            self.handleError(record)

    def handleError(self, record: logging.LogRecord) -> None:
        """Say that a line was lost and why, without its text, which has not been cleaned."""
        kind = sys.exc_info()[0]
        # Standard error may lie on the same full disk.
        with suppress(OSError):
            sys.stderr.write(f"log.lost {record.name} {kind.__name__ if kind else 'unknown'}\n")


class _SharedFile(PrivateRotatingFile):
    """The log of a desk that may be running: written at its end, never turned over; ``failed`` when a line was lost."""

    failed = False

    def handleError(self, record: logging.LogRecord) -> None:
        self.failed = True


@contextmanager
def beside_the_desk(settings: Settings) -> Iterator[_SharedFile]:
    """Send what is logged within to the desk's log file; raise OSError where there is no desk, or it is another user's."""
    folder, file = settings.desk.state_dir, settings.desk.state_dir / FILE
    # A file that root makes is one that the desk could not write to afterwards.
    if not file.exists() and folder.stat().st_uid != os.geteuid():
        raise PermissionError(f"{folder} is another user's")
    file.parent.mkdir(mode=0o700, exist_ok=True)
    shared = _SharedFile(file, encoding="utf-8")
    shared.setFormatter(_formatter(_clean, _as_json))
    _install(settings, [shared], logging.ERROR)
    try:
        yield shared
    finally:
        close_logging()


def configure_logging(settings: Settings, *, console: bool | None = None) -> Path:
    """Send every logger of the process to the log file, to standard output where `logs.stdout` says so, and to a terminal.

    Returns the file. ``console`` overrides the look at the terminal. The settings' secrets are registered with the redactor
    first.
    """
    file = settings.desk.state_dir / FILE
    # Step by step: parents that mkdir makes on the way get the usual mode, and what is kept here is nobody else's.
    for folder in (settings.desk.state_dir, file.parent):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    to_file = PrivateRotatingFile(file, maxBytes=settings.logs.max_bytes, backupCount=settings.logs.backups, encoding="utf-8")
    to_file.setFormatter(_formatter(_clean, _as_json))
    handlers: list[logging.Handler] = [to_file]
    if settings.logs.stdout:
        handlers.append(_collected())
    if console if console is not None else sys.stderr.isatty():
        handlers.append(_console())
    _install(settings, handlers, logging.getLevelNamesMapping()[settings.logs.level])
    return file


def configure_shell_logging(settings: Settings) -> None:
    """Let a shell command say warnings and errors on standard error, cleaned, and write no file."""
    _install(settings, [_console()], logging.WARNING)


def _install(settings: Settings, handlers: list[logging.Handler], level: int) -> None:
    process_redactor.register(*secrets_in(settings))
    close_logging()
    root = logging.getLogger()
    for handler in handlers:
        root.addHandler(handler)
    root.setLevel(level)
    for name in TALKATIVE:
        logging.getLogger(name).setLevel(level if level <= logging.DEBUG else max(level, logging.WARNING))
    logging.captureWarnings(True)
    structlog.configure(
        # The level is asked for at each line: a logger that is kept from its first use would keep that day's level too.
        processors=[structlog.stdlib.filter_by_level, *_shared(), structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(logging.DEBUG),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    sys.excepthook = _log_crash
    threading.excepthook = _log_thread_crash


def _collected() -> logging.Handler:
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(_formatter(_clean, _as_json))
    return handler


def _console() -> logging.Handler:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_formatter(_clean, _shorten, structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())))
    return handler


def close_logging() -> None:
    """Flush and close what ``configure_logging`` opened, and give the process its own crash hooks back."""
    root = logging.getLogger()
    for handler in list(root.handlers):
        if isinstance(handler.formatter, structlog.stdlib.ProcessorFormatter):
            root.removeHandler(handler)
            handler.close()
    logging.captureWarnings(False)
    sys.excepthook = sys.__excepthook__
    threading.excepthook = threading.__excepthook__


def _formatter(*last: Processor) -> structlog.stdlib.ProcessorFormatter:
    return structlog.stdlib.ProcessorFormatter(
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
        foreign_pre_chain=[*_shared(), _name_foreign],
    )


def _shared() -> list[Processor]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
    ]


def _name_foreign(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Give a library's line a constant name, and keep its prose as a field."""
    event["message"] = event.get("event")
    event["event"] = f"library.{str(event.get('logger', 'root')).split('.')[0]}"
    return event


def _clean(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    return clean_event(event, process_redactor)


def clean_event(event: EventDict, redactor: Redactor) -> EventDict:
    """Return the event with every name and value cleaned, down to nested values and tracebacks."""
    ours = {name: event.pop(name) for name in OURS if name in event}
    lines = {name: event.pop(name) for name in LINES_KEPT if isinstance(event.get(name), str)}
    cleaned = redactor.plain(event)
    assert isinstance(cleaned, dict)
    return {**ours, **cleaned, **{name: redactor.clean(text, keep_lines=True) for name, text in lines.items()}}


def _as_json(_logger: WrappedLogger, _method: str, event: EventDict) -> str:
    first = {name: event.pop(name) for name in ("at", "level", "event", "correlation") if name in event}
    return json.dumps({**first, **event}, ensure_ascii=False, separators=(",", ":"))


def _shorten(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Leave the traceback and the date to the file: a person sees the last line and the time of day."""
    event["timestamp"] = str(event.pop("at"))[11:19]
    text = event.pop("exception", None)
    event.pop("stack", None)
    if isinstance(text, str) and text.strip():
        event["error"] = text.strip().splitlines()[-1]
    return event


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _log_crash(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    structlog.get_logger(__name__).critical("process.crashed", exc_info=(kind, error, trace))


def _log_thread_crash(arguments: Any) -> None:
    given = (arguments.exc_type, arguments.exc_value, arguments.exc_traceback)
    structlog.get_logger(__name__).critical("thread.crashed", thread=str(arguments.thread), exc_info=given)
