"""The proof of a trade: verdict, plan and outcome, and nothing in place of what is missing."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

from sqlalchemy import delete, update

from handlers.telegram.views.proof import RULES_A_PAGE, render_proof, render_rules, render_times, rules_page
from services.domain.entries import EntryKind
from services.reporting.proof import Proof, read_proof
from services.reporting.trade_view import TradeWord
from services.storage.tables import fills, journal, verdicts
from tests.reporting.stage import fired, live_of, stopped_out, traded
from tests.trading.entering import entered
from tests.trading.rig import Rig, desk_at
from tests.trading.taps import preview_of
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
    count = len(proof.verdict.checks)
    assert proof.verdict.passed == count >= 19
    assert proof.journal.sound
    assert proof.journal.rows >= 3
    assert proof.r is not None and proof.r < -1
    assert problems(rendered) == []
    assert f"checks {count}/{count}" in rendered.plain()
    assert f"{proof.verdict.digest[-2:]} ✓" in rendered.plain()
    assert labels(rendered) == [["Back", "Times", f"Rules {count}"], ["Copy proof", "Copy hash"]]


async def test_the_rules_of_a_proof_are_paged_with_what_was_carried_before_and_after(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        await traded(rig)
        proof = await proof_of(rig, "1")
    assert proof.verdict is not None and proof.verdict.before is not None and proof.verdict.after is not None
    pages = [render_rules(proof, page) for page in range(1, -(-len(proof.verdict.checks) // RULES_A_PAGE) + 1)]

    assert (proof.verdict.before.trades, proof.verdict.after.trades) == (0, 1)
    assert proof.verdict.before.exposure == 0 < proof.verdict.after.open_risk < proof.verdict.after.exposure
    assert "open risk" in pages[0].plain() and "0 → 1" in pages[0].plain()
    assert [problems(page) for page in pages] == [[]] * len(pages)
    told = "".join(page.plain() for page in pages)
    assert all(check.code.value in told for check in proof.verdict.checks)
    assert [rules_page(arg) for arg in ("rules", "rules2", "rules²", "times", "")] == [1, 2, None, None, None]


async def test_a_verdict_that_was_changed_afterwards_shows(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        await traded(rig)

        def loosen(unit):  # type: ignore[no-untyped-def]
            unit.run(update(verdicts).values(config_hash="0" * 64))

        await rig.trading.database.write(loosen)
        proof = await proof_of(rig, "1")

    assert "BROKEN" in render_proof(proof).plain()
    assert problems(render_proof(proof)) == []


async def test_the_proof_counts_slippage_from_the_middle_and_the_cost_of_waiting(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        mission = await rig.mission()
        rig.clock.advance(42)
        rig.quote("64199.99", "64200.01")
        token = (await preview_of(rig, mission)).token_id
        await rig.trading.fire(rig.actor(), token)
        await rig.settle()
        proof = await proof_of(rig, "1")
    found, text = proof.execution, render_proof(proof).plain()

    assert found.waited_s == 42
    assert (found.offered_price, found.decision_mid) == (Decimal(64100), Decimal(64200))
    assert found.delay is not None and found.delay.money is not None
    assert found.delay.bps == (Decimal(100) / 64100 * 10_000)
    assert found.delay.money.amount == 100 * proof_quantity(proof)
    assert found.slippage is not None and found.slippage.bps == (proof.entry - Decimal(64200)) / 64200 * 10_000
    assert found.maker == 0
    assert "wait 42" in text
    assert "maker 0 %" in text


async def test_the_times_of_a_trade_join_attempt_order_and_fill(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        trade_id = await stopped_out(rig)
        proof = await proof_of(rig, trade_id)
    found, rendered = proof.execution, render_times(proof)

    assert (found.attempts, found.placed, found.fills, found.joined) == (1, 1, 1, True)
    assert None not in (found.sent_s, found.acknowledged_s, found.first_fill_s, found.last_fill_s)
    assert found.sent_s <= found.acknowledged_s
    assert problems(rendered) == []
    assert "1 sent, 1 order, 1 fill" in rendered.plain()
    assert "approval" in rendered.plain() and "not asked" in rendered.plain()


async def test_a_fill_without_its_order_does_not_join(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        trade_id = await stopped_out(rig)

        def lose(unit):  # type: ignore[no-untyped-def]
            unit.run(update(fills).values(client_id=None))

        await rig.trading.database.write(lose)
        proof = await proof_of(rig, trade_id)

    assert not proof.execution.joined
    assert "NOT JOINED" in render_times(proof).plain()


async def test_a_resting_entry_proves_its_maker_share(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        trade_id = await entered(rig, EntryKind.LIMIT, "63500")
        rig.clock.advance(30)
        await rig.price("63499.98", "63500")
        proof = await proof_of(rig, trade_id)

    assert proof.execution.maker == 1
    assert proof.execution.slippage is not None and proof.execution.slippage.bps < -70
    assert "maker 100 %" in render_proof(proof).plain()
    assert problems(render_proof(proof)) == []


def proof_quantity(proof: Proof) -> Decimal:
    """Return the size that the result's R was counted for."""
    slippage = proof.execution.slippage
    assert slippage is not None and slippage.money is not None and proof.entry is not None
    return slippage.money.amount / (proof.entry - Decimal(64200))


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

    assert (proof.verdict, proof.entry, proof.placed_stop, proof.stop_s) == (None, None, None, None)
    assert (proof.execution.decision_mid, proof.execution.slippage, proof.execution.first_fill_s) == (None, None, None)
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
