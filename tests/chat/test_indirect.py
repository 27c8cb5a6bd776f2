"""What was not typed here, by a person, now: forwards, edits, captions, old and anonymous messages never act."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from handlers.telegram.commands import Kind
from tests.chat.rig import ANN, CARL, GROUP, SAM, TOM, ChatRig, text_of
from tests.chat.state import changed, state
from tests.chat.test_matrix import TABLE
from tests.sandbox.pictures import picture

pytestmark = pytest.mark.asyncio(loop_scope="module")

ACTING = (
    "/halt",
    "/reduce",
    "/stop",
    "/resume RESUME",
    "/fire",
    "/skip",
    "/call ETHUSDT long sl 3100",
    "/closeall",
    "/cancel",
    "/grant @tom_trades commander",
    "/revoke @tom_trades",
    "/invite trader",
    "/enable trend",
    "/disable trend",
    "/notify fill off",
    "/settings zone Asia/Tokyo",
    "/bind risk",
)


def captioned(rig: ChatRig, text: str, chat: int) -> None:
    rig.world.say(CARL, text, chat_id=chat, photo=picture())


def via_bot(rig: ChatRig, text: str, chat: int) -> None:
    rig.world.say(CARL, text, chat_id=chat, via_bot=True)


def edited(rig: ChatRig, text: str, chat: int) -> None:
    said = rig.world.say(CARL, "/status", chat_id=chat)
    rig.world.edit_own(CARL, chat, said.message_id, text)


def anonymous(rig: ChatRig, text: str, chat: int) -> None:
    rig.world.post_anonymous(CARL, GROUP, text)


def channel(rig: ChatRig, text: str, chat: int) -> None:
    rig.world.post_as_channel(GROUP, text)


Shape = Callable[[ChatRig, str, int], None]
# How the other commands are typed.
OTHERS = tuple(row.typed for row in TABLE if row.typed.split()[0] not in {text.split()[0] for text in ACTING})
SHAPES: tuple[Shape, ...] = (captioned, via_bot, edited, anonymous, channel)


def acting_beside(rig: ChatRig) -> list[str]:
    """Return how the other commands are typed that the table does not call reads."""
    acting = {f"/{spec.name}" for spec in rig.graph.table.all() if spec.kind is not Kind.READ}
    return [text for text in OTHERS if text.split()[0] in acting]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("chat", [CARL, GROUP])
async def test_no_command_in_another_shape_acts(flat_desk: ChatRig, shape: Shape, chat: int) -> None:
    rig = flat_desk
    await rig.mission()
    await rig.ask(CARL, "/whoami", "carl-paper")
    await rig.ask(TOM, "/whoami", "tom-paper")
    await rig.settled()
    before = await state(rig)

    for text in (*ACTING, *acting_beside(rig)):
        shape(rig, text, chat)
    await rig.settled()

    assert not await changed(rig, before)


async def test_a_forwarded_command_does_not_act_and_says_why_in_private(flat_desk: ChatRig) -> None:
    rig = flat_desk
    # A stranger's command in a group, which the desk refuses there; then a commander passes it on.
    rig.world.join(SAM, GROUP)
    written = [rig.world.say(SAM, text, chat_id=GROUP) for text in ACTING]
    await rig.settled()
    await rig.ask(CARL, "/whoami", "carl-paper")
    before = await state(rig)

    for message in written:
        rig.world.forward(CARL, GROUP, message.message_id, chat_id=CARL)
        rig.world.forward(CARL, GROUP, message.message_id, chat_id=GROUP)
    await rig.message(CARL, "only a command typed here acts")
    await rig.settled()

    assert not await changed(rig, before)


async def test_an_old_command_is_not_carried_out_but_a_halt_is(flat_desk: ChatRig) -> None:
    rig = flat_desk
    await rig.settled()
    long_ago = int(rig.clock.now().timestamp()) - 600
    before = len(await rig.journal("strategy."))

    rig.world.say(CARL, "/disable trend", date=long_ago)
    refusal = await rig.message(CARL, "this command is 600 s old, limit 120 s")
    assert "send it again" in text_of(refusal)
    rig.world.say(ANN, "/status", date=long_ago)
    await rig.message(ANN, "up ")
    rig.world.say(TOM, "/halt late but meant", date=long_ago)
    await rig.message(TOM, "🛑 HALTED by Tom")

    assert len(await rig.journal("strategy.")) == before
    await rig.resume()
