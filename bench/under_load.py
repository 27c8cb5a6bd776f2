"""What the desk does under load: taps that fire, taps that are booked, and reads.

A tap's time begins when a person's press is posted to the sandbox and ends when the other side has what it leads to, by that
side's own record: for the desk the order at the paper venue, for the floor the bot's answer at the sandbox. Both come after the
tap was committed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import product
from pathlib import Path

from bench.chat import Chat, following, sandbox
from bench.desk import Desk, desk, settings_for
from bench.echo import Echo, answers, measure_echo
from bench.figures import Figure, Measured, Target, middle, percentile, spread
from bench.load import Posted, post_at_rate
from bench.plan import Plan
from bench.programs import BenchError
from bench.reads import Reads, measure_reads
from bench.settling import until
from bench.stand import (
    SETTINGS,
    Offered,
    Tap,
    acts_of,
    keep_offers_in_group,
    open_missions,
    open_previews,
    until_quiet,
)
from handlers.telegram.callbacks import MissionVerb
from services.domain.orders import client_id

FIRE_RATE, FAST_FIRE_RATE, SKIP_RATE = 20, 50, 100
P50_FLOORS, P99_FLOORS, READS_SHARE = 2.5, 3.0, 1 / 3
READ_POSITIONS = "/positions"
READ_TEXTS = (READ_POSITIONS, "/status")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fired:
    """Milliseconds of each tap's way, one entry a tap; the parts begin where the one before ends.

    ``cpu_ms`` is the desk's CPU time for a tap with all that follows from it: fill, protection, cards.
    """

    total: Sequence[float]
    parts: Mapping[str, Sequence[float]]
    late: Sequence[float]
    cpu_ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class _Skipped:
    posted: int
    booked: int
    answer_ms: Sequence[float]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Done:
    fired: _Fired
    fast: _Fired
    skipped: _Skipped
    reads: Reads
    held: Reads


async def measure(plan: Plan, folder: Path) -> Measured:
    """Measure the floor, the desk, and the floor once more, so that a slow spell of the machine meets both."""
    counts = {
        FIRE_RATE: round(plan.fire_seconds * FIRE_RATE / 2),
        FAST_FIRE_RATE: round(plan.fast_fire_seconds * FAST_FIRE_RATE / 2),
        SKIP_RATE: round(plan.skip_seconds * SKIP_RATE / 2),
    }
    before = await measure_echo(folder / "echo-1", counts, plan.reads, READ_TEXTS)
    done = await _measure_desk(plan, folder / "desk")
    after = await measure_echo(folder / "echo-2", counts, plan.reads, READ_TEXTS)
    return Measured(figures=_figures(done, [before, after]), details=_details(done, [before, after]))


async def _measure_desk(plan: Plan, folder: Path) -> _Done:
    async with sandbox(folder, limits=False) as chat:
        traders = await chat.add_people(plan.traders)
        async with desk(folder, settings_for(chat, folder, traders, SETTINGS)) as running:
            keep_offers_in_group(running.state, traders)
            missions = await open_missions(chat, running, traders[0])
            skipped = await _skip(chat, running, _pairs(traders, missions, round(plan.skip_seconds * SKIP_RATE)))
            reads = await measure_reads(chat, running.program, traders, READ_TEXTS, plan.reads)
            fired, fast = await _fire_twice(plan, chat, running, traders, missions)
            held = await measure_reads(chat, running.program, traders, [READ_POSITIONS], plan.reads)
    return _Done(fired=fired, fast=fast, skipped=skipped, reads=reads, held=held)


def _pairs(traders: Sequence[int], missions: Sequence[Offered], count: int) -> list[tuple[int, Offered]]:
    """Return different pairs, a person's own far apart."""
    pairs = [(person, mission) for mission, person in product(missions, traders)]
    if len(pairs) < count:
        raise BenchError(f"{count} taps need more than {len(traders)} traders and {len(missions)} missions")
    return pairs[:count]


async def _fire_twice(
    plan: Plan, chat: Chat, running: Desk, traders: Sequence[int], missions: Sequence[Offered]
) -> tuple[_Fired, _Fired]:
    """Fire at the usual and at the fast rate; the first few taps warm up."""
    usual, fast = round(plan.fire_seconds * FIRE_RATE), round(plan.fast_fire_seconds * FAST_FIRE_RATE)
    longs = [mission for mission in missions if mission.side == "long"]
    pairs = _pairs(traders, longs, plan.warm_up_taps + usual + fast)
    taps = await open_previews(chat, running, pairs)
    await _fire(chat, running, taps[: plan.warm_up_taps], FIRE_RATE)
    fired = await _fire(chat, running, taps[plan.warm_up_taps : plan.warm_up_taps + usual], FIRE_RATE)
    return fired, await _fire(chat, running, taps[plan.warm_up_taps + usual :], FAST_FIRE_RATE)


async def _fire(chat: Chat, running: Desk, taps: Sequence[Tap], rate: int) -> _Fired:
    cpu_s = running.program.cpu_s()
    posted = await post_at_rate(acts_of(chat, taps), rate)
    await until("the venue's answers", lambda: _all_answered(running, taps))
    await until_quiet(running)
    return _ways(running, taps, posted, (running.program.cpu_s() - cpu_s) / len(taps) * 1000)


_WAY = """
SELECT t.mission_id, t.person_id, t.tapped_at, i.id, i.state, i.created_at, i.sent_at, i.answered_at
FROM trades t JOIN instructions i ON i.trade_id = t.id AND i.purpose = 'entry'
"""


