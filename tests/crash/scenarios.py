"""What the desk is doing when it dies: the state before, the tap or the price that starts it, and how it may end."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial

from services.domain.buttons import Act
from services.domain.errors import AlreadyDone
from services.domain.states import HaltState, TradeState
from services.execution.manage import CloseAsked
from services.storage import outbox, previews, terminals, trades, updates
from services.storage.database import Unit, UpdateTicket, current_update
from tests.crash.audit import TERMINAL
from tests.trading.rig import ANN, Rig

Step = Callable[[Rig], Awaitable[None]]
CALM = ("63999.99", "64000.01")
UPDATE = 77


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """``prepare`` leads to a desk at rest, ``act`` is what is interrupted; ``ends`` are the states the trade may end in.

    ``price`` is the market from the act on; the desk is back ``away_s`` seconds after it died. ``tap`` is false when the market
    acts and not a person; ``again`` tells that the act runs once more at the start when nothing of it was committed, as a
    halt does.
    """

    name: str
    prepare: Step
    act: Step
    ends: frozenset[TradeState | None]
    price: tuple[str, str] = CALM
    away_s: float = 3
    tap: bool = True
    again: bool = False
    paper: Mapping[str, object] = field(default_factory=dict)


def note(rig: Rig, name: str, text: str) -> None:
    """Keep a text over the desk's death."""
    (rig.settings.desk.state_dir / name).write_text(text)


def noted(rig: Rig, name: str) -> str:
    """Return a text that was kept."""
    return (rig.settings.desk.state_dir / name).read_text()


async def work(rig: Rig, rounds: int = 5) -> None:
    """Let the stages work for a while."""
    for _ in range(rounds):
        await rig.step()


async def preview(rig: Rig) -> None:
    """Have an open mission and its preview in front of Ann."""
    mission = await rig.mission()
    await rig.trading.preview(rig.actor(), mission.id)
    shown = await rig.read(lambda unit: previews.find(unit, mission.id, ANN))
    note(rig, "token", shown.token_id)
    note(rig, "mission", mission.id)


async def confirm(rig: Rig) -> None:
    """Press Confirm."""
    await rig.trading.fire(rig.actor(), noted(rig, "token"))


async def open_trade(rig: Rig) -> None:
    """Have an open, protected trade."""
    await preview(rig)
    await confirm(rig)
    await work(rig)
    rig.clock.advance(60)


async def filled_unbooked(rig: Rig) -> None:
    """Have an entry that the venue filled and the desk has not looked at."""
    await preview(rig)
    await confirm(rig)
    await rig.trading.executor.send_waiting()
    await rig.nursery.wait_for_jobs(5)
    await rig.trading.paper.settle()


async def only_trade(rig: Rig) -> str:
    """Return the id of the one trade."""
    found = await rig.read(lambda unit: trades.by_number(unit, 1))
    assert found is not None
    return str(found.id)


async def close_asked(share: Decimal, rig: Rig) -> None:
    """Have an open trade and the confirmation of its close in front of Ann."""
    await open_trade(rig)
    asked: CloseAsked = await rig.trading.ask_close(rig.actor(), await only_trade(rig), share)
    assert asked.token is not None
    note(rig, "token", asked.token.id)


async def press_close(rig: Rig) -> None:
    """Confirm the close."""
    await rig.trading.close(rig.actor(), noted(rig, "token"), Act.CLOSE)


async def risen(rig: Rig) -> None:
    """Have an open trade with some profit."""
    await open_trade(rig)
    await rig.trading.paper.on_quote(rig.quote("65000", "65000.02"))
    await work(rig, 2)


async def break_even(rig: Rig) -> None:
    """Move the stop to the entry."""
    await rig.trading.move_stop(rig.actor(), await only_trade(rig), "be")


async def working_entry(rig: Rig) -> None:
    """Have an entry that the venue holds and has not executed."""
    await preview(rig)
    await confirm(rig)
    await rig.trading.executor.send_waiting()
    await rig.nursery.wait_for_jobs(5)
    terminal = await rig.read(lambda unit: terminals.find(unit, TERMINAL))
    await rig.trading.sync.look(terminal)


async def halt(rig: Rig) -> None:
    """Halt the desk."""
    await rig.trading.halt(rig.actor(), HaltState.HALTED, "test")


async def nothing(_rig: Rig) -> None:
    """Only let the stages work."""


async def price_reaches(bid: str, ask: str, rig: Rig) -> None:
    """Show the venue a price."""
    await rig.trading.paper.on_quote(rig.quote(bid, ask))


def everything_told(unit: Unit) -> None:
    """Take every card and notice as delivered, so that what is told later can be seen."""
    for card in outbox.stale_cards(unit, 1000):
        outbox.shown(unit, card, message_id=1, digest=None, has_photo=False)
    for notice in outbox.pending_notices(unit, 1000):
        outbox.told(unit, notice, 1)


async def prepare(scenario: Scenario, rig: Rig) -> None:
    """Bring the desk to the moment before the act, with all that is due told and the person's update received."""
    await scenario.prepare(rig)
    await rig.trading.database.write(everything_told)
    if scenario.tap:
        await rig.trading.database.write(lambda unit: updates.store(unit, [(UPDATE, "{}")]))


async def carry_out(scenario: Scenario, rig: Rig) -> None:
    """Do the act, a person's as the handling of their update."""
    ticket = current_update.set(UpdateTicket(UPDATE) if scenario.tap else None)
    try:
        await scenario.act(rig)
    except AlreadyDone:
        return
    finally:
        current_update.reset(ticket)


_OPEN, _CLOSED, _FAILED, _CANCELED = TradeState.OPEN, TradeState.CLOSED, TradeState.FAILED, TradeState.CANCELED

SCENARIOS = (
    Scenario(name="fire", prepare=preview, act=confirm, ends=frozenset({None, _OPEN, _FAILED})),
    Scenario(
        name="fire and stay away", prepare=preview, act=confirm, ends=frozenset({None, _OPEN, _FAILED, _CANCELED}), away_s=60
    ),
    Scenario(name="protect", prepare=filled_unbooked, act=nothing, tap=False, ends=frozenset({_OPEN})),
    Scenario(
        name="target",
        prepare=open_trade,
        act=partial(price_reaches, "66100", "66100.02"),
        tap=False,
        price=("66100", "66100.02"),
        ends=frozenset({_OPEN}),
    ),
    Scenario(
        name="stop",
        prepare=open_trade,
        act=partial(price_reaches, "62999", "62999.02"),
        tap=False,
        price=("62999", "62999.02"),
        ends=frozenset({_CLOSED}),
    ),
    Scenario(name="half close", prepare=partial(close_asked, Decimal("0.5")), act=press_close, ends=frozenset({_OPEN})),
    Scenario(name="full close", prepare=partial(close_asked, Decimal(1)), act=press_close, ends=frozenset({_OPEN, _CLOSED})),
    Scenario(name="move stop", prepare=risen, act=break_even, price=("65000", "65000.02"), ends=frozenset({_OPEN})),
    Scenario(
        name="halt",
        prepare=working_entry,
        act=halt,
        ends=frozenset({_CANCELED, _OPEN}),
        again=True,
        paper={"latency_ms": 500},
    ),
)
