"""Real money in the chat: no entry before two commanders decided, exits always, and the way back at once."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from sandbox.telegram.messages import Message, shown_id
from services.domain.people import Role
from services.storage import people, terminals
from services.storage.database import Unit
from tests.chat.exchange import HandExchange, exchanges
from tests.chat.rig import ANN, CARL, CORA, GROUP, OLGA, TOM, ChatRig, Sandboxed, chat_desk, data_of, sandboxed, text_of

LIVE = "ann-live"
PLENTY = {"offers_per_hour": 1000, "offers_per_day": 1000}
KEYS = {"api_key": secrets.token_hex(8), "secret": secrets.token_hex(8)}


@asynccontextmanager
async def live_desk(
    folder: Path, box: Sandboxed, *, keys: Mapping[str, str] = KEYS, **groups: Any
) -> AsyncIterator[tuple[ChatRig, HandExchange]]:
    """Run a desk at which one terminal of Ann's is live by its mode, its venue's address and the start."""
    made: list[HandExchange] = []
    beside = {"exchange": exchanges(folder, box.clock, made), "confirmed_live": frozenset({LIVE})}
    mine = {"exchange": "binance", "base_url": "https://api.binance.com", **keys}
    named = {LIVE: {"venue": "mine", "mode": "live", "owner": ANN}}
    async with chat_desk(folder, box, beside=beside, venues={"mine": mine}, terminals=named, signals=PLENTY, **groups) as rig:
        yield rig, made[0]


async def fire(rig: ChatRig, expected: str) -> Message:
    """Let Ann press Fire on a fresh mission, and return what it brings."""
    mission = await rig.mission()
    card = await rig.message(ANN, f"· #{mission.number} · LIVE\n")
    await rig.press(ANN, card, "Fire")
    return await rig.message(ANN, expected, after=shown_id(card))


async def refused(rig: ChatRig) -> None:
    """Let Ann fire a fresh mission, and see it refused."""
    found = text_of(await fire(rig, "real money, not decided"))
    assert "LIVE_DECISION" in found and "LIVE" in found.splitlines()[0]


async def asked(rig: ChatRig) -> tuple[Message, Message]:
    """Let Carl ask; return his card and Cora's."""
    here, there = rig.mark(CARL), rig.mark(CORA)
    await rig.say(CARL, f"/golive {LIVE}")
    return await rig.message(CARL, "asked by Carl", after=here), await rig.message(CORA, "asked by Carl", after=there)


async def entries(rig: ChatRig, said: str) -> None:
    await rig.ask(CARL, "/golive", f"entries: {said}")


async def role(rig: ChatRig, who: int, wanted: Role) -> None:
    def body(unit: Unit) -> None:
        known = people.find(unit, who)
        assert known is not None
        people.save_role(unit, replace(known, role=wanted), CARL)

    await rig.write(body)


async def test_real_money_is_traded_after_two_commanders_decided_and_not_before_or_after(tmp_path: Path) -> None:
    async with sandboxed() as box, live_desk(tmp_path, box) as (rig, exchange):
        await refused(rig)
        await entries(rig, "not decided")
        assert "not decided" in text_of(await rig.ask(ANN, "/terminals", LIVE))
        assert "ROLE" in text_of(await rig.ask(ANN, f"/golive {LIVE}", "ROLE"))
        mine, theirs = await asked(rig)
        for line in ("exits only → live at mine", "at api.binance.com · key ", "key: cannot withdraw", "limits: trade 1.0 %"):
            assert line in text_of(theirs)
        assert KEYS["api_key"][:6] not in text_of(theirs)
        await refused(rig)
        assert exchange.placed == 0

        await rig.press(CORA, theirs, "Approve")
        await rig.reads(mine, "yes by Cora")
        for person in (ANN, OLGA):
            assert LIVE in text_of(await rig.message(person, "entries with real money"))
        assert LIVE not in text_of(await rig.message(CARL, "entries with real money", GROUP))
        preview = await fire(rig, "good until")
        await rig.press(ANN, preview, "Confirm")
        await rig.until(lambda: "at the venue" in text_of(rig.current(preview)), "filled and protected")
        placed = exchange.placed
        assert [trade.terminal_id for trade in await rig.trades_of(ANN)] == [LIVE]

        assert "live at mine → exits only" in text_of(await rig.ask(CARL, f"/golive {LIVE} off", "in force"))
        await rig.message(ANN, "exits only")
        await refused(rig)
        assert exchange.placed == placed
        await rig.close_all(ANN)
        assert await rig.trades_of(ANN) == []


async def test_nobody_goes_live_with_a_key_that_may_withdraw_or_by_the_word_of_who_was_demoted(tmp_path: Path) -> None:
    people_then = {"commanders": (CARL, CORA, TOM), "traders": (ANN,)}
    async with sandboxed() as box, live_desk(tmp_path, box, people=people_then) as (rig, exchange):
        exchange.right = True
        await rig.ask(CARL, f"/golive {LIVE}", "LIVE_KEY")
        exchange.right = False
        mine, theirs = await asked(rig)
        await role(rig, CORA, Role.TRADER)
        assert "ROLE" in await rig.forge(CORA, CORA, data_of(theirs, "Approve"), shown_id(theirs))
        await entries(rig, "not decided")
        await role(rig, CORA, Role.COMMANDER)
        exchange.right = True
        await rig.graph.trading.sync.ask_right(await rig.read(partial(terminals.find, terminal_id=LIVE)))

        await rig.press(CORA, theirs, "Approve")

        await rig.reads(mine, "not in force: LIVE_KEY")
        await entries(rig, "not decided")
        await rig.ask(CARL, f"/golive {LIVE} now", "LIVE_SYNTAX")
        await rig.ask(CARL, "/golive paper-1001", "LIVE_FACTS")
        await rig.ask(CARL, "/golive nowhere", "TERMINAL")


async def test_a_decision_is_kept_over_a_restart_and_ends_where_the_money_is_elsewhere(tmp_path: Path) -> None:
    async with sandboxed() as box:
        async with live_desk(tmp_path, box) as (rig, _):
            _, theirs = await asked(rig)
        async with live_desk(tmp_path, box) as (rig, _):
            await rig.press(CORA, theirs, "Approve")
            await entries(rig, "decided")
        async with live_desk(tmp_path, box) as (rig, _):
            await entries(rig, "decided")
        async with live_desk(tmp_path, box, keys=KEYS | {"api_key": secrets.token_hex(8)}) as (rig, _):
            await rig.message(ANN, "it stands elsewhere than was decided")
            await entries(rig, "not decided")
            await refused(rig)
        async with live_desk(tmp_path, box) as (rig, _):
            await entries(rig, "not decided")
            assert (await rig.journal("live.retired"))[0]["terminal"] == LIVE
