"""What `/metrics` shows: names that are pinned, figures that are true, and nobody's name or money."""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from aiohttp import ClientSession
from prometheus_client.parser import text_string_to_metric_families

from bot import metrics
from bot.metrics import MOST_BEGUN, Looks, Meters
from bot.redaction import Redactor
from services.domain.measures import Counted, Timed
from services.operations.gauges import read_gauges
from services.operations.metrics import METRICS, PROCESS, Kind
from tests.chat.rig import ANN, desk_in_chat
from tests.web.conftest import Watched, free_port

# Dashboards and alert rules of other people are built on these; a name that goes or changes breaks them.
PINNED = re.findall(
    r"\w+",
    """
    sortie_ack_to_fill_seconds sortie_answer_seconds sortie_backup_age_seconds sortie_bare_trades sortie_build_info
    sortie_commit_seconds sortie_database_up sortie_desk_ready sortie_gate_seconds sortie_halt_file sortie_halts
    sortie_heartbeat_pings_total sortie_http_requests_total sortie_journal_sequence sortie_live_trades sortie_loop_delay_seconds
    sortie_loop_lag_max_seconds sortie_loop_lag_p99_seconds sortie_loop_lag_seconds sortie_message_lag_seconds
    sortie_open_incidents sortie_open_positions sortie_open_proposals sortie_process_cpu_seconds_total sortie_process_max_fds
    sortie_process_open_fds sortie_process_resident_memory_bytes sortie_process_start_time_seconds
    sortie_process_virtual_memory_bytes sortie_queue_oldest_seconds sortie_queue_size sortie_ready_seconds
    sortie_reconcile_age_seconds sortie_stage_age_seconds sortie_stage_late sortie_stage_limit_seconds
    sortie_tap_to_order_seconds sortie_task_crashes_total sortie_telegram_call_seconds sortie_telegram_errors_total
    sortie_telegram_floods_total
    sortie_terminals sortie_terminals_unreconciled sortie_unknown_instructions sortie_unknown_oldest_seconds
    sortie_venue_call_seconds sortie_venue_errors_total
    """,
)


def samples(text: str) -> dict[str, dict[tuple[str, ...], float]]:
    """Return every sample by its name and its labels' values, by the labels' names."""
    found: dict[str, dict[tuple[str, ...], float]] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found.setdefault(sample.name, {})[tuple(value for _, value in sorted(sample.labels.items()))] = sample.value
    return found


async def scraped_when_ready(port: int) -> str:
    """Return the text as soon as every mandatory stage has shown life."""
    async with asyncio.timeout(40), ClientSession() as session:
        while True:
            async with session.get(f"http://127.0.0.1:{port}/metrics") as answer:
                text = await answer.text()
            if samples(text)["sortie_desk_ready"][()]:
                return text
            await asyncio.sleep(0.1)


def test_the_names_are_pinned() -> None:
    assert sorted(metric.name for metric in METRICS) == PINNED


def test_a_name_says_its_unit_and_its_kind() -> None:
    for metric in METRICS:
        assert re.fullmatch(r"sortie(_[a-z0-9]+)+", metric.name)
        assert (metric.kind is Kind.COUNTER) == metric.name.endswith("_total"), metric.name
        assert (metric.kind is Kind.HISTOGRAM) == bool(metric.bounds)
        if metric.bounds:
            assert metric.name.endswith("_seconds")
            assert list(metric.bounds) == sorted(set(metric.bounds))


async def test_the_text_has_the_catalogue_and_nothing_else(watched: Watched) -> None:
    watched.live()
    watched.meters.count(Counted.VENUE_ERROR, "paper", "place", "unknown")
    await watched.get("/v1/health")

    _, headers, text = await watched.get("/metrics")

    shown = {family.name: family for family in text_string_to_metric_families(text)}
    known = {metric.name.removesuffix("_total"): metric for metric in METRICS}
    assert headers["Content-Type"].startswith("text/plain; version=0.0.4")
    assert shown.keys() <= known.keys()
    missing = known.keys() - shown.keys()
    assert missing <= {metric.name.removesuffix("_total") for metric in PROCESS}
    for name, family in shown.items():
        assert family.type == known[name].kind.value, name
        labels = {label for sample in family.samples for label in sample.labels} - {"le"}
        assert labels <= set(known[name].labels), name


