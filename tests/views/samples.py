"""What views are given: one sample of every card in every state, and of every stored event, without a database."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from services.domain.entries import EntryKind
from services.domain.halts import Halt, HaltScope
from services.domain.kills import Kill, KillState
from services.domain.money import Fraction, Money, Price, Quantity
from services.domain.signals import Mission, Side, Signal, Target
from services.domain.states import HaltState, MissionState
from services.domain.trades import TerminalMode
from services.domain.verdicts import Check, CheckCode, Unit
from services.reporting.desk_views import ChecklistView, GroupedView, HaltView
from services.reporting.exposure import Exposure
from services.reporting.live import Grid, PriceNow
from services.reporting.mission_view import Decision, Did, MissionView, target_lines
from services.reporting.preview_view import PreviewView
from services.reporting.trade_view import Guard, Protection, TradeView, TradeWord
from services.storage.previews import Preview, PreviewState

NOW = datetime(2026, 11, 20, 14, 30, tzinfo=UTC)
D = Decimal
GRID = Grid(base="BTC", quote="USDT", decimals=0)
USDT = "USDT"


def signal(**changed: object) -> Signal:
    base = Signal(
        id="01SIGNAL",
        source="strategy:trend@1.2",
        symbol="BTC/USDT",
        timeframe="1h",
        side=Side.LONG,
        entry_low=Price(D(64180)),
        entry_high=Price(D(64250)),
        stop=Price(D(63420)),
        targets=(
            Target(price=Price(D(65495)), share=Fraction(D("0.5"))),
            Target(price=Price(D(66740)), share=Fraction(D("0.5"))),
        ),
        score=78,
        score_parts={"setup": 34, "regime": 24, "volume": 20},
        created_at=NOW - timedelta(minutes=2),
        expires_at=NOW + timedelta(minutes=2),
        candle_time=NOW,
        reason="price above its averages, which rise",
        facts={"adx": 31.24, "atr": 412.5, "volume_ratio": 1.31},
    )
    return replace(base, **changed)  # type: ignore[arg-type]


def mission(**changed: object) -> Mission:
    base = Mission(id="01MISSION", number=12, signal=signal(), state=MissionState.OPEN, created_at=NOW)
    return replace(base, **changed)  # type: ignore[arg-type]


def mission_view(**changed: object) -> MissionView:
    base = MissionView(
        mission=mission(),
        source="trend 1.2",
        grid=GRID,
        modes=(TerminalMode.PAPER,),
        stop_percent=D("-1.29"),
        targets=target_lines(signal()),
        decisions=(
            Decision(person_id=1001, name="Ann", did=Did.FIRED, word=TradeWord.FILLED, r=None, reason=None),
            Decision(person_id=2001, name="Carl", did=Did.SKIPPED, word=None, r=None, reason="news"),
        ),
        private=False,
        fired_by_viewer=False,
        may_fire=True,
        chart=None,
        zone="UTC",
        now=NOW,
    )
    return replace(base, **changed)  # type: ignore[arg-type]


def check(code: CheckCode, *, passed: bool = True, value: str | None, limit: str, unit: Unit, **more: object) -> Check:
    return Check(code=code, passed=passed, value=value, limit=limit, unit=unit, **more)  # type: ignore[arg-type]


DAILY = check(CheckCode.DAILY_LOSS, value="0.019", limit="0.05", unit=Unit.FRACTION, use=D("0.38"))
POSITIONS = check(CheckCode.OPEN_POSITIONS, value="2", limit="4", unit=Unit.COUNT, use=D("0.5"))
FUNDS = check(CheckCode.FREE_FUNDS, value="802.5", limit="9198.25", unit=Unit.MONEY, use=D("0.1"))
COLLAR = check(CheckCode.PRICE_COLLAR, value="64250", limit="64290", unit=Unit.PRICE)
OVER_DAILY = replace(DAILY, passed=False, value="0.053", frees_at=NOW + timedelta(hours=3, minutes=12))
OVER_RISK = check(CheckCode.RISK_PER_TRADE, passed=False, value="0.018", limit="0.01", unit=Unit.FRACTION, use=D("1.8"))


def preview_view(**changed: object) -> PreviewView:
    preview = Preview(
        mission_id="01MISSION",
        person_id=1001,
        terminal_id="paper-1001",
        state=PreviewState.OPEN,
        token_id="t" * 22,
        size="full",
        quantity=Quantity(D("0.0125")),
        half=Quantity(D("0.0062")),
        full=Quantity(D("0.0125")),
        largest=Quantity(D("0.0175")),
        decision_price=Price(D(64250)),
        worst_price=Price(D(64290)),
        loss=D("11.3"),
        equity=D(2000),
        checks=(COLLAR, POSITIONS, FUNDS, DAILY),
        note="",
        good_until=NOW + timedelta(seconds=80),
    )
    base = PreviewView(
        mission=mission(),
        preview=preview,
        grid=GRID,
        mode=TerminalMode.PAPER,
        terminal="ann-paper",
        kind=EntryKind.TAKE,
        waits_for=None,
        kinds=tuple(EntryKind),
        next_terminal=None,
        value=Money(D("803.625"), USDT),
        loss=Money(D("11.3"), USDT),
        risk_percent=D("0.565"),
        sized="",
        targets=target_lines(signal()),
        nearest=(DAILY, POSITIONS),
        denials=(),
        passing=None,
        ask=None,
        zone="Europe/Berlin",
        now=NOW,
    )
    return replace(base, **changed)  # type: ignore[arg-type]


def refused_view(denial: Check, **changed: object) -> PreviewView:
    base = preview_view()
    preview = replace(base.preview, state=PreviewState.REFUSED, token_id=None, checks=(denial, *base.preview.checks))
    return replace(base, preview=preview, denials=(denial,), nearest=(), **changed)  # type: ignore[arg-type]


def trade_view(word: TradeWord = TradeWord.FILLED, **changed: object) -> TradeView:
    base = TradeView(
        id="01TRADE",
        number=17,
        mission_number=12,
        owner="Ann",
        side=Side.LONG,
        symbol="BTC/USDT",
        grid=GRID,
        mode=TerminalMode.PAPER,
        terminal="ann-paper",
        word=word,
        code=None,
        since=NOW + timedelta(seconds=41),
        private=True,
        quantity=D("0.0125"),
        filled_quantity=D("0.0125"),
        open_quantity=D("0.0125"),
        filled_share=D(1),
        entry=Price(D(64212)),
        exit=None,
        slippage_bps=D("0.5"),
        fees=Money(D("0.8"), USDT),
        unpriced_fees=(),
        acknowledged_s=0.31,
        filled_s=0.42,
        protection=Protection(
            guard=Guard.AT_VENUE,
            stop=Price(D(63420)),
            wanted=Price(D(63420)),
            share=D(1),
            resting=(1, 2),
            done=(),
        ),
        waiting=None,
        price=PriceNow(value=Price(D(64390)), at=NOW + timedelta(seconds=59), age=timedelta(seconds=1)),
        r=D("0.22"),
        money=Money(D("2.1"), USDT),
        close_in_doubt=False,
        can_cancel=False,
        can_amend=False,
        can_close=True,
        can_break_even=True,
        now=NOW + timedelta(minutes=1),
    )
    return replace(base, **changed)  # type: ignore[arg-type]


def unfilled(word: TradeWord, code: str | None = None) -> TradeView:
    nothing = Protection(guard=Guard.NOTHING_OPEN, stop=None, wanted=Price(D(63420)), share=D(0), resting=(), done=())
    return trade_view(
        word,
        code=code,
        filled_quantity=D(0),
        open_quantity=D(0),
        filled_share=D(0),
        entry=None,
        slippage_bps=None,
        fees=Money(D(0), USDT),
        acknowledged_s=None,
        filled_s=None,
        protection=nothing,
        price=None,
        r=None,
        money=None,
        can_close=False,
        can_cancel=word in (TradeWord.APPROVED, TradeWord.ACCEPTED),
        can_break_even=False,
    )


def closed_view() -> TradeView:
    return replace(
        unfilled(TradeWord.CLOSED, "STOP"),
        entry=Price(D(64212)),
        exit=Price(D(63418)),
        slippage_bps=D("0.5"),
        fees=Money(D("1.6"), USDT),
        filled_s=0.42,
        r=D("-1.02"),
        money=Money(D("-11.2"), USDT),
    )


def shared(view: TradeView) -> TradeView:
    """Return what a group is given of a trade."""
    hidden = {"private": False, "terminal": None, "quantity": None, "filled_quantity": None, "open_quantity": None}
    return replace(view, **hidden, fees=None, money=None)  # type: ignore[arg-type]


EXPOSURE = Exposure(
    waiting=0,
    live=5,
    open=4,
    protected=4,
    risk=(Money(D(190), USDT),),
    risk_r=D("3.4"),
    equity=Money(D(10000), USDT),
    equity_at=NOW,
    risk_percent=D("1.9"),
)


KILL = Kill(
    id="01K1",
    at=NOW,
    by_id=2001,
    by_name="Carl",
    channel="telegram",
    reason="exchange lagging",
    correlation="c1",
    flatten=False,
    flatten_by=None,
    state=KillState.DONE,
    working=False,
    phase_at=NOW,
    done_at=NOW,
    entries=(11, 12, 13),
    gone=3,
    leftovers=(),
)


def halt_view(**changed: object) -> HaltView:
    halt = Halt(
        scope=HaltScope.DESK,
        subject="desk",
        state=HaltState.HALTED,
        by_id=2001,
        by_name="Carl",
        reason="exchange lagging",
        since=NOW,
    )
    base = HaltView(
        halt=halt,
        kill=KILL,
        rearm=None,
        exposure=EXPOSURE,
        modes=(TerminalMode.PAPER,),
        private=False,
        commands=False,
        now=NOW + timedelta(minutes=5),
    )
    return replace(base, **changed)  # type: ignore[arg-type]


def grouped_view(count: int = 12) -> GroupedView:
    return GroupedView(
        day="2026-11-20",
        missions=tuple(mission(id=f"01M{number}", number=number) for number in range(count, 0, -1)),
        modes=(TerminalMode.PAPER,),
        zone="UTC",
    )


CHECKLIST = ChecklistView(
    name="Ann", items=(("fire", True), ("proof", False), ("move_stop", False), ("refused", False), ("close", False))
)

_TRADE: dict[str, object] = {"trade": 17, "symbol": "BTC/USDT", "side": "long"}
DIGEST: dict[str, object] = {
    "desk": "Sortie",
    "since": "2026-11-19T14:30:00+00:00",
    "at": NOW.isoformat(),
    "zone": "UTC",
    "mine": False,
    "modes": ["paper"],
    "n": 5,
    "r": "1.9",
    "percent": "0.8",
    "wins": 3,
    "best": ["ETH/USDT", "1.4"],
    "worst": ["LTC/USDT", "-1"],
    "slippage_bps": "1.2",
    "worst_bps": "8.3",
    "n_slippage": 9,
    "maker": "0.4",
    "ack_s": "0.31",
    "n_ack": 9,
    "points": [["2026-11-19T14:30:00+00:00", "0", None], ["2026-11-20T10:00:00+00:00", "1.9", "1.9"]],
    "open": 2,
    "risk_percent": "1.1",
    "offered": 14,
    "expired": 6,
    "fired": 5,
    "skipped": {"news": 2, "size": 1},
    "refused": {"RISK_PER_TRADE": 2, "SPREAD": 1},
    "incidents": {},
    "open_incidents": 0,
    "journal": 4212,
    "sequence": 4212,
    "head": "9f3c" + "0" * 58 + "e1",
    "broken_at": None,
    "drills": [["kill", "2026-11-18T09:00:00+00:00", True], ["restore", "2026-11-19T09:00:00+00:00", True]],
    "halts": [],
}
NOTICES: dict[str, dict[str, object]] = {
    "access_request": {"person_id": 9001, "name": "Sam", "username": "sam", "grant": "g" * 22, "ignore": "i" * 22},
    "asked": {
        "person": "Ann",
        "mission": 12,
        "symbol": "BTC/USDT",
        "code": "RISK_PER_TRADE",
        "value": "0.018",
        "limit": "0.01",
        "mode": "testnet",
    },
    "holdings": {"terminal": "ann-binance", "mode": "testnet", "held": [["BTC/USDT", "0.5"], ["ETH/USDT", "12"]]},
    "auto_fired": _TRADE,
    "awaited": {"desk": "Sortie", "role": "trader", "others": "Cora, Dora"},
    "mode_set": {"mode": "auto", "was": "select", "by": "Carl"},
    "live": {
        "terminal": "ann-live",
        "ground": "live at mine, api.binance.com, key 0a1b2c3d",
        "number": 12,
        "what": "live",
        "by": "Carl",
        "taken_back": 0,
        "mode": "live",
    },
    "benched": {"by": "Carl", "reason": "take a walk", "until": "2026-11-20T16:00:00+00:00"},
    "change_told": {
        "number": 12,
        "kind": "limit",
        "subject": "per_trade person:1001",
        "before": "0.01",
        "after": "0.02",
        "what": "in_force",
        "by": "Carl",
        "reason": None,
    },
    "breaker_closed": {"kind": "losing_streak", "by": "Carl", "reason": "talked it over"},
    "bound": {"topic": "missions", "by": "Carl"},
    "chat_answered": {"chat": -1001, "title": "Desk", "approved": True, "by": "Carl"},
    "chat_question": {
        "chat": -1001,
        "title": "Desk",
        "kind": "supergroup",
        "by": "Carl",
        "by_id": 2001,
        "approve": "a" * 22,
        "leave": "l" * 22,
    },
    "checklist_done": {"items": 5},
    "closed": _TRADE
    | {
        "reason": "STOP",
        "r": "-1.02",
        "percent": "-0.56",
        "price": "63418.5",
        "realized": "-11.2033",
        "currency": USDT,
        "fees": "1.6",
    },
    "closed_group": _TRADE | {"reason": "TARGET", "r": "1.5", "percent": "0.7", "price": "65300", "person": "Ann"},
    "digest": DIGEST,
    "fill": _TRADE | {"role": "target", "quantity": "0.0062", "price": "65300", "remaining": "0.0063"},
    "goodbye": {"desk": "Sortie"},
    "granted": {
        "desk": "Sortie",
        "role": "trader",
        "was": "stranger",
        "by": "Carl",
        "terminal": "sam-paper",
        "mode": "paper",
        "grade": "cadet",
        "until": "2026-11-28T09:00:00+00:00",
    },
    "answer_lost": {"what": ["/resume", "/stop lunch"], "count": 2},
    "lease_ended": {"desk": "Sortie", "role": "trader"},
    "lease_ending": {
        "person": "Ann",
        "person_id": 1001,
        "role": "trader",
        "until": "2026-11-22T09:00:00+00:00",
        "yours": False,
    },
    "interrupted": {"what": ["/fire 12", "/close 3"], "count": 2},
    "not_sent": _TRADE | {"code": "DEADLINE", "detail": "too late to send"},
    "opened_group": _TRADE | {"person": "Ann", "price": "64212"},
    "people_changed": {
        "person": "Sam",
        "person_id": 9001,
        "role": "trader",
        "was": "stranger",
        "by": "Carl",
        "how": "granted",
        "grade": "cadet",
        "until": "2026-11-28T09:00:00+00:00",
    },
    "refused_group": {"person": "Ann", "mission": 12, "code": "SPREAD", "mode": "testnet"},
    "reminder": {"mission": 12, "symbol": "BTC/USDT", "code": "DAILY_LOSS", "mode": "testnet"},
    "rearm_off": {"why": "Tom halted again", "at": "2026-11-21T14:41:00+00:00"},
    "resumed": {"by": "Carl", "was": "halted", "at": "2026-11-21T14:41:00+00:00"},
    "revoked": {"desk": "Sortie", "by": "Carl"},
    "streak": {"losses": 3, "lock": 4, "minutes": 60},
    "stranger": {"desk": "Sortie", "id": 9001, "asked": True},
    "trade_answered": _TRADE | {"code": "REJECTED", "by": "Carl", "why": "too large", "mission": 12, "approval": 3},
    "unbound": {"topic": "missions", "by": "Carl"},
    "welcome": {
        "desk": "Sortie",
        "person": "Ann",
        "role": "trader",
        "newcomer": True,
        "terminal": "ann-paper",
        "mode": "paper",
    },
    "writable_again": {"seconds": 43, "detail": "database or disk is full"},
}
IN_GROUPS = (
    "closed_group",
    "digest",
    "goodbye",
    "opened_group",
    "refused_group",
    "resumed",
    "bound",
    "unbound",
    "writable_again",
)
