"""`sortie drill`: it passes on a desk that works, and fails on one whose kill, resolver or backup is broken."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.drills import outage, world
from bot.drills.run import FOLDER, RunDrill
from bot.wiring import Trading
from config.settings import Settings
from handlers.cli.drill import kinds_of, run_drills
from migrations import api
from services.domain.drills import DrillKind, LastDrill
from services.domain.errors import Misconfigured
from services.domain.orders import Instruction, Purpose
from services.domain.people import Actor
from services.execution import resolve
from services.operations.places import shell_database
from services.storage import instructions, terminals
from services.storage.database import Unit
from services.storage.drills import last_drills
from tests.access.bench import CountingIds
from tests.cli.backup_bench import Shell, state_of
from tests.operations.story import FixedClock, Story


@pytest.fixture
def shell(settings: Settings, clock: FixedClock) -> Shell:
    return Shell(settings, clock)


@pytest.fixture(autouse=True)
def in_a_hurry(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The desk asks about doubt at once, so that a drill need not wait for minutes."""
    monkeypatch.setattr(resolve, "ALERT_AFTER", timedelta(seconds=0.5))
    monkeypatch.setattr(resolve, "ASK_AFTER_S", (0.2, 0.4))
    yield


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A drill of something broken does not wait long for what will not come."""
    monkeypatch.setattr(world, "PATIENCE_S", 1.0)
    monkeypatch.setattr(outage, "ASKED_AGAIN_S", 3.0)


def drill(shell: Shell, name: str, alter: Callable[[Trading], Trading] = lambda same: same) -> int:
    run = RunDrill(shell.settings, shell.clock, api, alter)
    return run_drills(shell.settings, shell.clock, CountingIds(), run, kinds_of(name))


def in_the_desk(shell: Shell, body: Callable[[Unit], Any]) -> Any:
    async def ask() -> Any:
        async with shell_database(shell.settings.database_url, shell.clock, 5) as database:
            return await database.write(body)

    return asyncio.run(ask())


def remembered(shell: Shell) -> dict[DrillKind, LastDrill]:
    return {each.kind: each for each in in_the_desk(shell, last_drills)}


def kinds(story: Story) -> str:
    return str(story.one("SELECT group_concat(kind) FROM journal WHERE kind LIKE 'drill.%'"))


def folders(story: Story) -> list[str]:
    return [each.name for each in (story.folder / FOLDER).iterdir()]


@pytest.mark.parametrize("name", ["kill", "outage"])
def test_a_drill_on_paper_passes_and_the_desk_remembers_it(
    story: Story, shell: Shell, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = story.one("SELECT count(*) FROM orders"), story.one("SELECT count(*) FROM trades")
    venue = state_of(story.folder)["paper.db"]

    code = drill(shell, name)

    said = capsys.readouterr().out
    assert (code, "FAIL" in said) == (0, False), said
    assert (kinds(story), folders(story)) == ("drill.passed", [])
    last = remembered(shell)[DrillKind(name)]
    assert (last.passed, last.failed, last.by.startswith("system:shell:")) == (True, (), True)
    assert (
        set(last.figures)
        == {
            "kill": {"halt committed", "entries gone", "flat"},
            "outage": {"outage", "protected after", "known after"},
        }[name]
    )
    assert (story.one("SELECT count(*) FROM orders"), story.one("SELECT count(*) FROM trades")) == rows
    assert state_of(story.folder)["paper.db"] == venue, "the desk's own venue was touched"
    assert story.failed() == set()


class IdleKill:
    """Twin: commits the halt and takes nothing back."""

    async def run(self) -> None:
        await asyncio.Event().wait()


class Resender:
    """Twin: sends again what has no answer."""

    def __init__(self, trading: Trading) -> None:
        self._trading = trading

    async def run(self) -> None:
        while True:
            for instruction in await self._trading.database.read(desk_doubts):
                await self._again(instruction)
            await asyncio.sleep(0.1)

    async def _again(self, instruction: Instruction) -> None:
        place = await self._trading.database.read(lambda unit: terminals.find(unit, instruction.terminal_id))
        if instruction.purpose is Purpose.ENTRY and place is not None:
            try:
                await self._trading.venues[place.venue].place(instruction.terminal_id, instruction.orders[0])
            except Exception:  # noqa: BLE001 - a twin that does not look at what it is told either
                return


def desk_doubts(unit: Unit) -> list[Instruction]:
    return instructions.doubtful(unit)


@pytest.mark.parametrize(
    ("name", "alter", "what"),
    [
        ("kill", lambda trading: replace(trading, work_kill=IdleKill()), "every entry is off the venue"),
        ("outage", lambda trading: replace(trading, resolve=Resender(trading)), "the entry reached the venue once"),
    ],
    ids=["kill_that_cancels_nothing", "resolver_that_sends_again"],
)
def test_a_broken_desk_fails_its_drill(
    story: Story,
    shell: Shell,
    impatient: None,
    name: str,
    alter: Callable[[Trading], Trading],
    what: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert drill(shell, name, alter) == 1

    assert f"FAIL  {what}" in capsys.readouterr().out
    assert kinds(story) == "drill.failed"
    assert what in remembered(shell)[DrillKind(name)].failed
    (kept,) = folders(story)
    assert (story.folder / FOLDER / kept / "logs" / "sortie.log").exists()


def note(shell: Shell, seconds: float) -> None:
    """Let the desk's journal grow so long after its last copy."""
    shell.clock = FixedClock(shell.clock.now() + timedelta(seconds=seconds))
    in_the_desk(shell, lambda unit: unit.record(Actor.job("test", "test"), "test.noted"))


