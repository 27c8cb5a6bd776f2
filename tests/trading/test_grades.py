"""Grades at the gate and in front of it: what they tighten, what they take away, and roles that end between two taps."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from services.access.seeding import grade_of
from services.domain.errors import NotAllowed
from services.domain.money import Price
from services.domain.states import TradeState
from services.domain.verdicts import CheckCode
from services.missions.fire import Denied, Fired
from services.risk import gate
from services.storage import grades, people, trades
from services.storage.database import Unit
from tests.trading.rig import ANN, Rig, desk_at
from tests.trading.taps import confirm_token, fire, preview_of

GRADES = {
    "cadet": {"per_trade": "0.001", "max_notional": "2", "slots": 1, "shots": 2},
    "desk-only": {"terminals": ("binance-testnet",)},
    "watcher": {"without": ("fire", "call", "amend")},
}


async def give(rig: Rig, grade: str, *, ends_in: float | None = None) -> None:
    """Let Ann be of a grade, with a role that may end."""

    def body(unit: Unit) -> None:
        grades.replace_all(unit, {name: grade_of(name, each) for name, each in rig.settings.grades.items()})
        ann = people.find(unit, ANN)
        assert ann is not None
        until = unit.now + timedelta(seconds=ends_in) if ends_in is not None else None
        people.save_role(unit, replace(ann, grade=grade, lease_until=until), None)

    await rig.trading.database.write(body)


async def test_a_cadets_amounts_hold_where_they_are_tighter_than_the_desks_limits(tmp_path: Path) -> None:
    async with desk_at(tmp_path, grades=GRADES, risk={"person_positions": 3}) as rig:
        await give(rig, "cadet")
        mission = await rig.mission()
        shown = await preview_of(rig, mission, size="max")
        bounds = {check.code: (check.limit, check.scope) for check in shown.checks}

        assert bounds[CheckCode.RISK_PER_TRADE] == ("0.001", f"person:{ANN}")
        assert bounds[CheckCode.PERSON_POSITIONS] == ("1", f"person:{ANN}")
        assert bounds[CheckCode.NOTIONAL] == ("1", "desk")
        assert bounds[CheckCode.SHOTS][0] == "2"
        assert shown.loss <= Decimal(10)


async def test_a_grade_given_between_preview_and_confirm_is_the_one_that_counts(tmp_path: Path) -> None:
    async with desk_at(tmp_path, grades=GRADES) as rig:
        await give(rig, "regular")
        button = await confirm_token(rig)
        await give(rig, "desk-only")
        outcome = await rig.trading.fire(rig.actor(), button)

        assert isinstance(outcome, Denied) and outcome.check.code is CheckCode.GRADE
        assert await rig.read(trades.live) == []


async def test_a_gate_that_leaves_the_grade_out_would_let_it_through(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    without = {code: check for code, check in gate._CHECKS.items() if code is not CheckCode.GRADE}
    monkeypatch.setattr(gate, "_CHECKS", without)
    async with desk_at(tmp_path, grades=GRADES) as rig:
        await give(rig, "regular")
        button = await confirm_token(rig)
        await give(rig, "desk-only")

        assert isinstance(await rig.trading.fire(rig.actor(), button), Fired)


async def test_a_grade_that_the_settings_have_no_more_lets_nothing_in(tmp_path: Path) -> None:
    async with desk_at(tmp_path, grades=GRADES) as rig:
        await give(rig, "regular")
        button = await confirm_token(rig)
        await give(rig, "forgotten")

        with pytest.raises(NotAllowed, match="GRADE_COMMAND"):
            await rig.trading.fire(rig.actor(), button)


async def test_commands_that_a_grade_takes_away_are_refused_in_the_use_case(tmp_path: Path) -> None:
    async with desk_at(tmp_path, grades=GRADES) as rig:
        await give(rig, "regular")
        button, mission = await confirm_token(rig), await rig.mission(symbol="ETH/USDT", stop="3000", targets=("4000",))
        await give(rig, "watcher")

        with pytest.raises(NotAllowed, match="GRADE_COMMAND"):
            await rig.trading.fire(rig.actor(), button)
        with pytest.raises(NotAllowed, match="GRADE_COMMAND"):
            await rig.trading.preview(rig.actor(), mission.id)
        with pytest.raises(NotAllowed, match="GRADE_COMMAND"):
            await rig.trading.amend(rig.actor(), "1", Price(Decimal(64_000)))
        await rig.trading.halt.myself(rig.actor(), "what stops stays with everybody")


@pytest.mark.parametrize("left_s", [0.001, 0, -1])
async def test_a_role_that_ends_between_preview_and_confirm_fires_nothing(tmp_path: Path, left_s: float) -> None:
    async with desk_at(tmp_path, grades=GRADES) as rig:
        await give(rig, "regular", ends_in=30)
        button = await confirm_token(rig)
        rig.clock.advance(30 - left_s)
        rig.quote("63999.99", "64000.01")

        if left_s > 0:
            assert isinstance(await rig.trading.fire(rig.actor(), button), Fired)
            return
        with pytest.raises(NotAllowed, match="NO_ROLE"):
            await rig.trading.fire(rig.actor(), button)
        assert await rig.read(trades.live) == []


async def test_an_entry_whose_traders_role_ends_before_it_is_claimed_is_never_sent(tmp_path: Path) -> None:
    async with desk_at(tmp_path, grades=GRADES) as rig:
        await give(rig, "regular", ends_in=5)
        fired = await fire(rig)
        assert isinstance(fired, Fired)
        rig.clock.advance(5)
        await rig.price("63999.99", "64000.01")
        trade = await rig.read(lambda unit: trades.find(unit, fired.trade_id))

        assert (trade.state, trade.close_reason) == (TradeState.CANCELED, "NO_ROLE")
