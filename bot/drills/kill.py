"""The kill drill: two people hold protected positions and have entries resting; the kill is thrown, then all is flattened."""

from __future__ import annotations

from decimal import Decimal
from functools import partial

from bot.drills.market import MIDDLES
from bot.drills.outage import protected
from bot.drills.world import ANN, BEN, CARL, World
from services.domain.drills import Steps
from services.domain.entries import EntryKind
from services.domain.errors import Refused
from services.domain.halts import HaltScope
from services.domain.kills import Kill
from services.domain.money import Price
from services.domain.orders import OrderRole, Purpose
from services.domain.states import LIVE_ORDER_STATES, HaltState, InstructionState
from services.execution.rearming import RESUME_WORD
from services.operations.judgement import Status
from services.storage import halts, instructions, kills, trades
from services.storage.database import Unit

BTC, ETH = "BTC/USDT", "ETH/USDT"
BELOW = Decimal("0.99")


async def drill_kill(world: World, steps: Steps) -> None:
    """Halt, cancel, flatten and try to resume."""
    held = [await world.enter(ANN, BTC, EntryKind.TAKE), await world.enter(BEN, ETH, EntryKind.TAKE)]
    resting = [await _rest(world, ANN, ETH), await _rest(world, BEN, BTC)]
    for trade_id in held:
        steps.need("a position is open and protected", await world.until(partial(protected, world, trade_id)))
    for trade_id in resting:
        steps.need("an entry rests at the venue", await world.until(partial(_rests, world, trade_id)))
    await _throw(world, steps, held, resting)
    await _flatten(world, steps, held)
    await _try_to_resume(world, steps)
    late = await world.trading.database.read(_sent_under_halt)
    steps.check("no entry was sent after the halt was committed", not late, ", ".join(late))
    broken = [f"{each.number} {each.detail}" for each in await world.invariants() if each.status is Status.FAIL]
    steps.check("what always holds does", not broken, "; ".join(broken))


async def _throw(world: World, steps: Steps, held: list[str], resting: list[str]) -> None:
    thrown = world.clock.monotonic()
    halted = await world.trading.halt(world.actor(ANN), HaltState.HALTED, "a drill")
    took = (world.clock.monotonic() - thrown) * 1000
    steps.measure("halt committed", f"{took:.0f} ms")
    steps.need("a trader's kill is committed at once", halted.halt.state is HaltState.HALTED, f"{took:.0f} ms")
    gone = await world.until(lambda: _none_rests(world, resting))
    steps.check("every entry is off the venue", gone)
    steps.measure("entries gone", f"{world.clock.monotonic() - thrown:.1f} s")
    steps.check("protection stays", all([await protected(world, trade_id) for trade_id in held]))
    over = await world.until(lambda: _is_over(world))
    steps.check("the kill says so itself, with nothing left", over, await _left(world))
    refused = await world.refusal(ANN, BTC)
    steps.check("new entries are refused", "HALT" in refused, refused)


async def _flatten(world: World, steps: Steps, held: list[str]) -> None:
    carl, began = world.actor(CARL), world.clock.monotonic()
    asked = await world.trading.flatten.ask(carl)
    steps.check("the commander is told what would be sold", asked.positions == len(held), f"{asked.positions} positions")
    await world.trading.flatten(carl, asked.token.id, "a drill")
    flat = await world.until(lambda: _flat(world))
    steps.check("after the flatten the venue has no position and no order", flat, await _left(world))
    steps.measure("flat", f"{world.clock.monotonic() - began:.1f} s")
    over = await world.until(lambda: _is_over(world))
    steps.check("the kill ends with nothing left", over, await _left(world))


async def _try_to_resume(world: World, steps: Steps) -> None:
    steps.check("a trader cannot resume", not await _resumes(world, ANN, RESUME_WORD))
    steps.check("a commander cannot without the word", not await _resumes(world, CARL, "yes"))
    await _resumes(world, CARL, RESUME_WORD)
    halt = await world.trading.database.read(lambda unit: halts.find(unit, HaltScope.DESK, halts.DESK))
    still = halt is not None and halt.state is HaltState.HALTED
    steps.check("with the word the desk stays halted for the wait", still, f"{world.settings.killing.rearm_wait_s:.0f} s")


async def _resumes(world: World, person_id: int, word: str) -> bool:
    actor = world.actor(person_id)
    try:
        asked = await world.trading.resume.ask(actor)
        await world.trading.resume(actor, asked.token.id if asked.token is not None else None, word)
    except Refused:
        return False
    return True


async def _rest(world: World, person_id: int, symbol: str) -> str:
    return await world.enter(person_id, symbol, EntryKind.LIMIT, Price(MIDDLES[symbol] * BELOW))


async def _rests(world: World, trade_id: str) -> bool:
    entries = [order for order in await world.orders_of(trade_id) if order.role is OrderRole.ENTRY]
    working = {each.client_id for each in await world.at_venue()}
    return any(order.state in LIVE_ORDER_STATES and order.client_id in working for order in entries)


async def _none_rests(world: World, resting: list[str]) -> bool:
    working = {each.client_id for each in await world.at_venue()}
    names = {order.client_id for trade_id in resting for order in await world.orders_of(trade_id)}
    return not names & working


async def _kill(world: World) -> Kill | None:
    return await world.trading.database.read(kills.newest)


async def _is_over(world: World) -> bool:
    kill = await _kill(world)
    return kill is not None and not kill.running and not kill.leftovers


async def _left(world: World) -> str:
    kill = await _kill(world)
    return (
        "; ".join(f"{each.terminal} {each.name}: {each.reason}" for each in kill.leftovers) if kill is not None else "no kill"
    )


async def _flat(world: World) -> bool:
    return not await world.held() and not await world.at_venue()


def _sent_under_halt(unit: Unit) -> list[str]:
    halt = halts.find(unit, HaltScope.DESK, halts.DESK)
    since = halt.since if halt is not None else unit.now
    never = (InstructionState.INTENT, InstructionState.EXPIRED, InstructionState.DENIED)
    known = [
        each for trade in trades.tapped_since(unit, since.replace(year=2000)) for each in instructions.of_trade(unit, trade.id)
    ]
    entries = [each for each in known if each.purpose is Purpose.ENTRY and each.state not in never]
    return [each.id for each in entries if each.sent_at is not None and each.sent_at >= since]
