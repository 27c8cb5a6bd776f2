"""Four eyes in the chat: a trade waits for others, whatever happens between the taps."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import select

from sandbox.telegram.messages import Message, shown_id
from services.domain.people import Role
from services.storage import instructions, people
from services.storage.database import Unit
from services.storage.tables import decision_journal
from tests.chat.rig import ANN, CARL, CORA, TOM, ChatRig, chat_desk, data_of, desk_in_chat, labels_of, sandboxed, text_of

pytestmark = pytest.mark.asyncio(loop_scope="module")
EVERY = {"trade_loss": "0.01"}
PLENTY = {"offers_per_hour": 1000, "offers_per_day": 1000}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def asking_desk(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ChatRig]:
    """A desk at which every trade takes somebody else's yes."""
    async with desk_in_chat(tmp_path_factory.mktemp("asking"), approvals=EVERY, signals=PLENTY) as rig:
        for person in (ANN, TOM, CARL, CORA):
            await rig.say(person, "/start")
        await rig.settled()
        yield rig


@pytest_asyncio.fixture(loop_scope="module")
async def rig(asking_desk: ChatRig) -> AsyncIterator[ChatRig]:
    """The module's desk, with prices and people as they were and nothing open afterwards."""
    prices = dict(asking_desk.market.prices)
    yield asking_desk
    asking_desk.market.prices = prices
    for person, role in ((ANN, Role.TRADER), (CARL, Role.COMMANDER), (CORA, Role.COMMANDER)):
        await become(asking_desk, person, role)
    for person in (ANN, TOM, CARL):
        await asking_desk.leave_nothing(person)


async def become(rig: ChatRig, person: int, role: Role) -> None:
    def body(unit: Unit) -> None:
        known = people.find(unit, person)
        assert known is not None
        people.save_role(unit, replace(known, role=role), CARL)

    await rig.write(body)


async def asked(rig: ChatRig, person: int = ANN, by: tuple[int, ...] = (CARL, CORA), **mission: Any) -> tuple[Message, ...]:
    """Let a person fire, and return their trade's card and the card of everybody who is asked."""
    marks = {each: rig.mark(each) for each in by}
    preview = await rig.preview(person, **mission)
    toast = await rig.press(person, preview, "Confirm")
    assert "waits for 1 yes of others" in toast
    mine = await rig.reads(preview, "waiting for approval since")
    return mine, *[await rig.message(each, "0 of 1 yes", after=marks[each]) for each in by]


async def sent(rig: ChatRig) -> int:
    """Count the instructions of all live trades."""

    def body(unit: Unit) -> int:
        return sum(len(instructions.of_trade(unit, trade.id)) for trade in live)

    live = [trade for person in (ANN, TOM, CARL) for trade in await rig.trades_of(person)]
    counted: int = await rig.read(body)
    return counted


async def test_a_trade_is_asked_about_shown_as_waiting_and_goes_out_at_the_yes_of_another(rig: ChatRig) -> None:
    mine, carls, coras = await asked(rig)
    late = data_of(coras, "Approve")
    assert labels_of(mine)[:2] == ["Withdraw", "Proof"]
    assert "0 of 1 yes · asked Carl, Cora" in text_of(mine)
    assert labels_of(carls) == ["Reject", "Approve", "Proof"]
    assert all(part in text_of(carls) for part in ("Ann asks", "PAPER", "USDT)", "with costs", "nearest:", "good until"))
    assert "needs a yes" in text_of(await rig.ask(ANN, "/positions", "Positions"))
    assert "asks, till" in text_of(await rig.ask(ANN, "/orders", "Orders at the venue"))
    assert await sent(rig) == 0

    toast = await rig.press(CARL, carls, "Approve")

    assert toast.endswith("approved.")
    await rig.reads(mine, "at the venue")
    await rig.message(ANN, "approved by Carl")
    await rig.reads(coras, "approved by Carl")
    assert (await rig.forge(CORA, CORA, late, shown_id(coras))).startswith("APPROVAL_DECIDED")


async def test_two_devices_at_once_are_one_answer(rig: ChatRig) -> None:
    mine, carls, coras = await asked(rig)
    yes, no = data_of(carls, "Approve"), data_of(coras, "Approve")

    toasts = await asyncio.gather(
        rig.forge(CARL, CARL, yes, shown_id(carls)),
        rig.forge(CARL, CARL, yes, shown_id(carls)),
        rig.forge(CORA, CORA, no, shown_id(coras)),
    )

    assert sum(toast.endswith("approved.") for toast in toasts) == 1
    assert sum(toast.startswith(("APPROVAL_DECIDED", "BUTTON_USED", "APPROVAL_ANSWERED")) for toast in toasts) == 2
    await rig.reads(mine, "at the venue")


