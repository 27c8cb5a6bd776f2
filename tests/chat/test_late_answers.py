"""Answers that the chat does not take: no handler waits for long, and what it had to say comes later, over a restart too."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from aiogram.client.session.base import BaseSession
from sqlalchemy import select

from bot.answering import Straight, one_update
from bot.delivery import Delivery
from bot.nursery import TaskNursery
from bot.pacing import Pacer
from bot.system import StageWakeups
from bot.telegram import ChatAnswers, make_bot
from handlers.telegram.callbacks import DeskButton, DeskVerb, ListButton, ListName
from handlers.telegram.request import Answered
from handlers.telegram.views.late import NOT_KEPT, late_facts, render_late
from handlers.telegram.views.message import Button, Rendered, act
from sandbox.telegram.messages import shown_id
from services.domain.states import UpdateState
from services.storage import outbox, tables
from services.storage.database import Database
from tests.blank import empty_database
from tests.chat.rig import ANN, BOT_ID, CARL, ChatRig, Sandboxed, chat_desk, labels_of, sandboxed, text_of
from tests.sim.clocks import VirtualClock
from tests.sim.loop import VirtualLoop

LONGEST_S = 15.0
_OPEN = tables.updates.c.state.in_((UpdateState.RECEIVED.value, UpdateState.ACTED.value))


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let answers have a second."""
    monkeypatch.setattr("bot.answering.ANSWER_FOR_S", 1.0)


async def kept(rig: ChatRig) -> list[Any]:
    rows = select(tables.notices).where(tables.notices.c.template == outbox.ANSWER)
    found: list[Any] = await rig.read(lambda unit: unit.all(rows))
    return found


async def ask_while_nothing_is_taken(folder: Path, box: Sandboxed) -> None:
    """Let Ann ask something whose answer does not get through, until her update is done, and stop the desk."""
    async with chat_desk(folder, box) as rig:
        box.world.faults.switch_on("reset_before", contains="ann-paper")
        await rig.say(ANN, "/whoami")
        await rig.until(lambda: box.world.faults.fired["reset_before"], "the answer is lost")

        async def done() -> bool:
            waiting = await rig.read(lambda unit: unit.first(select(tables.updates.c.update_id).where(_OPEN)))
            return waiting is None and bool(await rig.count(tables.updates))

        await rig.until(done, "the update has its end")
    box.world.faults.switch_off()


async def test_an_answer_that_is_not_taken_comes_once_after_a_restart(tmp_path: Path, impatient: None) -> None:
    async with sandboxed() as box:
        await ask_while_nothing_is_taken(tmp_path, box)
        async with chat_desk(tmp_path, box) as rig:
            late = await rig.message(ANN, "ann-paper")
            await rig.settled()

            assert "⏳ late: this is from " in text_of(late).splitlines()[-1]
            assert sum("ann-paper" in text_of(message) for message in rig.seen(ANN)) == 1
            assert rig.newest(ANN, "interrupted") is None


