"""Every kind of button in the hands of who may not press it: a clear answer, and nothing changes."""

from __future__ import annotations

import pytest
from aiogram.filters.callback_data import CallbackData

from handlers.telegram.callbacks import (
    ActButton,
    ChoiceButton,
    DeskButton,
    DeskVerb,
    HandoverButton,
    HandoverVerb,
    ListButton,
    ListName,
    MissionButton,
    MissionVerb,
    QuestionButton,
    QuestionVerb,
    TradeButton,
    TradeVerb,
)
from sandbox.telegram.messages import shown_id
from services.domain.buttons import Act
from services.domain.people import Role
from services.domain.trades import Trade
from tests.chat.rig import ANN, CARL, GROUP, MONEY, OLGA, SAM, TOM, ChatRig, text_of
from tests.chat.state import changed, state

pytestmark = pytest.mark.asyncio(loop_scope="module")

OBSERVER, TRADER, COMMANDER = Role.OBSERVER, Role.TRADER, Role.COMMANDER
# The least role that each button answers with more than a refusal; a new button without a line here fails below.
MISSION_BUTTONS = {
    MissionVerb.FIRE: TRADER,
    MissionVerb.SIZE: TRADER,
    MissionVerb.CHECKS: TRADER,
    MissionVerb.BACK: TRADER,
    MissionVerb.WHY: OBSERVER,
    MissionVerb.CARD: TRADER,
    MissionVerb.SKIP: TRADER,
    MissionVerb.SKIP_REASON: TRADER,
    MissionVerb.REMIND: TRADER,
    MissionVerb.ASK: TRADER,
    MissionVerb.HOW: TRADER,
    MissionVerb.TERMINAL: TRADER,
}
# In a group a trade's card speaks in R and percent, for everyone there.
TRADE_BUTTONS = dict.fromkeys(TradeVerb, TRADER) | {TradeVerb.CARD: OBSERVER}
DESK_BUTTONS = {
    DeskVerb.HALT: TRADER,
    DeskVerb.HALT_REASON: TRADER,
    DeskVerb.HALT_DETAILS: OBSERVER,
    DeskVerb.RESUME: TRADER,
    DeskVerb.FLATTEN: COMMANDER,
    DeskVerb.MENU: OBSERVER,
    DeskVerb.BREAKER: COMMANDER,
    DeskVerb.BREAKER_REASON: COMMANDER,
}
FOR_COMMANDERS = (ListName.PEOPLE, ListName.DESK, ListName.CHATS, ListName.DOCTOR)
LISTS = dict.fromkeys(ListName, OBSERVER) | dict.fromkeys(FOR_COMMANDERS, COMMANDER)
LISTS[ListName.COOLDOWN] = TRADER
CHOICES = {
    "notify:fill:off": OBSERVER,
    "quiet:hours:off": OBSERVER,
    "strategy:trend:off": COMMANDER,
    "source:tv:mute": COMMANDER,
    "mode:me:select": TRADER,
    "mode:trend:alert": COMMANDER,
    f"pick:{ANN}:trader.regular.0": COMMANDER,
    f"give:{ANN}:observer.regular.7d": COMMANDER,
}
ACTS = {
    Act.CONFIRM_FIRE: TRADER,
    Act.CLOSE: TRADER,
    Act.CLOSE_ALL: TRADER,
    Act.CANCEL: TRADER,
    Act.MOVE_STOP: TRADER,
    Act.REVOKE: COMMANDER,
    Act.GRANT: COMMANDER,
    Act.RESUME: COMMANDER,
    Act.FLATTEN: COMMANDER,
    Act.CLAIM: COMMANDER,
    Act.INVITE: COMMANDER,
    Act.APPROVE_CHAT: COMMANDER,
    Act.DECIDE: TRADER,
    Act.SETTLE_UNKNOWN: COMMANDER,
    Act.APPROVE: COMMANDER,
    Act.REJECT: COMMANDER,
}
PEOPLE = ((SAM, Role.STRANGER), (OLGA, OBSERVER), (TOM, TRADER))
REFUSED = ("ROLE", "NO_ROLE", "NOT_YOURS", "BUTTON", "PREVIEW", "CARD", "HANDOVER", "Ask me in private")


