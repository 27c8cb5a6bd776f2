"""Limits beyond one trade: what is live, in flight or was done before counts against the next entry; off, nothing does."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from bot.system import SystemIds
from services.domain.changes import Change, ChangeKind, ChangeState
from services.domain.entries import EntryKind
from services.domain.limits import Limit, Scope
from services.domain.signals import Side
from services.domain.states import TradeState
from services.domain.verdicts import CheckCode
from services.missions.fire import Fired
from services.risk.surroundings import worst_value
from services.storage import changes, instructions, trades
from services.storage.changes import LimitValue
from services.storage.database import Unit
from services.storage.previews import PreviewState
from tests.trading.entering import confirmed, trade_of
from tests.trading.rig import ANN, CARL, TOM, Rig, desk_at
from tests.trading.taps import fire, preview_of

C = CheckCode
Settings = dict[str, Any]


def scoped(scope: str, subject: object, limit: str, value: str) -> Settings:
    return {"scoped": [{"scope": scope, "subject": str(subject), "limit": limit, "value": value}]}


async def tom_in_flight(rig: Rig) -> None:
    """Tom's entry is committed and not sent yet."""
    assert isinstance(await fire(rig, person=TOM), Fired)


async def ann_on_the_other_side(rig: Rig) -> None:
    assert isinstance(await fire(rig), Fired)
    await rig.settle()


async def until_saturday(rig: Rig) -> None:
    """It is Friday noon in the rig."""
    rig.clock.advance(12 * 3600)
    await rig.price("63999.99", "64000.01")


async def nothing(rig: Rig) -> None:
    pass


DENIED: list[tuple[Settings, Callable[[Rig], Awaitable[None]], CheckCode, str]] = [
    ({"desk_positions": 1}, tom_in_flight, C.DESK_POSITIONS, "desk"),
    ({"instrument_positions": 1}, tom_in_flight, C.INSTRUMENT_POSITIONS, "desk"),
    (scoped("strategy", "trend", "strategy_positions", "1"), tom_in_flight, C.STRATEGY_POSITIONS, "strategy:trend"),
    (scoped("person", ANN, "trades_per_hour", "1"), ann_on_the_other_side, C.TRADES_PER_HOUR, f"person:{ANN}"),
    (scoped("strategy", "trend", "min_score", "71"), nothing, C.MIN_SCORE, "strategy:trend"),
    ({}, ann_on_the_other_side, C.OPPOSITE, "desk"),
    ({"weekend_positions": 0}, until_saturday, C.WEEKEND, "desk"),
    ({"tier_share": "0.00001"}, nothing, C.MIN_SIZE, "desk"),
]


@pytest.mark.parametrize(("risk", "before", "code", "scope"), DENIED, ids=[each[2].value for each in DENIED])
async def test_what_stands_beside_an_entry_denies_it_by_its_own_rule(
    tmp_path: Path, risk: Settings, before: Callable[[Rig], Awaitable[None]], code: CheckCode, scope: str
) -> None:
    async with desk_at(tmp_path, risk=risk) as rig:
        await before(rig)
        side = Side.SHORT if before is ann_on_the_other_side else Side.LONG
        stop, targets = ("63000", ("66000",)) if side is Side.LONG else ("65000", ("62000",))
        shown = await preview_of(rig, await rig.mission(side=side, stop=stop, targets=targets))

        denied = next(check for check in shown.checks if check.code is code)
        assert shown.state is PreviewState.REFUSED
        assert (denied.passed, denied.scope) == (False, scope)


