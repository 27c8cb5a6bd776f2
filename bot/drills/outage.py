"""The outage drill: the venue stops answering while positions are open and an entry is on its way."""

from __future__ import annotations

from bot.drills.world import ANN, BEN, World
from services.access.alerts import AlertCode
from services.domain.drills import Steps
from services.domain.entries import EntryKind
from services.domain.orders import Purpose
from services.domain.states import InstructionState, TradeState
from services.operations.judgement import Status
from services.storage import incidents, instructions, trades
from services.storage.database import Unit

BTC, ETH = "BTC/USDT", "ETH/USDT"
# The desk asks about a write of unknown outcome ever more slowly, in the end every ten seconds.
ASKED_AGAIN_S = 25.0


async def drill_outage(world: World, steps: Steps) -> None:
    """Lose the answer to an entry and the venue with it, then let the venue come back."""
    held = await world.enter(ANN, BTC, EntryKind.TAKE)
    steps.need("a position is open and protected", await world.until(lambda: protected(world, held)))
    before = await world.trading.database.read(_books)
    world.venue.lose_reply = True
    flying = await world.enter(BEN, ETH, EntryKind.TAKE)
    went_down = world.clock.monotonic()
    steps.need("the answer to an entry is lost: its outcome is unknown", await world.until(lambda: _unknown(world, flying)))
    for _ in range(2):
        # As the desk does every half minute, and once more before it believes it.
        await world.trading.sync.reconcile_all()
    told = await world.until(lambda: _told(world), ASKED_AGAIN_S)
    incidents = await world.trading.database.read(_incidents)
    steps.check("people are told, in one incident each", told, ", ".join(f"{name} x{n}" for name, n in incidents) or "none")
    refused = [await world.refusal(person, symbol) for person, symbol in ((ANN, ETH), (BEN, BTC))]
    steps.check("new entries are refused there", all("RECONCILED" in each for each in refused), "; ".join(refused))
    steps.check("nothing was closed or booked that the venue did not say", await world.trading.database.read(_books) == before)
    steps.measure("outage", f"{world.clock.monotonic() - went_down:.0f} s")
    world.venue.down = False
    await _come_back(world, steps, held, flying)


async def _come_back(world: World, steps: Steps, held: str, flying: str) -> None:
    back = world.clock.monotonic()
    found = await world.until(lambda: protected(world, flying), ASKED_AGAIN_S)
    steps.check("what the venue did meanwhile is booked and protected", found)
    steps.measure("protected after", f"{world.clock.monotonic() - back:.1f} s")
    known = await world.until(lambda: _known(world, flying), ASKED_AGAIN_S)
    steps.check("what was unknown is known", known)
    steps.measure("known after", f"{world.clock.monotonic() - back:.1f} s")
    steps.check("what was open is as it was", await protected(world, held))
    steps.check("desk and venue agree", not await world.trading.sync.reconcile_all())
    left = await world.trading.database.read(_incidents)
    steps.check("the incidents are over", not left, ", ".join(name for name, _ in left))
    await _sent_once(world, steps, flying)
    steps.check("entries are taken again", not await world.refusal(BEN, BTC))
    broken = [f"{each.number} {each.detail}" for each in await world.invariants() if each.status is Status.FAIL]
    steps.check("what always holds does", not broken, "; ".join(broken))


async def _sent_once(world: World, steps: Steps, trade_id: str) -> None:
    sent = await world.trading.database.read(lambda unit: instructions.of_trade(unit, trade_id))
    entries = [order.client_id for each in sent if each.purpose is Purpose.ENTRY for order in each.orders]
    times = [world.venue.placed[name] for name in entries]
    steps.check("the entry reached the venue once", times == [1], f"{times} of {sum(world.venue.placed.values())} orders")


async def protected(world: World, trade_id: str) -> bool:
    """Tell whether a trade is open and stops at the venue cover all of it."""
    trade = await world.trade(trade_id)
    if trade.state is not TradeState.OPEN or trade.open_quantity <= 0:
        return False
    names = {each.client_id for each in await world.orders_of(trade_id)}
    stops = [o.quantity for o in await world.at_venue() if o.client_id in names and o.stop_price is not None]
    return sum(stops) >= trade.open_quantity


async def _unknown(world: World, trade_id: str) -> bool:
    found = await world.trading.database.read(lambda unit: instructions.of_trade(unit, trade_id))
    return any(each.state is InstructionState.UNKNOWN for each in found)


async def _known(world: World, trade_id: str) -> bool:
    return not await _unknown(world, trade_id)


async def _told(world: World) -> bool:
    told = {name for name, _ in await world.trading.database.read(_incidents)}
    return {AlertCode.OUTCOME_UNKNOWN.value, AlertCode.VENUE_UNREACHABLE.value} <= told


def _incidents(unit: Unit) -> list[tuple[str, int]]:
    return [(row.code, row.count) for row in incidents.open_incidents(unit)]


def _books(unit: Unit) -> list[tuple[str, str]]:
    return [(each.id, str(each.open_quantity)) for each in trades.live(unit) if each.open_quantity]
