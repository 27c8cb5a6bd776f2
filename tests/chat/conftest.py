"""Desks for the conversations: a fresh one for a test, or one that a module shares where order does not matter."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from bot.logging import close_logging, configure_logging
from config.settings import Settings
from handlers.telegram import request
from tests.chat.rig import ANN, CARL, CORA, EARLY_S, TOM, ChatRig, desk_in_chat, text_of


# No wider than a module: other tests of the same process set up logging of their own in between.
@pytest.fixture(scope="module", autouse=True)
def logs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Write the desks' logs to a file, as a running desk does."""
    folder = tmp_path_factory.mktemp("logs")
    yield configure_logging(Settings(desk={"state_dir": folder}), console=False)
    close_logging()


@pytest_asyncio.fixture
async def desk(tmp_path: Path) -> AsyncIterator[ChatRig]:
    """A fresh desk."""
    async with desk_in_chat(tmp_path) as rig:
        yield rig


@pytest.fixture
def prompt(desk: ChatRig, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the desk answer taps as early as outside the rig."""
    monkeypatch.setattr(request, "TAP_ANSWERED_S", EARLY_S)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared_desk(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ChatRig]:
    """One desk for all tests of a module; they run on the module's loop."""
    plenty = {"offers_per_hour": 1000, "offers_per_day": 1000}
    async with desk_in_chat(tmp_path_factory.mktemp("desk"), signals=plenty) as rig:
        yield rig


@pytest_asyncio.fixture(loop_scope="module")
async def flat_desk(shared_desk: ChatRig) -> AsyncIterator[ChatRig]:
    """The module's desk, on which a test leaves prices as they were and nothing open."""
    prices = dict(shared_desk.market.prices)
    yield shared_desk
    shared_desk.market.prices = prices
    for person in (ANN, TOM, CARL, CORA):
        await shared_desk.leave_nothing(person)


@pytest_asyncio.fixture(loop_scope="module")
async def active_desk(flat_desk: ChatRig) -> AsyncIterator[ChatRig]:
    """The module's desk, on which no test leaves a halt."""
    yield flat_desk
    if "HALTED" in text_of(await flat_desk.ask(CARL, "/status", "Sortie")).upper():
        await flat_desk.resume()
