"""What the chat page is told of the desk, the venue and the invariants, over HTTP, beside a desk's real folder."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from bot.demo.control import ControlServer
from bot.demo.desk_reading import DeskReading
from bot.demo.desk_runner import DeskRunner, DeskState
from bot.demo.invariants import Invariants
from bot.demo.processes import Child
from bot.demo.tally import count, last_line
from bot.demo.venue_book import read_book
from services.missions.fire import Fired
from services.storage import previews
from tests.trading.rig import ANN, HandClock, Rig, desk_at

# What a desk's process does as far as its runner sees: it notes that it is ready, and ends on SIGTERM.
READY_DESK = """
import json, os, signal, sqlite3, sys
from datetime import UTC, datetime
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
noted = json.dumps({"pid": os.getpid(), "at": datetime.now(UTC).isoformat()})
with sqlite3.connect(sys.argv[1]) as base:
    base.execute("INSERT OR REPLACE INTO facts (name, value) VALUES ('desk.ready', ?)", (noted,))
print("up", flush=True)
signal.pause()
"""
BROKEN_DESK = "raise SystemExit('the settings stop the start')"


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """The page's side of the control server."""

    client: TestClient[web.Request, web.Application]
    runner: DeskRunner
    said: list[str]

    async def get(self, name: str) -> Any:
        async with self.client.get(f"/{name}") as answer:
            assert answer.status == 200
            return await answer.json()

    async def post(self, name: str) -> Any:
        async with self.client.post(f"/{name}", json={}) as answer:
            assert answer.status == 200
            return await answer.json()


@asynccontextmanager
async def panel(
    state: Path, *, program: str = READY_DESK, mids: dict[str, Decimal] | None = None, transcript: str = ""
) -> AsyncIterator[Panel]:
    """Serve the control of a desk's folder, with a program in the desk's place."""
    state.mkdir(parents=True, exist_ok=True)
    (state.parent / "stand_in.py").write_text(program)
    child = Child("desk", ["stand_in", str(state / "sortie.db")], state.parent / "desk.log")
    reading, said = DeskReading(state), list[str]()
    runner = DeskRunner(child, {"PYTHONPATH": str(state.parent)}, reading, said.append)

    async def known_mids() -> dict[str, Decimal]:
        return mids or {}

    async def chat() -> str | None:
        return transcript

    async def no_exchange() -> None:
        return None

    invariants = Invariants(reading, chat, frozenset({"canary-" + "x" * 30}), no_exchange)
    server = ControlServer(
        runner,
        books=lambda: asyncio.to_thread(read_book, state),
        names=lambda: asyncio.to_thread(reading.terminal_names),
        mids=known_mids,
        invariants=invariants,
        playing="a test",
    )
    try:
        async with TestClient(TestServer(server.application(), host="127.0.0.1")) as client:
            yield Panel(client=client, runner=runner, said=said)
    finally:
        await runner.kill()


async def traded(state: Path) -> None:
    """Leave a folder behind in which Ann has fired and is protected."""
    async with desk_at(state, clock=HandClock()) as rig:
        await fire(rig)


async def fire(rig: Rig) -> None:
    mission = await rig.mission()
    await rig.trading.preview(rig.actor(), mission.id)
    shown = await rig.read(lambda unit: previews.find(unit, mission.id, ANN))
    assert isinstance(await rig.trading.fire(rig.actor(), shown.token_id), Fired)
    await rig.settle()


async def test_before_the_first_start_nothing_is_invented(tmp_path: Path) -> None:
    async with panel(tmp_path / "desk") as page:
        status, venue, verify = await page.get("status"), await page.get("venue"), await page.get("verify")

    assert (status["desk"], status["pid"], status["uptime_s"], status["playing"]) == ("stopped", None, 0, "a test")
    assert venue == {"terminals": []}
    assert verify["checks"] == []