def every_button(mission: str, trade: str) -> dict[str, Role]:
    """Return the data of one button of each kind with the least role for it."""
    buttons: list[tuple[CallbackData, Role]] = [
        *((MissionButton(verb=verb, mission=mission, arg="1"), least) for verb, least in MISSION_BUTTONS.items()),
        *((TradeButton(verb=verb, trade=trade, arg="1"), least) for verb, least in TRADE_BUTTONS.items()),
        *((DeskButton(verb=verb, arg="0"), least) for verb, least in DESK_BUTTONS.items()),
        *((QuestionButton(verb=verb, item="nothing", arg="1"), TRADER) for verb in QuestionVerb),
        *((HandoverButton(verb=verb, person=ANN), TRADER) for verb in HandoverVerb),
        *((ListButton(name=name), least) for name, least in LISTS.items()),
        *((_choice(text), least) for text, least in CHOICES.items()),
        *((ActButton(act=act, token="x" * 22), least) for act, least in ACTS.items()),
    ]
    return {button.pack(): least for button, least in buttons}


async def everybody_is_known(rig: ChatRig) -> None:
    """Let each person be seen, so that no press is the first that is heard of them."""
    for person in (ANN, CARL, *(each for each, _ in PEOPLE)):
        await rig.say(person, "/start")
    await rig.settled()


async def trade_of_ann(rig: ChatRig) -> Trade:
    """Return Ann's open trade, fired with the first test that asks; by then everybody's name is learned."""
    await everybody_is_known(rig)
    if not await rig.trades_of(ANN):
        await rig.trade(ANN)
    return (await rig.trades_of(ANN))[0]


def _choice(text: str) -> ChoiceButton:
    name, key, value = text.split(":")
    return ChoiceButton(name=name, key=key, value=value)


async def test_every_kind_of_button_is_listed() -> None:
    assert set(MISSION_BUTTONS) == set(MissionVerb)
    assert set(TRADE_BUTTONS) == set(TradeVerb)
    assert set(DESK_BUTTONS) == set(DeskVerb)
    assert set(LISTS) == set(ListName)
    assert set(ACTS) == set(Act)


async def test_no_button_does_anything_for_a_role_below_its_own(shared_desk: ChatRig) -> None:
    rig = shared_desk
    trade = await trade_of_ann(rig)
    rig.world.join(SAM, GROUP)
    wrong: list[str] = []

    for data, least in every_button(trade.mission_id, trade.id).items():
        below = [each for each, role in PEOPLE if role < least]
        for person, chat in [(each, place) for each in below for place in (each, GROUP)]:
            before = await state(rig)
            said = await rig.forge(person, chat, data, shown_id(rig.seen(person, chat)[-1]))
            await rig.settled()
            wrong += [f"{data} by {person} in {chat} changed {each}" for each in await changed(rig, before)]
            if not said.startswith(REFUSED):
                wrong.append(f"{data} by {person} in {chat} said {said!r}")

    assert not wrong, "\n".join(wrong)


async def test_a_trade_is_closed_to_every_trader_but_its_own(shared_desk: ChatRig) -> None:
    rig = shared_desk
    trade = await trade_of_ann(rig)
    newest = shown_id(rig.seen(TOM)[-1])
    before = await state(rig)
    data = {verb: TradeButton(verb=verb, trade=trade.id, arg="1").pack() for verb in TradeVerb}
    said = {verb: await rig.forge(TOM, TOM, each, newest) for verb, each in data.items()}
    by_number = await rig.forge(TOM, TOM, TradeButton(verb=TradeVerb.PROOF, trade=str(trade.number)).pack(), newest)
    await rig.settled()

    assert not await changed(rig, before)
    assert {verb for verb, toast in said.items() if toast.startswith("NOT_YOURS")} == set(TradeVerb) - {TradeVerb.CARD}
    assert said[TradeVerb.CARD].startswith("CARD")
    assert by_number.startswith("NOT_YOURS")


async def test_no_press_brings_sizes_or_money_into_a_group(shared_desk: ChatRig) -> None:
    rig = shared_desk
    trade = await trade_of_ann(rig)
    own = await rig.message(ANN, "LONG BTC/USDT", GROUP)

    for data in every_button(trade.mission_id, trade.id):
        for person in (ANN, CARL):
            await rig.forge(person, GROUP, data, shown_id(own))
    await rig.settled()

    leaks = [text_of(message) for message in rig.seen(ANN, GROUP) if MONEY.search(text_of(message))]
    assert not leaks
