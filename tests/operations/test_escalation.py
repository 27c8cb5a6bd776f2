"""Urgent alerts call on: the next commander, then the second channel, until somebody has them; a start goes on."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from bot.nursery import TaskNursery
from bot.second_channel import SecondChannel
from bot.system import StageWakeups
from bot.unwritable import WatchWrites
from config.alerting import AlertSettings
from services.access.alerts import alert
from services.access.incidents import TakeIncident
from services.domain.cards import incident_card
from services.domain.errors import NotAllowed, Unavailable
from services.domain.incidents import AlertCode, Incident
from services.domain.notices import Card
from services.operations.escalation import Escalate
from services.operations.stages import DATABASE, Stages
from services.reporting.live import Live
from services.storage import incidents, outbox, outside
from services.storage.database import Unit
from services.storage.tables import cards, outside_notices
from tests.access.bench import ANN, CARL, CORA, OLGA, AccessBench
from tests.access.bench import person as actor_of

SETTINGS = AlertSettings(ack_s=60, repeat_s=300, telegram_silent_s=30)


class Desk:
    """A desk with two commanders, something urgent, and a hand on Telegram's silence."""

    def __init__(self, bench: AccessBench, places: int = 1) -> None:
        self.bench = bench
        self.silence = 0.0
        self.places = places
        self.escalate = self.started()

    def started(self) -> Escalate:
        return Escalate(self.bench.database, self.bench.clock, self.bench.ids, SETTINGS, lambda: self.silence, 60, self.places)

    async def raised(self, code: AlertCode = AlertCode.STOP_LATE, subject: str = "trade 7") -> str:
        await self.bench.database.write(lambda unit: alert(unit, self.bench.ids, code, subject, {"detail": "x"}, ANN))
        (found,) = [each for each in self.open() if each.subject == subject]
        return found.id

    def open(self) -> list[Incident]:
        return self.bench.database.read_now(incidents.open_incidents)

    def card(self, incident_id: str, person: int) -> Card:
        found = self.bench.database.read_now(lambda unit: outbox.card(unit, incident_card(incident_id), person))
        assert found is not None
        return found

    def arrived(self) -> None:
        """Let every card reach its chat."""

        def body(unit: Unit) -> None:
            unit.run(update(cards).values(message_id=7, stale=False, shown=cards.c.wanted))

        self.bench.database.write_now(body)

    async def passes(self, seconds: float, *, delivered: bool = True) -> int:
        calls = 0
        for _ in range(int(seconds)):
            if delivered:
                self.arrived()
            self.bench.clock.move(1)
            calls += await self.escalate()
        return calls

    def outside(self) -> list[tuple[str, str]]:
        rows = self.bench.database.read_now(lambda unit: unit.all(select(outside_notices).order_by(outside_notices.c.id)))
        return [(row.reason, row.state) for row in rows]


@pytest.fixture
async def desk(bench: AccessBench) -> AsyncIterator[Desk]:
    made = Desk(bench)
    await made.escalate()
    yield made


async def test_the_first_on_duty_and_the_one_concerned_are_called_and_the_others_told_quietly(desk: Desk) -> None:
    found = await desk.raised()

    assert [desk.card(found, person).silent for person in (CARL, ANN, CORA)] == [False, False, True]


async def test_after_a_minute_the_next_commander_is_called_and_then_the_second_channel(desk: Desk) -> None:
    found = await desk.raised()
    await desk.passes(55)
    assert desk.card(found, CORA).silent and desk.outside() == []

    await desk.passes(10)
    assert not desk.card(found, CORA).silent and desk.outside() == []

    await desk.passes(60)
    assert desk.outside() == [("unanswered", "pending")]
    assert [row for row in desk.bench.journal() if row == "incident.called"] == ["incident.called"] * 2


async def test_who_has_it_ends_the_calls_and_stands_in_the_journal(desk: Desk) -> None:
    found = await desk.raised()
    take = TakeIncident(desk.bench.database)
    first, second = await take(actor_of(CORA), found), await take(actor_of(CARL), found)

    assert (first.before, second.before, second.name) == (False, True, first.name)
    assert await desk.passes(700) == 0
    assert desk.outside() == []
    assert "incident.taken" in desk.bench.journal()


async def test_an_observer_and_a_stranger_to_it_cannot_take_it(desk: Desk) -> None:
    found = await desk.raised()

    with pytest.raises(NotAllowed):
        await TakeIncident(desk.bench.database)(actor_of(OLGA), found)
    assert desk.open()[0].taken_at is None


async def test_what_is_over_or_routine_calls_nobody(desk: Desk) -> None:
    await desk.raised()
    await desk.raised(AlertCode.BACKUP_FAILED, "daily")
    await desk.bench.database.write(lambda unit: incidents.close_incident(unit, AlertCode.STOP_LATE.value, "trade 7"))

    assert await desk.passes(700) == 0