def _all_answered(running: Desk, taps: Sequence[Tap]) -> bool:
    answered = {(row["mission_id"], row["person_id"]) for row in running.rows(_WAY) if row["answered_at"] is not None}
    return all((tap.mission, tap.person) in answered for tap in taps)


def _ways(running: Desk, taps: Sequence[Tap], posted: Sequence[Posted[str]], cpu_ms: float) -> _Fired:
    ways = {(row["mission_id"], row["person_id"]): row for row in running.rows(_WAY)}
    total: list[float] = []
    parts: dict[str, list[float]] = {"to the decision": [], "to the claim": [], "to the venue": [], "to the booked answer": []}
    accepted = {row["client_id"]: row["accepted_at"] for row in running.venue_rows("SELECT client_id, accepted_at FROM orders")}
    for tap, post in zip(taps, posted, strict=True):
        row = ways[tap.mission, tap.person]
        if row["state"] != "accepted":
            raise BenchError(f"a tap did not become an order: its instruction is {row['state']}")
        stamps = (row["tapped_at"], row["sent_at"], accepted[client_id(row["id"], 0)], row["answered_at"])
        moments = [post.at, *(_unix(stamp) for stamp in stamps)]
        total.append((moments[-2] - moments[0]) * 1000)
        for name, begin, end in zip(parts, moments, moments[1:], strict=False):
            parts[name].append((end - begin) * 1000)
    return _Fired(total=total, parts=parts, late=[post.late_s * 1000 for post in posted], cpu_ms=cpu_ms)


def _unix(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


async def _skip(chat: Chat, running: Desk, pairs: Sequence[tuple[int, Offered]]) -> _Skipped:
    """Press Skip on the group's cards; each press is one decision and one row of the journal."""
    taps = [mission.tap(person, MissionVerb.SKIP) for person, mission in pairs]
    async with following(chat) as log:
        posted = await post_at_rate(acts_of(chat, taps), SKIP_RATE)
        answered = await answers(log, len(taps))
    kept = running.count("SELECT count(*) FROM decisions WHERE decision = 'skipped'")
    journaled = running.count("SELECT count(*) FROM journal WHERE kind = 'mission.skipped'")
    if journaled != kept:
        raise BenchError(f"{kept} decisions stand for {journaled} taps that had an effect")
    answer_ms = [(answered[post.answer] - post.at) * 1000 for post in posted]
    return _Skipped(posted=len(taps), booked=kept, answer_ms=answer_ms)


def _figures(done: _Done, echoes: Sequence[Echo]) -> list[Figure]:
    figures = []
    floor_is = "echo bot with one full commit"
    for rate, fired, target in ((FIRE_RATE, done.fired, True), (FAST_FIRE_RATE, done.fast, False)):
        floor = [each for echo in echoes for each in echo.tap_ms[rate]]
        for share, most in ((0.5, P50_FLOORS), (0.99, P99_FLOORS)):
            figures.append(
                Figure(
                    name=f"Tap to order at {rate}/s, p{share * 100:g}",
                    value=percentile(fired.total, share),
                    unit="ms",
                    floor=percentile(floor, share),
                    floor_is=floor_is,
                    target=Target(at_most=most, of_floor=True) if target else None,
                )
            )
    figures += _way_of_a_tap(done.fired)
    skipped, floor = done.skipped, [each for echo in echoes for each in echo.tap_ms[SKIP_RATE]]
    figures += [
        Figure(
            name=f"State-changing taps booked of {skipped.posted} at {SKIP_RATE}/s",
            value=skipped.booked,
            unit="taps",
            target=Target(at_least=skipped.posted, at_most=skipped.posted),
        ),
        Figure(
            name=f"Their answer at {SKIP_RATE}/s, p99",
            value=percentile(skipped.answer_ms, 0.99),
            unit="ms",
            floor=percentile(floor, 0.99),
            floor_is=floor_is,
        ),
        Figure(
            name="Reads answered a second",
            value=done.reads.per_second,
            unit="1/s",
            floor=middle([echo.reads.per_second for echo in echoes]),
            floor_is="echo bot",
            target=Target(at_least=READS_SHARE, of_floor=True),
        ),
        Figure(name="Reads of open trades' prices and protection", value=done.held.per_second, unit="1/s"),
    ]
    return figures


def _way_of_a_tap(fired: _Fired) -> list[Figure]:
    """Return where a tap's time goes: the parts of its way, and the CPU time that the desk spends on it altogether."""
    parts = [
        Figure(name=f"Its way at {FIRE_RATE}/s: {name}, p50", value=percentile(part, 0.5), unit="ms")
        for name, part in fired.parts.items()
    ]
    return [*parts, Figure(name="CPU time of the desk for a tap, until it is protected", value=fired.cpu_ms, unit="ms")]


def _details(done: _Done, echoes: Sequence[Echo]) -> dict[str, object]:
    def way(fired: _Fired) -> dict[str, object]:
        return {
            "total_ms": spread(fired.total),
            "parts_ms": {name: spread(part) for name, part in fired.parts.items()},
            "posted_late_ms": spread(fired.late),
        }

    return {
        f"fired_at_{FIRE_RATE}": way(done.fired),
        f"fired_at_{FAST_FIRE_RATE}": way(done.fast),
        "skip_answer_ms": spread(done.skipped.answer_ms),
        "read_cpu_ms": done.reads.cpu_ms,
        "read_held_cpu_ms": done.held.cpu_ms,
        "echo_tap_ms": [{str(rate): spread(taps) for rate, taps in echo.tap_ms.items()} for echo in echoes],
        "echo_reads": [{"per_second": echo.reads.per_second, "cpu_ms": echo.reads.cpu_ms} for echo in echoes],
    }
