"""The gate: every check denies and passes, worse inputs never pass where better ones fail, missing and broken ones deny."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.limits import RiskSettings
from services.domain.breakers import BreakerKind
from services.domain.entries import EntryKind
from services.domain.grades import FireMode
from services.domain.inputs import InputName
from services.domain.limits import RULES, Limit
from services.domain.live_facts import LiveStanding
from services.domain.money import on_grid
from services.domain.sessions import ALL_HOURS
from services.domain.signals import Side
from services.domain.states import HaltState, MissionState
from services.domain.trades import TerminalMode
from services.domain.verdicts import CheckCode
from services.risk.context import GateContext
from services.risk.gate import decide
from services.risk.sizing import touch_price
from services.risk.surroundings import Usual, Week
from tests.risk.cases import (
    ALL_ON,
    AT_PAPER,
    BTC,
    FINE,
    HALTED,
    NOW,
    all_on,
    amounts,
    breaker,
    check_of,
    contexts,
    passing,
    quote,
    with_alike,
    with_beside,
    with_discipline,
    with_input,
    with_ledger,
    with_market,
    with_plan,
    with_quote,
    with_wide,
)

Change = Callable[[GateContext], GateContext]
C = CheckCode
GROUND = "live at mine, api.binance.com, key 0a1b2c3d"
quick = settings(max_examples=80, deadline=None)

DENYING: dict[CheckCode, Change] = {
    C.HALT: lambda c: with_ledger(c, halts=(HALTED,)),
    C.RECONCILED: lambda c: with_ledger(c, reconciled_at=None),
    C.LIVE_DECISION: lambda c: with_ledger(c, real=LiveStanding(ground=GROUND, decided=None)),
    C.IN_DOUBT: lambda c: with_ledger(c, doubtful=1),
    C.DEADLINE: lambda c: with_plan(c, deadline=NOW),
    C.SESSION: lambda c: with_market(c, session=replace(ALL_HOURS, changes_at=NOW)),
    C.DATA_AGE: lambda c: with_quote(c, feed_time=NOW - timedelta(seconds=5, microseconds=1)),
    C.EQUITY_AGE: lambda c: with_market(c, equity_at=NOW - timedelta(seconds=90, microseconds=1)),
    C.UNIVERSE: lambda c: with_market(c, instrument=None),
    C.TERMINAL_SIDE: lambda c: with_ledger(c, can_long=False, can_short=False),
    C.GRADE: lambda c: with_ledger(c, rank=replace(AT_PAPER, terminal="ann-binance", mode=TerminalMode.TESTNET)),
    C.MODE: lambda c: with_ledger(c, rank=replace(AT_PAPER, fires=FireMode.ALERT)),
    C.STOP_SIDE: lambda c: with_plan(c, stop=Decimal(64_000) + 100 * c.plan.side.sign),
    C.SPREAD: lambda c: with_market(c, quote=quote(Decimal("63951.99"), Decimal("64048.01"))),
    C.PRICE_COLLAR: lambda c: with_plan(c, worst_price=Decimal(64_000) - Decimal("0.01") * c.plan.side.sign),
    C.GRID: lambda c: with_plan(c, quantity=Decimal("0.020005")),
    C.MIN_SIZE: lambda c: with_plan(c, quantity=Decimal("0.00007")),
    C.MAX_SIZE: lambda c: with_market(c, instrument=replace(BTC, max_quantity=c.plan.quantity - BTC.step)),
    C.RISK_PER_TRADE: lambda c: with_plan(c, quantity=Decimal("0.1")),
    C.NOTIONAL: lambda c: with_market(c, equity=Decimal(1_000)),
    C.FREE_FUNDS: lambda c: with_market(c, free=Decimal(1_000)),
    C.CASH_RESERVE: lambda c: with_market(all_on(c), free=Decimal(3_000)),
    C.MARGIN: lambda c: with_beside(all_on(c), open_risk=Decimal(8_000)),
    C.LEVERAGE: lambda c: with_beside(c, account_value=Decimal(14_000)),
    C.INSTRUMENT_SHARE: lambda c: with_beside(all_on(c), instrument_value=Decimal(2_000)),
    C.TIER_SHARE: lambda c: with_beside(all_on(c), tier_value=Decimal(3_000)),
    C.GROUP_SHARE: lambda c: with_alike(all_on(c), value=Decimal(3_500)),
    C.GROSS_EXPOSURE: lambda c: with_wide(all_on(c), gross=Decimal(4_000)),
    C.NET_EXPOSURE: lambda c: with_wide(all_on(c), net=Decimal(3_000) * c.plan.side.sign),
    C.UNUSUAL_SIZE: lambda c: with_beside(all_on(c), usual=Usual(value=Decimal(400), samples=10)),
    C.OPEN_POSITIONS: lambda c: with_ledger(c, live_trades=4),
    C.WEEKEND: lambda c: with_ledger(all_on(c), live_trades=2),
    C.DESK_POSITIONS: lambda c: with_wide(all_on(c), positions=6),
    C.PERSON_POSITIONS: lambda c: with_wide(all_on(c), of_person=3),
    C.STRATEGY_POSITIONS: lambda c: with_wide(all_on(c), of_strategy=4),
    C.INSTRUMENT_POSITIONS: lambda c: with_wide(all_on(c), on_instrument=2),
    C.MESSAGE_RATE: lambda c: with_beside(c, writes=120),
    C.TRADES_PER_HOUR: lambda c: with_beside(all_on(c), hour=tuple(NOW - timedelta(minutes=m) for m in (50, 40, 9, 5, 1))),
    C.INSTRUMENT_COOLDOWN: lambda c: with_beside(all_on(c), last_close=NOW - timedelta(minutes=29)),
    C.MIN_SCORE: lambda c: with_beside(all_on(c), score=49),
    C.NEWS: lambda c: with_input(c, InputName.NEWS, replace(FINE, passed=False)),
    C.VITALITY: lambda c: with_input(c, InputName.VITALITY, replace(FINE, passed=False)),
    C.CALIBRATION: lambda c: with_input(c, InputName.CALIBRATION, replace(FINE, passed=False)),
    C.OPPOSITE: lambda c: with_beside(c, opposite=1),
    C.DUPLICATE: lambda c: with_ledger(c, same_instrument=True),
    C.WEEKLY_LOSS: lambda c: with_beside(all_on(c), week=Week(profit=Decimal(-800), equity=Decimal(10_000))),
    C.DAILY_LOSS: lambda c: with_ledger(c, day_profit=Decimal(-500)),
    C.BREAKER_PERSON: lambda c: with_ledger(c, breakers=(breaker(BreakerKind.LOSING_STREAK),)),
    C.BREAKER_TERMINAL: lambda c: with_ledger(c, breakers=(breaker(BreakerKind.DRAWDOWN, closes_at=None),)),
    C.BREAKER_INSTRUMENT: lambda c: with_ledger(c, breakers=(breaker(BreakerKind.STALE_DATA, closes_at=None),)),
    C.COOLDOWN: lambda c: with_discipline(c, cooldown_until=NOW + timedelta(seconds=1)),
    C.TILT: lambda c: with_discipline(c, tilt_until=NOW + timedelta(seconds=1)),
    C.SHOTS: lambda c: with_discipline(c, shots=50),
    C.MEDIC_POSITIONS: lambda c: with_discipline(c, day_result=Decimal("-0.03"), own_live=1),
    C.MEDIC_RISK: lambda c: with_discipline(c, day_result=Decimal("-0.03"), medic_risk=Decimal("0.001")),
}


@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize("context", [passing, lambda side: all_on(passing(side))], ids=["usual", "all on"])
def test_every_check_is_asked_in_its_order_and_passes(context: Callable[[Side], GateContext], side: Side) -> None:
    verdict = decide(context(side))

    assert [check.code for check in verdict.checks] == list(CheckCode)
    assert verdict.allowed
    assert verdict.denials == ()


@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize("code", CheckCode)
def test_every_check_denies_and_says_value_and_limit(code: CheckCode, side: Side) -> None:
    verdict = decide(DENYING[code](passing(side)))

    assert not verdict.allowed
    denied = next(check for check in verdict.denials if check.code is code)
    assert denied.limit
    assert denied.value is not None


@pytest.mark.parametrize("code", [c for c in CheckCode if c not in (C.UNIVERSE, C.NOTIONAL, C.STOP_SIDE, C.SPREAD)])
def test_a_single_fault_is_denied_by_its_own_check_alone(code: CheckCode) -> None:
    assert [check.code for check in decide(DENYING[code](passing())).denials] == [code]


@given(
    st.sets(
        st.sampled_from([C.HALT, C.IN_DOUBT, C.DEADLINE, C.EQUITY_AGE, C.FREE_FUNDS, C.DUPLICATE, C.DAILY_LOSS]), min_size=1
    )
)
@quick
def test_the_first_denial_decides_and_all_others_are_reported(codes: set[CheckCode]) -> None:
    context = passing()
    for code in codes:
        context = DENYING[code](context)

    assert [check.code for check in decide(context).denials] == [code for code in CheckCode if code in codes]


@pytest.mark.parametrize(
    ("code", "at_limit", "beyond"),
    [
        (
            C.DEADLINE,
            lambda c: with_plan(c, deadline=NOW + timedelta(seconds=1)),
            lambda c: with_plan(c, deadline=NOW - timedelta(seconds=1)),
        ),
        (
            C.DATA_AGE,
            lambda c: with_quote(c, received_at=NOW - timedelta(seconds=5)),
            lambda c: with_quote(c, received_at=NOW - timedelta(seconds=5, microseconds=1)),
        ),
        (
            C.DATA_AGE,
            lambda c: with_quote(c, feed_time=NOW + timedelta(seconds=1)),
            lambda c: with_quote(
                c, feed_time=NOW + timedelta(seconds=1, microseconds=1), received_at=NOW + timedelta(seconds=2)
            ),
        ),
        (
            C.EQUITY_AGE,
            lambda c: with_market(c, equity_at=NOW - timedelta(seconds=90)),
            lambda c: with_market(c, equity_at=NOW - timedelta(seconds=90, microseconds=1)),
        ),
        (
            C.SPREAD,
            lambda c: with_market(c, quote=quote(Decimal(63_952), Decimal(64_048))),
            lambda c: with_market(c, quote=quote(Decimal(63_952), Decimal("64048.01"))),
        ),
        (
            C.PRICE_COLLAR,
            lambda c: with_plan(c, worst_price=Decimal("64000.01")),
            lambda c: with_plan(c, worst_price=Decimal(64_000)),
        ),
        (C.OPEN_POSITIONS, lambda c: with_ledger(c, live_trades=3), lambda c: with_ledger(c, live_trades=4)),
        (
            C.DAILY_LOSS,
            lambda c: with_ledger(c, day_profit=Decimal("-499.99")),
            lambda c: with_ledger(c, day_profit=Decimal(-500)),
        ),
        (C.COOLDOWN, lambda c: with_discipline(c, cooldown_until=NOW), DENYING[C.COOLDOWN]),
        (C.TILT, lambda c: with_discipline(c, tilt_until=NOW), DENYING[C.TILT]),
        (C.SHOTS, lambda c: with_discipline(c, shots=49), DENYING[C.SHOTS]),
        (
            C.MEDIC_POSITIONS,
            lambda c: with_discipline(c, day_result=Decimal("-0.0299"), own_live=1),
            DENYING[C.MEDIC_POSITIONS],
        ),
        (
            C.FREE_FUNDS,
            lambda c: with_market(c, free=Decimal("1281.4802")),
            lambda c: with_market(c, free=Decimal("1281.4801")),
        ),
        (
            C.LEVERAGE,
            lambda c: with_beside(c, account_value=Decimal("13719.8")),
            lambda c: with_beside(c, account_value=Decimal("13719.81")),
        ),
        (
            C.NET_EXPOSURE,
            lambda c: with_wide(all_on(c), net=Decimal("-5280.2")),
            lambda c: with_wide(all_on(c), net=Decimal("-5280.21")),
        ),
        (
            C.CASH_RESERVE,
            lambda c: with_market(all_on(c), free=Decimal("3281.4802")),
            lambda c: with_market(all_on(c), free=Decimal("3281.4801")),
        ),
        (
            C.TRADES_PER_HOUR,
            lambda c: with_beside(all_on(c), hour=(NOW - timedelta(hours=1),) * 9),
            lambda c: with_beside(all_on(c), hour=(NOW - timedelta(minutes=59),) * 5),
        ),
        (
            C.INSTRUMENT_COOLDOWN,
            lambda c: with_beside(all_on(c), last_close=NOW - timedelta(minutes=30)),
            lambda c: with_beside(all_on(c), last_close=NOW - timedelta(minutes=30) + timedelta(microseconds=1)),
        ),
        (C.NOTIONAL, lambda c: with_market(c, equity=Decimal("1280.2")), lambda c: with_market(c, equity=Decimal("1280.19"))),
        (C.MAX_SIZE, lambda c: with_plan(c, quantity=Decimal(9_000)), lambda c: with_plan(c, quantity=Decimal("9000.00001"))),
        (C.MIN_SIZE, lambda c: with_plan(c, quantity=Decimal("0.00008")), lambda c: with_plan(c, quantity=Decimal("0.00007"))),
    ],
)
def test_a_limit_is_exact(code: CheckCode, at_limit: Change, beyond: Change) -> None:
    assert check_of(at_limit(passing()), code).passed
    assert not check_of(beyond(passing()), code).passed


def _wider(c: GateContext, by: Decimal) -> GateContext:
    assert c.market.quote is not None
    return with_quote(c, bid=c.market.quote.bid - by, ask=c.market.quote.ask + by)


def _further(c: GateContext, by: Decimal) -> GateContext:
    """Move the whole market against the entry."""
    assert c.market.quote is not None
    return with_quote(c, bid=c.market.quote.bid + by * c.plan.side.sign, ask=c.market.quote.ask + by * c.plan.side.sign)


def _older(moment: Any, by: Decimal) -> Any:
    return moment - timedelta(seconds=float(by))


def _wide(c: GateContext) -> Any:
    return c.ledger.beside.wide


# What makes an input worse by an amount, for the check that measures it, and whether it is worse for every other check too.
WORSE: list[tuple[CheckCode, Callable[[GateContext, Decimal], GateContext], bool]] = [
    (C.SPREAD, _wider, True),
    (C.DATA_AGE, lambda c, by: with_quote(c, feed_time=_older(c.market.quote and c.market.quote.feed_time, by)), True),
    (C.DATA_AGE, lambda c, by: with_quote(c, received_at=_older(c.market.quote and c.market.quote.received_at, by)), True),
    (C.EQUITY_AGE, lambda c, by: with_market(c, equity_at=_older(c.market.equity_at, by)), True),
    (C.DEADLINE, lambda c, by: with_plan(c, deadline=_older(c.plan.deadline, by)), True),
    (C.RISK_PER_TRADE, lambda c, by: with_plan(c, quantity=c.plan.quantity + by), False),
    (
        C.RISK_PER_TRADE,
        lambda c, by: with_plan(c, costs=replace(c.plan.costs, slippage=c.plan.costs.slippage + by / 10_000)),
        True,
    ),
    (C.RISK_PER_TRADE, lambda c, by: with_market(c, equity=max(Decimal(0), (c.market.equity or Decimal(0)) - by * 100)), True),
    (C.NOTIONAL, lambda c, by: with_plan(c, quantity=c.plan.quantity + by), False),
    (C.NOTIONAL, lambda c, by: with_market(c, equity=max(Decimal(0), (c.market.equity or Decimal(0)) - by * 100)), True),
    (C.FREE_FUNDS, lambda c, by: with_market(c, free=(c.market.free or Decimal(0)) - by * 100), True),
    (C.FREE_FUNDS, lambda c, by: with_plan(c, quantity=c.plan.quantity + by), False),
    (C.OPEN_POSITIONS, lambda c, by: with_ledger(c, live_trades=c.ledger.live_trades + int(by)), True),
    (C.IN_DOUBT, lambda c, by: with_ledger(c, doubtful=c.ledger.doubtful + int(by)), True),
    (C.DAILY_LOSS, lambda c, by: with_ledger(c, day_profit=(c.ledger.day_profit or Decimal(0)) - by * 10), True),
    (C.PRICE_COLLAR, _further, False),
    (C.SHOTS, lambda c, by: with_discipline(c, shots=c.ledger.discipline.shots + int(by)), True),
    (C.MEDIC_POSITIONS, lambda c, by: with_discipline(c, own_live=c.ledger.discipline.own_live + int(by)), True),
    (C.MEDIC_RISK, lambda c, by: with_discipline(c, day_result=(c.ledger.discipline.day_result or 0) - by / 1000), True),
    (C.LEVERAGE, lambda c, by: with_beside(c, account_value=c.ledger.beside.account_value + by * 100), True),
    (C.LEVERAGE, lambda c, by: with_plan(c, quantity=c.plan.quantity + by), False),
    (C.INSTRUMENT_SHARE, lambda c, by: with_beside(c, instrument_value=c.ledger.beside.instrument_value + by * 100), True),
    (C.GROUP_SHARE, lambda c, by: with_alike(c, value=(c.ledger.beside.alike.value or 0) + by * 100), True),
    (C.GROUP_SHARE, lambda c, by: with_alike(c, as_of=NOW - timedelta(seconds=float(by) * 60)), False),
    (C.GROSS_EXPOSURE, lambda c, by: with_wide(c, gross=_wide(c).gross + by * 100), True),
    (C.GROSS_EXPOSURE, lambda c, by: with_wide(c, equity=_wide(c).equity - by * 300), True),
    (C.NET_EXPOSURE, lambda c, by: with_wide(c, net=(5_000 + by * 100) * c.plan.side.sign), False),
    (C.CASH_RESERVE, lambda c, by: with_market(c, free=(c.market.free or Decimal(0)) - by * 100), True),
    (C.MARGIN, lambda c, by: with_beside(c, open_risk=(c.ledger.beside.open_risk or 0) + by * 200), True),
    (C.TIER_SHARE, lambda c, by: with_beside(c, tier_value=(c.ledger.beside.tier_value or 0) + by * 100), True),
    (C.WEEKEND, lambda c, by: with_ledger(c, live_trades=c.ledger.live_trades + int(by)), True),
    (C.UNUSUAL_SIZE, lambda c, by: with_plan(c, quantity=c.plan.quantity + by), False),
    (C.DESK_POSITIONS, lambda c, by: with_wide(c, positions=_wide(c).positions + int(by)), True),
    (C.PERSON_POSITIONS, lambda c, by: with_wide(c, of_person=_wide(c).of_person + int(by)), True),
    (C.STRATEGY_POSITIONS, lambda c, by: with_wide(c, of_strategy=_wide(c).of_strategy + int(by)), True),
    (C.INSTRUMENT_POSITIONS, lambda c, by: with_wide(c, on_instrument=_wide(c).on_instrument + int(by)), True),
    (C.MESSAGE_RATE, lambda c, by: with_beside(c, writes=110 + int(by)), False),
    (C.TRADES_PER_HOUR, lambda c, by: with_beside(c, hour=(*(c.ledger.beside.hour or ()), *(NOW,) * int(by))), True),
    (C.INSTRUMENT_COOLDOWN, lambda c, by: with_beside(c, last_close=NOW - timedelta(seconds=60 * (30 - float(by)))), False),
    (C.MIN_SCORE, lambda c, by: with_beside(c, score=c.ledger.beside.score - int(by)), True),
    (C.OPPOSITE, lambda c, by: with_beside(c, opposite=c.ledger.beside.opposite + int(by)), True),
    (C.WEEKLY_LOSS, lambda c, by: with_beside(c, week=Week(profit=-by * 50, equity=Decimal(10_000))), False),
    (C.HALT, lambda c, by: with_ledger(c, halts=(*c.ledger.halts, HALTED)), True),
    (C.MIN_SIZE, lambda c, by: with_plan(c, quantity=c.plan.quantity - by / 1000), False),
    (C.MAX_SIZE, lambda c, by: with_plan(c, quantity=c.plan.quantity + 8_990 + by), False),
    (C.INSTRUMENT_SHARE, lambda c, by: with_plan(c, quantity=c.plan.quantity + by), False),
    (C.COOLDOWN, lambda c, by: with_discipline(c, cooldown_until=NOW + timedelta(seconds=float(by))), False),
    (C.TILT, lambda c, by: with_discipline(c, tilt_until=NOW + timedelta(seconds=float(by))), False),
]


@pytest.mark.parametrize(("code", "worse", "for_all"), WORSE, ids=[f"{n}-{code}" for n, (code, _, _) in enumerate(WORSE)])
@given(context=contexts(), by=amounts("0", "30", 2))
@quick
def test_a_worse_input_never_passes_where_a_better_one_fails(
    code: CheckCode, worse: Callable[[GateContext, Decimal], GateContext], for_all: bool, context: GateContext, by: Decimal
) -> None:
    context = all_on(context)
    worsened = worse(context, by)

    assert check_of(context, code).passed or not check_of(worsened, code).passed
    if for_all:
        assert decide(context).allowed or not decide(worsened).allowed


# What is one thing or another, without a better and a worse; and the stop, whose distance is tried below.
WITHOUT_DEGREES = {
    C.RECONCILED,
    C.LIVE_DECISION,
    C.SESSION,
    C.UNIVERSE,
    C.TERMINAL_SIDE,
    C.GRADE,
    C.MODE,
    C.STOP_SIDE,
    C.GRID,
    C.NEWS,
    C.VITALITY,
    C.CALIBRATION,
    C.DUPLICATE,
    C.BREAKER_PERSON,
    C.BREAKER_TERMINAL,
    C.BREAKER_INSTRUMENT,
}


def test_every_check_with_degrees_is_tried_with_a_worse_input() -> None:
    tried = {code for code, _, _ in WORSE}

    assert tried | WITHOUT_DEGREES == set(CheckCode)
    assert not tried & WITHOUT_DEGREES


@given(context=contexts(), scale=amounts("0.1", "1", 2))
@quick
def test_a_nearer_market_never_passes_the_stop_where_a_farther_one_fails(context: GateContext, scale: Decimal) -> None:
    """The nearer the market is to the stop, or the stop to the market, the worse."""
    side, stop = context.plan.side, context.plan.stop
    assert context.market.quote is not None
    near = context.market.quote.bid if side is Side.LONG else context.market.quote.ask
    moved = near - abs(near - stop) * scale * side.sign
    worsened = with_quote(context, **({"bid": moved} if side is Side.LONG else {"ask": moved}))

    assert check_of(context, C.STOP_SIDE).passed or not check_of(worsened, C.STOP_SIDE).passed


@pytest.mark.parametrize(("bid", "ask"), [("64000.01", "63999.99"), ("64000", "64000"), ("0", "64000"), ("0", "0")])
def test_a_crossed_or_empty_quote_denies(bid: str, ask: str) -> None:
    assert not decide(with_market(passing(), quote=quote(Decimal(bid), Decimal(ask)))).allowed


@pytest.mark.parametrize("state", [HaltState.REDUCING, HaltState.HALTED])
def test_reducing_stops_an_entry_as_halted_does(state: HaltState) -> None:
    assert not decide(with_ledger(passing(), halts=(replace(HALTED, state=state),))).allowed


@pytest.mark.parametrize("state", [each for each in MissionState if each is not MissionState.OPEN])
def test_a_mission_that_is_over_denies(state: MissionState) -> None:
    assert [c.code for c in decide(with_ledger(passing(), mission_state=state)).denials] == [C.DEADLINE]


@pytest.mark.parametrize(
    ("code", "minutes"), [(C.TRADES_PER_HOUR, 10), (C.INSTRUMENT_COOLDOWN, 1)], ids=["entries", "cooldown"]
)
def test_a_pause_says_when_it_ends_and_then_it_has(code: CheckCode, minutes: int) -> None:
    context = DENYING[code](passing())
    frees_at = check_of(context, code).frees_at

    assert frees_at == NOW + timedelta(minutes=minutes)
    assert check_of(replace(context, now=frees_at), code).passed


def test_a_rule_that_is_off_says_so_and_a_median_of_few_is_no_data() -> None:
    off = [check.code for check in decide(passing()).checks if check.value == "not configured"]
    few = check_of(with_beside(all_on(passing()), usual=Usual(value=None, samples=9)), C.UNUSUAL_SIZE)

    assert off == [rule.code for limit, rule in RULES.items() if limit in ALL_ON]
    assert (few.passed, few.value) == (True, "no data")


@pytest.mark.parametrize("name", InputName)
def test_an_input_without_data_denies_where_it_is_required_and_is_shown_where_not(name: InputName) -> None:
    code, old = CheckCode[name.name], replace(FINE, until=NOW)

    for answer in (None, old):
        missed = check_of(with_input(passing(), name, answer), code)
        assert (missed.passed, missed.value) == (False, None)
    nothing = check_of(with_input(passing(), name, None, required=False), code)
    stale = check_of(with_input(passing(), name, old, required=False), code)
    against = check_of(with_input(passing(), name, replace(FINE, passed=False), required=False), code)
    unasked = check_of(replace(passing(), inputs={}), code)

    assert (nothing.passed, nothing.value) == (unasked.passed, unasked.value) == (True, "not configured")
    assert (stale.passed, stale.value) == (True, "no data")
    assert not against.passed


DECIDED = LiveStanding(ground=GROUND, decided=GROUND)


@pytest.mark.parametrize(
    ("mode", "real", "passes"),
    [
        (TerminalMode.PAPER, None, True),
        (TerminalMode.TESTNET, None, True),
        (TerminalMode.LIVE, None, False),
        (TerminalMode.LIVE, DECIDED, True),
        (TerminalMode.LIVE, replace(DECIDED, decided=None), False),
        (TerminalMode.LIVE, replace(DECIDED, decided=GROUND.replace("api.", "api1.")), False),
        (TerminalMode.LIVE, replace(DECIDED, decided=GROUND.replace("0a1b", "0a1c")), False),
        (TerminalMode.LIVE, replace(DECIDED, ground=None), False),
        (TerminalMode.LIVE, LiveStanding(ground=None, decided=None), False),
        # The facts say real money whatever the terminal's row says.
        (TerminalMode.TESTNET, replace(DECIDED, decided=None), False),
    ],
    ids=["paper", "testnet", "not-read", "decided", "not-decided", "other-host", "other-key", "no-facts", "nothing", "row"],
)
def test_real_money_takes_an_entry_only_where_commanders_decided_so(
    mode: TerminalMode, real: LiveStanding | None, passes: bool
) -> None:
    context = with_ledger(passing(), rank=replace(AT_PAPER, terminals=(), mode=mode), real=real)

    assert decide(context).allowed is passes
    assert check_of(context, C.LIVE_DECISION).passed is passes


def test_a_daily_loss_says_when_it_ends() -> None:
    context = DENYING[C.DAILY_LOSS](passing())

    assert check_of(context, C.DAILY_LOSS).frees_at == context.ledger.day_ends_at


def _keeps_every_limit(c: GateContext) -> bool:
    """Say by the rules themselves, written down once more, whether an order may go out."""
    quoted, equity, plan, limits = c.market.quote, c.market.equity or Decimal(0), c.plan, RiskSettings()
    assert quoted is not None
    assert c.market.instrument is not None
    bought = plan.side is Side.LONG
    per_unit = (
        abs(plan.worst_price - plan.stop) + plan.costs.fee * (plan.worst_price + plan.stop) + plan.costs.slippage * plan.stop
    )
    beside, wide, bounds = c.ledger.beside, _wide(c), {key: Decimal(value) for key, value in ALL_ON.items()}
    value, equity_of_desk = plan.quantity * plan.worst_price, wide.equity
    assert beside.usual and beside.usual.value and beside.week and beside.week.profit is not None and beside.week.equity
    assert beside.last_close and beside.hour is not None
    return all(
        (
            beside.account_value + value <= limits.leverage * equity,
            beside.instrument_value + value <= bounds[Limit.INSTRUMENT_SHARE] * equity,
            wide.gross + value <= bounds[Limit.GROSS_EXPOSURE] * equity_of_desk,
            abs(wide.net + (value if bought else -value)) <= bounds[Limit.NET_EXPOSURE] * equity_of_desk,
            (c.market.free or 0) - value * (1 + plan.costs.fee) >= bounds[Limit.CASH_RESERVE] * equity,
            value <= bounds[Limit.USUAL_MULTIPLE] * beside.usual.value,
            wide.positions < bounds[Limit.DESK_POSITIONS] and wide.on_instrument < bounds[Limit.INSTRUMENT_POSITIONS],
            wide.of_person < bounds[Limit.PERSON_POSITIONS] and wide.of_strategy < bounds[Limit.STRATEGY_POSITIONS],
            len(beside.hour) < bounds[Limit.TRADES_PER_HOUR],
            c.now - beside.last_close >= timedelta(seconds=int(bounds[Limit.INSTRUMENT_COOLDOWN_S])),
            beside.score >= bounds[Limit.MIN_SCORE] and not beside.opposite,
            -beside.week.profit < bounds[Limit.WEEKLY_LOSS] * beside.week.equity,
            not c.ledger.halts and not c.ledger.doubtful and not c.ledger.same_instrument,
            c.now < plan.deadline,
            quoted.age(c.now) <= timedelta(seconds=limits.quote_age_s),
            quoted.ask - quoted.bid <= limits.max_spread_bps / 10_000 * quoted.mid,
            touch_price(quoted, plan.side) <= plan.worst_price
            if bought
            else touch_price(quoted, plan.side) >= plan.worst_price,
            plan.stop < min(quoted.bid, plan.worst_price) if bought else plan.stop > max(quoted.ask, plan.worst_price),
            on_grid(plan.quantity, c.market.instrument.step),
            plan.quantity * per_unit <= limits.per_trade * equity,
            plan.quantity * plan.worst_price <= limits.max_notional * equity,
            plan.quantity * plan.worst_price * (1 + plan.costs.fee) <= (c.market.free or Decimal(0)),
            c.ledger.live_trades < limits.open_positions,
            (c.ledger.day_profit or Decimal(0)) > -limits.daily_loss * (c.ledger.day_opening_equity or Decimal(0)),
        )
    )


def test_of_ten_thousand_random_orders_none_that_passes_breaks_a_limit() -> None:
    chance = random.Random(2026)
    allowed = 0
    for _ in range(10_000):
        context = _drawn(chance)
        if decide(context).allowed:
            allowed += 1
            assert _keeps_every_limit(context)

    assert 500 < allowed < 9_500


def _drawn(chance: random.Random) -> GateContext:
    """Draw an order with a few inputs anywhere around their limits and the others fine."""

    def amount(low: float, high: float) -> Decimal:
        return Decimal(round(chance.uniform(low, high) * 100)) / 100

    context = all_on(passing(chance.choice(list(Side))))
    sign = context.plan.side.sign
    changes: list[Change] = [
        lambda c: with_plan(c, quantity=chance.randrange(4_000) * Decimal("0.00005")),
        lambda c: with_plan(c, stop=Decimal(64_000) - amount(-200, 3_000) * sign),
        lambda c: with_plan(c, worst_price=Decimal(64_000) + amount(-60, 200) * sign),
        lambda c: with_market(c, quote=quote(64_000 - amount(0.01, 70), 64_000 + amount(0.01, 70), age_s=chance.uniform(0, 8))),
        lambda c: with_market(c, equity=amount(0, 12_000)),
        lambda c: with_market(c, free=amount(0, 5_000)),
        lambda c: with_ledger(c, live_trades=chance.randrange(7)),
        lambda c: with_ledger(c, day_profit=amount(-1_000, 100)),
        lambda c: with_ledger(c, doubtful=chance.randrange(2)),
        lambda c: with_beside(c, account_value=amount(0, 16_000), instrument_value=amount(0, 4_000)),
        lambda c: with_wide(c, gross=amount(0, 9_000), net=amount(-6_000, 6_000), equity=amount(8_000, 20_000)),
        lambda c: with_wide(c, positions=chance.randrange(8), on_instrument=chance.randrange(4)),
        lambda c: with_wide(c, of_person=chance.randrange(5), of_strategy=chance.randrange(6)),
        lambda c: with_beside(c, hour=(NOW,) * chance.randrange(8), opposite=chance.randrange(2)),
        lambda c: with_beside(c, last_close=NOW - timedelta(seconds=chance.randrange(3_600)), score=chance.randrange(30, 90)),
        lambda c: with_beside(c, usual=Usual(value=amount(200, 2_000), samples=20)),
        lambda c: with_beside(c, week=Week(profit=amount(-1_500, 100), equity=Decimal(10_000))),
    ]
    for change in chance.sample(changes, chance.randrange(1, 4)):
        context = change(context)
    return context


@pytest.mark.parametrize(
    ("kind", "price", "passed"),
    [
        (EntryKind.LIMIT, "63500", True),
        (EntryKind.LIMIT, "60000", False),
        (EntryKind.LIMIT, "640000", False),
        (EntryKind.LIMIT, None, False),
        (EntryKind.POST, None, False),
        (EntryKind.STOP, "64500", True),
        (EntryKind.STOP, "64000", False),
        (EntryKind.STOP, "70000", False),
        (EntryKind.STOP, None, False),
    ],
)
def test_a_price_that_an_entry_waits_for_is_near_and_not_passed(kind: EntryKind, price: str | None, passed: bool) -> None:
    awaited = Decimal(price) if price is not None else None
    base = passing()
    plan = replace(base.plan, kind=kind, price=awaited, worst_price=awaited or base.plan.worst_price, reach_bps=Decimal(500))

    found = next(each for each in decide(replace(base, plan=plan)).checks if each.code is CheckCode.PRICE_COLLAR)

    assert found.passed is passed
