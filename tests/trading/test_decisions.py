"""What people decide about missions is kept with its reason, and a mission that nobody answered with what each was shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.domain.cards import mission_card
from services.domain.decisions import FIRE_REASONS, Decided, Decision
from services.domain.errors import NotAllowed, Refused
from services.domain.signals import Mission
from services.missions.explain import ExplainFire
from services.storage import decision_journal, desk, outbox
from tests.reporting.stage import fired
from tests.trading.rig import ANN, CARL, TOM, Rig, desk_at
from tests.trading.taps import preview_of


async def decided(rig: Rig, mission: Mission) -> dict[int, Decision]:
    """Return what each person decided about a mission."""
    rows = await rig.read(lambda unit: decision_journal.of_mission(unit, mission.id))
    return {row.person_id: row for row in rows}


async def test_the_reason_of_a_fire_is_its_traders_own_and_closed_after_an_hour(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        explain = ExplainFire(rig.trading.database)
        mission, trade_id = await fired(rig)
        await explain(rig.actor(), trade_id, "gut")
        rig.clock.advance(3599)
        await explain(rig.actor(), trade_id, "level")
        await explain(rig.actor(), trade_id, "level")
        for actor, reason, code in ((CARL, "setup", "NOT_YOURS"), (ANN, "whim", "REASON")):
            with pytest.raises((NotAllowed, Refused), match=code):
                await explain(rig.actor(actor), trade_id, reason)
        rig.clock.advance(1)
        with pytest.raises(Refused, match="REASON_LATE"):
            await explain(rig.actor(), trade_id, "setup")
        kept = (await decided(rig, mission))[ANN]
        rows = [
            row for row in await rig.read(lambda unit: desk.journal_after(unit, 0, 500)) if row.kind == "decision.explained"
        ]

    assert (kept.decided, kept.reason, kept.trade_id, kept.source) == (Decided.FIRED, "level", trade_id, "strategy:trend@1")
    assert [row.facts for row in rows] == [
        '{"before":null,"reason":"gut","trade":1}',
        '{"before":"gut","reason":"level","trade":1}',
    ]
    assert set(FIRE_REASONS) >= {"setup", "momentum", "level", "news", "gut"}


async def test_a_skip_keeps_its_moment_and_gets_its_reason_later(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        mission = await rig.mission()
        await preview_of(rig, mission)
        await rig.trading.skip(rig.actor(), mission.id)
        rig.clock.advance(5)
        await rig.trading.skip(rig.actor(), mission.id, "news")
        kept = (await decided(rig, mission))[ANN]

    assert (kept.decided, kept.reason) == (Decided.SKIPPED, "news")
    assert kept.changed_at is not None and (kept.changed_at - kept.at).total_seconds() == 5
    assert kept.shown["preview"] == "open" and kept.shown["worst_price"] and kept.shown["card"] == "private"


async def test_who_let_a_mission_pass_is_kept_with_what_they_were_shown(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        mission, _ = await fired(rig)
        await rig.trading.skip(rig.actor(CARL), mission.id)
        rig.clock.advance(601)
        await rig.trading.expire(rig.actor())
        again = await rig.trading.expire(rig.actor())
        kept = await decided(rig, mission)
        row = await rig.read(lambda unit: desk.last_recorded(unit, "mission.expired"))
        card = await rig.read(lambda unit: outbox.card(unit, mission_card(mission.id), TOM))

    assert {person: each.decided for person, each in kept.items()} == {
        ANN: Decided.FIRED,
        CARL: Decided.SKIPPED,
        TOM: Decided.EXPIRED,
    }
    assert kept[TOM].shown == {"card": "private"} and card is not None
    assert again == 0 and f'"unanswered":[{TOM}]' in row.facts
