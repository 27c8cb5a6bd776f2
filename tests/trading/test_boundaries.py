"""Amounts that come from people, strategies and files: what is no number, not finite, zero or negative goes no further."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from config.groups import PaperSettings
from config.limits import RiskSettings
from services.domain.buttons import Act
from services.domain.errors import Refused
from services.domain.money import Fraction, Price
from services.domain.signals import Side, Signal, Target, malformed, targets_of
from services.missions.call import CallTerms, parse_call
from services.missions.fire import Fired
from services.storage import desk, trades
from tests.trading.rig import Rig, desk_at
from tests.trading.taps import confirm_token, fire

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
NO_NUMBERS = ("NaN", "sNaN", "Infinity", "-Infinity", "inf", "nan", "-nan")


@pytest.mark.parametrize("price", [*NO_NUMBERS, "-63000", "0", "-0", "1e400", "1e12", "0x1F", "63k", "٦٣"])
def test_a_call_with_an_odd_price_is_refused(price: str) -> None:
    if price == "٦٣":
        # Digits of other scripts are numbers, and mean the same.
        assert parse_call(f"BTC long sl {price}").stop == 63
        return
    for text in (f"BTC long sl {price}", f"BTC long sl 63000 tp {price}"):
        with pytest.raises(Refused, match="CALL_SYNTAX"):
            parse_call(text)


@given(st.text(max_size=60))
@settings(max_examples=500, deadline=None)
def test_any_text_is_a_call_or_a_refusal(text: str) -> None:
    try:
        terms = parse_call(text)
    except Refused:
        return
    assert isinstance(terms, CallTerms)
    assert all(price.is_finite() and price > 0 for price in (terms.stop, *terms.targets))


@given(
    st.lists(
        st.sampled_from(["BTC", "long", "short", "sl", "tp", "1", "2", "-1", "NaN", "1e9", ",", ";", "sl:", "tp:"]), max_size=9
    )
)
@settings(max_examples=500, deadline=None)
def test_any_words_of_a_call_are_a_call_or_a_refusal(words: list[str]) -> None:
    try:
        terms = parse_call(" ".join(words))
    except Refused:
        return
    assert len(terms.targets) <= 4


@pytest.mark.parametrize(
    "where", [*NO_NUMBERS, "", "-1", "0", "1e400", "r:", "r:NaN", "r:Infinity", "r:-1e9", "be2", "63000 64000"]
)
async def test_a_stop_is_not_moved_to_what_is_no_price(tmp_path: Path, where: str) -> None:
    async with desk_at(tmp_path) as rig:
        fired = await fire(rig)
        assert isinstance(fired, Fired)
        await rig.settle()
        before = await rig.read(lambda unit: trades.find(unit, fired.trade_id)), await rig.read(desk.count_journal)
        with pytest.raises(Refused):
            await rig.trading.move_stop(rig.actor(), fired.trade_id, where)

        after = await rig.read(lambda unit: trades.find(unit, fired.trade_id)), await rig.read(desk.count_journal)
        assert after == before


def signal(**values: Any) -> Signal:
    plain = Signal(
        id="s",
        source="strategy:test@1",
        symbol="BTC/USDT",
        timeframe="1m",
        side=Side.LONG,
        entry_low=Price(Decimal(64_000)),
        entry_high=Price(Decimal(64_100)),
        stop=Price(Decimal(63_000)),
        targets=targets_of([Price(Decimal(66_000))]),
        score=70,
        score_parts={"setup": 70},
        created_at=NOW,
        expires_at=NOW + timedelta(minutes=5),
        candle_time=NOW,
        reason="test",
    )
    return replace(plain, **values)


@pytest.mark.parametrize("text", [*NO_NUMBERS, "0", "-1"])
@pytest.mark.parametrize("field", ["entry_low", "entry_high", "stop", "target"])
def test_a_signal_with_an_odd_price_is_malformed(field: str, text: str) -> None:
    price = Price(Decimal(text))
    odd = signal(targets=targets_of([price])) if field == "target" else signal(**{field: price})

    assert malformed(signal()) is None
    assert malformed(odd) == "prices must be positive"


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ({"entry_low": Price(Decimal(64_200))}, "upside down"),
        ({"stop": Price(Decimal(64_000))}, "stop is on the wrong side"),
        ({"side": Side.SHORT}, "stop is on the wrong side"),
        ({"targets": targets_of([Price(Decimal(64_100))])}, "target is on the wrong side"),
        ({"targets": (Target(price=Price(Decimal(66_000)), share=Fraction(Decimal("0.5"))),)}, "do not add up"),
    ],
)
def test_a_signal_whose_prices_do_not_fit_together_is_malformed(values: dict[str, Any], problem: str) -> None:
    found = malformed(signal(**values))

    assert found is not None
    assert problem in found


@given(st.integers(1, 12))
def test_targets_share_out_all_of_a_position(count: int) -> None:
    shares = [target.share for target in targets_of([Price(Decimal(65_000 + n)) for n in range(count)])]

    assert sum(shares, Decimal(0)) == 1
    assert all(share > 0 for share in shares)


@pytest.mark.parametrize("value", [*NO_NUMBERS, "-0.01", "0", "1.01"])
@pytest.mark.parametrize("limit", ["per_trade", "default_per_trade", "daily_loss", "collar_share"])
def test_a_share_in_the_settings_lies_between_nothing_and_all(limit: str, value: str) -> None:
    with pytest.raises(ValidationError):
        RiskSettings(**{limit: value})


@pytest.mark.parametrize("value", [*NO_NUMBERS, "-1"])
@pytest.mark.parametrize("setting", ["start_balance", "taker_bps", "maker_bps", "slippage_bps", "borrow_bps_per_day"])
def test_a_cost_in_the_settings_is_a_number_of_nothing_or_more(setting: str, value: str) -> None:
    with pytest.raises(ValidationError):
        PaperSettings(**{setting: value})


async def test_the_share_of_a_close_is_what_its_button_says(tmp_path: Path) -> None:
    """A share is bound in the token by the desk; half of half the position is refused when it is too small to sell."""
    async with desk_at(tmp_path) as rig:
        trade_id = await _small_trade(rig)
        asked = await rig.trading.ask_close(rig.actor(), trade_id, Decimal("0.5"))
        assert asked.token is not None
        with pytest.raises(Refused, match="PART_TOO_SMALL"):
            await rig.trading.close(rig.actor(), asked.token.id, Act.CLOSE)
        assert (await rig.read(lambda unit: trades.find(unit, trade_id))).state.value == "open"


async def _small_trade(rig: Rig) -> str:
    """Have a trade worth less than twice the least that can be sold."""
    token = await confirm_token(rig)
    rig.quote("63999.99", "64000.01", size="0.00001")
    fired = await rig.trading.fire(rig.actor(), token)
    assert isinstance(fired, Fired)
    await rig.settle()
    return fired.trade_id
