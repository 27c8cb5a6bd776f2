"""The journal's walk, proofs and stories once more, with the desk's database on PostgreSQL."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import update

from services.operations.journal_check import JournalReport, check_journal
from services.reporting.export import trades_csv
from services.reporting.proof_record import find_record
from services.reporting.story import story_of
from services.risk.replaying import replay
from services.storage import trades
from services.storage.database import Unit
from services.storage.tables import journal
from tests.reporting.stage import stopped_out
from tests.reporting.test_why import test_what_is_looked_up_in_the_journal_is_found_by_an_index  # noqa: F401
from tests.trading.rig import ANN, desk_at
from tests.trading.test_decisions import test_who_let_a_mission_pass_is_kept_with_what_they_were_shown  # noqa: F401


async def test_what_was_recorded_reads_the_same(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        trade_id = await stopped_out(rig)

        def read(unit: Unit) -> JournalReport:
            trade, record = trades.find(unit, trade_id), find_record(unit, "1")
            assert trade is not None and record is not None and record.holds
            assert replay(record.stored.verdict.checks, record.stored.context).equal
            assert story_of(unit, trade).lines[-1].kind == "trade.closed"
            assert trades_csv(unit, ANN)[0] == 1
            return check_journal(unit)

        honest = await rig.read(read)
        change = update(journal).where(journal.c.sequence == 3).values(kind="nothing.happened")
        await rig.trading.database.write(lambda unit: unit.run(change))
        broken = await rig.read(check_journal)

    assert honest.flaw is None and honest.rows > 3
    assert broken.flaw is not None and broken.flaw.sequence == 3
