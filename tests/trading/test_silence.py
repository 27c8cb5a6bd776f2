"""The desk that is not heard of: its venue takes resting entries back, what protects stays, and the person is told why."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import select

from bot.system import SystemIds
from config.deadman import DeadmanSettings
from services.domain.entries import EntryKind
from services.domain.errors import Unavailable
from services.domain.orders import OrderRole
from services.domain.ports import CancelOnSilence, Capabilities, Venue
from services.domain.states import OrderState, TradeState
from services.execution.dead_man import MINDING, RETRY_S, DeadMan, DeadManPorts
from services.storage import desk, orders, silences
from services.storage.tables import journal, notices
from tests.trading.entering import entered, entries_of, trade_of
from tests.trading.rig import ANN, NoBeats, Rig, desk_at

TERMINAL = f"paper-{ANN}"
LIMIT = "63900"


class Told:
    """A venue that notes what it is told of silence, and may be out of reach or count over the whole account."""

    def __init__(self, venue: Venue, *, whole: bool = False) -> None:
        self._venue = venue
        self.said: list[str] = []
        self.reachable = True
        self.whole = whole

    def __getattr__(self, name: str) -> object:
        return getattr(self._venue, name)

    @property
    def capabilities(self) -> Capabilities:
        if not self.whole:
            return self._venue.capabilities
        return replace(self._venue.capabilities, cancel_on_silence=CancelOnSilence.ALL)

    async def keep_alive(self, account: str, seconds: float) -> None:
        await self._say(f"alive {account} {seconds:g}")
        await self._venue.keep_alive(account, seconds)

    async def stand_down(self, account: str) -> None:
        await self._say(f"down {account}")
        await self._venue.stand_down(account)

    async def _say(self, what: str) -> None:
        if not self.reachable:
            raise Unavailable("VENUE_UNREACHABLE")
        self.said.append(what)

    def of_ann(self) -> list[str]:
        return [each.partition(" ")[0] for each in self.said if TERMINAL in each]


class Watched:
    """A dead man over a rig's paper venue, whose stages live until they are silenced."""

    def __init__(self, rig: Rig, **settings: object) -> None:
        self.rig = rig
        self.silent: set[str] = set()
        self.venue = Told(rig.trading.paper)
        self.man = self.another(**settings)

    def another(self, **settings: object) -> DeadMan:
        """Return one as a new process has it."""
        ports = DeadManPorts(
            venues={"paper": self.venue},  # type: ignore[dict-item]
            clock=self.rig.clock,
            ids=SystemIds(),
            beats=NoBeats(),
            alive=lambda stage: stage not in self.silent,
            lease=lambda: self.rig.lease,
        )
        return DeadMan(self.rig.trading.database, ports, DeadmanSettings(**settings))  # type: ignore[arg-type]

    async def live(self, seconds: int) -> None:
        """Let so many seconds pass with a look in each."""
        for _ in range(seconds):
            self.rig.clock.advance(1)
            self.rig.quote("63999.99", "64000.01")
            await self.rig.trading.database.write(lambda unit: desk.renew_lease(unit, self.rig.lease, 60))
            await self.man()
            await self.rig.trading.paper.settle()


async def rested(rig: Rig) -> str:
    """Let Ann's entry rest at the venue; return the trade's id."""
    trade_id = await entered(rig, EntryKind.LIMIT, LIMIT)
    (order,) = await entries_of(rig, trade_id)
    assert order.state is OrderState.ACCEPTED
    return trade_id


async def state_at_venue(rig: Rig, trade_id: str) -> OrderState:
    (order,) = await entries_of(rig, trade_id)
    found = await rig.trading.paper.find(TERMINAL, order.symbol, order.client_id)
    assert found is not None
    return found.state


async def told_to_ann(rig: Rig) -> list[str]:
    rows = await rig.read(lambda unit: unit.all(select(notices.c.facts).where(notices.c.template == "not_sent")))
    return [str(row.facts) for row in rows]


