"""Every command for every role, in private and in the group: the exact answer, and nothing changed by who may not."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from sandbox.telegram.messages import Message
from tests.chat.rig import ANN, CARL, GROUP, MONEY, OLGA, SAM, ChatRig, text_of
from tests.chat.state import changed, state

pytestmark = pytest.mark.asyncio(loop_scope="module")

STRANGER, OBSERVER, TRADER, COMMANDER = SAM, OLGA, ANN, CARL
ROLES = {"stranger": SAM, "observer": OLGA, "trader": ANN, "commander": CARL}

# What a cell says. "+": answered as the row says, where it was asked. ">": answered in private, the group is pointed there.
# "r": refused by role. "d": "private desk". "p": only in private. "g": only in groups.
ANSWERED, ELSEWHERE, BY_ROLE, PRIVATE_DESK, ONLY_PRIVATE, ONLY_GROUP = "+", ">", "r", "d", "p", "g"
REFUSALS = {
    BY_ROLE: "ROLE\nyou",
    PRIVATE_DESK: "is a private desk",
    ONLY_PRIVATE: "⛔ PRIVATE_ONLY",
    ONLY_GROUP: "⛔ GROUP_ONLY",
}


@dataclass(frozen=True)
class Row:
    """What is typed, a part of the good answer, and the outcome for stranger, observer, trader and commander."""

    typed: str
    answer: str
    private: str
    group: str


# Halts stand last: what comes after them would be refused for another reason.
TABLE = (
    Row("/start", "Hello, ", "d+++", "pppp"),
    Row("/help", "Tap a command", "d+++", "r+++"),
    Row("/menu", "What would you like", "d+++", "r+++"),
    Row("/status", "up ", "d+++", "r+++"),
    Row("/slo", "Objectives, 24 h", "d+++", "r+++"),
    Row("/whoami", "zone UTC", "d+++", "pppp"),
    Row("/strategies", "Strategies, 90 days", "d+++", "r+++"),
    Row("/sources", "no sender outside", "d+++", "r+++"),
    Row("/source mute nobody", "no source is called nobody", "drr+", "pppp"),
    Row("/enable trend", "trend is on now", "drr+", "rrr+"),
    Row("/disable breakout", "breakout is off now", "drr+", "rrr+"),
    Row("/sandbox breakout", "breakout is sandboxed now", "drr+", "rrr+"),
    Row("/universe", "BTC/USDT 64,000.00", "d+++", "r+++"),
    Row("/terminals", "Terminals", "d+++", "r>>>"),
    Row("/digest", "journal", "d+++", "r+++"),
    Row("/settings", "Your settings", "d+++", "pppp"),
    Row("/doctor", "Doctor · ", "drr+", "rrr>"),
    Row("/missions", "Open missions", "d+++", "r+++"),
    Row("/mission", "LONG BTC/USDT", "d+++", "r+++"),
    Row("/fire", "good until", "dr++", "rr>>"),
    Row("/skip", "Skipped #1", "dr++", "rr++"),
    Row("/call BTCUSDT long sl 63000", "DUPLICATE", "dr++", "rr++"),
    Row("/positions", "nothing is open", "d+++", "r>>>"),
    Row("/orders", "no order is working", "d+++", "r>>>"),
    Row("/cancel", "NOTHING_WORKING", "dr++", "rr++"),
    Row("/close 7", "there is no trade 7", "dr++", "rr>>"),
    Row("/proof 7", "there is no trade 7", "dr++", "rr>>"),
    Row("/incident 7", "there is no trade 7", "dr++", "rr>>"),
    Row("/export", "1 decision and what was shown", "dr++", "rr>>"),
    Row("/edge", "Edge · ", "dr++", "rr++"),
    Row("/why", "Why silence", "dr++", "rr>>"),
    Row("/amend 7 64000", "there is no trade 7", "dr++", "rr++"),
    Row("/routes", "Routes", "d+++", "r+++"),
    Row("/closeall", "Nothing of yours is open", "dr++", "rr>>"),
    Row("/balance", "Accounts", "d+++", "r>>>"),
    Row("/pnl", "Results", "d+++", "r>>>"),
    Row("/history", "Closed trades", "d+++", "r>>>"),
    Row("/risk", "no halt in force", "d+++", "r+++"),
    Row("/news", "no calendar is configured", "d+++", "r+++"),
    Row("/limits", "one trade", "d+++", "r+++"),
    Row("/approve", "Nothing waits for an answer", "dr++", "pppp"),
    Row("/rollback 7", "there is no change 7", "drr+", "rrr+"),
    Row("/golive", "No terminal trades real money", "drr+", "pppp"),
    Row("/breakers", "all closed", "d+++", "r+++"),
    Row("/cooldown", "free to trade", "dr++", "rr>>"),
    Row("/bench @nobody 2h", "nobody here is @nobody", "drr+", "rrr+"),
    Row("/incidents", "Incidents", "d+++", "r+++"),
    Row("/runbook stop late", "STOP_LATE · urgent", "d+++", "r+++"),
    Row("/drill", "sortie drill all", "d+++", "r+++"),
    Row("/resolve", "nothing is unknown", "dr++", "rr>>"),
    Row("/people", "Olga", "drr+", "rrr+"),
    Row("/desk", "today", "drr+", "rrr+"),
    Row("/invite observer", "One-time link", "drr+", "pppp"),
    Row("/grant @olga_observes observer", "Olga is observer already", "drr+", "pppp"),
    Row("/revoke @nobody", "nobody here is @nobody", "drr+", "pppp"),
    Row("/mode", "Your mode: select", "dr++", "pppp"),
    Row("/chats", "Groups", "drr+", "rrr+"),
    Row("/bind missions", "missions come here from now on", "drrg", "rrr+"),
    Row("/notify", "What you hear", "d+++", "pppp"),
    Row("/stop", "Your entries are", "dr++", "rr++"),
    Row("/reduce", "reducing", "dr++", "rr++"),
    Row("/halt", "halted", "dr++", "rr++"),
    Row("/kill", "halted", "dr++", "rr++"),
    Row("/resume", "halted by", "dr++", "rr++"),
)


async def everybody_is_known(rig: ChatRig) -> None:
    """Let each person be seen once, so that learning their names is behind us."""
    for person in ROLES.values():
        await rig.say(person, "/start")
    await rig.settled()


async def test_every_command_has_its_row(shared_desk: ChatRig) -> None:
    listed = [row.typed.split()[0].removeprefix("/") for row in TABLE]

    assert sorted(listed) == sorted(spec.name for spec in shared_desk.graph.table.all())


async def test_every_command_answers_each_role_as_the_table_says(shared_desk: ChatRig) -> None:
    rig = shared_desk
    await everybody_is_known(rig)
    await rig.mission()
    await rig.message(ANN, "LONG BTC/USDT")
    rig.world.join(SAM, GROUP)
    wrong: list[str] = []

    for row in TABLE:
        for place, cells in ((None, row.private), (GROUP, row.group)):
            for (role, person), cell in zip(ROLES.items(), cells, strict=True):
                found = await told(rig, row, person, place, cell)
                wrong += [f"{row.typed} by {role} in {place or 'private'}: {each}" for each in found]

    assert not wrong, "\n".join(wrong)


async def told(rig: ChatRig, row: Row, person: int, place: int | None, cell: str) -> list[str]:
    """Type a command, and return what is not as its cell says."""
    before = await state(rig) if cell not in (ANSWERED, ELSEWHERE) else None
    here, private = rig.mark(person, place), rig.mark(person)
    await rig.say(person, row.typed, place)
    await rig.settled()
    said = rig.since(here, person, place)
    alone = rig.since(private, person) if place is not None else []
    wrong = [f"a group reads of money: {text_of(each)}" for each in said if place is not None and MONEY.search(text_of(each))]
    if before is not None:
        wrong += [f"it changed {each}" for each in await changed(rig, before)]
    if cell == ELSEWHERE:
        expected = row.answer
        if not any("in private" in text_of(each) or "private chat" in text_of(each) for each in said):
            wrong.append(f"the group is not told where the answer is: {texts(said)}")
        said = alone
    else:
        expected = REFUSALS.get(cell, row.answer)
        wrong += [f"also told in private: {text_of(each)}" for each in alone if cell != ANSWERED]
    if not any(expected.casefold() in text_of(each).casefold() for each in said):
        wrong.append(f"expected {expected!r}, got {texts(said)}")
    if any("Something went wrong" in text_of(each) for each in [*said, *alone]):
        wrong.append("it failed")
    return wrong


def texts(messages: list[Message]) -> list[str]:
    return [text_of(message) for message in messages]