async def test_a_start_goes_on_where_the_crash_was(desk: Desk) -> None:
    found = await desk.raised()
    await desk.passes(58)
    desk.escalate = desk.started()
    await desk.escalate()
    await desk.passes(10)

    assert not desk.card(found, CORA).silent


async def test_a_clock_that_jumps_and_a_process_that_slept_call_nobody_early(desk: Desk) -> None:
    found = await desk.raised()
    await desk.passes(10)
    desk.bench.clock.move(3600)
    await desk.escalate()

    assert desk.card(found, CORA).silent


async def test_with_telegram_silent_it_leaves_by_the_second_channel_within_a_minute(desk: Desk) -> None:
    await desk.raised()
    left = 0
    while not desk.outside():
        desk.silence += 1
        left += 1
        await desk.passes(1, delivered=False)

    assert desk.outside() == [("telegram", "pending")]
    assert 30 <= left <= 60


async def test_with_telegram_answering_nothing_leaves_by_the_second_channel_before_its_turn(desk: Desk) -> None:
    await desk.raised()
    await desk.passes(55, delivered=False)

    assert desk.outside() == []


async def test_telegram_that_is_silent_is_an_alert_and_ends_when_it_answers(desk: Desk) -> None:
    desk.silence = 61
    await desk.passes(1)
    assert [each.code for each in desk.open()] == ["TELEGRAM_SILENT"]

    desk.silence = 0
    await desk.passes(1)
    assert desk.open() == []


async def test_without_a_second_channel_everybody_is_called_again(bench: AccessBench) -> None:
    desk = Desk(bench, places=0)
    await desk.escalate()
    found = await desk.raised()
    await desk.passes(125)

    assert not desk.card(found, CARL).silent and not desk.card(found, CORA).silent
    assert desk.outside() == []


class Outside:
    """A second channel whose addresses do as they are told."""

    def __init__(self, desk: Desk, speak: object) -> None:
        bench = desk.bench
        live = Live(
            now=bench.clock.now(),
            zone="UTC",
            quote=lambda s: None,
            series=lambda s: None,
            balance=lambda t: None,
            least_sample=10,
        )
        self.desk, self.said = desk, list[tuple[str, str, str]]()
        settings = AlertSettings(timeout_s=0.2)
        self.channel = SecondChannel(
            bench.database,
            settings,
            "Sortie",
            lambda: live,
            bench.clock,
            StageWakeups(),
            ["one://a"],
            speak,  # type: ignore[arg-type]
        )


async def test_what_was_refused_is_said_again_and_many_at_once_are_one_message(desk: Desk) -> None:
    said: list[tuple[str, str, str]] = []

    def speak(url: str, title: str, body: str, timeout_s: float) -> bool:
        said.append((url, title, body))
        return len(said) > 1

    channel = Outside(desk, speak).channel
    ids = [await desk.raised(subject=f"trade {number}") for number in range(30)]
    await desk.bench.database.write(lambda unit: [outside.want(unit, desk.bench.ids, each, 1, "unanswered") for each in ids])

    assert await channel.look() == 0
    assert await channel.look() == 0
    desk.bench.clock.move(6)
    assert await channel.look() == 1
    assert len(said) == 2
    assert said[1][1] == "Sortie: STOP_LATE and 29 more"
    assert {state for _, state in desk.outside()} == {"sent"}


async def test_an_address_that_hangs_holds_nothing_up_and_is_not_asked_twice_at_once(desk: Desk) -> None:
    import threading

    release, calls = threading.Event(), list[str]()

    def hang(url: str, title: str, body: str, timeout_s: float) -> bool:
        calls.append(url)
        release.wait(30)
        return True

    channel = Outside(desk, hang).channel
    found = await desk.raised()
    await desk.bench.database.write(lambda unit: outside.want(unit, desk.bench.ids, found, 1, "telegram"))
    assert await channel.look() == 0
    desk.bench.clock.move(6)
    assert await channel.look() == 0
    release.set()

    assert calls == ["one://a"]
    assert desk.outside() == [("telegram", "pending")]


async def test_what_somebody_has_meanwhile_is_not_said_any_more(desk: Desk) -> None:
    said: list[str] = []
    channel = Outside(desk, lambda url, title, body, timeout_s: bool(said.append(title)) or True).channel
    found = await desk.raised()
    await desk.bench.database.write(lambda unit: outside.want(unit, desk.bench.ids, found, 1, "unanswered"))
    await TakeIncident(desk.bench.database)(actor_of(CARL), found)
    await channel.look()

    assert said == [] and desk.outside() == [("unanswered", "over")]


