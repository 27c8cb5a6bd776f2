"""What every check says, word for word, for contexts around its limit: ``python -m tests.risk.said`` writes said.txt anew.

A check that changes its words, its limit, its unit or the side on which it lies shows there, and somebody reads the difference.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from types import NoneType

from services.domain.breakers import BreakerKind, BreakerState
from services.domain.correlations import Alike
from services.domain.entries import EntryKind
from services.domain.grades import FireMode
from services.domain.inputs import InputAnswer, InputName, InputState
from services.domain.limits import RULES, Effective, Limit, Scope
from services.domain.live_facts import LiveStanding
from services.domain.sessions import Session
from services.domain.signals import Side
from services.domain.states import MissionState
from services.domain.trades import TerminalMode
from services.domain.verdicts import Check, CheckCode
from services.risk.context import GateContext
from services.risk.gate import decide
from services.risk.surroundings import Usual, Week
from tests.risk.cases import (
    AT_PAPER,
    NOW,
    all_on,
    breaker,
    check_of,
    passing,
    with_beside,
    with_discipline,
    with_ledger,
    with_limits,
    with_market,
    with_plan,
    with_quote,
    with_wide,
)
from tests.risk.test_gate import DENYING, WORSE
from tests.risk.test_inputs import INPUTS, WHOLE, Raising, kinds, put

FILE = Path(__file__).with_name("said.txt")
NUMBER = re.compile(r"\d+(\.\d+)?")
STEPS = (Decimal("0.01"), Decimal(1), Decimal(50), Decimal(3000))
PRICES = ("60800.0095", "60800.0094", "63000", "64000", "64000.01", "64000.02", "67200.0105", "67200.0106")


def lines_of(context: GateContext) -> list[str]:
    """Return a verdict, one line for each check; what is neither passed nor failed, or no text, is an error."""
    verdict = decide(context)
    head = f"config {verdict.config_hash}, decided {verdict.decided_at:%d.%m. %H:%M:%S}"
    return [head, *(_line(check) for check in verdict.checks)]


def _line(check: Check) -> str:
    use = "" if check.use is None else f", used {check.use:.6f}"
    frees = "" if check.frees_at is None else f", free {check.frees_at:%d.%m. %H:%M:%S}"
    where = "" if check.scope == "desk" else f", of {check.scope}"
    note = "" if check.note == "" else f", {check.note!r}"
    verdict = {True: "ok", False: "NO"}[check.passed]
    return f"{check.code.value} {verdict} {check.value} / {check.limit} {check.unit.value}{use}{frees}{where}{note}"


def contexts() -> Iterator[tuple[str, GateContext]]:
    """Yield contexts by name."""
    for side in Side:
        usual, whole = passing(side), all_on(passing(side))
        yield from ((side.value, usual), (f"{side.value}, all rules in force", whole))
        yield from ((f"{side.value}, {code.value} denied", change(usual)) for code, change in DENYING.items())
        yield from ((f"{side.value}, {name}", context) for name, context in _waiting(usual))
        yield f"{side.value}, a terminal for longs", with_ledger(usual, can_long=True, can_short=False)
        yield f"{side.value}, a terminal for shorts", with_ledger(usual, can_long=False, can_short=True)
    for number, (code, worse, _) in enumerate(WORSE):
        yield from ((f"{number} {code.value} worse by {step}", worse(WHOLE, step)) for step in STEPS)
    yield from _inputs()
    yield from _limits()
    yield from _held_back()
    yield from _states()


def _inputs() -> Iterator[tuple[str, GateContext]]:
    """Every input missing, with limits of one person, every amount zero, and all of them under one."""
    limits = {key: replace(each, scope=Scope.PERSON, subject="1001") for key, each in WHOLE.limits.items()}
    scoped = replace(WHOLE, limits=limits)
    yield "limits of a person", scoped
    for path, hint in sorted(INPUTS.items(), key=lambda each: each[0]):
        name = ".".join(path)
        if NoneType in kinds(hint):
            yield f"no {name}", put(scoped, path, None)
        if any(getattr(kind, "__supertype__", kind) in (Decimal, int) for kind in kinds(hint)):
            yield f"{name} is zero", put(WHOLE, path, Decimal(0) if int not in kinds(hint) else 0)
    yield "equity raises", put(WHOLE, ("market", "equity"), Raising())
    yield "equity is no number", put(WHOLE, ("market", "equity"), Decimal("NaN"))
    pennies = with_plan(with_quote(WHOLE, bid=Decimal("0.4999"), ask=Decimal("0.5001")), quantity=Decimal("0.2"))
    pennies = with_plan(pennies, stop=Decimal("0.45"), worst_price=Decimal("0.5002"))
    pennies = with_market(pennies, equity=Decimal("0.9"), free=Decimal("0.8"))
    pennies = with_wide(with_ledger(pennies, day_opening_equity=Decimal("0.9")), equity=Decimal("0.9"))
    week, usual = Week(profit=Decimal(0), equity=Decimal("0.9")), Usual(value=Decimal("0.5"), samples=20)
    yield "amounts under one", with_beside(pennies, week=week, usual=usual)


def _limits() -> Iterator[tuple[str, GateContext]]:
    """Each limit where the passing order just reaches it, a little tighter, and zero."""
    for limit, rule in RULES.items():
        measured = check_of(WHOLE, rule.code).value or ""
        if limit in WHOLE.limits and NUMBER.fullmatch(measured):
            for name, value in (("reached", Decimal(measured)), ("missed", Decimal(measured) - Decimal("0.000001"))):
                yield f"{limit.value} {name}", with_limits(WHOLE, {limit: Effective(value=value)})
    yield "limits of zero", replace(WHOLE, limits={key: Effective(value=Decimal(0)) for key in WHOLE.limits})
    funds = check_of(WHOLE, CheckCode.FREE_FUNDS).value or ""
    yield "just the funds", with_market(WHOLE, free=Decimal(funds))
    yield "just the reserve", with_market(WHOLE, free=Decimal(funds) + Decimal(2_000))
    median = Usual(value=WHOLE.plan.quantity * WHOLE.plan.worst_price / 2, samples=20)
    yield (
        "just twice the usual",
        with_limits(with_beside(WHOLE, usual=median), {Limit.USUAL_MULTIPLE: Effective(value=Decimal(2))}),
    )
    yield "just the spread", with_quote(WHOLE, bid=Decimal(63_952), ask=Decimal(64_048))
    instrument = WHOLE.market.instrument
    assert instrument is not None
    free = replace(instrument, min_notional=Decimal(0))
    yield "no largest order", with_market(WHOLE, instrument=replace(instrument, max_quantity=None))
    yield "the largest order", with_market(WHOLE, instrument=replace(instrument, max_quantity=WHOLE.plan.quantity))
    yield "one step", with_market(with_plan(WHOLE, quantity=instrument.step), instrument=free)
    least = WHOLE.plan.quantity * WHOLE.plan.stop
    yield "just the least value", with_market(WHOLE, instrument=replace(instrument, min_notional=least))
    free = replace(free, min_quantity=Decimal(0), step=Decimal(0))
    yield "nothing, where there is no least", with_market(with_plan(WHOLE, quantity=Decimal(0)), instrument=free)
    for seconds in (-2, -1, 5, 90):
        at = NOW - timedelta(seconds=seconds)
        yield f"all of {seconds} s", with_market(with_quote(WHOLE, feed_time=at, received_at=at), equity_at=at)


def _waiting(usual: GateContext) -> Iterator[tuple[str, GateContext]]:
    for kind in EntryKind:
        for price in PRICES:
            bound = Decimal(price)
            yield (
                f"{kind.value} at {price}",
                with_plan(usual, kind=kind, price=bound, worst_price=bound, reach_bps=Decimal(500)),
            )


def _held_back() -> Iterator[tuple[str, GateContext]]:
    usual = passing()
    for kind in BreakerKind:
        for state in BreakerState:
            yield f"breaker {kind.value} {state.value}", with_ledger(usual, breakers=(breaker(kind, state),))
        yield f"breaker {kind.value} for good", with_ledger(usual, breakers=(breaker(kind, closes_at=None),))
        tried = breaker(kind, BreakerState.HALF_OPEN, trial="t1")
        yield f"breaker {kind.value} tries another", with_ledger(usual, breakers=(tried,))
    for lost in ("-0.0299", "-0.03", "-0.1"):
        for live in (0, 1, 2):
            yield f"day {lost}, {live} live", with_discipline(usual, day_result=Decimal(lost), own_live=live)
    for left in (-1, 0, 1, 3600):
        until = NOW + timedelta(seconds=left)
        yield f"cooldown for {left} s", with_discipline(usual, cooldown_until=until)
        yield f"tilt for {left} s", with_discipline(usual, tilt_until=until)
    for shots in (48, 49, 50, 51):
        yield f"{shots} shots", with_discipline(usual, shots=shots)
    yield "no limit of shots left", with_ledger(usual, discipline=replace(usual.ledger.discipline, shots_limit=1))


def _states() -> Iterator[tuple[str, GateContext]]:
    """Grades, missions, hours, inputs of other parts, groups and quotes, as they may be found."""
    usual = passing()
    for terminals in ((), ("ann-paper", "testnet"), ("testnet", "live")):
        yield f"grade for {terminals}", with_ledger(usual, rank=replace(AT_PAPER, terminals=terminals))
    for mode in TerminalMode:
        for fires in FireMode:
            rank = replace(AT_PAPER, terminals=(), mode=mode, fires=fires)
            yield f"{fires.value} at {mode.value}", with_ledger(usual, rank=rank)
            yield f"{fires.value} at {mode.value}, by itself", with_ledger(usual, rank=replace(rank, by_itself=True))
    live = replace(AT_PAPER, terminals=(), mode=TerminalMode.LIVE)
    for decided in (None, "live at mine, api.binance.com, key 0a1b2c3d"):
        for ground in (None, "live at mine, api.binance.com, key 0a1b2c3d", "live at mine, api.binance.com, key 99999999"):
            real = LiveStanding(ground=ground, decided=decided)
            yield f"real money at {ground}, {decided} decided", with_ledger(usual, rank=live, real=real)
    yield "no such grade", with_ledger(usual, rank=replace(AT_PAPER, known=False))
    for state in MissionState:
        yield f"mission {state.value}", with_ledger(usual, mission_state=state)
    yield "half a second left", with_plan(usual, deadline=NOW + timedelta(seconds=0.5))
    for is_open in (True, False):
        for minutes in (-1, 0, 1):
            hours = Session(name="hours", is_open=is_open, changes_at=NOW + timedelta(minutes=minutes))
            yield f"hours {is_open} for {minutes} minutes", with_market(usual, session=hours)
    for required in (True, False):
        yield f"no answer, required {required}", _told(usual, InputState(required=required, answer=None))
        for seconds in (-1, 0, 1):
            for passed in (True, False):
                answer = InputAnswer(passed=passed, said="says so", until=NOW + timedelta(seconds=seconds))
                name = f"answer {passed} for {seconds} s, required {required}"
                yield name, _told(usual, InputState(required=required, answer=answer))
                ends = replace(answer, frees_at=NOW + timedelta(seconds=9))
                yield f"{name}, and when that ends", _told(usual, InputState(required=required, answer=ends))
        for value in (None, Decimal(1_000), Decimal(4_000)):
            alike = Alike(value=value, symbols=("BTC/USDT", "ETH/USDT"), as_of=NOW, max_age_s=60, required=required)
            yield f"group of {value}, required {required}", with_beside(WHOLE, alike=alike)
    yield "no equity on a bad day", with_market(with_discipline(usual, day_result=Decimal("-0.1")), equity=None)
    rates = ("EUR/USDT 1.1, 2 s old", "GBP/USDT 1.3, 4 s old")
    yield "at a rate", with_wide(WHOLE, rate=Decimal("1.1"), rates=rates)
    yield "at rates, nothing known", with_wide(WHOLE, gross=None, net=None, rates=rates)
    yield "nobody asked", replace(usual, inputs={})
    yield "a working day", with_beside(WHOLE, weekend=False)
    for bid, ask in (("64000", "64000"), ("64000.01", "64000"), ("0", "64000"), ("-64000", "64000")):
        yield f"quote {bid} {ask}", with_quote(usual, bid=Decimal(bid), ask=Decimal(ask))
    yield "a price to wait for is missing", with_plan(usual, kind=EntryKind.LIMIT)
    yield "confirmed an hour ago", with_beside(WHOLE, hour=(NOW - timedelta(hours=1),))


def _told(context: GateContext, state: InputState) -> GateContext:
    return replace(context, inputs=dict.fromkeys(InputName, state))


def everything_said() -> str:
    """Return the file's text: of each context what no other one before it said."""
    parts = []
    seen: set[str] = set()
    for name, context in contexts():
        lines = [line for line in lines_of(context) if line not in seen]
        seen.update(lines)
        if lines:
            parts.append("\n".join([f"[{name}]", *lines]))
    return "\n\n".join(parts) + "\n"


if __name__ == "__main__":
    FILE.write_text(everything_said(), encoding="utf-8")
