"""An alert that is let in becomes a signal and a mission, once; the sender is answered at once and always alike."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from handlers.web.signals import SIGNALS, TEST
from services.domain import crashpoints
from services.domain.signals import Side
from services.domain.sources import SourceState
from services.signals import intake
from services.signals.intake_auth import Purpose
from services.storage import missions, tables
from tests.intake.rig import GOOD, SHELL, IntakeRig, intake_at


async def test_signed_alert_becomes_a_mission_of_its_source(rig: IntakeRig) -> None:
    sender = await rig.source()

    answer = await rig.send(sender, GOOD | {"score": 71, "timeframe": "5"})
    await rig.work()

    assert (answer.status, answer.told["status"]) == (202, "received")
    (mission,) = await rig.desk.read(missions.open_missions)
    assert mission.signal.id == answer.told["id"]
    assert (mission.signal.source, mission.signal.symbol, mission.signal.side) == ("outside:tv", "BTC/USDT", Side.LONG)
    assert (mission.signal.stop, mission.signal.reason, mission.signal.timeframe) == (Decimal(63000), "a level held", "5m")
    assert mission.signal.facts["sender's score"] == 71.0
    assert mission.signal.score == sum(mission.signal.score_parts.values())


async def test_same_alert_again_is_answered_alike_and_counts_once(rig: IntakeRig) -> None:
    sender = await rig.source()

    first = await rig.send(sender, GOOD, key="order-17")
    again = await rig.send(sender, GOOD, key="order-17")
    other = await rig.send(sender, GOOD | {"stop": 62000}, key="order-17")
    await rig.work()

    assert first.text == again.text
    assert (other.status, other.code) == (409, "KEY_REUSED")
    assert await rig.count(tables.missions) == await rig.count(tables.signals) == 1


async def test_same_alert_many_times_at_once_is_stored_once(rig: IntakeRig) -> None:
    sender = await rig.source()

    answers = await asyncio.gather(*(rig.send(sender, GOOD, key="at-once") for _ in range(12)))

    assert {(answer.status, answer.text) for answer in answers} == {(202, answers[0].text)}
    assert await rig.count(tables.arrivals) == 1


async def test_alert_on_the_other_side_is_a_call_of_its_own(rig: IntakeRig) -> None:
    sender = await rig.source()
    await rig.send(sender, GOOD)
    await rig.work()
    rig.clock.advance(2)
    await rig.send(sender, {"symbol": "BTC/USDT", "side": "short", "stop_percent": "1.5"})
    await rig.work()

    assert {each.signal.side for each in await rig.desk.read(missions.open_missions)} == {Side.LONG, Side.SHORT}


@pytest.mark.parametrize(
    "body",
    [
        '{"symbol":"{{exchange}}:{{ticker}}","side":"{{strategy.order.action}}","entry":{{close}},"stop_percent":"1.5",'
        '"target_percents":[2,4],"timeframe":"{{interval}}","time":"{{timenow}}","comment":"{{strategy.order.comment}}"}',
        "{{ticker}} {{strategy.order.action}} price={{close}} stop_percent=1.5 target_percents=2,4 interval={{interval}}",
        "{{ticker}}.P\n{{strategy.order.action}}\nentry={{close}};stop_percent=1.5;target_percents=2,4",
    ],
    ids=["json", "words", "lines"],
)
async def test_filled_in_template_of_tradingview_is_understood(rig: IntakeRig, body: str) -> None:
    sender = await rig.source(plain=True)
    filled = {
        "{{exchange}}": "BINANCE",
        "{{ticker}}": "BTCUSDT",
        "{{strategy.order.action}}": "sell",
        "{{close}}": "64010.5",
        "{{interval}}": "240",
        "{{timenow}}": rig.clock.now().strftime("%Y-%m-%dT%H:%M:%SZ"),
        "{{strategy.order.comment}}": "Short entry",
    }
    for name, value in filled.items():
        body = body.replace(name, value)

    answer = await rig.post(body.encode(), {"Content-Type": "text/plain"}, f"{SIGNALS}/tv/{sender.secret}")
    await rig.work()

    assert answer.status == 202
    (mission,) = await rig.desk.read(missions.open_missions)
    assert (mission.signal.symbol, mission.signal.side) == ("BTC/USDT", Side.SHORT)
    assert mission.signal.stop == Decimal("64970.65")
    assert [target.price for target in mission.signal.targets] == [Decimal("62730.29"), Decimal("61450.08")]


async def test_secret_in_the_body_is_enough_for_a_source_that_may_show_it(rig: IntakeRig) -> None:
    sender = await rig.source(plain=True)
    body = json.dumps(GOOD | {"source": "tv", "secret": sender.secret}).encode()

    answers = [await rig.post(body), await rig.post(body)]
    rig.clock.advance(61)
    later = await rig.post(body)

    assert {answer.status for answer in (*answers, later)} == {202}
    assert answers[0].text == answers[1].text != later.text
    stored = await rig.rows(tables.arrivals)
    assert len(stored) == 2
    assert sender.secret not in str([row.alert for row in stored])


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"symbol": "KRAKEN:XBTUSD"}, "NOT_IN_UNIVERSE"),
        ({"symbol": "ETHUSDT", "stop": 3000}, "NO_DATA"),
        ({"stop": 64500}, "MALFORMED"),
        ({"targets": [63500]}, "MALFORMED"),
        ({"entry": 65500, "targets": [67000]}, "PRICE_FAR"),
        ({"entry": 63400, "stop": 63990, "side": "short", "targets": [62000]}, "PRICE_FAR"),
        ({"time": "2026-11-20T11:50:00Z"}, "STALE"),
    ],
    ids=["unknown", "no price", "stop's side", "target's side", "far", "beyond the stop", "stale"],
)
async def test_alert_that_cannot_be_traded_is_dropped_with_its_reason(
    rig: IntakeRig, changed: dict[str, Any], code: str
) -> None:
    sender = await rig.source()

    answer = await rig.send(sender, GOOD | changed)
    await rig.work()
    rig.clock.advance(61)
    await rig.work()

    assert answer.status == 202
    (row,) = await rig.rows(tables.arrivals)
    assert (row.state, row.drop_code) == ("dropped", code)
    assert await rig.count(tables.missions) == 0


async def test_rules_of_every_call_hold_for_alerts(tmp_path: Path) -> None:
    async with intake_at(tmp_path, signals={"min_score": 100}) as rig:
        sender = await rig.source()
        await rig.send(sender, GOOD)
        await rig.work()

        (row,) = await rig.rows(tables.arrivals)
        assert (row.drop_code, row.signal_id) == ("SCORE_LOW", row.id)


async def test_second_alert_on_an_instrument_with_an_open_mission_is_a_duplicate(rig: IntakeRig) -> None:
    sender = await rig.source()
    await rig.send(sender, GOOD)
    await rig.work()

    await rig.send(sender, GOOD | {"stop": 63100})
    await rig.work()

    assert sorted(str(row.drop_code) for row in await rig.rows(tables.arrivals)) == ["DUPLICATE", "None"]


async def test_muted_source_is_recorded_and_not_offered(rig: IntakeRig) -> None:
    sender = await rig.source()
    await rig.senders.acts.switch(SHELL, "tv", SourceState.MUTED)

    answer = await rig.send(sender, GOOD)
    await rig.work()

    assert answer.status == 202
    (row,) = await rig.rows(tables.arrivals)
    assert (row.drop_code, row.signal_id) == ("SOURCE_MUTED", row.id)


async def test_dry_alert_says_what_would_happen_and_changes_nothing(rig: IntakeRig) -> None:
    sender = await rig.source()
    before = await rig.everything()
    body = json.dumps(GOOD).encode()

    tried = await rig.post(body, rig.signed(sender, body, purpose=Purpose.TEST), TEST)
    flagged = await rig.send(sender, GOOD | {"dry": True})
    bad = await rig.send(sender, GOOD | {"dry": True, "stop": 64500})
    await rig.work()

    assert (tried.status, tried.told["status"]) == (200, "would be offered")
    assert flagged.text == tried.text
    assert tried.told["signal"]["stop"] == "63000"
    assert (bad.told["status"], bad.told["code"]) == ("would be dropped", "MALFORMED")
    assert await rig.everything() == before


async def test_alert_waits_for_a_price_while_the_desk_starts(rig: IntakeRig) -> None:
    sender = await rig.source()
    rig.clock.advance(90)
    await rig.send(sender, GOOD)
    await rig.work()
    assert (await rig.rows(tables.arrivals))[0].state == "received"

    rig.desk.quote("63999.99", "64000.01")
    await rig.work()

    assert await rig.count(tables.missions) == 1


@pytest.mark.parametrize("at", ["storage.commit.before", "storage.commit.after"])
async def test_crash_between_receipt_and_mission_loses_nothing_and_doubles_nothing(tmp_path: Path, at: str) -> None:
    async with intake_at(tmp_path) as rig:
        sender, clock = await rig.source(), rig.clock
        await rig.send(sender, GOOD, key="once")

        def die(name: str) -> None:
            if name == at:
                raise KilledError

        crashpoints.install(die)
        try:
            with pytest.raises(KilledError):
                await rig.senders.work()
        finally:
            crashpoints.install(None)
    async with intake_at(tmp_path, people_too=False, clock=clock) as rig:
        await rig.work()
        await rig.work()
        again = await rig.send(sender, GOOD, key="once")
        await rig.work()

        assert again.status == 202
        assert await rig.count(tables.arrivals) == await rig.count(tables.signals) == await rig.count(tables.missions) == 1


async def test_database_that_hangs_is_answered_in_time_and_the_next_try_finds_what_was_stored(
    rig: IntakeRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    sender, release = await rig.source(), asyncio.Event()
    monkeypatch.setattr(intake, "ANSWER_S", 0.05)
    write = rig.desk.trading.database.write

    async def hang(body: Any, **more: Any) -> Any:
        await release.wait()
        return await write(body, **more)

    monkeypatch.setattr(rig.desk.trading.database, "write", hang)

    first = await rig.send(sender, GOOD, key="slow")
    release.set()
    await rig.desk.nursery.wait_for_jobs(40)
    monkeypatch.setattr(intake, "ANSWER_S", 40)
    second = await rig.send(sender, GOOD, key="slow")

    assert (first.status, first.code, first.headers["Retry-After"]) == (503, "BUSY", "5")
    assert second.status == 202
    assert [row.id for row in await rig.rows(tables.arrivals)] == [second.told["id"]]


async def test_call_ends_when_the_sender_says_but_never_later_than_the_desk_allows(rig: IntakeRig) -> None:
    sender = await rig.source()
    await rig.send(sender, GOOD | {"lasts_s": 45})
    await rig.work()

    (row,) = await rig.rows(tables.signals)
    assert row.expires_at == rig.clock.now() + timedelta(seconds=45)


class KilledError(Exception):
    """The process is gone."""
