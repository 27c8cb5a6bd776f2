"""The soak: one desk under mixed load for hours, looked at every few seconds; it may neither grow nor fall asleep."""

from __future__ import annotations

import asyncio
import json
import os
import re
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
from sqlalchemy import func, select

from services.domain.states import InstructionState
from services.storage import outbox, tables
from services.storage.database import Unit
from tests.kills.campaign import last_look, settle
from tests.kills.judge import Verdict, judge
from tests.kills.people import Crowd
from tests.kills.vitals import vitals
from tests.kills.world import World, world

SAMPLE_EVERY_S = 5.0
WARM_UP_SHARE, WARM_UP_MOST_S = 0.25, 1200.0
# Growth is told by the mean of this share of the samples at each end: one sample may stand in the middle of something.
END_SHARE = 0.2
GROWTH_LIMIT = 0.05
LAG_LIMIT_S = 0.1
PAUSE_S = 1.0
_BUCKET = re.compile(r'^sortie_loop_delay_seconds_bucket\{le="([^"]+)"\} (\S+)$', re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """The desk at one moment, ``at`` seconds after the start; sizes in MiB, the queues in rows."""

    at: float
    rss_mib: float
    files: int
    threads: int
    cpu_s: float
    database_mib: float
    messages: int
    instructions: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Soak:
    """What a soak showed; growth is a share of what was there after the warm-up."""

    hours: float
    seed: int
    samples: Sequence[Sample]
    warm_up_s: float
    rss_first_mib: float
    rss_last_mib: float
    lag_p50_s: float
    lag_p99_s: float
    acts: int
    verdict: Verdict

    @property
    def growth(self) -> float:
        """Return by how much resident memory grew after the warm-up."""
        return self.rss_last_mib / self.rss_first_mib - 1

    @property
    def ok(self) -> bool:
        """Tell whether it neither grew nor fell asleep, and the books agree."""
        return self.growth < GROWTH_LIMIT and self.lag_p99_s <= LAG_LIMIT_S and self.verdict.clean


async def run(folder: Path, hours: float, seed: int, say: Callable[[str], None]) -> Soak:
    """Let people act for so long; each sample is kept in the folder as it is taken, so that a broken run can be read."""
    port = _free_port()
    async with world(folder, seed, {"SORTIE_WEB__PORT": str(port)}) as around:
        await around.desk.start()
        await around.desk.ready()
        crowd = Crowd(around, seed, PAUSE_S)
        async with crowd.acting(), aiohttp.ClientSession() as http:
            address = f"http://127.0.0.1:{port}/metrics"
            begun = time.monotonic()
            warm_up_s = min(WARM_UP_SHARE * hours * 3600, WARM_UP_MOST_S)
            samples = await _look_until(around, crowd, begun + warm_up_s, begun, folder, say)
            before = await _delays(http, address)
            samples += await _look_until(around, crowd, begun + hours * 3600, begun, folder, say)
            after = await _delays(http, address)
        await settle(around)
        await crowd.look_again()
        evidence = await last_look(around, crowd, folder)
        verdict = await judge(evidence)
    grown = [each for each in samples if each.at >= warm_up_s]
    edge = max(1, round(END_SHARE * len(grown)))
    spent = {bound: after[bound] - before.get(bound, 0.0) for bound in after}
    return Soak(
        hours=hours,
        seed=seed,
        samples=samples,
        warm_up_s=warm_up_s,
        rss_first_mib=_mean([each.rss_mib for each in grown[:edge]]),
        rss_last_mib=_mean([each.rss_mib for each in grown[-edge:]]),
        lag_p50_s=_quantile(spent, 0.5),
        lag_p99_s=_quantile(spent, 0.99),
        acts=len(crowd.acts),
        verdict=verdict,
    )


async def _look_until(
    around: World, crowd: Crowd, end: float, begun: float, folder: Path, say: Callable[[str], None]
) -> list[Sample]:
    samples = []
    while time.monotonic() < end:
        await asyncio.sleep(min(SAMPLE_EVERY_S, max(0.0, end - time.monotonic())))
        crowd.check()
        sample = await asyncio.to_thread(_look, around, time.monotonic() - begun)
        samples.append(sample)
        with (folder / "samples.jsonl").open("a", encoding="utf-8") as kept:
            kept.write(json.dumps(asdict(sample)) + "\n")
        if len(samples) % 12 == 0:
            say(f"{sample.at:6.0f} s  {sample.rss_mib:.1f} MiB  {sample.files} files  {len(crowd.acts)} acts")
    return samples


def _look(around: World, at: float) -> Sample:
    pid = around.desk.pid
    assert pid is not None, "the desk ended by itself"
    found = vitals(pid)
    queues = around.desk.reading.read(_queues)
    assert queues is not None
    file = around.desk.reading.database
    size = sum(each.stat().st_size for each in (file, file.with_name(f"{file.name}-wal")) if each.exists())
    return Sample(
        at=round(at, 1),
        rss_mib=found.rss_mib,
        files=found.files,
        threads=found.threads,
        cpu_s=found.cpu_s,
        database_mib=size / 2**20,
        messages=queues[0],
        instructions=queues[1],
    )


def _queues(unit: Unit) -> tuple[int, int]:
    waiting = tables.instructions.c.state.in_((InstructionState.INTENT.value, InstructionState.SENT.value))
    return outbox.backlog(unit), int(unit.first(select(func.count().label("n")).where(waiting)).n)


async def _delays(http: aiohttp.ClientSession, address: str) -> Mapping[float, float]:
    """Return how many calls of the event loop were at most so late, by bound, since the process started."""
    async with http.get(address) as answer:
        text = await answer.text()
        assert answer.status == 200, text
    found = {float(bound): float(count) for bound, count in _BUCKET.findall(text)}
    assert found, "the desk shows no delays of its loop"
    return found


def _quantile(counts: Mapping[float, float], share: float) -> float:
    """Return the least bound that so large a share of the calls kept."""
    total = max(counts.values())
    return min((bound for bound, count in counts.items() if count >= share * total), default=float("inf"))


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as door:
        return int(door.getsockname()[1])


def figures(soak: Soak, commit: str, machine: str) -> dict[str, object]:
    """Return what is kept of a soak as JSON."""
    last, verdict = soak.samples[-1], soak.verdict
    measured = [each for each in soak.samples if each.at >= soak.warm_up_s]
    return {
        "kind": "soak",
        "commit": commit,
        "at": datetime.now(UTC).isoformat(),
        "machine": machine,
        "seed": soak.seed,
        "hours": round(soak.hours, 3),
        "warm_up_s": round(soak.warm_up_s),
        "samples": len(soak.samples),
        "acts": soak.acts,
        "rss_after_warm_up_mib": round(soak.rss_first_mib, 1),
        "rss_at_end_mib": round(soak.rss_last_mib, 1),
        "growth_percent": round(100 * soak.growth, 2),
        "files_most": max(each.files for each in measured),
        "files_at_end": last.files,
        "threads_most": max(each.threads for each in measured),
        "loop_lag_p50_s": soak.lag_p50_s,
        "loop_lag_p99_s": soak.lag_p99_s,
        "database_mib": round(last.database_mib, 1),
        "messages_most": max(each.messages for each in measured),
        "instructions_most": max(each.instructions for each in measured),
        "cpu_percent": round(100 * (last.cpu_s - measured[0].cpu_s) / max(1.0, last.at - measured[0].at), 1),
        "duplicates": len(verdict.duplicates),
        "lost_fills": len(verdict.lost_fills),
        "naked": len(verdict.naked),
        "unanswered": len(verdict.unanswered),
        "crashes": len(verdict.crashes),
        "verify": verdict.verify,
        "load_average": round(os.getloadavg()[0], 1),
        "counts": dict(verdict.counts),
        "ok": soak.ok,
    }
