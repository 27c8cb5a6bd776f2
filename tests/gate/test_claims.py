"""Nothing is sent that the gate did not allow in these very terms, whoever wrote it into the books."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from decimal import Decimal
from functools import partial
from pathlib import Path

import pytest

from services.domain.buttons import Act
from services.domain.orders import Instruction, Purpose
from services.domain.states import InstructionState, TradeState
from services.execution import executor
from services.missions.fire import Fired
from services.storage import instructions, orders, trades
from tests.gate.witness import fault_of
from tests.trading.rig import ANN, TOM, Rig, desk_at
from tests.trading.taps import fire

OTHERWISE = {
    "no verdict": "DELETE FROM verdicts",
    "a denial": "UPDATE verdicts SET allowed = 0",
    "another trade's verdict": "UPDATE verdicts SET trade_id = NULL",
    "another person's verdict": f"UPDATE verdicts SET person_id = {TOM}",
    "another terminal's verdict": f"UPDATE verdicts SET terminal_id = 'paper-{TOM}'",
    "another instrument": "UPDATE verdicts SET context = json_set(context, '$.market.instrument.symbol', 'ETH/USDT')",
    "the other side": "UPDATE verdicts SET context = json_set(context, '$.plan.side', 'short')",
    "a verdict without its terms": "UPDATE verdicts SET context = json_remove(context, '$.plan')",
    "terms that are no numbers": "UPDATE verdicts SET context = json_set(context, '$.plan.quantity', 'much')",
    "a smaller size allowed": "UPDATE verdicts SET context = json_set(context, '$.plan.quantity', '0.0378')",
    "a larger order": "UPDATE instructions SET orders = json_set(orders, '$[0].quantity', '0.038')",
    "a worse bound": "UPDATE instructions SET collar = '64192.02'",
    "a worse price": "UPDATE instructions SET orders = json_set(orders, '$[0].price', '64192.02')",
    "a wider stop": "UPDATE trades SET stop = '62999.99', initial_stop = '62999.99'",
}
# What does not reach the venue even where nobody asks for a verdict.
HELD_ANYWAY = {
    "two orders": "UPDATE instructions SET orders = json_insert(orders, '$[#]', json_extract(orders, '$[0]'))",
    "an order that sells": "UPDATE instructions SET orders = json_set(orders, '$[0].side', 'sell')",
    "another kind of write": "UPDATE instructions SET kind = 'place_list'",
    "no bound": "UPDATE instructions SET collar = NULL",
}


def rewrite(rig: Rig, statement: str) -> None:
    """Change the books of the newest trade behind the desk's back."""
    newest = "(SELECT id FROM trades ORDER BY number DESC LIMIT 1)"
    key = "id" if statement.startswith("UPDATE trades") else "trade_id"
    joined = "AND" if " WHERE " in statement else "WHERE"
    with closing(sqlite3.connect(books(rig))) as connection, connection:
        assert connection.execute(f"{statement} {joined} {key} = {newest}").rowcount == 1


def books(rig: Rig) -> str:
    return rig.settings.database_url.partition(":///")[2]


async def fired(rig: Rig) -> str:
    outcome = await fire(rig)
    assert isinstance(outcome, Fired)
    return outcome.trade_id


async def written(rig: Rig, trade_id: str, purpose: Purpose) -> Instruction:
    found = await rig.read(lambda unit: instructions.of_trade(unit, trade_id))
    (only,) = [each for each in found if each.purpose is purpose]
    return only


async def test_an_entry_that_no_verdict_allows_is_never_sent(tmp_path: Path) -> None:
    wrong: dict[str, object] = {}
    async with desk_at(tmp_path) as rig:
        for name, statement in (OTHERWISE | HELD_ANYWAY).items():
            trade_id = await fired(rig)
            rewrite(rig, statement)
            await rig.settle()
            entry = await written(rig, trade_id, Purpose.ENTRY)
            trade = await rig.read(partial(trades.find, trade_id=trade_id))
            found = (entry.state, entry.answer, entry.sent_at, trade.state, trade.close_reason)
            if found != (InstructionState.EXPIRED, "NO_VERDICT", None, TradeState.CANCELED, "NO_VERDICT"):
                wrong[name] = found

        assert not wrong
        assert not await rig.trading.paper.open_orders(f"paper-{ANN}")
        assert not await rig.trading.paper.fills_since(f"paper-{ANN}", 0)


async def test_the_witness_before_the_venue_sees_each_of_them_by_itself(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        trade_id = await fired(rig)
        entry = await written(rig, trade_id, Purpose.ENTRY)
        with closing(sqlite3.connect(books(rig), isolation_level=None)) as connection:
            seen = {}
            for name, statement in {"as it was fired": "UPDATE verdicts SET allowed = 1", **OTHERWISE}.items():
                connection.execute("BEGIN IMMEDIATE")
                connection.execute(statement)
                seen[name] = fault_of(connection, entry.orders[0].client_id)
                connection.execute("ROLLBACK")

    assert seen.pop("as it was fired") is None
    assert all(seen.values()), [name for name, fault in seen.items() if not fault]


async def test_a_desk_whose_executor_does_not_ask_fails_its_test(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(executor, "entry_fault", lambda *_: None)
    with pytest.raises(AssertionError, match="the gate allowed nothing"):
        async with desk_at(tmp_path) as rig:
            await fired(rig)
            rewrite(rig, OTHERWISE["no verdict"])
            await rig.settle()


async def test_less_than_what_was_allowed_is_sent(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        trade_id = await fired(rig)
        rewrite(rig, "UPDATE instructions SET orders = json_set(orders, '$[0].quantity', '0.01', '$[0].price', '64100')")
        rewrite(rig, "UPDATE trades SET stop = '63500'")
        await rig.settle()

        assert (await written(rig, trade_id, Purpose.ENTRY)).state is InstructionState.ACCEPTED


async def test_a_close_that_would_buy_more_is_never_sent_and_the_exits_stay(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        trade_id = await fired(rig)
        await rig.settle()
        asked = await rig.trading.ask_close(rig.actor(), trade_id, Decimal(1))
        await rig.trading.close(rig.actor(), asked.token.id, Act.CLOSE)
        rewrite(rig, "UPDATE instructions SET orders = json_set(orders, '$[0].side', 'buy') WHERE purpose = 'close'")
        await rig.settle()

        close = await written(rig, trade_id, Purpose.CLOSE)
        working = await rig.read(lambda unit: [each for each in orders.of_trade(unit, trade_id) if each.state == "accepted"])
        assert (close.state, close.answer) == (InstructionState.EXPIRED, "NOT_A_REDUCTION")
        assert working and all(order.side == "sell" for order in working)
