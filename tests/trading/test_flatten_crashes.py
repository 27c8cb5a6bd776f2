"""Flattening ten positions while the desk dies at every point of it: it goes on, sells each once, and turns none around."""

from __future__ import annotations

import asyncio
import random
import shutil
from datetime import datetime
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from services.domain.kills import Kill
from services.domain.orders import Purpose
from services.domain.states import InstructionState, TradeState
from services.storage import desk, instructions, kills, terminals, trades
from services.storage.database import Unit
from tests.crash.forking import Deathtrap, Died, in_fork
from tests.trading.killing import fired
from tests.trading.rig import ANN, CARL, HandClock, Rig, desk_at
from tests.trading.taps import instruments

TEN = instruments(10)
SAMPLE = 14
GROUPS: dict[str, Any] = {
    "risk": {"open_positions": 20, "per_trade": "0.002", "default_per_trade": "0.001"},
    "killing": {"patience_s": 30, "retry_s": 2},
}


def see_prices(rig: Rig, at: Decimal = Decimal(64000)) -> None:
    """Show every price; a second has passed."""
    rig.clock.advance(1)
    rig.trading.instruments.update({each.symbol: each for each in TEN})
    for each in TEN:
        rig.quote(str(at), str(at + Decimal("0.02")), each.symbol)


async def round_of(rig: Rig) -> None:
    see_prices(rig)
    for each in TEN:
        quote = rig.trading.quotes.latest(each.symbol)
        assert quote is not None
        await rig.trading.paper.on_quote(quote)
    await rig.trading.work_kill()
    await rig.step()


async def ten_positions(rig: Rig) -> None:
    """Have ten open, protected trades, and the question about them before Carl."""
    await rig.trading.database.write(lambda unit: desk.save_universe(unit, TEN))
    see_prices(rig)
    await rig.trading.sync.reconcile_all()
    for each in TEN:
        await fired(rig, ANN, each.symbol)
    for _ in range(6):
        await round_of(rig)
    held = await rig.read(partial(trades.live, person_id=ANN))
    assert [trade.state for trade in held] == [TradeState.OPEN] * len(TEN)
    asked = await rig.trading.flatten.ask(rig.actor(CARL))
    assert asked.positions == len(TEN)
    (rig.settings.desk.state_dir / "token").write_text(asked.token.id)
    (rig.settings.desk.state_dir / "clock").write_text(rig.clock.now().isoformat())


def prepare(folder: Path) -> None:
    async def body() -> None:
        async with desk_at(folder, **GROUPS) as rig:
            await ten_positions(rig)

    asyncio.run(body())


def act(folder: Path, trap: Deathtrap) -> int:
    """Press the button and let everything work with the trap set; return how many points were passed."""

    async def body() -> None:
        async with again(folder) as rig:
            trap.arm()
            await rig.trading.flatten(rig.actor(CARL), (folder / "token").read_text(), "drill")
            await to_the_end(rig)
            trap.disarm()

    asyncio.run(body())
    return len(trap.reached)


def recover(folder: Path, *, forgetful: bool = False) -> list[str]:
    """Start again, let the kill come to its end, and name what is wrong; a ``forgetful`` desk does not look at its row."""

    async def body() -> list[str]:
        async with again(folder) as rig:
            if forgetful:
                kills.working = lambda _: None  # type: ignore[assignment]
            kill = await rig.read(kills.newest)
            if kill is None:
                # It died before the commit: nothing was sold, and the button works still.
                await rig.trading.flatten(rig.actor(CARL), (folder / "token").read_text(), "drill")
            await to_the_end(rig)
            return await problems(rig)

    return asyncio.run(body())


def again(folder: Path) -> Any:
    clock = HandClock(datetime.fromisoformat((folder / "clock").read_text()))
    clock.advance(10)
    return desk_at(folder, clock=clock, people_too=False, **GROUPS)


async def to_the_end(rig: Rig) -> Kill:
    for _ in range(40):
        await round_of(rig)
        kill = await rig.read(kills.newest)
        if kill is not None and not kill.working and not kill.running:
            return kill  # type: ignore[no-any-return]
    raise AssertionError(f"not over: {kill}")


async def problems(rig: Rig) -> list[str]:
    account, found = f"paper-{ANN}", []
    found += [f"{each.symbol} is held: {each.quantity}" for each in await rig.trading.paper.positions(account)]
    found += [f"{each.client_id} still works" for each in await rig.trading.paper.open_orders(account)]

    def books(unit: Unit) -> list[str]:
        kill = kills.newest(unit)
        wrong = [f"left: {each}" for each in (kill.leftovers if kill is not None else ())]
        for number in range(1, len(TEN) + 1):
            trade = trades.by_number(unit, number)
            assert trade is not None
            sold = [each for each in instructions.of_trade(unit, trade.id) if each.purpose is Purpose.CLOSE]
            taken = [each for each in sold if each.state is InstructionState.ACCEPTED]
            if (trade.state, len(taken)) != (TradeState.CLOSED, 1):
                wrong.append(f"trade {number} is {trade.state} after {len(taken)} sales")
            if trade.exit_quantity != trade.entry_quantity or terminals.position(unit, account, trade.symbol):
                wrong.append(f"trade {number} bought {trade.entry_quantity} and sold {trade.exit_quantity}")
        return wrong

    return found + await rig.read(books)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ten") / "base"
    folder.mkdir()
    in_fork(partial(prepare, folder))
    return folder


def test_flatten_over_ten_positions_goes_on_after_a_death_at_any_point(base: Path, tmp_path: Path) -> None:
    points = in_fork(partial(act, shutil.copytree(base, tmp_path / "whole"), Deathtrap()))
    chance = random.Random(4)
    for at in sorted(chance.sample(range(1, points + 1), SAMPLE)):
        place = shutil.copytree(base, tmp_path / str(at))
        died = in_fork(partial(act, place, Deathtrap(at)))

        assert isinstance(died, Died)
        assert in_fork(partial(recover, place)) == [], f"died at point {at} of {points}"
        shutil.rmtree(place)


def test_twin_that_keeps_its_kill_in_memory_forgets_it(base: Path, tmp_path: Path) -> None:
    place = shutil.copytree(base, tmp_path / "twin")
    died = in_fork(partial(act, place, Deathtrap(12)))

    assert isinstance(died, Died)
    with pytest.raises(AssertionError, match="not over"):
        in_fork(partial(recover, place, forgetful=True))
