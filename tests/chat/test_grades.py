"""Grades in the chat: a grant put together by buttons, what it takes away, and the menu that follows."""

from __future__ import annotations

import pytest

from config.grades import BUILT_IN, WITHHOLDABLE
from services.domain.people import Person, Role
from services.storage import people
from tests.chat.rig import ANN, CARL, TOM, ChatRig, text_of

pytestmark = pytest.mark.asyncio(loop_scope="module")


def menu_of(rig: ChatRig) -> set[str]:
    found = rig.world.profile.commands
    return {each["command"] for key, listed in found.items() if str(ANN) in key for each in listed}


async def test_what_grades_may_take_away_are_commands_of_the_table(shared_desk: ChatRig) -> None:
    table = shared_desk.graph.table

    assert [name for name in WITHHOLDABLE if table.find(name) is None] == []
    assert all(set(grade.without) <= set(WITHHOLDABLE) for grade in BUILT_IN.values())


async def test_a_grant_by_buttons_makes_a_cadet_for_a_week(shared_desk: ChatRig) -> None:
    rig = shared_desk
    await rig.ask(ANN, "/start", "Hello")
    choice = await rig.ask(CARL, f"/grant {ANN}", "now trader · regular")
    await rig.press(CARL, choice, "cadet")
    await rig.reads(choice, "to give: trader · cadet, for good")
    await rig.press(CARL, choice, "7 days")
    await rig.reads(choice, "for 7 days")
    await rig.press(CARL, choice, "Grant")
    await rig.reads(choice, "Ann is trader now.")
    told = await rig.message(ANN, "grade cadet")
    assert "till" in text_of(told)

    refused = await rig.ask(ANN, "/call BTCUSDT long sl 63000", "GRADE_COMMAND")
    assert "cadet, goes without /call" in text_of(refused)
    offered = text_of(await rig.ask(ANN, "/help", "Tap a command")).split()
    assert "/fire" in offered and "/call" not in offered
    assert "/call" not in text_of(await rig.ask(ANN, "/help call", "Tap a command")).split()
    await rig.until(lambda: "fire" in menu_of(rig) and "call" not in menu_of(rig), "a cadet's menu")

    choice = await rig.ask(CARL, f"/grant {ANN}", "now trader · cadet")
    await rig.press(CARL, choice, "regular")
    await rig.reads(choice, "to give: trader · regular")
    await rig.press(CARL, choice, "Grant")
    await rig.reads(choice, "Ann: trader · regular · waits for ")
    await rig.approve("→ trader · regular")
    await rig.ask(ANN, "/call BTCUSDT long sl 63000", "BTC/USDT")


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("/grant", "GRANT_SYNTAX"),
        ("/grant trader", "GRANT_SYNTAX"),
        (f"/grant {ANN} trader cadet 7d again", "GRANT_SYNTAX"),
        (f"/grant {ANN} trader 7d 8d", "GRANT_SYNTAX"),
        (f"/grant {ANN} trader admiral", "GRADE_UNKNOWN"),
        (f"/grant {ANN} admiral", "ROLE_UNKNOWN"),
        (f"/grant {ANN} trader 1m", "LEASE_TIME"),
    ],
)
async def test_nonsense_behind_grant_is_named(shared_desk: ChatRig, typed: str, code: str) -> None:
    await shared_desk.ask(CARL, typed, f"⛔ {code}")


@pytest.mark.parametrize("grade", sorted(BUILT_IN))
@pytest.mark.parametrize("role", [Role.TRADER, Role.COMMANDER])
async def test_each_command_is_refused_by_role_then_by_grade_and_else_answered(
    shared_desk: ChatRig, role: Role, grade: str
) -> None:
    rig, wrong = shared_desk, []
    zed = Person(id=TOM, name="Tom", username="tom_trades", role=role, zone="UTC", locale="en", grade=grade)
    await rig.write(lambda unit: people.save_role(unit, zed, None))

    for name in WITHHOLDABLE:
        spec = rig.graph.table.find(name)
        assert spec is not None
        mark = rig.mark(TOM)
        await rig.say(TOM, f"/{name} nothing")
        await rig.until(lambda mark=mark: rig.since(mark, TOM), f"an answer to /{name}")  # type: ignore[misc]
        said = " ".join(text_of(each) for each in rig.since(mark, TOM))
        by_role, by_grade = role < spec.permission, name in BUILT_IN[grade].without
        found = ("⛔ ROLE\n" in said, "⛔ GRADE_COMMAND" in said)
        if found != (by_role, by_grade and not by_role):
            wrong.append(f"/{name} by a {grade} {role.value}: {said}")

    assert not wrong, "\n".join(wrong)
