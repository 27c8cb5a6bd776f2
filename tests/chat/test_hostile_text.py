"""Names, reasons and titles that try to be markup, direction or length: they read as they are written and break nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sandbox.telegram.messages import Message
from tests.chat.rig import ANN, CARL, GROUP, OLGA, TOM, ChatRig, text_of

pytestmark = pytest.mark.asyncio(loop_scope="module")

HOSTILE = (
    "<b>bold</b>",
    '<a href="tg://user?id=1">Carl</a>',
    "</pre><code>&lt;&amp;",
    "{{ 7 * 7 }} {% raw %}",
    "\u202egnirts\u202c desrever",
    "*_~`[x](http://evil.example)",
    "name\nwith\nlines\tand tabs",
    "\u0000\u200b\u200e invisible",
    "🟢🛑✅" * 10,
    "x" * 64,
)
# What the desk's own templates use, and what a client finds in plain words by itself, where the words are the address: a link
# or a mention behind other words could only come from what somebody wrote.
OURS = {"bold", "code", "pre", "date_time", "italic", "expandable_blockquote", "blockquote"}
PLAIN = {"bot_command", "cashtag", "hashtag", "mention", "url", "email", "phone_number"}


def called(rig: ChatRig, person: int, name: str) -> None:
    """Let a person carry a name; a client sends names as they are."""
    rig.world.people[person] = replace(rig.world.people[person], name=name)


def foreign_markup(messages: list[Message]) -> list[str]:
    return [
        f"{entity.type}: {text_of(message)}"
        for message in messages
        for entity in message.body.entities
        if entity.type not in OURS | PLAIN
    ]


@pytest.mark.parametrize("name", HOSTILE)
async def test_a_hostile_name_is_only_a_name(flat_desk: ChatRig, name: str) -> None:
    rig = flat_desk
    group, private = rig.mark(OLGA, GROUP), rig.mark(CARL)
    called(rig, TOM, name)
    await rig.ask(TOM, "/whoami", "zone UTC")
    await rig.trade(TOM)
    await rig.close_all(TOM)
    await rig.ask(CARL, "/people", "Updated")
    await rig.ask(CARL, "/positions", "Updated")
    await rig.settled()

    said = [*rig.since(group, OLGA, GROUP), *rig.since(private, CARL)]
    assert foreign_markup(said) == []
    if name.isprintable() and len(name) < 20:
        assert any(name[:12] in text_of(message) for message in said)


@pytest.mark.parametrize("reason", [*HOSTILE, "y" * 4000, "<i>" * 1000])
async def test_a_hostile_halt_reason_halts_and_reads_as_written(flat_desk: ChatRig, reason: str) -> None:
    rig = flat_desk
    mark = rig.mark(OLGA, GROUP)
    await rig.say(CARL, f"/halt {reason}"[:4096])
    await rig.message(OLGA, "🛑 HALTED by", GROUP, after=mark)
    shown = await rig.ask(TOM, "/resume", "A commander can lift it.")
    await rig.resume()
    await rig.settled()

    said = [*rig.since(mark, OLGA, GROUP), shown]
    assert foreign_markup(said) == []
    assert all(len(text_of(message)) <= 1500 for message in said)


@pytest.mark.parametrize(
    "text", ["<script>", "../../etc/passwd", "%s%s%n", "' OR 1=1 --", "\u202e/halt", "🤖" * 500, "z" * 4096]
)
async def test_hostile_arguments_are_refused_in_words(flat_desk: ChatRig, text: str) -> None:
    rig = flat_desk
    for command in ("/mission", "/fire", "/skip", "/call", "/close", "/cancel", "/enable", "/grant", "/revoke", "/notify"):
        mark = rig.mark(CARL)
        await rig.say(CARL, f"{command} {text}"[:4096])
        await rig.settled()
        said = rig.since(mark, CARL)
        assert said, command
        assert not any("Something went wrong" in text_of(message) for message in said), command
        assert foreign_markup(said) == []
        assert all(len(text_of(message)) < 700 for message in said), command


async def test_a_strategy_s_name_and_reason_are_only_text(flat_desk: ChatRig) -> None:
    rig = flat_desk
    for text in HOSTILE:
        mission = await rig.mission(source=f"strategy:{text[:40]}@1", reason=text * 3)
        card = await rig.message(ANN, f"· #{mission.number} ·")
        await rig.press(ANN, card, "Why")
    await rig.settled()

    assert foreign_markup([message for message in rig.seen(ANN) if message.sender_id == rig.world.bot.id]) == []


async def test_a_hostile_group_title_is_only_a_title(flat_desk: ChatRig) -> None:
    rig = flat_desk
    mark = rig.mark(CARL)
    for title in HOSTILE:
        rig.world.create_group(title, CARL)
    await rig.settled()
    await rig.ask(CARL, "/chats", "Groups")

    questions = [message for message in rig.since(mark, CARL) if "may the desk speak there?" in text_of(message)]
    assert len(questions) == len(HOSTILE)
    assert foreign_markup(rig.since(mark, CARL)) == []