async def test_scrapes_that_come_together_cost_one_look(watched: Watched) -> None:
    watched.live()
    looked = 0

    async def counted() -> object:
        nonlocal looked
        looked += 1
        return await found()

    assert watched.monitoring.web is not None
    looks = watched.monitoring.web._scrape._looks  # type: ignore[attr-defined]
    assert isinstance(looks, Looks)
    found = looks._look
    looks._look = counted  # type: ignore[method-assign, assignment]

    answers = await asyncio.gather(*(watched.get("/metrics") for _ in range(20)))

    assert {status for status, _, _ in answers} == {200}
    assert looked == 1


async def test_a_reading_that_hangs_is_not_joined_by_another(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics, "PATIENCE_S", 0.1)
    watched.live()
    release, readings = asyncio.Event(), 0
    looks = Looks(watched.database, watched.stages.ages, lambda: None, None, Path(), Path())  # type: ignore[arg-type, return-value]

    async def hangs(_body: object) -> object:
        nonlocal readings
        readings += 1
        await release.wait()
        return await original(read_gauges)

    original = watched.database.read
    watched.database.read = hangs  # type: ignore[method-assign, assignment]
    waiting = [asyncio.wait_for(looks._readings(), 40) for _ in range(2)]
    assert [await each for each in waiting] == [None, None]
    assert readings == 1

    release.set()
    assert await looks._readings() is not None
    watched.database.read = original  # type: ignore[method-assign]


def test_a_span_is_measured_once_and_forgotten_ones_cost_nothing() -> None:
    meters, now = Meters(), datetime(2026, 11, 20, tzinfo=UTC)
    for number in range(MOST_BEGUN + 5):
        meters.begin(Timed.TAP_TO_ORDER, f"tap {number}", now)
    for number in (0, 10, 10, 11):
        meters.end(Timed.TAP_TO_ORDER, f"tap {number}", now + timedelta(seconds=number))
    meters.end(Timed.TAP_TO_ORDER, "tap 12", now - timedelta(seconds=5))

    value = meters.registry.get_sample_value
    assert value("sortie_tap_to_order_seconds_count") == 3
    assert value("sortie_tap_to_order_seconds_sum") == 21


async def test_a_trade_in_the_chat_is_seen_in_the_metrics(tmp_path: Path) -> None:
    port = free_port()
    async with desk_in_chat(tmp_path, web={"port": port}) as rig:
        await rig.trade(ANN)
        await rig.ask(ANN, "/slo", "Objectives, 24 h")
        await rig.settled()
        text = await scraped_when_ready(port)

    found = samples(text)
    assert found["sortie_tap_to_order_seconds_count"][()] == 1
    assert found["sortie_ack_to_fill_seconds_count"][()] == 1
    assert found["sortie_gate_seconds_count"][()] == 1
    assert found["sortie_ready_seconds_count"][()] == 1
    assert found["sortie_answer_seconds_count"][()] >= 3
    assert found["sortie_commit_seconds_count"][()] > 10
    assert found["sortie_venue_call_seconds_count"]["place", "paper"] == 1
    assert found["sortie_telegram_call_seconds_count"]["sendMessage",] >= 2
    assert found["sortie_live_trades"]["open",] == 1
    assert found["sortie_open_positions"][()] == 1
    assert found["sortie_terminals"]["paper", "paper"] == 4
    assert found["sortie_queue_size"]["instructions",] == 0
    assert found["sortie_journal_sequence"][()] > 10
    assert found["sortie_desk_ready"][()] == 1
    assert found["sortie_open_incidents"] == {("urgent",): 0, ("routine",): 0}
    for secret in ("BTC", "USDT", "Ann", "trend", rig.graph.token):
        assert secret not in text
    # Within a long number of seconds the digits may stand by chance.
    assert not re.search(rf"(?<![\d.]){ANN}(?![\d.])", text)
    assert Redactor().hide(text) == text
