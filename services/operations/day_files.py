"""Lines in files of a day: appended while it lasts, packed once it is over, and bounded in days and bytes."""

from __future__ import annotations

import gzip
import os
import re
import shutil
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import IO

import structlog

log = structlog.get_logger()
LINES, PACKED, PARTIAL = ".jsonl", ".jsonl.gz", ".partial"
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
# Lines of the last seconds of a day come in the first of the next.
OVER_AFTER = timedelta(minutes=10)


class NoRoom(Exception):
    """The day that is being written has all the room that there is."""


class DayFiles:
    """Keeps lines under ``folder``/day/name; all methods raise OSError when the disk refuses.

    A line is on disk when the system writes it there: a power cut may take the last seconds, a killed process nothing but half
    a line, which the next append ends.
    """

    def __init__(self, folder: Path, *, keep_days: int, most_bytes: int) -> None:
        self._folder = folder
        self._keep_days = keep_days
        self._most_bytes = most_bytes
        self._used = 0

    def days(self) -> list[Path]:
        """Return the folders of days, oldest first."""
        return sorted(each for each in self._folder.glob("*") if _DAY.fullmatch(each.name))

    def append(self, name: str, day: date, lines: Sequence[str]) -> None:
        """Append lines of a day; when that day is packed already they go to the newest one. Raise NoRoom when there is none."""
        content = "".join(f"{line}\n" for line in lines).encode()
        if self._used + len(content) > self._most_bytes:
            self.make_room(len(content))
            if self._used + len(content) > self._most_bytes:
                raise NoRoom
        file = self._folder / day.isoformat() / f"{name}{LINES}"
        if file.with_suffix(".jsonl.gz").exists():
            file = self.days()[-1] / file.name
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with open(os.open(file, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600), "ab", buffering=0) as out:
            size = file.stat().st_size
            if _ends_in_half_a_line(file):
                content = b"\n" + content
            try:
                _write_all(out, content)
            except OSError:
                # What the disk took of it must not stand there twice when it is written again.
                out.truncate(size)
                raise
        self._used += len(content)

    def tidy(self, now: datetime) -> list[str]:
        """Pack the days that are over, remove those that are too old or too much; return the names of the removed."""
        over = (now - OVER_AFTER).date().isoformat()
        oldest = (now.date() - timedelta(days=self._keep_days - 1)).isoformat()
        gone = [day for day in self.days() if day.name < oldest]
        for day in gone:
            _remove(day)
        for day in self.days():
            if day.name < over:
                _pack_all(day)
        return [day.name for day in gone] + self.make_room()

    def make_room(self, wanted: int = 0) -> list[str]:
        """Measure what is used and remove the oldest days until so many bytes fit, never the newest; return their names."""
        sizes = {day: sum(file.stat().st_size for file in day.iterdir()) for day in self.days()}
        self._used = sum(sizes.values())
        gone = []
        for day in list(sizes)[:-1]:
            if self._used + wanted <= self._most_bytes:
                break
            _remove(day)
            self._used -= sizes[day]
            gone.append(day.name)
        return gone


def read_lines(day: Path, name: str) -> Iterator[str]:
    """Read a day's whole lines, packed or not; half a line at the end is none."""
    packed, plain = day / f"{name}{PACKED}", day / f"{name}{LINES}"
    if not packed.exists() and not plain.exists():
        return
    with gzip.open(packed, "rt", encoding="utf-8") if packed.exists() else plain.open(encoding="utf-8") as lines:
        for line in lines:
            if line.endswith("\n") and line.strip():
                yield line.rstrip("\n")


def _remove(day: Path) -> None:
    shutil.rmtree(day)
    log.info("record.day_removed", day=day.name)


def _write_all(out: IO[bytes], content: bytes) -> None:
    left = memoryview(content)
    while left:
        left = left[out.write(left) :]


def _ends_in_half_a_line(file: Path) -> bool:
    if file.stat().st_size == 0:
        return False
    with file.open("rb") as end:
        end.seek(-1, os.SEEK_END)
        return end.read(1) != b"\n"


def _pack_all(day: Path) -> None:
    for file in day.glob(f"*{LINES}"):
        packed = file.with_suffix(".jsonl.gz")
        if not packed.exists():
            partial = packed.with_name(packed.name + PARTIAL)
            with file.open("rb") as plain, partial.open("wb") as out:
                with gzip.GzipFile(fileobj=out, mode="wb", filename="", mtime=0) as packing:
                    shutil.copyfileobj(plain, packing)
                out.flush()
                os.fsync(out.fileno())
            os.replace(partial, packed)
        file.unlink()
