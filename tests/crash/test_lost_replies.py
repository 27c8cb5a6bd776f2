"""Answers get lost: an outcome nobody knows is asked about, never sent again, and blocks new exposure until it is known."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from services.access.alerts import AlertCode
from services.domain.orders import Instruction, Purpose
from services.domain.ports import Venue
from services.domain.states import HaltState, InstructionState, TradeState
from services.domain.verdicts import CheckCode
from services.execution import executor
from services.storage import incidents, instructions, outbox, previews, terminals, trades
from tests.crash.audit import SYMBOL, TERMINAL, Audit, all_trades
from tests.crash.faulty import DOUBTFUL, TAKEN, Fault, FaultyVenue
from tests.crash.recovery import until_at_rest
from tests.crash.scenarios import CALM, confirm, everything_told, only_trade, preview
from tests.told import alerts_for
from tests.trading.rig import ANN, HandClock, Rig, desk_at

ROUNDS = 200


@pytest.fixture(autouse=True)
def short_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give up on a silent venue after a moment."""
    monkeypatch.setattr(executor, "CALL_TIMEOUT_S", 0.05)


class Line:
    """Opens a desk whose venue is behind a line with the given faults, one for each write; then all is well."""

    def __init__(self, faults: Iterator[Fault]) -> None:
        self._faults = faults
        self.venue: FaultyVenue

    def wrap(self, venue: Venue) -> Venue:
        self.venue = FaultyVenue(venue, lambda: next(self._faults, Fault.NONE))
        return self.venue

    def desk(self, folder: Path) -> AbstractAsyncContextManager[Rig]:
        return desk_at(folder, wrap=self.wrap)


async def fire_and_send(rig: Rig) -> str:
    """Confirm a fresh mission and let the entry go out; return the trade."""
    await preview(rig)
    await confirm(rig)
    await rig.trading.executor.send_waiting()
    await rig.nursery.wait_for_jobs(5)
    return await only_trade(rig)


async def entry_of(rig: Rig, trade_id: str) -> Instruction:
    found: list[Instruction] = await rig.read(lambda unit: instructions.of_trade(unit, trade_id))
    return next(each for each in found if each.purpose is Purpose.ENTRY)


async def checks(rig: Rig, symbol: str) -> dict[CheckCode, bool]:
    """Ask the gate about another mission and return which checks passed."""
    mission = await rig.mission(symbol=symbol)
    await rig.trading.preview(rig.actor(), mission.id)
    shown = await rig.read(lambda unit: previews.find(unit, mission.id, ANN))
    return {check.code: check.passed for check in shown.checks}


@pytest.mark.parametrize("fault", DOUBTFUL)
async def test_lost_answer_leaves_the_entry_unknown_blocks_the_instrument_and_is_resolved_by_asking(
    memory_folder: Path, fault: Fault
) -> None:
    line = Line(iter([fault]))
    async with line.desk(memory_folder) as rig:
        trade_id = await fire_and_send(rig)
        rig.quote("63999.99", "64000.01", "ETH/USDT")
        assert (await entry_of(rig, trade_id)).state is InstructionState.UNKNOWN
        assert (await checks(rig, SYMBOL))[CheckCode.IN_DOUBT] is False
        assert (await checks(rig, "ETH/USDT"))[CheckCode.IN_DOUBT] is True
        await rig.trading.database.write(everything_told)
        await until_at_rest(rig, CALM)

        trade = await rig.read(lambda unit: trades.find(unit, trade_id))
        entry = await entry_of(rig, trade_id)
        taken = fault in TAKEN
        assert entry.state is (InstructionState.ACCEPTED if taken else InstructionState.REJECTED)
        assert trade.state is (TradeState.OPEN if taken else TradeState.FAILED)
        assert line.venue.writes.count(entry.id) == 1
        assert (await checks(rig, SYMBOL))[CheckCode.IN_DOUBT] is True
        assert await Audit(rig, line.venue.writes).run() == []
        assert any(card.key == f"trade:{trade_id}" for card in await rig.read(lambda unit: outbox.stale_cards(unit, 100)))


async def test_a_write_that_was_not_seen_is_given_time_to_arrive(memory_folder: Path) -> None:
    """The venue has not seen the write a moment after it was given up on: that is no proof yet, however long the call took."""
    clock = HandClock()

    def ten_seconds_of_silence() -> Iterator[Fault]:
        clock.advance(10)
        yield Fault.SILENT

    line = Line(ten_seconds_of_silence())
    async with desk_at(memory_folder, wrap=line.wrap, clock=clock) as rig:
        trade_id = await fire_and_send(rig)
        for seconds, state in ((4.9, InstructionState.UNKNOWN), (1.0, InstructionState.REJECTED)):
            clock.advance(seconds)
            await rig.trading.resolve.resolve_all()
            assert (await entry_of(rig, trade_id)).state is state


async def test_refusal_with_proof_is_no_doubt(memory_folder: Path) -> None:
    line = Line(iter([Fault.REFUSED]))
    async with line.desk(memory_folder) as rig:
        trade_id = await fire_and_send(rig)

        entry, trade = await entry_of(rig, trade_id), await rig.read(lambda unit: trades.find(unit, trade_id))
        assert (entry.state, entry.answer) == (InstructionState.REJECTED, "PRICE_FILTER")
        assert (trade.state, trade.close_reason) == (TradeState.FAILED, "PRICE_FILTER")
        assert (await checks(rig, SYMBOL))[CheckCode.IN_DOUBT] is True


