"""A lease that another took is told, for as long as the process that lost it lives on."""

from __future__ import annotations

from services.domain.cards import incident_card
from services.domain.incidents import AlertCode, Incident
from services.domain.notices import Priority
from services.operations.leases import renew_all
from services.storage import desk, incidents, outbox
from services.storage.database import Unit
from services.storage.desk import Lease
from tests.access.bench import CARL, CORA, AccessBench

LASTS_S = 20.0


async def taken(bench: AccessBench, owner: str) -> dict[str, Lease]:
    def body(unit: Unit) -> dict[str, Lease]:
        found = {role: desk.take_lease(unit, role, owner, LASTS_S, force=True) for role in ("executor", "sender")}
        return {role: lease for role, lease in found.items() if lease is not None}

    return await bench.database.write(body)


async def renewed(bench: AccessBench, leases: dict[str, Lease]) -> list[str]:
    return await bench.database.write(lambda unit: renew_all(unit, bench.ids, leases, LASTS_S))


def wrong(bench: AccessBench) -> list[Incident]:
    return bench.database.read_now(incidents.open_incidents)


async def test_a_desk_that_keeps_its_leases_says_nothing(bench: AccessBench) -> None:
    leases = await taken(bench, "one")
    for _ in range(3):
        bench.clock.move(5)
        assert await renewed(bench, leases) == []

    assert wrong(bench) == []


async def test_a_lease_that_another_took_is_an_urgent_alert_to_every_commander(bench: AccessBench) -> None:
    leases = await taken(bench, "one")
    await taken(bench, "two")

    assert await renewed(bench, leases) == ["executor", "sender"]

    (found,) = wrong(bench)
    assert (found.code, found.facts["detail"]) == (AlertCode.LEASE_LOST, "lost: executor, sender")
    cards = bench.database.read_now(lambda unit: [outbox.card(unit, incident_card(found.id), each) for each in (CARL, CORA)])
    assert [card.priority for card in cards if card is not None] == [Priority.URGENT] * 2


async def test_the_alert_stays_while_the_loser_lives_on_and_ends_when_it_is_gone(bench: AccessBench) -> None:
    loser = await taken(bench, "one")
    owner = await taken(bench, "two")
    for count in (1, 2, 3):
        await renewed(bench, loser)
        assert await renewed(bench, owner) == []
        assert [each.count for each in wrong(bench)] == [count]
        bench.clock.move(5)

    bench.clock.move(LASTS_S)
    await renewed(bench, owner)

    assert wrong(bench) == []
