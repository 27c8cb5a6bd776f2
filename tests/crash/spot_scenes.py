"""A desk at a spot exchange, where exits hold the position, as something to die through."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

from services.domain.buttons import Act
from services.domain.errors import AlreadyDone, Expired, Refused
from services.domain.orders import OrderSide
from services.domain.ports import Capabilities
from services.operations.venue_book import PAPER, BookFill, BookOrder, VenueBook
from tests.crash.audit import all_trades
from tests.crash.forking import Ask, Deathtrap
from tests.crash.leaping import LeapingLoop
from tests.crash.subjects import Outcome, later
from tests.crash.verdict import BOOKS, Problem, verify_without_chat
from tests.crash.wholedesk import in_leaping_time
from tests.crash.witness import UNCOMMITTED, Witness, writes
from tests.trading.rig import ANN, START
from tests.trading.spot_desk import SpotDesk, spot_desk
from tests.trading.spot_venue import LONE, PAIRS
from tests.trading.taps import fire

ACCOUNT = f"paper-{ANN}"
AWAY_S = 4

Step = Callable[[SpotDesk, Path], Awaitable[None]]
CLOCK = "clock"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What leads to the moment, and what is interrupted then."""

    name: str
    prepare: Step
    act: Step
    capabilities: Capabilities = PAIRS


async def entered(desk: SpotDesk, _folder: Path) -> None:
    """Have an entry that the exchange filled and the desk has not booked."""
    await fire(desk.rig)
    await desk.rig.trading.executor.send_waiting()
    await desk.rig.nursery.wait_for_jobs(5)


async def opened(desk: SpotDesk, _folder: Path) -> None:
    """Have an open, protected trade in some profit."""
    await desk.open()
    await desk.price("65000")


async def nothing(_desk: SpotDesk, _folder: Path) -> None:
    """Let only the stages work."""


async def asked(share: str, desk: SpotDesk, folder: Path) -> None:
    """Have an open trade and the question whether to close it, or half of it."""
    await opened(desk, folder)
    question = await desk.rig.trading.ask_close(desk.rig.actor(), "1", Decimal(share))
    assert question.token is not None
    (folder / "token").write_text(question.token.id)


async def pressed(desk: SpotDesk, folder: Path) -> None:
    """Confirm the close."""
    try:
        await desk.rig.trading.close(desk.rig.actor(), (folder / "token").read_text(), Act.CLOSE)
    except (AlreadyDone, Expired, Refused):
        return


async def moved(desk: SpotDesk, _folder: Path) -> None:
    """Move the stop."""
    await desk.rig.trading.move_stop(desk.rig.actor(), "1", "64400")


async def part_filled(desk: SpotDesk, _folder: Path) -> None:
    """Let the exchange fill a part of a target, which ends its stop."""
    target = next(order for order in desk.spot.working() if order.price is not None)
    desk.spot.execute(target.client_id or "", "0.001")


async def reached(desk: SpotDesk, _folder: Path) -> None:
    """Let the market reach the first target."""
    desk.spot.price("66000")


SCENES = (
    Scene(name="first-fill", prepare=nothing, act=entered),
    Scene(name="protect", prepare=entered, act=nothing),
    Scene(name="half-close", prepare=partial(asked, "0.5"), act=pressed),
    Scene(name="full-close", prepare=partial(asked, "1"), act=pressed),
    Scene(name="move-stop", prepare=opened, act=moved),
    Scene(name="part-filled-target", prepare=opened, act=part_filled),
    Scene(name="watched-target", prepare=opened, act=reached, capabilities=LONE),
)


class Selling:
    """One scene at the exchange, whose ledger is kept in the folder."""

    def __init__(self, scene: Scene) -> None:
        self.name = f"spot-{scene.name}"
        self._scene = scene

    def handle(self, request: Any) -> Any:
        raise AssertionError(f"nobody answers {request!r}")

    def state(self) -> str:
        return ""

    def prepare(self, folder: Path) -> None:
        async def body(desk: SpotDesk) -> None:
            await self._scene.prepare(desk, folder)
            (folder / CLOCK).write_text(desk.rig.clock.now().isoformat())

        folder.mkdir()
        self._live(folder, body, START, Deathtrap())

    def act(self, folder: Path, trap: Deathtrap, ask: Ask) -> None:
        async def body(desk: SpotDesk) -> None:
            trap.arm()
            await self._scene.act(desk, folder)
            for _ in range(8):
                await desk.second()
            trap.disarm()

        self._live(folder, body, datetime.fromisoformat((folder / CLOCK).read_text()), trap)

    def recover(self, folder: Path, trap: Deathtrap, ask: Ask, died: Any, deaths: int) -> Outcome:
        async def body(desk: SpotDesk) -> Outcome:
            await desk.rest()
            trap.disarm()
            found: list[Problem] = [(BOOKS, problem) for problem in await desk.problems()]
            written = writes(folder)
            if len(set(written)) != len(written) or any(each.startswith(UNCOMMITTED) for each in written):
                found.append((BOOKS, f"written twice, or never committed: {written}"))
            if await desk.rig.trading.sync.reconcile_all():
                found.append((BOOKS, "the reconciliation did not pass"))
            found += await verify_without_chat(desk.rig, lambda: [_book_of(desk)])
            trades = await desk.rig.read(all_trades)
            end = trades[0].state.value if trades else ""
            return Outcome(problems=tuple(found), reached=tuple(trap.reached), end=end)

        since = later(died, datetime.fromisoformat((folder / CLOCK).read_text()), AWAY_S)
        trap.arm()
        outcome: Outcome = self._live(folder, body, since, trap)
        return outcome

    def _live(self, folder: Path, body: Callable[[SpotDesk], Awaitable[Any]], since: datetime, trap: Deathtrap) -> Any:
        async def live(loop: LeapingLoop) -> Any:
            line = partial(Witness, folder=folder)
            loop.on_step = trap.take_step
            # A death while the desk opens has its time too: otherwise the next life would begin before it.
            trap.now = lambda: since
            async with spot_desk(folder, self._scene.capabilities, over=line, since=since) as desk:  # type: ignore[arg-type]
                trap.now = desk.rig.clock.now
                return await body(desk)

        return in_leaping_time(live)


def _book_of(desk: SpotDesk) -> VenueBook:
    """Return the exchange's ledger as the checks read a book; it keeps no times of its own."""
    ledger, now = desk.spot.ledger, desk.rig.clock.now()
    return VenueBook(
        venue=PAPER,
        read_at=now,
        orders=tuple(
            BookOrder(
                account=ACCOUNT,
                venue_id=order.venue_id,
                client_id=order.client_id,
                symbol=order.symbol,
                side=order.side,
                quantity=order.quantity,
                filled=order.filled,
                adds=order.side is OrderSide.BUY,
                state=order.state,
                accepted_at=now,
                updated_at=START,
            )
            for order in ledger.orders.values()
        ),
        fills=tuple(
            BookFill(
                account=ACCOUNT,
                venue_fill_id=fill.venue_fill_id,
                client_id=fill.client_id,
                symbol=fill.symbol,
                side=fill.side,
                quantity=fill.quantity,
                price=fill.price,
                fee=fill.fee,
                fee_currency=fill.fee_currency,
                at=START,
            )
            for fill in ledger.fills
        ),
        positions={(ACCOUNT, "BTC/USDT"): ledger.base} if ledger.base else {},
    )
