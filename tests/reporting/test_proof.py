"""The proof of a trade: verdict, plan and outcome, and nothing in place of what is missing."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

from sqlalchemy import delete, update

from handlers.telegram.views.proof import render_proof
from services.reporting.proof import Proof, read_proof
from services.reporting.trade_view import TradeWord
from services.storage.tables import journal, verdicts
from tests.reporting.stage import fired, live_of, stopped_out, traded
from tests.trading.rig import Rig, desk_at
from tests.views.shape import labels, problems


async def proof_of(rig: Rig, reference: str) -> Proof:
    found = await rig.read(lambda unit: read_proof(unit, reference, live_of(rig)))
    assert isinstance(found, Proof)
    return found


async def test_a_closed_trade_is_proved_against_its_plan(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        trade_id = await stopped_out(rig)
        proof = await proof_of(rig, trade_id)
        same = await proof_of(rig, "1")
        rendered = render_proof(proof)

    assert same == proof
    assert proof.word is TradeWord.CLOSED
    assert proof.within_bound
    assert proof.placed_stop == proof.planned_stop == Decimal(63000)
    assert proof.verdict is not None and proof.journal is not None
    assert proof.verdict.passed == len(proof.verdict.checks) == 19
    assert proof.journal.sound
    assert proof.journal.rows >= 3
    assert proof.r is not None and proof.r < -1
    assert problems(rendered) == []
    assert "checks 19 of 19" in rendered.plain()
    assert labels(rendered) == [["Back", "Copy verdict", "Copy hash"]]


async def test_an_open_trade_has_no_result_yet(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        _, trade_id = await traded(rig)
        proof = await proof_of(rig, trade_id)

    assert (proof.r, proof.result) == (None, None)
    assert "not closed yet" in render_proof(proof).plain()


async def test_what_is_missing_is_said_to_be_missing(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        _, trade_id = await fired(rig)

        def lose(unit):  # type: ignore[no-untyped-def]
            unit.run(delete(verdicts))

        await rig.trading.database.write(lose)
        proof = await proof_of(rig, trade_id)

    assert (proof.verdict, proof.entry, proof.placed_stop, proof.stop_s, proof.filled_s) == (None, None, None, None, None)
    text = render_proof(proof).plain()
    assert "checks no data" in text
    assert text.count("no data") >= 7
    assert problems(render_proof(proof)) == []


async def test_an_edited_journal_row_shows(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        trade_id = await stopped_out(rig)

        def edit(unit):  # type: ignore[no-untyped-def]
            unit.run(update(journal).where(journal.c.kind == "trade.fired").values(actor="person:666"))

        await rig.trading.database.write(edit)
        proof = await proof_of(rig, trade_id)

    assert proof.journal is not None and not proof.journal.sound
    assert "BROKEN" in render_proof(proof).plain()


async def test_an_unknown_trade_has_no_proof(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        found = await rig.read(lambda unit: read_proof(unit, "12", live_of(rig)))

    assert found is None
