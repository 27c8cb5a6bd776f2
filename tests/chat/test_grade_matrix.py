"""Every command for people of a grade that goes without all it can: refused are exactly those, for each role that has them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from config.grades import WITHHOLDABLE
from services.domain.people import Role
from services.storage import people
from services.storage.database import Unit
from tests.chat.rig import ANN, CARL, GROUP, ChatRig, desk_in_chat, text_of
from tests.chat.test_matrix import ANSWERED, ONLY_GROUP, ROLES, TABLE, Row, everybody_is_known, told

GRADES = {"bare": {"without": WITHHOLDABLE}}
PEOPLE = {"trader": ANN, "commander": CARL}


async def give_the_bare_grade(rig: ChatRig) -> None:
    def body(unit: Unit) -> None:
        for person_id in PEOPLE.values():
            found = people.find(unit, person_id)
            assert found is not None and found.role in (Role.TRADER, Role.COMMANDER)
            people.save_role(unit, replace(found, grade="bare"), None)

    await rig.graph.trading.database.write(body)


def asked() -> list[tuple[Row, str]]:
    """Return what is typed by whom: all of it by a commander, who has every command; by a trader what is taken away."""
    return [(row, role) for row in TABLE for role in PEOPLE if role == "commander" or name_of(row) in WITHHOLDABLE]


def name_of(row: Row) -> str:
    return row.typed.split()[0].removeprefix("/")


async def answers(rig: ChatRig, row: Row, person: int, place: int | None) -> list[str]:
    """Type a command and return what is not as the grade has it."""
    if name_of(row) in WITHHOLDABLE:
        return await told(rig, replace(row, answer="⛔ GRADE_COMMAND"), person, place, ANSWERED)
    mark = rig.mark(person, place)
    await rig.say(person, row.typed, place)
    await rig.settled()
    said = [text_of(each) for each in rig.since(mark, person, place)]
    return [each for each in said if "GRADE" in each] if said else ["no answer"]


async def test_a_grade_takes_away_what_it_names_and_nothing_else(tmp_path: Path) -> None:
    columns = list(ROLES)
    assert {name_of(row) for row, _ in asked()} >= set(WITHHOLDABLE)
    async with desk_in_chat(tmp_path, grades=GRADES) as rig:
        await everybody_is_known(rig)
        await rig.mission()
        await rig.message(ANN, "LONG BTC/USDT")
        await give_the_bare_grade(rig)
        wrong: list[str] = []
        for row, role in asked():
            cell = row.private[columns.index(role)]
            if cell in (ANSWERED, ONLY_GROUP):
                place = GROUP if cell == ONLY_GROUP else None
                wrong += [f"{row.typed} by {role}: {each}" for each in await answers(rig, row, PEOPLE[role], place)]

    assert not wrong, "\n".join(wrong)
