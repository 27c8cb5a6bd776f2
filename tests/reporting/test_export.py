"""One's own trades as a file: exact, nobody else's, and nothing that a spreadsheet would run."""

from __future__ import annotations

import csv
import io
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import update

from services.reporting.export import COLUMNS, DECISION_COLUMNS, decisions_csv, harmless, trades_csv
from services.storage import trades
from services.storage.database import Unit
from services.storage.tables import decision_journal, terminals
from tests.reporting.stage import stopped_out
from tests.trading.rig import ANN, TOM, desk_at


async def test_a_person_gets_their_own_trades_exactly(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        await stopped_out(rig)

        def rename(unit: Unit) -> None:
            unit.run(update(terminals).values(name='=HYPERLINK("x")'))

        await rig.trading.database.write(rename)
        count, content = await rig.read(lambda unit: trades_csv(unit, ANN))
        others = await rig.read(lambda unit: trades_csv(unit, TOM))
        trade = await rig.read(lambda unit: trades.by_number(unit, 1))
    (row,) = csv.DictReader(io.StringIO(content.decode("utf-8-sig")))

    assert trade is not None and count == 1 and tuple(row) == COLUMNS
    assert (Decimal(row["result"]), Decimal(row["fees"])) == (trade.realized, trade.fees)
    assert row["result"].startswith("-") and row["closed_at"].endswith("+00:00")
    assert row["terminal"] == '\'=HYPERLINK("x")'
    assert others[0] == 0 and b"BTC" not in others[1]


async def test_a_person_gets_their_own_decisions_with_what_was_shown(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        await stopped_out(rig)
        await rig.trading.skip(rig.actor(), (await rig.mission()).id, "news")

        def bend(unit: Unit) -> None:
            unit.run(update(decision_journal).where(decision_journal.c.trade_id.is_(None)).values(source="=1+1"))

        await rig.trading.database.write(bend)
        count, content = await rig.read(lambda unit: decisions_csv(unit, ANN))
        others = await rig.read(lambda unit: decisions_csv(unit, TOM))
    rows = list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"))))

    assert count == 2 and tuple(rows[0]) == DECISION_COLUMNS and others[0] == 0
    assert [(row["decided"], row["reason"], row["trade"], row["mission"]) for row in rows] == [
        ("fired", "", "1", "1"),
        ("skipped", "news", "", "2"),
    ]
    assert rows[1]["source"] == "'=1+1" and rows[1]["shown"] == "card=private" and rows[1]["at"].endswith("+00:00")


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\t=1", " =1", "\r=1"], ids=str.strip)
def test_what_looks_like_a_formula_is_quoted(text: str) -> None:
    assert harmless(text) == f"'{text}"
    assert harmless(f"x{text}") == f"x{text}"
