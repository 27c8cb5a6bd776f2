"""Previews and confirms when something is missing: a clear code, no trade, and a way on when it is back."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from decimal import Decimal
from pathlib import Path

import pytest

from services.domain.errors import NotAllowed, NotFound, Refused
from services.domain.orders import Balance
from services.domain.people import Person, Role
from services.domain.states import HaltState, TradeState
from services.domain.verdicts import CheckCode
from services.missions.fire import Denied, Fired, Refreshed
from services.storage import desk, instructions, missions, people, previews, terminals, trades
from services.storage.previews import PreviewState
from tests.trading.rig import ANN, BTC, CARL, ETH, Rig, desk_at
from tests.trading.taps import confirm_token, counted, preview_of

Step = Callable[[Rig], Awaitable[object]]
C = CheckCode
NINA = 3001


async def stale_quote(rig: Rig) -> None:
    rig.clock.advance(5.1)


async def stale_account(rig: Rig) -> None:
    rig.clock.advance(91)
    rig.quote("63999.99", "64000.01")


async def no_equity(rig: Rig) -> None:
    await set_balance(rig, "0", "0")


async def no_free_funds(rig: Rig) -> None:
    await set_balance(rig, "10000", "0")


async def other_currency(rig: Rig) -> None:
    """The account is kept in a currency that nothing converts."""
    rig.trading.accounts.put(
        f"paper-{ANN}",
        Balance(currency="EUR", equity=Decimal(10_000), free=Decimal(10_000), received_at=rig.clock.now()),
    )


async def set_balance(rig: Rig, equity: str, free: str) -> None:
    rig.trading.accounts.put(
        f"paper-{ANN}",
        Balance(currency="USDT", equity=Decimal(equity), free=Decimal(free), received_at=rig.clock.now()),
    )


async def halted_desk(rig: Rig) -> None:
    await rig.trading.halt(rig.actor(CARL), HaltState.HALTED, "news")


async def reducing_desk(rig: Rig) -> None:
    await rig.trading.halt(rig.actor(CARL), HaltState.REDUCING, "news")


async def halted_myself(rig: Rig) -> None:
    await rig.trading.halt.myself(rig.actor(), "enough")


async def halt_file(rig: Rig) -> None:
    (rig.settings.desk.state_dir / "HALT").touch()


async def not_reconciled(rig: Rig) -> None:
    await rig.trading.database.write(terminals.forget_reconciliation)


async def out_of_universe(rig: Rig) -> None:
    await rig.trading.database.write(lambda unit: desk.save_universe(unit, (ETH,)))


async def wide_spread(rig: Rig) -> None:
    rig.quote("63900", "64100")


async def crossed_quote(rig: Rig) -> None:
    rig.quote("64100", "63900")


async def mission_over(rig: Rig) -> None:
    rig.clock.advance(601)
    rig.quote("63999.99", "64000.01")
    await rig.trading.sync.reconcile_all()


async def lost_day(rig: Rig) -> None:
    day = rig.clock.now().date().isoformat()
    await rig.trading.database.write(lambda unit: terminals.add_to_day(unit, f"paper-{ANN}", day, Decimal(-500)))


MISSING: list[tuple[Step, CheckCode]] = [
    (stale_quote, C.DATA_AGE),
    (stale_account, C.EQUITY_AGE),
    (no_equity, C.EQUITY_AGE),
    (no_free_funds, C.MIN_SIZE),
    (other_currency, C.EQUITY_AGE),
    (halted_desk, C.HALT),
    (reducing_desk, C.HALT),
    (halted_myself, C.HALT),
    (halt_file, C.HALT),
    (not_reconciled, C.RECONCILED),
    (out_of_universe, C.UNIVERSE),
    (wide_spread, C.SPREAD),
    (crossed_quote, C.SPREAD),
    (mission_over, C.DEADLINE),
    (lost_day, C.DAILY_LOSS),
]
each_missing = pytest.mark.parametrize(("step", "code"), MISSING, ids=[step.__name__ for step, _ in MISSING])


@each_missing
async def test_a_preview_without_what_it_needs_is_refused_with_its_code_and_has_no_confirm(
    tmp_path: Path, step: Step, code: CheckCode
) -> None:
    async with desk_at(tmp_path) as rig:
        mission = await rig.mission()
        await step(rig)
        shown = await preview_of(rig, mission)

        denials = [check for check in shown.checks if not check.passed]
        assert (shown.state, shown.token_id) == (PreviewState.REFUSED, None)
        assert denials[0].code is code
        assert all(check.limit for check in denials)
        assert (await rig.read(counted))["tokens"] == 0


@each_missing
async def test_a_confirm_when_it_is_missing_by_then_fires_nothing(tmp_path: Path, step: Step, code: CheckCode) -> None:
    async with desk_at(tmp_path) as rig:
        token = await confirm_token(rig)
        await step(rig)
        outcome = await rig.trading.fire(rig.actor(), token)

        assert isinstance(outcome, Denied | Refreshed)
        assert await rig.read(trades.live) == []
        assert await rig.read(instructions.intents) == []


async def test_without_any_quote_nothing_is_offered(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        shown = await preview_of(rig, await rig.mission(symbol="ETH/USDT"))

        failed = {check.code: check.value for check in shown.checks if not check.passed}
        assert shown.state is PreviewState.REFUSED
        assert {code: failed[code] for code in (C.DATA_AGE, C.STOP_SIDE, C.SPREAD, C.PRICE_COLLAR)} == dict.fromkeys(
            (C.DATA_AGE, C.STOP_SIDE, C.SPREAD, C.PRICE_COLLAR)
        )
        assert {shown.half, shown.full, shown.largest} == {Decimal(0)}


async def test_someone_without_a_terminal_is_told_so(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        nina = Person(id=NINA, name="Nina", username=None, role=Role.TRADER, zone="UTC", locale="en")
        await rig.trading.database.write(lambda unit: people.save_role(unit, nina, CARL))
        mission = await rig.mission()
        with pytest.raises(Refused, match="NO_TERMINAL"):
            await rig.trading.preview(rig.actor(NINA), mission.id)


async def test_a_stranger_and_an_observer_open_no_preview(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        nina = Person(id=NINA, name="Nina", username=None, role=Role.OBSERVER, zone="UTC", locale="en")
        await rig.trading.database.write(lambda unit: people.save_role(unit, nina, CARL))
        mission = await rig.mission()
        for person in (NINA, 4711):
            with pytest.raises(NotAllowed, match="ROLE"):
                await rig.trading.preview(rig.actor(person), mission.id)


@pytest.mark.parametrize("reference", ["4711", "#4711", "nonsense", "", "99999999999999999999", "١٢"])
async def test_a_mission_that_does_not_exist_is_named(tmp_path: Path, reference: str) -> None:
    async with desk_at(tmp_path) as rig:
        await rig.mission()
        with pytest.raises(NotFound, match="MISSION"):
            await rig.trading.preview(rig.actor(), reference)


async def test_without_an_open_mission_there_is_none_to_fire(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        with pytest.raises(NotFound, match="NO_OPEN_MISSION"):
            await rig.trading.preview(rig.actor(), None)


async def test_an_unknown_size_is_refused(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        mission = await rig.mission()
        with pytest.raises(Refused, match="SIZE"):
            await rig.trading.preview(rig.actor(), mission.id, size="double")


async def test_a_price_that_moved_beyond_its_bound_asks_again_and_one_within_it_fires(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        token = await confirm_token(rig)
        shown = await rig.read(lambda unit: previews.find(unit, missions.open_missions(unit)[0].id, ANN))
        beyond = shown.worst_price + BTC.tick
        rig.quote(str(beyond - BTC.tick), str(beyond))
        assert isinstance(await rig.trading.fire(rig.actor(), token), Refreshed)

        fresh = await confirm_token(rig, (await rig.read(missions.open_missions))[0])
        rig.quote(str(shown.worst_price - BTC.tick), str(shown.worst_price))
        assert isinstance(await rig.trading.fire(rig.actor(), fresh), Fired)


async def too_late(rig: Rig) -> None:
    rig.clock.advance(15)
    rig.quote("63999.99", "64000.01")


async def run_away(rig: Rig) -> None:
    rig.quote("64299.99", "64300")


@pytest.mark.parametrize(
    ("step", "reason"),
    [
        (too_late, "DEADLINE"),
        (run_away, "PRICE_COLLAR"),
        (stale_quote, "DATA_AGE"),
        (not_reconciled, "RECONCILED"),
        (halt_file, "HALT"),
        (halted_desk, "CANCELED"),
    ],
    ids=["too late", "price ran away", "stale quote", "not reconciled", "halt file", "halted desk"],
)
async def test_an_entry_is_asked_about_once_more_before_it_is_sent(tmp_path: Path, step: Step, reason: str) -> None:
    async with desk_at(tmp_path) as rig:
        token = await confirm_token(rig)
        assert isinstance(await rig.trading.fire(rig.actor(), token), Fired)
        await step(rig)
        await rig.settle()

        trade = await rig.read(lambda unit: trades.by_number(unit, 1))
        assert (trade.state, trade.close_reason) == (TradeState.CANCELED, reason)
        assert await rig.trading.paper.open_orders(f"paper-{ANN}") == []
        assert await rig.trading.paper.fills_since(f"paper-{ANN}", 0) == []


async def test_a_deadline_a_moment_away_still_sends(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        token = await confirm_token(rig)
        assert isinstance(await rig.trading.fire(rig.actor(), token), Fired)
        rig.clock.advance(14.9)
        rig.quote("63999.99", "64000.01")
        await rig.settle()

        assert (await rig.read(lambda unit: trades.by_number(unit, 1))).state is TradeState.OPEN


async def test_a_signal_a_moment_before_its_end_fires_and_at_its_end_does_not(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        for left, outcome in ((1.0, Fired), (0.0, Denied | Refreshed)):
            mission = await rig.mission(lasts=3)
            token = await confirm_token(rig, mission)
            rig.clock.advance(3 - left)
            rig.quote("63999.99", "64000.01")
            assert isinstance(await rig.trading.fire(rig.actor(), token), outcome)
            if left:
                await rig.trading.cancel(rig.actor(), None)
