"""What people set for themselves."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from services.access import audience
from services.domain.errors import NotAllowed, Refused
from services.domain.notices import Event, Loudness
from services.domain.people import Person
from services.domain.states import UpdateState
from services.storage import people, updates
from services.storage.database import UpdateTicket, current_update
from tests.access.bench import ANN, OLGA, SAM, AccessBench, person


def row(bench: AccessBench, person_id: int) -> Person:
    found = bench.database.read_now(lambda unit: people.find(unit, person_id))
    assert found is not None
    return found


async def test_loudness_is_kept_per_event(bench: AccessBench) -> None:
    await bench.loudness(person(ANN), Event.FILL, Loudness.OFF)

    assert bench.database.read_now(lambda unit: audience.choice(unit, row(bench, ANN), Event.FILL)) is Loudness.OFF
    assert bench.database.read_now(lambda unit: audience.choice(unit, row(bench, ANN), Event.MISSION)) is Loudness.LOUD


@pytest.mark.parametrize("event", [Event.HALT, Event.ALERT])
async def test_safety_events_stay_loud(bench: AccessBench, event: Event) -> None:
    with pytest.raises(Refused, match="SAFETY_EVENT"):
        await bench.loudness(person(ANN), event, Loudness.OFF)


@pytest.mark.parametrize(
    "hours",
    [("22:00", None), (None, "07:00"), ("22:00", "22:00"), ("25:00", "07:00"), ("9:00", "10:00"), ("aa", "bb"), ("", "")],
)
async def test_half_and_malformed_quiet_hours_are_refused(bench: AccessBench, hours: tuple[str | None, str | None]) -> None:
    with pytest.raises(Refused, match="QUIET_HOURS"):
        await bench.quiet(person(ANN), *hours)

    assert row(bench, ANN).quiet_from is None


async def test_quiet_hours_are_set_and_cleared(bench: AccessBench) -> None:
    await bench.quiet(person(ANN), "22:00", "07:00")
    assert audience.in_quiet_hours(row(bench, ANN), datetime(2026, 3, 2, 23, tzinfo=UTC))

    await bench.quiet(person(ANN), None, None)
    assert row(bench, ANN).quiet_from is None


@pytest.mark.parametrize("zone", ["Mars/Base", "", "../../etc/passwd", "/etc/localtime", "a\x00b", "x" * 500])
async def test_unknown_zone_is_refused(bench: AccessBench, zone: str) -> None:
    with pytest.raises(Refused, match="ZONE"):
        await bench.zone(person(OLGA), zone)


async def test_zone_is_set(bench: AccessBench) -> None:
    assert await bench.zone(person(OLGA), "Europe/Berlin") == "Europe/Berlin"

    assert row(bench, OLGA).zone == "Europe/Berlin"


async def test_strangers_choose_nothing(bench: AccessBench) -> None:
    with pytest.raises(NotAllowed):
        await bench.zone(person(SAM), "Europe/Berlin")
    with pytest.raises(NotAllowed):
        await bench.loudness(person(SAM), Event.FILL, Loudness.OFF)


async def test_rename_writes_only_a_change(bench: AccessBench) -> None:
    assert await bench.rename(person(ANN), "Anna", "anna")
    assert not await bench.rename(person(ANN), "Anna", "anna")
    assert not await bench.rename(person(SAM), "Sam", "sam")

    assert (row(bench, ANN).name, row(bench, ANN).username) == ("Anna", "anna")
    assert bench.journal() == ["people.renamed"]


async def test_rename_does_not_finish_the_update_that_brought_it(bench: AccessBench) -> None:
    bench.database.write_now(lambda unit: updates.store(unit, [(5, "{}")]))
    ticket = UpdateTicket(5)
    current = current_update.set(ticket)
    try:
        await bench.rename(person(ANN), "Anna", None)
    finally:
        current_update.reset(current)

    assert not ticket.marked
    assert bench.database.read_now(updates.received) == [(5, "{}")]
    assert UpdateState.RECEIVED.value == "received"
