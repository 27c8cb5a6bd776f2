"""Several calls on one candle: one side, one mission, and a reason for every call that is not offered."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.domain.money import Price
from services.domain.signals import DropCode, Side, Signal
from services.signals.consensus import settle

NOW = datetime(2026, 11, 20, tzinfo=UTC)
LONG, SHORT = Side.LONG, Side.SHORT


def said(strategy: str, side: Side, score: int) -> Signal:
    return Signal(
        id=strategy,
        source=f"strategy:{strategy}@1.0",
        symbol="BTC/USDT",
        timeframe="1h",
        side=side,
        entry_low=Price(Decimal(99)),
        entry_high=Price(Decimal(101)),
        stop=Price(Decimal(90 if side is LONG else 110)),
        targets=(),
        score=score,
        score_parts={"setup": score},
        created_at=NOW,
        expires_at=NOW,
        candle_time=NOW,
        reason="test",
    )


def ruling(*signals: Signal) -> tuple[str | None, list[str], dict[str, tuple[DropCode, str | None]]]:
    settled = settle(signals, 15)
    offered = settled.offered.id if settled.offered else None
    return offered, [each.id for each in settled.agreeing], {each.id: (drop.code, drop.note) for each, drop in settled.dropped}


def test_one_call_alone_is_offered() -> None:
    assert ruling(said("trend", LONG, 60)) == ("trend", [], {})
    assert ruling() == (None, [], {})


def test_of_one_side_the_best_is_offered_and_the_others_stand_beside_it() -> None:
    offered, agreeing, dropped = ruling(said("trend", LONG, 60), said("breakout", LONG, 72), said("momentum", LONG, 51))

    assert (offered, agreeing) == ("breakout", ["trend", "momentum"])
    assert dropped["trend"] == dropped["momentum"] == (DropCode.DUPLICATE, "breakout 72 calls the same")


@pytest.mark.parametrize(
    ("short", "offered"), [(57, None), (56, None), (55, "trend")], ids=["near", "a point short", "at the margin"]
)
def test_both_sides_cancel_each_other_unless_one_is_ahead_by_the_margin(short: int, offered: str | None) -> None:
    found, _, dropped = ruling(said("trend", LONG, 70), said("breakout", SHORT, short))

    assert found == offered
    assert dropped["breakout"][0] is DropCode.CONFLICT
    assert ("trend" in dropped) == (offered is None)
    assert "trend 70 long" in str(dropped["breakout"][1])


def test_those_who_agree_do_not_outvote_a_better_call_of_the_other_side() -> None:
    crowd = [said(name, LONG, 60) for name in ("a", "b", "c", "d")]

    assert ruling(*crowd, said("e", SHORT, 75))[0] == "e"
    assert ruling(*crowd, said("e", SHORT, 74))[0] is None


@given(st.lists(st.tuples(st.sampled_from(Side), st.integers(0, 100)), max_size=6))
def test_each_call_has_one_end_whatever_the_order(calls: list[tuple[Side, int]]) -> None:
    signals = [said(f"s{number}", side, score) for number, (side, score) in enumerate(calls)]
    offered, agreeing, dropped = ruling(*signals)
    turned = ruling(*signals[::-1])

    assert turned == (offered, agreeing, dropped)
    assert len(dropped) + (offered is not None) == len(signals)
    assert set(agreeing) <= dropped.keys()
    if offered is not None:
        best = next(each for each in signals if each.id == offered)
        against = [each.score for each in signals if each.side is not best.side]
        assert best.score == max(each.score for each in signals)
        assert not against or best.score - max(against) >= 15