async def test_a_no_has_a_reason_and_its_trader_is_told_with_the_way_out(rig: ChatRig) -> None:
    mine, carls, coras = await asked(rig)
    await rig.press(CARL, carls, "Reject")
    await rig.press(CARL, await rig.reads(carls, "Why not?"), "Too large")

    told = await rig.message(ANN, "rejected by Carl")
    assert "why: too large" in text_of(told)
    await rig.reads(mine, "denied: REJECTED")
    await rig.reads(coras, "rejected by Carl")
    await rig.reads(carls, "rejected by Carl")
    rejected = decision_journal.c.decided == "rejected"
    row = await rig.read(lambda unit: unit.first(select(decision_journal).where(rejected)))
    assert (row.person_id, row.reason) == (CARL, "too large")
    before = rig.mark(ANN)
    await rig.press(ANN, told, "Fire")
    await rig.message(ANN, "needs a second yes", after=before)


async def test_nobody_approves_their_own_and_a_demoted_commander_approves_nothing(rig: ChatRig) -> None:
    mine, coras = await asked(rig, CARL, by=(CORA,))
    yes = data_of(coras, "Approve")
    assert not [each for each in rig.seen(CARL) if "Approve" in labels_of(each) and shown_id(each) >= shown_id(mine)]
    await become(rig, CORA, Role.TRADER)

    assert (await rig.forge(CORA, CORA, yes, shown_id(coras))).startswith("ROLE")
    assert (await rig.forge(CARL, CARL, yes, shown_id(coras))).startswith("NOT_YOURS")
    assert await sent(rig) == 0

    await rig.press(CARL, mine, "Withdraw")
    await rig.reads(mine, "canceled")
    await rig.reads(coras, "taken back")


async def test_a_trader_demoted_between_the_taps_is_denied_at_the_last_one(rig: ChatRig) -> None:
    _, carls, _ = await asked(rig)
    await become(rig, ANN, Role.OBSERVER)

    await rig.press(CARL, carls, "Approve")

    await rig.reads(carls, "then denied: ROLE")
    assert not await rig.trades_of(ANN)


async def test_the_price_of_the_last_tap_decides(rig: ChatRig) -> None:
    mine, carls, _ = await asked(rig)
    rig.price("64600.00", "64600.02")
    await rig.forward(seconds=1)

    toast = await rig.press(CARL, carls, "Approve")

    assert "approved, then denied: PRICE_COLLAR" in toast
    await rig.reads(carls, "then denied: PRICE_COLLAR")
    await rig.reads(mine, "denied: PRICE_COLLAR")
    told = await rig.message(ANN, "approved, then denied: PRICE_COLLAR")
    assert labels_of(told) == ["Fire"]
    assert not await rig.trades_of(ANN)


async def test_no_answer_in_time_ends_it_for_both_sides_once(rig: ChatRig) -> None:
    mine, carls, coras = await asked(rig, lasts=600)
    yes = data_of(carls, "Approve")
    await rig.forward(seconds=301)

    await rig.message(ANN, "nobody answered in time")
    await rig.reads(mine, "not sent: NO_ANSWER")
    for card in (carls, coras):
        await rig.reads(card, "nobody answered in time")
    await rig.settled()
    assert sum("nobody answered in time" in text_of(each) for each in rig.seen(ANN)) == 1
    assert (await rig.forge(CARL, CARL, yes, shown_id(carls))).startswith("APPROVAL_EXPIRED")
    assert not await rig.trades_of(ANN)


async def test_a_halt_takes_what_waits_back(rig: ChatRig) -> None:
    mine, carls, _ = await asked(rig)
    await rig.say(TOM, "/halt")

    await rig.reads(mine, "canceled")
    await rig.reads(carls, "taken back")
    assert not await rig.trades_of(ANN)
    await rig.resume()


async def test_a_question_outlives_a_restart(tmp_path: Path) -> None:
    async with sandboxed() as box:
        async with chat_desk(tmp_path, box, approvals=EVERY) as rig:
            mine, carls, _ = await asked(rig)
            await rig.settled()
        async with chat_desk(tmp_path, box, approvals=EVERY) as rig:
            await rig.press(CARL, carls, "Approve")
            await rig.reads(mine, "at the venue")


async def test_a_single_commander_types_a_phrase_and_a_second_one_ends_that(tmp_path: Path) -> None:
    alone = {"commanders": (CARL,), "traders": (ANN,)}
    async with desk_in_chat(tmp_path, approvals=EVERY, people=alone) as rig:
        preview = await rig.preview(CARL)
        await rig.press(CARL, preview, "Confirm")
        card = await rig.reads(preview, "nobody else may approve it")
        number = text_of(card).split("/approve ")[1].split()[0]
        assert await sent(rig) == 0
        await rig.ask(CARL, f"/approve {number} yes", "APPROVAL_PHRASE")
        await rig.ask(CARL, f"/approve {number} alone trade", "approved")
        await rig.reads(card, "at the venue")
        assert (await rig.journal("approval.approved"))[-1]["solo"] is True