async def test_without_keeping_it_the_answer_would_be_lost(
    tmp_path: Path, impatient: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.answering._store", lambda _unit, _late: None)
    async with sandboxed() as box:
        await ask_while_nothing_is_taken(tmp_path, box)
        async with chat_desk(tmp_path, box) as rig:
            await rig.ask(CARL, "/whoami", "carl-paper")
            await rig.settled()

            assert rig.newest(ANN, "ann-paper") is None


@pytest.mark.usefixtures("prompt")
async def test_what_a_tap_asked_for_comes_as_a_message_whose_buttons_work(desk: ChatRig, impatient: None) -> None:
    rig = desk
    menu = await rig.ask(ANN, "/menu", "What would you like")
    fault = rig.world.faults.switch_on("reset_before", method="editMessageText", chat_id=ANN)
    for _ in range(2):
        await rig.press(ANN, menu, "Risk")
    late = await rig.message(ANN, "late: this is from", after=shown_id(menu))
    await rig.settled()
    rig.world.faults.switch_off(fault.id)

    assert "daily loss" in text_of(late) and late.reply_to == menu.message_id
    assert "What would you like" in text_of(rig.current(menu))
    await rig.press(ANN, late, labels_of(late)[0])


async def test_a_card_that_could_not_be_shown_again_is_shown_in_its_place(desk: ChatRig, impatient: None) -> None:
    rig = desk
    card = await rig.trade(ANN)
    await rig.settled()
    await rig.press(ANN, card, "Close")
    await rig.reads(card, "at market?")
    fault = rig.world.faults.switch_on("reset_before", method="editMessageText", chat_id=ANN)
    await rig.press(ANN, card, "Back")
    await rig.until(lambda: rig.world.faults.fired["reset_before"] > 2, "the card is not shown")
    rig.world.faults.switch_off(fault.id)

    await rig.reads(card, "at the venue")
    assert not any("at the venue" in str(row) for row in await kept(rig))


async def test_a_refusal_that_the_tap_could_not_show_is_said_in_a_message(desk: ChatRig, impatient: None) -> None:
    rig = desk
    rig.world.faults.switch_on("reset_before", method="answerCallbackQuery", count=20)
    rig.world.press(ANN, ANN, "m:fire:nothing:", shown_id(await rig.ask(ANN, "/whoami", "ann-paper")))

    await rig.message(ANN, "MISSION")


async def test_a_one_time_link_is_not_stored(desk: ChatRig, impatient: None) -> None:
    rig = desk
    fault = rig.world.faults.switch_on("reset_before", contains="One-time link")
    await rig.say(CARL, "/invite trader")
    await rig.message(CARL, NOT_KEPT)
    rig.world.faults.switch_off(fault.id)

    assert not [row for row in await kept(rig) if "invite_" in json.dumps(row.facts)]


def test_a_late_answer_reads_as_it_was_with_its_hour_and_its_buttons() -> None:
    rows = (
        (act("Back", DeskButton(verb=DeskVerb.MENU)), act("Next", ListButton(name=ListName.RISK, page=2))),
        (Button(text="Open it", url="https://t.me/desk"), Button(text="Copy", copy="a 1")),
    )
    answer = Rendered(text="<b>Risk</b> &lt;2&gt;", rows=rows)
    at = datetime(2026, 1, 2, 14, 32, 5, tzinfo=UTC)

    late = render_late(json.loads(json.dumps(late_facts(answer, at=at, tapped=7, reply_to=7))))

    assert late.text == "<b>Risk</b> &lt;2&gt;\n⏳ late: this is from 14:32:05 UTC"
    assert late.keyboard() == answer.keyboard()


@pytest.mark.parametrize("odd", [{}, {"at": "?"}, {"rows": 7}, {"rows": [[3]]}, {"rows": [[{"text": "a", "data": "zz:1"}]]}])
def test_a_stored_answer_that_cannot_be_read_says_to_ask_again(odd: dict[str, object]) -> None:
    facts = {"text": "Risk", "at": "2026-01-02T14:32:05+00:00"} | odd

    assert render_late(facts).text == NOT_KEPT


class _BlackHole(BaseSession):
    """Takes calls and never answers."""

    async def make_request(self, *_: object, **__: object) -> Any:
        await asyncio.Event().wait()

    async def close(self) -> None:
        return

    async def stream_content(self, *_: object, **__: object) -> AsyncGenerator[bytes, None]:
        yield b""


class _NoPictures:
    async def png(self, spec: object) -> bytes:
        raise AssertionError("nothing is drawn here")

    async def close(self) -> None:
        return


class _HeldDatabase(Database):
    """Takes writes and never commits them."""

    async def write(self, *_: object, **__: object) -> Any:
        await asyncio.Event().wait()


async def speak_into_a_black_hole(folder: Path, kind: type[Database], *, shared: bool) -> tuple[float, int]:
    """Give every kind of answer, as one handler; return the virtual seconds that it took, and how many are kept."""
    loop = asyncio.get_running_loop()
    clock, nursery = VirtualClock(datetime(2026, 1, 2, tzinfo=UTC), loop), TaskNursery()
    (folder / "sortie.db").write_bytes(empty_database())
    database = kind(f"sqlite:///{folder}/sortie.db", clock, StageWakeups(), threads=False)
    bot = make_bot(f"{BOT_ID}:{'x' * 35}", _BlackHole())
    pacer = Pacer(30, 60, 20, clock.monotonic)
    straight = Straight(database, Delivery(bot, _NoPictures()), pacer, clock, nursery, lambda *_: None)
    answers = ChatAnswers(bot, straight, clock)
    with one_update() if shared else nullcontext():
        assert not await answers.whisper(-5, None, ANN, "7", Rendered(text="a"))
        assert not await answers.toast("7", "b", False, None)
        assert await answers.edit(ANN, 4, Rendered(text="c"), False, reading=True) is Answered.LATER
        assert await answers.send(ANN, None, Rendered(text="d"), None) is Answered.LATER
        await answers.delete(ANN, 4)
        assert not await answers.take_away(ANN, 5)
    took = loop.time()
    await nursery.close()
    found = database.read_now(lambda unit: len(unit.all(select(tables.notices.c.id))))
    await database.close()
    return took, found


@pytest.mark.parametrize(
    ("kind", "shared", "in_time", "stored"),
    [(Database, True, True, 2), (_HeldDatabase, True, True, 0), (Database, False, False, 2)],
    ids=["stored", "database_held", "twin_without_a_common_end"],
)
def test_no_handler_waits_longer_than_it_may_for_a_server_that_says_nothing(
    tmp_path: Path, kind: type[Database], shared: bool, in_time: bool, stored: int
) -> None:
    loop = VirtualLoop()
    try:
        took, found = loop.run_until_complete(speak_into_a_black_hole(tmp_path, kind, shared=shared))
    finally:
        loop.close()

    assert (took <= LONGEST_S) is in_time
    assert found == stored
