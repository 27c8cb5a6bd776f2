"""``sortie limits`` and the doctor's question: what holds, over what in the file, and what names nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bot.limits_probe import ask_limits
from config.settings import Settings
from handlers.cli.limits import show_limits
from services.domain.limits import Limit
from services.operations.doctor import Sick
from services.risk.limit_changes import LookForUnbound, Target
from tests.access.bench import ANN, CARL, AccessBench
from tests.access.test_limit_changes import Limits
from tests.operations.story import FixedClock

SCOPED = [
    {"scope": "person", "subject": str(ANN), "limit": "per_trade", "value": "0.002"},
    {"scope": "terminal", "subject": "margin-2", "limit": "per_trade", "value": "0.002"},
    {"scope": "strategy", "subject": "trned", "limit": "per_trade", "value": "0.002"},
]


@pytest.fixture
def settings(bench: AccessBench, tmp_path: Path) -> Settings:
    return Settings(desk={"state_dir": tmp_path}, risk={"scoped": SCOPED})  # type: ignore[arg-type]


def test_limits_are_printed_with_what_stands_over_the_file(
    bench: AccessBench, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    clock = FixedClock(bench.clock.now())
    Limits(bench, scoped=tuple(SCOPED)).propose(CARL, Target(limit=Limit.DAILY_LOSS), "3%")

    assert show_limits(settings, clock, json=True) == 0
    told = {(row["limit"], row["scope"], row["subject"]): row for row in json.loads(capsys.readouterr().out)}
    assert (told["daily_loss", "desk", ""]["value"], told["daily_loss", "desk", ""]["setting"]) == ("0.03", "0.05")
    assert told["per_trade", "person", str(ANN)]["value"] == "0.002"
    assert told["weekly_loss", "desk", ""]["value"] == "off"

    assert show_limits(settings, clock, json=False) == 0
    assert "over 0.05 in the settings" in capsys.readouterr().out


def test_without_a_database_nothing_is_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    nowhere = Settings(desk={"state_dir": tmp_path / "none"})  # type: ignore[arg-type]

    assert show_limits(nowhere, FixedClock(AccessBench(tmp_path).clock.now()), json=False) == 2
    assert "NO_DATABASE" in capsys.readouterr().err


async def test_narrower_values_that_name_nothing_are_found(bench: AccessBench, settings: Settings) -> None:
    clock, limits = FixedClock(bench.clock.now()), Limits(bench, scoped=tuple(SCOPED))

    found = await ask_limits(settings, clock)

    assert isinstance(found, Sick)
    assert "terminal margin-2" in found.cause and "strategy trned" in found.cause and str(ANN) not in found.cause
    assert await LookForUnbound(bench.database, limits.limits)() == 2
