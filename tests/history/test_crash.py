"""A process that dies between any two steps of a write leaves the old candles or the new ones."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from services.domain.errors import Unavailable
from services.market.store import parts
from services.market.store.candle_store import CandleStore
from services.market.store.places import folder_of
from tests.history.made import NOW, SERIES, made, values

OLD = dict.fromkeys(range(4), 1)
NEW = OLD | {2: 9, 4: 1, 5: 1}
STEPS = ("open", "fsync", "replace")


class Died(BaseException):
    """The process is gone: nothing of it runs on, not even what cleans up."""


class Countdown:
    """Lets some calls of the system through and dies at, or after, the next one."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, through: int, *, after: bool, error: BaseException) -> None:
        self.left, self.met = through, False
        self._after, self._error = after, error
        for name in STEPS:
            monkeypatch.setattr(os, name, self._dying(getattr(os, name)))

    def _dying(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def dying(*args: Any, **named: Any) -> Any:
            if self.met:
                return call(*args, **named)
            self.left -= 1
            if self.left >= 0:
                return call(*args, **named)
            self.met = True
            if self._after:
                call(*args, **named)
            raise self._error

        return dying


def put_and_die(folder: Path, monkeypatch: pytest.MonkeyPatch, through: int, *, after: bool) -> bool:
    """Put the new candles over the old ones and die at a step; tell whether there was such a step."""
    CandleStore(folder).put(SERIES, made(OLD), now=NOW)
    with monkeypatch.context() as context:
        # What a dead process would have left behind stays.
        context.setattr(Path, "unlink", lambda *_, **__: None)
        countdown = Countdown(context, through, after=after, error=Died())
        try:
            CandleStore(folder).put(SERIES, made(NEW), now=NOW)
        except Died:
            return True
        return countdown.met


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_death_between_any_two_steps_leaves_the_old_or_the_new(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, after: bool
) -> None:
    seen = []
    while put_and_die(tmp_path / str(len(seen)), monkeypatch, len(seen), after=after):
        folder = tmp_path / str(len(seen))
        span = CandleStore(folder).read(SERIES)
        seen.append(values(span.history))

        assert not span.damaged
        assert seen[-1] in (OLD, NEW)
        CandleStore(folder).put(SERIES, made(NEW | {6: 1}), now=NOW)
        assert values(CandleStore(folder).read(SERIES).history) == NEW | {6: 1}
        assert not list(folder.rglob("*.partial"))
    assert len(seen) >= 4
    assert OLD in seen
    assert NEW in seen


def test_the_same_death_during_a_write_in_place_is_seen_as_damage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The broken twin: without the file beside and its rename, candles are lost, and the check notices."""
    CandleStore(tmp_path).put(SERIES, made(OLD), now=NOW)

    def in_place(file: Path, content: bytes) -> None:
        file.write_bytes(content[: len(content) // 2])
        raise Died

    monkeypatch.setattr(parts, "write_whole", in_place)
    with pytest.raises(Died):
        CandleStore(tmp_path).put(SERIES, made(NEW), now=NOW)

    span = CandleStore(tmp_path).read(SERIES)
    assert values(span.history) not in (OLD, NEW)
    assert span.damaged


@pytest.mark.parametrize("through", range(4))
def test_a_disk_that_refuses_is_said_and_what_was_there_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, through: int
) -> None:
    CandleStore(tmp_path).put(SERIES, made(OLD), now=NOW)
    with monkeypatch.context() as context:
        Countdown(context, through, after=False, error=OSError(28, "No space left on device"))
        with pytest.raises(Unavailable) as error:
            CandleStore(tmp_path).put(SERIES, made(NEW), now=NOW)

    assert (error.value.code, error.value.values["cause"]) == ("CANDLES_NOT_WRITTEN", "No space left on device")
    assert values(CandleStore(tmp_path).read(SERIES).history) in (OLD, NEW)
    assert not list(folder_of(tmp_path, SERIES).glob("*.partial"))
