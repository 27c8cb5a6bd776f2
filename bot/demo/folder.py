"""The demo's folder: what is played, the bot's invented identity, and the states of desk and sandbox below it."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bot.demo.console import CannotStart
from bot.demo_options import DemoOptions
from bot.lock import AlreadyRunning, RunLock

DEFAULT_FOLDER = Path("var") / "demo"
DEFAULT_SEED = 7
DEFAULT_BAR_S = 60
MARKER = "demo.json"
VERSION = 1
_OURS = ("desk", "sandbox", "logs", MARKER)


@dataclass(frozen=True, slots=True, kw_only=True)
class CandleFile:
    """A recorded file that is played, with the hash by which it is known again."""

    path: Path
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """What market is played, one bar every ``bar_s`` seconds.

    Without ``candles`` it is invented from ``seed``; with them the seed only chooses where in the recording to begin.
    """

    candles: tuple[CandleFile, ...]
    seed: int | None
    bar_s: int

    def same_as(self, other: Played) -> bool:
        """Tell whether both are the same market; a file that only moved is the same."""
        return (self._digests(), self.seed, self.bar_s) == (other._digests(), other.seed, other.bar_s)

    def _digests(self) -> list[str]:
        return [each.digest for each in self.candles]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What the folder remembers: the market, the bot's token and the page's last port."""

    played: Played
    token: str
    port: int


class DemoFolder:
    """A folder that one demo at a time works in."""

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self.desk = self.path / "desk"
        self.sandbox = self.path / "sandbox"
        self.logs = self.path / "logs"
        self.ready_file = self.sandbox / "ready.json"
        self._lock = RunLock(self.path, datetime.now(UTC))

    def take(self) -> None:
        """Take the folder for this process; raise CannotStart when it is another's, or holds something else."""
        if self.path.exists() and not self.path.is_dir():
            raise CannotStart(f"{self.path} is a file", "give another folder with --state")
        ours = not self.path.exists() or self._marker.exists() or not any(self._content())
        if not ours:
            cause = f"{self.path} holds files that are not a demo's"
            raise CannotStart(cause, "give an empty or a new folder with --state")
        try:
            self._lock.take()
        except AlreadyRunning as error:
            cause = f"a demo runs in {self.path} already: {error.holder}"
            raise CannotStart(cause, "stop it with Ctrl-C, or give another folder with --state") from error

    def release(self) -> None:
        """Let another demo have the folder."""
        self._lock.release()

    def clear(self) -> None:
        """Forget what earlier demos left; only what a demo makes is removed, and only beside its marker."""
        if not self._marker.exists():
            return
        # The marker goes last, so that a deletion that was cut short can be gone on with.
        for name in _OURS:
            place = self.path / name
            if place.is_dir():
                shutil.rmtree(place)
            else:
                place.unlink(missing_ok=True)

    def read(self) -> Kept | None:
        """Return what is remembered, or None in a new folder; raise CannotStart when it cannot be read."""
        try:
            return _read(json.loads(self._marker.read_text(encoding="utf-8")))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError) as error:
            cause = f"{self._marker} cannot be read ({type(error).__name__}: {error})"
            raise CannotStart(cause, "start anew with --fresh") from error

    def keep(self, kept: Kept) -> None:
        """Remember, for this user's eyes only."""
        for folder in (self.desk, self.sandbox, self.logs):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = self._marker.with_suffix(".new")
        draft.unlink(missing_ok=True)
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(_written(kept), file, indent=1)
        draft.replace(self._marker)

    @property
    def _marker(self) -> Path:
        return self.path / MARKER

    def _content(self) -> list[Path]:
        return [each for each in self.path.iterdir() if each.name != "run.lock"]


def settle(folder: DemoFolder, options: DemoOptions) -> tuple[Kept, str | None]:
    """Decide what is played and keep it; return it, and what to say when an earlier market had to go.

    What the options leave open goes on as it was. Another market than the folder's starts fresh.
    """
    before = None
    if options.fresh:
        folder.clear()
    else:
        before = folder.read()
    wanted = _wanted(options, before.played if before else None)
    said = None
    if before is not None and not wanted.same_as(before.played):
        said = "This is another market than the one played here before: starting fresh."
        folder.clear()
        before = None
    kept = Kept(played=wanted, token=_new_token(), port=0) if before is None else replace(before, played=wanted)
    folder.keep(kept)
    return kept, said


def _wanted(options: DemoOptions, before: Played | None) -> Played:
    bar_s = _whole_seconds(options.bar_s) if options.bar_s is not None else before.bar_s if before else DEFAULT_BAR_S
    if options.candles:
        return Played(candles=tuple(_candle_file(path) for path in options.candles), seed=options.seed, bar_s=bar_s)
    if options.seed is None and before is not None:
        return Played(candles=tuple(_candle_file(each.path) for each in before.candles), seed=before.seed, bar_s=bar_s)
    return Played(candles=(), seed=DEFAULT_SEED if options.seed is None else options.seed, bar_s=bar_s)


def _whole_seconds(bar_s: float) -> int:
    if bar_s != int(bar_s) or bar_s < 1:
        raise CannotStart(f"--bar is {bar_s:g}, but a bar lasts whole seconds, one or more", "try --bar 1")
    return int(bar_s)


def _candle_file(path: Path) -> CandleFile:
    try:
        return CandleFile(path=path.absolute(), digest=hashlib.sha256(path.read_bytes()).hexdigest())
    except OSError as error:
        fix = "put it back, or start another market with --fresh"
        raise CannotStart(f"{path} cannot be read: {error.strerror}", fix) from error


def _new_token() -> str:
    return f"{7_000_000_000 + secrets.randbelow(1_000_000_000)}:{secrets.token_urlsafe(26)}"


def _read(kept: dict[str, Any]) -> Kept:
    if kept["version"] != VERSION:
        raise ValueError(f"version {kept['version']}, expected {VERSION}")
    played = kept["played"]
    return Kept(
        played=Played(
            candles=tuple(CandleFile(path=Path(each["path"]), digest=each["digest"]) for each in played["candles"]),
            seed=played["seed"],
            bar_s=int(played["bar_s"]),
        ),
        token=str(kept["token"]),
        port=int(kept["port"]),
    )


def _written(kept: Kept) -> dict[str, Any]:
    played = kept.played
    return {
        "version": VERSION,
        "played": {
            "candles": [{"path": str(each.path), "digest": each.digest} for each in played.candles],
            "seed": played.seed,
            "bar_s": played.bar_s,
        },
        "token": kept.token,
        "port": kept.port,
    }