async def test_without_these_limits_the_same_entry_passes(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        await tom_in_flight(rig)

        assert (await preview_of(rig, await rig.mission())).state is PreviewState.OPEN


@pytest.mark.parametrize(
    ("risk", "bound"),
    [
        ({"gross_exposure": "0.15"}, Decimal(3_000)),
        (scoped("tier", "A", "instrument_share", "0.1"), Decimal(1_000)),
        (scoped("terminal", "ann-paper", "leverage", "0.2"), Decimal(2_000)),
        (scoped("instrument", "BTC/USDT", "cash_reserve", "0.8"), Decimal(2_000)),
        ({"margin_left": "0.8"}, Decimal(2_000)),
        ({"tier_share": "0.1"}, Decimal(1_000)),
    ],
    ids=["gross", "instrument", "leverage", "reserve", "margin", "tier"],
)
async def test_the_largest_size_keeps_to_what_others_leave_and_passes(tmp_path: Path, risk: Settings, bound: Decimal) -> None:
    async with desk_at(tmp_path, risk=risk) as rig:
        await tom_in_flight(rig)
        shown = await preview_of(rig, await rig.mission(), size="max")
        live = await rig.read(trades.live)

        others = sum(worst_value(trade, lambda _: None) for trade in live) if "gross_exposure" in risk else Decimal(0)
        assert others >= live[0].quantity * live[0].worst_price * ("gross_exposure" in risk)
        assert shown.state is PreviewState.OPEN
        assert bound * Decimal("0.9") - others < shown.largest * shown.worst_price <= bound - others


async def test_a_close_the_week_and_the_usual_size_are_read_from_the_record(tmp_path: Path) -> None:
    risk = {"instrument_cooldown_s": 600, "weekly_loss": "0.004", "usual_multiple": 3}
    async with desk_at(tmp_path, risk=risk) as rig:
        assert isinstance(await fire(rig), Fired)
        await rig.settle()
        await rig.price("62998", "62999")
        closed_at = rig.clock.now()
        rig.clock.advance(60)
        await rig.price("63999.99", "64000.01")
        shown = await preview_of(rig, await rig.mission())

        said = {check.code: check for check in shown.checks}
        assert [code for code, check in said.items() if not check.passed] == [C.INSTRUMENT_COOLDOWN, C.WEEKLY_LOSS]
        assert said[C.INSTRUMENT_COOLDOWN].frees_at == closed_at + timedelta(seconds=600)
        assert Decimal(said[C.WEEKLY_LOSS].value or 0) > Decimal("0.004")
        assert said[C.UNUSUAL_SIZE].note == "1 trades are too few"

        for _ in range(11):
            rig.clock.advance(60)
            await rig.price("63999.99", "64000.01")
        later = {check.code: check.passed for check in (await preview_of(rig, await rig.mission())).checks}
        assert later[C.INSTRUMENT_COOLDOWN]


async def put_in_force(rig: Rig, limit: Limit, value: str) -> None:
    """Let a value stand over the settings'."""
    setting = Decimal(str(getattr(rig.settings.risk, limit.value)))
    change = Change(
        id=SystemIds().row(),
        number=1,
        kind=ChangeKind.LIMIT,
        subject=limit.value,
        before=str(setting),
        after=value,
        tightens=True,
        by=CARL,
        reason=None,
        state=ChangeState.IN_FORCE,
        asked_at=rig.clock.now(),
    )
    row = LimitValue(limit=limit, scope=Scope.DESK, subject="", value=Decimal(value), setting=setting, change_id=change.id)

    def body(unit: Unit) -> None:
        changes.add(unit, change)
        changes.set_limit(unit, row)

    await rig.trading.database.write(body)


@pytest.mark.parametrize(("oldest", "sent"), [(None, True), ("1", False)], ids=["settings", "changed"])
async def test_a_trigger_is_looked_at_by_the_age_of_quotes_that_is_in_force(
    tmp_path: Path, oldest: str | None, sent: bool
) -> None:
    async with desk_at(tmp_path) as rig:
        fired = await confirmed(rig, EntryKind.STOP, "64100")
        assert isinstance(fired, Fired)
        if oldest is not None:
            await put_in_force(rig, Limit.QUOTE_AGE_S, oldest)
        rig.quote("64099.99", "64100.01")
        rig.clock.advance(3)
        await rig.trading.entries()

        assert bool(await rig.read(lambda unit: instructions.of_trade(unit, fired.trade_id))) is sent
        assert (await trade_of(rig, fired.trade_id)).state is TradeState.WORKING


@pytest.mark.parametrize(("oldest", "denied"), [(None, False), ("6", True)], ids=["settings", "changed"])
async def test_the_day_is_measured_by_prices_as_fresh_as_the_limit_in_force_asks(
    tmp_path: Path, oldest: str | None, denied: bool
) -> None:
    async with desk_at(tmp_path) as rig:
        assert isinstance(await fire(rig), Fired)
        await rig.settle()
        if oldest is not None:
            await put_in_force(rig, Limit.EQUITY_AGE_S, oldest)
        rig.clock.advance(8)
        rig.quote("3199.99", "3200.01", "ETH/USDT")
        await rig.settle()
        shown = await preview_of(rig, await rig.mission(symbol="ETH/USDT", stop="3100", targets=("3400",)))

        assert (C.DAILY_LOSS in {check.code for check in shown.checks if not check.passed}) is denied
