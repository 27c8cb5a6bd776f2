"""A mission as a chat sees it: the call, its time, and what each person did with it. R and percent only, never money."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from services.charts.spec import ChartSpec, FillMark, chart_of
from services.domain.grades import FireMode, ModeScope
from services.domain.orders import OrderSide
from services.domain.signals import Mission, Signal, strategy_of
from services.domain.states import TradeState
from services.domain.trades import TerminalMode, Trade
from services.reporting.live import Grid, Live, middle_price, read_grid, viewer_zone
from services.reporting.trade_view import TradeWord, trade_word
from services.reporting.viewer import modes_of
from services.storage import grades, instructions, missions, modes, orders, people, terminals, trades
from services.storage.database import Unit

PERCENT = Decimal(100)


class Did(StrEnum):
    """What a person did with a mission."""

    FIRED = "fired"
    SKIPPED = "skipped"
    ASKED = "asked"


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """One person's decision: the state of their trade when they fired, else their reason; ``r`` once it is closed."""

    person_id: int
    name: str
    did: str
    word: TradeWord | None
    r: Decimal | None
    reason: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetLine:
    """A target with its distance in R and the share of the position that it takes off."""

    number: int
    price: Decimal
    r: Decimal
    share: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class MissionView:
    """Everything that a mission's card shows; ``modes`` are those of the terminals that could take it."""

    mission: Mission
    source: str
    grid: Grid
    modes: tuple[TerminalMode, ...]
    stop_percent: Decimal
    targets: tuple[TargetLine, ...]
    decisions: tuple[Decision, ...]
    private: bool
    fired_by_viewer: bool
    may_fire: bool
    chart: ChartSpec | None
    zone: str
    now: datetime


def mission_view(unit: Unit, reference: str, live: Live, *, chat_id: int = 0) -> MissionView | None:
    """Put the card of a mission, named by id or number, together for one chat; None when there is no such mission.

    ``chat_id`` 0 stands for a reader of no chat.
    """
    mission = missions.by_reference(unit, reference)
    if mission is None:
        return None
    signal, zone = mission.signal, viewer_zone(unit, chat_id, live.zone)
    fired = trades.of_mission(unit, mission.id)
    modes = _modes(unit, chat_id)
    decisions = _decisions(unit, mission, fired)
    return MissionView(
        mission=mission,
        source=source_name(unit, signal.source),
        grid=read_grid(unit, signal.symbol),
        modes=modes,
        stop_percent=(signal.stop / signal.entry - 1) * PERCENT,
        targets=target_lines(signal),
        decisions=decisions,
        private=chat_id > 0,
        fired_by_viewer=any(each.person_id == chat_id and each.did == Did.FIRED for each in decisions),
        may_fire=_may_fire(unit, mission, chat_id),
        chart=_chart(unit, signal, fired, live, modes, zone),
        zone=zone,
        now=live.now,
    )


def source_name(unit: Unit, source: str) -> str:
    """Name where a call came from: ``trend 1.2``, ``tv (outside)``, or the person who made it."""
    kind, _, rest = source.partition(":")
    if kind == "outside":
        return f"{rest} (outside)"
    if kind != "person":
        return rest.replace("@", " ") or source
    person = people.find(unit, int(rest)) if rest.isdigit() else None
    return f"call by {person.name}" if person else "a person's call"


def target_lines(signal: Signal) -> tuple[TargetLine, ...]:
    """Return the targets in their order with R counted from the entry's far end."""
    return tuple(
        TargetLine(number=number, price=target.price, r=signal.r_multiple(target.price), share=target.share)
        for number, target in enumerate(signal.targets, start=1)
    )


def _may_fire(unit: Unit, mission: Mission, chat_id: int) -> bool:
    """Tell whether a chat is offered the tap: a person by mode and grade, a group unless the strategy only alerts."""
    if chat_id <= 0:
        return modes.find(unit, ModeScope.STRATEGY, strategy_of(mission.signal.source)) is not FireMode.ALERT
    grade = grades.of_person(unit, chat_id)
    return grade.may("fire") and modes.in_force(unit, chat_id, grade, mission.signal.source) is not FireMode.ALERT


def _modes(unit: Unit, chat_id: int) -> tuple[TerminalMode, ...]:
    own = terminals.of_person(unit, chat_id) if chat_id > 0 else None
    return modes_of([own] if own else terminals.everything(unit))


def _decisions(unit: Unit, mission: Mission, fired: Sequence[Trade]) -> tuple[Decision, ...]:
    by_person = {trade.person_id: trade for trade in fired}
    rows = missions.decisions_on(unit, mission.id)
    return tuple(_decision(unit, row, by_person.get(row.person_id)) for row in rows)


def _decision(unit: Unit, row: Any, trade: Trade | None) -> Decision:
    person = people.find(unit, row.person_id)
    fired = trade if row.decision == Did.FIRED else None
    closed = fired is not None and fired.state is TradeState.CLOSED
    return Decision(
        person_id=row.person_id,
        name=person.name if person else str(row.person_id),
        did=row.decision,
        word=trade_word(fired, instructions.of_trade(unit, fired.id), orders.of_trade(unit, fired.id)) if fired else None,
        r=fired.r_multiple(fired.realized) if fired is not None and closed else None,
        reason=row.reason,
    )


def _chart(
    unit: Unit, signal: Signal, fired: Sequence[Trade], live: Live, modes: tuple[TerminalMode, ...], zone: str
) -> ChartSpec | None:
    series = live.series(signal.symbol)
    if series is None or not series.candles:
        return None
    price = middle_price(live, signal.symbol)
    marks = [
        FillMark(time=row.time, price=row.price, side=OrderSide(row.side))
        for trade in fired
        for row in orders.fills_of_trade(unit, trade.id)
    ]
    return chart_of(
        signal,
        series,
        mode=modes[-1] if modes else TerminalMode.PAPER,
        as_of=live.now,
        now=price.value if price else None,
        fills=marks,
        zone=zone,
    )
