"""Ask every dependency how it is: all at once, each within its time, and each failure with its cause and its fix."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import structlog

from services.domain.ports import Clock

LIMIT_S = 10.0
log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Sick:
    """What is wrong with a dependency and how to mend it."""

    cause: str
    fix: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """A question to one dependency; ``ask`` returns a short fact when all is well, or what is wrong."""

    name: str
    ask: Callable[[], Awaitable[str | Sick]]


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """One answer. ``fact`` is told when ``ok``, cause and fix otherwise; the time is in milliseconds."""

    name: str
    ok: bool
    fact: str
    cause: str
    fix: str
    duration_ms: int


async def run_checks(probes: Sequence[Probe], clock: Clock, *, limit_s: float = LIMIT_S) -> list[CheckResult]:
    """Ask all probes at once and return their answers in order; one that is not done in time or breaks has failed."""
    return list(await asyncio.gather(*(_check(probe, clock, limit_s) for probe in probes)))


async def _check(probe: Probe, clock: Clock, limit_s: float) -> CheckResult:
    started = clock.monotonic()
    answer = await _ask(probe, limit_s)
    sick = answer if isinstance(answer, Sick) else None
    return CheckResult(
        name=probe.name,
        ok=sick is None,
        fact=answer if isinstance(answer, str) else "",
        cause=sick.cause if sick else "",
        fix=sick.fix if sick else "",
        duration_ms=round((clock.monotonic() - started) * 1000),
    )


async def _ask(probe: Probe, limit_s: float) -> str | Sick:
    try:
        async with asyncio.timeout(limit_s):
            return await probe.ask()
    except TimeoutError:
        return Sick(cause=f"no answer within {limit_s:g} s", fix="look whether it is up and reachable from this machine")
    except Exception as error:
        # A check that breaks is a finding, and the others still count.
        log.exception("doctor.check_broke", check=probe.name)
        return Sick(cause=f"the check itself broke: {type(error).__name__}", fix="see the log; report it as a defect")
