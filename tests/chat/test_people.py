"""Who comes in, and how roles are given and taken: links, requests, grants, and a revocation that bites at once."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import select

from sandbox.telegram.messages import Message, shown_id
from services.access.links import issue_claim
from services.domain.states import TradeState
from services.storage import tables, terminals
from services.storage.database import Unit
from tests.chat.rig import (
    ANN,
    CARL,
    CORA,
    GROUP,
    MONEY,
    OLGA,
    SAM,
    TOM,
    ChatRig,
    buttons_of,
    data_of,
    desk_in_chat,
    labels_of,
    text_of,
)


def payload_of(invitation: Message) -> str:
    """Return what the link on an invitation starts the bot with."""
    link = next(button["copy_text"]["text"] for row in buttons_of(invitation) for button in row)
    return parse_qs(urlsplit(link).query)["start"][0]


async def test_a_stranger_is_turned_away_and_commanders_are_asked_once_a_day(desk: ChatRig) -> None:
    rig = desk
    for text in ("/start", "hello", "/positions"):
        answer = await rig.ask(SAM, text, "is a private desk")
        assert f"your id is {SAM}" in text_of(answer)
    await rig.settled()
    requests = [message for message in rig.seen(CARL) if "asks for access" in text_of(message)]
    assert len(requests) == 1 and requests[0].silent
    assert labels_of(requests[0]) == ["Ignore", "Grant"]
    assert rig.newest(ANN, "asks for access") is None

    await rig.forward(hours=25)
    await rig.ask(SAM, "hello again", "is a private desk")
    await rig.message(CARL, "asks for access", after=shown_id(requests[0]))


async def test_ignore_keeps_a_stranger_silent_for_a_day(desk: ChatRig) -> None:
    rig = desk
    await rig.ask(SAM, "/start", "is a private desk")
    request = await rig.message(CARL, "asks for access")
    await rig.press(CARL, request, "Ignore")
    await rig.reads(request, "Ignored for a day: Sam.")
    mark = rig.mark(SAM)
    await rig.say(SAM, "please")
    await rig.settled()

    assert not rig.since(mark, SAM)


async def test_grant_by_button_lets_the_stranger_trade_and_the_other_button_is_used_up(desk: ChatRig) -> None:
    rig = desk
    await rig.ask(CORA, "/start", "Hello")
    await rig.ask(SAM, "/start", "is a private desk")
    for_carl, for_cora = [await rig.message(commander, "asks for access") for commander in (CARL, CORA)]
    grant, shown = data_of(for_cora, "Grant"), shown_id(for_cora)
    await rig.press(CARL, for_carl, "Grant")
    await rig.reads(for_carl, "Sam: trader · regular · waits for Cora")
    card = await rig.message(CORA, "without a role → trader · regular")
    assert "Sam (9001)" in text_of(card) and rig.newest(SAM, "You are trader") is None
    await rig.press(CORA, for_cora, "Grant")
    await rig.reads(for_cora, "Sam is trader now.")
    await rig.reads(card, "yes by Cora")
    welcome = await rig.message(SAM, "You are trader")
    await rig.message(CARL, "Sam is trader now")

    assert "your terminal: sam-paper" in text_of(welcome)
    assert "BUTTON" in await rig.forge(CORA, CORA, grant, shown)
    await rig.until(lambda: rig.read(lambda unit: is_compared(unit, SAM)), "the new terminal is compared with its venue")
    await rig.trade(SAM)
    menu = await menu_of(rig, SAM, "fire")
    assert "grant" not in menu


def is_compared(unit: Unit, person: int) -> bool:
    opened = terminals.of_person(unit, person)
    day = opened is not None and terminals.day_result(unit, opened.id, f"{unit.now:%Y-%m-%d}")
    return opened is not None and opened.reconciled_at is not None and bool(day)


async def menu_of(rig: ChatRig, person: int, wanted: str) -> set[str]:
    """Wait until a person's command menu offers a command, and return all that it offers."""

    def offered() -> set[str]:
        found = rig.world.profile.commands
        return {each["command"] for key, listed in found.items() if str(person) in key for each in listed}

    await rig.until(lambda: wanted in offered(), f"/{wanted} in the menu")
    return offered()


