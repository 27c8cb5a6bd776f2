"""Whatever people do in whatever order, a desk keeps a commander and nobody acts beyond their role."""

from __future__ import annotations

import asyncio
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from services.domain.errors import SortieError
from services.domain.people import Person, Role
from services.storage import people, terminals
from services.storage.database import Unit
from tests.access.bench import ANN, CARL, CORA, OLGA, SAM, AccessBench, person

WHO = st.sampled_from((CARL, CORA, ANN, OLGA, SAM))
STEPS = st.lists(st.tuples(WHO, WHO, st.sampled_from(list(Role))), min_size=1, max_size=12)


def commanders(unit: Unit) -> list[Person]:
    return people.everyone(unit, Role.COMMANDER)


async def take(bench: AccessBench, actor_id: int, target_id: int, role: Role) -> None:
    if role is Role.STRANGER:
        asked = await bench.revoke.ask(person(actor_id), str(target_id))
        await bench.revoke(person(actor_id), asked.token.id)
    else:
        before = bench.role(target_id)
        done = await bench.grant(person(actor_id), str(target_id), role)
        alone = len(bench.database.read_now(commanders)) == 1
        assert done.waits == (role > before and (role is Role.COMMANDER or not alone))
        if done.waits:
            assert bench.role(target_id) is before
            bench.answer(done.change)


async def walk(bench: AccessBench, steps: list[tuple[int, int, Role]]) -> None:
    for actor_id, target_id, role in steps:
        may, before = bench.role(actor_id), bench.role(target_id)
        journalled = len(bench.journal())
        try:
            await take(bench, actor_id, target_id, role)
        except SortieError:
            assert bench.role(target_id) is before
            assert len(bench.journal()) == journalled
        else:
            assert may is Role.COMMANDER and bench.role(target_id) is role
            assert len(bench.journal()) > journalled
        assert bench.database.read_now(lambda unit: people.everyone(unit, Role.COMMANDER))
        for trader in bench.database.read_now(lambda unit: people.everyone(unit, Role.TRADER)):
            assert bench.database.read_now(lambda unit, trader=trader: terminals.of_person(unit, trader.id)) is not None


@settings(max_examples=40, deadline=None)
@given(steps=STEPS)
def test_any_order_of_grants_and_revocations_keeps_the_rules(steps: list[tuple[int, int, Role]]) -> None:
    with TemporaryDirectory() as folder:
        bench = AccessBench(Path(folder))
        for person_id, role in ((CARL, Role.COMMANDER), (CORA, Role.COMMANDER), (ANN, Role.TRADER), (OLGA, Role.OBSERVER)):
            bench.add(person_id, role)
        try:
            asyncio.run(walk(bench, steps))
        finally:
            asyncio.run(bench.database.close())
