"""Changes in the chat: a raise takes somebody else's yes, whatever happens between the taps; tighter acts at once."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from handlers.telegram.callbacks import ActButton
from sandbox.telegram.messages import Message, shown_id
from services.domain.buttons import Act
from services.domain.limits import Limit
from services.domain.people import Role
from services.risk.limits import limits_in_force
from services.storage import people
from services.storage.database import Unit
from tests.chat.rig import ANN, CARL, CORA, OLGA, ChatRig, chat_desk, data_of, labels_of, sandboxed, text_of

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def per_trade(rig: ChatRig) -> str:
    """Return what the gate would use, in percent."""
    settings = rig.graph.proposals.acts.limits.settings
    book = await rig.read(lambda unit: limits_in_force(unit, settings))
    return f"{book.desk[Limit.PER_TRADE] * 100:f}".rstrip("0").rstrip(".")


async def raised(rig: ChatRig, value: str) -> tuple[Message, Message]:
    """Let Carl ask for more; return the cards that he and Cora have of it."""
    here, there = rig.mark(CARL), rig.mark(CORA)
    await rig.say(CARL, f"/limits per_trade {value}")

    def both() -> tuple[Message, Message] | None:
        found = [
            next((each for each in rig.since(mark, who) if "asked by Carl" in text_of(each)), None)
            for mark, who in ((here, CARL), (there, CORA))
        ]
        return (found[0], found[1]) if found[0] is not None and found[1] is not None else None

    cards: tuple[Message, Message] = await rig.until(both, "both cards")
    return cards


async def role(rig: ChatRig, who: int, wanted: Role) -> None:
    def body(unit: Unit) -> None:
        known = people.find(unit, who)
        assert known is not None
        people.save_role(unit, replace(known, role=wanted), CARL)

    await rig.write(body)


async def test_a_raise_is_read_approved_and_led_back(shared_desk: ChatRig) -> None:
    rig = shared_desk
    mine, theirs = await raised(rig, "2%")
    assert "1.00 % → 2.00 %" in text_of(theirs)
    assert (labels_of(mine), labels_of(theirs)) == (["Take back"], ["Reject", "Approve"])
    assert await per_trade(rig) == "1"

    await rig.press(CORA, theirs, "Approve")

    await rig.reads(mine, "yes by Cora")
    assert await per_trade(rig) == "2"
    done = await rig.reads(theirs, "in force")
    await rig.press(CORA, done, "Roll back")
    await rig.message(CORA, "2.00 % → 1.00 %")
    assert await per_trade(rig) == "1"


async def test_a_no_gives_its_reason_to_who_asked(shared_desk: ChatRig) -> None:
    rig = shared_desk
    mine, theirs = await raised(rig, "3%")
    await rig.press(CORA, theirs, "Reject")
    await rig.press(CORA, await rig.reads(theirs, "Why not?"), "Too much")

    await rig.reads(mine, "no by Cora: too much")
    assert (await rig.journal("approval.rejected"))[-1]["reason"] == "too much"
    assert await per_trade(rig) == "1"


async def test_who_is_demoted_between_the_taps_approves_nothing(shared_desk: ChatRig) -> None:
    rig = shared_desk
    mine, theirs = await raised(rig, "2%")
    await role(rig, CORA, Role.TRADER)

    assert "ROLE" in await rig.forge(CORA, CORA, data_of(theirs, "Approve"), shown_id(theirs))

    assert await per_trade(rig) == "1"
    await role(rig, CORA, Role.COMMANDER)
    await rig.press(CARL, mine, "Take back")
    await rig.reads(mine, "taken back")


async def test_nobody_approves_with_a_button_of_somebody_else(shared_desk: ChatRig) -> None:
    rig = shared_desk
    mine, theirs = await raised(rig, "2%")
    for thief in (CARL, ANN, OLGA):
        assert "NOT_YOURS" in await rig.forge(thief, thief, data_of(theirs, "Approve"), shown_id(mine))
    made_up = ActButton(act=Act.APPROVE, token="A" * 22).pack()
    assert "BUTTON" in await rig.forge(CORA, CORA, made_up, shown_id(theirs))

    assert await per_trade(rig) == "1"
    await rig.press(CARL, mine, "Take back")
    await rig.reads(mine, "taken back")


async def test_two_devices_at_once_answer_once(shared_desk: ChatRig) -> None:
    rig = shared_desk
    mine, theirs = await raised(rig, "2%")
    data = data_of(theirs, "Approve")

    said = await asyncio.gather(*(rig.forge(CORA, CORA, data, shown_id(theirs)) for _ in range(3)))

    assert [each for each in said if "DECIDED" not in each] == ["Question #5: approved."]
    await rig.reads(mine, "in force")
    await rig.ask(CARL, "/limits per_trade 1%", "2.00 % → 1.00 %")
    assert await per_trade(rig) == "1"


async def test_limits_are_listed_turned_and_tightened_by_button(shared_desk: ChatRig) -> None:
    rig = shared_desk
    shown = await rig.ask(CARL, "/limits", "one trade")
    await rig.press(CARL, shown, "per trade")
    one = await rig.reads(shown, "refuses as RISK_PER_TRADE")
    assert "0.50%" in labels_of(one)[0]
    await rig.press(CARL, one, "0.50%")
    await rig.press(CARL, await rig.reads(shown, "tightens: in force at once"), "Tighten")
    await rig.reads(shown, "in force")
    assert await per_trade(rig) == "0.5"
    assert "Approve" not in str([labels_of(each) for each in rig.since(0, OLGA)])
    for typed, told in (
        ("per_trade 200%", "LIMIT_BOUNDS"),
        ("nothing 1", "LIMIT_UNKNOWN"),
        ("per_trade strategy:x 1%", "LIMIT_SUBJECT"),
        ("per_trade a:b c d", "LIMIT_SYNTAX"),
    ):
        await rig.ask(CARL, f"/limits {typed}", told)
    await rig.ask(OLGA, "/limits per_trade 0.1%", "ROLE")


async def test_the_life_of_a_single_commander_over_a_restart(tmp_path: Path) -> None:
    alone = {"commanders": (CARL,), "traders": (ANN,), "observers": (OLGA,)}
    async with sandboxed() as box:
        async with chat_desk(tmp_path, box, people=alone) as rig:
            await rig.ask(CARL, "/limits per_trade 2%", "nobody else can answer")
            await rig.message(ANN, "asked without a second person")
            await rig.ask(CARL, "/approve 1 alone limit", "APPROVAL_EARLY")
            await rig.ask(CARL, "/rollback 1", "not in force: taken back")
            await rig.ask(CARL, "/limits per_trade 1.5%", "/approve 2 alone limit")
        async with chat_desk(tmp_path, box, people=alone) as rig:
            await rig.forward(minutes=10)
            await rig.ask(CARL, "/approve 2 just do it", "APPROVAL_PHRASE")
            assert await per_trade(rig) == "1"

            await rig.ask(CARL, "/approve 2 alone limit", "Question #2: approved.")

            assert await per_trade(rig) == "1.5"
            assert (await rig.journal("change.in_force"))[-1]["solo"] is True
            card = await rig.ask(CARL, "/limits per_trade 3%", "/approve 3 alone limit")
            here = rig.mark(ANN)
            await rig.ask(CARL, f"/grant {CORA} commander", "waits for your own phrase")
            await rig.message(ANN, "asked without a second person", after=here)
            await rig.ask(CARL, "/approve 4 alone grant", "APPROVAL_EARLY")
            await rig.forward(minutes=10)
            await rig.ask(CARL, "/approve 4 alone grant", "Question #4: approved.")
            await rig.reads(card, "0 of 1")
            await rig.ask(CARL, "/approve 3 alone limit", "OWN_QUESTION")
            theirs = await rig.message(CORA, "asked by Carl")
            await rig.press(CORA, theirs, "Approve")
            await rig.reads(theirs, "in force")
            assert await per_trade(rig) == "3"
