"""The size that is offered: by risk, by a fixed value or by volatility, for the desk, a person or a strategy; never guessed."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from pydantic import ValidationError

from config.sizing import SizingSettings
from services.domain.market import Candle, CandleSeries
from services.domain.verdicts import CheckCode
from services.missions.fire import Fired
from services.risk.size_rules import SizeRules, Terms, average_true_range
from services.risk.sizing import Costs
from services.storage import desk
from services.storage.previews import Preview, PreviewState
from tests.risk.cases import BTC, NOW, amounts
from tests.trading.rig import ANN, Rig, desk_at
from tests.trading.taps import preview_of
from tests.views.samples import signal

SIGNAL = signal()
FREE = Costs(fee=Decimal(0), slippage=Decimal(0))


def series(ranges: list[float], *, ended: timedelta = timedelta(0), hole: bool = False) -> CandleSeries:
    """Return candles of a minute around 64,000, each with its range, the newest ended so long ago."""
    first = NOW - ended - timedelta(minutes=len(ranges))
    rows = [
        Candle(
            first + timedelta(minutes=n - (2 if hole and n == 0 else 0)), 64_000, 64_000 + r / 2, 64_000 - r / 2, 64_000, 1.0
        )
        for n, r in enumerate(ranges)
    ]
    return CandleSeries(instrument=BTC, timeframe="1m", candles=rows)


def terms(**changes: Any) -> Terms:
    values: dict[str, Any] = {
        "instrument": BTC,
        "entry": Decimal(64_000),
        "stop": Decimal(63_000),
        "costs": FREE,
        "equity": Decimal(10_000),
        "left": Decimal(1),
        "now": NOW,
    }
    return Terms(**values | changes)


@pytest.mark.parametrize(
    ("ranges", "found"),
    [
        ([50.0] * 15, Decimal(50)),
        ([900.0] + [50.0] * 15, Decimal(50)),
        ([50.0] * 14, None),
        ([0.0] * 15, Decimal(0)),
    ],
    ids=["just-enough", "newest-only", "one-too-few", "still"],
)
def test_the_average_true_range_is_of_the_newest_candles_or_unknown(ranges: list[float], found: Decimal | None) -> None:
    assert average_true_range(series(ranges), 14, NOW) == found


def test_candles_that_are_old_or_have_a_hole_say_nothing() -> None:
    ranges = [50.0] * 15

    assert average_true_range(None, 14, NOW) is None
    assert average_true_range(series(ranges, ended=timedelta(minutes=2)), 14, NOW) is not None
    assert average_true_range(series(ranges, ended=timedelta(minutes=2, seconds=1)), 14, NOW) is None
    assert average_true_range(series(ranges, hole=True), 14, NOW) is None


@given(reach=amounts("1", "2000", 2), more=amounts("1", "5", 2), left=amounts("0.1", "1", 1))
@settings(max_examples=50, deadline=None)
def test_a_wilder_market_and_a_bad_day_never_give_a_larger_size(reach: Decimal, more: Decimal, left: Decimal) -> None:
    def size(range_of: Decimal, share: Decimal) -> Decimal:
        rules = SizeRules(SizingSettings(rule="volatility"), Decimal(1), "USDT", lambda _: series([float(range_of)] * 15))
        found = rules.usual(SIGNAL, 1, terms(left=share)).quantity
        assert found is not None
        return found

    assert size(reach * more, Decimal(1)) <= size(reach, Decimal(1))
    assert size(reach, left) <= size(reach, Decimal(1))


async def shown(rig: Rig) -> tuple[Preview, str]:
    found = await preview_of(rig, await rig.mission())
    return found, (found.route or {}).get("sized", "")


def scoped(scope: str, subject: object) -> dict[str, object]:
    return {"scoped": [{"scope": scope, "subject": str(subject), "rule": "notional", "notional": "500"}]}


@pytest.mark.parametrize(
    ("sizing", "value", "said"),
    [
        ({}, None, "0.5 % to the stop"),
        ({"risk": "0.001"}, None, "0.1 % to the stop"),
        ({"rule": "notional", "notional": "500"}, Decimal(500), "fixed value 500"),
        (scoped("person", ANN), Decimal(500), "fixed value 500"),
        (scoped("strategy", "trend"), Decimal(500), "fixed value 500"),
        (scoped("person", 7), None, "0.5 % to the stop"),
        ({"rule": "notional", "notional": "50000"}, None, "fixed value 50000, cut by limits"),
    ],
    ids=["usual", "less", "fixed", "person", "strategy", "another", "cut"],
)
async def test_the_preview_offers_the_size_of_the_rule_and_says_how(
    tmp_path: Path, sizing: dict[str, Any], value: Decimal | None, said: str
) -> None:
    async with desk_at(tmp_path, sizing=sizing) as rig:
        found, how = await shown(rig)

        assert how == said
        assert found.state is PreviewState.OPEN
        if value is not None:
            assert value * Decimal("0.99") < found.full * found.worst_price <= value


async def test_the_venues_largest_order_bounds_what_is_offered_and_is_named(tmp_path: Path) -> None:
    async with desk_at(tmp_path) as rig:
        small = replace(BTC, max_quantity=Decimal("0.001"))
        await rig.trading.database.write(lambda unit: desk.save_universe(unit, (small,)))
        rig.trading.instruments[BTC.symbol] = small
        found, how = await shown(rig)

        assert how == "0.5 % to the stop, cut by the venue's largest order"
        assert (found.state, found.full, found.largest) == (PreviewState.OPEN, Decimal("0.001"), Decimal("0.001"))
        assert isinstance(await rig.trading.fire(rig.actor(), found.token_id or ""), Fired)


async def test_without_candles_volatility_offers_nothing_rather_than_a_guess(tmp_path: Path) -> None:
    async with desk_at(tmp_path, sizing={"rule": "volatility"}) as rig:
        found, how = await shown(rig)

        assert how == "volatility: no data"
        assert found.state is PreviewState.REFUSED
        assert (found.half, found.full, found.largest) == (0, 0, 0)
        assert [each.code for each in found.checks if not each.passed] == [CheckCode.MIN_SIZE]


def test_a_fixed_value_in_another_currency_is_no_size() -> None:
    rules = SizeRules(SizingSettings(rule="notional", notional=Decimal(500)), Decimal(1), "EUR", lambda _: None)

    assert rules.usual(SIGNAL, 1, terms()).quantity is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"rule": "notional"},
        {"notional": "0"},
        {"notional": "NaN"},
        {"volatility": "2"},
        {"rule": "all"},
        {"scoped": [{"scope": "person", "subject": "1", "rule": "notional"}]},
        {"scoped": [{"scope": "person", "subject": "1"}, {"scope": "person", "subject": "1"}]},
        {"scoped": [{"scope": "desk", "subject": "1"}]},
    ],
    ids=["nothing", "zero", "nan", "much", "unknown", "scoped", "twice", "scope"],
)
def test_a_rule_that_cannot_be_stops_the_start(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        SizingSettings.model_validate(wrong)


def test_a_strategys_rule_comes_before_a_persons_and_both_before_the_desks() -> None:
    own = [{"scope": "person", "subject": "1", "risk": "0.002"}, {"scope": "strategy", "subject": "trend", "risk": "0.003"}]
    rules = SizeRules(SizingSettings.model_validate({"scoped": own}), Decimal("0.005"), "USDT", lambda _: None)

    for strategy, person, risk in (("trend", 1, "0.003"), ("trend", 2, "0.003"), ("other", 1, "0.002")):
        assert rules.rule_for(strategy, person).risk == Decimal(risk)
    assert rules.rule_for("other", 2).risk is None
