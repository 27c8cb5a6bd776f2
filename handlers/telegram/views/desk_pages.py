"""Pages of the desk: limits and their use, missions, what may be traded, by what, and how well that did."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from handlers.telegram.callbacks import ChoiceButton, ListName, MissionButton, MissionVerb
from handlers.telegram.views.format import MISSING, clip, fixed, local, percent
from handlers.telegram.views.message import Button, Rendered, act
from handlers.telegram.views.paging import cut, in_rows, turning
from handlers.telegram.views.templating import render
from handlers.telegram.views.words import badge, money_words, plural, win_words
from services.domain.screening import Screened
from services.domain.signals import StrategyState
from services.domain.states import MissionState
from services.reporting.desk_lists import (
    HaltLine,
    MissionLine,
    MissionsList,
    RiskList,
    StrategiesList,
    TerminalLine,
    TerminalsList,
    UniverseList,
    Use,
)

STATE_WORDS = {StrategyState.ENABLED: "on", StrategyState.SANDBOXED: "sandbox", StrategyState.DISABLED: "off"}
MOST_LEFT_OUT = 6
MISSIONS_A_PAGE, INSTRUMENTS_A_PAGE, TERMINALS_A_PAGE, STRATEGIES_A_PAGE = 4, 8, 4, 8


def risk_page(data: RiskList) -> Rendered:
    """Return every limit with its use now."""
    text = render(
        "list_risk",
        badge=badge(data.modes),
        own=data.own or "desk",
        halt=_halts(data.halts),
        uses=[(use.name, _use(use)) for use in data.uses],
        quota=", ".join(_use(use) for use in data.quota),
        e=data.exposure,
        risk_money=money_words(data.exposure.risk, sign=False) if data.money and data.exposure.risk else "",
        at=data.at,
    )
    return Rendered(text=text, rows=(turning(ListName.RISK, cut(data.quota, 1, len(data.quota))),))


def _use(use: Use) -> str:
    if use.unit == "%":
        return f"{percent(use.value).removesuffix(' %')} of {percent(use.limit)}" if use.value is not None else MISSING
    return f"{_count(use.value)} of {_count(use.limit)}"


def _count(value: Decimal | None) -> str:
    return MISSING if value is None else fixed(value, 0)


def _halts(lines: Sequence[HaltLine]) -> str:
    if not lines:
        return "no halt in force"
    more = f", {len(lines) - 1} more" if len(lines) > 1 else ""
    first = lines[0]
    return f"🛑 {clip(first.covers, 12)} {first.halt.state.value} by {clip(first.halt.by_name, 12)}{more}"


def missions_page(data: MissionsList, page: int) -> Rendered:
    """Return a page of missions; who has a terminal gets a button for each open one."""
    part = cut(data.rows, page, MISSIONS_A_PAGE)
    text = render(
        "list_missions",
        badge=badge(data.modes),
        running=data.running,
        rows=part.rows,
        words=[_mission_state(line, data.zone) for line in part.rows],
        at=data.at,
        page=part.page,
        pages=part.pages,
    )
    verb, label = (MissionVerb.FIRE, "Fire") if data.may_fire and data.running else (MissionVerb.WHY, "Why")
    buttons = [act(f"{label} #{line.mission.number}", MissionButton(verb=verb, mission=line.mission.id)) for line in part.rows]
    return Rendered(text=text, rows=in_rows(buttons, turning(ListName.MISSIONS, part)))


def _mission_state(line: MissionLine, zone: str) -> str:
    mission = line.mission
    if mission.state is MissionState.OPEN:
        return f"till {local(mission.signal.expires_at, zone)}"
    return mission.state.value


def universe_page(data: UniverseList, page: int) -> Rendered:
    """Return a page of instruments with price, spread and age."""
    part = cut(data.rows, page, INSTRUMENTS_A_PAGE)
    text = render(
        "list_universe",
        badge=badge(data.modes),
        version=data.version,
        digest=data.digest,
        rows=part.rows,
        left_out=data.left_out[:MOST_LEFT_OUT],
        reasons=[_left_out_by(each) for each in data.left_out[:MOST_LEFT_OUT]],
        at=data.at,
        page=part.page,
        pages=part.pages,
    )
    return Rendered(text=text, rows=(turning(ListName.UNIVERSE, part),))


def _left_out_by(screened: Screened) -> str:
    """Name the filters that an instrument did not pass."""
    return clip(", ".join(each.name for each in screened.findings if not each.passed), 18)


def terminals_page(data: TerminalsList, page: int) -> Rendered:
    """Return a page of terminals with when each was last compared with its venue."""
    part = cut(data.rows, page, TERMINALS_A_PAGE)
    text = render(
        "list_terminals",
        badge=badge(data.modes),
        private=data.private,
        rows=part.rows,
        at=data.at,
        page=part.page,
        pages=part.pages,
    )
    return Rendered(text=text, rows=(*_uses(part.rows), turning(ListName.TERMINALS, part)))


def _uses(rows: Sequence[TerminalLine]) -> tuple[tuple[Button, ...], ...]:
    """Offer the reader's other terminals as the one that previews start at."""
    return tuple(
        (act(f"Use {clip(each.terminal.name, 24)}", ChoiceButton(name="terminal", key=each.terminal.id)),)
        for each in rows
        if each.mine and not each.used
    )


def strategies_page(data: StrategiesList, page: int) -> Rendered:
    """Return a page of strategies with their record; a commander gets their switches."""
    part = cut(data.rows, page, STRATEGIES_A_PAGE)
    text = render(
        "list_strategies",
        badge=badge(data.modes),
        rows=part.rows,
        states=STATE_WORDS,
        offered=[plural(line.offered, "mission") for line in part.rows],
        counts=[plural(line.results.n, "trade") for line in part.rows],
        wins=[win_words(line.results.win_rate) for line in part.rows],
        at=data.at,
        page=part.page,
        pages=part.pages,
    )
    switches = [_switch(line.name, line.state) for line in part.rows] if data.may_switch else []
    return Rendered(text=text, rows=in_rows(switches, turning(ListName.STRATEGIES, part)))


def _switch(name: str, state: StrategyState) -> Button:
    wanted = STATE_WORDS[StrategyState.DISABLED if state is StrategyState.ENABLED else StrategyState.ENABLED]
    return act(f"{clip(name, 16)} {wanted}", ChoiceButton(name="strategy", key=name, value=wanted))