def test_a_restore_drill_measures_what_would_be_lost(story: Story, shell: Shell, capsys: pytest.CaptureFixture[str]) -> None:
    shell.roll()
    note(shell, 20)
    note(shell, 10)
    before = state_of(story.folder)["paper.db"]

    assert drill(shell, "restore") == 0

    said = capsys.readouterr().out
    assert "it lost nothing older than a minute (2 journal rows, 10 s)" in said
    assert remembered(shell)[DrillKind.RESTORE].figures["rpo"] == "10.0 s"
    assert (kinds(story), folders(story)) == ("drill.passed", [])
    assert state_of(story.folder)["paper.db"] == before


def test_a_restore_drill_fails_on_a_backup_that_misses_the_last_rows(
    story: Story, shell: Shell, capsys: pytest.CaptureFixture[str]
) -> None:
    shell.roll()
    note(shell, 20)
    note(shell, 61)

    assert drill(shell, "restore") == 1
    assert "FAIL  it lost nothing older than a minute (2 journal rows, 61 s)" in capsys.readouterr().out
    assert kinds(story) == "drill.failed"


def test_a_restore_drill_fails_without_a_backup_and_with_a_damaged_one(
    story: Story, shell: Shell, capsys: pytest.CaptureFixture[str]
) -> None:
    assert drill(shell, "restore") == 1
    assert "NO_FILE" in capsys.readouterr().out

    shell.clock = FixedClock(shell.clock.now() + timedelta(seconds=1))
    shell.backup()
    whole = shell.made[0].read_bytes()
    shell.made[0].write_bytes(whole[: len(whole) // 2])
    assert drill(shell, "restore") == 1
    assert "NO_BACKUP" in capsys.readouterr().out
    assert kinds(story) == "drill.failed,drill.failed"


async def test_a_restore_on_a_server_is_not_drilled_rather_than_tried_on_the_desks_own(tmp_path: Path) -> None:
    server = Settings(desk={"state_dir": tmp_path}, database={"url": "postgresql://desk@127.0.0.1:9/sortie"})  # type: ignore[arg-type]

    with pytest.raises(Misconfigured, match="ON_SERVER"):
        await RunDrill(server, world.SystemClock(), api)(DrillKind.RESTORE, lambda _: None)

    own = world.drill_settings(server, tmp_path / "drill")
    assert own.database_url.startswith(f"sqlite:///{tmp_path / 'drill'}")
    assert list((tmp_path / FOLDER).iterdir()) == []


def test_a_desk_that_is_not_there_takes_no_drill(
    tmp_path: Path, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    nowhere = Shell(settings, FixedClock(world.SystemClock().now()))

    assert drill(nowhere, "kill") == 2
    assert "NO_DATABASE" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