async def test_an_invitation_lets_one_person_in_and_no_second_one(desk: ChatRig) -> None:
    rig = desk
    invitation = await rig.ask(CARL, "/invite observer", "One-time link for one observer")
    payload = payload_of(invitation)
    newcomer, late = rig.world.add_person("Ida"), rig.world.add_person("Lou")

    rig.world.start(newcomer.id, payload)
    await rig.message(newcomer.id, "you are observer here as soon as")
    await rig.approve("without a role → observer")
    await rig.message(newcomer.id, "You are observer at Sortie now")
    rig.world.start(late.id, payload)
    await rig.message(late.id, "this link was used")

    await rig.message(CORA, "Ida is observer now")
    await rig.ask(ANN, "/invite trader", "your role is trader, this needs commander")
    await rig.ask(CARL, "/invite commander", "commander cannot be given by a link")


async def test_an_invitation_ends_with_its_day_and_with_its_inviter(desk: ChatRig) -> None:
    rig = desk
    old = payload_of(await rig.ask(CARL, "/invite", "One-time link for one trader"))
    await rig.forward(hours=25)
    rig.world.start(SAM, old)
    await rig.message(SAM, "this link is too old")

    orphan = payload_of(await rig.ask(CORA, "/invite", "One-time link for one trader"))
    question = await rig.ask(CARL, f"/revoke {CORA}", "Take commander from")
    await rig.press(CARL, question, "Revoke")
    await rig.message(CORA, "was taken by Carl")
    mark = rig.mark(SAM)
    rig.world.start(SAM, orphan)
    await rig.message(SAM, "this link is too old", after=mark)


async def test_the_claim_link_makes_its_first_opener_commander_and_is_then_worthless(tmp_path: Path) -> None:
    async with desk_in_chat(tmp_path, people={}) as rig:
        link = await rig.write(lambda unit: issue_claim(unit, rig.graph.ids))
        rig.world.start(SAM, link.payload)
        await rig.message(SAM, "Welcome, Sam. You are commander here.")
        rig.world.start(ANN, link.payload)
        await rig.message(ANN, "this desk has a commander")

        await rig.ask(ANN, "/start", "is a private desk")
        await rig.ask(SAM, "/people", "Sam")


async def test_somebody_who_was_only_listed_is_not_seen_yet(desk: ChatRig) -> None:
    rig = desk
    listed = text_of(await rig.ask(CARL, "/people", "People"))
    assert f"not seen yet {OLGA}" in listed and "✗" not in listed
    in_group = text_of(await rig.ask(CARL, "/people", "People", GROUP))
    assert "not seen yet" in in_group and str(OLGA) not in in_group

    await rig.ask(OLGA, "/whoami", "observer")

    assert "Olga @olga_observes" in text_of(await rig.ask(CARL, "/people", "Olga"))


async def test_grants_by_name_and_number_are_told_to_everyone_concerned(desk: ChatRig) -> None:
    rig = desk
    await rig.ask(CORA, "/start", "Hello")
    await rig.ask(OLGA, "/start", "Hello")
    await rig.ask(CARL, "/grant @olga_observes trader", "Olga: trader · regular · waits for Cora · question #1")
    await rig.approve("Olga (3001)")
    await rig.message(OLGA, "You are trader at Sortie now")
    for commander in (CARL, CORA):
        await rig.message(commander, "Olga is trader now, was observer")
    await rig.ask(CARL, f"/grant {SAM} observer", "waits for Cora")
    await rig.approve("without a role → observer · regular")
    await rig.message(CARL, "is observer now, was without a role")
    await rig.ask(SAM, "/start", "You are observer here.")
    await rig.ask(CARL, "/grant @olga_observes observer", "Olga is observer now, was trader")

    await rig.ask(CARL, "/grant @nobody trader", "nobody here is @nobody")
    await rig.ask(CARL, "/grant @olga_observes emperor", "emperor is not a role")
    await rig.ask(CARL, "/grant trader", "who, and which role?")
    await rig.ask(CARL, "/grant 1087968824 commander", "1087968824 is not a person")


