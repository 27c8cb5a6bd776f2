"""`/v1/health`: one word for everybody, the reasons for who holds the key."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from services.domain.errors import Unavailable
from services.operations.gauges import Readings
from services.operations.stages import DATABASE, StageAge

EXECUTOR = "executor"


class Health(StrEnum):
    """How the desk is, from well to gone."""

    OK = "ok"
    DEGRADED = "degraded"
    DOWN = "down"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What makes the desk worse than well: ``stages`` lists those that count, ``mandatory`` means all mandatory ones."""

    name: str
    health: Health
    stages: frozenset[str] = frozenset()
    mandatory: bool = False
    no_database: bool = False


# The gravest that holds is the answer. A halt is none of these: it is what the desk was told to do.
RULES = (
    Rule(name="the database does not answer", health=Health.DOWN, no_database=True),
    Rule(name="nothing is stored or sent", health=Health.DOWN, stages=frozenset({DATABASE, EXECUTOR})),
    Rule(name="a mandatory stage is silent", health=Health.DEGRADED, mandatory=True),
)
_GRAVITY = (Health.OK, Health.DEGRADED, Health.DOWN)


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """What health is judged by and told from; ``readings`` is None when the database does not answer."""

    version: str
    config: str
    stages: Mapping[str, StageAge]
    halted_by_file: bool
    readings: Readings | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An HTTP status with a JSON body."""

    status: int
    body: bytes


def judge(stages: Mapping[str, StageAge], *, database: bool) -> tuple[Health, list[str]]:
    """Return the gravest health of the rules that hold, and the names of those rules."""
    holding = [rule for rule in RULES if _holds(rule, stages, database=database)]
    worst = max((rule.health for rule in holding), key=_GRAVITY.index, default=Health.OK)
    return worst, [rule.name for rule in holding]


def _holds(rule: Rule, stages: Mapping[str, StageAge], *, database: bool) -> bool:
    if rule.no_database:
        return not database
    silent = {name for name, each in stages.items() if not each.alive}
    counted = {name for name, each in stages.items() if each.mandatory} if rule.mandatory else rule.stages
    # A stage that counts and is not there at all shows no life either.
    return bool(counted & silent) or not counted <= stages.keys()


class AskHealth:
    """Answer how the desk is: 503 when it is down, else 200."""

    def __init__(self, look: Callable[[], Awaitable[State]]) -> None:
        """``look`` returns the state as it is; raises Unavailable when it cannot."""
        self._look = look

    async def __call__(self, *, full: bool) -> Answer:
        """Return the word alone, or with ``full`` also why: no symbol, name, id or amount stands in either."""
        try:
            state = await self._look()
        except (Unavailable, TimeoutError):
            return _answer(Health.DOWN, {})
        health, reasons = judge(state.stages, database=state.readings is not None)
        return _answer(health, {"reasons": reasons} | _details(state) if full else {})


def _answer(health: Health, details: Mapping[str, object]) -> Answer:
    body = json.dumps({"status": health.value, **details}, separators=(",", ":"))
    return Answer(status=503 if health is Health.DOWN else 200, body=body.encode())


def _details(state: State) -> dict[str, object]:
    readings = state.readings
    told: dict[str, object] = {
        "version": state.version,
        "settings": state.config,
        "stages": {
            name: {"alive": each.alive, "age_s": _seconds(each.age_s), "limit_s": _seconds(each.limit_s)}
            for name, each in sorted(state.stages.items())
        },
        "halt_file": state.halted_by_file,
    }
    if readings is None:
        return told
    return told | {
        "queues": {name: {"size": each.size, "oldest_s": _seconds(each.oldest_s)} for name, each in readings.queues.items()},
        "unknown": readings.unknown.size,
        "halts": [{"scope": scope, "state": state, "count": n} for (scope, state), n in sorted(readings.halts.items())],
        "incidents": dict(readings.incidents),
        "terminals": [
            {
                "venue": venue,
                "mode": mode,
                "count": each.terminals,
                "unreconciled": each.unreconciled,
                "reconcile_age_s": _seconds(each.reconcile_age_s),
            }
            for (venue, mode), each in sorted(readings.accounts.items())
        ],
    }


def _seconds(value: float | None) -> float | None:
    return None if value is None else round(value, 1)
