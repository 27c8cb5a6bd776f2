"""``/why`` answers for a denial, a fill, a size, an alert and a silence, from journal rows that it names, or not at all."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from sqlalchemy import Executable, text
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql import ClauseElement

from handlers.telegram.views.story import render_reasons
from services.access.choices import SetLoudness, SetQuietHours
from services.domain.incidents import AlertCode
from services.domain.notices import Event, Loudness
from services.domain.people import Actor
from services.domain.signals import DropCode
from services.domain.states import HaltState
from services.operations.stages import Stages, WatchStages
from services.reporting.story import Reasons, why_alert, why_mission, why_trade
from services.storage import desk, missions, trades
from services.storage.database import Unit
from tests.reporting.stage import stopped_out
from tests.reporting.test_story import refused, silence
from tests.trading.rig import ANN, Rig, desk_at
from tests.views.shape import problems

SCAN = Actor.job("scan", "scan-1")
_ROW = re.compile(r"#(\d+)\)?$", re.MULTILINE)


async def rows_of(rig: Rig) -> dict[int, str]:
    """Return the kind of each row of the journal."""
    return {row.sequence: row.kind for row in await rig.read(lambda unit: desk.journal_after(unit, 0, 500))}


def links(why: Reasons) -> tuple[str, list[int]]:
    """Return the rendered answer and the rows that it names; nothing may be wrong with its shape."""
    rendered = render_reasons(why)
    assert problems(rendered) == []
    return rendered.plain(), [int(number) for number in _ROW.findall(rendered.plain())]


async def test_a_fill_and_a_size_are_explained_by_rows_that_say_so(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        await stopped_out(rig)
        why = await rig.read(lambda unit: why_trade(unit, trades.by_number(unit, 1)))
        rows = await rows_of(rig)
    said, named = links(why)

    assert [rows[number] for number in named] == ["trade.fired", "fill.booked", "fill.booked", "trade.closed"]
    assert "entry 0.0379 at 64,00… #8" in said and "stop 0.0379 at" in said
    assert "size 0.0379: 50 % of RISK_PER_TRADE" in said


async def test_a_denial_names_its_row_and_an_alert_the_rows_of_its_moment(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        number = await refused(rig)
        denied = await rig.read(lambda unit: why_mission(unit, missions.by_number(unit, number), ANN))
        stages = Stages(rig.clock)
        stages.attach("feed")
        rig.clock.advance(600)
        await WatchStages(rig.trading.database, stages, rig.clock, _Ids())()
        alert = await rig.read(lambda unit: why_alert(unit, AlertCode.STAGE_SILENT.value))
        rows = await rows_of(rig)

    assert next(rows[number] for number in links(denied)[1]) == "fire.denied"
    said, named = links(alert)
    assert "stage.silent" in [rows[number] for number in named] and "feed" in said


async def test_a_silence_names_what_was_dropped_what_is_halted_and_what_the_person_chose(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        mission = await rig.mission()

        def drop(unit: Unit) -> None:
            facts = {"source": mission.signal.source, "drop": DropCode.SCORE_LOW.value}
            unit.record(SCAN, "signal.dropped", **facts)

        before = links(await rig.read(silence))[0]
        await rig.trading.database.write(drop)
        await SetQuietHours(rig.trading.database)(rig.actor(), "11:00", "13:00")
        await SetLoudness(rig.trading.database)(rig.actor(), Event.MISSION, Loudness.OFF)
        await SetLoudness(rig.trading.database)(rig.actor(), Event.FILL, Loudness.OFF)
        await rig.trading.halt(rig.actor(), HaltState.HALTED, "news")
        said, named = links(await rig.read(silence))
        rows = await rows_of(rig)

    assert "SCORE_LOW" not in before and "quiet" not in before
    assert [rows[number] for number in named[:3]] == ["halt.halted", "choice.quiet", "choice.loudness"]
    assert "quiet 11:00–13:00" in said and "you: mission off" in said
    assert "dropped SCORE_LOW" in said and "mission BTC/USDT" in said


async def test_what_is_looked_up_in_the_journal_is_found_by_an_index(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        await stopped_out(rig)
        plans = await rig.trading.database.write(_plans)
        without = await rig.trading.database.write(_plans_without_indexes)

    assert len(plans) > 10
    assert [plan for plan in plans if _walks(plan)] == []
    assert len([plan for plan in without if _walks(plan)]) > 10


def _walks(plan: str) -> bool:
    """Tell whether every row of the journal is read; by its primary key alone it is read in the order of the chain."""
    return any(each in plan for each in ("SCAN journal", "Seq Scan on journal", "using pk_journal"))


def _plans(unit: Unit, when: str = "with indexes") -> list[str]:
    """Return how the database finds the rows of the journal that answers are read from."""
    if unit.connection.dialect.name != "sqlite":
        # A table of a few rows is always read whole, whatever indexes there are.
        unit.connection.execute(text("SET LOCAL enable_seqscan = off"))
    plans: list[str] = []

    class Listening(Unit):
        """Explains each statement about the journal before it runs."""

        __slots__ = ()

        def run(self, statement: Any, rows: Any = None) -> Any:
            if "FROM journal" in str(statement):
                plans.append(
                    "\n".join(str(row) for row in self.connection.execute(_Explain(statement, when), rows or {}).all())
                )
            return super().run(statement, rows)

    ears = Listening(unit.connection, unit.now)
    trade = trades.by_number(ears, 1)
    assert trade is not None
    why_trade(ears, trade)
    mission = missions.find(ears, trade.mission_id)
    assert mission is not None
    why_mission(ears, mission, ANN)
    silence(ears)
    desk.journal_of(ears, trade.correlation)
    return plans


def _plans_without_indexes(unit: Unit) -> list[str]:
    for name in ("correlation", "kind_sequence", "at_sequence"):
        unit.connection.exec_driver_sql(f"DROP INDEX ix_journal_{name}")
    return _plans(unit, "without")


class _Explain(Executable, ClauseElement):
    """A statement's plan; ``when`` makes its text another one, for SQLite explains a text that it knows as it did before."""

    inherit_cache = False

    def __init__(self, statement: Any, when: str) -> None:
        self.statement = statement
        self.when = when


@compiles(_Explain)
def _explain(element: _Explain, compiler: Any, **more: Any) -> str:
    how = "EXPLAIN QUERY PLAN" if compiler.dialect.name == "sqlite" else "EXPLAIN"
    return f"{how} /* {element.when} */ {compiler.process(element.statement, **more)}"


class _Ids:
    """Ids of rows that nobody reads back."""

    def row(self) -> str:
        return "watch"

    def instruction(self) -> str:
        return "watch"

    def secret(self) -> str:
        return "watch"
