"""Groups: silent until approved, bound by commanders, carried over and left."""

from __future__ import annotations

import pytest

from services.domain.errors import Expired, NotAllowed, Refused
from services.domain.notices import Topic
from services.storage import chats, outbox
from services.storage.chats import Place
from services.storage.database import Unit
from tests.access.bench import ANN, CARL, CORA, GROUP, SAM, AccessBench, person


async def approve(bench: AccessBench, chat_id: int = GROUP) -> None:
    await bench.chats.ask(person(SAM, chat_id), chat_id, "Desk", "supergroup")
    token = bench.notices(CARL, "chat_question")[-1].facts["approve"]
    await bench.chats(person(CARL), token)


def state(bench: AccessBench, chat_id: int = GROUP) -> str | None:
    found = bench.database.read_now(lambda unit: chats.find(unit, chat_id))
    return found.state if found else None


async def test_new_group_stays_silent_and_commanders_are_asked_in_private(bench: AccessBench) -> None:
    assert await bench.chats.ask(person(SAM, GROUP), GROUP, "Desk", "supergroup")
    assert not await bench.chats.ask(person(SAM, GROUP), GROUP, "Desk", "supergroup")

    assert [row.chat_id for row in bench.notices()] == [CARL, CORA]
    assert state(bench) == "asked"


async def test_approved_group_can_be_bound_and_says_so_in_its_topic(bench: AccessBench) -> None:
    await approve(bench)

    await bench.bind(person(CARL, GROUP), Topic.MISSIONS, GROUP, 7, "Desk")

    assert bench.database.read_now(lambda unit: chats.bound(unit, Topic.MISSIONS)) == [Place(chat_id=GROUP, thread_id=7)]
    (said,) = bench.notices(GROUP)
    assert (said.template, said.thread_id, said.facts["topic"]) == ("bound", 7, "missions")
    assert bench.journal() == ["chat.asked", "chat.approved", "chat.bound"]


async def test_other_commander_answers_too_late(bench: AccessBench) -> None:
    await approve(bench)

    with pytest.raises(Refused, match="CHAT_ANSWERED"):
        await bench.chats(person(CORA), bench.notices(CORA, "chat_question")[0].facts["leave"])

    assert state(bench) == "approved"


async def test_leave_answer_is_a_stored_request(bench: AccessBench) -> None:
    await bench.chats.ask(person(SAM, GROUP), GROUP, "Desk", "supergroup")

    await bench.chats(person(CARL), bench.notices(CARL, "chat_question")[0].facts["leave"])

    assert [(row.kind, row.terms) for row in bench.requests()] == [("leave_chat", {"chat": str(GROUP)})]
    assert state(bench) == "left"


async def test_answer_is_its_commanders_alone(bench: AccessBench) -> None:
    await bench.chats.ask(person(SAM, GROUP), GROUP, "Desk", "supergroup")
    token = bench.notices(CARL, "chat_question")[0].facts["approve"]

    for actor in (person(SAM), person(ANN), person(CORA), person(CARL, GROUP)):
        with pytest.raises(NotAllowed):
            await bench.chats(actor, token)
    await bench.chats(person(CARL), token)
    with pytest.raises(Expired):
        await bench.chats(person(CARL), token)


@pytest.mark.parametrize(("actor_id", "error"), [(ANN, NotAllowed), (SAM, NotAllowed)])
async def test_only_commanders_bind(bench: AccessBench, actor_id: int, error: type[Exception]) -> None:
    await approve(bench)

    with pytest.raises(error):
        await bench.bind(person(actor_id, GROUP), Topic.RISK, GROUP, None, "Desk")


async def test_unapproved_group_and_private_chat_are_not_bound(bench: AccessBench) -> None:
    with pytest.raises(Refused, match="CHAT_NOT_APPROVED"):
        await bench.bind(person(CARL, GROUP), Topic.RISK, GROUP, None, "Desk")
    with pytest.raises(Refused, match="GROUP_ONLY"):
        await bench.bind(person(CARL), Topic.RISK, CARL, None, "Carl")


async def test_unbinding_needs_a_binding(bench: AccessBench) -> None:
    await approve(bench)
    await bench.bind(person(CARL, GROUP), Topic.RISK, GROUP, None, "Desk")

    await bench.bind.unbind(person(CARL, GROUP), Topic.RISK, GROUP, None)
    with pytest.raises(Refused, match="NOT_BOUND"):
        await bench.bind.unbind(person(CARL, GROUP), Topic.RISK, GROUP, None)

    assert [row.template for row in bench.notices(GROUP)] == ["bound", "unbound"]


async def test_left_group_is_told_nothing_and_must_be_approved_again(bench: AccessBench) -> None:
    await approve(bench)
    await bench.bind(person(CARL, GROUP), Topic.FILLS, GROUP, None, "Desk")

    assert await bench.chat_left(person(SAM, GROUP), GROUP)
    assert not await bench.chat_left(person(SAM, GROUP), GROUP)
    assert await bench.chats.ask(person(SAM, GROUP), GROUP, "Desk", "supergroup")

    assert state(bench) == "asked"
    assert bench.database.read_now(lambda unit: chats.bindings_of(unit, GROUP)) == []


async def test_migrated_group_keeps_approval_bindings_and_waiting_messages(bench: AccessBench) -> None:
    await approve(bench, -77)
    await bench.bind(person(CARL, -77), Topic.FILLS, -77, None, "Desk")
    # The supergroup's own note may come first and open a question of its own.
    await bench.chats.ask(person(SAM, GROUP), GROUP, "Desk", "supergroup")

    assert await bench.migrate(person(SAM, -77), -77, GROUP)
    assert not await bench.migrate(person(SAM, -77), -77, GROUP)

    assert (state(bench), state(bench, -77)) == ("approved", None)
    assert bench.database.read_now(lambda unit: chats.bound(unit, Topic.FILLS)) == [Place(chat_id=GROUP)]
    assert [row.template for row in bench.notices(GROUP)] == ["bound"]


async def test_migrated_cards_live_on(bench: AccessBench) -> None:
    def add(unit: Unit) -> None:
        outbox.show(unit, "mission:x", -77)
        outbox.show(unit, "mission:x", GROUP)

    await approve(bench, -77)
    bench.database.write_now(add)

    await bench.migrate(person(SAM, -77), -77, GROUP)

    assert bench.database.read_now(lambda unit: outbox.card(unit, "mission:x", GROUP)) is not None


async def test_open_questions_are_put_again_to_the_commander_who_asks(bench: AccessBench) -> None:
    await bench.chats.ask(person(SAM, GROUP), GROUP, "Desk", "supergroup")

    assert await bench.chats.ask_again(person(CORA)) == 1
    with pytest.raises(NotAllowed):
        await bench.chats.ask_again(person(ANN))

    assert len(bench.notices(CORA, "chat_question")) == 2
