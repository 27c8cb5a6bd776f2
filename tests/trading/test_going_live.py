"""A live terminal takes an entry only on a decision that stands when it is sent; exits pass whatever was decided."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import cast

import pytest

from bot.people_wiring import Proposals, build_proposals
from bot.system import SystemIds
from services.access.roles import RoleBook
from services.access.second_person import buttons_of
from services.domain.approvals import Approval, ApprovalState, ApprovalSubject
from services.domain.buttons import Act
from services.domain.changes import Change, ChangeState
from services.domain.errors import Refused
from services.domain.live_facts import EXITS_ONLY, KeyRight
from services.domain.people import Role
from services.domain.states import TradeState
from services.domain.trades import Terminal, TerminalMode
from services.domain.verdicts import CheckCode
from services.execution import executor
from services.execution.sync import VenueSync
from services.missions.fire import Fired
from services.risk import gate
from services.storage import approvals, changes, people, terminals, trades
from services.storage.database import Unit
from tests.trading.live import GROUND, TERMINAL, decide, make_live
from tests.trading.rig import ANN, CARL, TOM, Rig, desk_at
from tests.trading.taps import fire, preview_of

CORA = 2002
ELSEWHERE = replace(GROUND, host="api1.binance.com")
OTHER_KEY = replace(GROUND, account="99999999")
DAY_S = 86_400.0


class Keys:
    """What a venue says of keys, as far as decisions ask."""

    def __init__(self) -> None:
        self.right = KeyRight.CANNOT

    def last_right(self, terminal_id: str) -> KeyRight:
        return self.right

    async def ask_right(self, terminal: Terminal) -> KeyRight:
        return self.right


@dataclass
class Deciding:
    """A desk whose one live terminal nobody decided about yet."""

    rig: Rig
    made: Proposals
    keys: Keys

    async def ask(self) -> Change:
        return await self.made.acts.go_live(self.rig.actor(CARL), TERMINAL)

    async def off(self) -> Change:
        return await self.made.acts.go_live.off(self.rig.actor(CARL), TERMINAL)

    async def question(self, change: Change) -> Approval:
        found: Approval = await self.rig.read(lambda unit: approvals.of_subject(unit, ApprovalSubject.CHANGE, change.id))
        return found

    async def approve(self, change: Change, person: int = CORA) -> Change:
        approval = await self.question(change)
        token = (await self.rig.read(lambda unit: buttons_of(unit, approval, person)))[Act.APPROVE]
        await self.made.acts.answer(self.rig.actor(person), token, True)
        return await self.now(change)

    async def alone(self, change: Change) -> Change:
        approval = await self.question(change)
        await self.made.acts.answer.alone(self.rig.actor(CARL), approval.number, str(approval.phrase))
        return await self.now(change)

    async def now(self, change: Change) -> Change:
        found: Change = await self.rig.read(lambda unit: changes.find(unit, change.id))
        return found

    async def denied(self) -> set[CheckCode]:
        shown = await preview_of(self.rig, await self.rig.mission())
        return {check.code for check in shown.checks if not check.passed}


def second_commander(unit: Unit) -> None:
    carl = people.find(unit, CARL)
    assert carl is not None
    people.save_role(unit, replace(carl, id=CORA, name="Cora", username="cora", role=Role.COMMANDER), None)


@asynccontextmanager
async def deciding(folder: Path, *, alone: bool = False) -> AsyncIterator[Deciding]:
    async with desk_at(folder) as rig:
        if not alone:
            await rig.trading.database.write(second_commander)
        await make_live(rig)
        keys, trading = Keys(), rig.trading
        made = build_proposals(
            rig.settings,
            trading.database,
            SystemIds(),
            RoleBook(SystemIds(), rig.settings.desk, rig.settings.paper),
            trading.desk.rules.grounds,
            cast(VenueSync, keys),
        )
        yield Deciding(rig=rig, made=made, keys=keys)


async def newest(rig: Rig) -> TradeState:
    found = await rig.read(lambda unit: trades.by_number(unit, 1))
    return cast(TradeState, found.state)


async def test_two_commanders_open_it_and_one_closes_it_at_once(tmp_path: Path) -> None:
    async with deciding(tmp_path) as desk:
        assert await desk.denied() == {CheckCode.LIVE_DECISION}
        change = await desk.ask()
        assert (change.state, change.before, change.after) == (ChangeState.WAITING, EXITS_ONLY, GROUND.written)
        assert await desk.denied() == {CheckCode.LIVE_DECISION}
        assert (await desk.approve(change)).state is ChangeState.IN_FORCE
        assert await desk.denied() == set()
        with pytest.raises(Refused, match="CHANGE_SAME"):
            await desk.ask()

        back = await desk.made.acts.undo(desk.rig.actor(CARL), change.number)

        assert (back.state, back.after) == (ChangeState.IN_FORCE, EXITS_ONLY)
        assert await desk.denied() == {CheckCode.LIVE_DECISION}
        again = await desk.made.acts.undo(desk.rig.actor(CARL), back.number)
        assert again.state is ChangeState.WAITING
        assert await desk.denied() == {CheckCode.LIVE_DECISION}


async def test_closing_it_while_the_question_waits_ends_the_question(tmp_path: Path) -> None:
    async with deciding(tmp_path) as desk:
        change = await desk.ask()

        assert (await desk.off()).state is ChangeState.CANCELED

        ended = await desk.question(change)
        assert ended.state is ApprovalState.WITHDRAWN
        assert not await desk.rig.read(lambda unit: buttons_of(unit, ended, CORA))
        with pytest.raises(Refused, match="CHANGE_SAME"):
            await desk.off()


async def revoked_after_the_tap(desk: Deciding) -> TradeState:
    """Confirm while the decision stands, take it back before the claim, and return what became of the trade."""
    await decide(desk.rig)
    assert isinstance(await fire(desk.rig), Fired)
    await decide(desk.rig, EXITS_ONLY)
    await desk.rig.settle()
    return await newest(desk.rig)


async def test_a_decision_taken_back_between_tap_and_claim_stops_the_order(tmp_path: Path) -> None:
    async with deciding(tmp_path) as desk:
        assert await revoked_after_the_tap(desk) is TradeState.CANCELED
        closed = await desk.rig.read(lambda unit: trades.by_number(unit, 1))
        assert closed.close_reason == CheckCode.LIVE_DECISION


async def test_an_executor_that_does_not_look_again_would_send_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(executor, "read_standing", lambda unit, terminal, grounds: None)
    async with deciding(tmp_path) as desk:
        assert await revoked_after_the_tap(desk) is TradeState.OPEN


@pytest.mark.parametrize("ground", [ELSEWHERE, OTHER_KEY, None], ids=["host", "key", "facts"])
async def test_a_decision_about_another_place_lets_nothing_through(tmp_path: Path, ground: object) -> None:
    async with deciding(tmp_path) as desk:
        await decide(desk.rig)
        assert isinstance(await fire(desk.rig), Fired)
        await make_live(desk.rig, cast(None, ground))
        await desk.rig.settle()

        assert await newest(desk.rig) is TradeState.CANCELED
        assert await desk.denied() == {CheckCode.LIVE_DECISION}


async def test_a_gate_without_the_check_would_let_the_entry_be_confirmed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = {code: check for code, check in gate._CHECKS.items() if code is not CheckCode.LIVE_DECISION}
    monkeypatch.setattr(gate, "_CHECKS", kept)
    async with deciding(tmp_path) as desk:
        assert isinstance(await fire(desk.rig), Fired)
        await desk.rig.settle()

        # The claim holds it all the same.
        assert await newest(desk.rig) is TradeState.CANCELED


async def test_exits_pass_and_other_terminals_are_untouched(tmp_path: Path) -> None:
    async with deciding(tmp_path) as desk:
        rig = desk.rig
        await decide(rig)
        await fire(rig)
        await rig.settle()
        await make_live(rig, ELSEWHERE)
        await desk.off()
        await rig.settle()
        assert await newest(rig) is TradeState.OPEN
        asked = await rig.trading.ask_close(rig.actor(), "1", Decimal(1))
        assert asked.token is not None
        await rig.trading.close(rig.actor(), asked.token.id, Act.CLOSE)
        await rig.settle()

        assert await newest(rig) is TradeState.CLOSED
        assert isinstance(await fire(rig, person=TOM), Fired)
        await rig.settle()
        assert [trade.state for trade in await rig.read(trades.live)] == [TradeState.OPEN]


async def test_closing_it_takes_waiting_entries_back(tmp_path: Path) -> None:
    async with deciding(tmp_path) as desk:
        await desk.approve(await desk.ask())
        assert isinstance(await fire(desk.rig), Fired)
        await desk.off()

        assert await newest(desk.rig) is TradeState.CANCELED


@pytest.mark.parametrize("right", [KeyRight.MAY, KeyRight.UNASKED], ids=["may", "unasked"])
async def test_a_key_that_may_withdraw_stops_the_wish_and_the_yes(tmp_path: Path, right: KeyRight) -> None:
    async with deciding(tmp_path) as desk:
        desk.keys.right = right
        with pytest.raises(Refused, match="LIVE_KEY"):
            await desk.ask()
        desk.keys.right = KeyRight.UNSAID
        change = await desk.ask()
        desk.keys.right = right

        done = await desk.approve(change)

        assert (done.state, done.reason) == (ChangeState.CANCELED, "LIVE_KEY")
        assert await desk.denied() == {CheckCode.LIVE_DECISION}


async def test_facts_that_change_before_the_yes_let_it_come_to_nothing(tmp_path: Path) -> None:
    async with deciding(tmp_path) as desk:
        change = await desk.ask()
        await make_live(desk.rig, ELSEWHERE)

        done = await desk.approve(change)

        assert (done.state, done.reason) == (ChangeState.CANCELED, "LIVE_MOVED")
        assert await desk.denied() == {CheckCode.LIVE_DECISION}


async def test_who_leads_back_to_an_older_place_opens_nothing_alone(tmp_path: Path) -> None:
    async with deciding(tmp_path) as desk:
        await desk.approve(await desk.ask())
        await make_live(desk.rig, ELSEWHERE)
        moved = await desk.approve(await desk.ask())
        await make_live(desk.rig)

        back = await desk.made.acts.undo(desk.rig.actor(CARL), moved.number)

        # It looks like a tightening, for what it leads back from was none.
        assert (back.tightens, back.state, back.reason) == (True, ChangeState.CANCELED, "LIVE_MOVED")
        assert await desk.denied() == {CheckCode.LIVE_DECISION}


async def test_a_single_commander_waits_a_day_to_the_millisecond(tmp_path: Path) -> None:
    async with deciding(tmp_path, alone=True) as desk:
        rig, change = desk.rig, await desk.ask()
        rig.clock.advance(DAY_S - 0.001)
        with pytest.raises(Refused, match="APPROVAL_EARLY"):
            await desk.alone(change)
        rig.clock.advance(0.001)

        assert (await desk.alone(change)).state is ChangeState.IN_FORCE
        rig.quote("63999.99", "64000.01")
        await rig.trading.sync.refresh_balance(await rig.read(lambda unit: terminals.find(unit, TERMINAL)))
        assert await desk.denied() == set()


@pytest.mark.parametrize("ground", [GROUND, ELSEWHERE, None], ids=["same", "elsewhere", "none"])
async def test_a_start_ends_a_decision_that_does_not_hold_for_good(tmp_path: Path, ground: object) -> None:
    async with deciding(tmp_path) as desk:
        decided = await decide(desk.rig)
        await make_live(desk.rig, cast(None, ground))

        ended = await desk.made.retire_live()
        await make_live(desk.rig)

        assert ended == (0 if ground is GROUND else 1)
        assert await desk.denied() == (set() if ground is GROUND else {CheckCode.LIVE_DECISION})
        assert (await desk.now(decided)).state is (ChangeState.IN_FORCE if ground is GROUND else ChangeState.SUPERSEDED)


async def test_only_live_terminals_are_asked_about(tmp_path: Path) -> None:
    async with deciding(tmp_path) as desk:
        with pytest.raises(Refused, match="LIVE_FACTS"):
            await desk.made.acts.go_live(desk.rig.actor(CARL), f"paper-{TOM}")
        terminal = await desk.rig.read(lambda unit: terminals.find(unit, f"paper-{TOM}"))
        assert terminal.mode is TerminalMode.PAPER
        with pytest.raises(Exception, match="ROLE"):
            await desk.made.acts.go_live(desk.rig.actor(ANN), TERMINAL)
