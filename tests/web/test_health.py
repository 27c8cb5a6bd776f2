"""`/v1/health` says one word to everybody and the reasons to who holds the key."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from handlers.web.health import Health, judge
from services.domain.halts import Halt, HaltScope
from services.domain.states import HaltState
from services.operations.stages import STAGES, StageAge
from services.storage import halts
from tests.web.conftest import Watched, watched_at

LATE = StageAge(age_s=100.0, limit_s=15.0, alive=False, mandatory=True)
WELL = StageAge(age_s=1.0, limit_s=15.0, alive=True, mandatory=True)


def all_but(*late: str) -> dict[str, StageAge]:
    return {stage.name: LATE if stage.name in late else WELL for stage in STAGES}


@pytest.mark.parametrize(
    ("late", "database", "expected"),
    [
        ((), True, Health.OK),
        (("feed",), True, Health.DEGRADED),
        (("executor",), True, Health.DOWN),
        (("database",), True, Health.DOWN),
        (("feed", "executor"), True, Health.DOWN),
        ((), False, Health.DOWN),
    ],
)
def test_the_gravest_rule_that_holds_is_the_answer(late: tuple[str, ...], database: bool, expected: Health) -> None:
    assert judge(all_but(*late), database=database)[0] is expected


def test_a_desk_on_which_nothing_runs_yet_is_down() -> None:
    assert judge({}, database=True)[0] is Health.DOWN


async def test_without_the_key_health_says_one_word(watched: Watched) -> None:
    watched.live()

    for key in (None, "", "wrong-key-wrong-key", f"{watched.key}x", "ключ"):
        status, headers, text = await watched.get("/v1/health", key=key)
        assert (status, json.loads(text)) == (200, {"status": "ok"})
        assert headers["Content-Type"] == "application/json"


async def test_with_the_key_health_says_why(watched: Watched) -> None:
    watched.live("feed")
    desk_wide = Halt(
        scope=HaltScope.DESK,
        subject=halts.DESK,
        state=HaltState.HALTED,
        by_id=2001,
        by_name="Carl Secretname",
        reason="exchange lagging",
        since=watched.clock.now(),
    )
    await watched.database.write(lambda unit: halts.save(unit, desk_wide))

    status, _, text = await watched.get("/v1/health", key=watched.key)

    told = json.loads(text)
    assert (status, told["status"]) == (200, "degraded")
    assert told["reasons"] == ["a mandatory stage is silent"]
    assert told["stages"]["feed"]["alive"] is False
    assert told["halts"] == [{"scope": "desk", "state": "halted", "count": 1}]
    assert told["queues"]["messages"] == {"size": 0, "oldest_s": 0.0}
    assert "Secretname" not in text
    assert "lagging" not in text


async def test_a_halted_desk_is_not_down(watched: Watched) -> None:
    watched.live()
    (watched.settings.desk.state_dir / "HALT").write_text("{}")

    status, _, text = await watched.get("/v1/health", key=watched.key)

    assert (status, json.loads(text)["status"], json.loads(text)["halt_file"]) == (200, "ok", True)


async def test_a_database_that_does_not_answer_is_down(tmp_path: Path) -> None:
    async with watched_at(tmp_path) as watched:
        watched.live()
        for name in ("sortie.db", "sortie.db-wal", "sortie.db-shm"):
            (tmp_path / name).unlink(missing_ok=True)
        (tmp_path / "sortie.db").write_bytes(b"this is no database, and long enough to be looked at" * 40)

        status, _, text = await watched.get("/v1/health", key=watched.key)
        _, _, metrics = await watched.get("/metrics")

        assert (status, json.loads(text)["status"]) == (503, "down")
        assert "sortie_database_up 0.0" in metrics
        assert "sortie_stage_age_seconds" in metrics
