"""The recorded life of a trade and the reasons for things: every line names its row, and nothing is made up."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import delete

from handlers.telegram.views.story import LINES_A_PAGE, render_reasons, render_story, story_page
from services.domain.grades import FireMode, ModeScope
from services.domain.halts import Halt, HaltScope
from services.domain.incidents import AlertCode
from services.domain.states import HaltState
from services.missions.fire import Denied
from services.reporting.story import Reasons, Story, story_of, why_alert, why_mission, why_silent, why_trade
from services.storage import desk, halts, missions, modes, people, trades
from services.storage.database import Unit
from services.storage.tables import journal
from tests.reporting.stage import stopped_out
from tests.trading.rig import ANN, TOM, Rig, desk_at
from tests.trading.taps import preview_of
from tests.views.shape import problems


async def refused(rig: Rig) -> int:
    """Have a confirm denied by a halt that came after the preview; return the mission's number."""
    mission = await rig.mission()
    token = (await preview_of(rig, mission)).token_id
    halt = Halt(
        scope=HaltScope.DESK,
        subject="desk",
        state=HaltState.HALTED,
        by_id=TOM,
        by_name="Tom",
        reason="news",
        since=rig.clock.now(),
    )
    await rig.trading.database.write(lambda unit: halts.save(unit, halt))
    assert isinstance(await rig.trading.fire(rig.actor(), token), Denied)
    return mission.number


async def test_a_trade_is_told_from_its_tap_to_its_end_with_the_row_of_each_line(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        await stopped_out(rig)

        def read(unit: Unit) -> tuple[Story, Reasons, dict[int, str]]:
            trade = trades.by_number(unit, 1)
            assert trade is not None
            rows = {row.sequence: row.kind for row in desk.journal_after(unit, 0, 100)}
            return story_of(unit, trade), why_trade(unit, trade), rows

        story, why, rows = await rig.read(read)
    pages = [render_story(story, page) for page in (1, 2)]
    told = [line.kind for line in story.lines]

    assert all(rows[line.row] == line.kind for line in story.lines if line.row is not None)
    assert told.index("trade.fired") < told.index("instruction.sent") < told.index("fill.booked") < told.index("trade.closed")
    assert [problems(page) for page in pages] == [[], []] and len(story.lines) > LINES_A_PAGE
    assert "entry accepted" in pages[0].plain() and "trade.closed STOP" in pages[1].plain()
    fired = next(line.row for line in story.lines if line.kind == "trade.fired")
    assert f"rules (#{fired})" in render_reasons(why).plain() and "stop 0.0379 at" in render_reasons(why).plain()
    assert problems(render_reasons(why)) == []


async def test_a_refusal_is_explained_to_whom_it_was_said_and_to_nobody_else(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        number = await refused(rig)

        def read(unit: Unit) -> tuple[Reasons, Reasons, int]:
            mission = missions.by_number(unit, number)
            denied = desk.last_recorded(unit, "fire.denied")
            assert mission is not None and denied is not None
            return why_mission(unit, mission, ANN), why_mission(unit, mission, TOM), denied.sequence

        mine, other, row = await rig.read(read)
    text = render_reasons(mine).plain()

    assert f"denied: HALT (#{row})" in text and "news" in text and problems(render_reasons(mine)) == []
    assert other.verdict is None and "HALT" not in render_reasons(other).plain()


@pytest.mark.parametrize(
    ("scope", "subject", "said"),
    [(ModeScope.PERSON, str(ANN), "mode alert of you"), (ModeScope.STRATEGY, "trend", "mode alert of trend")],
    ids=["person", "strategy"],
)
async def test_a_mode_that_keeps_an_entry_back_is_named_with_its_row(
    tmp_path: Path, scope: ModeScope, subject: str, said: str
) -> None:
    async with desk_at(tmp_path) as rig:
        opened = await rig.mission()

        def set_mode(unit: Unit, mode: FireMode) -> None:
            modes.put(unit, scope, subject, mode, TOM)
            facts = {"scope": scope.value, "subject": subject, "before": "select", "after": mode.value}
            unit.record(rig.actor(TOM), "mode.set", **facts)

        def read(unit: Unit) -> tuple[Reasons, int]:
            mission, row = missions.by_number(unit, opened.number), desk.last_recorded(unit, "mode.set")
            assert mission is not None and row is not None
            return why_mission(unit, mission, ANN), row.sequence

        await rig.trading.database.write(partial(set_mode, mode=FireMode.ALERT))
        held, row = await rig.read(read)
        silent = await rig.read(silence)
        await rig.trading.database.write(partial(set_mode, mode=FireMode.SELECT))
        free, _ = await rig.read(read)

    assert said in render_reasons(held).plain() and row in [line.row for line in held.lines]
    assert (row in [line.row for line in silent.lines]) is (scope is ModeScope.PERSON)
    assert "mode" not in [line.kind.partition(".")[0] for line in free.lines]
    assert problems(render_reasons(held)) == []


def silence(unit: Unit) -> Reasons:
    """Return why Ann hears nothing."""
    ann = people.find(unit, ANN)
    assert ann is not None
    return why_silent(unit, ann)


async def test_what_was_not_recorded_is_said_to_be_that(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        await stopped_out(rig)
        silent = await rig.read(silence)
        never = await rig.read(lambda unit: why_alert(unit, AlertCode.STAGE_SILENT.value))
        await rig.trading.database.write(lambda unit: unit.run(delete(journal)))
        nothing = await rig.read(silence)

    assert [line.kind for line in silent.lines] == ["mission.opened", "trade.fired"]
    assert "mission BTC/USDT" in render_reasons(silent).plain()
    assert "not recorded" in render_reasons(never).plain() and "not recorded" in render_reasons(nothing).plain()
    assert [story_page(arg) for arg in ("story2", "story", "rules2", "story²")] == [2, None, None, None]