async def test_a_revocation_bites_at_the_next_tap_and_takes_working_entries_back(tmp_path: Path) -> None:
    # With no room between price and bound an entry rests at the venue until the price comes back.
    async with desk_in_chat(tmp_path, risk={"entry_deadline_s": 600}) as rig:
        card = await rig.trade(ANN)
        preview = await rig.preview(TOM)
        question = await rig.ask(CARL, f"/revoke {TOM}", "Take trader from")
        await rig.press(CARL, question, "Revoke")
        await rig.reads(question, "has no role any more")

        toast = await rig.press(TOM, preview, "Confirm")
        assert toast.startswith("NO_ROLE")
        await rig.message(TOM, "Your role at Sortie was taken by Carl.")
        assert not await rig.trades_of(TOM)

        question = await rig.ask(CARL, f"/revoke {ANN}", "Take trader from Ann")
        await rig.press(CARL, question, "Revoke")
        await rig.message(ANN, "protection stays")
        assert (await rig.press(ANN, card, "Close")).startswith("NO_ROLE")
        (trade,) = await rig.trades_of(ANN)
        assert trade.state is TradeState.OPEN
        stops = select(tables.orders.c.state).where(tables.orders.c.trade_id == trade.id, tables.orders.c.role == "stop")
        assert [row.state for row in await rig.read(lambda unit: unit.all(stops))] == ["accepted"]
        await rig.ask(CARL, f"/close {trade.number}", "at market?")


async def test_the_last_commander_stays(desk: ChatRig) -> None:
    rig = desk
    question = await rig.ask(CARL, f"/revoke {CORA}", "Take commander from")
    data, message_id = data_of(question, "Revoke"), shown_id(question)
    assert (await rig.forge(CORA, CORA, data, message_id)).startswith("NOT_YOURS")
    await rig.press(CARL, question, "Revoke")
    await rig.reads(question, "has no role any more")

    last = await rig.ask(CARL, f"/revoke {CARL}", "Take commander from Carl")
    toast = await rig.press(CARL, last, "Revoke")
    assert toast.startswith("LAST_COMMANDER")


async def test_a_name_is_learned_on_contact_and_says_nothing_of_authority(desk: ChatRig) -> None:
    rig = desk
    impostor = rig.world.add_person("Carl", username="carl_commands")

    await rig.ask(impostor.id, "/halt", "is a private desk")
    rig.world.join(impostor.id, GROUP)
    await rig.ask(impostor.id, "/halt", "you have no role at this desk", GROUP)

    await rig.ask(CARL, "/status", "active")


@pytest.mark.parametrize("payload", ["invite_" + "A" * 22, "claim_" + "B" * 22, "invite_", "claim_x", "m_nothing"])
async def test_a_forged_link_lets_nobody_in(desk: ChatRig, payload: str) -> None:
    rig = desk
    rig.world.start(SAM, payload)
    await rig.settled()

    answer = text_of(rig.seen(SAM)[-1])
    assert "private desk" in answer or "link is not known" in answer or "this desk has a commander" in answer
    assert not await rig.journal("people.joined") and not await rig.journal("people.claimed")


async def test_a_revocation_passes_the_open_trade_on_with_one_card(desk: ChatRig) -> None:
    rig = desk
    await rig.trade(TOM)
    (trade,) = await rig.trades_of(TOM)
    question = await rig.ask(CARL, f"/revoke {TOM} {CORA}", "1 live trade to")
    await rig.press(CARL, question, "Revoke")
    await rig.reads(question, f"Passed on: #{trade.number}.")
    card = await rig.message(CORA, "Left by Tom")
    assert labels_of(card) == [f"{word} #{trade.number}" for word in ("Keep", "Tighten", "Close")]
    assert all(len(line) <= 34 for line in text_of(card).splitlines()[1:])

    alone, shared = await rig.ask(CORA, "/desk", "kept for others"), await rig.ask(CORA, "/desk", "kept for others", GROUP)
    assert MONEY.search(text_of(alone)) and not MONEY.search(text_of(shared))
    assert all(len(line) <= 34 for line in text_of(alone).splitlines())
    assert (await rig.forge(CARL, CARL, data_of(card, "Keep"), shown_id(question))).startswith("HANDOVER")
    rig.price("64499.99", "64500.01")
    await rig.forward(seconds=1)
    assert f"Tightened: #{trade.number}" in await rig.press(CORA, card, "Tighten")
    await rig.reads(card, "tightened")
    assert labels_of(rig.current(card)) == []
    await rig.message(TOM, "Your role at Sortie was taken by Carl")
    assert (await rig.trades_of(TOM))[0].stop > trade.stop
