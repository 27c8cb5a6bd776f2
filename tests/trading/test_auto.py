"""Auto: a mission fired without a tap, once for each person, through the same gate, and never where money is real."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from bot.system import SystemIds
from handlers.telegram.views.notices import render_notice
from services.access.seeding import grade_of
from services.domain.grades import FireMode, ModeScope
from services.domain.signals import Mission
from services.domain.states import HaltState
from services.domain.verdicts import CheckCode
from services.missions.by_itself import FireByItself
from services.missions.fire import FireMission
from services.reporting.live import Live
from services.reporting.mission_view import mission_view
from services.risk import gate
from services.storage import grades, modes, outbox, people, previews, tables, trades
from services.storage.database import Unit
from services.storage.previews import PreviewState
from tests.trading.live import decide, make_live
from tests.trading.rig import ANN, CARL, TOM, HandClock, Rig, desk_at, resume
from tests.trading.taps import preview_of


def auto_of(rig: Rig) -> FireByItself:
    return FireByItself(rig.trading.database, rig.trading.preview, rig.trading.fire, SystemIds())


async def set_up(
    rig: Rig, *, person: FireMode = FireMode.AUTO, strategy: FireMode = FireMode.AUTO, grade: str = "veteran"
) -> None:
    """Let Ann have a grade and a mode, and the strategy one."""

    def body(unit: Unit) -> None:
        grades.replace_all(unit, {name: grade_of(name, each) for name, each in rig.settings.grades.items()})
        ann = people.find(unit, ANN)
        assert ann is not None
        people.save_role(unit, replace(ann, grade=grade), None)
        modes.put(unit, ModeScope.PERSON, str(ANN), person, CARL)
        modes.put(unit, ModeScope.STRATEGY, "trend", strategy, CARL)

    await rig.trading.database.write(body)


async def outcome_of(rig: Rig, mission: Mission) -> str | None:
    rows = select(tables.auto_fires.c.outcome).where(tables.auto_fires.c.mission_id == mission.id)
    found = await rig.read(lambda unit: unit.first(rows))
    return found.outcome if found is not None else None


async def test_a_mission_fires_once_at_full_size_as_the_person_and_not_again_after_a_restart(tmp_path: Path) -> None:
    clock = HandClock()
    async with desk_at(tmp_path, clock=clock) as rig:
        await set_up(rig)
        mission = await rig.mission()
        shown = await preview_of(rig, mission)
        assert [await auto_of(rig)(), await auto_of(rig)()] == [1, 0]
        (trade,) = await rig.read(trades.live)
        assert (trade.person_id, trade.quantity) == (ANN, shown.full)
        journal = await rig.read(lambda unit: unit.all(select(tables.journal.c.kind, tables.journal.c.actor)))
        assert [actor for kind, actor in journal if kind in ("trade.fired", "auto.tried")] == [f"person:{ANN}"] * 2
        told = await rig.read(lambda unit: [each.template for each in outbox.pending_notices(unit, 50)])
        assert told.count("auto_fired") == 1

    async with desk_at(tmp_path, clock=clock, people_too=False) as rig:
        assert await auto_of(rig)() == 0
        assert len(await rig.read(trades.live)) == 1


async def test_a_fire_that_waits_for_a_second_person_says_so(tmp_path: Path) -> None:
    async with desk_at(tmp_path, approvals={"trade_loss": "0.01"}) as rig:
        await set_up(rig)
        mission = await rig.mission()

        assert await auto_of(rig)() == 0

        assert await outcome_of(rig, mission) == "waits"
        told = await rig.read(lambda unit: outbox.pending_notices(unit, 50))
        (said,) = [render_notice(each.template, each.facts) for each in told if each.template == "auto_fired"]
        assert "fired by itself" in said.plain() and "waits for 1 yes of others" in said.plain()


async def test_a_failure_half_way_leaves_the_try_and_the_next_tick_fires_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with desk_at(tmp_path) as rig:
        await set_up(rig)
        mission, real = await rig.mission(), FireMission.in_unit

        def torn(self: FireMission, *args: Any) -> Any:
            real(self, *args)
            raise RuntimeError("the process dies here")

        with monkeypatch.context() as patch:
            patch.setattr(FireMission, "in_unit", torn)
            with pytest.raises(RuntimeError):
                await auto_of(rig)()
        assert await outcome_of(rig, mission) is None and await rig.read(trades.live) == []

        assert [await auto_of(rig)(), await auto_of(rig)()] == [1, 0]
        assert len(await rig.read(trades.live)) == 1


async def test_somebody_without_a_terminal_uses_the_try_up_and_is_not_tried_every_second(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        await set_up(rig)
        await rig.trading.database.write(lambda unit: unit.run(update(tables.terminals).values(active=False)))
        mission = await rig.mission()

        assert [await auto_of(rig)(), await auto_of(rig)()] == [0, 0]
        assert await outcome_of(rig, mission) == "NO_TERMINAL"


async def test_auto_never_fires_at_a_live_terminal_where_a_tap_may(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        await set_up(rig)
        await make_live(rig)
        await decide(rig)
        mission = await rig.mission()

        assert await auto_of(rig)() == 0
        assert await outcome_of(rig, mission) == CheckCode.MODE
        shown = await rig.read(lambda unit: previews.find(unit, mission.id, ANN))
        assert (shown.state, shown.token_id) != (PreviewState.FIRED, None)


async def test_a_gate_that_leaves_the_mode_out_would_fire_at_a_live_terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gate, "_CHECKS", {code: check for code, check in gate._CHECKS.items() if code is not CheckCode.MODE})
    async with desk_at(tmp_path) as rig:
        await set_up(rig)
        await make_live(rig)
        await decide(rig)
        await rig.mission()

        assert await auto_of(rig)() == 1


async def test_what_is_halted_is_neither_fired_nor_told_nor_caught_up_with(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        await set_up(rig)
        await rig.trading.halt(rig.actor(TOM), HaltState.HALTED, "news")
        mission = await rig.mission()
        assert await auto_of(rig)() == 0
        assert await outcome_of(rig, mission) == CheckCode.HALT
        assert await rig.read(lambda unit: previews.find(unit, mission.id, ANN)) is None

        await resume(rig)
        assert await auto_of(rig)() == 0
        assert await rig.read(trades.live) == []


@pytest.mark.parametrize(
    ("person", "strategy", "grade"),
    [
        (FireMode.SELECT, FireMode.AUTO, "veteran"),
        (FireMode.AUTO, FireMode.SELECT, "veteran"),
        (FireMode.AUTO, FireMode.AUTO, "regular"),
        (FireMode.AUTO, FireMode.AUTO, "forgotten"),
    ],
)
async def test_auto_takes_person_strategy_and_grade(tmp_path: Path, person: FireMode, strategy: FireMode, grade: str) -> None:
    async with desk_at(tmp_path) as rig:
        await set_up(rig, person=person, strategy=strategy, grade=grade)
        mission = await rig.mission()

        assert await auto_of(rig)() == 0
        assert await outcome_of(rig, mission) is None


@pytest.mark.parametrize(("person", "strategy"), [(FireMode.ALERT, FireMode.AUTO), (FireMode.SELECT, FireMode.ALERT)])
async def test_an_alert_is_a_card_without_fire_and_a_preview_that_is_refused(
    tmp_path: Path, person: FireMode, strategy: FireMode
) -> None:
    async with desk_at(tmp_path) as rig:
        await set_up(rig, person=person, strategy=strategy)
        mission = await rig.mission()
        shown = await preview_of(rig, mission)
        live = Live(
            now=rig.clock.now(),
            zone="UTC",
            quote=rig.trading.quotes.latest,
            series=lambda s: None,
            balance=lambda t: None,
            least_sample=20,
        )
        offered = await rig.read(
            lambda unit: {chat: mission_view(unit, mission.id, live, chat_id=chat).may_fire for chat in (ANN, TOM, -1)}
        )

        assert [check.code for check in shown.checks if not check.passed] == [CheckCode.MODE]
        assert offered == {ANN: False, TOM: strategy is not FireMode.ALERT, -1: strategy is not FireMode.ALERT}
