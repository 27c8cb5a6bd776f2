"""Random orders through the whole fire path: nothing that is sent breaks a limit, by the venue's own books."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.domain.verdicts import CheckCode
from services.risk import gate
from tests.trading.firing import fire_at


@pytest.mark.parametrize("seed", range(2))
async def test_of_300_random_orders_none_that_is_sent_breaks_a_limit(tmp_path: Path, seed: int) -> None:
    told = await fire_at(tmp_path, seed, 150)

    assert told.broken == []
    assert told.sent >= 20
    assert sum(told.refused.values()) >= 20


WIDE = {"per_trade": "0.5", "max_notional": "3", "leverage": "3", "open_positions": 9}


@pytest.mark.parametrize(
    ("code", "limit", "value"),
    [
        (CheckCode.RISK_PER_TRADE, "per_trade", "0.005"),
        (CheckCode.LEVERAGE, "leverage", "0.4"),
        (CheckCode.OPEN_POSITIONS, "open_positions", 1),
    ],
    ids=["risk", "leverage", "positions"],
)
async def test_a_gate_that_skips_one_check_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: CheckCode, limit: str, value: object
) -> None:
    left = {each: check for each, check in gate._CHECKS.items() if each is not code}
    monkeypatch.setattr(gate, "_CHECKS", left)

    told = await fire_at(tmp_path, 0, 40, WIDE | {limit: value})

    assert {each.partition(":")[0] for each in told.broken} == {limit}