async def test_a_repeat_within_the_same_incident_sends_no_new_message(desk: Desk) -> None:
    found = await desk.raised()
    desk.arrived()
    for _ in range(50):
        desk.bench.clock.move(1)
        assert await desk.raised() == found

    assert desk.open()[0].count == 51
    assert desk.card(found, CARL).message_id == 7


async def test_what_comes_back_within_minutes_is_the_same_incident_and_later_another(desk: Desk) -> None:
    first = await desk.raised()
    close = lambda unit: incidents.close_incident(unit, AlertCode.STOP_LATE.value, "trade 7")  # noqa: E731
    await desk.bench.database.write(close)
    desk.bench.clock.move(60)
    again = await desk.raised()
    await desk.bench.database.write(close)
    desk.bench.clock.move(timedelta(minutes=11).total_seconds())

    assert again == first
    assert await desk.raised() != first


async def test_who_was_told_outside_hears_there_that_it_is_over(desk: Desk) -> None:
    said: list[tuple[str, str]] = []
    answers = [True, False, True]

    def speak(url: str, title: str, body: str, timeout_s: float) -> bool:
        said.append((title, body))
        return answers[len(said) - 1]

    channel = Outside(desk, speak).channel
    found, unheard = await desk.raised(), await desk.raised(subject="trade 8")

    def ask(unit: Unit) -> None:
        for reason in ("telegram", "unanswered"):
            outside.want(unit, desk.bench.ids, found, 1, reason)

    def close(unit: Unit) -> None:
        for subject in ("trade 7", "trade 8"):
            incidents.close_incident(unit, AlertCode.STOP_LATE.value, subject)

    await desk.bench.database.write(ask)
    assert await channel.look() == 1
    await desk.bench.database.write(lambda unit: outside.want(unit, desk.bench.ids, unheard, 1, "telegram"))
    await desk.bench.database.write(close)
    assert await channel.look() == 0 and len(said) == 1
    desk.bench.clock.move(61)
    assert await channel.look() == 0
    desk.bench.clock.move(60)
    assert [await channel.look(), await channel.look()] == [1, 0]

    assert [title for title, _ in said] == ["Sortie: STOP_LATE and 1 more", *["Sortie: over: STOP_LATE"] * 2]
    assert said[-1][1].startswith("STOP_LATE trade 7, over since ") and "trade 8" not in said[-1][1]


async def test_what_begins_again_after_its_end_was_told_leaves_again(desk: Desk) -> None:
    desk.silence = 31
    found = await desk.raised()
    await desk.passes(32, delivered=False)
    assert desk.outside() == [("telegram", "pending")]
    channel = Outside(desk, lambda *_: True).channel
    await channel.look()
    await desk.bench.database.write(lambda unit: incidents.close_incident(unit, AlertCode.STOP_LATE.value, "trade 7"))
    desk.bench.clock.move(61)
    await channel.look()

    assert await desk.raised() == found
    await desk.passes(32, delivered=False)
    assert desk.outside() == [("telegram", "ended"), ("telegram", "pending")]


class NoChat:
    """A chat that takes nothing."""

    async def insist(self, *_: object) -> None:
        return


@pytest.mark.parametrize("refusals", [0, 2])
async def test_a_database_that_takes_no_writes_is_told_outside_once_and_so_is_its_end(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, refusals: int
) -> None:
    bench, said, tries = desk.bench, list[tuple[str, str]](), iter([False] * refusals)

    def speak(url: str, title: str, body: str, timeout_s: float) -> bool:
        if not next(tries, True):
            return False
        said.append((title, body))
        return True

    async def full(*_: object, **__: object) -> None:
        raise Unavailable("DATABASE", reason="database or disk is full")

    channel, nursery, stages = Outside(desk, speak).channel, TaskNursery(), Stages(bench.clock)
    watch = WatchWrites(bench.database, stages, NoChat(), nursery, bench.clock, bench.ids, (CARL,), channel)  # type: ignore[arg-type]
    stages.beat(DATABASE)
    bench.clock.move(30)
    with monkeypatch.context() as broken:
        broken.setattr(bench.database, "write", full)
        for _ in range(3):
            await watch.look()
            assert await nursery.wait_for_jobs(40)
    assert [title for title, _ in said] == ["Sortie: DATABASE_UNWRITABLE"]
    assert "database or disk is full" in said[0][1] and "cannot be stored" in said[0][1] and "next: /doctor" in said[0][1]

    for _ in range(2):
        await watch.look()
        bench.clock.move(61)
        await channel.look()
    assert [title for title, _ in said[1:]] == ["Sortie: over: DATABASE_UNWRITABLE"]
    await nursery.close()
