"""``sortie source``: who may send is decided at the desk's machine, and an alert is tried before it is sent."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import pytest

from bot.source_probe import ask_desk
from bot.system import SystemIds
from config.settings import Settings
from handlers.cli import sources as command
from services.domain.sources import SourceState
from tests.blank import migrate
from tests.intake.rig import GOOD, IntakeRig
from tests.trading.rig import HandClock


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    made = Settings(desk={"state_dir": tmp_path})  # type: ignore[arg-type]
    migrate(made.database_url)
    return made


def test_source_is_let_in_listed_muted_and_sent_away(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    clock, ids = HandClock(), SystemIds()

    assert command.add_source(settings, clock, ids, "tv", plain=True) == command.DONE
    said = capsys.readouterr().out
    assert "sig_" in said
    assert "set web.port" in said
    assert command.add_source(settings, clock, ids, "tv", plain=True) == command.FAILED
    assert command.add_source(settings, clock, ids, "No Name", plain=True) == command.FAILED
    assert command.switch_source(settings, clock, ids, "tv", SourceState.MUTED) == command.DONE
    capsys.readouterr()
    assert command.list_sources(settings, clock) == command.DONE
    assert capsys.readouterr().out.split() == ["tv", "muted", "shows", "its", "secret", "from", "the", "shell"]
    assert command.switch_source(settings, clock, ids, "tv", SourceState.REMOVED) == command.DONE
    assert command.switch_source(settings, clock, ids, "tv", SourceState.ACTIVE) == command.FAILED


def test_without_a_desk_the_body_alone_is_checked(
    settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    clock, file = HandClock(), tmp_path / "alert.json"
    command.add_source(settings, clock, SystemIds(), "tv", plain=False)
    ask = partial(ask_desk, settings.web, clock)

    file.write_text(json.dumps(GOOD))
    assert command.try_alert(settings, clock, "tv", file, ask) == command.NOT_ASKED
    file.write_text("BTCUSDT buy leverage=5")
    assert command.try_alert(settings, clock, "tv", file, ask) == command.FAILED
    assert "'leverage' is no field" in capsys.readouterr().err
    assert command.try_alert(settings, clock, "nobody", file, ask) == command.NOT_ASKED


async def test_running_desk_says_what_would_become_of_an_alert(rig: IntakeRig) -> None:
    sender = await rig.source()
    before = await rig.everything()

    answer = await ask_desk(rig.desk.settings.web, rig.clock, "tv", sender.secret, json.dumps(GOOD).encode())

    assert answer is not None
    assert (answer[0], json.loads(answer[1])["status"]) == (200, "would be offered")
    assert await rig.everything() == before