async def test_a_venue_that_cannot_be_asked_keeps_the_doubt_and_alarms_once(memory_folder: Path) -> None:
    line = Line(iter([Fault.LOST]))
    async with line.desk(memory_folder) as rig:
        trade_id = await fire_and_send(rig)
        line.venue.deaf = True
        for _ in range(60):
            rig.clock.advance(1)
            await rig.trading.resolve.resolve_all()
        assert (await entry_of(rig, trade_id)).state is InstructionState.UNKNOWN
        assert await alarms(rig, AlertCode.OUTCOME_UNKNOWN) == 1
        line.venue.deaf = False
        await until_at_rest(rig, CALM)

        assert (await rig.read(lambda unit: trades.find(unit, trade_id))).state is TradeState.OPEN
        assert line.venue.writes.count((await entry_of(rig, trade_id)).id) == 1
        assert AlertCode.OUTCOME_UNKNOWN.value not in {row.code for row in await rig.read(incidents.open_incidents)}


async def alarms(rig: Rig, code: AlertCode) -> int:
    """Count the messages to Ann about an alert."""
    return sum(each.code == code.value for each in await rig.read(lambda unit: alerts_for(unit, ANN)))


async def test_an_answer_that_could_not_be_booked_is_taken_up_again(
    memory_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database is gone just when the venue answers: what was sent is asked about once its call must have ended."""
    line = Line(iter([]))
    async with line.desk(memory_folder) as rig:
        with monkeypatch.context() as broken:
            broken.setattr(rig.trading.executor, "book_acceptance", _out_of_order)
            trade_id = await fire_and_send(rig)
        assert (await entry_of(rig, trade_id)).state is InstructionState.SENT
        rig.crashes.clear()
        await until_at_rest(rig, CALM)

        assert (await rig.read(lambda unit: trades.find(unit, trade_id))).state is TradeState.OPEN
        assert await Audit(rig, line.venue.writes).run() == []


async def test_a_cancel_that_never_arrived_is_committed_again_and_takes_the_entry_back(memory_folder: Path) -> None:
    line = Line(iter([Fault.NONE, Fault.NEVER]))
    async with desk_at(memory_folder, wrap=line.wrap, paper={"latency_ms": 10_000}) as rig:
        trade_id = await fire_and_send(rig)
        await rig.step()
        await rig.trading.halt(rig.actor(), HaltState.HALTED, "test")
        await until_at_rest(rig, CALM)

        found = await rig.read(lambda unit: instructions.of_trade(unit, trade_id))
        assert [(each.purpose, each.state) for each in found] == [
            (Purpose.ENTRY, InstructionState.ACCEPTED),
            (Purpose.CANCEL, InstructionState.REJECTED),
            (Purpose.CANCEL, InstructionState.ACCEPTED),
        ]
        assert (await rig.read(lambda unit: trades.find(unit, trade_id))).state is TradeState.CANCELED
        assert await rig.trading.paper.open_orders(TERMINAL) == []


def _out_of_order(*_: object) -> None:
    raise OSError("the disk is gone")


async def test_positions_that_cannot_be_read_are_not_flat(memory_folder: Path) -> None:
    """Ten minutes without an answer about positions: nothing is closed, nothing new is taken, one alert."""
    line = Line(iter([]))
    async with line.desk(memory_folder) as rig:
        trade_id = await fire_and_send(rig)
        await until_at_rest(rig, CALM)
        written = len(line.venue.writes)
        line.venue.deaf = True
        for _ in range(20):
            rig.clock.advance(30)
            rig.quote(*CALM)
            assert await rig.trading.sync.reconcile_all() >= 1

        assert (await rig.read(lambda unit: trades.find(unit, trade_id))).state is TradeState.OPEN
        assert len(line.venue.writes) == written
        assert await alarms(rig, AlertCode.VENUE_UNREACHABLE) == 1
        assert (await checks(rig, SYMBOL))[CheckCode.RECONCILED] is False
        line.venue.deaf = False
        assert await rig.trading.sync.reconcile_all() == 0


def drawn(chance: random.Random) -> Iterator[Fault]:
    """Draw a fault for every write, none for four in ten."""
    while True:
        yield Fault.NONE if chance.random() < 0.4 else chance.choice(list(Fault))


async def test_two_hundred_trades_over_a_bad_line_end_with_equal_books_and_one_write_each(memory_folder: Path) -> None:
    line = Line(drawn(random.Random(2026)))
    async with line.desk(memory_folder) as rig:
        for _ in range(ROUNDS):
            await preview(rig)
            await confirm(rig)
            await until_at_rest(rig, CALM)
            await take_the_targets(rig)
        await rig.trading.sync.reconcile_all()

        ended = [trade.state for trade in await rig.read(all_trades)]
        assert len(ended) == ROUNDS
        assert set(ended) == {TradeState.CLOSED, TradeState.FAILED}
        assert min(line.venue.faults[fault] for fault in Fault) > ROUNDS // 10
        assert await Audit(rig, line.venue.writes).run() == []


async def take_the_targets(rig: Rig) -> None:
    """Let the price run through both targets and come back."""
    for bid, ask in (("66100", "66100.02"), ("67600", "67600.02"), CALM):
        await rig.trading.paper.on_quote(rig.quote(bid, ask))
        await rig.step()
    held = await rig.read(lambda unit: terminals.position(unit, TERMINAL, SYMBOL))
    assert held == 0