async def test_the_venues_own_list_shows_position_orders_and_equity(tmp_path: Path) -> None:
    await traded(tmp_path / "desk")
    async with panel(tmp_path / "desk", mids={"BTC/USDT": Decimal(64_500)}) as page:
        ann = next(each for each in (await page.get("venue"))["terminals"] if each["name"] == "ann-paper")

    (position,) = ann["positions"]
    entry, quantity = Decimal(position["entry"]), Decimal(position["quantity"])
    live = [each for each in ann["orders"] if each["status"] == "accepted"]
    filled = [each for each in ann["orders"] if each["status"] == "filled"]
    assert position["instrument"] == "BTC/USDT" and quantity > 0
    assert {each["type"] for each in live} == {"stop", "limit"}
    assert [each["side"] for each in filled] == ["buy"]
    assert ann["orders"][: len(live)] == live
    # Ten thousand, less the entry's fee, and the open profit.
    fee = entry * quantity / 1000
    assert Decimal(ann["equity"]) == pytest.approx(10_000 - fee + (64_500 - entry) * quantity, abs=Decimal("0.02"))


async def test_without_a_price_there_is_no_equity(tmp_path: Path) -> None:
    await traded(tmp_path / "desk")
    async with panel(tmp_path / "desk") as page:
        terminals = (await page.get("venue"))["terminals"]

    equities = {each["name"]: each["equity"] for each in terminals}
    assert equities == {"ann-paper": None, "tom-paper": "10000", "carl-paper": "10000"}


async def test_the_invariants_are_asked_and_a_leak_is_found(tmp_path: Path) -> None:
    await traded(tmp_path / "desk")
    async with panel(tmp_path / "desk") as page:
        kept = await page.get("verify")
    async with panel(tmp_path / "desk", transcript="Ann: canary-" + "x" * 30) as page:
        leaked = await page.get("verify")
        again = await page.get("verify")

    assert [each["number"] for each in kept["checks"]] == list(range(1, 11))
    assert {each["status"] for each in kept["checks"][:4]} == {"OK"}
    assert leaked["checks"][9]["status"] == "FAIL"
    assert again == leaked


async def test_a_run_is_counted_in_the_desks_database(tmp_path: Path) -> None:
    await traded(tmp_path / "desk")
    tally = DeskReading(tmp_path / "desk").read(count)

    assert tally is not None
    assert (tally.missions, tally.fired, tally.fills, tally.closed, tally.refused, tally.halted) == (1, 1, 1, 0, 0, 0)
    assert not tally.complete
    assert last_line(tally, ()) == "missions 1 fired 1 fills 1 closed 0 refused 0 halted 0 verify 0/0"


async def test_looking_leaves_the_desks_files_unlocked(tmp_path: Path) -> None:
    async with desk_at(tmp_path / "desk", clock=HandClock()) as rig, panel(tmp_path / "desk") as page:
        looking = asyncio.gather(*(page.get(name) for name in ("verify", "venue", "status") for _ in range(20)))
        await fire(rig)
        await looking

        assert len((await page.get("venue"))["terminals"]) == 3


async def test_kill_leaves_the_desk_down_until_it_is_started(tmp_path: Path) -> None:
    await traded(tmp_path / "desk")
    async with panel(tmp_path / "desk") as page:
        started = await page.post("start")
        assert await page.runner.ready(20)
        running = await page.get("status")
        killed = await page.post("kill")
        again = await page.post("start")
        assert await page.runner.ready(20)
        twice = await page.post("start")

    assert (started["desk"], running["desk"], killed["desk"], again["desk"]) == ("starting", "running", "stopped", "starting")
    assert running["pid"] == started["pid"] != again["pid"] == twice["pid"]
    assert killed["pid"] is None
    assert not any("by itself" in line for line in page.said)


async def test_a_desk_that_dies_by_itself_is_told_and_not_restarted(tmp_path: Path) -> None:
    async with panel(tmp_path / "desk", program=BROKEN_DESK) as page:
        await page.post("start")
        assert not await page.runner.ready(20)
        status = await page.get("status")

    assert page.runner.state is DeskState.STOPPED
    assert (status["desk"], status["detail"]) == ("stopped", "ended by itself with code 1")
    assert "the settings stop the start" in page.said[-1]


@pytest.mark.parametrize(
    "headers",
    [{"Host": "evil.example"}, {"Origin": "https://evil.example"}, {"Origin": "http://127.0.0.1:1"}, {"Origin": "null"}],
)
async def test_pages_and_other_hosts_are_turned_away(tmp_path: Path, headers: dict[str, str]) -> None:
    async with panel(tmp_path / "desk") as page:
        async with page.client.post("/kill", headers=headers) as refused:
            assert refused.status == 403
        async with page.client.get("/status", headers=headers) as refused:
            assert refused.status == 403