async def test_while_an_entry_rests_the_venue_is_told_in_time_and_once_it_is_gone_no_more(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        watched = Watched(rig)
        trade_id = await rested(rig)
        await watched.live(100)
        still = await state_at_venue(rig, trade_id)
        told = watched.venue.of_ann()
        await rig.trading.cancel(rig.actor(), trade_id)
        await rig.settle()
        await watched.live(30)

        assert still is OrderState.ACCEPTED
        assert told == ["alive"] * 7
        assert watched.venue.of_ann() == [*told, "down"]
        assert await rig.read(partial(silences.find, terminal_id=TERMINAL)) is None


async def test_a_desk_that_died_finds_its_entry_taken_back_and_says_why(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        await Watched(rig).man()
        trade_id = await rested(rig)
        await Watched(rig).live(1)
        clock = rig.clock
    clock.advance(3_600)

    async with desk_at(tmp_path, clock=clock, people_too=False) as rig:
        await rig.settle()

        trade = await trade_of(rig, trade_id)
        assert (trade.state, trade.close_reason) == (TradeState.CANCELED, "SILENCE")
        (said,) = await told_to_ann(rig)
        assert "SILENCE" in said
        assert "not heard of the desk" in said


async def test_an_open_trade_keeps_its_exits_through_the_silence(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        watched = Watched(rig)
        held = await entered(rig, EntryKind.TAKE)
        await rested_elsewhere(rig)
        await watched.live(1)
        rig.clock.advance(120)
        await rig.trading.paper.settle()

        working = await rig.trading.paper.open_orders(TERMINAL)
        known = await rig.read(lambda unit: {each.client_id: each.role for each in orders.of_trade(unit, held)})
        assert {known[str(each.client_id)] for each in working} == {OrderRole.STOP, OrderRole.TARGET}


async def rested_elsewhere(rig: Rig) -> None:
    rig.quote("63999.99", "64000.01", "ETH/USDT")
    await entered(rig, EntryKind.LIMIT, "63900", symbol="ETH/USDT")


@pytest.mark.parametrize("stage", MINDING)
async def test_a_desk_whose_stage_hangs_is_as_good_as_dead(tmp_path: Path, stage: str) -> None:
    async with desk_at(tmp_path) as rig:
        watched = Watched(rig)
        trade_id = await rested(rig)
        await watched.live(20)
        watched.silent.add(stage)
        await watched.live(70)
        taken = await state_at_venue(rig, trade_id)
        watched.silent.clear()
        await watched.live(5)
        await rig.settle()

        assert taken is OrderState.CANCELED
        assert (await trade_of(rig, trade_id)).close_reason == "SILENCE"
        assert await rig.read(lambda unit: unit.all(select(journal.c.kind).where(journal.c.kind == "deadman.lapsed")))


async def test_without_the_look_at_the_stages_a_hanging_desk_keeps_its_entries(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.execution.dead_man.MINDING", ())
    async with desk_at(tmp_path) as rig:
        watched = Watched(rig)
        trade_id = await rested(rig)
        watched.silent.update(MINDING)
        await watched.live(90)

        assert await state_at_venue(rig, trade_id) is OrderState.ACCEPTED


async def test_only_the_owner_of_the_lease_speaks(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        watched = Watched(rig)
        await rested(rig)
        await rig.trading.database.write(lambda unit: desk.take_lease(unit, "executor", "another", 60, force=True))
        await watched.man()

        assert watched.venue.said == []


async def test_a_venue_out_of_reach_is_told_again_soon_and_an_entry_taken_back_meanwhile_is_explained(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        watched = Watched(rig)
        trade_id = await rested(rig)
        await watched.live(20)
        watched.venue.reachable = False
        await watched.live(70)
        watched.venue.reachable = True
        before = len(watched.venue.of_ann())
        await watched.live(round(RETRY_S) + 1)
        await rig.settle()

        assert len(watched.venue.of_ann()) == before + 1
        assert (await trade_of(rig, trade_id)).close_reason == "SILENCE"


async def test_an_entry_that_somebody_took_back_at_the_venue_is_not_laid_to_silence(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        watched = Watched(rig)
        trade_id = await rested(rig)
        await watched.live(20)
        (order,) = await entries_of(rig, trade_id)
        await rig.trading.paper.cancel(TERMINAL, order.symbol, [order.client_id])
        await rig.settle()

        assert (await trade_of(rig, trade_id)).close_reason == "NOT_FILLED"


async def test_a_countdown_over_the_whole_account_stops_while_an_exit_rests(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        watched = Watched(rig)
        watched.venue.whole = True
        await rested_elsewhere(rig)
        await watched.live(3)
        alone = watched.venue.of_ann()
        await entered(rig, EntryKind.TAKE)
        await watched.live(30)

        assert alone == ["alive"]
        assert watched.venue.of_ann() == ["alive", "down"]


async def test_a_new_process_stops_what_an_earlier_one_left_running_and_switched_off_tells_nothing(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        watched = Watched(rig, enabled=False)
        trade_id = await rested(rig)
        await rig.trading.paper.keep_alive(TERMINAL, 60)
        await watched.live(90)

        assert watched.venue.of_ann() == ["down"]
        assert await state_at_venue(rig, trade_id) is OrderState.ACCEPTED


def test_a_period_that_leaves_no_room_for_a_lost_call_is_refused() -> None:
    with pytest.raises(ValueError, match="third"):
        DeadmanSettings(timeout_s=30, every_s=15)
