"""The mission picture's geometry: nothing overlaps, nothing leaves the picture, every price stands where it belongs."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.charts.chart_model import ChartModel, LevelShape, chart_model
from services.charts.layout import HEIGHT, WIDTH, Tone
from services.charts.spec import CANDLES, FillMark, chart_of
from services.domain.market import Candle, CandleSeries
from services.domain.money import Fraction, Price
from services.domain.orders import OrderSide
from services.domain.signals import Side, Signal, Target
from services.domain.trades import TerminalMode

from .pictures import START, candles, instrument, mission, mission_labels


def levels(model: ChartModel) -> dict[str, LevelShape]:
    return {level.name.text: level for level in model.levels}


def overlaps(model: ChartModel) -> list[tuple[str, str]]:
    return [(a, b) for (a, one), (b, other) in combinations(mission_labels(model), 2) if one.meets(other)]


def outside(model: ChartModel) -> list[str]:
    return [
        words for words, box in mission_labels(model) if box.left < 0 or box.top < 0 or box.right > WIDTH or box.bottom > HEIGHT
    ]


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_labels_never_overlap_nor_leave_the_picture(data: st.DataObject) -> None:
    exponent = data.draw(st.integers(-6, 6), label="price exponent")
    decimals = data.draw(st.integers(max(0, 2 - exponent), max(0, 2 - exponent) + 3), label="decimals")
    level = data.draw(st.floats(1, 9.99)) * 10.0**exponent
    share = data.draw(st.sampled_from([0.0003, 0.004, 0.02, 0.3]), label="risk")
    symbol = data.draw(st.sampled_from(["BTC/USDT", "1000SHIB/USDT", "VERYLONGTOKENNAME/ANOTHERLONGONE"]))
    spec = mission(
        side=data.draw(st.sampled_from(Side)),
        shown=candles(
            data.draw(st.sampled_from([0, 1, 2, 11, 40, 72])),
            level=level * data.draw(st.sampled_from([1, 1.01, 3])),
            swing=data.draw(st.sampled_from([0, 0.0001, 0.01, 0.5])),
            minutes=data.draw(st.sampled_from([1, 60, 1440])),
        ),
        entry=level,
        risk=level * share,
        rewards=tuple(data.draw(st.lists(st.floats(0.1, 3.2), max_size=7), label="rewards")),
        now=data.draw(st.none() | st.just(level) | st.just(level * 1.03)),
        grid=instrument(symbol, str(Decimal(1).scaleb(-decimals))),
        timeframe=data.draw(st.sampled_from(["1m", "1h", "1d", "10s"])),
        mode=data.draw(st.sampled_from(TerminalMode)),
        zone=data.draw(st.sampled_from(["UTC", "Europe/Berlin", "Asia/Kathmandu"])),
    )

    model = chart_model(spec)

    assert overlaps(model) == []
    assert outside(model) == []
    assert all(0 <= candle.x <= model.lines_end for candle in model.candles)
    assert all(model.plot.top <= level.y <= model.plot.bottom for level in model.levels)


def test_the_picture_says_what_it_is_whose_money_and_when() -> None:
    model = chart_model(mission(side=Side.SHORT, mode=TerminalMode.LIVE, zone="Europe/Berlin"))

    assert model.header.title.text == "SHORT BTC/USDT · 1m"
    assert model.header.title.tone is Tone.BAD
    assert model.header.badge.label.text == "LIVE"
    assert model.header.badge.tone is Tone.BAD
    assert model.header.subtitle.text == "as of 11:12:07 CET, 21 Nov"
    assert "entry at 100.00, stop +1.0 % at 101.00" in model.description


def test_levels_carry_percent_reward_and_the_instruments_decimals() -> None:
    found = levels(
        chart_model(
            mission(
                entry=0.098,
                risk=0.001,
                now=0.0985,
                shown=candles(72, level=0.098),
                grid=instrument("ETH/BTC", "0.000001"),
            )
        )
    )

    assert {name: level.price.label.text for name, level in found.items()} == {
        "entry": "0.098000",
        "stop −1.0 %": "0.097000",
        "now": "0.098500",
        "TP1 1.5 R": "0.099500",
        "TP2 3.0 R": "0.101000",
    }
    assert [level.tone for level in found.values() if level.dashed] == [Tone.NOW]


@pytest.mark.parametrize("side", Side)
def test_prices_stand_in_the_order_of_their_value(side: Side) -> None:
    found = chart_model(mission(side=side)).levels
    prices = [float(level.price.label.text) for level in found]

    assert prices == sorted(prices, reverse=True)
    assert [level.y for level in found] == sorted(level.y for level in found)
    assert [level.name.y for level in found] == sorted(level.name.y for level in found)


def test_a_moved_stop_changes_its_line_but_not_the_targets_reward() -> None:
    moved = replace(mission(), stop=Price(Decimal("100.30")))

    assert {"stop +0.30 %", "TP1 1.5 R", "TP2 3.0 R"} <= levels(chart_model(moved)).keys()


def test_the_entry_band_is_shaded_between_its_ends() -> None:
    model = chart_model(mission(entry=100.0))

    assert model.band is not None
    assert model.band.top == pytest.approx(levels(model)["entry"].y)
    assert model.band.height > 2


def test_targets_far_away_wait_at_the_edge_and_leave_the_candles_their_height() -> None:
    model = chart_model(mission(risk=40.0, shown=candles(72, swing=0.01)))
    found = levels(model)

    assert found["TP2 3.0 R"].off == "above"
    assert found["stop −40.0 %"].off == "below"
    assert found["TP2 3.0 R"].y == model.plot.top
    height = max(candle.wick_bottom for candle in model.candles) - min(candle.wick_top for candle in model.candles)
    assert height > 0.5 * model.plot.height


def test_the_stop_is_in_the_picture_where_the_target_no_longer_is() -> None:
    model = chart_model(mission(risk=12.0, shown=candles(72, swing=0.01)))

    assert levels(model)["stop −12.0 %"].off is None
    assert levels(model)["TP2 3.0 R"].off == "above"


def test_a_spike_runs_out_of_the_plot_and_does_not_flatten_the_rest() -> None:
    calm = candles(72)
    wild = tuple(each._replace(high=each.high * 3, low=each.low / 5) if at == 30 else each for at, each in enumerate(calm))

    spiked, usual = chart_model(mission(shown=wild)), chart_model(mission(shown=calm))

    assert spiked.candles[30].wick_top == spiked.plot.top
    assert spiked.candles[30].wick_bottom == spiked.plot.bottom
    assert spiked.candles[10] == usual.candles[10]


def test_one_candle_stands_at_the_right_with_its_time() -> None:
    model = chart_model(mission(shown=candles(1)))

    (candle,) = model.candles
    assert model.lines_end - 40 < candle.x < model.lines_end
    assert [text.text for text in model.times] == ["09:00"]
    assert model.note is None


def test_without_candles_the_levels_remain_and_the_picture_says_so() -> None:
    model = chart_model(mission(shown=()))

    assert model.candles == ()
    assert model.note is not None
    assert model.note.text == "no candles yet"
    assert len(model.levels) == 5


def test_candles_that_are_no_numbers_are_left_out() -> None:
    shown = (*candles(20), Candle(START + timedelta(minutes=20), 100, float("nan"), 99, 100, 1))

    assert len(chart_model(mission(shown=shown)).candles) == 20


def test_fills_are_marked_at_their_candle_and_price() -> None:
    shown = candles(20)
    at = [
        shown[0].time - timedelta(minutes=1),
        shown[5].time + timedelta(seconds=59),
        shown[-1].time + timedelta(minutes=9),
    ]
    fills = tuple(FillMark(time=time, price=Price(Decimal(100)), side=OrderSide.SELL) for time in at)

    model = chart_model(mission(shown=shown, fills=fills))

    width = model.candles[1].x - model.candles[0].x
    assert [mark.x for mark in model.marks] == pytest.approx([model.candles[5].x, model.candles[-1].x + width])
    assert {mark.y for mark in model.marks} == {levels(model)["entry"].y}


def test_rising_and_falling_candles_keep_their_bodies_and_wicks() -> None:
    shown = (
        Candle(START, 100, 103, 99, 102, 1),
        Candle(START + timedelta(minutes=1), 102, 102.5, 98, 99, 1),
        Candle(START + timedelta(minutes=2), 99, 99, 99, 99, 1),
    )

    up, down, still = chart_model(mission(shown=shown)).candles

    assert (up.rising, down.rising, still.rising) == (True, False, True)
    assert up.wick_top < up.body.top < up.body.bottom < up.wick_bottom
    assert down.body.height > up.body.height
    assert still.body.height == 1.5


def test_a_spec_is_made_from_a_signal_and_the_newest_candles() -> None:
    signal = Signal(
        id="s",
        source="strategy:trend@1.0",
        symbol="BTC/USDT",
        timeframe="1m",
        side=Side.SHORT,
        entry_low=Price(Decimal(100)),
        entry_high=Price(Decimal(101)),
        stop=Price(Decimal(102)),
        targets=(Target(price=Price(Decimal(97)), share=Fraction(Decimal(1))),),
        score=70,
        score_parts={},
        created_at=START,
        expires_at=START,
        candle_time=None,
        reason="",
    )
    series = CandleSeries(instrument=instrument(), timeframe="1m", candles=candles(200))

    spec = chart_of(signal, series, mode=TerminalMode.TESTNET, as_of=START, stop=Price(Decimal(100)))

    assert spec.candles == candles(200)[-CANDLES:]
    assert 60 <= CANDLES <= 90
    assert (spec.entry, spec.stop, spec.risk) == (Decimal(100), Decimal(100), Decimal(2))
    assert levels(chart_model(spec)).keys() >= {"TP1 1.5 R"}
    assert hash(spec) == hash(chart_of(signal, series, mode=TerminalMode.TESTNET, as_of=START, stop=Price(Decimal(100))))
