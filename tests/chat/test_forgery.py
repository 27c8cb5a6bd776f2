"""Tokens in the wrong hands, chat or time, and data that is no button's: a clear answer, no effect."""

from __future__ import annotations

import secrets

import pytest
from sqlalchemy import select

from sandbox.telegram.messages import Message, shown_id
from services.storage import tables
from services.storage.database import Unit
from tests.chat.rig import ANN, CARL, GROUP, TOM, ChatRig, data_of, labels_of
from tests.chat.state import changed, state

pytestmark = pytest.mark.asyncio(loop_scope="module")

MALFORMED = (
    "",
    "x",
    "m:",
    "m:fire",
    "m:fire:",
    "m:fire:a:b:c:d",
    "m:bomb:1:",
    "a:confirm_fire",
    "a:confirm_fire:",
    "a:nonsense:" + "A" * 22,
    "t:close:999999:",
    "t:stopr:1:nan",
    "t:stopr:1:1e999",
    "l:missions:abc:",
    "l:secrets:1:",
    "d:haltr:77",
    "c:notify:fill:deafening",
    "c:strategy:trend:sideways",
    "c:nothing:x:y",
    "a:confirm_fire:' OR 1=1 --",
    "m:size:1:gigantic",
    "\u202em:fire:1:",
    "0" * 64,
)


async def token_count(rig: ChatRig) -> int:
    def used(unit: Unit) -> int:
        return len(unit.all(select(tables.tokens.c.id).where(tables.tokens.c.used_at.is_not(None))))

    found: int = await rig.read(used)
    return found


@pytest.mark.parametrize("data", MALFORMED)
async def test_data_that_is_no_button_of_ours_is_answered_and_does_nothing(flat_desk: ChatRig, data: str) -> None:
    rig = flat_desk
    message = await rig.ask(CARL, "/menu", "What would you like")
    await rig.settled()
    before = await state(rig)

    toast = await rig.forge(CARL, CARL, data, shown_id(message)) if data else "not one of mine"
    await rig.settled()

    assert toast and "Something went wrong" not in toast
    assert not await changed(rig, before)


async def test_a_press_of_no_message_and_of_a_deleted_one_is_answered(flat_desk: ChatRig) -> None:
    rig = flat_desk
    preview = await rig.preview(ANN)
    confirm = data_of(preview, "Confirm")

    assert await rig.forge(ANN, ANN, confirm) == "This button is no longer known."
    assert not await rig.trades_of(ANN)
    rig.world.delete_own(ANN, ANN, preview.message_id)
    toast = await rig.forge(ANN, ANN, confirm, shown_id(preview))
    await rig.settled()
    assert toast.startswith("Approved as trade #")
    (trade,) = await rig.trades_of(ANN)
    await rig.message(ANN, f"trade #{trade.number}")


async def every_token(rig: ChatRig) -> dict[str, tuple[Message, str]]:
    """Put one act button of each kind on the table, all of them Ann's or Carl's."""
    card = await rig.trade(ANN)
    await rig.press(ANN, card, "Close")
    close = await rig.reads(card, "at market?")
    confirm = await rig.preview(ANN, symbol="ETH/USDT", stop="3100")
    close_all = await rig.ask(ANN, "/closeall", "at market?")
    revoke = await rig.ask(CARL, "/revoke 2002", "Take commander from")
    group = rig.world.create_group(f"Group {secrets.token_hex(3)}", ANN)
    question = await rig.message(CARL, group.title)
    return {
        "close": (close, data_of(close, "Close")),
        "confirm": (confirm, data_of(confirm, "Confirm")),
        "close_all": (close_all, data_of(close_all, "Close")),
        "revoke": (revoke, data_of(revoke, "Revoke")),
        "approve": (question, data_of(question, "Approve")),
    }


async def test_a_token_serves_its_own_person_in_its_own_chat_only(flat_desk: ChatRig) -> None:
    rig = flat_desk
    tokens = await every_token(rig)
    await rig.ask(TOM, "/whoami", "tom-paper")
    before = await state(rig)

    for message, data in tokens.values():
        thieves = [person for person in (TOM, CARL, ANN) if person != message.chat_id]
        for thief in thieves:
            toast = await rig.forge(thief, thief, data, shown_id(rig.seen(thief)[-1]))
            assert toast.startswith(("NOT_YOURS", "ROLE")), toast
        owner = message.chat_id
        toast = await rig.forge(owner, GROUP, data, shown_id(rig.seen(owner, GROUP)[-1]))
        assert toast.startswith("NOT_YOURS"), toast

    await rig.settled()
    assert not await changed(rig, before)


async def test_a_token_of_one_act_is_nothing_for_another(flat_desk: ChatRig) -> None:
    rig = flat_desk
    tokens = await every_token(rig)
    before = await state(rig)
    acts = {data.split(":")[1] for _, data in tokens.values()} | {"resume", "grant", "cancel", "move_stop", "claim", "invite"}

    for message, data in tokens.values():
        _, act, token = data.split(":")
        for other in sorted(acts - {act}):
            toast = await rig.forge(message.chat_id, message.chat_id, f"a:{other}:{token}", shown_id(message))
            assert toast.startswith(("BUTTON", "ROLE", "NOT_HALTED")), f"{act} as {other}: {toast}"

    await rig.settled()
    assert not await changed(rig, before)


async def test_a_used_or_expired_token_does_nothing_more(flat_desk: ChatRig) -> None:
    rig = flat_desk
    card = await rig.trade(ANN)
    await rig.press(ANN, card, "Half")
    half = data_of(await rig.reads(card, "Close half of"), "Close half")
    await rig.forge(ANN, ANN, half, shown_id(card))
    await rig.reads(card, "still open")
    await rig.settled()
    (trade,) = await rig.trades_of(ANN)

    assert (await rig.forge(ANN, ANN, half, shown_id(card))).startswith("BUTTON_USED")
    await rig.press(ANN, card, "Close")
    question = await rig.reads(card, "at market?")
    close = data_of(question, "Close")
    await rig.forward(seconds=61)
    # By its data: the message itself may have become the card again meanwhile.
    assert (await rig.forge(ANN, ANN, close, shown_id(card))).startswith("BUTTON_EXPIRED")
    await rig.settled()
    (still,) = await rig.trades_of(ANN)
    assert still.open_quantity == trade.open_quantity
    assert "Close" in labels_of(question)


async def test_guessed_tokens_hit_nothing(flat_desk: ChatRig) -> None:
    rig = flat_desk
    preview = await rig.preview(ANN)
    used = await token_count(rig)

    for _ in range(200):
        data = f"a:confirm_fire:{secrets.token_urlsafe(16)}"
        rig.world.press(ANN, ANN, data, shown_id(preview))
    await rig.settled()

    assert await token_count(rig) == used
    assert not await rig.trades_of(ANN)


async def test_confirm_without_a_preview_is_nothing(flat_desk: ChatRig) -> None:
    rig = flat_desk
    mission = await rig.mission()
    card = await rig.card(mission, TOM)

    toast = await rig.forge(TOM, TOM, f"a:confirm_fire:{mission.id[:22]}", shown_id(card))

    assert toast.startswith("BUTTON")
    assert not await rig.trades_of(TOM)
