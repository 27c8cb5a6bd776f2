"""Digests: what they say to whom, and when they come."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import delete, update

from handlers.telegram.views.digest import render_digest
from handlers.telegram.views.notices import render_notice
from services.domain.drills import DrillKind, DrillResult, Step
from services.domain.notices import Event, Loudness, Notice, Topic
from services.domain.people import Actor
from services.reporting.digest import SendDigests, digest_now, next_time
from services.storage import chats, desk, outbox, people
from services.storage.chats import Chat, Place
from services.storage.database import Unit
from services.storage.drills import book_drill
from services.storage.tables import journal
from tests.reporting.stage import GROUP, live_of, observer, stopped_out, traded
from tests.trading.rig import ANN, CARL, START, TOM, Rig, desk_at
from tests.views.shape import problems

JOB = Actor.job("digest", "test")


def sender(rig: Rig) -> SendDigests:
    return SendDigests(rig.trading.database, lambda: live_of(rig), rig.settings.digest, rig.settings.desk)


def bind(unit: Unit) -> None:
    chats.save(unit, Chat(id=GROUP, title="Desk", kind="supergroup", state="approved", added_by=CARL))
    chats.bind(unit, Topic.DIGEST, Place(chat_id=GROUP, thread_id=4), CARL)


async def now_for(rig: Rig, chat_id: int) -> dict[str, object]:
    facts: dict[str, object] = await rig.read(lambda unit: digest_now(unit, chat_id, live_of(rig), "Sortie"))
    return facts


async def told(rig: Rig) -> list[Notice]:
    notices: list[Notice] = await rig.read(lambda unit: outbox.pending_notices(unit, 100))
    return [notice for notice in notices if notice.template == "digest"]


async def test_a_digest_is_due_once_a_day_for_each_chat_and_trader(tmp_path: Path) -> None:
    async with desk_at(tmp_path, digest={"at": "17:00"}) as rig:
        await observer(rig)
        await rig.trading.database.write(bind)
        send = sender(rig)
        early = await send(JOB)
        rig.clock.advance(5 * 3600)
        due = await send(JOB)
        again = await send(JOB)
        found = await told(rig)

    assert (early, due, again) == (0, 4, 0)
    assert sorted(notice.chat_id for notice in found) == [GROUP, ANN, TOM, CARL]
    assert [notice.thread_id for notice in found if notice.chat_id == GROUP] == [4]


async def test_after_a_long_pause_there_is_one_digest_that_covers_it(tmp_path: Path) -> None:
    async with desk_at(tmp_path, digest={"at": "17:00"}) as rig:
        send = sender(rig)
        await send(JOB)
        rig.clock.advance(5 * 3600)
        await send(JOB)
        first = await told(rig)
        rig.clock.advance(4 * 86_400)
        late = await send(JOB)
        found = [notice for notice in await told(rig) if notice.id > max(each.id for each in first)]

    assert late == 3
    assert {notice.facts["since"] for notice in found} == {(START + timedelta(hours=5)).isoformat()}


async def test_a_digest_is_told_once_however_many_ask(tmp_path: Path) -> None:
    async with desk_at(tmp_path, digest={"at": "17:00"}) as rig:
        one, other = sender(rig), sender(rig)
        await one(JOB)
        rig.clock.advance(5 * 3600)
        sent = await one(JOB) + await other(JOB)

    assert sent == 3


async def test_who_turned_it_off_gets_none_and_a_new_time_replaces_the_old(tmp_path: Path) -> None:
    async with desk_at(tmp_path, digest={"at": "17:00"}) as rig:
        await sender(rig)(JOB)
        await rig.trading.database.write(lambda unit: people.set_loudness(unit, ANN, Event.DIGEST, Loudness.OFF))
        sooner = SendDigests(
            rig.trading.database,
            lambda: live_of(rig),
            rig.settings.digest.model_copy(update={"at": "13:00"}),
            rig.settings.desk,
        )
        await sooner(JOB)
        rig.clock.advance(3600)
        sent = await sooner(JOB)
        rig.clock.advance(4 * 3600)
        later = await sooner(JOB)

    assert (sent, later) == (2, 0)


async def test_a_time_that_was_had_today_can_be_had_again_at_another(tmp_path: Path) -> None:
    async with desk_at(tmp_path, digest={"at": "12:01"}) as rig:
        await sender(rig)(JOB)
        rig.clock.advance(61)
        first = await sender(rig)(JOB)
        again = SendDigests(
            rig.trading.database,
            lambda: live_of(rig),
            rig.settings.digest.model_copy(update={"at": "12:05"}),
            rig.settings.desk,
        )
        await again(JOB)
        rig.clock.advance(240)
        second = await again(JOB)

    assert (first, second) == (3, 3)


async def test_switched_off_digests_are_neither_planned_nor_sent(tmp_path: Path) -> None:
    async with desk_at(tmp_path, digest={"enabled": False}) as rig:
        await rig.trading.database.write(bind)
        sent = await sender(rig)(JOB)
        planned = await rig.read(lambda unit: desk.next_due(unit, "digest:"))

    assert (sent, planned) == (0, None)


async def test_a_group_that_was_unbound_meanwhile_is_told_nothing(tmp_path: Path) -> None:
    async with desk_at(tmp_path, digest={"at": "12:01"}) as rig:
        await rig.trading.database.write(bind)
        await sender(rig)(JOB)
        await rig.trading.database.write(lambda unit: chats.unbind(unit, Topic.DIGEST, GROUP))
        rig.clock.advance(61)
        await sender(rig)(JOB)
        found = await told(rig)

    assert GROUP not in {notice.chat_id for notice in found}


async def test_a_trader_reads_their_own_day_and_a_commander_the_desks(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        await stopped_out(rig)
        await stopped_out(rig, TOM)
        mission, _ = await traded(rig)
        await rig.trading.skip(rig.actor(CARL), mission.id, "news")
        ann, carl, group = [await now_for(rig, chat) for chat in (ANN, CARL, GROUP)]

    assert (ann["n"], carl["n"], group["n"]) == (1, 2, 2)
    assert (ann["fired"], carl["fired"]) == (2, 3)
    assert (ann["mine"], carl["mine"]) == (True, False)
    assert carl["skipped"] == {"news": 1}
    assert "equity" in ann and "equity" not in group
    assert str(ann["percent"]).startswith("-0.4")
    for facts in (ann, carl, group):
        assert problems(render_notice("digest", facts)) == []


async def test_a_digest_verifies_the_journal_from_where_the_last_one_ended(tmp_path: Path) -> None:
    async with desk_at(tmp_path, digest={"at": "12:01"}) as rig:
        await rig.mission()
        await sender(rig)(JOB)
        rig.clock.advance(61)
        await sender(rig)(JOB)
        await rig.mission()
        sound = await now_for(rig, CARL)

        def edit(unit: Unit) -> None:
            head = desk.journal_head(unit)
            assert head is not None
            unit.run(update(journal).where(journal.c.sequence == head.sequence).values(facts="{}"))

        await rig.trading.database.write(edit)
        broken = await now_for(rig, CARL)

        def cut(unit: Unit) -> None:
            unit.run(delete(journal).where(journal.c.sequence > 1))

        await rig.trading.database.write(cut)
        shortened = await now_for(rig, CARL)

    assert sound["broken_at"] is None
    assert broken["broken_at"] == sound["sequence"]
    assert shortened["broken_at"] is not None
    assert "BROKEN" in render_notice("digest", shortened).plain()


async def test_a_digest_names_the_drills_of_the_last_month(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        for days, kind, ok in ((0, DrillKind.RESTORE, True), (20, DrillKind.KILL, False), (15, DrillKind.OUTAGE, True)):
            rig.clock.advance(days * 86_400)
            step = Step(what="x", ok=ok, detail="")
            result = DrillResult(kind=kind, at=rig.clock.now(), took_s=1, steps=(step,), figures={})
            await rig.trading.database.write(partial(book_drill, actor=JOB, result=result))
        facts = await now_for(rig, CARL)

    assert [each[0] for each in facts["drills"]] == ["kill", "outage"]  # type: ignore[attr-defined]
    assert "drill kill FAILED" in render_notice("digest", facts).plain()


async def test_a_desk_where_nothing_happened_says_so(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        facts = await now_for(rig, ANN)
        rendered = render_notice("digest", facts)

    assert "0.00 R of 0 trades" in rendered.plain()
    assert rendered.chart is None
    assert problems(rendered) == []


@pytest.mark.parametrize(
    ("now", "zone", "expected"),
    [
        (datetime(2026, 11, 20, 15, 59, tzinfo=UTC), "Europe/Berlin", datetime(2026, 11, 20, 16, 0, tzinfo=UTC)),
        (datetime(2026, 11, 20, 16, 0, tzinfo=UTC), "Europe/Berlin", datetime(2026, 11, 21, 16, 0, tzinfo=UTC)),
        (datetime(2026, 3, 28, 20, 0, tzinfo=UTC), "Europe/Berlin", datetime(2026, 3, 29, 15, 0, tzinfo=UTC)),
        (datetime(2026, 11, 20, 23, 0, tzinfo=UTC), "Pacific/Auckland", datetime(2026, 11, 21, 4, 0, tzinfo=UTC)),
    ],
)
def test_the_next_time_is_the_zones_clock(now: datetime, zone: str, expected: datetime) -> None:
    assert next_time(now, "17:00", zone) == expected


@given(
    st.integers(0, 15 * 365 * 24 * 60),
    st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "Pacific/Apia"]),
    st.times(),
)
def test_the_next_time_is_ahead_and_within_little_more_than_a_day(minutes: int, zone: str, at: object) -> None:
    moment = datetime(2020, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)

    found = next_time(moment, f"{at:%H:%M}", zone)

    assert timedelta(0) < found - moment <= timedelta(hours=26)


async def test_a_digest_says_how_entries_went_with_the_sample_of_each_figure(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        none = await now_for(rig, ANN)
        await stopped_out(rig)
        await stopped_out(rig)
        facts = await now_for(rig, ANN)

    assert (none["slippage_bps"], none["worst_bps"], none["maker"], none["ack_s"]) == (None, None, None, None)
    assert (none["n_slippage"], none["n_ack"]) == (0, 0)
    assert (facts["n_slippage"], facts["n_ack"], facts["maker"], facts["ack_s"]) == (2, 2, "0", "0")
    assert Decimal(str(facts["worst_bps"])) >= Decimal(str(facts["slippage_bps"]))
    assert "maker no data" in render_digest(none).plain()
    assert "maker 0 %" in render_digest(facts).plain()
