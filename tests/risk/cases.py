"""Gate contexts for tests: one that passes every check, drawn ones around the limits, and changes to single inputs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from config.limits import RiskSettings
from services.domain.breakers import Breaker, BreakerKind, BreakerState
from services.domain.correlations import Alike
from services.domain.discipline import Discipline
from services.domain.grades import Rank
from services.domain.halts import Halt, HaltScope
from services.domain.inputs import InputAnswer, InputName, InputState
from services.domain.limits import Effective, Limit
from services.domain.market import Instrument, Quote
from services.domain.money import Price, Quantity
from services.domain.sessions import ALL_HOURS
from services.domain.signals import Side
from services.domain.states import HaltState, MissionState
from services.domain.trades import TerminalMode
from services.domain.verdicts import Check, CheckCode
from services.risk.context import GateContext, LedgerPart, MarketPart, Plan
from services.risk.gate import decide
from services.risk.limits import book_of
from services.risk.sizing import Costs
from services.risk.surroundings import DeskWide, Surroundings, Usual, Week

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
BTC = Instrument(
    symbol="BTC/USDT",
    base="BTC",
    quote="USDT",
    tick=Decimal("0.01"),
    step=Decimal("0.00001"),
    min_quantity=Decimal("0.00001"),
    min_notional=Decimal(5),
    max_quantity=Decimal(9_000),
)
HALTED = Halt(scope=HaltScope.DESK, subject="desk", state=HaltState.HALTED, by_id=1, by_name="Carl", reason="test", since=NOW)
CALM = Discipline(
    cooldown_until=None,
    tilt_until=None,
    tilt_losses=3,
    shots=0,
    shots_limit=50,
    shots_free_at=NOW + timedelta(hours=12),
    day_result=Decimal(0),
    medic_from=Decimal("0.03"),
    medic_risk=Decimal("0.005"),
    medic_positions=1,
    own_live=0,
)


AT_PAPER = Rank(grade="regular", known=True, terminals=("paper",), terminal="ann-paper", mode=TerminalMode.PAPER)
FINE = InputAnswer(passed=True, said="calm", until=NOW + timedelta(minutes=5))
# Nothing else is live and nothing was done; every part is known, so that any limit can be put in force.
ALONE = Surroundings(
    score=70,
    account_value=Decimal(0),
    instrument_value=Decimal(0),
    opposite=0,
    wide=DeskWide(
        gross=Decimal(0), net=Decimal(0), equity=Decimal(10_000), positions=0, of_person=0, of_strategy=0, on_instrument=0
    ),
    last_close=NOW - timedelta(hours=2),
    hour=(),
    usual=Usual(value=Decimal(1_000), samples=20),
    week=Week(profit=Decimal(0), equity=Decimal(10_000)),
    open_risk=Decimal(0),
    tier_value=Decimal(0),
    weekend=True,
    writes=0,
    alike=Alike(value=Decimal(0), symbols=("BTC/USDT",), as_of=NOW - timedelta(minutes=1), max_age_s=900, required=True),
)
# Every rule that is off by default, at a value that the passing order keeps.
ALL_ON = {
    Limit.CASH_RESERVE: "0.2",
    Limit.MARGIN_LEFT: "0.1",
    Limit.INSTRUMENT_SHARE: "0.3",
    Limit.TIER_SHARE: "0.4",
    Limit.GROUP_SHARE: "0.45",
    Limit.GROSS_EXPOSURE: "0.5",
    Limit.NET_EXPOSURE: "0.4",
    Limit.USUAL_MULTIPLE: "3",
    Limit.WEEKEND_POSITIONS: "2",
    Limit.DESK_POSITIONS: "6",
    Limit.PERSON_POSITIONS: "3",
    Limit.STRATEGY_POSITIONS: "4",
    Limit.INSTRUMENT_POSITIONS: "2",
    Limit.TRADES_PER_HOUR: "5",
    Limit.INSTRUMENT_COOLDOWN_S: "1800",
    Limit.MIN_SCORE: "50",
    Limit.WEEKLY_LOSS: "0.08",
}


def quote(bid: Decimal, ask: Decimal, *, feed_age_s: float = 0, age_s: float = 0) -> Quote:
    """Return a quote so old."""
    return Quote(
        symbol=BTC.symbol,
        bid=Price(bid),
        ask=Price(ask),
        bid_size=Quantity(Decimal(1)),
        ask_size=Quantity(Decimal(1)),
        feed_time=NOW - timedelta(seconds=feed_age_s),
        received_at=NOW - timedelta(seconds=age_s),
    )


def passing(side: Side = Side.LONG) -> GateContext:
    """Return a context that passes every check."""
    worst, stop = ("64010", "63000") if side is Side.LONG else ("63990", "65000")
    return GateContext(
        now=NOW,
        plan=Plan(
            side=side,
            quantity=Decimal("0.02"),
            worst_price=Decimal(worst),
            stop=Decimal(stop),
            deadline=NOW + timedelta(seconds=60),
            costs=Costs(fee=Decimal("0.001"), slippage=Decimal("0.00005")),
        ),
        market=MarketPart(
            instrument=BTC,
            quote=quote(Decimal("63999.99"), Decimal("64000.01")),
            equity=Decimal(10_000),
            free=Decimal(10_000),
            equity_at=NOW,
            session=replace(ALL_HOURS, changes_at=NOW + timedelta(hours=1)),
        ),
        ledger=LedgerPart(
            halts=(),
            mission_state=MissionState.OPEN,
            reconciled_at=NOW,
            doubtful=0,
            can_long=True,
            can_short=True,
            live_trades=0,
            same_instrument=False,
            day_profit=Decimal(0),
            day_opening_equity=Decimal(10_000),
            day_ends_at=NOW + timedelta(hours=12),
            breakers=(),
            discipline=CALM,
            beside=ALONE,
            rank=AT_PAPER,
        ),
        limits=book_of(RiskSettings()).at({}),
        config_hash="test",
        inputs={name: InputState(required=True, answer=FINE) for name in InputName},
    )


def with_plan(context: GateContext, **values: Any) -> GateContext:
    return replace(context, plan=replace(context.plan, **values))


def with_market(context: GateContext, **values: Any) -> GateContext:
    return replace(context, market=replace(context.market, **values))


def with_ledger(context: GateContext, **values: Any) -> GateContext:
    return replace(context, ledger=replace(context.ledger, **values))


def with_discipline(context: GateContext, **values: Any) -> GateContext:
    return with_ledger(context, discipline=replace(context.ledger.discipline, **values))


def breaker(kind: BreakerKind, state: BreakerState = BreakerState.OPEN, **values: Any) -> Breaker:
    """Return a breaker as it stands."""
    until = NOW + timedelta(hours=1)
    facts = {"id": "b1", "subject": "1001", "opened_at": NOW, "reason": "test", "closes_at": until, "by": "rule"}
    return Breaker(kind=kind, state=state, **{**facts, **values})


def with_quote(context: GateContext, **values: Any) -> GateContext:
    assert context.market.quote is not None
    return with_market(context, quote=replace(context.market.quote, **values))


def with_limits(context: GateContext, values: Mapping[Limit, Effective]) -> GateContext:
    return replace(context, limits={**context.limits, **values})


def all_on(context: GateContext) -> GateContext:
    """Put every optional rule in force."""
    return with_limits(context, {limit: Effective(value=Decimal(value)) for limit, value in ALL_ON.items()})


def with_beside(context: GateContext, **values: Any) -> GateContext:
    return with_ledger(context, beside=replace(context.ledger.beside, **values))


def with_alike(context: GateContext, **values: Any) -> GateContext:
    assert context.ledger.beside.alike is not None
    return with_beside(context, alike=replace(context.ledger.beside.alike, **values))


def with_input(context: GateContext, name: InputName, answer: InputAnswer | None, *, required: bool = True) -> GateContext:
    return replace(context, inputs={**context.inputs, name: InputState(required=required, answer=answer)})


def with_wide(context: GateContext, **values: Any) -> GateContext:
    assert context.ledger.beside.wide is not None
    return with_beside(context, wide=replace(context.ledger.beside.wide, **values))


def check_of(context: GateContext, code: CheckCode) -> Check:
    """Return what one check says."""
    return next(check for check in decide(context).checks if check.code is code)


def amounts(low: str, high: str, places: int) -> st.SearchStrategy[Decimal]:
    return st.decimals(min_value=low, max_value=high, places=places, allow_nan=False, allow_infinity=False)


@st.composite
def contexts(draw: st.DrawFn) -> GateContext:
    """Draw a context near the limits, so that most checks pass about as often as they fail."""
    side = draw(st.sampled_from(Side))
    context = passing(side)
    middle = Decimal(64_000)
    half = draw(amounts("0.01", "80", 2))
    context = with_market(
        context,
        quote=quote(
            middle - half,
            middle + half,
            feed_age_s=draw(st.floats(-0.9, 7)),
            age_s=draw(st.floats(-0.9, 7)),
        ),
        equity=draw(amounts("0", "20000", 2)),
        free=draw(amounts("0", "20000", 2)),
        equity_at=NOW - timedelta(seconds=draw(st.floats(-0.9, 120))),
    )
    context = with_plan(
        context,
        quantity=draw(st.integers(0, 40_000)) * BTC.step,
        worst_price=middle + draw(amounts("-120", "120", 2)),
        stop=middle - draw(amounts("-50", "3000", 2)) * side.sign,
        deadline=NOW + timedelta(seconds=draw(st.floats(-5, 60))),
    )
    return with_ledger(
        context,
        halts=draw(st.sampled_from(((), (), (), (HALTED,)))),
        doubtful=draw(st.integers(0, 1)),
        live_trades=draw(st.integers(0, 6)),
        same_instrument=draw(st.booleans()),
        day_profit=draw(amounts("-900", "300", 2)),
        day_opening_equity=draw(amounts("0", "20000", 2)),
    )
