"""The doctor says which of three facts and a decision is missing where money may be real, and the one thing to do next."""

from __future__ import annotations

import json
import secrets
from pathlib import Path

import pytest

from bot.live_grounds import ground_at
from bot.live_probe import ask_live, may_be_live
from bot.system import SystemClock, SystemIds
from config.settings import Settings
from migrations.api import upgrade
from services.domain.changes import Change, ChangeKind, ChangeState
from services.domain.live_facts import EXITS_ONLY
from services.operations.doctor import Sick
from services.operations.places import shell_database
from services.operations.status import NAMED_LIVE
from services.storage import changes
from services.storage.counters import set_fact
from services.storage.database import Unit

OWN, TEST = "https://api.binance.com", "https://testnet.binance.vision"


def settings_at(folder: Path, mode: str = "live", address: str = OWN) -> Settings:
    return Settings(
        desk={"state_dir": folder},
        market={"venue": "mine"},
        venues={"mine": {"base_url": address, "api_key": secrets.token_hex(8), "secret": secrets.token_hex(8)}},
        terminals={"main": {"venue": "mine", "mode": mode}},
    )


def decided(unit: Unit, after: str) -> None:
    changes.add(
        unit,
        Change(
            id=SystemIds().row(),
            number=7,
            kind=ChangeKind.TERMINAL_MODE,
            subject="main",
            before=EXITS_ONLY,
            after=after,
            tightens=False,
            by=1,
            reason=None,
            state=ChangeState.IN_FORCE,
            asked_at=unit.now,
        ),
    )


@pytest.mark.parametrize(("mode", "address"), [("live", TEST), ("testnet", OWN)], ids=["mode-alone", "address-alone"])
async def test_facts_that_disagree_are_a_finding(tmp_path: Path, mode: str, address: str) -> None:
    settings = settings_at(tmp_path, mode, address)

    assert may_be_live(settings, "main")
    assert isinstance(await ask_live(settings, "main", SystemClock())(), Sick)


def test_a_test_network_is_not_asked_about(tmp_path: Path) -> None:
    assert not may_be_live(settings_at(tmp_path, "testnet", TEST), "main")


async def test_each_step_names_the_next(tmp_path: Path) -> None:
    settings = settings_at(tmp_path)
    ask = ask_live(settings, "main", SystemClock())
    said = [await ask()]
    upgrade(settings.database_url)
    ground = ground_at("mine", settings.venues["mine"]).written
    async with shell_database(settings.database_url, SystemClock(), 5) as database:
        said.append(await ask())
        await database.write(lambda unit: set_fact(unit, NAMED_LIVE, json.dumps(["main"])))
        said.append(await ask())
        await database.write(lambda unit: decided(unit, ground))
        said.append(await ask())
    elsewhere = settings_at(tmp_path)
    said.append(await ask_live(elsewhere, "main", SystemClock())())

    ends = ("sortie run --live main", "sortie run --live main", "/golive main", "/golive main off", "then /golive main")
    assert [str(each).endswith(end) for each, end in zip(said, ends, strict=True)] == [True] * 5
