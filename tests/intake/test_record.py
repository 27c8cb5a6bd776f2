"""What calls came to is read off the candles that follow; what says nothing is no sample, and few losses mute nobody."""

from __future__ import annotations

from decimal import Decimal

from services.domain.sources import SourceState
from services.signals.intake_record import record_of
from services.storage import sources, tables
from tests.intake.rig import GOOD, SHELL, IntakeRig


async def test_result_of_a_call_comes_from_the_candles_behind_it(rig: IntakeRig) -> None:
    sender = await rig.source()
    await rig.send(sender, GOOD | {"entry": 64000, "stop": 63500, "targets": [64400]})
    await rig.work()
    rig.candle(63990, 64010, 64000)
    await rig.senders.follow()
    assert (await rig.rows(tables.arrivals))[0].result_r is None

    rig.candle(63900, 64500, 64450)
    await rig.senders.follow()

    (row,) = await rig.rows(tables.arrivals)
    assert Decimal("0.5") < row.result_r < Decimal("0.8")


async def test_call_that_was_not_offered_is_followed_too_and_one_that_was_none_is_not(rig: IntakeRig) -> None:
    sender = await rig.source()
    await rig.senders.acts.switch(SHELL, "tv", SourceState.MUTED)
    await rig.send(sender, GOOD | {"stop": 63500, "targets": [64400]})
    await rig.send(sender, GOOD | {"stop": 64500})
    await rig.work()
    rig.candle(63400, 64010, 63450)
    rig.candle(63400, 63500, 63450)
    await rig.senders.follow()

    assert {row.drop_code: row.result_r for row in await rig.rows(tables.arrivals)} == {
        "SOURCE_MUTED": Decimal(-1),
        "MALFORMED": None,
    }


async def test_old_alerts_and_numbers_are_forgotten_and_what_waits_is_not(rig: IntakeRig) -> None:
    sender = await rig.source()
    await rig.send(sender, GOOD)
    await rig.work()
    await rig.send(sender, GOOD | {"side": "up"})
    await rig.senders.follow()
    rig.clock.advance(91 * 86_400)
    await rig.send(sender, GOOD, key="waits")
    await rig.senders.follow()

    assert [row.key for row in await rig.rows(tables.arrivals)] == ["id:waits"]
    assert await rig.count(tables.source_counts) == 0
    assert await rig.count(tables.signals) == 1


async def test_few_losses_mute_nobody(rig: IntakeRig) -> None:
    await rig.source()

    assert record_of([Decimal(-1)] * 4 + [None, Decimal(0)], 5).high is None
    assert record_of([Decimal(-1), Decimal(-2)] * 5, 5).n == 10
    await rig.senders.follow()
    found = await rig.desk.read(lambda unit: sources.find(unit, "tv"))
    assert found.state is SourceState.ACTIVE
