"""What the operations page promises is so."""

from __future__ import annotations

import asyncio
import re
import shutil
import subprocess
import sys
from pathlib import Path

from typer.core import TyperGroup
from typer.main import get_group

from bot.__main__ import app
from bot.doctor_probes import desk_probes
from bot.system import SystemClock
from config.settings import Settings
from services.access.alerts import AlertCode
from services.domain.states import TradeState
from services.missions.fire import Fired
from services.operations.evidence import Material
from services.operations.judgement import NAMES
from services.operations.places import paper_file
from services.operations.venue_book import VenueBook, read_paper_book
from services.operations.verify import holds, run_all
from services.storage import previews, trades
from tests.trading.rig import ANN, Rig, desk_at

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "operations.md").read_text(encoding="utf-8")
README = (Path(__file__).resolve().parents[2] / "README.md").read_text(encoding="utf-8")


def section(title: str) -> str:
    return PAGE.split(f"\n## {title}\n")[1].split("\n## ")[0]


def test_every_sortie_command_and_flag_of_the_pages_exists() -> None:
    group, tried = get_group(app), 0
    for words in re.findall(r"\bsortie ((?:[a-z]+ ?)(?:[^`\n]*))", PAGE + README):
        name, *rest = words.split()
        if name not in group.commands:
            continue
        command = group.commands[name]
        if isinstance(command, TyperGroup):
            command = command.commands[rest[0]]
        flags = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
        assert {word for word in rest if re.fullmatch(r"--[a-z-]+", word)} <= flags, words
        tried += 1
    assert tried > 20


def test_every_command_of_the_shell_is_named() -> None:
    assert {name for name in get_group(app).commands if f"sortie {name}" not in PAGE + README} <= {"demo", "version"}


def test_every_check_of_the_doctor_is_explained() -> None:
    rows = re.findall(r"^\| (\w+|venue NAME) \|", section("Is it well"), re.MULTILINE)
    probes = [re.sub(r"venue .*", "venue NAME", probe.name) for probe in desk_probes(Settings(), SystemClock())]

    assert sorted(set(rows) - {"check"}) == sorted(set(probes))


def test_the_ten_invariants_are_named_as_verify_names_them() -> None:
    rows = re.findall(r"^\| (\d+) \| ([^|]+) \|", section("The ten invariants"), re.MULTILINE)

    assert {int(number): name for number, name in rows} == NAMES


def test_every_alert_has_its_advice() -> None:
    assert {code for code in AlertCode if f"`{code.value}`" not in section("What to do when")} == set()


async def test_the_backup_of_a_running_desk_is_whole_and_goes_on(tmp_path: Path) -> None:
    snippet = re.findall(r"```python\n(.*?)```", section("Backups"), re.DOTALL)
    assert len(snippet) == 1
    async with desk_at(tmp_path / "var") as rig:
        trade_id = await _open_trade(rig)
        copied = await asyncio.to_thread(_run, snippet[0], tmp_path)

    restored = tmp_path / "restored"
    restored.mkdir()
    for file in (tmp_path / copied).iterdir():
        shutil.copy(file, restored / file.name)
    async with desk_at(restored, people_too=False) as again:
        trade = await again.read(lambda unit: trades.find(unit, trade_id))
        results = await run_all(again.trading.database, Material(books=lambda: _books(again)))

        assert trade.state is TradeState.OPEN
        assert await again.trading.sync.reconcile_all() == 0
        assert holds(results, require_all=False), [each for each in results if each.status != "OK"]


def _run(code: str, folder: Path) -> str:
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.strip()


async def _open_trade(rig: Rig) -> str:
    mission = await rig.mission()
    await rig.trading.preview(rig.actor(), mission.id)
    preview = await rig.read(lambda unit: previews.find(unit, mission.id, ANN))
    fired = await rig.trading.fire(rig.actor(), preview.token_id)
    assert isinstance(fired, Fired)
    await rig.settle()
    return fired.trade_id


def _books(rig: Rig) -> list[VenueBook]:
    book = read_paper_book(paper_file(rig.settings.desk.state_dir), rig.clock)
    assert book is not None
    return [book]
